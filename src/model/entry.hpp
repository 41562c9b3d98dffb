// What kinds of entries the log of a conversation has.
//
// Protocol: docs/conversations.md, "The log".
// Threads:  values.
#pragma once

#include <cstdint>

namespace flare::model {

// The numbers are stored: they are never changed and never reused.
enum class EntryKind : std::uint8_t {
    message = 1,
    edit = 2,     // of the entry that ref names; so are the two below
    removal = 3,  // the payload of the entry is gone, its offset stays
    reaction = 4,
    membership = 5,  // who came, left, or has another role
    config = 6,
    system = 7,  // what the server's application tells all members
};

// How the payload of a stored message is packed. Never with a dictionary: it must be readable when that is forgotten.
enum class StoredEncoding : std::uint8_t { identity = 0, gzip = 1, zstd = 2 };

// Bits of an entry; the numbers are stored.
inline constexpr std::uint8_t kSilent = 1;       // counts as unread for nobody
inline constexpr std::uint8_t kMentionAll = 2;   // names every member
inline constexpr std::uint8_t kTakenBack = 4;    // of a reaction: it is taken back
inline constexpr std::uint8_t kDeleted = 8;      // never stored: a reader is told that the payload was deleted
inline constexpr std::uint8_t kNamesUsers = 16;  // there are rows of those whom it mentions

}  // namespace flare::model
