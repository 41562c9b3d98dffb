// Sessions for load: many clients on one thread, each the session's state machine over a carrier, with nothing of the
// client library around it, so that one core can keep a server busy.
//
// Threads: one: whoever runs the io_context.
#pragma once

#include "server_process.hpp"

#include "client/connect/sealing.hpp"
#include "quic_fleet.hpp"
#include "session/client_session.hpp"
#include "transport/websocket/websocket.hpp"
#include "wire/feeds.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace flare::bench {

inline constexpr std::chrono::minutes kLongest{10};  // a measurement that waits for a number of messages
inline constexpr std::chrono::seconds kDrain{5};     // what is under way at the end of one

class SessionLoad;

// One client.
class LoadClient final : private session::ClientSessionListener, private transport::CarrierHandler {
public:
    LoadClient(SessionLoad& load, std::size_t index);
    ~LoadClient();

    void carry(std::unique_ptr<transport::Carrier> carrier);
    void first_flight(wire::Batch& batch);
    // Drops the connection; the session waits to be resumed.
    void drop();
    // To the server's handler, or to another client.
    void send(std::string_view type, std::string_view payload, std::string_view to = "server");
    // About a conversation, of a load that knows them (Conversing).
    void ask(wire::Verb verb, std::string_view body, std::string_view conversation);
    void flush();
    bool ready() const noexcept { return ready_; }
    // Reads nothing and says nothing, as a process does that has been stopped.
    void stall();
    // Goes on where it was. When the connection or the session has ended meanwhile, it comes back for its session.
    void read_again();
    bool stalled() const noexcept { return stalled_; }
    // What it was told of sessions that could not be continued.
    const std::vector<session::GapReport>& gaps() const noexcept { return gaps_; }
    std::size_t index() const noexcept { return index_; }
    std::uint64_t batches_out() const { return carrier_ ? carrier_->stats().batches_out : 0; }

private:
    void on_ready(session::CarrierKey, bool) override;
    void on_standby(session::CarrierKey) override {}
    void on_detached(errc, const std::string& text) override;
    void on_refused(session::CarrierKey, errc, const std::string& text, std::uint32_t) override;
    void on_ended(errc, const std::string& text, std::uint32_t) override;
    void on_gap(const session::GapReport& report) override { gaps_.push_back(report); }
    void on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                    std::uint64_t cost) override;
    void on_outcome(const session::Outcome& outcome) override;
    void on_response(session::LaneIndex lane, const wire::ResponseView& response, const Bytes& whole,
                     std::uint64_t cost) override;
    void on_feed(session::LaneIndex lane, std::uint32_t feed_id, const wire::im::Feed& feed, const Bytes& whole,
                 std::uint64_t cost) override;
    void on_notice(std::string_view body) override;
    void on_heartbeat(session::CarrierKey, session::Duration) override;
    void on_suspect(session::CarrierKey) override {}
    void close_carrier(session::CarrierKey, errc, const std::string&) override {}
    void output_ready(session::CarrierKey) override { mark(); }
    void on_disconnected(bool) override {}

    void on_batch(std::string_view batch) override;
    void on_turn_end() override {
        if (dirty_) flush();
    }
    void on_writable() override { mark(); }
    void on_closed(const transport::CloseReason& reason) override;

    void mark();
    void come_back();

    SessionLoad& load_;
    const std::size_t index_;
    session::ClientSession session_;
    std::unique_ptr<transport::Carrier> carrier_;
    std::shared_ptr<void> attempt_;
    std::shared_ptr<void> sealing_;  // the same, of sealing
    bool ready_ = false;
    bool dirty_ = false;
    bool early_ = false;  // its hello went as early data
    bool stalled_ = false;
    bool comes_back_ = false;  // an end is no failure
    std::vector<session::GapReport> gaps_;

    friend class SessionLoad;
};

