#include "server/conversations/opened.hpp"

#include "session/planted.hpp"

#include <algorithm>
#include <utility>

namespace flare::server::reading {

std::uint64_t Opened::floor() const noexcept {
    if (session::planted(session::Fault::reads_from_the_start)) return 1;
    return conversation.config.visibility == model::Visibility::all ? 1 : member.visible_from;
}

Result<Opened> open(store::Reader& reader, const model::ConversationKey& key, std::string_view user) {
    auto conversation = reader.conversation(key);
    if (!conversation) return code_of(conversation);
    if (!*conversation || (*conversation)->removed) return errc::unknown_conversation;
    const auto row = reader.user(user);
    if (!row) return code_of(row);
    if (!*row) return errc::unknown_conversation;
    const auto member = reader.member((*conversation)->row, **row);
    if (!member) return code_of(member);
    const bool gone = *member && (*member)->role == model::Role::none;
    if (!*member || (gone && !session::planted(session::Fault::reads_when_removed))) return errc::unknown_conversation;
    return Opened{std::move(**conversation), **member};
}

wire::im::Head head_of(const model::Head& head) noexcept {
    return {head.last.epoch, head.first, head.last.offset, head.messages};
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
    told.visible_from = opened.floor();
    told.members = static_cast<std::uint32_t>(std::min<std::uint64_t>(from.members, UINT32_MAX));
    told.max_payload_bytes = from.config.max_payload_bytes;
    told.slow_mode_ms = from.config.slow_mode_ms;
    told.frozen = from.config.frozen;
    return told;
}

}  // namespace flare::server::reading
