// The carriers of a client's session: which there are, on which of them it sends, and the epochs that order what they
// say of that.
//
// Protocol: docs/protocol.md, "Attaching a carrier", "Activate".
// Threads:  as ClientSession.
// Owner:    ClientSession.
#pragma once

#include "session/client_carrier.hpp"

#include <memory>
#include <vector>

namespace flare::session {

class ClientCarriers {
public:
    using All = std::vector<std::unique_ptr<ClientCarrier>>;  // the newest last; a carrier stays where it is

    ClientCarrier& add(CarrierKey key, TimePoint now, bool standby);
    // It may be the one that sends: then none does.
    void remove(CarrierKey key) noexcept;
    // All of them; none sends.
    All take_all() noexcept;

    auto begin() const noexcept { return all_.begin(); }
    auto end() const noexcept { return all_.end(); }
    ClientCarrier* find(CarrierKey key) const noexcept;
    ClientCarrier* attached_one(CarrierKey key) const noexcept;  // null: it is not welcomed
    bool attached() const noexcept;                              // at least one is
    ClientCarrier* newest_attached() const noexcept;             // null: none is
    // The Hello of another one is under way.
    bool another_waits(const ClientCarrier& carrier) const noexcept;
    // The Hello of one took an Activate along.
    bool one_hurried() const noexcept;

    CarrierKey active() const noexcept { return active_; }  // kNoCarrier: none sends
    bool sends() const noexcept { return active_ != kNoCarrier; }
    // This one sends from here on, and its Activate says so. True: what has no acknowledgement goes out again on it.
    // False: it sends already, and the same Activate once more tells the server that its Welcome has arrived.
    bool send_on(ClientCarrier& carrier) noexcept;
    void stop_sending() noexcept { active_ = kNoCarrier; }

    std::uint64_t epoch() const noexcept { return epoch_; }  // the latest
    std::uint64_t next_epoch() noexcept { return ++epoch_; }

    void check_invariants(bool session) const;

private:
    All all_;
    CarrierKey active_ = kNoCarrier;
    std::uint64_t epoch_ = 0;
};

}  // namespace flare::session
