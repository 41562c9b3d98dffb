// What a person in a chat chooses for the conversation that is open: /pin, /hide, /clear, /notify.
//
// Threads: one, that of the chat; its calls wait for the server.
// Owner:   ChatController.
#pragma once

#include "chat_view.hpp"

#include <flare/client.hpp>

#include <string>
#include <string_view>

namespace flare::cli {

class ChatSettings {
public:
    ChatSettings(Client& client, ChatView& view) : client_(client), view_(view) {}

    // Whether there is such a command.
    static bool knows(std::string_view word) noexcept;
    // `rest`: what stands behind it; `end`: of the log of `conversation`, as far as it is known.
    void command(const std::string& word, const std::string& rest, const std::string& conversation,
                 const Position& end);
    void help();

private:
    void notify(const std::string& rest, const std::string& conversation);
    // `done`: what is said then.
    void set(const std::string& conversation, const SettingsChange& change, const std::string& done);

    Client& client_;
    ChatView& view_;
};

}  // namespace flare::cli