// What clients hear that know conversations. Views end with the call.
struct Conversing {
    std::function<void(LoadClient&, const wire::ResponseView&)> on_response{};
    std::function<void(LoadClient&, const wire::im::Feed&)> on_feed{};
    std::function<void(LoadClient&, const session::Outcome&)> on_stored{};
    std::function<void(LoadClient&, std::string_view notice)> on_notice{};  // a body
    bool asks_again = false;  // to be told to come later (busy) is no failure: on_response() sees to it
};

class SessionLoad {
public:
    // What a client gets, in order. `payload` ends with the call.
    using OnMessage = std::function<void(LoadClient&, std::string_view type, std::string_view payload)>;

    explicit SessionLoad(OnMessage on_message, Conversing conversing = {});
    ~SessionLoad();

    // Connects `count` clients and waits until each has a session. Throws NotConnected. together: QUIC clients
    // share one socket, as those of one machine would not; for sessions that only have to be there.
    void connect(const ServerOptions& options, std::uint16_t port, std::size_t count, bool together = false);
    // Called for each client that has its session, from now on. Not with dial_for().
    void on_ready(std::function<void(LoadClient&)> call) { on_ready_ = std::move(call); }
    void run_for(std::chrono::nanoseconds time);
    // Whom it has made its clients for.
    std::string user_of(std::size_t index) const { return logins_.user_of(index); }
    // Runs until `done` says so; false: not within `limit`.
    bool run_until(const std::function<bool()>& done, std::chrono::nanoseconds limit);
    std::vector<std::unique_ptr<LoadClient>>& clients() noexcept { return clients_; }
    // One that was dropped connects again, for its session.
    void dial_again(LoadClient& client) { client.attempt_ = dial_(client); }
    // Makes connection after connection for a while, `at_once` at a time; each ends when its session stands. `resume`:
    // of the same sessions (with early data where the transport can), else each time a new one.
    struct Dialled {
        std::uint64_t connections = 0;
        std::uint64_t early = 0;  // whose early data the server took
    };
    Dialled dial_for(const ServerOptions& options, std::uint16_t port, std::size_t at_once, bool resume,
                     std::chrono::nanoseconds time);
    // Messages that were refused or not answered, carriers that broke.
    std::uint64_t failures() const noexcept { return failures_; }
    // That were answered.
    std::uint64_t heartbeats() const noexcept { return heartbeats_; }
    // From now on it asks for work without sleeping. Waking a sleeper on another CPU costs the server more than a
    // message does, and how often it must depends on how fast the load is: with a network between them it never does.
    void stay_awake() noexcept { awake_ = true; }

private:
    friend class LoadClient;
    using Dial = std::function<std::shared_ptr<void>(LoadClient&)>;
    void seal(LoadClient& client, std::unique_ptr<transport::Carrier> carrier, const client::Sealing& sealing);
    Dial dialer(const ServerOptions& options, std::uint16_t port, bool tickets, bool together);
    void fail(errc code, std::string text);
    void flush();
    void post_flush();
    void tick();

    OnMessage on_message_;
    Conversing conversing_;
    Logins logins_;
    boost::asio::io_context context_{1};
    boost::asio::steady_timer timer_{context_};
    session::SharedBudget shared_budget_;
    session::Budget budget_;
    std::vector<std::unique_ptr<LoadClient>> clients_;
    std::vector<LoadClient*> dirty_;
    std::vector<LoadClient*> flushing_;
    bool flush_posted_ = false;
    std::size_t ready_ = 0;   // clients that have their sessions
    std::size_t ticked_ = 0;  // where tick() goes on
    wire::Batch batch_;
    std::uint64_t failures_ = 0;
    std::uint64_t heartbeats_ = 0;
    bool awake_ = false;
    Failure last_failure_;
    std::function<void(LoadClient&)> on_ready_;
    Dial dial_;  // of connect()
    std::uint64_t early_ = 0;
};

}  // namespace flare::bench
