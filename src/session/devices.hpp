// State of each device of each user beyond its sessions: processed messages, connects, rate.
//
// Protocol: docs/protocol.md, "Message ids" and "Attaching a carrier".
// Threads:  its worker only; time is an argument.
// Owner:    SessionTable.
#pragma once

#include "base/keyed_hash.hpp"
#include "session/budget.hpp"
#include "session/dedupe.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::session {

class ServerSession;

// (user, device). Outlives its session for Settings::dedupe_retention(), so that a new one of the same device knows
// what was acted on.
struct Device {
    Device(const Settings& settings, TimePoint forgotten_upto)
        : acted_on(settings.dedupe_ids, settings.dedupe_window, settings.dedupe_retention(), forgotten_upto) {}

    static constexpr std::size_t kAttempts = 16;
    static constexpr std::size_t kMaxUnconfirmed = 4;

    // No session of it lives, and no message of it is being acted on.
    bool idle() const noexcept { return session == nullptr && unconfirmed.empty() && pending == 0; }
    // ---- connects ----
    bool knows(const Uuid& attempt) const;
    void remember(const Uuid& attempt);
    // Of the connect `attempt`; nullptr: it has made none that lives.
    ServerSession* of_attempt(const Uuid& attempt) const;
    // This session has ended.
    void lose(ServerSession& ended, TimePoint now);
    // ---- messages ----
    // For repeats. What is to be sent again after a while has not been acted on: the next time it is new.
    void note_answer(const Uuid& id, const Receipt& receipt);
    // A refusal, if a message of so many bytes comes too fast; else it counts.
    std::optional<Receipt> over_rate(const Settings& settings, std::size_t bytes, TimePoint now);
    // The same of the bytes alone: ms until there is room for them; 0: there is, and they count.
    std::uint32_t over_byte_rate(const Settings& settings, std::size_t bytes, TimePoint now);

    void check_invariants() const;

    ServerSession* session = nullptr;
    std::vector<ServerSession*> unconfirmed;  // made while `session` lived; the first that is heard replaces it
    DedupeRing acted_on;
    std::vector<Uuid> attempts;  // connects that made or joined a session: a late Hello of one makes no other
    struct Waiting {             // a repeat that came while the first was being handled
        Uuid id;
        SessionId session;
        LaneIndex lane = 0;
    };
    std::vector<Waiting> waiting;
    std::size_t pending = 0;  // PendingMessages of it
    // Made with the first message where rates are limited. Another session of the device does not begin anew.
    struct Rates {
        Bucket messages;
        Bucket bytes;
    };
    std::unique_ptr<Rates> rates;
    TimePoint used_at{};
};

class Devices {
public:
    Devices(const Settings& settings, Budget& budget) : settings_(settings), budget_(budget) {}

    // Made when there is none.
    Device& get(std::string_view user, std::string_view device);
    Device* find(std::string_view user, std::string_view device) const;

    // Forgets those without a session that were not used for long. True: others without one stay.
    bool forget_old(TimePoint now);
    // Goes for its memory: what it sends again from then on is too old.
    void forget(std::string_view key, TimePoint now);
    template <typename Each>
    void for_each(Each each) const {
        for (const auto& [key, device] : all_) each(std::string_view(key), *device);
    }
    // Returns what is charged to the budget.
    std::size_t check_invariants() const;

private:
    // To the budget: a device, its place here, and its key.
    static std::size_t charge_of(std::string_view key) noexcept { return 512 + key.size(); }

    const Settings& settings_;
    Budget& budget_;
    boost::unordered_flat_map<std::string, std::unique_ptr<Device>, base::NameHash> all_;
    TimePoint forgotten_at_ = TimePoint::min();  // the last time that one went for its memory
};

}  // namespace flare::session
