// Where a chat is shown: a terminal with a line to type in at its bottom, or plain lines for scripts and logs.
//
// Threads: one.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace flare::cli {

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
    virtual void heard(const std::string& from, const std::string& type, const std::string& text) = 0;
    virtual void sent(const SentLine& line) = 0;
    virtual void note(const std::string& text) = 0;  // of the connection, or about a command
    virtual void show(const ChatBottom& bottom) = 0;
};

std::unique_ptr<ChatView> plain_chat_view(std::string user, bool json);

}  // namespace flare::cli
