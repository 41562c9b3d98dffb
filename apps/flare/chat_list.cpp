#include "chat_list.hpp"

#include "list_text.hpp"

#include <algorithm>

namespace flare::cli {
namespace {

constexpr std::size_t kMostNamed = 2;  // conversations in a status line, which is short

bool newer(const ListedConversation& one, const ListedConversation& other) {
    return one.last_time != other.last_time ? one.last_time > other.last_time : one.about.name < other.about.name;
}

}  // namespace

void ChatList::complete(std::vector<ListedConversation> list) {
    known_ = true;
    all_.clear();
    for (ListedConversation& each : list) {
        std::string name = each.about.name;
        all_.insert_or_assign(std::move(name), std::move(each));
    }
}

void ChatList::change(const event::ConversationChanged& change) {
    if (change.now) {
        all_.insert_or_assign(change.conversation, *change.now);
    } else {
        all_.erase(change.conversation);
    }
}

const ListedConversation* ChatList::find(const std::string& conversation) const {
    const auto found = all_.find(conversation);
    return found == all_.end() ? nullptr : &found->second;
}

std::string ChatList::named(const std::string& typed) const {
    return !all_.contains(typed) && all_.contains("room:" + typed) ? "room:" + typed : typed;
}

std::vector<ListedConversation> ChatList::all() const {
    std::vector<ListedConversation> list;
    for (const auto& [name, each] : all_) {
        if (!each.settings.hidden) list.push_back(each);
    }
    std::sort(list.begin(), list.end(), [](const ListedConversation& one, const ListedConversation& other) {
        return one.settings.pinned != other.settings.pinned ? one.settings.pinned > other.settings.pinned
                                                            : newer(one, other);
    });
    return list;
}

std::vector<const ListedConversation*> ChatList::unread(std::string_view without) const {
    std::vector<const ListedConversation*> found;
    for (const auto& [name, each] : all_) {
        const bool is_unread = each.mark.unread != 0 || each.mark.unread_from != 0;
        if (is_unread && name != without) found.push_back(&each);
    }
    std::sort(found.begin(), found.end(), [](const auto* one, const auto* other) { return newer(*one, *other); });
    return found;
}

const ListedConversation* ChatList::newest_unread(std::string_view current) const {
    const auto found = unread(current);
    return found.empty() ? nullptr : found.front();
}

std::string ChatList::status(std::string_view current) const {
    const auto found = unread(current);
    if (found.empty()) return {};
    ReadMark all;
    std::string names;
    for (std::size_t i = 0; i < found.size(); ++i) {
        all.unread += found[i]->mark.unread;
        all.mentions += found[i]->mark.mentions;
        all.more = all.more || found[i]->mark.more;
        all.unread_from = std::max(all.unread_from, found[i]->mark.unread_from);
        if (i < kMostNamed) names += (i == 0 ? "" : ", ") + found[i]->about.name;
    }
    if (found.size() > kMostNamed) names += " and " + std::to_string(found.size() - kMostNamed) + " more";
    return unread_text(all) + " unread: " + names;
}

std::optional<NewLine> new_line(const std::vector<Entry>& entries, const ReadMark& mark, std::string_view user) {
    if (mark.unread == 0) return std::nullopt;
    const auto is_new = [&](const Entry& each) {
        return each.offset > mark.offset && each.kind == EntryKind::message && !each.silent && !each.deleted &&
               each.from != user;
    };
    const auto first = std::find_if(entries.begin(), entries.end(), is_new);
    if (first == entries.end()) return std::nullopt;
    const auto shown = static_cast<std::uint64_t>(std::count_if(first, entries.end(), is_new));
    std::string text = unread_text(mark) + " new";
    if (shown < mark.unread) text += ", the last " + std::to_string(shown) + " of them";
    return NewLine{static_cast<std::size_t>(first - entries.begin()), std::move(text)};
}

}  // namespace flare::cli
