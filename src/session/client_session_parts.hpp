// What the parts of ClientSession share: a carrier's state, and what its lanes deliver.
//
// Threads: as ClientSession.
// Owner:   ClientSession.
#pragma once

#include "session/client_session.hpp"

#include <string>
#include <vector>

namespace flare::session {

struct ClientSession::CarrierState {
    CarrierKey key = kNoCarrier;
    State state = State::hello_due;
    bool standby = false;
    bool suspected = false;
    std::uint32_t suspicions = 0;
    Duration heard_gap{0};               // smoothed time between batches
    std::optional<Duration> round_trip;  // smoothed
    std::uint64_t activate_epoch = 0;    // 0: no Activate is due
    std::uint64_t first_epoch = 0;       // of the Activate that went with its Hello; 0: none did
    bool ping_due = false;
    std::uint32_t hellos = 0;
    std::string ticket_used;    // of the Hello under way; empty: it came with a token
    std::string challenge;      // of the Refused that answered it; empty: none
    std::uint64_t ping_id = 0;  // 0: none outstanding
    TimePoint ping_sent_at{};
    TimePoint next_ping_at = kNever;
    TimePoint heard_at{};
    std::uint32_t missed = 0;
    TimePoint on_trial_since = kNever;  // the server knows the session no longer, somebody says; nothing came since
    struct Probe {
        std::uint64_t id = 0;
        std::size_t padding = 0;
        TimePoint written_at = kNever;
    };
    std::vector<Probe> probes;
};

// What the lanes deliver, filtered and passed on.

class ClientSession::Inbound final : public LaneSetListener {
public:
    explicit Inbound(ClientSession& session) : session_(session) {}
    TimePoint now{};

    void on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) override;
    void on_message_refused(LaneIndex, const Uuid&, errc) override {
        // Only servers answer with receipts; what this process had no memory for is gone for it. The reassembly
        // budget of a client is at least one message of the agreed size, so this is the application's own limit.
    }
    void on_receipt(LaneIndex lane, const wire::ReceiptView& receipt) override;
    void on_numbered_first(std::uint64_t token) override;
    void on_acked(std::uint64_t token) override;

private:
    ClientSession& session_;
};

}  // namespace flare::session
