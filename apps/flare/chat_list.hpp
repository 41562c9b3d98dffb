// The conversations of a chat's user, with what is unread in them, as the client tells them.
//
// Threads: one, that of the chat; pure state.
#pragma once

#include <flare/events.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli {

class ChatList {
public:
    // The list is complete and current.
    void complete(std::vector<ListedConversation> list);
    void change(const event::ConversationChanged& change);

    // Whether the server has told it: without that, nothing is known of what is unread.
    bool known() const noexcept { return known_; }
    const ListedConversation* find(const std::string& conversation) const;
    // What somebody has typed: a conversation of this name, or a room; else as it was typed.
    std::string named(const std::string& typed) const;
    // Those that are pinned, then the newest activity first; without those that are hidden.
    std::vector<ListedConversation> all() const;
    // The one with the newest activity of those with unread messages; null: there is none.
    const ListedConversation* newest_unread(std::string_view current) const;
    // "3 unread: room:tea, bob and 2 more", or "@1 of 3 unread: ..." if one mentions the user; without `current`, whose
    // messages are shown. Empty: nothing is unread.
    std::string status(std::string_view current) const;

private:
    std::vector<const ListedConversation*> unread(std::string_view without) const;  // newest first

    bool known_ = false;
    std::map<std::string, ListedConversation, std::less<>> all_;
};

// A page of entries, with the place of the line that says how many are new.
struct NewLine {
    std::size_t before = 0;  // index of the first new entry
    std::string text;        // "3 new", "120 new, the last 20 of them"
};
// `entries` ascend; `mark` is that of before they are read. Nothing: none of them is new.
std::optional<NewLine> new_line(const std::vector<Entry>& entries, const ReadMark& mark, std::string_view user);

}  // namespace flare::cli
