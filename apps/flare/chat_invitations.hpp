// Invitations in a chat: those of the person who chats, and those that the person makes.
//
// Threads: one, that of the chat; its calls wait for the server.
// Owner:   ChatController.
#pragma once

#include "chat_view.hpp"

#include <flare/client.hpp>

#include <set>
#include <string>
#include <string_view>

namespace flare::cli {

class ChatInvitations {
public:
    ChatInvitations(Client& client, ChatView& view) : client_(client), view_(view) {}

    // Whether there is such a command.
    static bool knows(std::string_view word) noexcept;
    // `rest`: what stands behind it; `current`: the conversation that is open.
    void command(const std::string& word, const std::string& rest, const std::string& current);
    void help();
    // True: it is of invitations, and of nothing else.
    bool event(const Event& event);

private:
    void invite(const std::string& user, const std::string& current);
    void decline(const std::string& room);
    void show(const Invitation& invitation);
    void show_all();
    // False: it has said that there is no connection.
    bool is_connected();

    Client& client_;
    ChatView& view_;
    std::set<std::string> shown_;  // rooms whose invitation the person has seen
};

}  // namespace flare::cli
