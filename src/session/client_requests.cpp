#include "session/client_requests.hpp"

#include "base/assert.hpp"
#include "session/later.hpp"
#include "session/planted.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace flare::session {
namespace {

std::uint64_t ms_since(TimePoint then, TimePoint now) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - then).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(1, ms));
}

}  // namespace

ClientRequests::All::iterator ClientRequests::find(const Uuid& id) {
    return std::find_if(all_.begin(), all_.end(), [&](const Entry& each) { return each.id == id; });
}

ClientRequests::All::iterator ClientRequests::find(std::uint64_t token) {
    return std::find_if(all_.begin(), all_.end(), [&](const Entry& each) { return each.token == token; });
}

LaneIndex ClientRequests::lane_of(const Entry& entry) const noexcept {
    return entry.conversation.empty() ? 0 : session::lane_of(entry.conversation, agreed_.lanes->lanes());
}

// ---- from the application ----

Result<void> ClientRequests::send(const wire::RequestView& request, std::string_view conversation, TimePoint now) {
    const bool agreed = agreed_.lanes ? agreed_.conversations : settings_.conversations;
    if (!agreed || request.verb == wire::Verb::unspecified) return errc::not_supported;
    if (request.id.is_nil()) return errc::invalid_message_id;
    if (!wire::is_name(conversation)) return errc::invalid_name;
    if (request.body.size() > wire::kMaxRequestBytes) return errc::message_too_large;
    if (!agreed_.lanes && !wire::writes(request.verb)) return errc::not_connected;
    if (find(request.id) != all_.end()) return errc::duplicate_message_id;
    if (all_.size() == kMost) return errc::outbox_full;
    Entry entry;
    entry.token = next_token_++;
    entry.id = request.id;
    entry.verb = request.verb;
    entry.conversation = conversation;
    entry.body = Bytes(request.body);
    entry.behind = outgoing_.newest();
    entry.queued_at = now;
    all_.push_back(std::move(entry));
    keep_place_in(all_.back().conversation);
    fill_lanes(now);
    return {};
}

void ClientRequests::fill_lanes(TimePoint now) {
    if (!agreed_.lanes || goodbye_.disconnecting()) return;
    for (;;) {
        (void)outgoing_.send_what_waits(now);  // behind a change that has gone, or will not go
        const Entry* const next = open_ < wire::kMaxOpenRequests ? next_to_send(now) : nullptr;
        if (next == nullptr) return;
        enqueue(*find(next->token), now);
    }
}

// The first that waits for nothing but its turn. Those that change one conversation keep their order.
const ClientRequests::Entry* ClientRequests::next_to_send(TimePoint now) const {
    std::vector<std::string_view> held;
    for (auto entry = all_.begin(); entry != all_.end(); ++entry) {
        if (entry->in_session) continue;
        const bool writes = wire::writes(entry->verb);
        const bool behind = writes && std::find(held.begin(), held.end(), entry->conversation) != held.end();
        if (!behind && !is_held(entry, now)) return &*entry;
        held.emplace_back(entry->conversation);
    }
    return nullptr;
}

// Before one that was put off is sent again, all that was sent behind it to its conversation is answered. The server
// puts off what arrives before it comes again, and that would be overtaken by what follows it.
bool ClientRequests::is_held(All::const_iterator entry, TimePoint now) const {
    if (!wire::writes(entry->verb)) return false;
    return entry->again_at > now || (entry->was_put_off && outgoing_.held().under_way(entry->conversation)) ||
           outgoing_.held().waits_before(entry->conversation, entry->behind) ||
           std::any_of(std::next(entry), all_.end(), [&](const Entry& each) {
               return each.in_session && wire::writes(each.verb) && each.conversation == entry->conversation;
           });
}

bool ClientRequests::waits_for(const Entry& entry, std::string_view conversation) noexcept {
    return !entry.in_session && wire::writes(entry.verb) && entry.conversation == conversation;
}

void ClientRequests::keep_place_in(const std::string& conversation) {
    const auto first =
        std::find_if(all_.begin(), all_.end(), [&](const Entry& each) { return waits_for(each, conversation); });
    outgoing_.held().keep_behind(conversation, first == all_.end() ? HeldTargets::kEverything : first->behind);
}

void ClientRequests::watch() {
    for (Entry& entry : all_) {
        const bool under_way = entry.in_session && wire::writes(entry.verb) && !entry.watched;
        if (!under_way || !outgoing_.held().watches(entry.conversation)) continue;
        entry.watched = true;
        outgoing_.held().note_under_way(entry.conversation);
    }
}

void ClientRequests::answered(Entry& entry, HeldTargets::End end) {
    if (std::exchange(entry.watched, false)) outgoing_.held().forget_under_way(entry.conversation, end);
}

