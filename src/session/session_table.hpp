// All sessions of one home worker: makes them, attaches carriers to them, ends them,
// keeps what outlives them (message ids, tombstones). The server drives one table per worker;
// the simulator drives several.
//
// Protocol: docs/protocol.md, "Attaching a carrier" and the state tables of the server.
// Threads:  its worker only; no I/O, no clock.
// Owner:    server::Worker (and the simulator).
#pragma once

#include "base/keyed_hash.hpp"
#include "base/random.hpp"
#include "session/expected.hpp"
#include "session/lasting_ticket.hpp"
#include "session/server_session.hpp"
#include "session/ticket.hpp"
#include "wire/forms.hpp"

#include <flare/failure.hpp>

#include <boost/intrusive/set.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::session {

// What authentication found out about a Hello with a token.
struct SessionCredential {
    std::string user;  // from the credential; in anonymous mode the claimed one
    TimePoint expires_at = kNever;
    std::string token_id{};                // how the credential is revoked; empty: not by itself
    std::uint64_t expires_unix_ms = 0;     // expires_at by the clock on the wall, for tickets; 0: never
    std::optional<SessionId> ticket_of{};  // the lost session whose ticket took the place of a credential
    Bytes claims{};                        // what the credential says of the user; opaque here, bounded by who makes it
};

// A message from a client, to be acted on once. finish() must follow, exactly once, whatever became of it;
// it may come after the session has ended.
struct PendingMessage {
    std::string user;
    std::string device;
    SessionId session;
    LaneIndex lane = 0;
    Uuid message_id;
    std::uint64_t cost = 0;
};

// A message that answers another one.
struct Reply {
    std::string_view from;
    wire::MessageView message;
    std::int64_t server_time_ms = 0;
    bool judged = false;  // whether its payload is worth compressing has been found out: it goes as it is
};

class SessionTableListener {
public:
    // Hooks for sessions, not for carriers.
    virtual void on_session_created(ServerSession& session) = 0;
    virtual void on_session_ended(ServerSession& session, errc reason, const std::string& text) = 0;
    // Presence moved between attached and detached.
    virtual void on_presence(ServerSession& session) = 0;
    virtual void on_carrier_attached(ServerSession& session, CarrierKey key) = 0;
    // This carrier sends for the session from now on.
    virtual void on_carrier_activated(ServerSession&, CarrierKey) {}
    // A carrier of a session is no longer attached, whoever ended it.
    virtual void on_carrier_detached(ServerSession& session, CarrierKey key) = 0;
    // Acts on a message: first time only, in order per lane. Views end with the call unless `whole` holds them.
    virtual void on_message(ServerSession& session, PendingMessage&& pending, const wire::DataView& data,
                            const Bytes& whole) = 0;
    // A message was answered with a refusal and not given to on_message(): it came too fast, or there was no memory.
    virtual void on_message_refused(ServerSession&, errc) {}
    // A reply was dropped, and its receipt is a refusal: it is larger than the client takes.
    virtual void on_reply_refused(ServerSession&, errc) {}
    // max_memory_bytes is used up: shed() should follow, but not from inside this call.
    virtual void on_memory_short() {}
    // The client pinged (its round trip is its own affair).
    virtual void on_heartbeat(ServerSession& session) = 0;
    // The client brings a new credential for its session: renew() must follow, once. `token` ends with the call.
    virtual void on_credential(ServerSession& session, std::string_view token) = 0;
    // Close this carrier in good order, after what write() still gives for it. code ok: a clean goodbye.
    virtual void close_carrier(CarrierKey key, errc code, const std::string& text) = 0;
    // write(key, ...) has something. May come often: collect, and write once per turn of the loop.
    virtual void output_ready(CarrierKey key) = 0;
    // One protocol error of a peer, for the log; the carrier is closed by close_carrier().
    virtual void on_peer_error(const ServerSession* session, CarrierKey key, errc code, const std::string& text) = 0;

protected:
    ~SessionTableListener() = default;
};

