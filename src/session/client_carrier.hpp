// One carrier of a client's session, and what its lanes deliver.
//
// Threads: as ClientSession.
// Owner:   ClientSession; included by its own source files only.
#pragma once

#include "session/client_session.hpp"

#include <string>
#include <vector>

namespace flare::session {

struct ClientSession::Carrier {
    enum class State : std::uint8_t { hello_due, hello_sent, attached, closing };

    bool attached() const noexcept { return state == State::attached; }
    // A ping that has no answer yet, beside the heartbeat's.
    struct Probe {
        std::uint64_t id = 0;
        std::size_t padding = 0;
        TimePoint written_at = kNever;
    };
    bool probing() const noexcept;  // one is to be written

    CarrierKey key = kNoCarrier;
    State state = State::hello_due;
    bool standby = false;
    std::uint32_t hellos = 0;
    std::uint64_t activate_epoch = 0;  // 0: no Activate is due
    std::uint64_t first_epoch = 0;     // of the Activate that went with its Hello; 0: none did
    std::string ticket_used;           // of the Hello under way; empty: it came with a token
    std::string challenge;             // of the Refused that answered it; empty: none
    CarrierHealth health;
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
    void on_receipt(LaneIndex, const wire::ReceiptView& receipt) override {
        session_.outgoing_.on_receipt(receipt, now, !session_.goodbye_.disconnecting());
    }
    void on_numbered_first(std::uint64_t token) override { session_.outgoing_.on_numbered_first(token, now); }
    void on_acked(std::uint64_t token) override { session_.outgoing_.on_acked(token); }

private:
    ClientSession& session_;
};

}  // namespace flare::session
