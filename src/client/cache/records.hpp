// What a cache keeps, as bytes: entries and messages as they travel, uncompressed.
//
// Protocol: proto/flare/im/v1/requests.proto (Entry), proto/flare/v1/frame.proto (Message).
// Threads:  pure functions.
#pragma once

#include "client/cache/changes.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace flare::client {

std::string bytes_of(const Entry& entry);
// Nothing: they are no entry.
std::optional<Entry> entry_of(std::string_view bytes);

// What is in the list: wire::im::SyncedConversation, of whose entries the newest are kept, as far as they are small.
std::string bytes_of(const ListedConversation& listed);

// A message of the outbox that is in a log, as its entry. Nothing: it cannot be read.
std::optional<Entry> entry_of(const KeptMessage& message, const std::string& user, const StoredAt& stored);

}  // namespace flare::client