void ClientRequests::enqueue(Entry& entry, TimePoint now) {
    wire::RequestView request;
    request.id = entry.id;
    request.verb = entry.verb;
    request.body = entry.body.view();
    if (entry.first_sent_at != kNever && !planted(Fault::request_repeat_looks_new))
        request.first_sent_ms_ago = ms_since(entry.first_sent_at, now);
    entry.in_session = true;
    entry.was_put_off = entry.acked = false;
    entry.asked_at = now;
    ++open_;
    (void)agreed_.lanes->send_anyway(lane_of(entry), wire::encode(request), Priority::normal, entry.token);
    keep_place_in(entry.conversation);
}

// Nothing of it is in a lane any more, unless it has a number.
void ClientRequests::fail(const Uuid& id, errc error, const std::string& text) {
    const auto found = find(id);
    if (found == all_.end()) return;
    if (found->in_session) {
        --open_;
        SendLane* const lane = agreed_.lanes ? agreed_.lanes->send_lane(lane_of(*found)) : nullptr;
        if (lane != nullptr) lane->withdraw(found->token);
    }
    answered(*found, HeldTargets::End::given_up);
    const std::string conversation = std::move(found->conversation);
    all_.erase(found);
    keep_place_in(conversation);
    listener_.on_request_failed(id, error, text);
}

void ClientRequests::fail_all(errc never_sent, const std::string& text) {
    const All all = all_;
    for (const Entry& entry : all) {
        const bool sent = entry.first_sent_at != kNever;
        fail(entry.id,
             !sent                      ? never_sent
             : wire::writes(entry.verb) ? errc::outcome_unknown
                                        : errc::connection_lost,
             text);
    }
}

// ---- from the lanes ----

void ClientRequests::on_response(LaneIndex lane, const wire::ResponseView& response, const Bytes& whole,
                                 std::uint64_t cost, TimePoint now) {
    const auto found = find(response.id);
    if (found == all_.end() || !found->in_session) return agreed_.lanes->consumed(lane, cost, now);  // given up before
    if (response.more) {
        found->asked_at = now;
        return listener_.on_response(lane, response, whole, cost);
    }
    --open_;
    const bool changes = wire::writes(found->verb);
    // It was executed, and there was no room for the answer. A repeat gets the same one.
    const bool executed = changes && response.code == errc::recipient_busy;
    const bool timed = response.retry_after_ms != 0;
    const bool later = changes && ((executed && timed) || is_later(response.code, response.retry_after_ms, true));
    const TimePoint again = now + wait_of(response.retry_after_ms);
    found->uncertain = found->uncertain || executed;
    answered(*found, later ? HeldTargets::End::put_off : HeldTargets::End::given_up);
    if (later && put_off(*found, again, now)) {
        agreed_.lanes->consumed(lane, cost, now);
        return fill_lanes(now);
    }
    const Entry entry = std::move(*found);
    all_.erase(found);
    keep_place_in(entry.conversation);
    if (changes && response.code == errc::ok) restart_clocks(entry.conversation);
    if (executed || (later && entry.uncertain)) {
        agreed_.lanes->consumed(lane, cost, now);
        listener_.on_request_failed(entry.id, errc::outcome_unknown,
                                    "it may have been made: the answer is lost, and now the server puts it off");
    } else {
        listener_.on_response(lane, response, whole, cost);
    }
    if (later) give_up_behind(entry.conversation, executed ? errc::busy : response.code, again);
    fill_lanes(now);
}

// True: it is sent again then, and has no outcome yet.
bool ClientRequests::put_off(Entry& entry, TimePoint again, TimePoint now) {
    entry.waits_since = std::min(entry.waits_since, now);
    for (Entry& each : all_) {
        if (waits_for(each, entry.conversation)) each.waits_since = std::min(each.waits_since, now);
    }
    if (goodbye_.disconnecting() || is_too_late(again, entry.waits_since)) return false;
    if (!entry.uncertain) entry.first_sent_at = kNever;
    entry.in_session = entry.acked = false;
    entry.token = next_token_++;  // late news of this time is not about the next
    entry.again_at = again;
    entry.was_put_off = true;
    keep_place_in(entry.conversation);
    outgoing_.call_back(entry.conversation, now);
    return true;
}

// The server has made a change of it: it has room, if not for all.
void ClientRequests::restart_clocks(std::string_view conversation) noexcept {
    for (Entry& each : all_) {
        if (waits_for(each, conversation)) each.waits_since = kNever;
    }
}

// A change of it was given up. So are those that have waited as long; the next one is tried.
void ClientRequests::give_up_behind(const std::string& conversation, errc code, TimePoint again) {
    const All all = all_;
    for (const Entry& entry : all) {
        if (!waits_for(entry, conversation) || !is_too_late(again, entry.waits_since)) continue;
        fail(entry.id, entry.uncertain ? errc::outcome_unknown : code,
             "the server has put off the changes of this conversation for too long");
    }
}

void ClientRequests::on_refused(const Uuid& id, errc code, TimePoint now) {
    const auto found = find(id);
    const bool changes = found != all_.end() && wire::writes(found->verb);
    fail(id, changes ? errc::outcome_unknown : code, "there was no memory for the response");
    fill_lanes(now);
}

