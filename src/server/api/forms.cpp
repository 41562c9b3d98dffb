#include "server/api/forms.hpp"

#include "base/rfc3339.hpp"
#include "base/utf8.hpp"
#include "model/target.hpp"
#include "wire/base64.hpp"
#include "wire/entries.hpp"

#include <flare/conversation.hpp>

#include <boost/json/array.hpp>

#include <array>
#include <chrono>

namespace flare::server::api {
namespace {

using boost::json::array;
using boost::json::object;

std::string utc_text(std::int64_t unix_ms) {
    return base::to_rfc3339(std::chrono::system_clock::time_point(std::chrono::milliseconds(unix_ms)));
}

object change_of(std::string_view payload) {
    object told;
    const auto change = wire::decode_conversation_change(payload);
    if (!change) return told;
    told["kind"] = name(static_cast<ConversationChange::Kind>(change->kind));
    array members;
    for (const wire::ChangedMember& each : change->members) {
        object member{{"user", each.user}, {"role", name(static_cast<MemberRole>(each.role))}};
        if (each.muted_until_ms != 0) member["muted_until"] = time_text(each.muted_until_ms);
        if (each.banned_until_ms != 0) member["banned_until"] = time_text(each.banned_until_ms);
        if (each.invited) member["invited"] = true;
        members.push_back(std::move(member));
    }
    told["members"] = std::move(members);
    if (change->config) told["config"] = json_of(*change->config);
    return told;
}

template <typename T, std::size_t N>
std::optional<T> value_named(std::string_view text, const std::array<T, N>& values, auto public_type) {
    for (const T each : values) {
        if (name(static_cast<decltype(public_type)>(each)) == text) return each;
    }
    return std::nullopt;
}

}  // namespace

std::string time_text(std::uint64_t unix_ms) {
    return unix_ms == UINT64_MAX ? "forever" : utc_text(static_cast<std::int64_t>(unix_ms));
}

boost::json::string number_text(std::uint64_t number) { return boost::json::string(std::to_string(number)); }

object json_of(const wire::im::Head& head) {
    return {{"epoch", number_text(head.epoch)},
            {"first", number_text(head.first)},
            {"last", number_text(head.last)},
            {"messages", number_text(head.messages)}};
}

object json_of(const wire::im::Entry& entry) {
    object told{{"offset", number_text(entry.offset)},
                {"kind", name(static_cast<EntryKind>(entry.kind))},
                {"id", entry.id.str()},
                {"from", entry.from},
                {"time", utc_text(entry.time_ms)}};
    if (entry.rev != 0) told["changed_at"] = number_text(entry.rev);
    if (entry.ref != 0) told[entry.kind == model::EntryKind::message ? "reply_to" : "about"] = number_text(entry.ref);
    if ((entry.flags & model::kSilent) != 0 && entry.kind == model::EntryKind::message) told["silent"] = true;
    if ((entry.flags & model::kMentionAll) != 0 && entry.kind == model::EntryKind::message) told["mentions_all"] = true;
    if (!entry.mentions.empty()) told["mentions"] = array(entry.mentions.begin(), entry.mentions.end());
    if (entry.kind == model::EntryKind::reaction) {
        told["key"] = entry.payload;
        if ((entry.flags & model::kTakenBack) != 0) told["taken_back"] = true;
        return told;
    }
    if (entry.kind == model::EntryKind::membership || entry.kind == model::EntryKind::config) {
        told["change"] = change_of(entry.payload);
        return told;
    }
    if ((entry.flags & model::kDeleted) != 0) {
        told["deleted"] = true;
        return told;
    }
    if (!entry.reactions.empty()) {
        array reactions;
        for (const wire::im::Reaction& each : entry.reactions)
            reactions.push_back(object{{"key", each.key}, {"users", number_text(each.users)}});
        told["reactions"] = std::move(reactions);
    }
    if (entry.kind == model::EntryKind::removal) return told;
    told["type"] = entry.type;
    if (base::is_utf8(entry.payload)) {
        told["text"] = entry.payload;
    } else {
        told["base64"] = wire::to_base64(entry.payload);
    }
    return told;
}

object json_of(const model::Config& config) {
    return {{"title", config.title},
            {"join", name(static_cast<JoinPolicy>(config.join))},
            {"visibility", name(static_cast<HistoryVisibility>(config.visibility))},
            {"max_payload_bytes", config.max_payload_bytes},
            {"slow_mode_ms", config.slow_mode_ms},
            {"frozen", config.frozen}};
}

std::string room_name(const model::ConversationKey& key) {
    return std::string(model::Target::kConversation) + std::string(key.name());
}

object json_of(const store::Conversation& conversation) {
    object told;
    const bool room = conversation.key.kind() == model::ConversationKind::room;
    if (room) {
        told["conversation"] = room_name(conversation.key);
    } else {
        told["users"] = array{conversation.key.first(), conversation.key.second()};
    }
    const model::Head& head = conversation.head;
    told["head"] = json_of(wire::im::Head{head.last.epoch, head.first, head.last.offset, head.messages});
    if (room) told["config"] = json_of(conversation.config);
    told["members"] = conversation.members;
    told["created"] = time_text(conversation.created_ms);
    if (head.last_ms != 0) told["last_time"] = time_text(head.last_ms);
    return told;
}

object json_of(const wire::im::Member& member) {
    object told{{"user", member.user},
                {"role", name(static_cast<MemberRole>(member.role))},
                {"joined", utc_text(member.joined_at_ms)}};
    if (member.muted_until_ms != 0) told["muted_until"] = time_text(static_cast<std::uint64_t>(member.muted_until_ms));
    return told;
}

void add_written(object& object, const im::effect::Answer& answer) {
    object["offset"] = number_text(answer.position.offset);
    object["epoch"] = number_text(answer.position.epoch);
    object["time"] = time_text(answer.time_ms);
}

std::optional<model::Role> role_of(std::string_view text) {
    using enum model::Role;
    return value_named(text, std::array{reader, member, moderator, admin, owner}, MemberRole());
}
std::optional<model::Join> join_of(std::string_view text) {
    return value_named(text, std::array{model::Join::invite, model::Join::open}, JoinPolicy());
}
std::optional<model::Visibility> visibility_of(std::string_view text) {
    return value_named(text, std::array{model::Visibility::since_join, model::Visibility::all}, HistoryVisibility());
}

}  // namespace flare::server::api
