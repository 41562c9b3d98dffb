// What pushes need of the store: who may be told of messages, and what a user is told.
//
// Protocol: docs/conversations.md, "Push".
// Threads:  one of the store's.
#pragma once

#include "server/conversations/push_batches.hpp"
#include "server/conversations/push_waiting.hpp"
#include "store/engine.hpp"

#include <flare/push_events.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server::reading {

// Names of members with a device who have not read the newest message of the step, and are to be woken by it at
// `now_ms` (store::Reader::awaits_push()): at most `most` of a large conversation's mentioned users, or of all members.
Result<std::vector<std::string>> push_recipients(store::Reader& reader, const PushWaiting::Step& step,
                                                 std::uint64_t now_ms, std::uint32_t most);

struct FoundPush {
    PushRequest request{};          // no messages: the user is told nothing
    std::vector<PushItem> items{};  // of the messages, one for each
};
Result<FoundPush> push_of(store::Reader& reader, const PushBatches::Batch& batch, std::uint64_t now_ms);

// The same of what is cleared; no devices: nobody is told.
struct PushReadMark {
    std::string user;
    model::ConversationKey key;
    Position upto;
};
Result<PushCleared> cleared_of(store::Reader& reader, const PushReadMark& mark);

// The same for all who are told of the conversation, and as long as it exists.
std::string collapse_key_of(const model::ConversationKey& key);

}  // namespace flare::server::reading
