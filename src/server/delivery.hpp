// What delivery.cpp and forwarding.cpp share.
//
// Threads: pure functions.
#pragma once

#include "server/worker.hpp"

#include <flare/printable.hpp>

namespace flare::server {

// To the budget, of a message that waits: beside its payload.
inline constexpr std::size_t kTaskCharge = 512;

inline std::int64_t unix_ms(std::chrono::system_clock::time_point time) noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// The text may be an application's.
inline session::Receipt refusal(errc code, std::string_view text) {
    return {wire::ReceiptStatus::refused, code, printable(text, wire::kMaxTextBytes), 0};
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
    return message;
}

}  // namespace flare::server
