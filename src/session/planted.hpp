// Faults that the simulator plants to prove that it would notice them. They exist only in the copies of this module, of
// the server's parts and of what connects a client that are compiled for the simulator (FLARE_PLANTED_FAULTS).
//
// Threads: the simulator sets one fault before it starts threads.
#pragma once

#include "wire/frame.hpp"

#include <cstdint>
#include <string_view>

namespace flare::session {

class ServerSession;
struct PendingRequest;

enum class Fault : std::uint8_t {
    none,
    ack_off_by_one,             // acks one more than arrived
    replay_starts_late,         // a replay skips its first frame
    dedupe_forgets_early,       // an id is forgotten when its handling finishes
    old_ticket_accepted,        // a retired ticket still attaches
    stale_carrier_activated,    // a lower epoch takes over sending
    credit_never_renewed,       // consumed() is ignored
    duplicate_delivered,        // seq < next is taken again
    gap_not_reported,           // a lost session is replaced in silence
    attempt_makes_two,          // the same attempt id makes a second session
    receipt_lost_on_resume,     // receipts are not kept for replay
    outbox_forgets_on_loss,     // messages without a receipt are not sent again
    chunk_dropped,              // reassembly skips a piece
    budget_leaks,               // released memory is not given back
    goodbye_closes_early,       // goodbye does not wait for the final numbers
    hello_mac_unchecked,        // any proof resumes
    standby_never_takes_over,   // the active carrier's death is not noticed
    ticket_confirmed_unseen,    // an Activate that was sent before the Welcome retires the old ticket
    used_hello_forgotten,       // a copy of a Hello that has attached a carrier attaches another
    early_data_uses_hello,      // a Hello counts as used when it came in early data
    ticket_without_challenge,   // a lasting ticket is honoured without a proof made for the connection
    ticket_honoured_twice,      // a lasting ticket makes a session for every connect that proves it
    under_way_called_unsent,    // a message that had a number is called not sent when its call has waited long enough
    request_forgotten_on_loss,  // a request that changes something is not sent again in the next session
    request_repeat_looks_new,   // one that is sent again does not say so
    response_lost_while_away,   // a response is not kept for a client that has no carrier
    // of the server's parts
    handlers_overtake,         // a message does not wait for the handler of the one before it
    device_queue_forgotten,    // a device's new session does not wait for the handlers of the one before
    pool_result_dropped,       // what a handler in the pool has answered is forgotten
    mail_answer_dropped,       // what another worker says of a message is forgotten
    receipt_without_delivery,  // a message for another worker's user is called delivered, and is not
    hello_not_handed_over,     // a connection stays on the worker that has accepted it
    rest_lost_in_hand_over,    // what came behind a Hello does not come along to another worker
    early_data_not_held,       // a Hello that may be a copy is attached before its handshake is complete
    // of the server's parts when it has a store
    delivered_before_commit,  // who is connected gets a message that the store has only been asked to take
    failed_commit_believed,   // what the store could not write is taken for written
    failed_group_forgotten,   // what the store could not write is never answered
    sends_overtake,           // what waits for the row of its sender is overtaken by what comes behind it
    reads_when_removed,       // who was removed goes on reading
    reads_when_invited,       // who is invited to a room reads its history
    reads_from_the_start,     // who joined reads what was written before
    reads_what_is_cleared,    // what a user has cleared is read all the same
    cleared_is_told,          // and told by what is on its way
    // of what connects a client
    attempt_never_made,      // an attempt to reconnect is told, and not made
    failed_fallback_untold,  // a fallback that fails is not a loss
    standby_not_activated,   // a standby takes over, and the session stays where it was
    // of what a client keeps of conversations
    reaction_counted_twice,  // a reaction that is counted already is counted once more
    list_keeps_old_text,     // an edit does not change the message in the list
    list_counts_deleted,     // a message that was deleted stays unread in the list
};

#ifdef FLARE_PLANTED_FAULTS
inline Fault planted_fault = Fault::none;
inline bool planted(Fault fault) noexcept { return planted_fault == fault; }

// What the simulator is told beside what listeners are.
class Observer {
public:
    // A session has taken this message for its client.
    virtual void on_queued(const ServerSession& session, const wire::DataView& data) = 0;
    // A session's client has sent this message, and it is about to be acted on for the first time.
    virtual void on_fresh(const ServerSession& session, const wire::DataView& data) = 0;
    // A session's client asks: true if the observer answers.
    virtual bool on_request(ServerSession& session, const PendingRequest& pending,
                            const wire::RequestView& request) = 0;
    // A session had no room for this request of its client, who is to ask again later.
    virtual void on_request_refused(const Uuid& id) = 0;
    // What was known of a device (its user, '\0', its name) has gone for its memory.
    virtual void on_device_dropped(std::string_view key) = 0;

protected:
    ~Observer() = default;
};
inline Observer* observer = nullptr;

inline void observe_queued(const ServerSession& session, const wire::DataView& data) {
    if (observer != nullptr) observer->on_queued(session, data);
}
inline void observe_queued(const ServerSession& session, const wire::Body& body) {
    if (const auto data = wire::decode_data(body.content())) observe_queued(session, *data);
}
inline void observe_fresh(const ServerSession& session, const wire::DataView& data) {
    if (observer != nullptr) observer->on_fresh(session, data);
}
inline bool observe_request(ServerSession& session, const PendingRequest& pending, const wire::RequestView& request) {
    return observer != nullptr && observer->on_request(session, pending, request);
}
inline void observe_request_refused(const Uuid& id) {
    if (observer != nullptr) observer->on_request_refused(id);
}
inline void observe_device_dropped(std::string_view key) {
    if (observer != nullptr) observer->on_device_dropped(key);
}
#else
constexpr bool planted(Fault) noexcept { return false; }
constexpr void observe_queued(const ServerSession&, const wire::DataView&) noexcept {}
constexpr void observe_queued(const ServerSession&, const wire::Body&) noexcept {}
constexpr void observe_fresh(const ServerSession&, const wire::DataView&) noexcept {}
constexpr bool observe_request(const ServerSession&, const PendingRequest&, const wire::RequestView&) noexcept {
    return false;
}
constexpr void observe_request_refused(const Uuid&) noexcept {}
constexpr void observe_device_dropped(std::string_view) noexcept {}
#endif

}  // namespace flare::session
