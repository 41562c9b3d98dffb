// A chat on a terminal: what was said scrolls up as in any program, so the terminal keeps its history; below it stand
// the messages under way, the line that is typed, and a status line, drawn anew whenever something changes.
#pragma once

#include "chat_view.hpp"
#include "line_editor.hpp"

#include <cstddef>
#include <string>

namespace flare::cli {

class ChatScreen final : public ChatView {
public:
    // `editor`: whose line is shown; it lives longer.
    ChatScreen(std::string user, const LineEditor& editor);
    ~ChatScreen() override;

    void heard(const HeardLine& line) override;
    void sent(const SentLine& line) override;
    void note(const std::string& text) override;
    void divider(const std::string& text) override;
    void listed(const std::vector<ListedConversation>& list) override;
    bool shows_all() const override { return false; }
    void show(const ChatBottom& bottom) override;
    // The line, the width or the whole screen has changed.
    void redraw();
    // Leaves only what was said; redraw() brings the rest back.
    void wipe();

private:
    void print(const std::string& line);
    std::string erased();
    std::string drawn();

    const std::string user_;
    const LineEditor& editor_;
    ChatBottom bottom_;
    bool shown_ = false;
    std::size_t rows_above_ = 0;  // of the line that is typed, when shown_
};

}  // namespace flare::cli
