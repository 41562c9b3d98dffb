// Builds receipts for senders, and the Message that a handler gets.
//
// Threads: pure functions.
#pragma once

#include "session/session_table.hpp"
#include "wire/message_about.hpp"

#include <flare/printable.hpp>
#include <flare/server.hpp>

#include <chrono>
#include <string_view>

namespace flare::server {

inline std::int64_t unix_ms(std::chrono::system_clock::time_point time) noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// The text may be an application's.
inline session::Receipt make_refusal(errc code, std::string_view text) {
    return {wire::ReceiptStatus::refused, code, printable(text, wire::kMaxTextBytes), 0};
}
inline session::Receipt make_refusal(errc code) { return make_refusal(code, explain(code)); }

inline SessionInfo info_of(const session::ServerSession& session) {
    return {session.user(), session.device(), session.id().value.str(), session.platform(), session.claims()};
}

// The payload is what came, compressed or not.
inline Message to_message(const session::ServerSession& session, const wire::DataView& data, const Bytes& whole,
                          std::chrono::system_clock::time_point taken_at) {
    const wire::MessageView& view = *data.message;
    Message message(std::string(view.type), whole.empty() ? Bytes(view.payload) : whole.share(view.payload));
    message.id = view.id;
    message.timestamp = wire::to_time(view.timestamp_ms);
    message.server_time = taken_at;
    message.from = session.user();
    message.to = std::string(view.to);
    wire::read_about(view.about, message);
    return message;
}

}  // namespace flare::server
