// Entries of a conversation's log as people and as programs read them.
//
// Threads: pure functions.
#pragma once

#include <flare/conversation.hpp>

#include <boost/json.hpp>

#include <string>

namespace flare::cli {

// "  12 2026-11-26 14:05:09 UTC ann [text] hello": one line, in which no text has an effect on a terminal.
std::string entry_line(const Entry& entry);
// "bob joined": who, and what.
std::string entry_summary(const Entry& entry);
boost::json::object entry_json(const Entry& entry);

}  // namespace flare::cli
