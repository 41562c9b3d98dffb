// The server of the simulation: one process after the other, what its application does, and what is held against it.
#pragma once

#include "session/planted.hpp"
#include "sim/ledger.hpp"
#include "sim/requests.hpp"
#include "sim/server_process.hpp"
#include "sim/sim_store.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace flare::sim {

inline constexpr std::string_view kToken = "token";  // of every client

class ServerNode final : private session::Observer {
public:
    using Who = sim::Who;

    // What it has conversations in.
    struct Kept {
        SimStore& store;
        LogBook& book;
        bool large_rooms = false;  // for the server, all but those of one member are
        server::RetentionSettings retention{};
    };
    // `conversations`: its processes offer them, and the node answers requests; `kept`: they have a store, and answer
    // themselves.
    ServerNode(World& world, Ledger& ledger, RequestLedger& requests, session::Settings settings,
               std::size_t budget_bytes, bool conversations, std::optional<Kept> kept);
    ~ServerNode();

    void accept(std::shared_ptr<Carrier> carrier, Who who);
    // Carriers of clients, the latest ones: what was said on them can be heard by anybody.
    const std::vector<std::shared_ptr<Carrier>>& overheard() const noexcept { return overheard_; }
    void crash_and_restart();
    // A copy of the store has taken the place of what was there when the next process starts.
    void restore_and_restart(bool new_generation);
    // Says goodbye to every session, and is another process 6 seconds later.
    void shut_down_and_restart();
    // An application's push to all sessions of a user.
    void push(const std::string& user);
    // The application throws somebody out.
    void kick();
    void stop_handling(bool stopped);
    // It says something to several conversations, under one id.
    void announce(const std::vector<std::string>& rooms);
    // It changes a room: by the right of whoever runs the server.
    void change(const std::string& room, im::Command command);
    // And has all deleted that a user wrote.
    void erase(const std::string& user);
    std::uint64_t unix_ms() const;

    void check_bounds();
    void check_at_rest(std::size_t clients);
    // Of rooms, lists are told only where their logs end.
    bool tells_ends_only() const noexcept { return kept_ && kept_->large_rooms; }
    void check_invariants() const;
    void check_conversations() const;
    void tear_down();

private:
    struct Seen;  // of the process that runs
    class Hooks;  // what it tells the application

    void start();
    void give(const Uuid& id, const std::string& room, std::string payload, std::optional<im::Command> command);
    server::Config config();
    HandlerResult handle(const Message& message);
    bool look(Socket& socket, const std::string& bytes);
    void enter_quic(const std::shared_ptr<Socket>& socket, std::string_view first);
    void expect_activation(const Socket& socket, std::uint64_t epoch);
    bool is_credential(const wire::Hello& hello) const;
    void look_at(SimWorker& worker);
    void attached(SimWorker& worker, Socket& socket, const session::ServerSession& session);
    void created(const session::SessionId& id);
    void answer(std::uint32_t worker, const session::PendingRequest& pending, const std::string& body,
                std::size_t number);
    template <typename Each>
    void for_each_session(const Each& each);

    // Observer
    void on_queued(const session::ServerSession& session, const wire::DataView& data) override;
    void on_fresh(const session::ServerSession& session, const wire::DataView& data) override;
    bool on_request(session::ServerSession& session, const session::PendingRequest& pending,
                    const wire::RequestView& request) override;
    void on_request_refused(const Uuid& id) override { requests_.had_no_room(id); }
    void on_device_dropped(std::string_view key) override;

    World& world_;
    Ledger& ledger_;
    RequestLedger& requests_;
    const bool conversations_;
    const std::optional<Kept> kept_;
    session::Settings settings_;
    std::size_t budget_bytes_;
    bool tickets_last_;  // beyond a process
    std::uint64_t life_ = 0;
    std::uint64_t pushed_ = 0;
    std::vector<std::shared_ptr<Carrier>> overheard_;
    std::unique_ptr<Seen> seen_;
    std::unique_ptr<ServerProcess> process_;
};

}  // namespace flare::sim
