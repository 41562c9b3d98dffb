// All sessions of one home worker: makes them, attaches carriers to them, ends them,
// keeps what outlives them (message ids, tombstones). The server drives one table per worker;
// the simulator drives several.
//
// What it does is done by its parts, each with a header of its own:
//
//   SessionIndex   the sessions, by id, carrier and user       Attaching    a Hello makes, joins or resumes one
//   Devices        message ids, connects and rates             CarrierIo    what carriers bring and take
//   Tombstones     what is left of those that have ended       MessageFlow  messages, receipts, replies
//   Deadlines      when to look at which                       SessionLife  active, detached, ended
//   Expected       users who are about to come back            Shedding     what goes when memory is used up
//   RequestFlow    requests and their responses
//
// How a session ends, and what its client hears:
//
//   end()       the server: shutdown, kick, revocation;        Goodbye with the code, after what has a number
//   (shutdown:
//               the table: its credential has expired          after all that waits and is being handled); closed when
//                                                              that is acknowledged or goodbye_limit is over. Without
//                                                              a carrier that sends: as finalize()
//   cut_off()   the server: its memory, its rules; the         what waits is dropped, Goodbye with the code at once; a
//               table: too many devices                        resume is refused with the same code
//   finalize()  the parts: a goodbye is complete, a time is    Goodbye with the code on every carrier that was not told
//               over, a fault no carrier can mend, another     yet; a resume is refused with session_ended, or what
//               session of the device, shed()                  the caller says. Leaves a tombstone, retires the session
//   retire()    finalize()                                     nothing: it is out of all look-ups, its carriers close
//   bury()      finalize(), detach() of its last carrier       nothing: it is freed when no call is inside it
//
// Protocol: docs/protocol.md, "Attaching a carrier" and the state tables of the server.
// Threads:  its worker only; no I/O, no clock.
// Owner:    server::Worker (and the simulator).
#pragma once

#include "session/attaching.hpp"
#include "session/carrier_io.hpp"
#include "session/message_flow.hpp"
#include "session/request_flow.hpp"
#include "session/session_life.hpp"
#include "session/shedding.hpp"
#include "session/ticket.hpp"

#include <flare/failure.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::session {

class SessionTable {
public:
    // `started`: when this process began to remember message ids. `home`: index of this worker.
    // `ticket_keys`: null, or what makes tickets last beyond this process; it must outlive the table.
    SessionTable(Settings settings, std::uint32_t home, TimePoint started, base::Random& random, Budget& budget,
                 SessionTableListener& listener, const TicketKeys* ticket_keys = nullptr);
    SessionTable(const SessionTable&) = delete;
    SessionTable& operator=(const SessionTable&) = delete;

    // Offers compression to sessions that are made from here on. It must outlive the table; null: off. And
    // conversations, if there is a store: kCapabilityConversations.
    void offer(const wire::Compression* compression, bool conversations = false) noexcept {
        attaching_.offer(compression, conversations);
        messages_.offer(compression, conversations);
        carriers_.offer(compression);
    }

    // ---- carriers ----

    // Attaches a carrier whose Hello came with a token and was authenticated as `credential`: claims
    // (user, device, attempt id), which makes a session or finds the one that this attempt made already. While another
    // session of the device lives, the new one replaces it (and its hooks fire) when its client is first heard on it.
    // Nothing: attached, a Welcome is written by write(). Otherwise the refusal to send with refusal().
    std::optional<wire::Refused> attach_new(CarrierKey key, const wire::Hello& hello,
                                            const SessionCredential& credential, TimePoint now) {
        const SessionIndex::Entry entry(sessions_);
        return attaching_.attach_new(key, hello, credential, now);
    }
    // Attaches a carrier whose Hello carries a resume proof.
    std::optional<wire::Refused> attach_resumed(CarrierKey key, const wire::Hello& hello, TimePoint now) {
        const SessionIndex::Entry entry(sessions_);
        return attaching_.attach_resumed(key, hello, now);
    }
    // Whether a ticket of `lost`, a session of a process before, may take the place of a credential for this Hello:
    // attach_new() notes that it has.
    bool may_honour(const SessionId& lost, const wire::Hello& hello) const {
        return attaching_.may_honour(lost, hello);
    }
    // Early data (RFC 8446 section 2.3): a Hello with a resume proof, and what came with it, that may be a copy of what
    // somebody else has sent. Messages of its session are acted on, once as always; nothing is attached, activated or
    // answered until attach_resumed() is called for the same Hello.
    void take_early(const wire::Hello& hello, std::string_view first_flight, TimePoint now) {
        const SessionIndex::Entry entry(sessions_);
        attaching_.take_early(hello, first_flight, now);
    }
    // After these refusals the carrier may say Hello once more; after others it closes.
    static bool may_say_hello_again(errc code) noexcept;

