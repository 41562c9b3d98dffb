// Where a chat is shown: a terminal with a line to type in at its bottom, or plain lines for scripts and logs.
//
// Threads: one.
#pragma once

#include <flare/conversation.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace flare::cli {

// What somebody has said.
struct HeardLine {
    std::string from;
    std::string type;
    std::string text;
    std::string room;     // the conversation, if the server keeps it; empty: to this user
    Position at;          // in its log
    std::string notes{};  // behind the text: that it was edited, how many have reacted
    std::uint64_t reply_to = 0;
    std::string quote{};  // of a reply: what it is to, "ann: see you"
    std::vector<std::string> mentions{};
    bool names_user = false;  // it mentions the one who reads it
};

// What became of a message of ours.
struct SentLine {
    std::string to;
    std::string text;
    std::string id;
    std::string fault;  // empty: acknowledged
    std::string code;   // of the fault
};

// What stands at the bottom; a plain view shows none of it.
struct ChatBottom {
    std::vector<std::string> pending;  // messages without an outcome yet
    std::string prompt;
    std::string status;
    bool connected = true;
};

class ChatView {
public:
    virtual ~ChatView() = default;
    virtual void heard(const HeardLine& line) = 0;
    virtual void sent(const SentLine& line) = 0;
    virtual void note(const std::string& text) = 0;     // of the connection, or about a command
    virtual void divider(const std::string& text) = 0;  // before the messages that are new: "3 new"
    virtual void listed(const std::vector<ListedConversation>& list) = 0;
    // Messages of every conversation are shown, not only of the one that is open.
    virtual bool shows_all() const = 0;
    virtual void show(const ChatBottom& bottom) = 0;
};

std::unique_ptr<ChatView> plain_chat_view(std::string user, bool json);

}  // namespace flare::cli
