// How long a server with a store keeps what is written: ServerBuilder::retention(), with_retention_policy().
//
// Protocol: docs/conversations.md, "Retention"; docs/server.md.
// Threads:  values; a RetentionPolicy is called on threads of the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace flare {

// How long a conversation keeps its entries. What is beyond any of these goes, the oldest first, and history() answers
// history_pruned for it. 0: no limit.
struct RetentionRules {
    std::chrono::seconds age{0};
    std::uint64_t entries = 0;  // messages and changes
    std::uint64_t bytes = 0;    // of payloads, as they are stored

    friend bool operator==(const RetentionRules&, const RetentionRules&) = default;
};

// The rules of one conversation: "room:NAME", or of a direct one both users. Nothing: those of retention(). Called on a
// thread of the store, for every conversation in each walk: it must be quick, and may be asked by two threads.
struct RetainedConversation {
    std::string_view room;   // with "room:"; empty: a direct conversation
    std::string_view first;  // of its users, by name
    std::string_view second;
};
using RetentionPolicy = std::function<std::optional<RetentionRules>(const RetainedConversation& which)>;

}  // namespace flare
