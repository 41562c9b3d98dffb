// Bytes of a WebSocket connection into messages and control frames. Sans-I/O: it
// is given what was read and says what it found.
//
// A frame that lies whole in the input is unmasked in place and handed out as a view. Of an unfinished
// message only the payload received so far is kept, already unmasked and checked.
//
// Protocol: RFC 6455 sections 5 to 8; docs/websocket.md, "Rejected input".
// Threads:  one at a time.
#pragma once

#include "base/utf8.hpp"
#include "transport/websocket/frame_header.hpp"

#include <flare/error.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace flare::transport::websocket {

enum class Role : std::uint8_t { server, client };  // which side reads: a server takes only masked frames
enum class Accept : std::uint8_t { any, text, binary };

enum class EventKind : std::uint8_t {
    none,     // all input is used up
    message,  // a whole message
    ping,
    pong,
    close,      // the peer's close frame; all that follows is swallowed
    violation,  // the connection must end with `error`; all that follows is swallowed
};

struct Event {
    EventKind kind = EventKind::none;
    bool text = false;             // message
    bool compressed = false;       // message: its payload is still to be inflated, and a text to be checked then
    std::string_view payload;      // message, ping, pong; close: the reason, valid UTF-8
    std::uint16_t close_code = 0;  // close; 0: the peer gave none
    errc error = errc::ok;         // violation: websocket_violation, invalid_utf8, batch_too_large,
                                   // text_on_binary, binary_on_text
    const char* why = "";          // violation: for people
};

class Parser {
public:
    // max_message_bytes: payload of one message over all its fragments; checked against the announced length
    // before anything is stored.
    Parser(Role role, Accept accept, std::size_t max_message_bytes) noexcept
        : max_message_bytes_(max_message_bytes), role_(role), accept_(accept) {}

    // Takes bytes from the front of `input` up to the end of the next event. Views in the event point into
    // the input or into the parser, and end with the next call.
    Event next(std::span<char>& input);

    // permessage-deflate was agreed on: a message may be compressed.
    void allow_compressed() noexcept { deflate_ = true; }
    bool allows_compressed() const noexcept { return deflate_; }
    std::size_t max_message_bytes() const noexcept { return max_message_bytes_; }

    // This parser's state for use elsewhere; views handed out by the last next() stay with this object.
    Parser detach();

    // For the messages that begin from here on, and for the rest of one that has begun. Never below what is held.
    void set_max_message_bytes(std::size_t bytes) noexcept { max_message_bytes_ = std::max(bytes, held_bytes()); }

    // Payload bytes held for a message that is not complete.
    std::size_t held_bytes() const noexcept { return in_message_ ? message_.size() : 0; }
    // What that takes.
    std::size_t memory_bytes() const noexcept { return in_message_ && !message_.empty() ? message_.capacity() : 0; }

private:
    bool take_head(std::span<char>& input, Event& event);
    bool check_first_bytes(std::uint8_t first, std::uint8_t second, Event& event);
    bool check_length(Event& event);
    bool take_control(std::span<char>& input, Event& event);
    bool take_data(std::span<char>& input, Event& event);
    void read_close(std::string_view payload, Event& event);
    void fail(Event& event, errc error, const char* why) noexcept;
    void forget_delivered() noexcept;

    std::size_t max_message_bytes_;
    std::uint64_t remaining_ = 0;  // of the current frame's payload
    std::uint64_t position_ = 0;   // in the current frame's payload
    // Invariant: while delivered_, control_, and message_ unless in_message_, may be what the last event shows.
    std::string message_;  // of the unfinished message
    std::string control_;  // payload of the unfinished control frame
    FrameHead head_;       // of the current frame, while in_payload_
    std::array<char, kMaxFrameHeaderBytes> partial_head_{};
    std::uint8_t partial_head_bytes_ = 0;
    Role role_;
    Accept accept_;
    base::Utf8Validator utf8_;  // of the unfinished text message
    bool in_payload_ = false;
    bool in_message_ = false;  // a data frame has begun whose message is not complete
    bool text_ = false;        // kind of that message
    bool compressed_ = false;  // it is
    bool deflate_ = false;
    bool delivered_ = false;
    bool finished_ = false;
};

}  // namespace flare::transport::websocket
