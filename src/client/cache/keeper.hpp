// What a client's conversations tell whoever keeps them for the next run of the program.
//
// Threads: any; nothing waits for a disk.
// Owner:   Cache implements it; Feeds and ClientLoop use it.
#pragma once

#include <flare/conversation.hpp>

#include <optional>
#include <string>

namespace flare::client {

// How far the application has been told the log of a conversation: the last entry, and its id if it is known, else nil.
struct ToldUpto {
    Position position;
    Uuid id;

    friend bool operator==(const ToldUpto&, const ToldUpto&) = default;
};

class Keeper {
public:
    // The application has been told this entry, which is in the epoch of `upto`: its callback has returned.
    virtual void told(const std::string& conversation, Entry entry, const ToldUpto& upto) = 0;
    // It has been told that entries are left out.
    virtual void left_out(const HistoryGap& gap, const ToldUpto& upto) = 0;
    // What is behind `upto` is to be told.
    virtual void moved(const std::string& conversation, const ToldUpto& upto) = 0;
    // What the application is told of the user's list: a conversation as it is there now; null: it is not in it.
    virtual void listed(const std::string& conversation, const ListedConversation* now) = 0;
    // All that the list's cursor stands for has been told.
    virtual void synced(const std::string& cursor) = 0;
    // The user has cleared the conversation up to there, and does not want to see it again.
    virtual void cleared(const std::string& conversation, const Position& upto) = 0;
    // Where a subscription without a position begins; nothing: with what is written from now on.
    virtual std::optional<ToldUpto> told_upto(const std::string& conversation) const = 0;

protected:
    ~Keeper() = default;
};

}  // namespace flare::client
