#include "server/conversations/moved_marks.hpp"

#include "im/planted.hpp"
#include "server/worker/shard.hpp"
#include "wire/sync.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {

void MarkNews::add(const MarkNews& newer) {
    if (epoch != newer.epoch) {
        *this = newer;
        return;
    }
    for (const Moved& each : newer.marks) {
        const auto known = std::ranges::find(marks, each.user, &Moved::user);
        if (known == marks.end()) {
            marks.push_back(each);
        } else {
            known->read = std::max(known->read, each.read);
            known->delivered = std::max(known->delivered, each.delivered);
        }
    }
}

void tell_homes(Router& router, std::vector<MarkNews> news) {
    std::vector<std::vector<MarkNews>> by_home(router.workers());
    for (MarkNews& each : news) by_home[router.home_of(each.key.text())].push_back(std::move(each));
    for (std::uint32_t home = 0; home < by_home.size(); ++home) {
        if (by_home[home].empty()) continue;
        router.give(home, [part = std::move(by_home[home])](Shard& shard) {
            for (const MarkNews& each : part) shard.conversations()->moved.take(each);
        });
    }
}

bool MovedMarks::is_watched(const model::ConversationKey& key) {
    bool watched = false;
    parts_.watched.each_with_feeds(key, [&](std::uint32_t) { watched = true; });
    return watched;
}

void MovedMarks::take(MarkNews news) {
    auto found = by_key_.find(news.key.text());
    if (found == by_key_.end()) {
        if (by_key_.size() >= kMost || !is_watched(news.key)) return;
        auto made = std::make_unique<Waiting>();
        made->news.key = news.key;
        made->told_at = parts_.executor.now() - kInterval;
        found = by_key_.emplace(made->news.key.text(), nullptr).first;
        found->second = std::move(made);
    }
    Waiting& waiting = *found->second;
    waiting.news.add(news);
    const session::TimePoint now = parts_.executor.now();
    const session::TimePoint at = std::max(waiting.told_at + kInterval, now);
    if (at == now) tell(waiting);
    if (im::planted(im::Fault::moved_mark_dropped)) waiting.news.marks.clear();
    const session::TimePoint due_at = waiting.told_at + kInterval;
    if (due_at >= due_at_) return;
    due_at_ = due_at;
    parts_.executor.arm_timer();
}

// Who was removed since, or a conversation that has grown.
void MovedMarks::leave_out_strangers(MarkNews& news) const {
    const im::Conversation* const known = parts_.watched.known(news.key);
    if (known == nullptr) return;
    const im::Conversation& conversation = *known;
    if (conversation.member_count() > wire::im::kMaxOthers) return news.marks.clear();
    if (!conversation.members().listed()) return;
    std::vector<MarkNews::Moved> members;
    conversation.members().for_each([&](const model::Member& member) {
        const auto mark = std::ranges::find(news.marks, member.user, &MarkNews::Moved::user);
        if (mark != news.marks.end()) members.push_back(std::move(*mark));
    });
    news.marks = std::move(members);
}

void MovedMarks::tell(Waiting& waiting) {
    leave_out_strangers(waiting.news);
    if (waiting.news.marks.empty()) return;
    const auto news = std::make_shared<MarkNews>(MarkNews{waiting.news.key, waiting.news.epoch});
    news->marks.swap(waiting.news.marks);
    waiting.told_at = parts_.executor.now();
    parts_.watched.each_with_feeds(news->key, [&](std::uint32_t worker) {
        parts_.router.give(worker,
                           [told = MarkNewsPtr(news)](Shard& shard) { shard.conversations()->others.take(*told); });
    });
}

void MovedMarks::on_time() {
    const session::TimePoint now = parts_.executor.now();
    if (now < due_at_) return;
    due_at_ = session::kNever;
    boost::unordered::erase_if(by_key_, [&](const auto& each) {
        Waiting& waiting = *each.second;
        if (waiting.told_at + kInterval <= now) tell(waiting);
        if (waiting.told_at + kInterval <= now) return true;  // there was nothing
        due_at_ = std::min(due_at_, waiting.told_at + kInterval);
        return false;
    });
    if (due_at_ != session::kNever) parts_.executor.arm_timer();
}

}  // namespace flare::server
