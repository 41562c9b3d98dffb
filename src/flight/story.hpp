// Turns a flight record into a story for people: why this protocol, when and why it moved, where the time went.
//
// Protocol: docs/explain.md: the records, the causes and what each is told apart by.
// Threads:  a pure function. The text may be anything: a line that is no record is told in `problems`, and passed over.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace flare::flight {

enum class Mood : std::uint8_t { plain, good, bad };

struct Sentence {
    double at_ms = 0;  // since the record began
    Mood mood = Mood::plain;
    std::string text;
};

// The session went to another connection, or came back to one.
struct Move {
    double at_ms = 0;
    std::string from;  // protocol, as people write it; empty: there was no connection
    std::string to;
    std::string cause;
    double still_ms = 0;  // how long nothing moved; 0: it went on meanwhile
};

struct Story {
    bool of_server = false;  // a server's record of the session, in place of its client's
    std::string session;     // the last one; empty: none was made
    std::string user;
    std::string began;  // UTC
    double lasted_ms = 0;
    std::string cause;     // a stable code: what went wrong, the gravest of it, of these the last; "none": nothing
    std::string protocol;  // in use at the end; empty: none
    std::vector<Sentence> sentences;
    std::vector<Move> moves;
    std::map<std::string, double> used_ms;  // protocol: how long it carried the session
    double still_ms = 0;                    // the longest time in which nothing moved ...
    double still_at_ms = 0;                 // ... and when it ended
    struct Part {
        std::string name;
        double ms = 0;
    };
    std::vector<Part> connect;  // where the time of the first connect went
    // What a subscription has delivered to the application, and what not.
    struct OfConversation {
        std::string name;
        std::uint64_t delivered = 0;  // entries
        std::uint64_t last = 0;       // the last of them, or the one behind which it continues
        struct Gap {
            std::uint64_t first = 0;
            std::uint64_t last = 0;
            std::string reason;
        };
        std::vector<Gap> gaps;  // the first ones
        std::string ended;  // the code with which the subscription ended; empty: it did not, or the application did it
    };
    std::vector<OfConversation> conversations;  // in the order in which the record names them
    std::vector<std::string> problems;
};

// `conversation`: of conversations, only this one is told of; empty: all.
Story tell(std::string_view record, std::string conversation = {});

// One sentence: what the code means and what to do. Empty: there is no such code.
std::string_view explain_cause(std::string_view cause) noexcept;
// Every code, the gravest first.
std::vector<std::string_view> causes();

}  // namespace flare::flight
