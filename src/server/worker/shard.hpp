// The users whose home is one worker: their sessions, and the parts that serve them. It has no thread, socket or clock:
// its worker drives it, or the simulator.
//
// Threads: its worker's.
// Owner:   Worker (and the simulator).
#pragma once

#include "base/gate.hpp"
#include "server/admin/flight_log.hpp"
#include "server/conversations/conversations.hpp"
#include "server/dispatch/dispatch.hpp"
#include "server/reception/authenticator.hpp"
#include "server/reception/reception.hpp"
#include "server/reception/sealer.hpp"
#include "server/worker/carriers.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/intake.hpp"
#include "server/worker/router.hpp"
#include "server/worker/session_events.hpp"
#include "server/worker/shedding.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flare::server {

class Shard final : private ServerCarrierListener {
public:
    Shard(ServerState& state, Router& router, Executor& executor, std::uint32_t index);
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    std::uint32_t index() const noexcept { return index_; }
    ServerState& state() noexcept { return state_; }
    Counters& counters() noexcept { return counters_; }
    const FlightLog& log() const noexcept { return log_; }
    const session::Budget& budget() const noexcept { return budget_; }
    session::SessionTable& table() noexcept { return table_; }
    Carriers& carriers() noexcept { return carriers_; }
    Reception& reception() noexcept { return reception_; }
    Sealer& sealer() noexcept { return sealer_; }
    Users& users() noexcept { return dispatch_.users(); }
    // Null: the server has no store.
    Conversations* conversations() noexcept { return conversations_.get(); }
    Answers& answers() noexcept { return dispatch_.answers(); }
    Shedding& shedding() noexcept { return shedding_; }
    session::TimePoint now() const { return executor_.now(); }

    // ---- what its worker does for it ----

    session::TimePoint next_deadline();
    void on_time();
    // What was collected is written, what has gone is freed. Output is collected for as long as the loop has other
    // work.
    void flush() { carriers_.flush(); }
    // After every turn of the loop.
    void end_turn();

    // ---- what the application asks ----

    std::size_t end_user(std::string_view user, errc code, const std::string& text);
    // Ends, at once, every session that `which` names.
    std::size_t cut_off(const std::function<bool(const session::ServerSession&)>& which, errc code,
                        const std::string& text);
    std::size_t drop_connections(std::string_view user);
    // Its part of them.
    ServerStats stats();

    // Goodbye to all sessions, and to connections that have none. `pass` is given back when nothing is left.
    void begin_stop(base::Gate::Pass pass);

private:
    // ServerCarrierListener
    void on_batch(ServerCarrier& carrier, std::string_view batch) override;
    void on_confirmed(ServerCarrier& carrier) override;
    void on_alive(ServerCarrier& carrier) override;
    void on_turn_end(ServerCarrier& carrier) override;
    void on_writable(ServerCarrier& carrier) override;
    void on_closed(ServerCarrier& carrier, const transport::CloseReason& reason) override;

    ServerState& state_;
    Executor& executor_;
    const std::uint32_t index_;
    Turn turn_;
    Counters counters_;
    FlightLog log_;
    session::Budget budget_;
    SessionEvents events_;
    session::SessionTable table_;
    Carriers carriers_;
    Shedding shedding_;
    Authenticator authenticator_;
    Sealer sealer_;
    Intake intake_;
    Reception reception_;
    Dispatch dispatch_;
    std::unique_ptr<Conversations> conversations_;
    std::optional<base::Gate::Pass> stopping_;  // until nothing is left
};

}  // namespace flare::server