void ClientRequests::on_numbered_first(std::uint64_t token, TimePoint now) {
    const auto found = find(token);
    if (found == all_.end()) return;
    found->asked_at = now;
    if (found->first_sent_at == kNever) found->first_sent_at = now;
}

void ClientRequests::on_acked(std::uint64_t token) {
    if (const auto found = find(token); found != all_.end()) found->acked = true;
}

// ---- from the session ----

void ClientRequests::begin_session(TimePoint now) {
    if (agreed_.conversations) return fill_lanes(now);
    const All all = all_;
    for (const Entry& entry : all) {
        const bool sent = entry.first_sent_at != kNever;
        fail(entry.id, sent ? errc::outcome_unknown : errc::not_supported, "the server has no conversations");
    }
    fill_lanes(now);
}

void ClientRequests::unsend() {
    for (Entry& entry : all_) {
        if (!entry.uncertain) entry.first_sent_at = kNever;
    }
}

void ClientRequests::leave_session() {
    open_ = 0;
    std::vector<Uuid> lost;
    for (Entry& entry : all_) {
        const bool forgotten = planted(Fault::request_forgotten_on_loss) && entry.in_session;
        entry.in_session = entry.acked = entry.watched = false;
        entry.uncertain = entry.first_sent_at != kNever;
        if (!wire::writes(entry.verb)) lost.push_back(entry.id);
        if (forgotten) entry.id = Uuid();
    }
    std::erase_if(all_, [](const Entry& entry) { return entry.id.is_nil(); });
    for (const Entry& entry : all_) keep_place_in(entry.conversation);
    for (const Uuid& id : lost) fail(id, errc::connection_lost, "the session was lost before the response came");
}

// ---- time ----

// Of one that waits for its turn, those before it have a time.
TimePoint ClientRequests::waits_until(const Entry& entry) const noexcept {
    // What a page of a list brings counts as delivered when it arrives: nobody turns away from it.
    const bool is_page = entry.in_session && entry.verb == wire::Verb::sync;
    if (settings_.send_timeout <= Duration::zero() || is_page) return kNever;
    if (const auto offline = outgoing_.offline_since())
        return std::max(entry.queued_at, *offline) + settings_.send_timeout;
    if (!entry.in_session) return kNever;
    return std::max(entry.asked_at, outgoing_.online_since()) + settings_.send_timeout;
}

TimePoint ClientRequests::next_deadline() const noexcept {
    TimePoint next = kNever;
    for (const Entry& entry : all_) {
        next = std::min(next, waits_until(entry));
        if (entry.again_at != TimePoint::min()) next = std::min(next, entry.again_at);
    }
    return next;
}

void ClientRequests::on_time(TimePoint now) {
    if (all_.empty()) return;
    for (Entry& entry : all_) {
        if (entry.again_at <= now) entry.again_at = TimePoint::min();
    }
    give_up_waiting(now);
    fill_lanes(now);
}

void ClientRequests::give_up_waiting(TimePoint now) {
    const bool online = !outgoing_.offline_since();
    const All all = all_;
    for (const Entry& entry : all) {
        if (waits_until(entry) > now) continue;
        const bool sent = entry.first_sent_at != kNever;
        const errc unanswered = online ? errc::busy : sent ? errc::connection_lost : errc::not_connected;
        fail(entry.id, sent && wire::writes(entry.verb) ? errc::outcome_unknown : unanswered,
             !online ? "there was no connection for too long"
             : sent  ? "the server has not answered for too long"
                     : "what was sent before it took too long");
    }
}

void ClientRequests::check_invariants(const std::function<bool(std::uint64_t)>& in_a_lane) const {
    FLARE_INVARIANT(all_.size() <= kMost, "more requests are kept than may be");
    std::size_t open = 0;
    for (const Entry& entry : all_) {
        open += entry.in_session ? 1 : 0;
        FLARE_INVARIANT(!entry.in_session || agreed_.lanes, "a request is in a session that is not");
        FLARE_INVARIANT(!entry.in_session || entry.acked || in_a_lane(entry.token), "a request is in no lane");
        FLARE_INVARIANT(agreed_.lanes || wire::writes(entry.verb), "one that reads waits for another session");
        const bool kept = outgoing_.held().kept_behind(entry.conversation) <= entry.behind;
        FLARE_INVARIANT(!waits_for(entry, entry.conversation) || kept, "messages may overtake a change");
    }
    FLARE_INVARIANT(open == open_ && open <= wire::kMaxOpenRequests, "open requests are counted wrong");
    const bool goes_on = agreed_.lanes && !goodbye_.disconnecting() && open < wire::kMaxOpenRequests;
    FLARE_INVARIANT(!goes_on || next_to_send(TimePoint::min()) == nullptr, "a request waits in vain");
}

}  // namespace flare::session
