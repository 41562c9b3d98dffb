// A server process of the simulation: two home workers, a reception that hands carriers over, handlers, mail between
// homes.
#pragma once

#include "sim/carrier.hpp"
#include "sim/ledger.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::sim {

inline constexpr std::string_view kToken = "token";  // of every client

class ServerNode {
public:
    ServerNode(World& world, Ledger& ledger, session::Settings settings, std::size_t budget_bytes);
    ~ServerNode();

    // Only clients may get attached to anything.
    enum class Who : std::uint8_t { client, repeater, forger };
    void accept(std::shared_ptr<Carrier> carrier, Who who);
    // Carriers of clients, the latest ones: what was said on them can be heard by anybody.
    const std::vector<std::shared_ptr<Carrier>>& overheard() const noexcept { return overheard_; }
    void crash_and_restart();
    // Says goodbye to every session, and is another process 6 seconds later.
    void shut_down_and_restart();
    // An application's push to all sessions of a user.
    void push(const std::string& user);
    // The application throws somebody out.
    void kick();
    void stop_handling(bool stopped) { handlers_stopped_ = stopped; }

    void check_bounds();
    void check_at_rest(std::size_t clients);
    void check_invariants() const;
    void tear_down();

private:
    struct Home;
    struct Peer;
    struct Process;  // what a crash takes away

    bool is_credential(const wire::Hello& hello) const;
    std::optional<wire::Refused> resume(Home& home, Peer& peer, const wire::Hello& hello);
    std::optional<wire::Refused> begin(Home& home, Peer& peer, const wire::Hello& hello,
                                       session::SessionCredential& identity);

    void later(Duration delay, std::function<void()> run);
    void schedule(Process& process, std::size_t home);
    std::uint32_t home_of(const std::string& user) const;

    World& world_;
    Ledger& ledger_;
    session::Settings settings_;
    std::size_t budget_bytes_;
    std::unique_ptr<Process> process_;
    std::uint64_t life_ = 0;
    std::uint64_t pushed_ = 0;
    bool tickets_last_;  // beyond a process
    std::vector<std::shared_ptr<Carrier>> overheard_;
    bool handlers_stopped_ = false;
    session::CarrierKey next_key_ = 1;
};

}  // namespace flare::sim
