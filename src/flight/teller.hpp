// Processes the records of one session and collects what the story needs.
//
// Threads: one at a time.
// Owner:   tell().
#pragma once

#include "flight/conversations.hpp"
#include "flight/evidence.hpp"
#include "flight/story.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace flare::flight {

// "240 ms", "12.3 s"
std::string duration(double ms);
// ": text", or nothing for nothing
std::string after_colon(const std::string& text);

class Teller {
public:
    // `conversation`: of conversations, only this one is told of; empty: all.
    explicit Teller(std::string conversation) : conversations_(story, std::move(conversation)) {}
    Teller(const Teller&) = delete;
    Teller& operator=(const Teller&) = delete;

    Story story;

    void take(const Record& record);
    void end();

private:
    void say(std::string text, Mood mood = Mood::plain);
    void blame(const std::string& cause);
    // The first sign of it, perhaps, and for how long nothing had come before it.
    void trouble(double silent_ms = 0);
    void stop_use();

    void client(const Record& record);
    void connecting(const Record& record);
    void connected(const Record& record);
    void failed(const Record& record);
    void unanswered(const Record& record);
    void in_use(const Record& record);
    void moved(const Record& record, const std::string& from);
    void first_use(const Record& record);
    void suspected(const Record& record);
    void lost(const Record& record);
    void beside(const Record& record);
    void unreachable(const Record& record);
    void race(const Record& record);
    void settle_doubt(double largest_packet);
    void flows(const Record& record);
    void no_connection(const Record& record);
    void ended(const Record& record);
    void gap(const Record& record);
    void credential(const Record& record);
    bool told_in_words(const Record& record);  // the records that are a sentence and nothing more
    bool server(const Record& record);         // those of a server: teller_server.cpp

    ConversationTeller conversations_;
    long long server_carrier_ = 0;  // that sends
    double base_ms_ = 0;            // a server's records have the time of its clock
    double now_ = 0;
    double first_ms_ = -1;
    Evidence evidence_;
    std::string protocol_;  // in use, as records name it; empty: none
    std::string before_;    // the last one
    double in_use_since_ = 0;
    bool was_in_use_ = false;
    double connecting_at_ = 0;
    double connect_asked_at_ = 0;
    std::map<std::string, double> resolved_ms_;  // by address
    Record connected_;                           // the last
    // Of each protocol, for what shows only over time.
    struct Path {
        bool answered_ever = false;
        bool unanswered_at_connect = false;
        int failed_in_use = 0;
        int turns = 0;  // from attached to unreachable and back, since it failed in use
        bool last_attached = false;
    };
    std::map<std::string, Path> paths_;
    bool gave_up_ = false;
    // A move because QUIC fell silent: later measurements may show that only its large packets were lost.
    struct Doubt {
        std::size_t move = 0;  // index
        double largest_packet = 0;
    };
    std::optional<Doubt> doubt_;
};

}  // namespace flare::flight
