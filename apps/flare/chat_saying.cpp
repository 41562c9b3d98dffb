#include "chat_saying.hpp"

#include <algorithm>

namespace flare::cli {
namespace {

constexpr std::size_t kMostNamedInChat = 50;      // users of a message
constexpr std::size_t kLongestNamedInChat = 256;  // bytes of a user id
constexpr std::size_t kMostWordBytes = 60;        // of a quote
constexpr std::string_view kBehindName = ",.:;!?)";

void name_in(Message& message, std::string_view name) {
    while (!name.empty() && kBehindName.find(name.back()) != kBehindName.npos) name.remove_suffix(1);
    if (name == "all") {
        message.mentions_all = true;
    } else if (!name.empty() && name.size() <= kLongestNamedInChat && message.mentions.size() < kMostNamedInChat &&
               std::ranges::find(message.mentions, name) == message.mentions.end()) {
        message.mentions.emplace_back(name);
    }
}

}  // namespace

Message said_in_chat(const std::string& text) {
    Message message("chat", Bytes(text));
    const std::string_view all = text;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find_first_of(" \t\n", at), all.size());
        if (all[at] == '@') name_in(message, all.substr(at + 1, end - at - 1));
        at = end + 1;
    }
    return message;
}

std::string first_words(std::string_view text) {
    std::string line(text.substr(0, text.find('\n')));
    const bool whole = line.size() == text.size() && line.size() <= kMostWordBytes;
    if (line.size() > kMostWordBytes) {
        line.resize(kMostWordBytes);
        // The last character may have been cut in the middle.
        while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0) == 0x80) line.pop_back();
        if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0xC0) line.pop_back();
        if (const std::size_t space = line.rfind(' '); space != line.npos && space != 0) line.resize(space);
    }
    return whole ? line : line + " \u2026";
}

void ChatQuotes::note(const std::string& conversation, std::uint64_t offset, std::string_view from,
                      std::string_view text) {
    if (offset == 0) return;
    const auto [at, is_new] =
        all_.insert_or_assign({conversation, offset}, std::string(from) + ": " + first_words(text));
    if (is_new) order_.push_back(at->first);
    if (order_.size() <= kMost) return;
    all_.erase(order_.front());
    order_.pop_front();
}

std::string ChatQuotes::of(const std::string& conversation, std::uint64_t offset) const {
    const auto found = all_.find({conversation, offset});
    return found == all_.end() ? "message " + std::to_string(offset) : found->second;
}

}  // namespace flare::cli
