#include "server/conversations/opened.hpp"

#include "session/planted.hpp"
#include "store/rules.hpp"

#include <flare/message.hpp>

#include <algorithm>
#include <utility>

namespace flare::server::reading {
namespace {

Opened as_server(store::Conversation conversation) {
    Opened opened;
    opened.conversation = std::move(conversation);
    opened.member.role = model::Role::owner;
    opened.member.visible_from = 1;
    return opened;
}

}  // namespace

std::uint64_t Opened::visible_from() const noexcept {
    if (session::planted(session::Fault::reads_from_the_start)) return 1;
    return conversation.config.visibility == model::Visibility::all ? 1 : member.visible_from;
}

std::uint64_t Opened::floor() const noexcept {
    if (session::planted(session::Fault::reads_what_is_cleared)) return visible_from();
    return std::max(visible_from(), settings.cleared_to + 1);
}

bool Opened::blank_cleared(std::vector<store::Entry>& entries) const {
    bool any = false;
    if (settings.cleared_to == 0) return any;
    for (store::Entry& each : entries) {
        if (!store::is_about_another(each.kind) || each.ref > settings.cleared_to) continue;
        any = true;
        each.blank = true;
        each.encoding = model::StoredEncoding::identity;
        each.type.clear();
        each.payload.clear();
    }
    return any;
}

Result<Opened> open(store::Reader& reader, const model::ConversationKey& key, std::string_view user) {
    auto opened = open_or_invited(reader, key, user);
    const bool invited = opened && opened->member.invited();
    if (invited && !session::planted(session::Fault::reads_when_invited)) return errc::unknown_conversation;
    return opened;
}

Result<Opened> open_or_invited(store::Reader& reader, const model::ConversationKey& key, std::string_view user) {
    auto conversation = reader.conversation(key);
    if (!conversation) return code_of(conversation);
    if (!*conversation || (*conversation)->removed) return errc::unknown_conversation;
    if (user == kServerTarget) return as_server(std::move(**conversation));
    const auto row = reader.user(user);
    if (!row) return code_of(row);
    if (!*row) return errc::unknown_conversation;
    const auto standing = reader.standing((*conversation)->row, **row);
    if (!standing) return code_of(standing);
    const bool gone = *standing && (*standing)->member.role == model::Role::none && !(*standing)->member.invited();
    if (!*standing || (gone && !session::planted(session::Fault::reads_when_removed)))
        return errc::unknown_conversation;
    const auto& [member, mark, settings] = **standing;
    return Opened{std::move(**conversation), member, mark, settings};
}

wire::im::Head head_of(const model::Head& head) noexcept {
    return {head.last.epoch, head.first, head.last.offset, head.messages};
}

wire::im::Settings told_of(const model::Settings& settings) noexcept {
    return {settings.notify, settings.muted_until, settings.pinned, settings.hidden_below, settings.cleared_to};
}

wire::im::Conversation describe(const Opened& opened, std::string_view name) {
    const store::Conversation& from = opened.conversation;
    wire::im::Conversation told;
    told.conversation = name;
    told.head = head_of(from.head);
    told.title = from.config.title;
    told.join = from.config.join;
    told.visibility = from.config.visibility;
    told.role = opened.member.role;
    told.visible_from = opened.visible_from();
    told.members = static_cast<std::uint32_t>(std::min<std::uint64_t>(from.members, UINT32_MAX));
    told.max_payload_bytes = from.config.max_payload_bytes;
    told.slow_mode_ms = from.config.slow_mode_ms;
    told.frozen = from.config.frozen;
    return told;
}

wire::im::Conversation describe_invitation(const Opened& opened, std::string_view name, std::string_view by) {
    wire::im::Conversation told = describe(opened, name);
    told.head = wire::im::Head{opened.conversation.head.last.epoch, 1, 0, 0};
    told.visible_from = 0;
    told.invited_by = by.empty() ? kServerTarget : by;
    return told;
}

}  // namespace flare::server::reading