// What goes first when memory is used up, in this order.
enum class Shed : std::uint8_t {
    detached,  // what is left of sessions that have ended, then those without a carrier
    stalled,   // whose clients have taken nothing for a while, though something waits; the longest first
};

class SessionTable {
public:
    // `started`: when this process began to remember message ids. `home`: index of this worker.
    // `ticket_keys`: null, or what makes tickets last beyond this process; it must outlive the table.
    SessionTable(Settings settings, std::uint32_t home, TimePoint started, base::Random& random, Budget& budget,
                 SessionTableListener& listener, const TicketKeys* ticket_keys = nullptr);
    ~SessionTable();
    SessionTable(const SessionTable&) = delete;
    SessionTable& operator=(const SessionTable&) = delete;

    // Offers compression to sessions that are made from here on. It must outlive the table; null: off.
    void offer(const wire::Compression* compression) noexcept { compression_ = compression; }

    // ---- carriers ----

    // Attaches a carrier whose Hello came with a token and was authenticated as `identity`: claims
    // (user, device, attempt id), which makes a session or finds the one that this attempt made already. While another
    // session of the device lives, the new one replaces it (and its hooks fire) when its client is first heard on it.
    // Nothing: attached, a Welcome is written by write(). Otherwise the refusal to send with refusal().
    std::optional<wire::Refused> attach_new(CarrierKey key, const wire::Hello& hello, const SessionCredential& identity,
                                            TimePoint now);
    // Attaches a carrier whose Hello carries a resume proof.
    std::optional<wire::Refused> attach_resumed(CarrierKey key, const wire::Hello& hello, TimePoint now);
    // Whether a ticket of `lost`, a session of a process before, may take the place of a credential for this Hello:
    // attach_new() notes that it has.
    bool may_honour(const SessionId& lost, const wire::Hello& hello) const;
    // Early data (RFC 8446 section 2.3): a Hello with a resume proof, and what came with it, that may be a copy of what
    // somebody else has sent. Messages of its session are acted on, once as always; nothing is attached, activated or
    // answered until attach_resumed() is called for the same Hello.
    void take_early(const wire::Hello& hello, std::string_view first_flight, TimePoint now);
    // After these refusals the carrier may say Hello once more; after others it closes.
    static bool may_say_hello_again(errc code) noexcept;

