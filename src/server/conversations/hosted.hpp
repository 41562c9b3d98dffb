// The conversations whose home is one worker, as far as they are in memory, and which sessions are held in which of
// them behind what was put off.
//
// Protocol: docs/conversations.md, "Later".
// Threads:  its worker's.
// Owner:    ConversationHome.
#pragma once

#include "base/keyed_hash.hpp"
#include "im/append.hpp"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace flare::server {

struct Hosted {
    Hosted(const model::ConversationKey& key, const im::Limits& limits, im::DeviceRates& devices)
        : append(key, limits, devices) {}

    im::Append append;
    bool touched = false;  // it is looked at again at the end of the turn
    bool busy = false;     // something waits in it, or is remembered for a while
    bool answered[2]{};    // by the first or the second user of a direct conversation, since it is here
    boost::unordered_flat_set<im::SessionKey> held;  // that HostedTable knows to be held in it
};
using HostedPtr = std::shared_ptr<Hosted>;

class HostedTable {
public:
    // Of which nothing waits; beyond: they are read again when they are needed.
    static constexpr std::size_t kMost = 16'384;
    // In which one session is held; beyond: it is let go where it was put off for the longest time, so that who writes
    // to ever other conversations does not fill the memory with them.
    static constexpr std::size_t kMostHeld = 256;

    // `limits` must outlive it.
    explicit HostedTable(const im::Limits& limits, std::size_t most = kMost) : limits_(limits), most_(most) {}

    // Made when there is none.
    HostedPtr get(const model::ConversationKey& key);
    // Null: it is not in memory.
    const Hosted* find(const model::ConversationKey& key) const;
    std::size_t size() const noexcept { return by_key_.size(); }
    template <typename Each>
    void for_each(Each each) const {
        for (const auto& [key, hosted] : by_key_) each(*hosted);
    }

    // `session` was put off in `hosted`, which stays busy for as long as it is held there.
    void hold(im::SessionKey session, Hosted& hosted);
    // Nobody is held in `hosted` any more.
    void let_go(Hosted& hosted);
    // It has ended: nobody is put off any more for what it was to send again.
    void session_gone(im::SessionKey session);
    void check_invariants() const;

private:
    using HeldIn = std::vector<Hosted*>;  // where it was put off last, at the end

    const im::Limits& limits_;
    const std::size_t most_;
    im::DeviceRates devices_{limits_.device};
    boost::unordered_flat_map<std::string_view, HostedPtr, base::NameHash> by_key_;  // by key, which is in the value
    std::size_t forget_at_ = most_;  // so many, and those that wait for nothing go
    boost::unordered_flat_map<im::SessionKey, HeldIn> held_;
};

}  // namespace flare::server
