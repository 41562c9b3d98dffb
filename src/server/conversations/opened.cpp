#include "server/conversations/opened.hpp"

#include "session/planted.hpp"

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

}  // namespace flare::server::reading
