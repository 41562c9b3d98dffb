#include "server/conversations/others_marks.hpp"

#include "im/planted.hpp"
#include "server/conversations/feeds.hpp"
#include "server/conversations/opened.hpp"
#include "server/conversations/others_reading.hpp"
#include "server/conversations/sync_reading.hpp"
#include "wire/feeds.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace flare::server {
namespace {

constexpr std::chrono::milliseconds kTellAgain{1000};

wire::Body state_of(std::string_view name, std::uint64_t epoch, std::vector<wire::im::UserMark> others) {
    wire::im::Feed frame;
    wire::im::ConversationState& state = frame.states.emplace_back();
    state.conversation = name;
    state.epoch = epoch;
    state.others = std::move(others);
    return wire::im::feed_body(frame);
}

// Without those of `user`.
std::vector<wire::im::UserMark> marks_for(std::string_view user, const MarkNews& news) {
    std::vector<wire::im::UserMark> marks;
    for (const MarkNews::Moved& each : news.marks) {
        if (each.name != user) marks.push_back({each.name, each.read, each.delivered});
    }
    return marks;
}

}  // namespace

// ---- what the home tells ----

void OthersMarks::take(const MarkNews& news) {
    wire::Body shared;
    im::FedConversation* const conversation = parts_.feeds.machine().conversations().find(news.key);
    if (conversation == nullptr) return;
    for (const im::FeedRecord& feed : conversation->feeds) {
        auto& who = static_cast<FeedSubscriber&>(feed.session());
        if (who.target() == nullptr) continue;
        const auto debtor = debtors_.find(who.id());
        const bool owed = debtor != debtors_.end() && find(debtor->second, news.key) != nullptr;
        if (feed.opening()) {
            owe(who.id(), news.key);
        } else if (owed) {
            add(who.id(), news.key);
        } else {
            tell(who, news, shared);
        }
    }
}

// Of a room, whoever has not moved is told the same: `shared`.
void OthersMarks::tell(FeedSubscriber& who, const MarkNews& news, wire::Body& shared) {
    session::ServerSession& session = *who.target();
    const std::string name = reading::name_of(news.key, session.user());
    std::vector<wire::im::UserMark> marks = marks_for(session.user(), news);
    if (marks.empty()) return;
    const bool same = marks.size() == news.marks.size() && news.key.kind() == model::ConversationKind::room;
    wire::Body body = same ? shared : wire::Body();
    if (body.bytes.empty()) body = state_of(name, news.epoch, std::move(marks));
    if (same) shared = body;
    if (send(session, name, std::move(body)) || im::planted(im::Fault::owed_marks_forgotten)) return;
    add(who.id(), news.key);
    settle(who.id());
}

bool OthersMarks::send(session::ServerSession& session, std::string_view name, wire::Body body) {
    const session::LaneIndex lane = session::lane_of(name, session.lanes());
    if (FeedSubscriber::room_of(session, lane) == 0) return false;
    const auto sent = parts_.table.send_feed(session, lane, std::move(body), parts_.executor.now());
    const bool short_of_memory = !sent && sent.error() == errc::busy;
    if (short_of_memory) try_again_later();
    return !short_of_memory;  // a session that ends hears nothing of it
}

// ---- what is owed ----

OthersMarks::Owed* OthersMarks::find(Debtor& debtor, const model::ConversationKey& key) {
    const auto found = std::ranges::find(debtor.owed, key, &Owed::key);
    return found == debtor.owed.end() ? nullptr : &*found;
}

void OthersMarks::owe(const Uuid& session, const model::ConversationKey& key, std::uint64_t told) {
    add(session, key, told);
    try_again_later();
}

void OthersMarks::add(const Uuid& session, const model::ConversationKey& key, std::uint64_t told) {
    Debtor& debtor = debtors_[session];
    if (Owed* const owed = find(debtor, key); owed != nullptr) {
        ++owed->version;
    } else {
        debtor.owed.push_back({key, told});
    }
}

void OthersMarks::serve_later(const Uuid& session) {
    Debtor& debtor = debtors_[session];
    if (debtor.busy) return;
    debtor.busy = true;
    waiting_.push_back(session);
    if (waiting_.size() == 1) parts_.executor.later([this] { read_next(); });
}

void OthersMarks::serve(const Uuid& session) {
    if (debtors_.contains(session)) serve_later(session);
}

void OthersMarks::read_next() {
    while (reading_ < kMostReading && !waiting_.empty()) {
        const Uuid session = waiting_.front();
        waiting_.pop_front();
        const auto debtor = debtors_.find(session);
        if (debtor == debtors_.end()) continue;
        debtor->second.busy = false;
        read(session, debtor->second);
    }
}

