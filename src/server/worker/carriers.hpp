// All carriers of a worker: creates, finds and closes them, writes to each once per turn, and counts what they hold
// unread.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/admin/flight_log.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/deadline_queue.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/server_state.hpp"
#include "session/session_table.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace flare::server {

class Carriers {
public:
    Carriers(ServerState& state, Executor& executor, session::SessionTable& table, session::Budget& budget,
             Counters& counters, FlightLog& log, ServerCarrierListener& listener);
    ~Carriers();
    Carriers(const Carriers&) = delete;
    Carriers& operator=(const Carriers&) = delete;

    ServerCarrier& add(std::unique_ptr<transport::Carrier> carrier, ServerCarrier::CountedAs counted_as);
    ServerCarrier* find(session::CarrierKey key);
    std::size_t size() const noexcept { return carriers_.size(); }
    template <typename Each>
    void for_each(const Each& each) const {
        for (const auto& [key, carrier] : carriers_) each(*carrier);
    }

    // ---- output: collected during a turn, written once at its end ----

    void mark_dirty(ServerCarrier& carrier);
    // Nothing waits for flush().
    bool clean() const noexcept { return dirty_.empty() && gone_.empty(); }
    // What waits to be written.
    std::size_t dirty() const noexcept { return dirty_.size(); }
    void flush();
    void write_dirty();
    // At the end of the carrier's own turn: see the definition.
    void write_after_turn(ServerCarrier& carrier, session::TimePoint now);
    // A batch of its own, at once. Precondition: the carrier is writable. `fill(batch)`.
    template <typename Fill>
    void send(ServerCarrier& carrier, const Fill& fill) {
        batch_.clear();
        fill(batch_);
        carrier.transport->send(batch_);
    }

    // ---- ends ----

    // In good order, after what the table still writes for it. The first reason counts.
    void close(ServerCarrier& carrier, errc code, const std::string& text);
    // The same for a session's carrier, which stays attached until then.
    void close_attached(session::CarrierKey key, errc code, const std::string& text);
    // It has ended, or is dropped: whoever holds it hears nothing more of it.
    void closed(ServerCarrier& carrier, const transport::CloseReason& reason);
    // Takes the connection out of it for another worker; null: it cannot move now, and stays. What it counts against
    // moves along.
    std::unique_ptr<transport::ParkedCarrier> park(ServerCarrier& carrier);
    session::TimePoint next_deadline();
    void on_time(session::TimePoint now);

    // ---- memory for what came and was not handed on ----

    // Once in each of its turns: it may be `gone` afterwards.
    void charge(ServerCarrier& carrier);

    // What the flight log is told of a carrier.
    void note(session::CarrierKey key, Happened what, errc code = errc::ok,
              transport::Ending ending = transport::Ending::said);

private:
    void write(ServerCarrier& carrier, session::TimePoint now);
    void close_now(ServerCarrier& carrier, std::chrono::milliseconds limit);
    void forget(ServerCarrier& carrier);
    void free_gone();
    void release(const ServerCarrier& carrier) noexcept;
    void give_back(ServerCarrier& carrier) noexcept;
    void shed_unread();
    std::size_t most_unread() const noexcept;
    ServerCarrier* first_closing();

    ServerState& state_;
    Executor& executor_;
    session::SessionTable& table_;
    session::Budget& budget_;
    Counters& counters_;
    FlightLog& log_;
    ServerCarrierListener& listener_;
    const std::size_t write_bytes_;
    std::size_t unread_ = 0;  // of the budget: what carriers hold that came and was not handed on
    boost::unordered_flat_map<session::CarrierKey, std::unique_ptr<ServerCarrier>> carriers_;
    std::vector<std::unique_ptr<ServerCarrier>> gone_;  // freed at the end of the turn
    DeadlineQueue closing_;
    std::vector<session::CarrierKey> dirty_;
    std::vector<session::CarrierKey> flushing_;
    session::CarrierKey next_key_ = 1;
    wire::Batch batch_;
};

}  // namespace flare::server
