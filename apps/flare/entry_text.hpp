// Entries of a conversation's log, and places in it, as people and as programs read them.
//
// Threads: pure functions.
#pragma once

#include <flare/conversation.hpp>

#include <boost/json.hpp>

#include <string>

namespace flare::cli {

// "  12 2026-11-26 14:05:09 UTC ann [text] hello": one line, in which no text has an effect on a terminal.
std::string entry_line(const Entry& entry);
// Behind the text of a message: " (edited) [heart 2] [*thumb 1]"; the star: the user is one of them.
std::string entry_notes(const Entry& entry);
// "bob joined": who, and what.
std::string entry_summary(const Entry& entry);
boost::json::object entry_json(const Entry& entry);

// "lunch" and "room:lunch" are the same room.
std::string room_of(const std::string& name);
// The entry of a log, in an object for programs: offset, epoch (as text, since not every program has 64-bit numbers),
// time.
void add_position(boost::json::object& object, const StoredAt& stored);
// How far a log reaches, likewise: first, last, epoch.
void add_extent(boost::json::object& object, const LogHead& head);

}  // namespace flare::cli