// ---- the store ----

struct OthersMarks::Reading {
    struct Asked {
        model::ConversationKey key;
        std::uint64_t version = 0;
        im::Row row = 0;
        std::uint64_t epoch = 0;
        reading::Others others{};
    };
    Uuid session;
    im::Row user = 0;
    std::vector<Asked> asked{};
};

// Where there is no feed any more nothing is owed; of one that is opening nobody knows yet whether its user is a
// member.
void OthersMarks::read(const Uuid& session, Debtor& debtor) {
    const FeedSubscriber* const who = parts_.feeds.find(session);
    if (who == nullptr || who->target() == nullptr) return;
    if (who->target()->active() == session::kNoCarrier) return settle(session);
    const im::FedConversations& fed = parts_.feeds.machine().conversations();
    const auto job = std::make_shared<Reading>(Reading{session, who->user()});
    std::erase_if(debtor.owed, [&](const Owed& each) {
        im::FedConversation* const conversation = fed.find(each.key);
        const im::FeedRecord* const feed = conversation == nullptr ? nullptr : conversation->feeds.find(*who);
        if (feed == nullptr) return true;
        if (feed->opening() || job->asked.size() == kMostAtOnce) {
            try_again_later();
        } else {
            job->asked.push_back({each.key, each.version, conversation->row});
        }
        return false;
    });
    if (job->asked.empty()) return settle(session);
    debtor.busy = true;
    ++reading_;
    parts_.store.read(
        [job](store::Reader& reader) {
            for (Reading::Asked& each : job->asked) {
                const auto conversation = reader.conversation(each.row);
                if (!conversation) return reading::code_of(conversation);
                if (!*conversation) continue;
                each.epoch = (*conversation)->head.last.epoch;
                auto others = reading::read_others(reader, **conversation, job->user);
                if (!others) return reading::code_of(others);
                each.others = std::move(*others);
            }
            return errc::ok;
        },
        [this, job](errc code) { read_done(*job, code); });
}

void OthersMarks::read_done(Reading& job, errc code) {
    --reading_;
    if (const auto debtor = debtors_.find(job.session); debtor != debtors_.end()) debtor->second.busy = false;
    if (code != errc::ok) try_again_later();
    for (Reading::Asked& each : job.asked) {
        const FeedSubscriber* const who = parts_.feeds.find(job.session);
        const auto debtor = debtors_.find(job.session);
        if (code != errc::ok || who == nullptr || who->target() == nullptr || debtor == debtors_.end()) break;
        Owed* const owed = find(debtor->second, each.key);
        const im::FeedRecord* const feed = parts_.feeds.machine().find(*who, each.key);
        if (owed == nullptr || feed == nullptr || feed->opening()) continue;
        const std::uint64_t sum = reading::sum_of(each.others.marks);
        const std::string name = reading::name_of(each.key, who->target()->user());
        const bool is_news = !each.others.marks.empty() && sum != owed->told;
        if (is_news && !send(*who->target(), name, state_of(name, each.epoch, std::move(each.others.marks)))) continue;
        const auto still = debtors_.find(job.session);  // it may have ended
        if (still == debtors_.end()) break;
        Owed* const told = find(still->second, each.key);
        told->told = sum;
        if (told->version == each.version)
            still->second.owed.erase(still->second.owed.begin() + (told - still->second.owed.data()));
        else
            try_again_later();
    }
    settle(job.session);
    read_next();
}

// Whoever is owed something is told when there is room.
void OthersMarks::settle(const Uuid& session) {
    const FeedSubscriber* const who = parts_.feeds.find(session);
    const auto debtor = debtors_.find(session);
    const bool owes = debtor != debtors_.end() && !debtor->second.owed.empty();
    if (who != nullptr && who->target() != nullptr) who->target()->room().want(owes, session::RoomFor::marks);
    if (!owes && debtor != debtors_.end()) debtors_.erase(debtor);
}

void OthersMarks::try_again_later() {
    if (again_at_ != session::kNever) return;
    again_at_ = parts_.executor.now() + kTellAgain;
    parts_.executor.arm_timer();
}

void OthersMarks::on_time() {
    if (parts_.executor.now() < again_at_) return;
    again_at_ = session::kNever;
    std::vector<Uuid> sessions;
    for (const auto& [session, debtor] : debtors_) sessions.push_back(session);
    for (const Uuid& session : sessions) serve(session);
}

}  // namespace flare::server
