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
struct Table<im::ReaderQuery> {
    using T = im::ReaderQuery;
    static constexpr std::string_view kName = "ReaderQuery";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        fixed(2, "epoch", &T::epoch),
        number(3, "offset", &T::offset),
        text(4, "after", &T::after, kMaxNameBytes),
        number(5, "limit", &T::limit, im::kMaxPage),
    };
};

template <>
struct Table<im::UserMark> {
    using T = im::UserMark;
    static constexpr std::string_view kName = "UserMark";
    static constexpr std::tuple kLines{
        text(1, "user", &T::user, kMaxNameBytes),
        number(2, "read", &T::read),
        number(3, "delivered", &T::delivered),
    };
};

template <>
struct Table<im::ReaderPage> {
    using T = im::ReaderPage;
    static constexpr std::string_view kName = "ReaderPage";
    static constexpr std::tuple kLines{
        list<im::UserMark>(1, "readers", &T::readers, im::kMaxPage),
        number(2, "read", &T::read),
        number(3, "delivered", &T::delivered),
        number(4, "members", &T::members),
        number(5, "more", &T::more),
    };
};

template <>
struct Table<im::ReadMark> {
    using T = im::ReadMark;
    static constexpr std::string_view kName = "ReadMark";
    static constexpr std::tuple kLines{
        number(1, "offset", &T::offset),     number(2, "unread", &T::unread),
        number(3, "more", &T::more),         number(4, "last", &T::last),
        number(5, "messages", &T::messages), number(6, "unread_from", &T::unread_from),
        number(7, "mentions", &T::mentions),
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
        list<im::UserMark>(8, "others", &T::others, im::kMaxOthers),
        number(9, "mentioned", &T::mentioned),
        number(10, "invited", &T::invited),
        part<im::Settings>(11, "settings", &T::settings),
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
        list<im::UserMark>(6, "others", &T::others, im::kMaxOthers),
        part<im::Settings>(7, "settings", &T::settings),
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
