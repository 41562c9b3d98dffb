// Connects a client and keeps it connected. Decides when to connect and over which protocols, how to react to refusals,
// losses and the server's instructions, when another connection takes over, and when to give up.
//
// Protocol: docs/racing.md, "Failure detection"; docs/client.md, "Reconnecting".
// Threads:  one at a time; no I/O, no clock. What happens goes in with the time; what follows goes out by Effects and
//           ConnectListener, at once.
// Owner:    ClientLoop (and the simulator).
#pragma once

#include "base/random.hpp"
#include "client/connect/attempt.hpp"
#include "client/connect/beside.hpp"
#include "client/connect/outage.hpp"
#include "client/connect/race.hpp"

#include <optional>
#include <string>
#include <vector>

namespace flare::client {

class Connectivity final : private Beside, private Attempt::Owner {
public:
    using Why = Race::Why;
    struct Settings {
        std::vector<Protocol> addresses;  // the protocol of each, in the order of preference
        std::chrono::milliseconds connection_timeout{5000};
        std::chrono::milliseconds reconnect_delay{1000};
        std::uint32_t max_reconnect_attempts = kUnlimited;
        bool auto_reconnect = true;
        bool auto_fallback = true;
        Race::Settings race;
    };
    Connectivity(Settings settings, base::Random& random, Credential& credential, Effects& effects, Race::Track& track,
                 ConnectListener& listener);

    // ---- what the application asks ----

    // While disconnected or failed. Ends with Effects::answer_connect().
    void connect(session::TimePoint now);
    // While connected: every carrier is dropped and another one made. While reconnecting: the next attempt at once, if
    // that is no haste. Ends with Effects::answer_connect().
    void reconnect(session::TimePoint now);
    // Nothing is begun any more; disconnected() follows when the session has said goodbye.
    void disconnect(session::TimePoint now);
    void disconnected();
    // While connected, unless uses(protocol) or is_moving(). Ends with Effects::answer_switch(), or answer_connect().
    void switch_to(Protocol protocol, session::TimePoint now);
    bool uses(Protocol protocol) const noexcept { return in_use_ == protocol && !replacement_.falling_back; }
    bool is_moving() const noexcept { return attempt_.under_way() || switching_; }
    // Everything stops, and nothing is told.
    void stop();

    // ---- what happens to connections ----

    void made(const MadeCarrier& carrier, session::TimePoint now);
    // Of the plan with this `why`; `protocol`: of one for beside.
    void exhausted(Plan::Why why, Protocol protocol, session::TimePoint now);
    // The session closes this carrier itself.
    void closing(session::CarrierKey key);
    // After the session has heard of it.
    void gone(session::CarrierKey key, const Failure& why, session::TimePoint now);
    // The machine's addresses have changed. `left_behind`: packets to the server leave from another address than this
    // carrier's now; kNoCarrier: there is none, or it is as it was.
    void network_changed(session::CarrierKey left_behind, session::TimePoint now);

    // ---- what the session says ----

    void welcomed(session::CarrierKey key, bool resumed, session::TimePoint now);
    void standby_welcomed(session::CarrierKey key, session::TimePoint now);
    void detached(const Failure& reason, session::TimePoint now);
    // retry_after: the server asked for time, which is no failure of the attempt; 0: it did not.
    void refused(session::CarrierKey key, const Failure& failure, std::chrono::milliseconds retry_after,
                 session::TimePoint now);
    void ended(const Failure& reason, std::chrono::milliseconds retry_after, session::TimePoint now);
    void suspected(session::CarrierKey key, session::TimePoint now);
    void recovered(session::CarrierKey key, session::TimePoint now);

    // ---- time ----

    session::TimePoint next_deadline() const;
    void on_time(session::TimePoint now);

    ClientStatus status() const noexcept { return status_; }
    std::optional<Protocol> in_use() const noexcept { return in_use_; }
    const Carriers& carriers() const noexcept { return carriers_; }
    Race& race() noexcept { return race_; }  // for what is measured

private:
    void came_to_nothing(const Failure& failure, std::chrono::milliseconds retry_after,
                         session::TimePoint now) override;
    void move_to(session::CarrierKey key, racing::TimePoint now) override;

    void set_status(ClientStatus status);
    void begin(std::optional<Protocol> only, session::TimePoint now);
    void carry_on(session::CarrierKey key, Why why, bool resumed, session::TimePoint now);
    void replace(session::CarrierKey key, std::optional<Protocol> failed, session::TimePoint now);
    void move_failed(const Failure& failure, session::TimePoint now);
    void lost(const Failure& reason, session::TimePoint now);
    void leave_session(ConnectListener::Loss loss, const Failure& reason);
    void schedule(std::chrono::milliseconds slot, session::TimePoint now);
    void give_up(const Failure& failure);
    void drop();

    const Settings settings_;
    const bool may_fall_back_;
    base::Random& random_;
    Credential& credential_;
    Effects& effects_;
    ConnectListener& listener_;
    Carriers carriers_;
    Attempt attempt_;
    Outage outage_;
    Race race_;
    ClientStatus status_ = ClientStatus::disconnected;
    std::optional<Protocol> in_use_;
    Failure last_failure_;  // of an attempt to reconnect
    // Why another connection is being made while the session is told to be connected.
    struct Replacement {
        session::CarrierKey suspect = session::kNoCarrier;  // it is still attached
        std::optional<Protocol> failed;                     // that is to be left: it is tried last
        bool falling_back = false;                          // no carrier is left, and not every protocol has been tried
        Failure reason;                                     // of that
        // Nothing came of it: when the suspect of then is suspected again.
        session::TimePoint again_at = session::kNever;
        session::CarrierKey again = session::kNoCarrier;
    };
    Replacement replacement_;
    bool switching_ = false;      // switch_to() has no answer yet
    bool was_connected_ = false;  // since connect()
    bool told_lost_ = false;      // of the present loss
    bool disconnecting_ = false;
};

}  // namespace flare::client
