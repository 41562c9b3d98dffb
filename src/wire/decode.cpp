// Bytes of a peer -> frames. Nothing here throws, asserts or reads past the end.
#include "wire/batch.hpp"
#include "wire/reader.hpp"
#include "wire/utf8.hpp"

#include <algorithm>

namespace flare::wire {
namespace {

// Each set_* takes the current field of `reader` and reports whether it is acceptable.
template <typename Number>
bool set_number(Reader& reader, Number& out) noexcept {
    std::uint64_t value = 0;
    if (!reader.number(value)) return false;
    out = static_cast<Number>(value);  // as protobuf does: the low bits of a number that is too wide
    return true;
}

bool set_bytes(Reader& reader, std::string_view& out, std::size_t limit) noexcept {
    return reader.bytes(out) && (out.size() <= limit || reader.fail());
}

bool set_bytes(Reader& reader, std::string& out, std::size_t limit) {
    std::string_view view;
    if (!set_bytes(reader, view, limit)) return false;
    out.assign(view);
    return true;
}

bool set_uuid(Reader& reader, Uuid& out) noexcept {
    std::string_view view;
    if (!reader.bytes(view)) return false;
    const auto id = Uuid::from_bytes(view);
    if (!id) return reader.fail();
    out = *id;
    return true;
}

// Text that is too long or not UTF-8 is told apart from other damage.
struct Text {
    bool invalid = false;
    bool set(Reader& reader, std::string_view& out, std::size_t limit) noexcept {
        if (!set_bytes(reader, out, limit)) return false;
        if (is_utf8(out)) return true;
        invalid = true;
        return reader.fail();
    }
    bool set(Reader& reader, std::string& out, std::size_t limit) {
        std::string_view view;
        if (!set(reader, view, limit)) return false;
        out.assign(view);
        return true;
    }
    boost::system::error_code error() const noexcept { return invalid ? errc::invalid_utf8 : errc::malformed_frame; }
};

bool read_lane_state(std::string_view bytes, LaneState& state) noexcept {
    Reader reader(bytes);
    while (reader.next()) {
        switch (reader.field()) {
            case 1: if (!set_number(reader, state.lane)) return false; break;
            case 2: if (!set_number(reader, state.received)) return false; break;
            case 3: if (!set_number(reader, state.max_seq)) return false; break;
            case 4: if (!set_number(reader, state.max_bytes)) return false; break;
            default: break;
        }
    }
    return !reader.failed() && state.lane < kMaxLanes;
}

bool add_lane_state(Reader& reader, LaneStates& states) noexcept {
    std::string_view bytes;
    LaneState state;
    if (!reader.bytes(bytes) || states.size() == kMaxLanes || !read_lane_state(bytes, state)) return reader.fail();
    states.push_back(state);
    return true;
}

errc to_errc(std::uint64_t number) noexcept { return static_cast<errc>(static_cast<std::uint16_t>(number)); }

}  // namespace

Result<void> decode_frame(std::string_view bytes, FrameView& frame) noexcept {
    frame.lane = 0;
    frame.seq = 0;
    frame.kind = FrameKind::none;
    frame.unknown_kind = false;
    frame.body = {};
    frame.acks.clear();
    Reader reader(bytes);
    while (reader.next()) {
        const std::uint32_t field = reader.field();
        if (field >= 10 && field <= 20) {
            if (!reader.bytes(frame.body)) return errc::malformed_frame;
            frame.kind = static_cast<FrameKind>(field);
        } else if (field == 1) {
            if (!set_number(reader, frame.lane)) return errc::malformed_frame;
        } else if (field == 2) {
            if (!set_number(reader, frame.seq)) return errc::malformed_frame;
        } else if (field == 3) {
            if (!add_lane_state(reader, frame.acks)) return errc::malformed_frame;
        } else if (reader.type() == WireType::bytes) {
            frame.unknown_kind = true;
        }
    }
    if (reader.failed() || frame.lane >= kMaxLanes) return errc::malformed_frame;
    if (frame.kind != FrameKind::none) frame.unknown_kind = false;
    if (is_numbered(frame.kind) != (frame.seq != 0) && !frame.unknown_kind) return errc::malformed_frame;
    return {};
}

Result<void> BatchReader::next(FrameView& frame) noexcept {
    std::uint64_t length = 0;
    if (!Reader::take_varint(rest_, length) || (length > rest_.size() && length <= max_frame_bytes_)) {
        rest_ = {};
        return errc::malformed_frame;
    }
    if (length > max_frame_bytes_) {
        rest_ = {};
        return errc::frame_too_large;
    }
    const std::string_view bytes = rest_.substr(0, static_cast<std::size_t>(length));
    rest_.remove_prefix(bytes.size());
    auto result = decode_frame(bytes, frame);
    if (!result) rest_ = {};
    return result;
}

Result<Hello> decode_hello(std::string_view body) {
    Hello hello;
    hello.version = 0;
    Text text;
    Reader reader(body);
    while (reader.next()) {
        std::uint64_t number = 0;
        std::string_view bytes;
        switch (reader.field()) {
            case 1: set_number(reader, hello.version); break;
            case 2: text.set(reader, hello.user, kMaxNameBytes); break;
            case 3: text.set(reader, hello.device, kMaxNameBytes); break;
            case 4:
                if (set_number(reader, number)) hello.platform = number <= 5 ? static_cast<Platform>(number) : Platform::unknown;
                break;
            case 5: text.set(reader, hello.token, kMaxTokenBytes); break;
            case 6: set_uuid(reader, hello.attempt_id); break;
            case 7: set_number(reader, hello.epoch); break;
            case 8: {
                if (!reader.bytes(bytes)) break;
                Resume resume;
                Reader inner(bytes);
                while (inner.next()) {
                    if (inner.field() == 1) set_bytes(inner, resume.ticket, kMaxNameBytes);
                    if (inner.field() == 2) set_bytes(inner, resume.nonce, 64);
                    if (inner.field() == 3) set_bytes(inner, resume.mac, 64);
                }
                if (inner.failed()) reader.fail();
                hello.resume = std::move(resume);
                break;
            }
            case 9: add_lane_state(reader, hello.received); break;
            case 10: set_number(reader, hello.capabilities); break;
            case 11: set_number(reader, hello.lanes); break;
            case 12: set_number(reader, hello.max_message_bytes); break;
            default: break;
        }
        if (reader.failed()) break;
    }
    if (reader.failed()) return text.error();
    return hello;
}

Result<Welcome> decode_welcome(std::string_view body) {
    Welcome welcome;
    welcome.lanes = 0;
    welcome.limits = Limits{0, 0, 0, 0, 0};
    Text text;
    Reader reader(body);
    while (reader.next()) {
        std::uint64_t number = 0;
        std::string_view bytes;
        switch (reader.field()) {
            case 1: set_uuid(reader, welcome.session_id); break;
            case 2: set_number(reader, welcome.home_worker); break;
            case 3: set_bytes(reader, welcome.ticket, kMaxNameBytes); break;
            case 4: set_bytes(reader, welcome.secret, 64); break;
            case 5: set_number(reader, welcome.capabilities); break;
            case 6: set_number(reader, welcome.lanes); break;
            case 7: set_number(reader, welcome.heartbeat_interval_ms); break;
            case 8: set_number(reader, welcome.heartbeat_timeout_ms); break;
            case 9: set_number(reader, welcome.max_ack_delay_ms); break;
            case 10: {
                if (!reader.bytes(bytes)) break;
                Reader inner(bytes);
                while (inner.next()) {
                    switch (inner.field()) {
                        case 1: set_number(inner, welcome.limits.max_message_bytes); break;
                        case 2: set_number(inner, welcome.limits.max_frame_bytes); break;
                        case 3: set_number(inner, welcome.limits.max_batch_bytes); break;
                        case 4: set_number(inner, welcome.limits.max_unacked_frames); break;
                        case 5: set_number(inner, welcome.limits.max_unacked_bytes); break;
                        default: break;
                    }
                }
                if (inner.failed()) reader.fail();
                break;
            }
            case 11: add_lane_state(reader, welcome.received); break;
            case 12:
                if (set_number(reader, number)) welcome.outcome = number == 1 ? Outcome::resumed : Outcome::created;
                break;
            case 13: set_number(reader, welcome.session_life_ms); break;
            case 14: text.set(reader, welcome.user, kMaxNameBytes); break;
            default: break;
        }
        if (reader.failed()) break;
    }
    if (reader.failed()) return text.error();
    return welcome;
}

Result<Refused> decode_refused(std::string_view body) {
    Refused refused;
    refused.code = errc::ok;
    Text text;
    Reader reader(body);
    while (reader.next()) {
        std::uint64_t number = 0;
        std::string_view bytes;
        switch (reader.field()) {
            case 1:
                if (set_number(reader, number)) refused.code = to_errc(number);
                break;
            case 2: text.set(reader, refused.text, kMaxTextBytes); break;
            case 3: set_number(reader, refused.retry_after_ms); break;
            case 4: {
                if (!reader.bytes(bytes)) break;
                LaneGaps gaps;
                Reader lanes(bytes);
                while (lanes.next()) {
                    if (lanes.field() != 1) continue;
                    std::string_view one;
                    LaneGap gap;
                    if (!lanes.bytes(one) || gaps.size() == kMaxLanes) {
                        lanes.fail();
                        break;
                    }
                    Reader inner(one);
                    while (inner.next()) {
                        if (inner.field() == 1) set_number(inner, gap.lane);
                        if (inner.field() == 2) set_number(inner, gap.server_received);
                        if (inner.field() == 3) set_number(inner, gap.server_sent);
                    }
                    if (inner.failed() || gap.lane >= kMaxLanes) lanes.fail();
                    gaps.push_back(gap);
                }
                if (lanes.failed()) reader.fail();
                refused.gap = gaps;
                break;
            }
            default: break;
        }
        if (reader.failed()) break;
    }
    if (reader.failed()) return text.error();
    return refused;
}

Result<Activate> decode_activate(std::string_view body) {
    Activate activate;
    Reader reader(body);
    while (reader.next()) {
        if (reader.field() == 1 && !set_number(reader, activate.epoch)) break;
    }
    if (reader.failed()) return errc::malformed_frame;
    return activate;
}

Result<Goodbye> decode_goodbye(std::string_view body) {
    Goodbye goodbye;
    Text text;
    Reader reader(body);
    while (reader.next()) {
        std::uint64_t number = 0;
        switch (reader.field()) {
            case 1:
                if (set_number(reader, number)) goodbye.code = to_errc(number);
                break;
            case 2: text.set(reader, goodbye.text, kMaxTextBytes); break;
            case 3: add_lane_state(reader, goodbye.final); break;
            case 4: set_number(reader, goodbye.retry_after_ms); break;
            case 5:
                if (set_number(reader, number)) goodbye.session_ends = number != 0;
                break;
            default: break;
        }
        if (reader.failed()) break;
    }
    if (reader.failed()) return text.error();
    return goodbye;
}

Result<Ping> decode_ping(std::string_view body) {
    Ping ping;
    Reader reader(body);
    while (reader.next()) {
        if (reader.field() == 1 && !set_number(reader, ping.id)) break;
        if (reader.field() == 2 && !set_bytes(reader, ping.padding, kMaxFrameBytes)) break;
    }
    if (reader.failed()) return errc::malformed_frame;
    return ping;
}

namespace {

bool read_message(std::string_view bytes, MessageView& message, Text& text) noexcept {
    Reader reader(bytes);
    std::uint64_t number = 0;
    while (reader.next()) {
        switch (reader.field()) {
            case 1: set_uuid(reader, message.id); break;
            case 2: text.set(reader, message.type, kMaxNameBytes); break;
            case 3: reader.bytes(message.payload); break;
            case 4:
                if (reader.number(number)) message.timestamp_ms = static_cast<std::int64_t>(number);
                break;
            case 5: text.set(reader, message.to, kMaxNameBytes); break;
            case 6: text.set(reader, message.payload, bytes.size()); break;  // typed by a person
            default: break;
        }
        if (reader.failed()) return false;
    }
    return !reader.failed();
}

bool read_receipt(std::string_view bytes, ReceiptView& receipt, Text& text) noexcept {
    Reader reader(bytes);
    std::uint64_t number = 0;
    while (reader.next()) {
        switch (reader.field()) {
            case 1: set_uuid(reader, receipt.message_id); break;
            case 2:
                if (set_number(reader, number)) {
                    receipt.status = number <= 5 ? static_cast<ReceiptStatus>(number) : ReceiptStatus::unspecified;
                }
                break;
            case 3:
                if (set_number(reader, number)) receipt.code = to_errc(number);
                break;
            case 4: text.set(reader, receipt.text, kMaxTextBytes); break;
            case 5: set_number(reader, receipt.retry_after_ms); break;
            default: break;
        }
        if (reader.failed()) return false;
    }
    return !reader.failed();
}

}  // namespace

Result<DataView> decode_data(std::string_view body) {
    DataView data;
    Text text;
    Reader reader(body);
    while (reader.next()) {
        std::string_view bytes;
        switch (reader.field()) {
            case 1: text.set(reader, data.from, kMaxNameBytes); break;
            case 2:
                if (!reader.bytes(data.message_raw)) break;
                data.message.emplace();
                if (!read_message(data.message_raw, *data.message, text)) reader.fail();
                break;
            case 3:
                if (!reader.bytes(bytes)) break;
                data.receipt.emplace();
                if (!read_receipt(bytes, *data.receipt, text)) reader.fail();
                break;
            case 4: set_number(reader, data.first_sent_ms_ago); break;
            default: break;
        }
        if (reader.failed()) break;
    }
    if (reader.failed()) return text.error();
    return data;
}

Result<ChunkView> decode_chunk(std::string_view body) {
    ChunkView chunk;
    Reader reader(body);
    while (reader.next()) {
        if (reader.field() == 1 && !set_number(reader, chunk.total)) break;
        if (reader.field() == 2 && !reader.bytes(chunk.part)) break;
    }
    if (reader.failed()) return errc::malformed_frame;
    return chunk;
}

Result<ReceiptView> decode_receipt(std::string_view body) {
    ReceiptView receipt;
    Text text;
    if (!read_receipt(body, receipt, text)) return text.error();
    return receipt;
}

}  // namespace flare::wire
