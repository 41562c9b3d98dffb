#include "wire/message_about.hpp"

#include "model/entry.hpp"
#include "wire/frame.hpp"

#include <algorithm>

namespace flare::wire {

std::string about_of(const Message& message) {
    About about;
    about.reply_to = message.reply_to;
    about.flags = (message.silent ? model::kSilent : 0u) | (message.mentions_all ? model::kMentionAll : 0u);
    about.mentions.assign(message.mentions.begin(), message.mentions.end());
    return about.says_something() ? encode(about) : std::string();
}

void read_about(std::string_view bytes, Message& to) {
    if (bytes.empty()) return;
    const auto about = decode_about(bytes);
    if (!about) return;
    to.reply_to = about->reply_to;
    to.silent = (about->flags & model::kSilent) != 0;
    to.mentions_all = (about->flags & model::kMentionAll) != 0;
    to.mentions.assign(about->mentions.begin(), about->mentions.end());
}

errc check_mentions(const Message& message) noexcept {
    if (message.mentions.size() > kMaxMentions) return errc::message_too_large;
    const bool are_names =
        std::ranges::all_of(message.mentions, [](const std::string& each) { return !each.empty() && is_name(each); });
    return are_names ? errc::ok : errc::invalid_name;
}

}  // namespace flare::wire
