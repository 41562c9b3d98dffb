// Pages of the list of a user's conversations, as the store has it.
//
// A page is encoded where it is read, but for the numbers of feeds, which are a worker's: encode() puts them in.
//
// Protocol: docs/protocol.md, "Sync".
// Threads:  one of the store's; encode() any.
#pragma once

#include "im/feeds.hpp"
#include "im/limits.hpp"
#include "server/conversations/newest_entries.hpp"
#include "server/conversations/sync_token.hpp"
#include "store/engine.hpp"
#include "wire/compression.hpp"
#include "wire/feeds.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server::reading {

inline constexpr std::uint32_t kUsualSync = 20;
// Of the entries of a page, with all that belongs to them. Texts are read with history.
inline constexpr std::size_t kSyncEntryBytes = 256 * 1024;
// A feed begins by itself for direct conversations, and for rooms of so many members.
inline constexpr std::uint64_t kLiveMembers = im::Limits().live_members;
// Of a conversation that is new in the list.
inline constexpr std::uint32_t kBeganEntries = 10;

// What a user calls a conversation: a room by its target; a direct one by the other user, who in notes to oneself is
// the same.
std::string name_of(const model::ConversationKey& key, std::string_view user);

struct SyncQuestion {
    std::string user{};
    SyncPlace place{};
    std::uint32_t limit = 0;        // 0: kUsualSync
    std::uint32_t entries = 0;      // of each conversation
    std::uint32_t most_rest = 0;    // unchanged ones to be named by the last page
    wire::Encodings encodings = 0;  // which the session takes
    std::uint64_t live_members = kLiveMembers;
    NewestEntriesPtr newest{};  // null: nothing is kept
};

// A conversation on a page.
struct Synced {
    model::ConversationKey key;
    std::string name;           // as the user calls it
    bool live = false;          // a feed begins for it by itself
    bool invitation = false;    // the user is no member, and is told nothing else of it
    std::uint64_t epoch = 0;    // of its log
    im::FeedOpening opening{};  // of that feed
    bool few = false;           // members: each hears how far the others have come
    std::uint64_t told = 0;     // MarksSum of what the body says of that
    bool reaches = false;       // with the body, its user's devices have everything up to opening.as_of
    std::string body{};         // wire::im::SyncedConversation without the number of a feed; none for the rest
};

struct SyncFound {
    errc code = errc::ok;
    std::string_view text{};  // of a refusal; lives as long as the program
    std::vector<Synced> conversations{};
    std::vector<Synced> rest{};  // that have not changed, of the last page
    std::vector<std::string> gone{};
    std::string next{};
    std::string cursor{};
    bool whole = false;
};

// Refused with epoch_changed: the page before was of a store that has been replaced by a backup since.
SyncFound sync_page(store::Reader& reader, const SyncQuestion& question);

// wire::im::SyncPage: `feeds` are the numbers of the conversations, then of the rest; 0: none, of the rest not named.
std::string encode(const SyncFound& page, std::span<const std::uint32_t> feeds);

// Of a conversation that is new in the list: the first frame of the feed `feed`, which goes on if it is live.
struct BeganFound {
    errc code = errc::ok;  // unknown_conversation: the user is no member any more
    bool live = false;
    bool few = false;  // im::Block::few
    im::FeedOpening opening{};
    wire::Body body{};
};
struct BeganQuestion {
    model::ConversationKey key;
    std::string user;
    std::uint64_t stamp = 0;  // of what has made the user a member
    std::uint32_t feed = 0;
    bool may_live = true;  // the session may have one more feed
    wire::Encodings encodings = 0;
    std::uint64_t live_members = kLiveMembers;
};
BeganFound began(store::Reader& reader, const BeganQuestion& question);

}  // namespace flare::server::reading
