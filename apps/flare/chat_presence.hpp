// Who is there and who types in the conversation that is open, and whether the person at this end looks.
//
// Threads: one, that of the chat; its calls wait for the server.
// Owner:   ChatController.
#pragma once

#include "chat_view.hpp"

#include <flare/client.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace flare::cli {

class ChatPresence {
public:
    static constexpr std::uint32_t kMostShown = 200;  // members of a room, by /who

    ChatPresence(Client& client, ChatView& view, std::string user)
        : client_(client), view_(view), user_(std::move(user)) {}

    // Whether there is such a command.
    static bool knows(std::string_view word) noexcept;
    void command(std::string_view word, const std::string& current);
    void help();

    // The conversation that is open: of the other user it is shown whether they are there.
    void look_at(const std::string& current);
    // The line so far: others are told that it is being typed.
    void typing(const std::string& conversation);
    // It was sent, or wiped: they are told that it is over.
    void typed(const std::string& conversation);
    // True: it was about this.
    bool event(const Event& event);
    // A message of theirs has come: they have typed it.
    void heard(const std::string& conversation, const std::string& user);
    // Of the conversation that is open, for the line below it: "bob is away, bob is typing"; empty: nothing.
    std::string status(const std::string& current) const;

private:
    bool keeps() const;
    void who(const std::string& current);
    void who_in(const std::string& room);
    void set_away(bool away);

    Client& client_;
    ChatView& view_;
    const std::string user_;
    std::string followed_;  // whom it looks at
    std::map<std::string, PresenceState, std::less<>> states_;
    std::map<std::string, std::set<std::string>, std::less<>> typing_;  // by conversation
    bool away_ = false;
};

}  // namespace flare::cli
