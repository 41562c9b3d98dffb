// The server's half of a session. The parts of SessionTable drive it; the server reads it.
//
// Protocol: docs/protocol.md, "Attaching a carrier" and the state tables of the server.
// Threads:  its home worker only.
// Owner:    SessionTable.
#pragma once

#include "session/attachments.hpp"
#include "session/credential_term.hpp"
#include "session/deadlines.hpp"
#include "session/devices.hpp"
#include "session/farewell.hpp"
#include "session/lane_set.hpp"
#include "session/pending_message.hpp"
#include "session/pending_work.hpp"
#include "session/session_tickets.hpp"
#include "wire/compression.hpp"
#include "wire/forms.hpp"

#include <boost/container/small_vector.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::session {

class MessageFlow;
class RequestFlow;

enum class Presence : std::uint8_t { attached, detached, gone };
// What waits for room in the lanes of a session, beside its queues.
enum class RoomFor : std::uint8_t { feeds = 1, states = 2, marks = 4 };
class WantedRoom {
public:
    void want(bool wanted, RoomFor what = RoomFor::feeds) noexcept {
        const auto bit = static_cast<std::uint8_t>(what);
        bits_ = static_cast<std::uint8_t>(wanted ? bits_ | bit : bits_ & ~bit);
    }
    bool wanted() const noexcept { return bits_ != 0; }

private:
    std::uint8_t bits_ = 0;  // of RoomFor
};

class ServerSession final : private LaneSetListener {
public:
    struct Who {
        SessionId id;
        Platform platform = Platform::unknown;
        std::string user;
        std::string device;
    };
    struct Agreed {  // when it is made, for its life
        std::uint32_t lanes = 0;
        wire::Encodings encodings = 0;        // how payloads may be compressed, both ways
        std::uint64_t max_message_bytes = 0;  // the largest payload that the client takes, before compression
        bool conversations = false;           // kCapabilityConversations
    };
    ServerSession(const Settings& settings, Budget& budget, MessageFlow& messages, RequestFlow& requests, Device& owner,
                  Who who, const Agreed& agreed);
    ~ServerSession();

    // ---- for the server ----

    const SessionId& id() const noexcept { return who_.id; }
    const std::string& user() const noexcept { return who_.user; }
    const std::string& device() const noexcept { return who_.device; }
    Platform platform() const noexcept { return who_.platform; }
    std::string_view token_id() const noexcept { return credential_.token_id(); }
    const Bytes& claims() const noexcept { return credential_.claims(); }  // of its credential
    Presence presence() const noexcept {
        return farewell_.ended() ? Presence::gone : attachments_.empty() ? Presence::detached : Presence::attached;
    }
    CarrierKey active() const noexcept { return attachments_.active(); }
    // As they are now: callbacks may add and take away.
    boost::container::small_vector<CarrierKey, 4> carriers() const;
    std::uint32_t lanes() const noexcept { return lane_set_.lanes(); }
    const Agreed& agreed() const noexcept { return agreed_; }
    const SendTotals& totals() const noexcept { return lane_set_.totals(); }  // what waits, and what is under way
    // SessionTableListener::on_room() tells when there may be room in lane_set() for feeds, for as long as it is
    // wanted for anything.
    WantedRoom& room() noexcept { return room_; }

    // For the owner of the table's listener: whatever the server keeps with a session.
    std::shared_ptr<void> attachment;
    SessionTimer timer;  // its table's

    // ---- for the parts of SessionTable ----

    Attachments& attachments() noexcept { return attachments_; }
    const Attachments& attachments() const noexcept { return attachments_; }
    SessionTickets& tickets() noexcept { return tickets_; }
    Farewell& farewell() noexcept { return farewell_; }
    CredentialTerm& credential() noexcept { return credential_; }
    LaneSet& lane_set() noexcept { return lane_set_; }
    PendingWork& work() noexcept { return work_; }
    Device& owner() noexcept { return owner_; }
    // A call about it begins: what it does carries this time.
    void at(TimePoint now) noexcept { now_ = now; }
    TimePoint now() const noexcept { return now_; }

    void take(const SessionCredential& credential, TimePoint now);
    // Sending moves to this carrier.
    void send_on(CarrierKey key, TimePoint now);
    // Once, when it has ended: its memory goes, its numbers stay for its tombstone.
    void discard() noexcept;

    // Since when it could bring its client nothing, though something waits; kNever: it can.
    TimePoint starved_since() const noexcept;
    // `writes`: an ack goes with what is about to be written, and has no deadline.
    TimePoint next_deadline(bool writes) const noexcept;

    // About what it takes of the budget.
    std::size_t held_bytes() const noexcept;
    // What can be said of it alone; SessionTable looks at the rest. Returns what it is charged to the budget.
    std::size_t check_invariants() const;

private:
    void on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) override;
    void on_request(LaneIndex lane, const wire::RequestView& request, const Bytes& whole, std::uint64_t cost) override;
    void on_refused(LaneIndex lane, wire::FrameKind kind, const Uuid& id, errc code) override;
    void on_acked(std::uint64_t token, std::uint32_t feed) override;

    Budget& budget_;
    MessageFlow& messages_;
    RequestFlow& requests_;
    Device& owner_;  // lives as long as one of its sessions
    const Who who_;
    const Agreed agreed_;
    SessionTickets tickets_;
    Attachments attachments_;
    CredentialTerm credential_;
    Farewell farewell_;
    const Settings& settings_;
    LaneSet lane_set_;
    PendingWork work_;
    WantedRoom room_;
    TimePoint now_{};  // of the call under way
};

}  // namespace flare::session
