#include "chat_screen.hpp"

#include "list_text.hpp"
#include "output.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <utility>

namespace flare::cli {
namespace {

constexpr std::size_t kMostPending = 3;  // rows; the terminal may be small

}  // namespace

ChatScreen::ChatScreen(std::string user, const LineEditor& editor) : user_(std::move(user)), editor_(editor) {}

ChatScreen::~ChatScreen() { wipe(); }

void ChatScreen::heard(const HeardLine& line) {
    const bool direct = line.room.empty() || line.room == line.from;
    if (!line.quote.empty()) print(coloured(Tone::dim, "> " + printable(line.quote)));
    const std::string mark = line.names_user ? coloured(Tone::warning, "@") + " " : "";
    const std::string where = direct ? "" : coloured(Tone::dim, "[" + printable(line.room) + "]") + " ";
    print(mark + where + coloured(Tone::strong, printable(line.from)) + ": " + printable(line.text) +
          coloured(Tone::dim, printable(line.notes)));
}

void ChatScreen::sent(const SentLine& line) {
    const std::string what = user_ + " \u2192 " + printable(line.to) + ": " + printable(line.text);
    print(line.fault.empty() ? coloured(Tone::good, "\u2713") + " " + what
                             : coloured(Tone::bad, "\u2717") + " " + what + " " +
                                   coloured(Tone::bad, "(" + printable(line.fault) + ")"));
}

void ChatScreen::note(const std::string& text) { print(coloured(Tone::dim, "* " + printable(text))); }

void ChatScreen::divider(const std::string& text) { print(coloured(Tone::good, "--- " + printable(text) + " ---")); }

void ChatScreen::listed(const std::vector<ListedConversation>& list) {
    for (const std::string& line : list_lines(list, RawTerminal::columns() - 1, std::chrono::system_clock::now()))
        print(line);
}

void ChatScreen::show(const ChatBottom& bottom) {
    bottom_ = bottom;
    redraw();
}

void ChatScreen::redraw() {
    std::string text = erased();
    text += drawn();
    RawTerminal::write(text);
}

void ChatScreen::wipe() { RawTerminal::write(erased()); }

void ChatScreen::print(const std::string& line) {
    std::string text = erased();  // before drawn(), which counts rows anew
    text.append(line).append("\n");
    text += drawn();
    RawTerminal::write(text);
}

// The cursor stands in the line that is typed.
std::string ChatScreen::erased() {
    if (!std::exchange(shown_, false)) return {};
    const std::string up = rows_above_ == 0 ? "" : "\x1b[" + std::to_string(rows_above_) + "A";
    return up + "\r\x1b[J";
}

std::string ChatScreen::drawn() {
    // The last column stays empty: a terminal that has filled a row is not sure where its cursor is.
    const std::size_t columns = RawTerminal::columns() - 1;
    std::string text;
    rows_above_ = 0;
    const std::size_t hidden = bottom_.pending.size() > kMostPending ? bottom_.pending.size() - kMostPending : 0;
    for (std::size_t i = hidden; i < bottom_.pending.size(); ++i, ++rows_above_)
        text += coloured(Tone::dim, clipped("\u2026 " + printable(bottom_.pending[i]), columns)) + "\n";
    const std::string prompt = clipped(printable(bottom_.prompt), columns / 2);
    const std::size_t prompt_columns = columns_of(prompt);
    const auto line = editor_.view(columns - prompt_columns);
    text += coloured(Tone::strong, prompt) + line.text + "\n";
    text += coloured(bottom_.connected ? Tone::dim : Tone::warning, clipped(printable(bottom_.status), columns));
    text += "\x1b[1A\x1b[" + std::to_string(prompt_columns + line.cursor + 1) + "G";
    shown_ = true;
    return text;
}

}  // namespace flare::cli