    void on_batch(CarrierKey key, std::string_view batch, TimePoint now);
    // The carrier's client lives, though it has said nothing: it is not given up for silence. Nothing else follows from
    // it, not even that a Welcome has arrived.
    void on_alive(CarrierKey key, TimePoint now);
    void carrier_gone(CarrierKey key, TimePoint now);
    // Appends what this carrier should send now. True: there is more when the carrier takes more.
    bool write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes = wire::kMaxBatchBytes / 2);

    // What authentication made of a new credential. A session that has ended meanwhile is passed over.
    void renew(const SessionId& id, const Checked<SessionCredential>& identity, TimePoint now);

    // ---- messages ----

    // Ends the handling of a message: records the receipt for repeats, and sends it. `reply` (may be null) carries
    // the receipt along.
    void finish(const PendingMessage& pending, Receipt receipt, const Reply* reply, TimePoint now);
    // Queues an encoded data body on a session. Errors: busy, recipient_busy (its queue is full), session_ended,
    // message_too_large (for this client).
    Result<void> send(ServerSession& session, LaneIndex lane, const wire::Body& body, Priority priority, TimePoint now);
    // The same in the form that the client can read; bad_compression: there is none.
    Result<void> send(ServerSession& session, LaneIndex lane, wire::Forms& forms, Priority priority, TimePoint now);
    // The same on all sessions of a user. What a receipt would say: delivered, buffered, or refused with
    // user_offline, recipient_busy, busy (also of a user who is expected back), message_too_large. If some took it for
    // whose others it was too large, the code beside delivered or buffered is message_too_large. `too_large` (may be
    // null): how many these are.
    Receipt send_to_user(std::string_view user, std::string_view from, wire::Forms& forms, Priority priority,
                         TimePoint now, std::size_t* too_large = nullptr);
    Receipt send_to_user(std::string_view user, std::string_view from, const wire::Body& body, Priority priority,
                         TimePoint now) {
        wire::Forms forms(body);
        return send_to_user(user, from, forms, priority, now);
    }

    // Until then a message to this user, who has no session, is refused with busy and the time to wait. It ends when
    // the user has a session.
    void expect(std::string user, TimePoint back, TimePoint until);
    const Expected& expected() const noexcept { return expected_; }

    // ---- look-ups ----

    ServerSession* find(const SessionId& id);
    ServerSession* by_carrier(CarrierKey key);
    std::vector<ServerSession*> of_user(std::string_view user);  // live ones
    void for_each(const std::function<void(ServerSession&)>& each);
    std::size_t size() const noexcept { return sessions_.size(); }
    std::size_t tombstones() const noexcept { return tombstones_.size(); }
    std::size_t attached_carriers() const noexcept { return by_carrier_.size(); }

    // ---- life ----

    // Ends a session in good order: goodbye with the final numbers, closed when these are acknowledged or at the limit.
    void end(ServerSession& session, errc code, std::string_view text, std::uint32_t retry_after_ms, TimePoint now);
    // Ends a session at once: what waits is dropped, the Goodbye says why, and who resumes it is refused with `code`.
    void cut_off(ServerSession& session, errc code, const std::string& text, TimePoint now);
    // Ends sessions of this kind until the budget is relieved; returns how many.
    std::size_t shed(Shed kind, TimePoint now);
    TimePoint next_deadline() const noexcept;
    void on_time(TimePoint now);

    // Between two calls from outside. Returns what it has charged to the budget.
    std::size_t check_invariants() const;

    const Settings& settings() const noexcept { return settings_; }
    std::uint32_t home() const noexcept { return home_; }

