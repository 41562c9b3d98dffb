// Tells the server how far somebody has read, beside the chat: its calls may wait for an answer, and meanwhile people
// type.
//
// What cannot be told now is told by the client behind its next sync, so nothing is tried again here.
// Threads: read() and the destructor: one; a thread of its own asks. The destructor waits for a call under way:
//          disconnect the client first.
// Owner:   the command; the client lives longer.
#pragma once

#include <flare/client.hpp>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace flare::cli {

class ChatMarks {
public:
    explicit ChatMarks(Client& client);
    ~ChatMarks();
    ChatMarks(const ChatMarks&) = delete;
    ChatMarks& operator=(const ChatMarks&) = delete;

    // Waits until all of it has been told, but not for longer than this.
    void finish(std::chrono::milliseconds limit);
    // Everything up to this entry has been read. Returns at once; of several marks only the last is sent.
    void read(const std::string& conversation, const Position& upto);

private:
    void run();

    Client& client_;
    std::mutex mutex_;  // of what follows
    std::condition_variable changed_;
    std::map<std::string, Position> due_;
    bool busy_ = false;  // a call is under way
    bool over_ = false;
    std::thread thread_;
};

}  // namespace flare::cli
