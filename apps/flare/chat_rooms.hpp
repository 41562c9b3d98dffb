// The rooms of a chat: those that it listens to, what came while it did not, and their history.
//
// Threads: one, that of the chat; its calls wait for the server.
#pragma once

#include "chat_view.hpp"

#include <flare/client.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace flare::cli {

class ChatRooms {
public:
    static constexpr std::uint32_t kShown = 20;  // entries that are shown of a room that is new to the chat
    static constexpr std::uint32_t kMostShown = 200;

    ChatRooms(Client& client, ChatView& view) : client_(client), view_(view) {}

    // Joins it if need be, shows the newest entries, or those since it was left, and listens. False: it cannot.
    bool join(const std::string& room);
    // Listens no more; the user stays a member.
    bool leave(const std::string& room);
    // Shows the newest entries of any conversation.
    void history(const std::string& conversation, std::uint32_t count);
    // True: it was of a room, and has been shown.
    bool event(const Event& event);
    // A message was sent, which view.sent() shows.
    void said(const Uuid& id) { said_.insert(id); }

private:
    bool listen(const std::string& room);
    bool become_member(const std::string& room);
    void show(const std::string& conversation, std::uint64_t epoch, const Entry& entry);
    bool fail(const Failure& failure);

    Client& client_;
    ChatView& view_;
    std::map<std::string, Position> shown_;  // how far each room has been shown
    std::set<Uuid> said_;
};

}  // namespace flare::cli