private:
    friend class ServerSession;  // (user, device): its session, its message ids
    struct Tombstone;

    Device& device(std::string_view user, std::string_view device);  // made when there is none
    Device* find_device(std::string_view user, std::string_view device) const;
    ServerSession& create(Device& owner, const wire::Hello& hello, const SessionCredential& identity, TimePoint now);
    std::optional<wire::Refused> attach(ServerSession& session, CarrierKey key, const wire::Hello& hello,
                                        bool with_secret, TimePoint now);
    std::optional<wire::Refused> find_resumed(const wire::Hello& hello, ServerSession*& session);
    static std::optional<wire::Refused> taken_before(const ServerSession& session, const wire::Hello& hello);
    static bool is_next_ticket(const ServerSession& session, std::string_view ticket) noexcept;
    void confirm(ServerSession& session, TimePoint now);
    void install(Device& owner, ServerSession& session, TimePoint now);
    bool no_room(TimePoint now);
    void forget_ended(TimePoint now);
    bool is_full(const std::string& user) const;
    void make_room(const std::string& user, TimePoint now);
    void detach(ServerSession& session, CarrierKey key, TimePoint now);
    void confirm_ticket(ServerSession& session);
    std::string new_ticket(const ServerSession& session);
    void write_welcome(ServerSession& session, ServerSession::Attached& carrier, wire::Batch& batch);
    void write_goodbye(ServerSession& session, wire::Batch& batch);
    void bury(ServerSession& session);
    // Calls from outside free what ended before them; callbacks that call in again must not.
    class Entry {
    public:
        explicit Entry(SessionTable& table) : table_(table) {
            if (table_.depth_++ == 0) table_.graveyard_.clear();
        }
        ~Entry() { --table_.depth_; }
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

    private:
        SessionTable& table_;
    };
    void handle(ServerSession& session, CarrierKey key, const wire::FrameView& frame, TimePoint now, bool& gone);
    void handle_numbered(ServerSession& session, CarrierKey key, const wire::FrameView& frame, TimePoint now);
    void handle_activate(ServerSession& session, CarrierKey key, std::uint64_t epoch, TimePoint now);
    void peer_error(ServerSession& session, CarrierKey key, errc code, const std::string& text, TimePoint now);
    void choose_active(ServerSession& session);
    void handle_credential(ServerSession& session, std::string_view token);
    void set_expiry(ServerSession& session, TimePoint expires_at, TimePoint now);
    void tell_credential(ServerSession& session, wire::CredentialState state, TimePoint now);
    // resume_code: what a resume is refused with.
    void finalize(ServerSession& session, errc code, const std::string& text, TimePoint now,
                  errc resume_code = errc::session_ended);
    static bool owes_something(const ServerSession& session);
    void settle(ServerSession& session, TimePoint now);
    void check(ServerSession& session, TimePoint now);
    void arm(ServerSession& session, bool writes = false);
    TimePoint deadline_of(const ServerSession& session, bool writes) const noexcept;
    void forget_old(TimePoint now);
    void memory_short(TimePoint now);
    static TimePoint idle_since(const ServerSession& session) noexcept;
    void receive(ServerSession& session, LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                 std::uint64_t cost);
    std::optional<Receipt> over_rate(Device& owner, std::size_t bytes, TimePoint now);
    void refuse_message(ServerSession& session, LaneIndex lane, const Uuid& id, const Receipt& receipt);
    void release_deferred(ServerSession& session, TimePoint now);
    void answer(ServerSession& session, LaneIndex lane, const Uuid& id, const Receipt& receipt, const Reply* reply);
    wire::Encodings encodings_of(const wire::Hello& hello) const noexcept;
    std::optional<wire::Refused> offers_less(const ServerSession& session, const wire::Hello& hello) const;
    static std::string device_key(std::string_view user, std::string_view device);

    using Timers = boost::intrusive::multiset<ServerSession::Timer, boost::intrusive::constant_time_size<false>>;

    Settings settings_;
    std::uint32_t home_;
    TimePoint started_;
    base::Random& random_;
    Budget& budget_;
    SessionTableListener& listener_;
    const TicketKeys* const ticket_keys_;
    const wire::Compression* compression_ = nullptr;
    Timers timers_;
    boost::unordered_flat_map<SessionId, std::unique_ptr<ServerSession>, std::hash<SessionId>> sessions_;
    boost::unordered_flat_map<CarrierKey, ServerSession*> by_carrier_;
    boost::unordered_flat_map<std::string, std::unique_ptr<Device>, base::NameHash> devices_;
    boost::unordered_flat_map<std::string, std::vector<ServerSession*>, base::NameHash> users_;
    boost::unordered_flat_map<SessionId, std::unique_ptr<Tombstone>, std::hash<SessionId>> tombstones_;
    Expected expected_;
    HonouredTickets honoured_;
    std::vector<std::unique_ptr<ServerSession>> ended_;      // out of the look-ups, carriers still closing
    std::vector<std::unique_ptr<ServerSession>> graveyard_;  // freed by Entry
    int depth_ = 0;                                          // calls under way, one inside the other
    ServerSession* reading_ = nullptr;                       // whose batch on_batch() is in the middle of
    TimePoint next_sweep_ = kNever;
    TimePoint shed_again_at_{};
    TimePoint devices_forgotten_at_ = TimePoint::min();  // the last time that one went for its memory
};

// ---- before a session is known: the first frame of a carrier ----

// Reads the Hello that a carrier must begin with; `rest` is what follows it in the same batch.
// Errors: unexpected_frame, malformed_frame, unsupported_version, reserved_name, unauthenticated (neither token
// nor resume is required here: anonymous mode has an empty token).
Result<wire::Hello> read_hello(std::string_view batch, std::string_view& rest);
// The frame that refuses a Hello, as a batch.
void write_refusal(wire::Batch& batch, const wire::Refused& refused);

}  // namespace flare::session
