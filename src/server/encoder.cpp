#include "server/encoder.hpp"

#include "wire/message_about.hpp"

#include <chrono>

namespace flare::server {
namespace {

std::int64_t milliseconds_of(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

wire::MessageView view_of(const Message& message, std::string_view to, std::chrono::system_clock::time_point now) {
    wire::MessageView view;
    view.id = message.id.is_nil() ? Uuid::v7() : message.id;
    view.type = message.type;
    view.payload = message.payload.view();
    view.timestamp_ms =
        milliseconds_of(message.timestamp == std::chrono::system_clock::time_point{} ? now : message.timestamp);
    view.to = to;
    return view;
}

}  // namespace

errc Encoder::what_is_wrong(const Message& message) const noexcept {
    if (message.payload.size() > config_.session.max_message_bytes) return errc::message_too_large;
    if (!wire::is_name(message.type) || !wire::is_name(message.from)) return errc::invalid_name;
    return wire::check_mentions(message);
}

std::shared_ptr<EncodedMessage> Encoder::encode(const Message& message, std::string_view to, bool has_time) const {
    const auto now = std::chrono::system_clock::now();
    std::string from = message.from.empty() ? std::string(kServerTarget) : message.from;
    wire::DataView data;
    data.from = from;
    data.server_time_ms = milliseconds_of(now);
    data.message = view_of(message, to, now);
    const std::string about = wire::about_of(message);
    data.message->about = about;
    wire::Forms forms(wire::encode(data), *data.message, config_.compression.get(), false);
    if (config_.compression && has_time && message.payload.size() > wire::kAtOnceBytes)
        forms.prepare(wire::set_of(wire::Encoding::zstd));
    return std::make_shared<EncodedMessage>(EncodedMessage{std::move(from), std::move(forms), message.priority});
}

std::shared_ptr<EncodedMessage> Encoder::encode_for_many(const Message& message, wire::Encodings in_use,
                                                         bool has_time) const {
    auto encoded = encode(message, {}, false);
    if (has_time || message.payload.size() <= wire::kAtOnceBytes) encoded->forms.prepare_each(in_use);
    encoded->forms.freeze();
    return encoded;
}

}  // namespace flare::server
