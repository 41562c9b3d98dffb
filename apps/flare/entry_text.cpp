#include "entry_text.hpp"

#include "base/utf8.hpp"
#include "output.hpp"
#include "phrases.hpp"
#include "wire/base64.hpp"

#include <array>
#include <cstdio>

namespace flare::cli {
namespace {

using Kind = ConversationChange::Kind;

std::int64_t ms_of(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::string users_of(const ConversationChange& change) {
    std::string users;
    for (const auto& member : change.members) users.append(users.empty() ? "" : ", ").append(printable(member.user));
    return users;
}

std::string role_of(const ConversationChange& change) {
    return change.members.empty() ? "unknown" : std::string(name(change.members.front().role));
}

std::string until_of(const std::optional<std::chrono::system_clock::time_point>& time) {
    return time ? " until " + date_text(*time) : std::string();
}

std::string change_text(const ConversationChange& change, const std::string& from) {
    const auto first = change.members.empty() ? ConversationChange::ChangedMember() : change.members.front();
    switch (change.kind) {
        case Kind::created: return "created the conversation with " + users_of(change);
        case Kind::joined: return "joined";
        case Kind::left:
            return change.members.size() < 2 ? "left"
                                             : "left; " + printable(change.members.back().user) + " is owner now";
        case Kind::added: return "added " + users_of(change) + " as " + role_of(change);
        case Kind::removed: return "removed " + users_of(change);
        case Kind::role: return "made " + users_of(change) + " " + role_of(change);
        case Kind::muted:
            return first.muted_until ? "muted " + users_of(change) + until_of(first.muted_until)
                                     : "lets " + users_of(change) + " write again";
        case Kind::banned:
            return first.banned_until ? "banned " + users_of(change) + until_of(first.banned_until)
                                      : "lets " + users_of(change) + " join again";
        case Kind::config: return "changed the configuration";
        case Kind::invited:
            if (first.invited) return "invited " + users_of(change);
            return first.user == from ? "declined the invitation" : "took back the invitation of " + users_of(change);
        case Kind::unknown: break;
    }
    return "made a change that this version does not know";
}

std::string body_text(const Entry& entry) {
    if (entry.change) return change_text(*entry.change, entry.from);
    const std::string about = entry.ref == 0 ? std::string() : " of " + std::to_string(entry.ref);
    switch (entry.kind) {
        case EntryKind::removal: return "deleted message " + std::to_string(entry.ref);
        case EntryKind::edit:
            return "edited message " + std::to_string(entry.ref) +
                   (entry.deleted ? std::string() : ": " + payload_text(entry.payload));
        case EntryKind::reaction:
            return (entry.taken_back ? "took back " : "reacted with ") + payload_text(entry.payload) +
                   (entry.taken_back ? " from message " : " to message ") + std::to_string(entry.ref);
        case EntryKind::unknown: return "an entry that this version cannot show";
        case EntryKind::membership:
        case EntryKind::config: return "changed the " + std::string(name(entry.kind));
        case EntryKind::message: break;
        case EntryKind::system:
            return std::string(name(entry.kind)) + about + " [" + printable(entry.type) + "] " +
                   payload_text(entry.payload);
    }
    if (entry.deleted) return "(deleted)";
    return "[" + printable(entry.type) + "] " + payload_text(entry.payload);
}

std::string who(const Entry& entry) { return entry.from.empty() ? "(somebody)" : printable(entry.from); }

}  // namespace

std::string entry_notes(const Entry& entry) {
    std::string notes = entry.changed_at != 0 && !entry.deleted ? " (edited)" : "";
    if (entry.kind == EntryKind::message && entry.ref != 0) notes += " (to " + std::to_string(entry.ref) + ")";
    if (entry.silent) notes += " (silent)";
    for (const Reaction& each : entry.reactions)
        notes += (each.own ? " [*" : " [") + printable(each.key) + " " + std::to_string(each.users) + "]";
    return notes;
}

std::string entry_summary(const Entry& entry) { return who(entry) + " " + body_text(entry) + entry_notes(entry); }

std::string entry_line(const Entry& entry) {
    std::array<char, 32> offset{};
    std::snprintf(offset.data(), offset.size(), "%6llu", static_cast<unsigned long long>(entry.offset));
    return std::string(offset.data()) + " " + coloured(Tone::dim, date_text(entry.time)) + " " +
           coloured(Tone::strong, who(entry)) + " " + body_text(entry) + coloured(Tone::dim, entry_notes(entry));
}

boost::json::object entry_json(const Entry& entry) {
    boost::json::object object{
        {"event", "entry"},     {"offset", entry.offset}, {"kind", std::string(name(entry.kind))},
        {"id", entry.id.str()}, {"from", entry.from},     {"time_ms", ms_of(entry.time)}};
    if (entry.ref != 0) object["ref"] = entry.ref;
    if (entry.changed_at != 0) object["changed_at"] = entry.changed_at;
    if (entry.silent) object["silent"] = true;
    if (entry.mentions_all) object["mentions_all"] = true;
    if (!entry.mentions.empty()) object["mentions"] = boost::json::array(entry.mentions.begin(), entry.mentions.end());
    if (entry.deleted) object["deleted"] = true;
    if (entry.taken_back) object["taken_back"] = true;
    if (!entry.reactions.empty()) {
        boost::json::array reactions;
        for (const Reaction& each : entry.reactions) {
            boost::json::object one{{"key", each.key}, {"users", each.users}};
            if (each.own) one["own"] = true;
            reactions.push_back(std::move(one));
        }
        object["reactions"] = std::move(reactions);
    }
    if (entry.change) {
        boost::json::array members;
        for (const auto& member : entry.change->members) {
            boost::json::object each{{"user", member.user}, {"role", std::string(name(member.role))}};
            if (member.muted_until) each["muted_until_ms"] = ms_of(*member.muted_until);
            if (member.banned_until) each["banned_until_ms"] = ms_of(*member.banned_until);
            if (member.invited) each["invited"] = true;
            members.push_back(std::move(each));
        }
        object["change"] = std::string(name(entry.change->kind));
        object["members"] = std::move(members);
        return object;
    }
    object["type"] = entry.type;
    if (base::is_utf8(entry.payload.view())) {
        object["text"] = entry.payload.str();
    } else {
        object["base64"] = wire::to_base64(entry.payload.view());
    }
    return object;
}

std::string room_of(const std::string& name) { return name.starts_with("room:") ? name : "room:" + name; }

void add_position(boost::json::object& object, const StoredAt& stored) {
    object["offset"] = stored.position.offset;
    object["epoch"] = std::to_string(stored.position.epoch);
    object["stored_ms"] = ms_of(stored.time);
}

void add_extent(boost::json::object& object, const LogHead& head) {
    object["first"] = head.first;
    object["last"] = head.last;
    object["epoch"] = std::to_string(head.epoch);
}

}  // namespace flare::cli
