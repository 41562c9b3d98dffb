// The background race of a session: measures the connection in use and standbys of the other protocols, and moves the
// session to a better one.
//
// Protocol: docs/racing.md.
// Threads:  one at a time; no I/O, no clock.
// Owner:    Connectivity.
#pragma once

#include "racing/measurement.hpp"
#include "racing/referee.hpp"
#include "session/types.hpp"

#include <map>
#include <optional>
#include <vector>

namespace flare::client {

class Race {
public:
    using Why = racing::Referee::Why;
    struct Settings {
        bool measures = false;  // off: nothing is measured, nothing moves for the sake of a score
        bool warm_standby = false;
        std::uint32_t probes = 10;
        racing::Duration timeout = std::chrono::seconds(5);
        racing::Duration interval = std::chrono::seconds(30);
        std::vector<Protocol> protocols;
    };

    // A race is over: what was measured, and the scores.
    struct Result {
        racing::Measurement measured;
        double score = 0;
        double weight = 0;
    };
    // What follows from it.
    struct Verdict {
        Protocol in_use;
        Protocol challenger;
        bool moves = false;
        bool too_early = false;    // the last move for the sake of a score is less than an interval ago
        racing::Duration slow{0};  // so long a frame has waited on the one in use; 0: it was not slow
    };

    // Opens, closes and takes connections.
    class Host {
    public:
        // Opens a connection beside the one in use; ends with standby_ready() or standby_failed().
        virtual void open_standby(Protocol protocol, racing::TimePoint now) = 0;
        virtual void cancel_standby(Protocol protocol) = 0;  // nothing is told any more
        virtual void close_standby(session::CarrierKey key) = 0;
        // Ends with in_use().
        virtual void move_to(session::CarrierKey key, racing::TimePoint now) = 0;

    protected:
        ~Host() = default;
    };

    // Measures, and is told what was measured.
    class Track {
    public:
        virtual std::uint64_t send_probe(session::CarrierKey key, std::size_t padding) = 0;  // 0: not possible
        virtual double weight(Protocol protocol) = 0;
        virtual void on_measured(const std::map<Protocol, Result>& results, const Verdict& verdict) = 0;
        virtual void on_unreachable(Protocol protocol) = 0;

    protected:
        ~Track() = default;
    };

    Race(Settings settings, Host& host, Track& track);

    // This carrier carries the session from now on; the one before it stays a second for what is under way on it.
    void in_use(Protocol protocol, session::CarrierKey key, Why why, racing::Duration connection_latency,
                racing::TimePoint now);
    // It broke, or was of no use, while it was in use.
    void failed_in_use(Protocol protocol, racing::TimePoint now);
    void standby_ready(Protocol protocol, session::CarrierKey key, racing::Duration connection_latency,
                       racing::TimePoint now);
    void standby_failed(Protocol protocol, racing::TimePoint now);
    void gone(session::CarrierKey key, racing::TimePoint now);
    void answered(session::CarrierKey key, std::uint64_t probe, racing::TimePoint now);
    // The connection in use is slow: a frame has waited this long for its acknowledgement.
    void slow(racing::Duration age, racing::TimePoint now);
    void network_changed(racing::TimePoint now);
    // Nothing is opened, measured or moved until resume() or in_use(); what is beside the one in use is closed.
    void pause(racing::TimePoint now);
    void resume(racing::TimePoint now);
    // The owner has dropped every connection.
    void reset();
    // An attached carrier of another protocol that may take over.
    std::optional<session::CarrierKey> standby() const;

    racing::TimePoint next_deadline() const noexcept { return wake_at_; }
    void on_time(racing::TimePoint now);

private:
    enum class Phase : std::uint8_t { idle, opening, measuring, waiting };
    struct Runner {
        Phase phase = Phase::idle;
        session::CarrierKey key = session::kNoCarrier;
        racing::TimePoint since{};  // of opening
        racing::TimePoint attached_at{};
        racing::TimePoint complete_at = racing::kNever;
        racing::Duration connection_latency{0};
        std::optional<racing::Probing> probing;
    };
    struct Retiring {
        session::CarrierKey key;
        racing::TimePoint at;
    };

    void tick(racing::TimePoint now);
    void advance(Protocol protocol, Runner& runner, racing::TimePoint now);
    void begin_measuring(Runner& runner, racing::TimePoint now);
    void send_due(Runner& runner, racing::TimePoint now);
    void judge(Protocol protocol, Runner& runner, racing::TimePoint now);
    void give_up(Protocol protocol, Runner& runner, racing::TimePoint now);
    racing::TimePoint due_after(racing::TimePoint now) const;
    void arm(racing::TimePoint now) { wake_at_ = due_after(now); }
    Runner* find(session::CarrierKey key);

    const Settings settings_;
    Host& host_;
    Track& track_;
    racing::Referee referee_;
    std::map<Protocol, Runner> runners_;  // of every protocol; the one in use is measured too
    std::optional<Protocol> current_;
    bool paused_ = true;
    racing::Duration slow_age_{0};
    std::vector<Retiring> retiring_;
    racing::TimePoint wake_at_ = racing::kNever;
};

}  // namespace flare::client
