#include "server/dispatch/dispatch.hpp"

#include "model/target.hpp"
#include "server/conversations/conversations.hpp"

#include <algorithm>

namespace flare::server {

void Dispatch::take(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
                    const Bytes& whole) {
    ++counters_.messages_received;
    const wire::MessageView& message = *data.message;
    if (!state_.config.rules.allow(session.user(), message.to, message.type))
        return answers_.refuse(pending, errc::forbidden,
                               "the server's rules do not allow this message type to this target");
    if (message.encoding != wire::Encoding::none) {
        if (const errc code = check_compression(session, message); code != errc::ok)
            return answers_.refuse(pending, code);
    }
    using Kind = model::Target::Kind;
    switch (model::Target::of(message.to).kind) {
        case Kind::user:
            if (conversations_ != nullptr) return conversations_->sends.take(session, std::move(pending), data, whole);
            return users_.forward(session, std::move(pending), data, whole);
        case Kind::server:
            return handlers_.take(session, std::move(pending), to_message(session, data, whole, turn_.taken_at),
                                  message);
        case Kind::conversation:
            if (conversations_ != nullptr) return conversations_->sends.take(session, std::move(pending), data, whole);
            return answers_.refuse(pending, errc::not_supported, "this server has no store, and so no rooms");
        case Kind::nobody: return answers_.refuse(pending, errc::unknown_target);
    }
}

errc Dispatch::check_compression(const session::ServerSession& session, const wire::MessageView& message) {
    const wire::Compression* compression = state_.config.compression.get();
    if (compression == nullptr) return errc::compression_unavailable;
    const errc code = compression->check(message, session.agreed().encodings, state_.config.session.max_message_bytes);
    if (code == errc::ok)
        turn_.inflating += std::min<std::size_t>(static_cast<std::size_t>(message.size), wire::kAtOnceBytes);
    return code;
}

}  // namespace flare::server
