// The messages of a client: sends, outcomes, arrivals.
//
// Threads: its client's I/O thread.
// Owner:   ClientLoop.
#pragma once

#include "client/loop/figures.hpp"
#include "client/loop/flight_notes.hpp"
#include "session/client_session.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <functional>

namespace flare::client {

using SendDone = std::function<void(SendResult)>;

class Messages {
public:
    Messages(const Config& config, session::ClientSession& session, Figures& figures, FlightNotes& notes)
        : config_(config), session_(session), figures_(figures), notes_(notes) {}

    // `can_be_sent`: ok, or why nothing can. `done` may be empty.
    void send(Message message, SendDone done, std::chrono::system_clock::time_point queued_at, errc can_be_sent);
    void on_outcome(const session::Outcome& outcome);
    // `done`: the application has done with it; called on the event thread.
    void on_message(const wire::DataView& data, const Bytes& whole, std::function<void()> done);
    void on_gap(const session::GapReport& report);
    // Every call that waits completes with client_closed.
    void close();

private:
    void emit_inflated(Message message, const wire::MessageView& view, std::function<void()> after);

    struct Waiter {
        SendDone done;
        std::chrono::system_clock::time_point queued_at;
    };
    const Config& config_;
    session::ClientSession& session_;
    Figures& figures_;
    FlightNotes& notes_;
    boost::unordered_flat_map<Uuid, Waiter, std::hash<Uuid>> waiters_;
};

}  // namespace flare::client
