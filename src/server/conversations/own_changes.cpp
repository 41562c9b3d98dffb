#include "server/conversations/own_changes.hpp"

#include <memory>
#include <string>
#include <utility>

namespace flare::server {
namespace {

Departure own(const model::ConversationKey& key, const im::Send& send, std::shared_ptr<const im::Command> command) {
    static const auto kServer = std::make_shared<const std::string>(kServerTarget);  // as row 0 is called on pages
    return {StoredMessage::make(send, key, kServer, std::string_view(), wire::Forms(wire::Body{})), std::move(command)};
}

}  // namespace

Departure own_change(const model::ConversationKey& key, const Uuid& id, im::Command command) {
    im::Send send;
    send.id = id;
    send.kind = model::EntryKind::config;  // no message, which others would get
    return own(key, send, std::make_shared<const im::Command>(std::move(command)));
}

Departure own_removal(const model::ConversationKey& key, const Uuid& id, std::uint64_t offset) {
    im::Send send;
    send.id = id;
    send.kind = model::EntryKind::removal;
    send.ref = offset;
    return own(key, send, nullptr);
}

}  // namespace flare::server
