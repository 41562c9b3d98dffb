// What a Connectivity does to the world, as lines of text; and a world that does what a test says.
#pragma once

#include "base/random.hpp"
#include "client/connect/connectivity.hpp"

#include <flare/error.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace flare::client::test {

using namespace std::chrono_literals;

inline constexpr session::TimePoint kStart{std::chrono::hours(100)};

inline Connectivity::Settings both_protocols() {
    Connectivity::Settings settings;
    settings.addresses = {Protocol::quic, Protocol::websocket};
    settings.race.protocols = settings.addresses;
    return settings;
}

inline Connectivity::Settings websocket_only() {
    Connectivity::Settings settings;
    settings.addresses = {Protocol::websocket};
    settings.race.protocols = settings.addresses;
    return settings;
}

class ConnectingWorld : public Effects, public Race::Track, public ConnectListener {
public:
    explicit ConnectingWorld(Connectivity::Settings settings, TokenProvider provider = {})
        : credential(provider, provider != nullptr),
          connectivity(std::move(settings), random_, credential, *this, *this, *this) {}

    // ---- what a test does ----

    // A connection of the latest plan is made.
    session::CarrierKey made(Protocol protocol, session::Duration round_trip = 20ms, bool said_hello = false) {
        const session::CarrierKey key = next_key_++;
        const Plan::Why why = said_beside_.contains(protocol) ? Plan::Why::beside : why_;
        connectivity.made({key, protocol, why, round_trip, said_hello}, now);
        return key;
    }
    void welcome(session::CarrierKey key, bool resumed = false) {
        active_ = key;
        connectivity.welcomed(key, resumed, now);
    }
    session::CarrierKey connect(Protocol protocol) {
        connectivity.connect(now);
        const session::CarrierKey key = made(protocol);
        welcome(key);
        take();
        return key;
    }
    // The carrier breaks, which was the only one that is attached.
    void lose(session::CarrierKey key, errc code = errc::connection_lost) {
        active_ = session::kNoCarrier;
        connectivity.detached(Failure(code, "lost"), now);
        connectivity.gone(key, Failure(code, "lost"), now);
    }
    // Every address of the latest plan fails.
    void nothing_answers(errc code = errc::connection_refused) {
        dial_.code_ = code;
        dial_.pending_ = false;
        connectivity.exhausted(why_, Protocol::quic, now);
    }
    // Time goes on to the next deadline.
    session::Duration sleep() {
        const session::TimePoint next = connectivity.next_deadline();
        if (next == session::kNever) return session::Duration::max();
        const session::Duration slept = next - now;
        now = next;
        connectivity.on_time(now);
        return slept;
    }
    void pass(session::Duration time) {
        now += time;
        connectivity.on_time(now);
    }
    // The lines since the last call.
    std::vector<std::string> take() { return std::exchange(lines_, {}); }

