// Conversations and members as the readers of the file select them: the columns, and values made of a row of them.
//
// Protocol: docs/store.md, "The file".
// Threads:  pure functions.
#pragma once

#include "store/engine.hpp"
#include "store/rules.hpp"
#include "store/sqlite/database.hpp"

#include <cstdint>

namespace flare::store::sqlite {

#define FLARE_CONVERSATION_COLUMNS                                                                         \
    "key, title, open_to_join, visibility, max_payload_bytes, slow_mode_ms, frozen, members, created_ms, " \
    "removed_ms, first, last, messages, bytes, last_ms, conversation.stamp"
inline constexpr int kConversationColumns = 16;
#define FLARE_MEMBER_COLUMNS \
    "user, role, joined_at, left_at, visible_from, muted_until, banned_until, blocks, invited_by, invited_ms"
inline constexpr int kMemberColumns = 10;
#define FLARE_STANDING_COLUMNS \
    FLARE_MEMBER_COLUMNS ", read_offset, read_n, unread_from, notify, wakes_from, pinned, hidden, cleared_to"
inline constexpr int kStandingColumns = kMemberColumns + 8;

// From the first columns of the row.
inline Conversation conversation_of(const Rows& rows, Row row, std::uint64_t generation) {
    Conversation made;
    made.row = row;
    made.key = model::ConversationKey::parse(rows.bytes(0));
    made.config.title = rows.bytes(1);
    made.config.join = static_cast<model::Join>(rows.number(2));
    made.config.visibility = static_cast<model::Visibility>(rows.number(3));
    made.config.max_payload_bytes = static_cast<std::uint32_t>(rows.number(4));
    made.config.slow_mode_ms = static_cast<std::uint32_t>(rows.number(5));
    made.config.frozen = rows.number(6) != 0;
    made.members = rows.number(7);
    made.created_ms = rows.number(8);
    made.removed = rows.number(9) != 0;
    made.head.first = rows.number(10);
    made.head.last = {epoch_of(generation, row), rows.number(11)};
    made.head.messages = rows.number(12);
    made.head.bytes = rows.number(13);
    made.head.last_ms = rows.number(14);
    made.head.stamp = rows.number(15);
    return made;
}

// From the columns that begin with `from`.
inline model::Member member_of(const Rows& rows, int from = 0) {
    model::Member member;
    member.user = rows.number(from);
    member.role = static_cast<model::Role>(rows.number(from + 1));
    member.joined_at = rows.number(from + 2);
    member.left_at = rows.number(from + 3);
    member.visible_from = rows.number(from + 4);
    member.muted_until = rows.number(from + 5);
    member.banned_until = rows.number(from + 6);
    member.blocks = rows.number(from + 7) != 0;
    member.invited_by = rows.number(from + 8);
    member.invited_ms = rows.number(from + 9);
    return member;
}

// From the columns that begin with `from`: notify, wakes_from, pinned, hidden, cleared_to.
inline model::Settings settings_of(const Rows& rows, int from) {
    model::Settings settings;
    settings.notify = static_cast<model::Notify>(rows.number(from));
    settings.muted_until = rows.number(from + 1);
    settings.pinned = rows.number(from + 2);
    settings.hidden_below = rows.number(from + 3);
    settings.cleared_to = rows.number(from + 4);
    return settings;
}

inline Standing standing_of(const Rows& rows) {
    return {member_of(rows),
            {rows.number(kMemberColumns), rows.number(kMemberColumns + 1), rows.number(kMemberColumns + 2)},
            settings_of(rows, kMemberColumns + 3)};
}

}  // namespace flare::store::sqlite
