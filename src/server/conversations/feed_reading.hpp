// What a feed reads of the store: where it begins, and pages for those that are behind.
//
// Protocol: docs/protocol.md, "Feeds"; docs/conversations.md, "Feeds".
// Threads:  one of the store's.
#pragma once

#include "im/feeds.hpp"
#include "server/conversations/feed_blocks.hpp"
#include "server/conversations/others_reading.hpp"
#include "store/engine.hpp"
#include "wire/feeds.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace flare::server::reading {

// Further behind, and only the newest are told, unless the subscriber wants all.
inline constexpr std::uint64_t kMostBehind = 1000;
inline constexpr std::uint64_t kNewest = 50;
inline constexpr std::uint32_t kFeedPageBytes = 256 * 1024;

// From where a subscriber wants to be told: as in wire::im::Subscribe.
struct FeedPlace {
    std::uint64_t epoch = 0;
    std::uint64_t after = 0;
    Uuid id{};
    bool complete = false;
};

struct FeedBeginning {
    errc code = errc::ok;
    im::Feeds::Opening opening{};
    Others others{};
    wire::im::Subscribed told{};  // without the number; it shows `others`
    // Of a conversation that is new in the list, instead of that:
    wire::Body first{};  // the first frame
    bool live = true;    // others follow
    bool few = false;    // im::Block::few, of that one
};
FeedBeginning feed_beginning(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                             const FeedPlace& place);

struct FeedPage {
    errc code = errc::ok;
    std::vector<im::BlockPtr> blocks{};  // at least one, if the code is ok
};
FeedPage feed_page(store::Reader& reader, const im::PageWanted& wanted);

}  // namespace flare::server::reading
