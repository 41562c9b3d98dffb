// What is to be written to a cache, by conversation and by message: what comes later takes the place of what it makes
// superfluous, so that the memory for it is bounded however long a disk takes.
//
// Threads: values.
// Owner:   Cache collects them, CacheFile writes them.
#pragma once

#include "client/cache/keeper.hpp"

#include <flare/bytes.hpp>
#include <flare/message.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flare::client {

// A message of the outbox.
struct KeptMessage {
    Uuid id;
    Bytes message;  // encoded flare.v1.Message
    Priority priority = Priority::normal;
    std::int64_t first_sent_ms = 0;  // Unix time; 0: it was never sent
};

// Of one conversation.
struct KeptChanges {
    bool diverged = false;                                   // first: what is known of the log is of another one
    std::uint64_t epoch = 0;                                 // of the log now, as the server says; 0: it has not said
    std::optional<LogHead> head{};                           // of a page of history
    std::vector<std::pair<std::uint64_t, Entry>> entries{};  // with their epochs
    std::optional<ToldUpto> upto{};
    std::optional<Position> cleared{};    // behind the entries: what the user does not want to see
    std::optional<std::string> listed{};  // its place in the user's list, encoded; empty: it is not in the list
};

// An outcome of a message.
struct KeptOutcome {
    std::string to;
    std::optional<StoredAt> stored;  // where it is in the log of that conversation
};

struct CacheChanges {
    std::map<std::string, KeptChanges, std::less<>> conversations;
    std::vector<KeptMessage> posted;      // in order
    std::map<Uuid, std::int64_t> sent;    // first_sent_ms
    std::map<Uuid, KeptOutcome> settled;  // of messages that are in the file
    std::optional<std::string> cursor;    // of the list: all that it stands for is in here, or was written before
    std::size_t bytes = 0;                // of entries, about

    bool empty() const noexcept {
        return conversations.empty() && posted.empty() && sent.empty() && settled.empty() && !cursor;
    }
};

// What a cache has at the start.
struct CacheContents {
    std::string device;               // made with the file, for a client whose application names none
    std::vector<KeptMessage> outbox;  // in the order in which they were posted
    std::map<std::string, ToldUpto, std::less<>> told;
    std::vector<std::string> list;  // KeptChanges::listed of each conversation that is in it
    std::string cursor;             // of the list; empty: there is none
};

}  // namespace flare::client
