#include "server/conversations/deliveries.hpp"

#include "im/planted.hpp"
#include "server/conversations/feeds.hpp"

#include <algorithm>

namespace flare::server {

void Deliveries::note(const Delivered& delivered) {
    MarkNews& news = dirty_[delivered.conversation];
    const auto known = std::ranges::find(news.marks, delivered.user, &MarkNews::Moved::user);
    if (known != news.marks.end()) {
        known->delivered = std::max(known->delivered, delivered.offset);
        return;
    }
    if (count_ >= kMost) return;
    if (news.marks.empty()) news.key = delivered.key;
    news.marks.push_back({delivered.user, delivered.name, 0, delivered.offset});
    ++count_;
    if (count_ == kMost && !in_store_) return write();
    if (due_at_ != session::kNever) return;
    due_at_ = parts_.executor.now() + kInterval;
    parts_.executor.arm_timer();
}

void Deliveries::feed_acked(const session::ServerSession& session, std::uint32_t number, std::uint64_t token) {
    const FeedSubscriber* const who = parts_.feeds.find(session.id().value);
    if (who == nullptr) return;
    const auto [feed, offset] = read_token(number, token);
    const im::FedConversation* const conversation = parts_.feeds.machine().conversations().of(*who, feed);
    if (conversation == nullptr || conversation->row == 0 || who->user() == 0) return;
    const std::uint64_t upto = offset + (im::planted(im::Fault::delivered_ahead) ? 1 : 0);
    note({conversation->key, conversation->row, who->user(), session.user(), upto});
}

void Deliveries::on_time() {
    if (parts_.executor.now() < due_at_) return;
    due_at_ = session::kNever;
    if (!in_store_) write();
}

// ---- the store ----

void Deliveries::write() {
    const auto dirty = std::make_shared<const Dirty>(std::exchange(dirty_, {}));
    count_ = 0;
    auto batch = std::make_unique<store::WriteBatch>();
    for (const auto& [conversation, news] : *dirty) {
        for (const MarkNews::Moved& each : news.marks)
            batch->writes.emplace_back().what =
                store::Mark{conversation, each.user, each.delivered, store::Mark::What::delivered};
    }
    if (batch->writes.empty()) return;
    in_store_ = true;
    parts_.store.write(std::move(batch), [this, dirty](std::unique_ptr<store::WriteBatch> done, errc code) {
        written(*dirty, *done, code);
    });
}

// What could not be written waits for the next time, if there is room for it.
void Deliveries::written(const Dirty& dirty, const store::WriteBatch& batch, errc code) {
    in_store_ = false;
    std::vector<MarkNews> told;
    std::size_t at = 0;
    for (const auto& [conversation, news] : dirty) {
        MarkNews moved{news.key};
        for (const MarkNews::Moved& each : news.marks) {
            const store::Outcome& outcome = batch.writes[at++].outcome;
            if (code != errc::ok || outcome.code == errc::storage_full) {
                note({news.key, conversation, each.user, each.name, each.delivered});
            } else if (outcome.code == errc::ok && !outcome.repeat) {
                moved.epoch = outcome.position.epoch;
                moved.marks.push_back({each.user, each.name, outcome.position.offset, outcome.delivered});
            }
        }
        if (!moved.marks.empty()) told.push_back(std::move(moved));
    }
    if (!told.empty()) tell_homes(parts_.router, std::move(told));
    if (count_ == 0 || due_at_ != session::kNever) return;
    due_at_ = parts_.executor.now() + kInterval;
    parts_.executor.arm_timer();
}

// ---- pages of lists ----

std::uint64_t Deliveries::page(const session::SessionId& session, std::vector<Brought> brought) {
    if (brought.empty()) return 0;
    std::vector<Page>& pages = pages_[session.value];
    if (pages.size() >= kMostPages) return 0;
    pages.push_back({++last_token_, std::move(brought)});
    return last_token_;
}

void Deliveries::page_acked(const session::ServerSession& session, std::uint64_t token) {
    const auto found = pages_.find(session.id().value);
    if (found == pages_.end()) return;
    const auto page = std::ranges::find(found->second, token, &Page::token);
    if (page == found->second.end()) return;
    for (const Brought& each : page->brought)
        note({each.key, each.conversation, each.user, session.user(), each.offset});
    found->second.erase(page);
    if (found->second.empty()) pages_.erase(found);
}

}  // namespace flare::server
