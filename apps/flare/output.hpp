// Output for people and for programs: colours where a person looks, one JSON object a line where a program reads.
//
// What was asked for goes to standard output; problems, progress and hints go to standard error.
#pragma once

#include <flare/failure.hpp>
#include <flare/printable.hpp>

#include <boost/json.hpp>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace flare::cli {

enum class Tone { plain, good, bad, warning, dim, strong };

// Escape sequences around `text` where `stream` is a terminal and neither NO_COLOR nor TERM=dumb says otherwise.
std::string coloured(Tone tone, std::string_view text, std::FILE* stream = stdout);
bool is_terminal(std::FILE* stream) noexcept;

// An object as one line, without its end, in which no text has an effect on a terminal.
std::string json_line(const boost::json::object& object);
// The same on standard output, flushed.
void print_json(const boost::json::object& object);
// Hands what was printed to the system. A failure lasts: something is missing from then on, whatever is written later.
// A command that runs until it is told to stop asks after each thing it prints, and ends. Threads: the one that prints.
// Errors: file_unwritable.
Checked<> flush_output();
// What a command exits with: `code`, but not kDone when standard output has not taken everything; that is told.
int finish_output(std::string_view command, int code);
// "flare COMMAND: text" on standard error; "flare: text" where no command was named. The text may hold what others
// said: it is escaped.
void print_problem(std::string_view command, std::string_view text);
// What another machine sent, safe to show.
using flare::printable;

// Shows that something goes on, when it takes longer than a second and a person looks: a line on standard error that
// is overwritten, and wiped by the destructor.
class Progress {
public:
    explicit Progress(std::string what);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

private:
    struct Ticker;
    std::unique_ptr<Ticker> ticker_;  // none where nobody looks
};

}  // namespace flare::cli
