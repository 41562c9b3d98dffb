// The sessions of a table, by id, by carrier and by user; and those that have ended, until their carriers have closed.
//
// Threads: its worker only.
// Owner:   SessionTable.
#pragma once

#include "base/keyed_hash.hpp"
#include "session/server_session.hpp"

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::session {

class SessionIndex {
public:
    // A call from outside: the outermost frees what ended before it; callbacks that call in again must not.
    class Entry {
    public:
        explicit Entry(SessionIndex& index) : index_(index) {
            if (index_.depth_++ == 0) index_.graveyard_.clear();
        }
        ~Entry() { --index_.depth_; }
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

    private:
        SessionIndex& index_;
    };

    // ---- look-ups: sessions that live ----
    ServerSession* find(const SessionId& id) const {
        const auto found = live_.find(id);
        return found == live_.end() ? nullptr : found->second.get();
    }
    // Also one that has ended, until this carrier has closed.
    ServerSession* by_carrier(CarrierKey key) const {
        const auto found = by_carrier_.find(key);
        return found == by_carrier_.end() ? nullptr : found->second;
    }
    // Of most users, without memory from the heap.
    using OfUser = boost::container::small_vector<ServerSession*, 8>;
    OfUser of_user(std::string_view user) const;
    std::size_t count_of(const std::string& user) const;
    ServerSession& oldest_of(const std::string& user) const { return *users_.find(user)->second.front(); }
    std::vector<ServerSession*> all() const;
    template <typename Each>
    void for_each(Each each) const {  // `each` ends none
        for (const auto& [id, session] : live_) each(*session);
    }
    std::size_t size() const noexcept { return live_.size(); }

    // ---- life ----
    ServerSession& add(std::unique_ptr<ServerSession> made);
    // From here on it is its user's.
    void join_user(ServerSession& session) { users_[session.user()].push_back(&session); }
    void attach(CarrierKey key, ServerSession& session) { by_carrier_[key] = &session; }
    void detach(CarrierKey key) { by_carrier_.erase(key); }
    // It has ended: out of every look-up but its carriers'.
    void retire(ServerSession& session);
    // It has no carrier any more: freed when no call is inside it.
    void bury(ServerSession& session);

    // Whose batch is being read: a receipt of it is written with those that follow. Null: none.
    ServerSession* reading() const noexcept { return reading_; }
    void read(ServerSession* session) noexcept { reading_ = session; }

    // Returns what they are charged to the budget.
    std::size_t check_invariants() const;

private:
    boost::unordered_flat_map<SessionId, std::unique_ptr<ServerSession>, std::hash<SessionId>> live_;
    boost::unordered_flat_map<CarrierKey, ServerSession*> by_carrier_;
    boost::unordered_flat_map<std::string, std::vector<ServerSession*>, base::NameHash, std::equal_to<>>
        users_;                                              // the oldest first
    std::vector<std::unique_ptr<ServerSession>> ended_;      // carriers still closing
    std::vector<std::unique_ptr<ServerSession>> graveyard_;  // freed by Entry
    int depth_ = 0;                                          // calls under way, one inside the other
    ServerSession* reading_ = nullptr;
};

}  // namespace flare::session
