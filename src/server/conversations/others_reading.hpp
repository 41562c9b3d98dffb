// How far the other members of a conversation have come, and who has read an entry, as the store has it.
//
// Protocol: docs/protocol.md, "States"; docs/conversations.md, "Marks of others".
// Threads:  one of the store's.
#pragma once

#include "store/engine.hpp"
#include "wire/sync.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server::reading {

// Of as many members each hears how far the others have come.
inline bool has_few_members(const store::Conversation& conversation) noexcept {
    return conversation.members <= wire::im::kMaxOthers;
}

// Those who have come anywhere. `marks` show `names`.
struct Others {
    Others() = default;
    Others(Others&&) = default;
    Others& operator=(Others&&) = default;
    Others(const Others&) = delete;
    Others& operator=(const Others&) = delete;

    std::vector<std::string> names{};
    std::vector<wire::im::UserMark> marks{};
};
// Of the conversation without `user`; none if its members are not few.
Result<Others> read_others(store::Reader& reader, const store::Conversation& conversation, store::Row user);

// Marks only grow: of one conversation, two sums are the same if nothing has moved.
inline std::uint64_t sum_of(std::span<const wire::im::UserMark> marks) noexcept {
    std::uint64_t sum = 0;
    for (const wire::im::UserMark& each : marks) sum += each.read + each.delivered;
    return sum;
}

// The answer to wire::im::ReaderQuery.
struct ReadersFound {
    errc code = errc::ok;
    std::string body{};
};
ReadersFound readers(store::Reader& reader, const model::ConversationKey& key, std::string_view user,
                     const wire::im::ReaderQuery& query);

}  // namespace flare::server::reading
