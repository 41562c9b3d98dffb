// The conversations of a chat: what is shown of them, their history, and how far they have been read.
//
// One is open at a time. On a terminal only its messages are shown, and those of others count as unread; where lines go
// to a program or a log, all of them are. Of a server without a list of conversations, all are shown in any case.
//
// Threads: one, that of the chat; its calls wait for the server.
// Owner:   ChatController.
#pragma once

#include "chat_list.hpp"
#include "chat_marks.hpp"
#include "chat_saying.hpp"
#include "chat_view.hpp"

#include <flare/client.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::cli {

class ChatRooms {
public:
    static constexpr std::uint32_t kShown = 20;  // entries that are shown of a conversation that is opened
    static constexpr std::uint32_t kMostShown = 200;
    // A message of this type says that its sender is typing; it has no payload.
    static constexpr std::string_view kTypingType = "flare.typing";

    ChatRooms(Client& client, ChatView& view, ChatMarks& marks, std::string user)
        : client_(client), view_(view), marks_(marks), user_(std::move(user)) {}

    const ChatList& list() const noexcept { return list_; }

    // Shows the newest entries, or those since it was open last, marks them as read, and listens to a room. False: it
    // cannot, and has said why.
    bool open(const std::string& conversation);
    // The same of a room, which is joined if need be.
    bool join(const std::string& room);
    // Listens to the room no more; the user stays a member.
    bool leave(const std::string& room);
    // Shows the entries before those that have been shown.
    void history(const std::string& conversation, std::uint32_t count);
    // Shows the newest messages with their numbers.
    void numbers(const std::string& conversation);
    // Of what is shown with that number.
    Position place(const std::string& conversation, std::uint64_t offset) const;
    // Of its log, as far as it is known; else 0.
    std::uint64_t epoch_of(const std::string& conversation) const;
    Position end_of(const std::string& conversation) const;  // likewise
    // It is told what happens there, also what it does itself.
    bool is_told(const std::string& conversation) const { return list_.known() || conversation.starts_with("room:"); }
    void show_list();
    // True: it was about a conversation, and no more is to be done. `current`: the one that is open.
    bool event(const Event& event, const std::string& current);
    // The server keeps what is said there: its own handler answers, and keeps nothing, but it may also write to users.
    bool is_kept(const std::string& conversation) const;
    // A message that came without its place in a log. True: it counts as unread, and is not to be shown.
    bool counts(const Message& message, const std::string& current);
    // The conversation in which it was said, if the server keeps it; else empty.
    std::string room_of(const Message& message) const;
    // A message was sent, which view.sent() shows.
    void said(const Uuid& id) { said_.insert(id); }
    // It is in the log there.
    void said_at(const std::string& conversation, std::uint64_t offset, const std::string& text) {
        quotes_.note(conversation, offset, user_, text);
    }

private:
    using Page = Checked<HistoryPage>;
    Page newest(const std::string& conversation) const;
    bool open_known(const std::string& conversation);
    bool begin(const std::string& conversation, const HistoryPage& page);
    bool become_member(const std::string& room);
    void enter(const std::string& conversation, const LogHead& head, std::vector<Entry> entries);
    void hear(const std::string& conversation, std::uint64_t epoch, const Entry& entry, const std::string& current);
    void show(const std::string& conversation, std::uint64_t epoch, const Entry& entry);
    bool fail(const Failure& failure);

    Client& client_;
    ChatView& view_;
    ChatMarks& marks_;
    const std::string user_;
    ChatList list_;
    std::map<std::string, Position> shown_;  // of those that have been opened: up to here all is shown
    std::map<std::string, Position> first_;  // the first entry that is shown
    std::set<Uuid> said_;                    // shown already
    std::set<Uuid> unplaced_;                // of these, messages whose place in a log is not known yet
    ChatQuotes quotes_;
};

}  // namespace flare::cli
