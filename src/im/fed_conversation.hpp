// Conversations of which somebody on a worker has a feed.
//
// Protocol: docs/conversations.md, "Feeds".
// Threads:  one at a time.
// Owner:    Feeds.
#pragma once

#include "base/keyed_hash.hpp"
#include "im/feed_list.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::im {

// What a page is to hold: at most `last - from + 1` entries, and fewer if they are large.
struct PageWanted {
    std::uint64_t ticket = 0;
    Row conversation = 0;
    std::uint64_t from = 0;
    std::uint64_t last = 0;
    EncodingSet encodings = 0;  // of those who read it
};

struct FedConversation {
    struct Page {
        PageWanted wanted;
        std::vector<Feed*> feeds;  // that stand there
        bool outdated = false;     // a message was deleted since it was asked for
    };
    struct Removal {
        Row user;
        std::uint64_t offset;
    };

    FedConversation(model::ConversationKey of, std::uint32_t at) : key(std::move(of)), index(at) {}

    const model::ConversationKey key;
    const std::uint32_t index;  // FedConversations::at()
    bool registered = false;
    bool in_turns = false;         // since more wait than one turn has room for, and until all of them have had theirs
                                   // and one turn more has begun
    std::uint64_t generation = 0;  // of this watch: an answer to one before is for nobody. 0: it has not begun
    Row row = 0;
    std::uint64_t told = 0;
    FeedList feeds{*this};
    std::size_t opening = 0;                                                        // of them
    std::size_t behind = 0;                                                         // likewise
    std::vector<Removal> removals{};                                                // while some are opening
    boost::intrusive::list<Feed, boost::intrusive::constant_time_size<false>> due;  // in the order of their turns
    std::vector<Page> pages;                                                        // that are being read
    KeptBlocks::Shelf shelf;

    // It was given all that was told, and a record says where it is.
    bool at_rest(const FeedCursor& feed) const noexcept {
        return feed.next == told + 1 && (feed.own_after <= told || feed.own_after == FeedCursor::kUnheard);
    }
    // It was given all that was told: it needs no more than its record, unless it is ahead.
    void come_to_rest(Feed& feed) {
        feed.state = Feed::State::current;
        if (at_rest(feed)) feeds.rest(feed);
    }
};

class FedConversations {
public:
    // Null: nobody has a feed of it.
    FedConversation* find(const model::ConversationKey& key) const;
    // The same if its home tells what happens. What is told before that was meant for somebody who has gone.
    FedConversation* registered(const model::ConversationKey& key) const {
        FedConversation* const found = find(key);
        return found != nullptr && found->registered ? found : nullptr;
    }
    FedConversation& find_or_make(const model::ConversationKey& key);
    void erase(FedConversation& conversation);
    FedConversation& at(std::uint32_t index) const { return *by_index_[index]; }
    // Of that feed of the session, by its place and its number. Null: it has ended.
    FedConversation* of(const FeedSession& session, const FeedName& feed) const {
        FedConversation* const found = feed.place < by_index_.size() ? by_index_[feed.place] : nullptr;
        const FeedRecord* const record = found == nullptr ? nullptr : found->feeds.find(session);
        return record != nullptr && record->name().number == feed.number ? found : nullptr;
    }

    auto begin() const noexcept { return by_key_.begin(); }
    auto end() const noexcept { return by_key_.end(); }

private:
    boost::unordered_flat_map<std::string_view, std::unique_ptr<FedConversation>, base::NameHash> by_key_;
    std::vector<FedConversation*> by_index_;  // null: free
    std::vector<std::uint32_t> free_;         // of them
};

}  // namespace flare::im
