#include "transport/websocket/parser.hpp"

#include "transport/websocket/close_code.hpp"

#include <algorithm>
#include <utility>

namespace flare::transport::websocket {
namespace {

std::string_view view(std::span<char> bytes) noexcept { return {bytes.data(), bytes.size()}; }

std::span<char> take(std::span<char>& input, std::size_t count) noexcept {
    const std::span<char> front = input.first(count);
    input = input.subspan(count);
    return front;
}

// Most texts here never had memory of their own.
void release(std::string& text) noexcept {
    if (text.capacity() > std::string().capacity()) {
        std::string().swap(text);
    } else {
        text.clear();
    }
}

}  // namespace

Event Parser::next(std::span<char>& input) {
    Event event;
    forget_delivered();
    while (!finished_) {
        if (!in_payload_ && !take_head(input, event)) break;
        const bool found = is_control(head_.opcode) ? take_control(input, event) : take_data(input, event);
        if (found || in_payload_) break;  // in_payload_: the input has run out
    }
    if (finished_) input = {};
    return event;
}

Parser Parser::detach() {
    Parser moved(role_, accept_, max_message_bytes_);  // and all else is moved below
    std::string message;
    std::string control;
    if (delivered_) {
        control.swap(control_);
        if (!in_message_) message.swap(message_);
    }
    moved = std::move(*this);
    // What was handed out is seen through views that outlive this call: it stays where it was.
    if (delivered_) {
        control_.swap(control);
        if (!in_message_) message_.swap(message);
    }
    moved.delivered_ = false;
    finished_ = true;
    return moved;
}

void Parser::forget_delivered() noexcept {
    if (!delivered_) return;
    delivered_ = false;
    if (!in_message_) release(message_);
    release(control_);
}

void Parser::fail(Event& event, errc error, const char* why) noexcept {
    event = Event{};
    event.kind = EventKind::violation;
    event.error = error;
    event.why = why;
    finished_ = true;
    release(message_);
    release(control_);
}

// True: head_ is set and in_payload_ begins. False: more input is needed, or `event` is a violation.
bool Parser::take_head(std::span<char>& input, Event& event) {
    const char* bytes = nullptr;
    std::size_t size = 0;
    if (partial_head_bytes_ == 0 && input.size() >= 2) {
        const auto first = static_cast<std::uint8_t>(input[0]);
        const auto second = static_cast<std::uint8_t>(input[1]);
        size = frame_head_bytes(first, second);
        if (input.size() >= size) {
            if (!check_first_bytes(first, second, event)) return false;
            bytes = take(input, size).data();
        }
    }
    while (bytes == nullptr) {
        if (partial_head_bytes_ >= 2) {
            size = frame_head_bytes(static_cast<std::uint8_t>(partial_head_[0]),
                                    static_cast<std::uint8_t>(partial_head_[1]));
            if (partial_head_bytes_ == size) {
                bytes = partial_head_.data();
                break;
            }
        }
        if (input.empty()) return false;
        partial_head_[partial_head_bytes_++] = take(input, 1)[0];
        if (partial_head_bytes_ == 2 && !check_first_bytes(static_cast<std::uint8_t>(partial_head_[0]),
                                                           static_cast<std::uint8_t>(partial_head_[1]), event)) {
            return false;
        }
    }
    partial_head_bytes_ = 0;
    head_ = decode_frame_head(bytes);
    if (!check_length(event)) return false;
    remaining_ = head_.length;
    position_ = 0;
    in_payload_ = true;
    return true;
}

// All that two bytes can show to be wrong, so that a fault is seen before the rest of the frame arrives.
bool Parser::check_first_bytes(std::uint8_t first, std::uint8_t second, Event& event) {
    const bool final = (first & 0x80) != 0;
    const int opcode = first & 15;
    const bool masked = (second & 0x80) != 0;
    const int length = second & 0x7F;
    const auto refuse = [&](const char* why) {
        fail(event, errc::websocket_violation, why);
        return false;
    };
    // RSV1 says that a message is compressed: on its first frame, and nowhere else (RFC 7692 section 6).
    const bool may_be_compressed = deflate_ && (opcode == 1 || opcode == 2);
    if ((first & (may_be_compressed ? 0x30 : 0x70)) != 0)
        return refuse("a reserved bit is set, but no extension was negotiated that has it here");
    if ((opcode > 2 && opcode < 8) || opcode > 10) return refuse("reserved opcode");
    if (masked != (role_ == Role::server)) {
        return refuse(masked ? "a server's frame is masked" : "a client's frame is not masked");
    }
    if (is_control(static_cast<Opcode>(opcode))) {
        if (!final) return refuse("a control frame is fragmented");
        if (length > static_cast<int>(kMaxControlBytes)) return refuse("a control frame is longer than 125 bytes");
        return true;
    }
    const bool continues = static_cast<Opcode>(opcode) == Opcode::continuation;
    if (continues && !in_message_) return refuse("a continuation frame without a message to continue");
    if (!continues && in_message_) return refuse("a new message begins inside a fragmented one");
    if (continues) return true;
    const bool text = static_cast<Opcode>(opcode) == Opcode::text;
    if (text && accept_ == Accept::binary) {
        fail(event, errc::text_on_binary, "a text message on a binary subprotocol");
        return false;
    }
    if (!text && accept_ == Accept::text) {
        fail(event, errc::binary_on_text, "a binary message on a text subprotocol");
        return false;
    }
    return true;
}

bool Parser::check_length(Event& event) {
    if (!head_.shortest) {
        fail(event, errc::websocket_violation, "a frame length is not written in its shortest form");
        return false;
    }
    if ((head_.length >> 63) != 0) {
        fail(event, errc::websocket_violation, "a frame length has its highest bit set");
        return false;
    }
    if (is_control(head_.opcode)) return true;
    const std::size_t held = in_message_ ? message_.size() : 0;
    if (head_.length > max_message_bytes_ - held) {
        fail(event, errc::batch_too_large, "a message is longer than the limit");
        return false;
    }
    return true;
}

bool Parser::take_control(std::span<char>& input, Event& event) {
    std::string_view payload;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
    const std::span<char> piece = take(input, count);
    if (head_.masked) mask_into(piece.data(), piece.data(), count, head_.key, static_cast<std::size_t>(position_));
    if (position_ == 0 && count == remaining_) {
        payload = view(piece);
    } else {
        control_.append(view(piece));
        payload = control_;
    }
    position_ += count;
    remaining_ -= count;
    if (remaining_ != 0) return false;

    in_payload_ = false;
    delivered_ = true;
    if (head_.opcode == Opcode::close) {
        read_close(payload, event);
        return true;
    }
    event.kind = head_.opcode == Opcode::ping ? EventKind::ping : EventKind::pong;
    event.payload = payload;
    return true;
}

void Parser::read_close(std::string_view payload, Event& event) {
    if (payload.size() == 1) return fail(event, errc::websocket_violation, "a close frame with half a code");
    if (!payload.empty()) {
        const auto code = static_cast<std::uint16_t>((static_cast<std::uint8_t>(payload[0]) << 8) |
                                                     static_cast<std::uint8_t>(payload[1]));
        payload.remove_prefix(2);
        if (!is_sendable_close_code(code)) {
            return fail(event, errc::websocket_violation, "a close code that must not be sent");
        }
        if (!base::is_utf8(payload)) return fail(event, errc::invalid_utf8, "a close reason that is not UTF-8");
        event.close_code = code;
    }
    event.kind = EventKind::close;
    event.payload = payload;
    finished_ = true;
}

bool Parser::take_data(std::span<char>& input, Event& event) {
    if (position_ == 0 && head_.opcode != Opcode::continuation) {
        in_message_ = true;
        text_ = head_.opcode == Opcode::text;
        compressed_ = head_.reserved != 0;
        utf8_ = {};
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
    const std::span<char> piece = take(input, count);
    if (head_.masked) mask_into(piece.data(), piece.data(), count, head_.key, static_cast<std::size_t>(position_));
    const bool checks = text_ && !compressed_;
    if (checks && !utf8_.feed(view(piece))) {
        fail(event, errc::invalid_utf8, "a text message that is not UTF-8");
        return true;
    }
    const bool whole = head_.final && head_.opcode != Opcode::continuation && position_ == 0 && count == remaining_;
    if (!whole) message_.append(view(piece));
    position_ += count;
    remaining_ -= count;
    if (remaining_ != 0) return false;

    in_payload_ = false;
    if (!head_.final) return false;
    if (checks && !utf8_.complete()) {
        fail(event, errc::invalid_utf8, "a text message that ends inside a character");
        return true;
    }
    in_message_ = false;
    delivered_ = true;
    event.kind = EventKind::message;
    event.text = text_;
    event.compressed = compressed_;
    event.payload = whole ? view(piece) : std::string_view(message_);
    return true;
}

}  // namespace flare::transport::websocket
