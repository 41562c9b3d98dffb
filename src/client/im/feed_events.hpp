// What applications are told of the entries of a subscription.
//
// Protocol: docs/client.md, "Live entries".
// Threads:  pure functions; what is compressed is inflated on the thread that calls.
#pragma once

#include "client/im/entries.hpp"
#include "client/im/keeping.hpp"

#include <flare/events.hpp>

#include <string>
#include <string_view>

namespace flare::client {

// Where entries come from.
struct FeedOrigin {
    std::string conversation;
    std::string user;  // who subscribes
    std::uint64_t epoch = 0;
    wire::Encodings encodings = 0;  // that the session has agreed on
};

// MessageReceived, OwnMessage, MessageChanged or EntryReceived; Error, if the payload cannot be inflated. `kept`: what
// is told; null: nobody keeps it.
Event event_of(const FeedOrigin& origin, PackedEntry packed, Keeping* kept = nullptr);

// A conversation of two users, in which messages also arrive without a subscription.
bool is_direct(std::string_view conversation) noexcept;

}  // namespace flare::client
