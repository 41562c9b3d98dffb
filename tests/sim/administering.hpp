// What people do to rooms and to each other: roles, mutes, bans, freezing and slow mode, blocks between two users, and,
// seldom, the end of a room. Much of it they may not.
#pragma once

#include "sim/log_book.hpp"
#include "sim/talker.hpp"

#include <cstdint>
#include <string>

namespace flare::sim {

class Administering {
public:
    // It outlives this.
    explicit Administering(Chance& chance) : chance_(chance) {}

    // Of a room, in which `other` may be a member. now_ms: of the server's clock.
    Talker::Request think_of(const std::string& room, const std::string& other, std::uint64_t now_ms);
    // Takes no messages from `other` any more, or does again.
    Talker::Request block(const std::string& other);
    static Talker::Request end(const std::string& room);

private:
    std::string give_role(const std::string& room, const std::string& other);
    std::string restrict(const std::string& room, const std::string& other, std::uint64_t now_ms);
    std::string configure(const std::string& room);

    Chance& chance_;
};

}  // namespace flare::sim
