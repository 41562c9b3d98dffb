// Who has read what in a chat: the ticks behind own messages, and what a person asks about readers.
//
// Threads: one, that of the chat; its calls wait for the server.
// Owner:   ChatController.
#pragma once

#include "chat_view.hpp"

#include <flare/client.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flare::cli {

// What has become of an own message: "\u2713", it is stored; "\u2713\u2713", the other one has it, or in a room
// somebody; "\u2713\u2713 read".
std::string ticks_of(const ListedConversation& conversation, std::uint64_t offset);
// Of the newest message of `user` there; empty: none is known.
std::string newest_ticks(const ListedConversation& conversation, std::string_view user);

class ChatReading {
public:
    ChatReading(Client& client, ChatView& view) : client_(client), view_(view) {}

    // Whether there is such a command.
    static bool knows(std::string_view word) noexcept;
    // `rest`: the number of a message in `conversation`, whose log has this epoch; 0: it is not known.
    void command(const std::string& word, const std::string& rest, const std::string& conversation,
                 std::uint64_t epoch);
    void help();

private:
    static constexpr std::uint32_t kMostReaders = 50;

    void readers(const std::string& conversation, const Position& message);
    void unread(const std::string& conversation, const Position& from);

    Client& client_;
    ChatView& view_;
};

}  // namespace flare::cli
