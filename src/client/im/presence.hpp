// The presence of the users that the application follows: asked for in each session, again before the lease ends, and
// after each move to another connection, with which something may have been lost. What is told is a change for the
// application: the same again is not, nor is `unknown` from a server that has just been started.
//
// Protocol: docs/protocol.md, "Signals".
// Threads:  its client's I/O thread.
// Owner:    SignalState.
#pragma once

#include "client/im/signal_bodies.hpp"
#include "client/im/signal_events.hpp"

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::client {

using PresenceDone = std::function<void(Checked<std::vector<Presence>>)>;
using SignalDone = std::function<void(Checked<>)>;

class PresenceList {
public:
    // A server that was started again knows its users again after its grace, which is 20 s unless it says otherwise.
    static constexpr session::Duration kDoubt = std::chrono::seconds(30);
    static constexpr session::Duration kAfterMove = std::chrono::seconds(2);
    static constexpr session::Duration kFirstDelay = std::chrono::seconds(1);  // behind a failure
    static constexpr session::Duration kLongestDelay = std::chrono::seconds(30);
    static constexpr session::Duration kUsualLease = std::chrono::minutes(10);  // of a server that says none

    PresenceList(Feeds::Owner& owner, SignalEvents& events) : owner_(owner), events_(events) {}

    // ---- from the application ----
    void subscribe(const std::vector<std::string>& users, PresenceDone done);
    void unsubscribe(const std::vector<std::string>& users, SignalDone done);

    // ---- from the session ----
    // It is a new one, or it has a connection again.
    void begin();
    void moved();
    void on_told(const wire::im::PresenceState& told);

    session::TimePoint next_deadline() const noexcept;
    void on_time();

    std::size_t size() const noexcept { return all_.size(); }

private:
    struct Followed {
        Presence now{};
        bool untold = false;                                 // too many events wait
        session::TimePoint doubted_until = session::kNever;  // the server does not know it, for the time being
    };
    using All = std::map<std::string, Followed, std::less<>>;
    // A request: what notices say meanwhile is newer than its answer, or is said again.
    struct Asking {
        std::map<std::string, std::optional<Presence>, std::less<>> users{};
    };
    using AskingPtr = std::list<Asking>::iterator;

    AskingPtr begin_asking(const std::vector<std::string>& users);
    // The states of an answer, with what has come since it was asked for.
    std::vector<Presence> end_asking(AskingPtr asking, std::vector<Presence> states);
    void renew();
    void on_renewed(const Answer& answer, AskingPtr asking);
    void renew_by(session::TimePoint at) { renew_at_ = std::min(renew_at_, at); }
    void take(Followed& followed, Presence now);
    void tell(Followed& followed);

    Feeds::Owner& owner_;
    SignalEvents& events_;
    All all_;
    std::list<Asking> asking_;
    bool renewing_ = false;
    session::TimePoint renew_at_ = session::kNever;
    session::Duration delay_ = kFirstDelay;
    session::TimePoint look_at_ = session::kNever;  // a doubt ends, or something is untold; or earlier
};

}  // namespace flare::client
