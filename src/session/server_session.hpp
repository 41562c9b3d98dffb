// The server's half of a session. SessionTable drives it; the server reads it.
//
// Protocol: docs/protocol.md, "Attaching a carrier" and the state tables of the server.
// Threads:  its home worker only.
// Owner:    SessionTable.
#pragma once

#include "session/dedupe.hpp"
#include "session/lane_set.hpp"
#include "session/used_epochs.hpp"
#include "wire/compression.hpp"

#include <boost/container/small_vector.hpp>
#include <boost/intrusive/set.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::session {

class SessionTable;
struct Device;

enum class Presence : std::uint8_t { attached, detached, gone };

class ServerSession final : private LaneSetListener {
public:
    const SessionId& id() const noexcept { return id_; }
    const std::string& user() const noexcept { return user_; }
    const std::string& device() const noexcept { return device_; }
    Platform platform() const noexcept { return platform_; }
    std::string_view token_id() const noexcept { return token_id_ ? std::string_view(*token_id_) : std::string_view(); }
    const Bytes& claims() const noexcept { return claims_; }  // of its credential
    Presence presence() const noexcept {
        return ended_ ? Presence::gone : carriers_.empty() ? Presence::detached : Presence::attached;
    }
    CarrierKey active() const noexcept { return active_; }
    // As they are now: callbacks may add and take away.
    boost::container::small_vector<CarrierKey, 4> carriers() const;
    std::uint32_t lanes() const noexcept { return lane_set_.lanes(); }
    // How payloads may be compressed, both ways; agreed when the session was made, for its life.
    wire::Encodings encodings() const noexcept { return encodings_; }
    // The largest payload that the client takes, before compression: as agreed when the session was made.
    std::uint64_t max_message_bytes() const noexcept { return max_message_bytes_; }
    std::size_t queued_frames() const noexcept { return lane_set_.totals().queued_frames; }
    std::size_t queued_bytes() const noexcept { return lane_set_.totals().queued_bytes; }
    std::size_t unacked_frames() const noexcept { return lane_set_.totals().unacked_frames; }

    // What can be said of it alone; SessionTable looks at the rest. Returns what it is charged to the budget.
    std::size_t check_invariants() const;

    // For the owner of the table's listener: whatever the server keeps with a session.
    std::shared_ptr<void> attachment;

    ~ServerSession();

private:
    friend class SessionTable;
    friend struct Device;
    struct Attached {
        CarrierKey key = kNoCarrier;
        std::uint64_t epoch = 0;
        TimePoint heard_at{};
        std::vector<std::uint64_t> pongs;  // owed; bounded
        std::uint32_t offered = 0;         // generation of the ticket in its Welcome
        bool welcome_due = false;
        bool goodbye_due = false;
        bool with_secret = false;  // its Hello came with a token: Welcome carries the secret
        bool confirmed = false;    // something came after its Hello: its Welcome has arrived
        bool activated = false;    // an Activate with an epoch of its own came on it
    };
    ServerSession(SessionTable& table, SessionId id, std::string user, std::string device, Platform platform,
                  std::uint32_t lanes);

    void on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) override;
    void on_message_refused(LaneIndex lane, const Uuid& id, errc code) override;
    void on_receipt(LaneIndex, const wire::ReceiptView&) override {}  // clients send none: refused before
    void on_numbered_first(std::uint64_t) override {}
    void on_acked(std::uint64_t) override {}
    Attached* carrier(CarrierKey key);
    void set_token_id(const std::string& id) {
        token_id_ = id.empty() ? nullptr : std::make_unique<const std::string>(id);
    }

    void set_claims(const Bytes& claims);

    SessionTable& table_;
    SessionId id_;
    std::string user_;
    std::string device_;
    Platform platform_;
    std::string secret_;
    std::string ticket_;                 // confirmed: the client has used or acknowledged it
    std::string next_ticket_;            // issued, not yet confirmed; empty: none
    std::uint32_t next_generation_ = 0;  // counts the tickets issued
    std::string previous_ticket_;        // replaced; good only for Hellos of previous_attempt_
    Uuid previous_attempt_;
    Device* owner_ = nullptr;          // lives as long as one of its sessions
    Uuid attempt_;                     // of the Hello that made the session or began its latest connect
    std::uint64_t attempt_epoch_ = 0;  // of that Hello
    std::uint64_t active_epoch_ = 0;
    UsedEpochs used_;    // of the Hellos that have attached a carrier
    Settings settings_;  // with what was agreed; referenced by lane_set_
    LaneSet lane_set_;
    std::vector<Attached> carriers_;
    CarrierKey active_ = kNoCarrier;
    TimePoint attached_at_{};  // when the first of the present carriers came
    TimePoint detached_at_ = kNever;
    std::uint32_t in_progress_ = 0;                              // messages handed to the application and not finished
    std::vector<std::pair<LaneIndex, std::uint64_t>> deferred_;  // consumed, but credit waits for our queue to shrink
    TimePoint now_{};                                            // of the call under way
    // The credential: when it expires, when the client is to be told so (kNever: it was), what is to be told next.
    TimePoint expires_at_ = kNever;
    TimePoint warn_at_ = kNever;
    std::unique_ptr<wire::CredentialState> credential_told_;
    std::unique_ptr<const std::string> token_id_;  // null: it has none
    Bytes claims_;                                 // part of charge_
    std::uint64_t expires_unix_ms_ = 0;            // expires_at_, for tickets
    bool renewing_ = false;                        // a new one is being looked at
    std::uint64_t max_message_bytes_ = wire::kDefaultMaxMessageBytes;
    wire::Encodings encodings_ = 0;
    std::size_t charge_ = 0;    // to the budget, for the session itself
    bool unconfirmed_ = false;  // it waits among its device's `unconfirmed`: docs/protocol.md, "Attaching a carrier"
    bool ended_ = false;        // out of every look-up; lives on until its carriers have closed
    std::unique_ptr<const wire::LaneStates> peer_final_;  // the peer has said goodbye, with these numbers
    bool goodbye_ = false;                                // we are ending it
    bool goodbye_said_ = false;                           // and the frame is written, with final numbers
    bool final_ = false;                                  // its numbers are: what is answered from here on is dropped
    errc end_code_ = errc::ok;
    std::string end_text_;
    std::uint32_t end_retry_after_ms_ = 0;
    TimePoint goodbye_deadline_ = kNever;

public:
    // Order in the table's queue of deadlines.
    struct Timer : boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
        TimePoint at = kNever;
        ServerSession* session = nullptr;
        friend bool operator<(const Timer& a, const Timer& b) noexcept { return a.at < b.at; }
    };

private:
    Timer timer_;
};

}  // namespace flare::session
