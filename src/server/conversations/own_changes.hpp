// What the server does to a conversation by itself, as one who may do everything: given to the home of the conversation
// (ConversationHome::take()) in the way of what users send. Nobody is answered: whoever wants it looks whether it was
// done, and asks again under another id.
//
// Threads: values.
#pragma once

#include "server/conversations/outgoing.hpp"

#include <flare/uuid.hpp>

#include <cstdint>

namespace flare::server {

// `id`: of the entry that tells it.
Departure own_change(const model::ConversationKey& key, const Uuid& id, im::Command command);
// Of the message at this offset.
Departure own_removal(const model::ConversationKey& key, const Uuid& id, std::uint64_t offset);

}  // namespace flare::server
