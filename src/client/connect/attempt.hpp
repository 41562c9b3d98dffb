// One attempt to get the session onto a new connection: which connection sends Hello and which stays in reserve, what
// the end of one means for the others, and when the attempt times out.
//
// Protocol: docs/racing.md, "Connecting".
// Threads:  one at a time; no I/O, no clock.
// Owner:    Connectivity.
#pragma once

#include "client/connect/carriers.hpp"
#include "client/connect/credential.hpp"
#include "client/connect/effects.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace flare::client {

// The order and the head starts of those addresses, by what is known of their protocols. `only`: the others take no
// part. `last`: is to be left, so that it is tried last.
Plan make_plan(Plan::Why why, const std::vector<Protocol>& addresses, std::optional<Protocol> only,
               std::optional<Protocol> last, Effects& effects);

class Attempt {
public:
    // A reserve says hello so much after the Welcome of another connection was to be there.
    static constexpr session::Duration kHedgeSlack = std::chrono::milliseconds(50);

    class Owner {
    public:
        // Nothing has come of it: call end(). retry_after: the server asked for time; 0: it did not.
        virtual void came_to_nothing(const Failure& failure, std::chrono::milliseconds retry_after,
                                     session::TimePoint now) = 0;

    protected:
        ~Owner() = default;
    };
    // `addresses`: the protocol of each, in the order of preference. `limit`: of one attempt, to its Welcome.
    Attempt(std::vector<Protocol> addresses, std::chrono::milliseconds limit, Credential& credential,
            Carriers& carriers, Effects& effects, ConnectListener& listener, Owner& owner);

    void begin(Plan::Why why, std::optional<Protocol> only, std::optional<Protocol> last, session::TimePoint now);
    // The first connection says hello. One that comes later does so too if its path is so much shorter that its Welcome
    // will be there first; otherwise it stays in reserve.
    void made(const MadeCarrier& made, session::TimePoint now);
    // Every address has failed, or has made its connection.
    void exhausted(session::TimePoint now);
    // A connection that it had made has ended before it was welcomed.
    void gone(const Failure& failure, session::TimePoint now);
    // It is over, one way or the other: what it has left open is closed.
    void end();
    // Nothing is closed or told.
    void stop();

    bool under_way() const noexcept { return under_way_; }
    session::TimePoint began() const noexcept { return began_; }
    bool waits_for_welcome() const;
    // Has every address of this protocol failed?
    bool failed(Protocol protocol) const { return dialling_ && dialling_->failed(protocol); }

    session::TimePoint next_deadline() const;
    void on_time(session::TimePoint now);

private:
    void greet(session::CarrierKey key, CarrierState& carrier);
    void greet_reserves();
    void nothing_connected(session::TimePoint now);
    void timed_out(session::TimePoint now);

    const std::vector<Protocol> addresses_;
    const std::chrono::milliseconds limit_;
    Credential& credential_;
    Carriers& carriers_;
    Effects& effects_;
    ConnectListener& listener_;
    Owner& owner_;
    std::unique_ptr<Dialling> dialling_;
    bool under_way_ = false;          // a connection is being made, or waits for its Welcome
    std::optional<Failure> failure_;  // of a connection that was made and then ended
    session::TimePoint began_{};
    session::TimePoint late_at_ = session::kNever;   // then it has taken too long
    session::TimePoint hedge_at_ = session::kNever;  // then connections in reserve say hello, too
};

}  // namespace flare::client
