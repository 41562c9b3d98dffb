// Tells the records about a client's subscriptions: from where each conversation was told, what was left out, and why.
//
// Protocol: docs/explain.md, "Records".
// Threads:  one at a time.
// Owner:    Teller; the story outlives it.
#pragma once

#include "flight/record.hpp"
#include "flight/story.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace flare::flight {

class ConversationTeller {
public:
    // `only`: nothing is told of other conversations; empty: of all.
    ConversationTeller(Story& story, std::string only) : story_(story), only_(std::move(only)) {}

    // False: the record is about something else.
    bool take(const Record& record, double now);

private:
    // Sentences that say the same of many conversations are one.
    enum class Same : std::uint8_t { none, subscribed, continues, stands };
    struct Place {
        std::string epoch;
        std::uint64_t at = 0;   // the last entry that was told, or is known to the application
        std::size_t index = 0;  // in story_.conversations
    };

    void subscribed(const Record& record, const Place& place);
    void happened(const std::string& event, const Record& record, Place& place);
    void renewed(const Record& record);
    void gap(const Record& record, Place& place);
    void say(std::string text, Mood mood = Mood::plain);
    void say_of_many(Same what, const std::string& conversation, const std::string& text);
    Place* place_of(const std::string& conversation);  // null: there are too many

    Story& story_;
    const std::string only_;
    std::map<std::string, Place> places_;
    double now_ = 0;
    // The last sentence, if it is about the same and others may join it.
    Same same_ = Same::none;
    std::size_t same_at_ = 0;          // its index
    std::vector<std::string> joined_;  // the conversations in it
};

}  // namespace flare::flight
