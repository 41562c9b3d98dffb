// What a conversation and its users may do, and what the home of a conversation holds for it.
//
// Protocol: docs/conversations.md, "Limits".
// Threads:  values; constant while a server runs.
#pragma once

#include "base/rate.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace flare::im {

using Row = std::uint64_t;  // of a conversation or a user, as the store numbers them. 0: none; as a sender: the server

inline constexpr std::size_t kMaxRoomNameBytes = 128;
inline constexpr std::size_t kMaxTitleBytes = 256;
inline constexpr std::uint32_t kMaxPayloadBytes = 1024 * 1024;       // that a room may be configured for
inline constexpr std::uint32_t kMaxSlowModeMs = 6 * 60 * 60 * 1000;  // 6 h
inline constexpr std::uint64_t kEditFor = 24ull * 60 * 60 * 1000;    // ms in which senders change their messages
inline constexpr std::size_t kChangedAtOnce = 100;                   // users named by one change
inline constexpr std::size_t kMaxReactionBytes = 64;                 // of a reaction's key

struct Limits {
    // ---- users: beyond these they are refused ----
    base::Rate device{20, 100};                 // sends and changes of one device
    base::Rate conversation{50, 250};           // and of all into a conversation
    base::Rate deliveries{200'000, 1'000'000};  // of a conversation: each of these costs one for every member
    std::uint64_t max_members = 100'000;
    std::uint32_t max_conversations = 10'000;  // of a user
    std::uint32_t direct_per_hour = 50;        // that a user begins; 0: any number
    std::uint32_t max_invitations = 1'000;     // to a room that are open
    std::uint32_t max_invited = 100;           // open invitations that a user has
    std::uint32_t payload_bytes = 64 * 1024;   // what a conversation that is made now takes of a message
    std::uint32_t max_mentions = 50;           // of a message
    std::uint64_t live_members = 256;          // of a room of which a list brings every entry, and not only the end

    // ---- memory of a conversation ----
    std::size_t listed_members = 256;      // up to so many, all are held; of larger ones only who was looked up
    std::size_t looked_up_members = 2048;  // beyond: who was not needed for longest is forgotten. > all that wait
    std::size_t slow_senders = 16'384;     // whose last message slow mode knows; beyond: the earliest is forgotten
    std::size_t waiting = 1024;            // sends and changes; beyond: busy
    std::size_t more_repeats = 256;        // beyond `waiting`, for repeats: they may be in the log already
    std::size_t waiting_bytes = 4 << 20;   // of payloads; beyond: busy
    std::size_t group = 256;               // writes that are handed to the store at once
    std::size_t held_sessions = 16'384;    // that were told "later"; beyond: those held for longest are let go

    // ---- times ----
    std::chrono::milliseconds busy_for{500};      // what clients are told to wait when there is no room
    std::chrono::milliseconds storage_for{2000};  // and when the store cannot write
    // A session whose message was put off, and never comes again, is held so long behind it. Not less than a client
    // goes on trying (10 min in this version).
    std::chrono::milliseconds held_for{10 * 60 * 1000};
};

}  // namespace flare::im
