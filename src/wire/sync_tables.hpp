// Bodies of sync and read.mark as tables: one field a line, as in proto/flare/im/v1/sync.proto.
//
// Protocol: docs/wire.md, "Bodies of requests".
// Threads:  constants.
#pragma once

#include "wire/request_tables.hpp"
#include "wire/sync.hpp"

namespace flare::wire {

template <>
struct Table<im::Sync> {
    using T = im::Sync;
    static constexpr std::string_view kName = "Sync";
    static constexpr std::tuple kLines{
        bytes(1, "cursor", &T::cursor, im::kMaxCursorBytes),
        bytes(2, "page", &T::page, im::kMaxCursorBytes),
        number(3, "limit", &T::limit, im::kMaxSyncPage),
        number(4, "entries", &T::entries, im::kMaxSyncEntries),
        number(5, "feeds", &T::feeds),
    };
};

template <>
struct Table<im::MarkRead> {
    using T = im::MarkRead;
    static constexpr std::string_view kName = "MarkRead";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        fixed(2, "epoch", &T::epoch),
        number(3, "offset", &T::offset),
    };
};

template <>
struct Table<im::ReadMark> {
    using T = im::ReadMark;
    static constexpr std::string_view kName = "ReadMark";
    static constexpr std::tuple kLines{
        number(1, "offset", &T::offset), number(2, "unread", &T::unread),     number(3, "more", &T::more),
        number(4, "last", &T::last),     number(5, "messages", &T::messages),
    };
};

template <>
struct Table<im::ConversationState> {
    using T = im::ConversationState;
    static constexpr std::string_view kName = "ConversationState";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        fixed(2, "epoch", &T::epoch),
        number(3, "last", &T::last),
        number(4, "messages", &T::messages),
        number(5, "last_ms", &T::last_ms),
        part<im::ReadMark>(6, "mark", &T::mark),
        number(7, "gone", &T::gone),
    };
};

template <>
struct Table<im::SyncedConversation> {
    using T = im::SyncedConversation;
    static constexpr std::string_view kName = "SyncedConversation";
    static constexpr std::tuple kLines{
        part<im::Conversation>(1, "about", &T::about),
        number(2, "last_ms", &T::last_ms),
        part<im::ReadMark>(3, "mark", &T::mark),
        list<im::Entry>(4, "entries", &T::entries, im::kMaxSyncEntries),
        number(5, "feed", &T::feed),
    };
};

template <>
struct Table<im::SyncedFeed> {
    using T = im::SyncedFeed;
    static constexpr std::string_view kName = "SyncedFeed";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        number(2, "feed", &T::feed),
    };
};

template <>
struct Table<im::SyncPage> {
    using T = im::SyncPage;
    static constexpr std::string_view kName = "SyncPage";
    static constexpr std::tuple kLines{
        list<im::SyncedConversation>(1, "conversations", &T::conversations, im::kMaxSyncPage),
        names(2, "gone", &T::gone, im::kMaxSyncPage),
        bytes(3, "next", &T::next, im::kMaxCursorBytes),
        bytes(4, "cursor", &T::cursor, im::kMaxCursorBytes),
        number(5, "whole", &T::whole),
        list<im::SyncedFeed>(6, "feeds", &T::feeds, im::kMaxSyncFeeds),
    };
};

}  // namespace flare::wire
