// What happens in a chat: messages and their receipts, who is typing, and what the connection went through. It tells a
// view; it knows no terminal.
//
// Threads: one. `now` is an argument everywhere.
#pragma once

#include "chat_invitations.hpp"
#include "chat_people.hpp"
#include "chat_presence.hpp"
#include "chat_reading.hpp"
#include "chat_rooms.hpp"
#include "chat_saying.hpp"
#include "chat_settings.hpp"
#include "chat_view.hpp"

#include <flare/client.hpp>

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace flare::cli {

class ChatController {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds kTypingEvery{3};
    static constexpr std::chrono::seconds kTypingLasts{5};

    // `marks`: tell the server what has been read; they live longer.
    ChatController(Client& client, ChatView& view, ChatMarks& marks, std::string user, std::string peer,
                   bool tells_typing);

    // True: it goes on.
    bool line(const std::string& text, Clock::time_point now);
    // Something is being typed: the line so far.
    void typing(const std::string& text, Clock::time_point now);
    void event(const Event& event, Clock::time_point now);
    // What stands below the conversation now; shows it when it has changed.
    void refresh(Clock::time_point now, bool anyway = false);
    std::size_t pending() const noexcept { return pending_.size(); }
    // The client has given up for good.
    const std::optional<Failure>& failure() const noexcept { return failure_; }

private:
    struct Pending {
        Uuid id;
        std::string to;
        std::string text;
    };
    bool command(const std::string& text);
    // False: there is no such command about conversations.
    bool room_command(const std::string& word, const std::string& rest);
    void talk_to(const std::string& user);
    void open(const std::string& name);
    void join(const std::string& name);
    void leave();
    void show_history(const std::string& count);
    // /edit, /delete, /react, /unreact: of the message that `rest` begins with the number of.
    void change_message(const std::string& word, const std::string& rest);
    // /reply N TEXT.
    void reply(const std::string& rest);
    void send(const std::string& text) { send(said_in_chat(text)); }
    void send(Message message);
    void settle(const Uuid& id, const Failure* failure, const std::optional<StoredAt>& stored = std::nullopt);
    void tell_state();
    std::string why_moved(Protocol from, Protocol to) const;
    std::string status(Clock::time_point now) const;

    Client& client_;
    ChatView& view_;
    ChatRooms rooms_;
    ChatInvitations invitations_;
    ChatPeople people_;
    ChatReading reading_;
    ChatSettings settings_;
    ChatPresence presence_;
    const std::string user_;
    std::string peer_;
    const bool tells_typing_;
    std::vector<Pending> pending_;
    std::set<Uuid> notices_;  // typing notices, whose outcome nobody wants to know
    std::optional<Clock::time_point> noticed_at_;
    std::string typing_user_;
    Clock::time_point typing_until_{};
    std::string last_move_;  // what the race or a failure did last
    std::string lost_;       // why there is no connection; empty: there is one
    std::string shown_;      // the last status
    std::optional<Failure> failure_;
};

}  // namespace flare::cli
