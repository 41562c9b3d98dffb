// Frames -> bytes, with protozero.
#include "wire/batch.hpp"

#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>

#include <algorithm>

namespace flare::wire {
namespace {

using protozero::pbf_writer;

std::string_view cut(std::string_view text) {
    if (text.size() <= kMaxTextBytes) return text;
    // Not inside a character: UTF-8 continuation bytes are 10xxxxxx.
    std::size_t end = kMaxTextBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end);
}

void put_bytes(pbf_writer& out, std::uint32_t field, std::string_view value) {
    if (!value.empty()) out.add_bytes(field, value.data(), value.size());
}

void put_number(pbf_writer& out, std::uint32_t field, std::uint64_t value) {
    if (value != 0) out.add_uint64(field, value);
}

void put_uuid(pbf_writer& out, std::uint32_t field, const Uuid& id) { out.add_bytes(field, id.raw().data(), id.raw().size()); }

void put_lane_states(pbf_writer& out, std::uint32_t field, const LaneStates& states) {
    for (const LaneState& state : states) {
        pbf_writer inner(out, field);
        put_number(inner, 1, state.lane);
        put_number(inner, 2, state.received);
        put_number(inner, 3, state.max_seq);
        put_number(inner, 4, state.max_bytes);
    }
}

// tag, length, content: the whole oneof field.
Body body_of(FrameKind kind, std::string_view content) {
    char prefix[16];
    char* end = prefix;
    end += protozero::write_varint(end, (static_cast<std::uint64_t>(kind) << 3) | 2);
    end += protozero::write_varint(end, content.size());
    const auto prefix_size = static_cast<std::size_t>(end - prefix);
    Body body;
    body.kind = kind;
    body.content_offset = static_cast<std::uint32_t>(prefix_size);
    body.bytes = Bytes::make(prefix_size + content.size(), [&](char* out) {
        std::copy(prefix, end, out);
        std::copy(content.begin(), content.end(), out + prefix_size);
    });
    return body;
}

// ---- messages, written by hand because they are the hot path: sizes first, then bytes, into place ----

std::size_t varint_size(std::uint64_t value) noexcept {
    std::size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        ++size;
    }
    return size;
}

std::size_t field_size(std::size_t bytes) noexcept { return bytes == 0 ? 0 : 1 + varint_size(bytes) + bytes; }

char* put_varint(char* out, std::uint64_t value) noexcept {
    while (value >= 0x80) {
        *out++ = static_cast<char>(value | 0x80);
        value >>= 7;
    }
    *out++ = static_cast<char>(value);
    return out;
}

char* put_field(char* out, unsigned field, std::string_view value) noexcept {
    if (value.empty()) return out;
    *out++ = static_cast<char>(field << 3 | 2);
    out = put_varint(out, value.size());
    return std::copy(value.begin(), value.end(), out);
}

char* put_count(char* out, unsigned field, std::uint64_t value) noexcept {
    if (value == 0) return out;
    *out++ = static_cast<char>(field << 3);
    return put_varint(out, value);
}

std::size_t count_size(std::uint64_t value) noexcept { return value == 0 ? 0 : 1 + varint_size(value); }

std::size_t message_size(const MessageView& message) noexcept {
    return field_size(16) + field_size(message.type.size()) + field_size(message.payload.size()) +
           count_size(static_cast<std::uint64_t>(message.timestamp_ms)) + field_size(message.to.size());
}

char* put_message(char* out, const MessageView& message) noexcept {
    out = put_field(out, 1, message.id.raw());
    out = put_field(out, 2, message.type);
    out = put_field(out, 3, message.payload);
    out = put_count(out, 4, static_cast<std::uint64_t>(message.timestamp_ms));
    return put_field(out, 5, message.to);
}

std::size_t receipt_size(const ReceiptView& receipt) noexcept {
    return field_size(16) + count_size(static_cast<std::uint64_t>(receipt.status)) +
           count_size(static_cast<std::uint64_t>(receipt.code)) + field_size(cut(receipt.text).size()) +
           count_size(receipt.retry_after_ms);
}

char* put_receipt(char* out, const ReceiptView& receipt) noexcept {
    out = put_field(out, 1, receipt.message_id.raw());
    out = put_count(out, 2, static_cast<std::uint64_t>(receipt.status));
    out = put_count(out, 3, static_cast<std::uint64_t>(receipt.code));
    out = put_field(out, 4, cut(receipt.text));
    return put_count(out, 5, receipt.retry_after_ms);
}

struct DataSize {
    std::size_t message = 0;
    std::size_t receipt = 0;
    std::size_t content = 0;
};

DataSize data_size(const DataView& data) noexcept {
    DataSize size;
    size.content = field_size(data.from.size()) + count_size(data.first_sent_ms_ago);
    if (!data.message_raw.empty()) {
        size.message = data.message_raw.size();
    } else if (data.message) {
        size.message = message_size(*data.message);
    }
    size.content += field_size(size.message);
    if (data.receipt) {
        size.receipt = receipt_size(*data.receipt);
        size.content += field_size(size.receipt);
    }
    return size;
}

