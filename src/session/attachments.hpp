// The carriers of one session: which are attached, which one sends, and which Hellos have attached one.
//
// Protocol: docs/protocol.md, "Attaching a carrier".
// Threads:  its worker only.
// Owner:    ServerSession.
#pragma once

#include "session/notices.hpp"
#include "session/types.hpp"
#include "session/used_epochs.hpp"

#include <vector>

namespace flare::session {

// A carrier that is attached to a session.
struct Attached {
    CarrierKey key = kNoCarrier;
    std::uint64_t epoch = 0;
    TimePoint heard_at{};
    std::vector<std::uint64_t> pongs;  // owed; bounded
    std::uint32_t offered = 0;         // which ticket is in its Welcome
    bool welcome_due = false;
    bool goodbye_due = false;
    bool with_secret = false;  // its Hello came with a token: Welcome carries the secret
    bool confirmed = false;    // something came after its Hello: its Welcome has arrived
    bool activated = false;    // an Activate with an epoch of its own came on it
};

class Attachments {
public:
    static constexpr std::size_t kMost = 8;

    bool empty() const noexcept { return all_.empty(); }
    std::size_t size() const noexcept { return all_.size(); }
    auto begin() noexcept { return all_.begin(); }
    auto end() noexcept { return all_.end(); }
    auto begin() const noexcept { return all_.begin(); }
    auto end() const noexcept { return all_.end(); }
    Attached* find(CarrierKey key) noexcept;

    void add(Attached&& carrier, TimePoint now);
    // False: it was not attached. Whoever sent on it sends on none.
    bool remove(CarrierKey key, TimePoint now);
    // Which goes when there are kMost: the oldest of those that do not send.
    CarrierKey least() const noexcept;

    CarrierKey active() const noexcept { return active_; }
    void send_on(CarrierKey key) noexcept { active_ = key; }
    // For the carrier that sends; they go with the last one.
    Notices& notices() noexcept { return notices_; }
    // Somebody has activated a carrier, at any time.
    bool ever_activated() const noexcept { return active_epoch_ != 0; }
    // An Activate that a later one has overtaken.
    bool is_stale(CarrierKey key, std::uint64_t epoch) const noexcept {
        return epoch < active_epoch_ || (epoch == active_epoch_ && key != active_);
    }
    void note_activate(Attached& carrier, std::uint64_t epoch) noexcept {
        // An epoch that was activated elsewhere is somebody's copy, and says nothing of what the client has got.
        carrier.activated = carrier.activated || epoch > active_epoch_;
        active_epoch_ = epoch;
    }
    // The newest carrier whose Welcome has arrived; frames on any other could come before it. Null: none.
    const Attached* newest_confirmed() const noexcept;

    // The connect that the session belongs to.
    const Uuid& attempt() const noexcept { return attempt_; }
    void belong_to(const Uuid& attempt, std::uint64_t epoch) noexcept {
        attempt_ = attempt;
        attempt_epoch_ = epoch;
    }
    // A Hello of an earlier connect.
    bool overtaken(const Uuid& attempt, std::uint64_t epoch) const noexcept {
        return attempt != attempt_ && (epoch < active_epoch_ || epoch < attempt_epoch_);
    }
    bool has_taken(std::uint64_t epoch) const noexcept { return used_.has(epoch); }
    void take(std::uint64_t epoch) noexcept { used_.add(epoch); }

    // Nothing has come yet that answers a Welcome, and another session has to go first: it waits among its device's
    // `unconfirmed`, and no hook tells of it. docs/protocol.md, "Attaching a carrier".
    bool unconfirmed() const noexcept { return unconfirmed_; }
    void wait_to_be_heard(bool waits) noexcept { unconfirmed_ = waits; }

    TimePoint attached_at() const noexcept { return attached_at_; }
    TimePoint detached_at() const noexcept { return detached_at_; }

    void check_invariants() const;

private:
    std::vector<Attached> all_;
    CarrierKey active_ = kNoCarrier;
    Notices notices_;
    std::uint64_t active_epoch_ = 0;
    Uuid attempt_;                     // of the Hello that made the session or began its latest connect
    std::uint64_t attempt_epoch_ = 0;  // of that Hello
    UsedEpochs used_;                  // of the Hellos that have attached a carrier
    TimePoint attached_at_{};          // when the first of the present carriers came
    TimePoint detached_at_ = kNever;   // kNever: there are carriers, or there was none yet
    bool unconfirmed_ = false;
};

}  // namespace flare::session