    void on_batch(CarrierKey key, std::string_view batch, TimePoint now) {
        const SessionIndex::Entry entry(sessions_);
        carriers_.on_batch(key, batch, now);
    }
    // The carrier's client lives, though it has said nothing: it is not given up for silence. Nothing else follows from
    // it, not even that a Welcome has arrived.
    void on_alive(CarrierKey key, TimePoint now) { carriers_.on_alive(key, now); }
    void carrier_gone(CarrierKey key, TimePoint now) {
        const SessionIndex::Entry entry(sessions_);
        carriers_.carrier_gone(key, now);
    }
    // Appends what this carrier should send now. True: there is more when the carrier takes more.
    bool write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes = wire::kMaxBatchBytes / 2) {
        return carriers_.write(key, batch, now, max_bytes);
    }

    // What authentication made of a new credential. A session that has ended meanwhile is passed over.
    void renew(const SessionId& id, const Checked<SessionCredential>& credential, TimePoint now) {
        const SessionIndex::Entry entry(sessions_);
        carriers_.renew(id, credential, now);
    }

    // ---- messages ----

    // Ends the handling of a message: records the receipt for repeats, and sends it. `reply` (may be null) carries
    // the receipt along.
    void finish(const PendingMessage& pending, const Receipt& receipt, const Reply* reply, TimePoint now) {
        const SessionIndex::Entry entry(sessions_);
        messages_.finish(pending, receipt, reply, now);
    }
    // Sends a response, whose id is that of the request; with `more`, it is not the last. What is sent while its client
    // is away is kept and replayed like any frame. `token` (0: none): of SessionTableListener::on_acked().
    // Errors: session_ended, message_too_large (above wire::kMaxResponseBytes), outbox_full or busy (the client's queue
    // or the server's memory is full: the client hears recipient_busy). After any of them the request is answered, and
    // no other response may follow.
    Result<void> respond(const PendingRequest& pending, const wire::ResponseView& response, TimePoint now,
                         std::uint64_t token = 0) {
        const SessionIndex::Entry entry(sessions_);
        return requests_.respond(pending, response, now, token);
    }
    // Queues a feed (wire::im::feed_body(), with its number) on a session, behind what waits in its lane: whoever sends
    // feeds bounds them by LaneSet::waiting(), the bounds of the client's queue do not. Its bytes are shared.
    // `token` (0: none): of SessionTableListener::on_acked(), if the body has the number of a feed.
    // Errors: busy (the server's memory is full), session_ended.
    Result<void> send_feed(ServerSession& session, LaneIndex lane, wire::Body body, TimePoint now,
                           std::uint64_t token = 0) {
        return requests_.send_feed(session, lane, std::move(body), now, token);
    }
    // A hint (wire::im::notice_body()), on the carrier that sends for the session, behind what is queued. Its bytes are
    // shared. False: it was not taken. The session has no such carrier, or has not agreed on conversations, or ends, or
    // its client does not keep up.
    bool send_notice(ServerSession& session, wire::Body body) {
        return requests_.send_notice(session, std::move(body));
    }
    // Queues an encoded data body on a session. Errors: busy, recipient_busy (its queue is full), session_ended,
    // message_too_large (for this client).
    Result<void> send(ServerSession& session, LaneIndex lane, const wire::Body& body, Priority priority,
                      TimePoint now) {
        return messages_.send(session, lane, body, priority, now);
    }
    // The same in the form that the client can read; bad_compression: there is none.
    Result<void> send(ServerSession& session, LaneIndex lane, wire::Forms& forms, Priority priority, TimePoint now) {
        return messages_.send(session, lane, forms, priority, now);
    }
    // The same on all sessions of a user. What a receipt would say: delivered, buffered, or refused with
    // user_offline, recipient_busy, busy (also of a user who is expected back), message_too_large. If some took it for
    // whose others it was too large, the code beside delivered or buffered is message_too_large. `too_large` (may be
    // null): how many these are.
    Receipt send_to_user(std::string_view user, std::string_view conversation, wire::Forms& forms, Priority priority,
                         TimePoint now, std::size_t* too_large = nullptr) {
        const SessionIndex::Entry entry(sessions_);
        return messages_.send_to_user(user, conversation, forms, priority, now, too_large);
    }
    Receipt send_to_user(std::string_view user, std::string_view conversation, const wire::Body& body,
                         Priority priority, TimePoint now) {
        wire::Forms forms(body);
        return send_to_user(user, conversation, forms, priority, now);
    }

    // Until then a message to this user, who has no session, is refused with busy and the time to wait. It ends when
    // the user has a session.
    void expect(std::string user, TimePoint back, TimePoint until) {
        expected_.add(std::move(user), back, until);
        deadlines_.sweep_by(until);
    }
    const Expected& expected() const noexcept { return expected_; }

    // ---- look-ups ----

    ServerSession* find(const SessionId& id) { return sessions_.find(id); }
    ServerSession* by_carrier(CarrierKey key) { return sessions_.by_carrier(key); }
    SessionIndex::OfUser of_user(std::string_view user) { return sessions_.of_user(user); }  // live ones
    void for_each(const std::function<void(ServerSession&)>& each);
    std::size_t size() const noexcept { return sessions_.size(); }
    std::size_t tombstones() const noexcept { return tombstones_.size(); }

    // ---- life ----

    // Ends a session in good order: goodbye with the final numbers, closed when these are acknowledged or at the limit.
    void end(ServerSession& session, errc code, std::string_view text, std::uint32_t retry_after_ms, TimePoint now) {
        life_.end(session, code, text, retry_after_ms, now);
    }
    // Ends a session at once: what waits is dropped, the Goodbye says why, and who resumes it is refused with `code`.
    void cut_off(ServerSession& session, errc code, const std::string& text, TimePoint now) {
        life_.cut_off(session, code, text, now);
    }
    // Ends sessions of this kind until the budget is relieved; returns how many.
    std::size_t shed(Shed kind, TimePoint now) {
        const SessionIndex::Entry entry(sessions_);
        return shedding_.shed(kind, now);
    }
    TimePoint next_deadline() const noexcept { return deadlines_.next(); }
    void on_time(TimePoint now);

    // Between two calls from outside. Returns what it has charged to the budget.
    std::size_t check_invariants() const;

    const Settings& settings() const noexcept { return settings_; }

private:
    const Settings settings_;
    Budget& budget_;
    // In this order: a part stands behind those that it knows.
    Deadlines deadlines_;
    Devices devices_;
    Tombstones tombstones_;
    Expected expected_;
    SessionIndex sessions_;
    SessionLife life_;
    Shedding shedding_;
    MessageFlow messages_;
    RequestFlow requests_;
    Attaching attaching_;
    CarrierIo carriers_;
};

// ---- before a session is known: the first frame of a carrier ----

// Reads the Hello that a carrier must begin with; `rest` is what follows it in the same batch.
// Errors: unexpected_frame, malformed_frame, unsupported_version, reserved_name, unauthenticated (neither token
// nor resume is required here: anonymous mode has an empty token).
Result<wire::Hello> read_hello(std::string_view batch, std::string_view& rest);
// The frame that refuses a Hello, as a batch.
void write_refusal(wire::Batch& batch, const wire::Refused& refused);

}  // namespace flare::session
