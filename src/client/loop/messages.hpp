// The messages of a client: sends, outcomes, arrivals.
//
// Threads: its client's I/O thread.
// Owner:   ClientLoop.
#pragma once

#include "client/loop/figures.hpp"
#include "client/loop/flight_notes.hpp"
#include "session/client_session.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::client {

using SendDone = std::function<void(SendResult)>;
// A message to this conversation is in its log: as an entry without offset and time, and without content if the client
// keeps no list of conversations. Returns how far the application has been told the conversation when it has been told
// that, if that goes as far as this message.
using StoredListener =
    std::function<std::optional<ToldUpto>(const std::string& to, const StoredAt& stored, Entry entry)>;

class Messages {
public:
    Messages(const Config& config, session::ClientSession& session, Figures& figures, FlightNotes& notes,
             StoredListener on_stored)
        : config_(config), session_(session), figures_(figures), notes_(notes), on_stored_(std::move(on_stored)) {}

    // `can_be_sent`: ok, or why nothing can. `done` may be empty.
    void send(Message message, SendDone done, std::chrono::system_clock::time_point queued_at, errc can_be_sent);
    // Of an earlier run of the program, in the order in which they were posted; before anything is sent.
    void restore(const std::vector<KeptMessage>& messages);
    void on_first_sent(const Uuid& id);
    void on_outcome(const session::Outcome& outcome);
    // A message of this client is in the log of that conversation: whatever becomes of its receipt, it is told as sent
    // now, and its outcome is not told again. False: no such message waits for its outcome.
    bool settle(const Uuid& id, std::string_view to, const StoredAt& stored);
    // A message of somebody else.
    struct Arrived {
        Message message;
        wire::Encoding encoding = wire::Encoding::none;
        std::uint64_t size = 0;      // of the payload, inflated
        std::function<void()> done;  // the application has done with it; called on the event thread
    };
    static Arrived arrived(const wire::DataView& data, const Bytes& whole, std::function<void()> done);
    void receive(Arrived arrived);
    void on_gap(const session::GapReport& report);
    // Every call that waits completes with client_closed.
    void close();

private:
    void tell(const session::Outcome& outcome);
    Entry entry_of(const wire::MessageView& view, Bytes payload) const;
    void tell_outcome(const SendResult& result, const std::string& to, Cache::Ticket kept,
                      const std::optional<ToldUpto>& upto);
    void emit_inflated(Arrived arrived);

    struct Waiter {
        SendDone done;
        std::chrono::system_clock::time_point queued_at;
        session::TimePoint since;
        std::string to;
        Entry entry;  // of a client that keeps a list of conversations: what it will be there
        Cache::Ticket kept = 0;
    };
    const Config& config_;
    session::ClientSession& session_;
    Figures& figures_;
    FlightNotes& notes_;
    const StoredListener on_stored_;
    boost::unordered_flat_map<Uuid, Waiter, std::hash<Uuid>> waiters_;
    boost::unordered_flat_set<Uuid, std::hash<Uuid>> settled_;  // the session still has them, and tells their outcome
};

}  // namespace flare::client
