// One thread with one event loop: its listener, its connections, the sessions whose home it is.
//
// Threads: post() and context() from any thread; everything else on its own.
// Owner:   WorkerGroup.
#pragma once

#include "server/certificates.hpp"
#include "server/counters.hpp"
#include "server/flight_log.hpp"
#include "server/server_carrier.hpp"
#include "server/worker_group.hpp"
#include "session/session_table.hpp"
#include "transport/quic/quic.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/container/deque.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace flare::server {

// A message on its way to a handler.
struct HandlerTask {
    session::PendingMessage pending;
    Message message;
    // Its payload as it came, until its turn: what waits is no larger than the credit that it took.
    wire::Encoding encoding = wire::Encoding::none;
    std::uint64_t size = 0;
    wire::Encodings encodings = 0;  // of its session
    std::size_t charge = 0;         // to the budget, for as long as the handler runs
};

// A payload that a thread of the pool has compressed, or found not worth it.
struct CompressedPayload {
    Bytes bytes;
    wire::Encoding encoding = wire::Encoding::none;
};

// A message on its way to a user: forwarding.cpp.
struct OutgoingMessage;

// The messages of one session that wait for their handler. It outlives the session: what was received is acted on.
struct HandlerQueue {
    std::shared_ptr<const SessionInfo> info;  // replaced as a whole: a handler in the pool may look at it
    std::string address;                      // of the connection that was attached last, and its protocol: for the log
    Protocol protocol = Protocol::websocket;
    boost::container::deque<HandlerTask> waiting;  // it has no memory while empty
    bool running = false;
    // Not null: a large message to a user is being inflated, and later ones wait, so that they do not overtake it.
    std::unique_ptr<std::deque<std::shared_ptr<OutgoingMessage>>> held;
};

