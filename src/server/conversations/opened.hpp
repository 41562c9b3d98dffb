// A conversation in the store, and a user as a member of it: what may be read begins here.
//
// Protocol: docs/conversations.md, "Members".
// Threads:  one of the store's.
#pragma once

#include "store/engine.hpp"
#include "wire/requests.hpp"

#include <string_view>

namespace flare::server::reading {

template <typename T>
errc code_of(const Result<T>& failed) noexcept {
    return static_cast<errc>(failed.error().value());
}

struct Opened {
    store::Conversation conversation;  // read before the member
    model::Member member;

    // The first offset that the member may read.
    std::uint64_t floor() const noexcept;
};

// "No such room" and "not a member" are one answer, unknown_conversation: who is no member hears of nothing. Other
// errors are the store's.
Result<Opened> open(store::Reader& reader, const model::ConversationKey& key, std::string_view user);

wire::im::Head head_of(const model::Head& head) noexcept;

// As its member is told of it, who calls it `name`; views into both.
wire::im::Conversation describe(const Opened& opened, std::string_view name);

}  // namespace flare::server::reading
