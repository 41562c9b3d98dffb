// Users of whom it may be that they are to be told by a push, at the home of each: what waits for one user is put
// together, and asked of the store at once.
//
// A batch is asked a step's width after its first message, and not sooner than `delay` after the user was last told.
//
// Protocol: docs/conversations.md, "Push".
// Threads:  its worker's. Pure state: time is an argument.
// Owner:    ConversationPush.
#pragma once

#include "base/keyed_hash.hpp"
#include "model/conversation.hpp"
#include "server/conversations/push_waiting.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::server {

// Messages of a conversation that a user may have to be told of: the newest of them.
struct PushItem {
    model::ConversationKey key;
    store::Row conversation = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t read = 0;  // the user has read up to here since it is here
};

class PushBatches {
public:
    static constexpr std::size_t kMost = 32'768;  // items of all users; beyond: they are dropped, and counted
    static constexpr std::size_t kMostOfUser = 100;
    static constexpr session::Duration kAgain = std::chrono::seconds(1);  // after the store could not be asked

    struct Batch {
        std::string user;
        std::vector<PushItem> items;
    };

    explicit PushBatches(const PushTimes& times, std::size_t most = kMost) : times_(times), most_(most) {}
    PushBatches(const PushBatches&) = delete;
    PushBatches& operator=(const PushBatches&) = delete;

    // False: there is no room.
    bool add(std::string_view user, PushItem item, session::TimePoint now);
    // The user has read everything up to there: no more is to be told of that.
    void read(std::string_view user, const model::ConversationKey& key, std::uint64_t upto);
    // Those whose time has come, at most `most`: to be asked of the store. done() or try_again() follows for each.
    std::vector<Batch> take_due(session::TimePoint now, std::size_t most);
    // It was asked. Whether the user has read an item meanwhile.
    bool is_read(std::string_view user, const PushItem& item) const;
    void done(std::string_view user, bool told, session::TimePoint now);
    void try_again(std::string_view user, session::TimePoint now);

    session::TimePoint next_deadline() const noexcept {
        return schedule_.empty() ? session::kNever : schedule_.begin()->first;
    }
    std::size_t items() const noexcept { return items_; }
    std::size_t users() const noexcept { return users_.size(); }

private:
    struct User {
        explicit User(std::string_view name_) : name(name_) {}
        const std::string name;
        std::vector<PushItem> waiting{};
        std::vector<PushItem> asked{};            // with the store
        session::TimePoint free_at{};             // not to be told sooner
        session::TimePoint at = session::kNever;  // in the schedule
    };
    User* find(std::string_view user) const;
    static bool put(std::vector<PushItem>& items, PushItem item);
    // When it is looked at again; of a user with nothing, it is forgotten then.
    void schedule(User& user, session::TimePoint at);

    const PushTimes times_;
    const std::size_t most_;
    std::size_t items_ = 0;
    boost::unordered_flat_map<std::string_view, std::unique_ptr<User>, base::NameHash> users_;
    std::set<std::pair<session::TimePoint, User*>> schedule_;
};

}  // namespace flare::server
