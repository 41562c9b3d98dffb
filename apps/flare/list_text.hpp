// The list of a user's conversations as people and as programs read it.
//
// Threads: pure functions.
#pragma once

#include <flare/conversation.hpp>

#include <boost/json.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace flare::cli {

// "3", or "1000+" where there may be more than were counted; "@2 of 3": two of them mention the user; "*": nothing is,
// but the user has marked it as unread; empty: nothing is unread.
std::string unread_text(const ReadMark& mark);
// "14:05" of today, else "2026-11-26", in this machine's time zone.
std::string when_text(std::chrono::system_clock::time_point time, std::chrono::system_clock::time_point now);
// What was written last: "ann: see you there". Empty: it is not known.
std::string last_text(const ListedConversation& conversation);

// A line for each: name, unread messages, time, what was written last; in columns. `columns`: of the terminal; what
// does not fit is cut.
std::vector<std::string> list_lines(const std::vector<ListedConversation>& list, std::size_t columns,
                                    std::chrono::system_clock::time_point now);
boost::json::object listed_json(const ListedConversation& conversation);

}  // namespace flare::cli
