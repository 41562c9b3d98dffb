#include "server/conversations/list_follower.hpp"

#include "server/conversations/feed_session.hpp"

#include <iterator>
#include <utility>

namespace flare::server {

// ---- what is told ----

void ListFollower::tell_mark(std::string_view name, std::uint64_t epoch, const wire::im::ReadMark& mark) {
    tell(name, {.epoch = epoch, .mark = mark});
}

void ListFollower::tell_settings(std::string_view name, std::uint64_t epoch, const wire::im::Settings& settings,
                                 const std::optional<wire::im::ReadMark>& mark) {
    tell(name, {.epoch = epoch, .mark = mark, .settings = settings});
}

void ListFollower::tell_gone(std::string_view name, std::uint64_t epoch, std::uint64_t offset) {
    Waiting gone{.epoch = epoch, .gone = offset};
    if (const auto before = waiting_.find(name); before != waiting_.end()) {
        gone.invited = before->second.invited;
        waiting_.erase(before);
    }
    tell(name, gone);
}

void ListFollower::tell_invited(std::string_view name) {
    if (const auto before = waiting_.find(name); before != waiting_.end()) {
        before->second.invited = true;
    } else {
        tell(name, {.invited = true});
    }
}

void ListFollower::named(std::string_view name) {
    const auto before = waiting_.find(name);
    if (before == waiting_.end() || !before->second.gone) return;
    if (before->second.invited) {
        before->second = {.invited = true};
    } else {
        waiting_.erase(before);
    }
}

void ListFollower::Waiting::add(const Waiting& newer) {
    if (newer.gone || newer.epoch != epoch) {
        const bool was_invited = invited;
        *this = newer;
        invited |= was_invited;
        return;
    }
    if (newer.mark) mark = newer.mark;
    if (newer.settings) settings = newer.settings;
}

void ListFollower::tell(std::string_view name, const Waiting& state) {
    if (session_ == nullptr || is_to_sync_) return;
    const auto before = waiting_.find(name);
    if (before != waiting_.end()) {
        Waiting& known = before->second;
        if (known.gone) return;  // what is told now is of before
        known.add(state);
    } else if (!send(name, state) && session_ != nullptr) {
        if (waiting_.size() < kMostWaiting) {
            waiting_.emplace(name, state);
        } else {
            waiting_.clear();
            is_to_sync_ = true;
        }
    }
    want_room();
}

bool ListFollower::give(std::string_view name, const wire::Body& state) {
    if (session_ == nullptr) return false;
    const bool given = send(session::lane_of(name, session_->lanes()), state);
    behind_ |= !given;
    want_room();
    return given;
}

void ListFollower::send_waiting() {
    if (session_ == nullptr) return;
    behind_ = false;
    if (is_to_sync_) {
        wire::im::Feed frame;
        frame.states.emplace_back();
        is_to_sync_ = !send(0, wire::im::feed_body(frame));
    }
    for (auto each = waiting_.begin(); each != waiting_.end() && session_ != nullptr;)
        each = send(each->first, each->second) ? waiting_.erase(each) : std::next(each);
    want_room();
}

// ---- the way into its lanes ----

void ListFollower::want_room() {
    if (session_ == nullptr) return;
    session_->room().want(behind_ || is_to_sync_ || !waiting_.empty(), session::RoomFor::states);
}

bool ListFollower::send(std::string_view name, const Waiting& waiting) {
    if (session_ == nullptr) return false;
    wire::im::Feed frame;
    wire::im::ConversationState& state = frame.states.emplace_back();
    state.conversation = name;
    state.epoch = waiting.epoch;
    state.gone = waiting.gone.has_value();
    state.invited = waiting.invited;
    if (waiting.gone) state.last = *waiting.gone;
    state.mark = waiting.mark;
    state.settings = waiting.settings;
    return send(session::lane_of(name, session_->lanes()), wire::im::feed_body(frame));
}

bool ListFollower::send(session::LaneIndex lane, wire::Body body) {
    if (FeedSubscriber::room_of(*session_, lane) == 0) return false;
    const auto sent = parts_.table.send_feed(*session_, lane, std::move(body), parts_.executor.now());
    if (sent) ++parts_.counters.sync.states;
    if (!sent && sent.error() == errc::busy) parts_.memory_short();
    return sent || sent.error() != errc::busy;  // a session that ends hears nothing of it
}

}  // namespace flare::server
