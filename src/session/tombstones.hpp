// What remains of ended sessions until their tickets expire: a client that resumes one learns the reason, and what is
// missing.
//
// Protocol: docs/protocol.md, "Tickets" and "Gaps".
// Threads:  its worker only; time is an argument.
// Owner:    SessionTable.
#pragma once

#include "base/assert.hpp"
#include "session/budget.hpp"
#include "session/types.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <memory>
#include <string>
#include <utility>

namespace flare::session {

struct Tombstone {
    wire::LaneGaps lanes;
    errc reason = errc::ok;
    errc resume_code = errc::session_ended;  // what a resume is refused with
    std::string text;
    std::string secret;
    TimePoint ended_at{};

    // To the budget: itself, and its place in the table.
    std::size_t charge() const noexcept { return 512 + text.size(); }
};

class Tombstones {
public:
    Tombstones(Duration life, Budget& budget) : life_(life), budget_(budget) {}

    void add(const SessionId& id, std::unique_ptr<Tombstone> grave) {
        budget_.take_anyway(grave->charge());
        const bool made = all_.insert_or_assign(id, std::move(grave)).second;
        FLARE_INVARIANT(made, "a session has ended twice");
    }
    const Tombstone* find(const SessionId& id) const {
        const auto found = all_.find(id);
        return found == all_.end() ? nullptr : found->second.get();
    }
    void forget(const SessionId& id) {
        const auto found = all_.find(id);
        budget_.give(found->second->charge());
        all_.erase(found);
    }
    void forget_old(TimePoint now) {
        boost::unordered::erase_if(all_, [&](const auto& each) {
            if (each.second->ended_at + life_ > now) return false;
            budget_.give(each.second->charge());
            return true;
        });
    }
    template <typename Each>
    void for_each(Each each) const {
        for (const auto& [id, grave] : all_) each(id, *grave);
    }
    bool empty() const noexcept { return all_.empty(); }
    std::size_t size() const noexcept { return all_.size(); }

private:
    Duration life_;
    Budget& budget_;
    boost::unordered_flat_map<SessionId, std::unique_ptr<Tombstone>, std::hash<SessionId>> all_;
};

}  // namespace flare::session
