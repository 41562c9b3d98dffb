// Feeds, and the bodies of their requests, as tables: one field a line, as in proto/flare/im/v1/feeds.proto.
//
// Protocol: docs/wire.md, "Feed", "Bodies of requests".
// Threads:  constants.
#pragma once

#include "wire/feeds.hpp"
#include "wire/sync_tables.hpp"

namespace flare::wire {

namespace im {
inline constexpr std::string_view kFeedResetReasons[] = {"FEED_RESET_REASON_UNSPECIFIED",
                                                         "FEED_RESET_REASON_TOO_FAR_BEHIND", "FEED_RESET_REASON_PRUNED",
                                                         "FEED_RESET_REASON_OTHER_EPOCH", "FEED_RESET_REASON_DIVERGED"};
}  // namespace im

template <>
struct Table<im::FeedReset> {
    using T = im::FeedReset;
    static constexpr std::string_view kName = "FeedReset";
    static constexpr std::tuple kLines{
        choice(1, "reason", &T::reason, im::kFeedResetReasons),
        number(2, "first", &T::first),
        number(3, "last", &T::last),
        number(4, "next", &T::next),
        fixed(5, "epoch", &T::epoch),
    };
};

template <>
struct Table<im::Feed> {
    using T = im::Feed;
    static constexpr std::string_view kName = "Feed";
    static constexpr std::tuple kLines{
        list<im::Entry>(1, "entries", &T::entries, im::kMaxFeedEntries),
        part<im::FeedReset>(2, "reset", &T::reset),
        number(3, "removed", &T::removed),
        number(4, "failed", &T::failed),
        part<im::SyncedConversation>(5, "began", &T::began),
        list<im::ConversationState>(6, "states", &T::states, im::kMaxStates),
    };
};

template <>
struct Table<im::Subscribe> {
    using T = im::Subscribe;
    static constexpr std::string_view kName = "Subscribe";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        fixed(2, "epoch", &T::epoch),
        number(3, "after", &T::after),
        id_or_none(4, "id", &T::id),
        number(5, "complete", &T::complete),
    };
};

template <>
struct Table<im::Unsubscribe> {
    static constexpr std::string_view kName = "Unsubscribe";
    static constexpr std::tuple kLines{text(1, "conversation", &im::Unsubscribe::conversation, kMaxNameBytes)};
};

template <>
struct Table<im::Subscribed> {
    using T = im::Subscribed;
    static constexpr std::string_view kName = "Subscribed";
    static constexpr std::tuple kLines{
        number(1, "feed", &T::feed),
        part<im::Head>(2, "head", &T::head),
        number(3, "visible_from", &T::visible_from),
        number(4, "next", &T::next),
        part<im::FeedReset>(5, "reset", &T::reset),
        list<im::UserMark>(6, "others", &T::others, im::kMaxOthers),
    };
};

template <>
struct Table<im::Unsubscribed> {
    static constexpr std::string_view kName = "Unsubscribed";
    static constexpr std::tuple<> kLines{};
};

}  // namespace flare::wire