char* put_data(char* out, const DataView& data, const DataSize& size) noexcept {
    out = put_field(out, 1, data.from);
    if (size.message != 0) {
        *out++ = 2 << 3 | 2;
        out = put_varint(out, size.message);
        out = data.message_raw.empty() ? put_message(out, *data.message)
                                       : std::copy(data.message_raw.begin(), data.message_raw.end(), out);
    }
    if (data.receipt) {
        *out++ = 3 << 3 | 2;
        out = put_varint(out, size.receipt);
        out = put_receipt(out, *data.receipt);
    }
    return put_count(out, 4, data.first_sent_ms_ago);
}

constexpr std::size_t kBodyTagBytes = 2;  // fields 16 and up take two bytes

char* put_body_tag(char* out, FrameKind kind) noexcept { return put_varint(out, static_cast<std::uint64_t>(kind) << 3 | 2); }

std::size_t lane_state_size(const LaneState& state) noexcept {
    return count_size(state.lane) + count_size(state.received) + count_size(state.max_seq) + count_size(state.max_bytes);
}

std::size_t header_size(const FrameHeader& header) noexcept {
    std::size_t size = count_size(header.lane) + count_size(header.seq);
    for (const LaneState& state : header.acks) {
        const std::size_t inner = lane_state_size(state);
        size += 1 + varint_size(inner) + inner;
    }
    return size;
}

char* put_header(char* out, const FrameHeader& header) noexcept {
    out = put_count(out, 1, header.lane);
    out = put_count(out, 2, header.seq);
    for (const LaneState& state : header.acks) {
        *out++ = 3 << 3 | 2;
        out = put_varint(out, lane_state_size(state));
        out = put_count(out, 1, state.lane);
        out = put_count(out, 2, state.received);
        out = put_count(out, 3, state.max_seq);
        out = put_count(out, 4, state.max_bytes);
    }
    return out;
}

}  // namespace

Body encode(const Hello& hello) {
    std::string content;
    pbf_writer out(content);
    put_number(out, 1, hello.version);
    put_bytes(out, 2, hello.user);
    put_bytes(out, 3, hello.device);
    put_number(out, 4, static_cast<std::uint64_t>(hello.platform));
    put_bytes(out, 5, hello.token);
    put_uuid(out, 6, hello.attempt_id);
    put_number(out, 7, hello.epoch);
    if (hello.resume) {
        pbf_writer resume(out, 8);
        put_bytes(resume, 1, hello.resume->ticket);
        put_bytes(resume, 2, hello.resume->nonce);
        put_bytes(resume, 3, hello.resume->mac);
    }
    put_lane_states(out, 9, hello.received);
    put_number(out, 10, hello.capabilities);
    put_number(out, 11, hello.lanes);
    put_number(out, 12, hello.max_message_bytes);
    return body_of(FrameKind::hello, content);
}

Body encode(const Welcome& welcome) {
    std::string content;
    pbf_writer out(content);
    put_uuid(out, 1, welcome.session_id);
    put_number(out, 2, welcome.home_worker);
    put_bytes(out, 3, welcome.ticket);
    put_bytes(out, 4, welcome.secret);
    put_number(out, 5, welcome.capabilities);
    put_number(out, 6, welcome.lanes);
    put_number(out, 7, welcome.heartbeat_interval_ms);
    put_number(out, 8, welcome.heartbeat_timeout_ms);
    put_number(out, 9, welcome.max_ack_delay_ms);
    {
        pbf_writer limits(out, 10);
        put_number(limits, 1, welcome.limits.max_message_bytes);
        put_number(limits, 2, welcome.limits.max_frame_bytes);
        put_number(limits, 3, welcome.limits.max_batch_bytes);
        put_number(limits, 4, welcome.limits.max_unacked_frames);
        put_number(limits, 5, welcome.limits.max_unacked_bytes);
    }
    put_lane_states(out, 11, welcome.received);
    put_number(out, 12, static_cast<std::uint64_t>(welcome.outcome));
    put_number(out, 13, welcome.session_life_ms);
    put_bytes(out, 14, welcome.user);
    return body_of(FrameKind::welcome, content);
}

Body encode(const Refused& refused) {
    std::string content;
    pbf_writer out(content);
    put_number(out, 1, static_cast<std::uint64_t>(refused.code));
    put_bytes(out, 2, cut(refused.text));
    put_number(out, 3, refused.retry_after_ms);
    if (refused.gap) {
        pbf_writer gap(out, 4);
        for (const LaneGap& lane : *refused.gap) {
            pbf_writer inner(gap, 1);
            put_number(inner, 1, lane.lane);
            put_number(inner, 2, lane.server_received);
            put_number(inner, 3, lane.server_sent);
        }
    }
    return body_of(FrameKind::refused, content);
}

Body encode(const Activate& activate) {
    std::string content;
    pbf_writer out(content);
    put_number(out, 1, activate.epoch);
    return body_of(FrameKind::activate, content);
}