class Worker final : private session::SessionTableListener,
                     private transport::websocket::ListenerHandler,
                     private transport::quic::ListenerHandler {
public:
    Worker(WorkerGroup& group, std::uint32_t index);
    ~Worker();

    boost::asio::io_context& context() noexcept { return context_; }
    // Before run(). Errors as Server::start().
    Checked<boost::asio::ip::tcp::endpoint> listen(const std::string& address,
                                                   std::shared_ptr<transport::tls::ServerContext> tls);
    Checked<boost::asio::ip::udp::endpoint> listen_quic(const std::string& address,
                                                        std::shared_ptr<transport::quic::ServerContext> keys,
                                                        const transport::quic::Secret& secret);
    // For connections that come from now on.
    void use_certificates(const Certificates& certificates);
    void start_thread();
    void join();
    // Runs `task` on this worker's thread, later. Tasks of one caller keep their order. False: the worker has stopped.
    bool post(std::function<void(Worker&)> task);
    bool runs_here() const noexcept { return thread_.get_id() == std::this_thread::get_id(); }

    // ---- on its own thread ----

    session::SessionTable& table() noexcept { return table_; }
    WorkerGroup& group() noexcept { return group_; }
    std::uint32_t index() const noexcept { return index_; }
    static session::TimePoint now() { return std::chrono::steady_clock::now(); }
    // As clients are told it: to the millisecond.
    static std::chrono::system_clock::time_point wall_clock() {
        return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    }
    void add_to(ServerStats& stats) const;
    static SessionInfo info_of(const session::ServerSession& session);
    // An encoded message for sessions here: what a receipt would say.
    session::Receipt deliver(std::string_view user, std::string_view from, wire::Forms& forms, Priority priority,
                             std::size_t* too_large = nullptr);
    // ---- for the admin address: worker_report.cpp ----
    // Objects as JSON, with when the session was made: the newest, at most `most`. Empty user: all of them.
    using Listed = std::vector<std::pair<session::TimePoint, std::string>>;
    void list_sessions(std::string_view user, std::size_t most, Listed& listed);
    // A session, if it lives, and what happened to it, if that is remembered. Nothing: neither.
    std::optional<std::string> report(const session::SessionId& id);
    FanOut broadcast(std::string_view from, wire::Forms& forms, Priority priority);
    std::size_t end_user(std::string_view user, errc code, const std::string& text);
    // Ends, at once, every session that `which` names.
    std::size_t cut_off(const std::function<bool(const session::ServerSession&)>& which, errc code,
                        const std::string& text);
    std::size_t drop_connections(std::string_view user);
    void begin_stop();  // no new connections, goodbye to all sessions
    // Ends sessions for their memory, and goes on to the next worker until there is enough: docs/server.md, "Memory".
    void shed(session::Shed kind);
    bool is_idle() const noexcept { return connections_.empty() && table_.size() == 0; }
    void finish_stop();  // whatever is left goes at once

    // ---- for ServerCarrier ----

    void greeted(ServerCarrier& connection, std::string_view batch);
    void confirmed(ServerCarrier& connection);
    bool claim_address(ServerCarrier& connection);
    void received(ServerCarrier& connection, std::string_view batch);
    void alive(ServerCarrier& connection);
    void take(ServerCarrier& connection, std::string_view batch);
    void closed(ServerCarrier& connection, const transport::CloseReason& reason);
    void mark_dirty(ServerCarrier& connection);
    void write_dirty();
    void turn_ended(ServerCarrier& connection);
    void give_back(ServerCarrier& connection) noexcept;
    void count_error(errc code) { ++counters_.errors[code]; }

private:
    transport::PortUse port_use() const noexcept;
    // How long the last words to a connection wait for a peer that does not read.
    static constexpr std::chrono::milliseconds kCloseLimit{2000};

    // SessionTableListener
    void on_session_created(session::ServerSession& session) override;
    void on_session_ended(session::ServerSession& session, errc reason, const std::string& text) override;
    void on_presence(session::ServerSession&) override {}
    void on_carrier_attached(session::ServerSession& session, session::CarrierKey key) override;
    void on_carrier_activated(session::ServerSession& session, session::CarrierKey key) override;
    void on_carrier_detached(session::ServerSession&, session::CarrierKey) override {}
    void on_message(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
                    const Bytes& whole) override;
    void on_message_refused(session::ServerSession& session, errc code) override;
    void on_reply_refused(session::ServerSession& session, errc code) override;
    void on_memory_short() override;
    void on_heartbeat(session::ServerSession& session) override;
    void on_credential(session::ServerSession& session, std::string_view token) override;
    void close_carrier(session::CarrierKey key, errc code, const std::string& text) override;
    void output_ready(session::CarrierKey key) override;
    void on_peer_error(const session::ServerSession* session, session::CarrierKey key, errc code,
                       const std::string& text) override;

    // ListenerHandler of both transports
    bool on_connection(const std::string& peer_address) override;
    bool on_client(const std::string& address) override;
    void on_connection_gone(const std::string& peer_address) override;
    Answer on_handshake(const std::string& peer_address, bool validated) override;
    void on_handshake_gone(const std::string& peer_address, bool validated) override;
    void on_carrier(std::unique_ptr<transport::Carrier> carrier, bool validated) override;
    void on_carrier(std::unique_ptr<transport::Carrier> carrier) override;
    transport::websocket::HttpResponse on_http(const transport::websocket::HttpRequest& request) override;
    void on_accept_paused(errc code) override;

    // Reception: reception.cpp
    bool admit(errc admitted);
    std::size_t take_front(ServerCarrier& connection, std::string_view batch);
    void go_on(session::CarrierKey key);
    ServerCarrier* find(session::CarrierKey key);
    ServerCarrier& add(std::unique_ptr<transport::Carrier> carrier, bool counted);
    void seal(ServerCarrier& connection, std::string_view batch);  // sealing.cpp
    bool tell_sealing_key(ServerCarrier& connection, std::string_view nonce);
    void wait_for_handshake(ServerCarrier& connection, const wire::Hello& hello, std::string_view batch,
                            std::string_view rest);
    std::uint32_t home_of(const wire::Hello& hello, const std::string& user) const;
    void look_at_credential(ServerCarrier& connection, wire::Hello hello, std::string rest);
    void authenticate(ServerCarrier& connection, wire::Hello hello, std::string rest);
    void authenticated(session::CarrierKey key, wire::Hello hello, Checked<Identity> identity);
    bool is_revoked(const session::SessionCredential& identity) const;
    void renewed(const session::SessionId& id);
    void verify(AuthRequest request, std::function<void(Checked<Identity>)> done);
    static session::SessionCredential in_steady_time(Identity identity);
    // Storms: storm.cpp
    bool let_in(ServerCarrier& connection);
    bool ticket_holds(const session::TicketContents& identity) const;
    void ask_for_proof(ServerCarrier& connection, const wire::Hello& hello, wire::Refused& refused);
    std::optional<session::SessionCredential> proven_by_ticket(ServerCarrier& connection, const wire::Hello& hello);
    static session::SessionCredential of_ticket(const session::TicketContents& identity);
    void to_home(ServerCarrier& connection, wire::Hello hello, std::string rest,
                 std::optional<session::SessionCredential> identity);
    void attach(ServerCarrier& connection, const wire::Hello& hello, std::string_view rest,
                const std::optional<session::SessionCredential>& identity);
    void refuse(ServerCarrier& connection, const wire::Refused& refused);
    void close(ServerCarrier& connection, errc code, const std::string& text);

    // Memory: memory.cpp
    void charge(ServerCarrier& connection);
    void shed_unread();
    std::size_t most_unread() const noexcept;
    bool take_for_handler(std::size_t bytes, std::size_t has = 0);
    void give_from_handler(std::size_t bytes) noexcept;

    // Messages: delivery.cpp
    void to_handler(session::ServerSession& session, session::PendingMessage&& pending, Message&& message,
                    const wire::MessageView& view);
    void run_next(const std::shared_ptr<HandlerQueue>& queue);
    void run(const std::shared_ptr<HandlerQueue>& queue, HandlerTask task);
    bool inflate(const std::shared_ptr<HandlerQueue>& queue, HandlerTask& task);
    void run_here(const HandlerQueue& queue, const session::PendingMessage& pending, const Message& message,
                  const Handler& handler);
    void handled(const session::PendingMessage& pending, const HandlerResult& result, session::TimePoint began,
                 const CompressedPayload* packed = nullptr);
    void answer(const session::PendingMessage& pending, session::Receipt receipt);
    void hook(std::function<void(EventHandler&)> call);
    // What the flight log is told of a carrier.
    void note(session::CarrierKey key, Happened what, errc code = errc::ok,
              transport::Ending ending = transport::Ending::said);
    std::string object_of(const session::ServerSession& session);

    // Messages to users: forwarding.cpp
    void to_user(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
                 const Bytes& whole);
    bool is_allowed(const SessionInfo& from, std::string_view to, const Message& message);
    void send_outgoing(const std::shared_ptr<OutgoingMessage>& outgoing);
    void begin_large(const std::shared_ptr<OutgoingMessage>& outgoing);
    void inflate_outgoing(const std::shared_ptr<OutgoingMessage>& outgoing);
    void end_large(const std::shared_ptr<OutgoingMessage>& outgoing, session::Receipt receipt);

    // The loop: worker.cpp
    void drain_mailbox();
    // Nothing more is taken; what has been is done, because somebody waits for the answer. On its thread, or after it.
    void close_mailbox();
    void run();
    void flush();
    void write(ServerCarrier& connection, session::TimePoint now);
    void close_now(ServerCarrier& connection, std::chrono::milliseconds limit);
    void arm_timer();
    void on_timer();
    void set_deadline(ServerCarrier& connection, std::deque<session::CarrierKey>& of, session::Duration from_now);
    ServerCarrier* first_of(std::deque<session::CarrierKey>& keys, bool (*waits)(const ServerCarrier&));

    WorkerGroup& group_;
    const std::uint32_t index_;
    boost::asio::io_context context_{1};
    boost::asio::steady_timer timer_{context_};
    session::TimePoint timer_at_ = session::kNever;
    session::TimePoint handled_at_{};                   // the last batch came, or the last handler ended
    std::chrono::system_clock::time_point taken_at_{};  // what is at hand came then, by the clock on the wall
    std::size_t inflating_ = 0;  // announced sizes of what this turn's messages inflate on the loop
    session::Budget budget_;
    std::size_t unread_ = 0;       // of it: what connections hold that came and was not handed on
    std::size_t in_handlers_ = 0;  // of it: messages that wait for their handlers
    const std::size_t write_bytes_;
    session::SessionTable table_;
    std::unique_ptr<transport::websocket::Listener> listener_;
    std::unique_ptr<transport::quic::Listener> quic_listener_;
    std::shared_ptr<const Sealing> sealing_;  // null: clients cannot seal
    boost::unordered_flat_map<session::CarrierKey, std::unique_ptr<ServerCarrier>> connections_;
    std::vector<std::unique_ptr<ServerCarrier>> gone_;  // freed at the end of the turn
    std::deque<session::CarrierKey> greeting_;          // in order of their deadlines
    std::deque<session::CarrierKey> closing_;           // the same
    std::vector<session::CarrierKey> dirty_;
    std::vector<session::CarrierKey> flushing_;
    session::CarrierKey next_key_ = 1;
    wire::Batch batch_;
    Counters counters_;
    FlightLog log_;
    bool stopping_ = false;

    std::mutex mailbox_mutex_;
    std::vector<std::function<void(Worker&)>> mailbox_;
    bool mailbox_closed_ = false;
    std::thread thread_;
};

}  // namespace flare::server
