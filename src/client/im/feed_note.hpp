// What a flight record is told of a subscription: which part of a log the client has told, what it left out, and why.
//
// Protocol: docs/explain.md, "Records".
// Threads:  a value, valid during the call that it is passed to.
#pragma once

#include <flare/conversation.hpp>
#include <flare/failure.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace flare::client {

struct FeedNote {
    enum class What : std::uint8_t {
        subscribed,    // the application has asked for it, and it begins behind `at`
        listed,        // a sync has named it for the first time, and it begins behind `at`
        renewed,       // in a new session, or after it was put off: it continues behind `at`
        gap,           // `gap` says which entries are not told
        refused,       // there was no memory for what came: it is asked for again, behind `at`
        put_off,       // by the server, for `reason`
        ended,         // for `reason`, and not by the application
        unsubscribed,  // by the application
        dropped,       // a sync no longer names it as live
        stands,        // nothing has happened to it; the connection ends
    };
    What what = What::stands;
    std::string_view conversation;
    Position at;             // the last entry that was told, or is known to the application
    std::uint64_t told = 0;  // entries told since the last note of this conversation
    std::uint64_t last = 0;  // subscribed, renewed: the newest entry of the log
    Position asked{};        // subscribed: the position that the application gave; {}: none
    Position before{};       // subscribed: how far the subscription that this one replaces had come; {}: there was none
    std::uint32_t times = 1;           // renewed: in a row without an entry between
    const HistoryGap* gap = nullptr;   // gap
    const Failure* reason = nullptr;   // put_off, ended
    std::chrono::nanoseconds retry{};  // put_off: it is asked for again after this time
};

// Where notes go.
class FeedRecord {
public:
    virtual void write(const FeedNote& note) = 0;

protected:
    ~FeedRecord() = default;
};

}  // namespace flare::client
