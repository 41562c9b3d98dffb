// What a SessionTable keeps beside the sessions themselves.
//
// Threads: its worker only.
// Owner:   SessionTable; included by its own source files only.
#pragma once

#include "session/session_table.hpp"

#include <boost/circular_buffer.hpp>

#include <algorithm>

namespace flare::session {

// How often what is over is looked for.
inline constexpr Duration kSweepEvery = std::chrono::seconds(10);

// (user, device). Outlives its session for Settings::dedupe_retention(), so that a new one of the same device knows
// what was acted on.
struct Device {
    Device(const Settings& settings, TimePoint forgotten_upto)
        : acted_on(settings.dedupe_ids, settings.dedupe_window, settings.dedupe_retention(), forgotten_upto) {}

    // To the budget: itself, its place in the table, and its key there.
    static std::size_t charge_of(const std::string& key) noexcept { return 512 + key.size(); }
    static constexpr std::size_t kAttempts = 16;
    static constexpr std::size_t kMaxUnconfirmed = 4;  // sessions that wait to be heard

    bool knows(const Uuid& attempt) const {
        return std::find(attempts.begin(), attempts.end(), attempt) != attempts.end();
    }
    void remember(const Uuid& attempt) {
        if (attempts.size() >= kAttempts) attempts.erase(attempts.begin());
        attempts.push_back(attempt);
    }

    void check_invariants() const;

    // Of the connect `attempt`; nullptr: it has made none that lives.
    ServerSession* of_attempt(const Uuid& attempt) const {
        if (session != nullptr && session->attempt_ == attempt) return session;
        const auto found = std::find_if(unconfirmed.begin(), unconfirmed.end(),
                                        [&](const auto* each) { return each->attempt_ == attempt; });
        return found == unconfirmed.end() ? nullptr : *found;
    }

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
    // Made with the first message where rates are limited. Another session of the device does not begin anew.
    struct Rates {
        Bucket messages;
        Bucket bytes;
    };
    std::unique_ptr<Rates> rates;
    TimePoint used_at{};
};

// What is left of an ended session until its ticket expires.
struct SessionTable::Tombstone {
    wire::LaneGaps lanes;
    errc reason = errc::ok;
    errc resume_code = errc::session_ended;  // what a resume is refused with
    std::string text;
    std::string secret;
    TimePoint expires_at{};

    // To the budget: itself, and its place in the table.
    std::size_t charge() const noexcept { return 512 + text.size(); }
};

}  // namespace flare::session
