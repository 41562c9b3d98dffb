// What a change of members depends on, of those whom it names, as the store has it.
//
// Protocol: docs/conversations.md, "Members", "Invitations".
// Threads:  one of the store's.
#pragma once

#include "im/commands.hpp"
#include "im/limits.hpp"
#include "store/engine.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace flare::server {

struct People {
    std::string by{};                  // who asks
    std::vector<std::string> users{};  // by name; as they are in `people`, if they are to be invited
    bool invites = false;
    std::uint32_t most_conversations = 0;  // counted up to it
    std::uint32_t most_invited = 0;        // likewise

    People() = default;
    People(std::string by_, std::vector<std::string> users_, bool invites_, const im::Limits& limits)
        : by(std::move(by_)),
          users(std::move(users_)),
          invites(invites_),
          most_conversations(limits.max_conversations),
          most_invited(limits.max_invited) {}

    // In how many conversations this user is; nobody (0) is in none. Errors: the store's.
    errc count(store::Reader& reader, store::Row user, std::uint32_t& conversations) const;
    // Of those whose rows are in `people`. Nobody (0) is passed over.
    errc look_up(store::Reader& reader, std::vector<im::command::Person>& people) const;
};

}  // namespace flare::server
