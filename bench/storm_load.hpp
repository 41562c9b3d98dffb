// The clients of `storm`: sessions that come back as the client library does, at the slot that a server gave them or
// with its back-off, and that say Hello again on the same connection when theirs is not known. No client library around
// them: it would take a thread and a file for each.
//
// Threads: one: whoever runs the io_context.
#pragma once

#include "quic_fleet.hpp"
#include "session/client_session.hpp"
#include "storm_server.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace flare::bench {

class StormLoad;

class StormClient final : private session::ClientSessionListener, private transport::CarrierHandler {
public:
    StormClient(StormLoad& load, std::size_t index);

    // Connects after that time, and after every end that follows.
    void come_back(session::Duration delay);
    void connected(std::unique_ptr<transport::Carrier> carrier, const std::string& failure);
    void send(std::size_t number);
    bool ready() const noexcept { return ready_; }
    std::size_t index() const noexcept { return index_; }
    static std::string user_of(std::size_t index) { return "storm" + std::to_string(index); }

private:
    void on_ready(session::CarrierKey, bool) override;
    void on_standby(session::CarrierKey) override {}
    void on_detached(errc, const std::string&) override;
    void on_refused(session::CarrierKey, errc, const std::string& text, std::uint32_t retry_after_ms) override;
    void on_ended(errc code, const std::string&, std::uint32_t retry_after_ms) override;
    void on_gap(const session::GapReport&) override {}
    void on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes&, std::uint64_t cost) override;
    void on_outcome(const session::Outcome& outcome) override;
    void on_heartbeat(session::CarrierKey, session::Duration) override {}
    void on_suspect(session::CarrierKey) override {}
    void close_carrier(session::CarrierKey key, errc code, const std::string& text) override;
    void output_ready(session::CarrierKey) override { mark(); }
    void on_disconnected(bool) override {}

    void on_batch(std::string_view batch) override;
    void on_turn_end() override {
        if (dirty_) flush();
    }
    void on_writable() override { mark(); }
    void on_closed(const transport::CloseReason& reason) override;

    void dial();
    void failed();
    void gone();
    void mark();
    void flush();
    void live();

    StormLoad& load_;
    const std::size_t index_;
    session::ClientSession session_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<void> attempt_;
    std::unique_ptr<transport::Carrier> carrier_;
    session::CarrierKey key_ = 0;
    struct Close {
        errc code;
        std::string text;
    };
    std::optional<Close> close_due_;
    std::uint32_t failures_ = 0;  // attempts in a row
    bool ready_ = false;
    bool waiting_ = false;  // for its next attempt
    bool dirty_ = false;

    friend class StormLoad;
};

class StormLoad {
public:
    explicit StormLoad(const StormOptions& options);
    ~StormLoad();

    // Begins to connect, `per_second` clients each second.
    void begin(std::uint16_t port, double per_second);
    // A tenth of the clients say something twice a second, until there are no numbers left.
    void talk(bool on) noexcept { talking_ = on; }
    // The server at that port is another one from now on.
    void server_replaced() { fleets_.clear(); }
    // False: not within `limit`.
    bool run_until(const std::function<bool()>& done, std::chrono::nanoseconds limit);

    std::size_t ready() const noexcept { return ready_; }
    // Messages without an outcome.
    std::size_t open() const noexcept { return sent_ - outcomes_; }

    struct Counts {
        std::size_t drained = 0;  // sessions that had all that the server's Goodbye numbered
        std::size_t ended = 0;    // and all that were said goodbye to
        std::size_t refused = 0;  // connects, by a Refused that named a time
        std::size_t failed = 0;   // connects, in any other way
        std::size_t lost = 0;     // connections, without a Goodbye
        std::size_t failed_messages = 0;
        std::vector<std::uint64_t> arrivals;  // ns, of sessions that became ready
    };
    Counts counts;
    std::size_t sent() const noexcept { return sent_; }
    std::uint32_t answers(std::size_t number) const { return answers_[number]; }
    const std::string& last_failure() const noexcept { return last_failure_; }

private:
    friend class StormClient;
    std::shared_ptr<void> connect(StormClient& client);
    void post_flush();
    void flush();
    void tick();

    const StormOptions options_;
    boost::asio::io_context context_{1};
    boost::asio::steady_timer timer_{context_};
    session::SharedBudget shared_budget_;
    session::Budget budget_;
    std::shared_ptr<transport::tls::ClientContext> tls_;
    std::shared_ptr<transport::quic::ClientContext> quic_;
    std::vector<std::shared_ptr<QuicFleet>> fleets_;
    std::uint16_t port_ = 0;
    std::vector<std::unique_ptr<StormClient>> clients_;
    std::vector<StormClient*> dirty_;
    std::vector<StormClient*> flushing_;
    std::vector<std::unique_ptr<transport::Carrier>> binned_;  // freed outside of their own calls
    bool flush_posted_ = false;
    wire::Batch batch_;
    std::size_t ready_ = 0;
    std::size_t ticked_ = 0;  // where tick() goes on
    bool talking_ = false;
    std::size_t talker_ = 0;  // whose turn it is
    std::uint64_t talked_at_ = 0;
    std::size_t sent_ = 0;
    std::size_t outcomes_ = 0;
    std::vector<std::uint32_t> answers_;  // by number
    std::string last_failure_;
};

}  // namespace flare::bench
