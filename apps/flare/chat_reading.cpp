#include "chat_reading.hpp"

#include <algorithm>
#include <charconv>

namespace flare::cli {

std::string ticks_of(const ListedConversation& conversation, std::uint64_t offset) {
    const auto any = [&](std::uint64_t UserMark::*mark) {
        return std::ranges::any_of(conversation.others, [&](const UserMark& each) { return each.*mark >= offset; });
    };
    if (any(&UserMark::read)) return "\u2713\u2713 read";
    return any(&UserMark::delivered) ? "\u2713\u2713" : "\u2713";
}

std::string newest_ticks(const ListedConversation& conversation, std::string_view user) {
    for (auto each = conversation.entries.rbegin(); each != conversation.entries.rend(); ++each) {
        if (each->kind == EntryKind::message && each->from == user) return ticks_of(conversation, each->offset);
    }
    return {};
}

bool ChatReading::knows(std::string_view word) noexcept { return word == "/readers" || word == "/unread"; }

void ChatReading::help() {
    view_.note("/readers N: who has read message N; /unread N: let this conversation count as unread from N on");
}

void ChatReading::command(const std::string& word, const std::string& rest, const std::string& conversation,
                          std::uint64_t epoch) {
    std::uint64_t offset = 0;
    const char* const end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data(), end, offset);
    if (error != std::errc() || stop != end || offset == 0)
        return view_.note(word + " N: N is the number of a message, as /numbers shows it");
    if (word == "/readers") {
        readers(conversation, {epoch, offset});
    } else {
        unread(conversation, {epoch, offset});
    }
}

void ChatReading::readers(const std::string& conversation, const Position& message) {
    const auto page = client_.marks().readers(conversation, message, {}, kMostReaders);
    if (!page) return view_.note(page.error().text);
    std::string names;
    for (const UserMark& each : page->readers) names += (names.empty() ? ": " : ", ") + each.user;
    if (page->more) names += " and others";
    view_.note("read by " + std::to_string(page->read) + " of " + std::to_string(page->members) + ", delivered to " +
               std::to_string(page->delivered) + names);
}

void ChatReading::unread(const std::string& conversation, const Position& from) {
    const auto marked = client_.marks().mark_unread(conversation, from);
    view_.note(marked ? conversation + " counts as unread until you read it again" : marked.error().text);
}

}  // namespace flare::cli
