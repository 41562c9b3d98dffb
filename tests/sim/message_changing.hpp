// What people do to messages of a conversation: edit and delete their own and those of others, react and take that
// back. Much of it they may not, or it is too late for it.
#pragma once

#include "sim/log_book.hpp"
#include "sim/talker.hpp"

#include <string>

namespace flare::sim {

class MessageChanging {
public:
    // Both outlive it.
    MessageChanging(Chance& chance, const LogBook& book) : chance_(chance), book_(book) {}

    // What `user` asks for, of a room or of another user.
    Talker::Request think_of(const std::string& user, const std::string& conversation);
    // The same message is deleted, or changed once more, in the same moment.
    Talker::Request think_again(const Talker::Request& before);

private:
    Talker::Request change(wire::Verb verb, const std::string& conversation, const model::Position& about);
    void write_body(Talker::Request& request);

    Chance& chance_;
    const LogBook& book_;
    std::uint64_t texts_ = 0;
};

}  // namespace flare::sim
