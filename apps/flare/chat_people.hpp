// What a person in a chat asks to be done to others: to members of the room that is open, and to users.
//
// Threads: one, that of the chat; its calls wait for the server.
// Owner:   ChatController.
#pragma once

#include "chat_view.hpp"

#include <flare/client.hpp>

#include <string>
#include <string_view>

namespace flare::cli {

class ChatPeople {
public:
    ChatPeople(Client& client, ChatView& view) : client_(client), view_(view) {}

    // Whether there is such a command.
    static bool knows(std::string_view word) noexcept;
    // `rest`: what stands behind it; `current`: the conversation that is open. What was done is an entry of the room,
    // which the chat shows.
    void command(const std::string& word, const std::string& rest, const std::string& current);
    void help();

private:
    void in_room(const std::string& word, const std::string& user, const std::string& lasts, const std::string& room);
    void between_users(const std::string& word, const std::string& user);
    void show_list(const std::string& word, const std::string& current);
    // False: it has said that there is no connection.
    bool is_connected();

    Client& client_;
    ChatView& view_;
};

}  // namespace flare::cli
