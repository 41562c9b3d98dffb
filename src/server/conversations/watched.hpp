// The conversations of one home that somebody has a feed of, or is told the end of: which workers are told what happens
// in them, and how far. On a worker, feeds and states ask each for themselves, and are told apart from one another.
//
// What is told of a conversation goes to each worker in one order, behind the answers of the same turn: so a session
// has the receipt of its own message before anybody's entry above it. An entry that is committed in this turn is
// encoded here, once. What the home only knows to be there (changes of members, what a commit of unknown outcome has
// left, what was there before the conversation was loaded) is told by its offset, and workers read it from the store.
//
// Protocol: docs/conversations.md, "Feeds".
// Threads:  its worker's.
// Owner:    ConversationHome.
#pragma once

#include "base/keyed_hash.hpp"
#include "im/blocks.hpp"
#include "server/conversations/hosted.hpp"
#include "server/conversations/outgoing.hpp"
#include "server/conversations/store_access.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace flare::server {

// Who on a worker wants to know.
enum class Watcher : std::uint8_t { feeds, states };
inline constexpr std::size_t kWatchers = 2;

// The end of a log, beside its offset.
struct LogEnd {
    std::uint64_t epoch = 0;
    std::uint64_t messages = 0;
    std::uint64_t last_ms = 0;
};
inline LogEnd end_of(const model::Head& head) noexcept { return {head.last.epoch, head.messages, head.last_ms}; }

// A message names this user.
struct Mention {
    im::Row user = 0;  // 0: all members
    im::Row sender = 0;
    std::uint64_t offset = 0;
};

// From the home of a conversation to a worker that watches it: an input of im::Feeds and of Summaries.
struct FeedNews {
    enum class What : std::uint8_t { registered, not_registered, told, removed, destroyed };

    What what{};
    model::ConversationKey key;
    std::uint64_t generation = 0;        // of (not_)registered
    std::uint64_t offset = 0;            // told so far; the end of the log; the end of the membership, or of all
    errc code = errc::ok;                // of not_registered
    im::Row row = 0;                     // of registered and told: the conversation's; 0: there is none
    LogEnd end{};                        // likewise
    im::Row user = 0;                    // who was removed
    std::vector<im::BlockPtr> blocks{};  // of told; none if only states watch
    bool deleted = false;                // of told: a message was
    std::vector<Mention> mentions{};     // of told: by what was written in this turn, ascending
};
using FeedNewsPtr = std::shared_ptr<const FeedNews>;

class Watched {
public:
    // `turn_ends`: lets tell() and take() be called at the end of this turn.
    Watched(StoreAccess& store, const HostedTable& hosted, std::uint32_t workers, std::function<void()> turn_ends)
        : store_(store), hosted_(hosted), turn_ends_(std::move(turn_ends)), news_(workers * kWatchers) {}

    // ---- from workers, in the order of each ----

    // registered or not_registered follows, with this generation; then what happens.
    void watch(std::uint32_t worker, Watcher who, const model::ConversationKey& key, std::uint64_t generation);
    void unwatch(std::uint32_t worker, Watcher who, const model::ConversationKey& key);

    // ---- from the home ----

    // A message, or a change of one, was committed, before the head knows of it.
    void committed(const im::Conversation& conversation, const std::shared_ptr<StoredMessage>& message,
                   const im::Outcome& outcome);
    void committed(const im::Conversation& conversation, const im::Plan& plan, const im::Outcome& outcome);
    // At the end of a turn in which it was touched: what is new in it is told.
    void tell(const im::Conversation& conversation);
    // Likewise: the store is asked where those logs end that the home does not have in memory.
    void ask_ends();
    // Workers on which somebody has a feed of it, or is about to.
    template <typename Each>
    void each_with_feeds(const model::ConversationKey& key, const Each& each) {
        const Watch* const watch = find(key);
        if (watch == nullptr) return;
        for (const Hearer& hearer : watch->watchers) {
            if (is_of_feeds(hearer)) each(hearer.place / static_cast<std::uint32_t>(kWatchers));
        }
    }
    // Null: the home does not have it in memory, and nothing of it is on its way to the store.
    const im::Conversation* known(const model::ConversationKey& key) const;
    // The workers on which somebody of these watches it.
    template <typename Each>
    void for_each(const model::ConversationKey& key, Watcher who, const Each& each) {
        const Watch* const watch = find(key);
        if (watch == nullptr) return;
        for (const Hearer& hearer : watch->watchers) {
            if (hearer.place % kWatchers == static_cast<std::size_t>(who))
                each(static_cast<std::uint32_t>(hearer.place / kWatchers));
        }
    }
    // What is to go there.
    void take(std::uint32_t worker, Watcher who, std::vector<FeedNewsPtr>& to);

    std::size_t size() const noexcept { return by_key_.size(); }

private:
    struct Hearer {
        std::uint32_t place;  // of its news
        std::uint64_t generation;
        bool answered = false;
    };
    static std::uint32_t place_of(std::uint32_t worker, Watcher who) noexcept {
        return worker * static_cast<std::uint32_t>(kWatchers) + static_cast<std::uint32_t>(who);
    }
    // What is new in this turn.
    struct Written {
        std::shared_ptr<StoredMessage> message;
        std::uint64_t offset;
        std::uint64_t time_ms;
        std::uint64_t messages;
    };
    struct Removal {
        im::Row user;
        std::uint64_t offset;
    };
    struct Watch {
        explicit Watch(const model::ConversationKey& of, std::uint64_t number_) : key(of), number(number_) {}
        const model::ConversationKey key;
        const std::uint64_t number;           // of this watch: what was read for one before is not for this one
        std::vector<Hearer> watchers{};       // one for each place
        std::optional<std::uint64_t> told{};  // the end of the log as workers know it; nothing: it is being read
        LogEnd end{};                         // likewise
        im::Row row = 0;                      // the log's; 0: there is none
        std::vector<Written> written{};       // behind that, without a hole
        std::vector<Removal> removals{};
        std::optional<std::uint64_t> destroyed{};  // behind the last entry that there was
        bool deleted = false;                      // a message was
    };

    Watch* find(const model::ConversationKey& key);
    // Where the log of a watch ends.
    struct End {
        model::ConversationKey key;
        std::uint64_t number = 0;  // of the watch
        std::uint64_t told = 0;
        LogEnd end{};
        im::Row row = 0;
    };
    void end_read(const End& end, errc code);
    void knows_end(Watch& watch, const im::Conversation& conversation) const;
    void answer(Watch& watch, errc code = errc::ok);
    void give(const Watch& watch, FeedNews news);
    static bool is_of_feeds(const Hearer& hearer) noexcept {
        return hearer.place % kWatchers == static_cast<std::uint32_t>(Watcher::feeds);
    }
    static bool has_feeds(const Watch& watch) { return std::ranges::any_of(watch.watchers, is_of_feeds); }
    static std::vector<Mention> mentions_in(const std::vector<Written>& written);
    std::vector<im::BlockPtr> blocks_of(const Watch& watch, const im::Conversation& conversation) const;

    StoreAccess& store_;
    const HostedTable& hosted_;
    const std::function<void()> turn_ends_;
    boost::unordered_flat_map<std::string_view, std::unique_ptr<Watch>, base::NameHash> by_key_;
    std::uint64_t last_number_ = 0;
    std::vector<End> asked_;                      // of this turn: to be read
    std::vector<std::vector<FeedNewsPtr>> news_;  // of this turn, by place
};

}  // namespace flare::server