Body encode(const Goodbye& goodbye) {
    std::string content;
    pbf_writer out(content);
    put_number(out, 1, static_cast<std::uint64_t>(goodbye.code));
    put_bytes(out, 2, cut(goodbye.text));
    put_lane_states(out, 3, goodbye.final);
    put_number(out, 4, goodbye.retry_after_ms);
    put_number(out, 5, goodbye.session_ends ? 1 : 0);
    return body_of(FrameKind::goodbye, content);
}

namespace {

Body encode_ping_as(FrameKind kind, const Ping& ping) {
    std::string content;
    pbf_writer out(content);
    put_number(out, 1, ping.id);
    put_bytes(out, 2, ping.padding);
    return body_of(kind, content);
}

}  // namespace

Body encode_ping(const Ping& ping) { return encode_ping_as(FrameKind::ping, ping); }
Body encode_pong(const Ping& ping) { return encode_ping_as(FrameKind::pong, ping); }

Body encode(const ReceiptView& receipt) {
    const std::size_t content = receipt_size(receipt);
    Body body;
    body.kind = FrameKind::receipt;
    body.content_offset = static_cast<std::uint32_t>(kBodyTagBytes + varint_size(content));
    body.bytes = Bytes::make(body.content_offset + content, [&](char* out) {
        out = put_varint(put_body_tag(out, FrameKind::receipt), content);
        put_receipt(out, receipt);
    });
    return body;
}

Bytes encode_message(const MessageView& message) {
    return Bytes::make(message_size(message), [&](char* out) { put_message(out, message); });
}

Body encode(const DataView& data) {
    const DataSize size = data_size(data);
    Body body;
    body.kind = FrameKind::data;
    body.content_offset = static_cast<std::uint32_t>(kBodyTagBytes + varint_size(size.content));
    body.cost = data.message ? data.message->payload.size() : 0;
    body.bytes = Bytes::make(body.content_offset + size.content, [&](char* out) {
        out = put_varint(put_body_tag(out, FrameKind::data), size.content);
        put_data(out, data, size);
    });
    return body;
}

// ---- Batch ----

void Batch::clear() noexcept {
    head_size_ = 0;
    open_ = 0;
    segments_.clear();
    frames_ = 0;
    bytes_ = 0;
}

char* Batch::grow(std::size_t bytes) {
    if (head_size_ + bytes > head_.size()) head_.resize(std::max(head_.size() * 2, head_size_ + bytes));
    char* out = head_.data() + head_size_;
    head_size_ += bytes;
    return out;
}

void Batch::add(const FrameHeader& header, const Body& body) {
    const std::size_t own = header_size(header);
    const std::size_t length = own + body.bytes.size();
    const bool copy = body.bytes.size() <= kCopyUpTo;
    char* out = grow(varint_size(length) + own + (copy ? body.bytes.size() : 0));
    out = put_header(put_varint(out, length), header);
    if (copy) {
        std::copy_n(body.bytes.data(), body.bytes.size(), out);
    } else {
        share(body.bytes);
    }
    ++frames_;
    bytes_ += varint_size(length) + length;
}

void Batch::add(const FrameHeader& header) {
    const std::size_t length = header_size(header);
    put_header(put_varint(grow(varint_size(length) + length), length), header);
    ++frames_;
    bytes_ += varint_size(length) + length;
}

void Batch::add_chunk(const FrameHeader& header, std::uint64_t total, const Bytes& part) {
    const std::size_t content = count_size(total) + field_size(part.size());
    const std::size_t own = header_size(header);
    const std::size_t length = own + kBodyTagBytes + varint_size(content) + content;
    const bool copy = part.size() <= kCopyUpTo;
    char* out = grow(varint_size(length) + length - (copy ? 0 : part.size()));
    out = put_header(put_varint(out, length), header);
    out = put_varint(put_body_tag(out, FrameKind::chunk), content);
    out = put_count(out, 1, total);
    if (copy) {
        put_field(out, 2, part.view());
    } else {
        *out++ = 2 << 3 | 2;
        put_varint(out, part.size());
        share(part);
    }
    ++frames_;
    bytes_ += varint_size(length) + length;
}

void Batch::add_data(const FrameHeader& header, const DataView& data) {
    const DataSize size = data_size(data);
    const std::size_t own = header_size(header);
    const std::size_t length = own + kBodyTagBytes + varint_size(size.content) + size.content;
    char* out = grow(varint_size(length) + length);
    out = put_header(put_varint(out, length), header);
    out = put_varint(put_body_tag(out, FrameKind::data), size.content);
    put_data(out, data, size);
    ++frames_;
    bytes_ += varint_size(length) + length;
}

void Batch::share(const Bytes& bytes) {
    segments_.push_back({head_size_ - open_, bytes});
    open_ = head_size_;
}

std::string Batch::str() const {
    std::string out;
    out.reserve(bytes_);
    std::size_t at = 0;
    for (const Segment& segment : segments_) {
        out.append(head(), at, segment.head_bytes);
        out.append(segment.shared.view());
        at += segment.head_bytes;
    }
    out.append(head().substr(at));
    return out;
}

}  // namespace flare::wire
