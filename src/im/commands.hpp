// What may be asked of a conversation beside sending to it.
//
// Protocol: docs/conversations.md, "Members", "Configuration".
// Threads:  values.
#pragma once

#include "im/limits.hpp"
#include "model/conversation.hpp"
#include "model/member.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace flare::im::command {

// A user who is to be a member, and in how many conversations that one is already.
struct Person {
    Row user = 0;
    std::uint32_t conversations = 0;
    // ---- of who is to be invited ----
    std::uint32_t invitations = 0;  // that are open
    bool blocks = false;            // takes nothing from who invites
};

// Makes a room. Its owner is who asks; when the server does, `members` names the first one.
struct Create {
    model::Config config{};
    std::uint32_t conversations = 0;  // of who asks
    std::vector<Person> members{};    // others, who are members from the beginning
};
struct Join {
    std::uint32_t conversations = 0;  // of who asks
};
// Of a member; of who is invited: the invitation is declined.
struct Leave {};
struct Add {
    std::vector<Person> users{};
    model::Role role = model::Role::member;
};
// They may join, whatever the configuration says, until the invitation is taken back or declined. It is one of the
// room: it does not end with the rights of who has invited.
struct Invite {
    std::vector<Person> users{};
};
// Of a member, or of an invitation.
struct Remove {
    Row user = 0;
    bool only_invitation = false;  // a member is left as it is
};
struct SetRole {
    Row user = 0;
    model::Role role = model::Role::member;
};
struct Mute {
    Row user = 0;
    std::uint64_t until_ms = 0;  // Unix time; UINT64_MAX: for ever; 0: no longer
};
// Of a member: it is removed, too.
struct Ban {
    Row user = 0;
    std::uint64_t until_ms = 0;  // as above
};
// Only what is said changes.
struct Configure {
    std::optional<std::string> title{};
    std::optional<model::Join> join{};
    std::optional<model::Visibility> visibility{};
    std::optional<std::uint32_t> max_payload_bytes{};
    std::optional<std::uint32_t> slow_mode_ms{};
    std::optional<bool> frozen{};
};
// Of a direct conversation: whether who asks takes messages from the other one.
struct Block {
    bool blocks = true;
};
// The conversation ends, with its log.
struct Destroy {};
// Entries below go, whatever they are, if it is this log: one that was made anew since then begins at 1. Of the server.
struct Truncate {
    std::uint64_t keep_from = 0;
    std::uint64_t epoch = 0;
};

}  // namespace flare::im::command

namespace flare::im {

using Command = std::variant<command::Create, command::Join, command::Leave, command::Add, command::Invite,
                             command::Remove, command::SetRole, command::Mute, command::Ban, command::Configure,
                             command::Block, command::Destroy, command::Truncate>;

}  // namespace flare::im
