// A conversation in the store, and a user as a member of it: what may be read begins here.
//
// Protocol: docs/conversations.md, "Members".
// Threads:  one of the store's.
#pragma once

#include "store/engine.hpp"
#include "wire/requests.hpp"

#include <string_view>
#include <vector>

namespace flare::server::reading {

template <typename T>
errc code_of(const Result<T>& failed) noexcept {
    return static_cast<errc>(failed.error().value());
}

struct Opened {
    store::Conversation conversation;  // read before the member
    model::Member member;
    model::ReadMark mark{};
    model::Settings settings{};

    // The first offset that the member may read.
    std::uint64_t visible_from() const noexcept;
    // The first one of those that the member has not cleared: below it nothing is read.
    std::uint64_t floor() const noexcept;
    // Leaves nothing of what these entries say about those that the member has cleared. False: they said nothing.
    bool blank_cleared(std::vector<store::Entry>& entries) const;
};

// "No such room" and "not a member" are one answer, unknown_conversation: who is no member hears of nothing. Other
// errors are the store's. kServerTarget: the server, which is no member and may read all.
Result<Opened> open(store::Reader& reader, const model::ConversationKey& key, std::string_view user);

// The same of who is invited, too, and reads nothing: Opened::member tells the two apart.
Result<Opened> open_or_invited(store::Reader& reader, const model::ConversationKey& key, std::string_view user);

wire::im::Head head_of(const model::Head& head) noexcept;

wire::im::Settings told_of(const model::Settings& settings) noexcept;

// As its member is told of it, who calls it `name`; views into both.
wire::im::Conversation describe(const Opened& opened, std::string_view name);
// As who is invited is told of it: nothing of its log but the epoch. `by`: the name of who has invited.
wire::im::Conversation describe_invitation(const Opened& opened, std::string_view name, std::string_view by);

}  // namespace flare::server::reading
