#include "list_text.hpp"

#include "entry_text.hpp"
#include "line_editor.hpp"
#include "output.hpp"
#include "phrases.hpp"

#include <flare/conversations.hpp>

#include <algorithm>
#include <array>
#include <ctime>

namespace flare::cli {
namespace {

constexpr std::size_t kWidestName = 28;  // columns
constexpr std::size_t kLeastName = 4;
constexpr std::size_t kLeastLast = 8;  // columns for what was written last; on a
                                       // narrower terminal it is left out

std::string as(const char* format, const std::tm& parts) {
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), format, &parts);
    return text.data();
}

std::tm local(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return parts;
}

std::string padded(std::string text, std::size_t columns) {
    const std::size_t taken = columns_of(text);
    if (taken < columns) text.append(columns - taken, ' ');
    return text;
}

// "tea (Tea time) [pinned]".
std::string name_of(const ListedConversation& conversation, std::chrono::system_clock::time_point now) {
    std::string name = printable(conversation.about.name);
    const std::string& title = conversation.about.config.title;
    if (!title.empty()) name += " (" + printable(title) + ")";
    name = clipped(name, kWidestName);
    const ConversationSettings& settings = conversation.settings;
    const bool muted = settings.notify == NotifyLevel::none || (settings.muted_until && *settings.muted_until > now);
    std::string marks = settings.pinned != 0 ? "pinned" : "";
    if (muted) marks += marks.empty() ? "muted" : ", muted";
    return marks.empty() ? name : name + " [" + marks + "]";
}

// What is not as usual.
void add_settings(boost::json::object& object, const ConversationSettings& settings) {
    if (settings.notify != NotifyLevel::all) object["notify"] = std::string(name(settings.notify));
    if (settings.muted_until) {
        const bool for_ever = *settings.muted_until == Conversations::kForever;
        object["muted_until_ms"] =
            for_ever ? INT64_MAX
                     : std::chrono::duration_cast<std::chrono::milliseconds>(settings.muted_until->time_since_epoch())
                           .count();
    }
    if (settings.pinned != 0) object["pinned"] = settings.pinned;
    if (settings.hidden) object["hidden"] = true;
    if (settings.cleared_to != 0) object["cleared_to"] = settings.cleared_to;
}

}  // namespace

std::string unread_text(const ReadMark& mark) {
    if (mark.unread == 0) return mark.unread_from == 0 ? "" : "*";
    return (mark.mentions == 0 ? "" : "@" + std::to_string(mark.mentions) + " of ") + std::to_string(mark.unread) +
           (mark.more ? "+" : "");
}

std::string when_text(std::chrono::system_clock::time_point time, std::chrono::system_clock::time_point now) {
    const std::tm then = local(time);
    const std::tm today = local(now);
    const bool same_day = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
    return as(same_day ? "%H:%M" : "%Y-%m-%d", then);
}

std::string last_text(const ListedConversation& conversation) {
    if (conversation.entries.empty()) return {};
    const Entry& last = conversation.entries.back();
    if (last.kind != EntryKind::message) return entry_summary(last);
    return (last.from.empty() ? "(somebody)" : printable(last.from)) + ": " +
           (last.deleted ? "(deleted)" : payload_text(last.payload)) + entry_notes(last);
}

std::vector<std::string> list_lines(const std::vector<ListedConversation>& list, std::size_t columns,
                                    std::chrono::system_clock::time_point now) {
    std::size_t names = 0;
    std::size_t unread = 0;
    std::size_t times = 0;
    for (const ListedConversation& each : list) {
        names = std::max(names, columns_of(name_of(each, now)));
        unread = std::max(unread, unread_text(each.mark).size());
        times = std::max(times, when_text(each.last_time, now).size());
    }
    const std::size_t news = unread == 0 ? 0 : unread + std::string_view(" new  ").size();
    names = std::min(names, std::max(kLeastName, columns - std::min(columns, 2 + news + times)));
    std::vector<std::string> lines;
    for (const ListedConversation& each : list) {
        const std::string count = unread_text(each.mark);
        const std::string name = padded(clipped(name_of(each, now), names), names);
        std::string line = coloured(count.empty() ? Tone::plain : Tone::strong, name) + "  ";
        if (news != 0) {
            const std::string told =
                count.empty() ? std::string(news, ' ') : std::string(unread - count.size(), ' ') + count + " new  ";
            line += count.empty() ? told : coloured(Tone::good, told);
        }
        line += coloured(Tone::dim, padded(when_text(each.last_time, now), times));
        const std::size_t taken = names + 2 + news + times + 2;
        if (taken + kLeastLast <= columns) {
            const std::string last = clipped(last_text(each), columns - taken);
            if (!last.empty()) line += "  " + last;
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

boost::json::object listed_json(const ListedConversation& conversation) {
    boost::json::object object{{"event", "conversation"},
                               {"conversation", conversation.about.name},
                               {"title", conversation.about.config.title},
                               {"role", std::string(name(conversation.about.role))},
                               {"members", conversation.about.members},
                               {"read", conversation.mark.offset},
                               {"unread", conversation.mark.unread},
                               {"more_unread", conversation.mark.more}};
    if (conversation.mark.mentions != 0) object["mentions"] = conversation.mark.mentions;
    if (conversation.mark.unread_from != 0) object["unread_from"] = conversation.mark.unread_from;
    add_settings(object, conversation.settings);
    if (!conversation.others.empty()) {
        boost::json::array others;
        for (const UserMark& each : conversation.others)
            others.push_back({{"user", each.user}, {"read", each.read}, {"delivered", each.delivered}});
        object["others"] = std::move(others);
    }
    object["last_ms"] =
        std::chrono::duration_cast<std::chrono::milliseconds>(conversation.last_time.time_since_epoch()).count();
    add_extent(object, conversation.about.head);
    if (!conversation.entries.empty()) object["newest"] = entry_json(conversation.entries.back());
    return object;
}

}  // namespace flare::cli