    session::TimePoint now = kStart;
    std::set<Protocol> failed_here, won_here;
    struct Probe {
        session::CarrierKey key;
        std::uint64_t id;
        session::TimePoint at;
        bool answered = false;
    };
    std::vector<Probe> probes;
    std::set<session::CarrierKey> attached;  // beside the active one

private:
    struct Random final : base::Random {
        void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), std::uint8_t{0}); }
    };
    struct State {
        errc code_ = errc::connect_timeout;
        bool pending_ = true;
        std::set<Protocol> failed_;
    };
    struct Dial final : Dialling {
        explicit Dial(ConnectingWorld& world_) : world(world_) {}
        std::string failures() const override { return "no answer"; }
        errc code() const override { return world.dial_.code_; }
        void record_unanswered() const override {}
        bool pending() const override { return world.dial_.pending_; }
        bool failed(Protocol protocol) const override { return world.dial_.failed_.contains(protocol); }
        ConnectingWorld& world;
    };

    void say(std::string line) { lines_.push_back(std::move(line)); }
    static std::string text(std::chrono::milliseconds time) { return std::to_string(time.count()); }
    static std::string text(Protocol protocol) { return protocol == Protocol::quic ? "quic" : "websocket"; }
    static std::string text(const Checked<Protocol>& result) {
        return result ? text(*result) : std::string(name(result.error().code));
    }

    void begin_attempt(std::string token) override {
        if (!token.empty()) say("token " + token);
    }
    std::unique_ptr<Dialling> dial(const Plan& plan) override {
        static constexpr const char* kWhys[] = {"first", "again", "fallback", "replace", "asked", "beside"};
        std::string line = std::string("dial ") + kWhys[static_cast<int>(plan.why)];
        for (const Plan::Start& start : plan.starts)
            line += " " + std::to_string(start.address) + "+" + text(start.after);
        say(line);
        if (plan.why == Plan::Why::beside) {
            said_beside_.insert(plan.entrants.front().protocol);
        } else {
            why_ = plan.why;
            said_beside_.clear();
            dial_ = {};
        }
        return std::make_unique<Dial>(*this);
    }
    void take_back_early() override {}
    void say_hello(session::CarrierKey key, bool standby) override {
        say("hello " + std::to_string(key) + (standby ? " standby" : ""));
    }
    void leave(session::CarrierKey key, const std::string&) override { say("leave " + std::to_string(key)); }
    void drop_carriers() override { say("drop"); }
    bool activate(session::CarrierKey key) override {
        if (!attached.contains(key)) return false;
        active_ = key;
        return true;
    }
    session::CarrierKey active() const override { return active_; }
    void fail_all(const std::string& why) override { say("fail all: " + why); }
    racing::Entrant standing(Protocol protocol) override {
        return {protocol, 0.5, won_here.contains(protocol), failed_here.contains(protocol)};
    }
    void remember_won(Protocol) override {}
    void remember_failed(Protocol protocol) override { failed_here.insert(protocol); }
    void answer_connect(const Checked<Protocol>& result) override { say("answer " + text(result)); }
    void answer_switch(const Checked<Protocol>& result) override { say("switch " + text(result)); }

    std::uint64_t send_probe(session::CarrierKey key, std::size_t) override {
        probes.push_back({key, probes.size() + 1, now});
        return probes.back().id;
    }
    double weight(Protocol) override { return 0.5; }
    void on_measured(const std::map<Protocol, Race::Result>&, const Race::Verdict&) override {}
    void on_unreachable(Protocol) override {}

    void on_in_use(const InUse& in_use) override {
        say(std::string(in_use.news == InUse::News::first   ? "connected "
                        : in_use.news == InUse::News::again ? "reconnected "
                                                            : "moved ") +
            text(in_use.protocol) +
            (in_use.news != InUse::News::moved ? ""
             : in_use.why == Race::Why::asked  ? ", asked"
             : in_use.why == Race::Why::better ? ", better"
                                               : ", fallback"));
    }
    void on_lost(Loss, const Failure& reason, bool again) override {
        say("lost: " + reason.text + (again ? "" : ", for good"));
    }
    void on_reconnecting(std::uint32_t attempt, std::chrono::milliseconds delay, bool slot) override {
        say("attempt " + std::to_string(attempt) + " in " + text(delay) + (slot ? " slot" : ""));
    }
    void on_gave_up(const Failure& failure, bool) override { say("gave up: " + failure.text); }
    void on_suspected(session::CarrierKey key) override { say("suspected " + std::to_string(key)); }

    Random random_;
    std::vector<std::string> lines_;
    session::CarrierKey next_key_ = 1;
    session::CarrierKey active_ = session::kNoCarrier;
    Plan::Why why_ = Plan::Why::first;
    std::set<Protocol> said_beside_;
    State dial_;

public:
    Credential credential;
    Connectivity connectivity;
    State& dialled() { return dial_; }
};

}  // namespace flare::client::test
