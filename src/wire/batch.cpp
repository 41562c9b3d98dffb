// Frames and batches: the header in front of a body, the length in front of a frame.
#include "wire/batch.hpp"

#include "wire/data_codec.hpp"
#include "wire/fields.hpp"

#include <algorithm>

namespace flare::wire {
namespace {

constexpr std::size_t kFirstHeadBytes = 4096;

// Numbers of fields in Frame that a later version may give to kinds of frames that must be known. Others are skipped:
// hints, and additions to the header (docs/protocol.md, "Extensions").
constexpr std::uint32_t kFirstKind = 10;
constexpr std::uint32_t kLastKind = 99;
constexpr std::uint32_t kLastKnownKind = static_cast<std::uint32_t>(FrameKind::feed);
constexpr std::uint32_t kNotice = static_cast<std::uint32_t>(FrameKind::notice);
// The last field of the header.
constexpr std::uint32_t kLastInHeader = 4;

std::size_t header_size(const FrameHeader& header) noexcept {
    std::size_t size = number_size(header.lane) + number_size(header.seq) + number_size(header.feed_id);
    for (const LaneState& state : header.acks) size += part_size(lane_state_size(state));
    return size;
}

char* put_header(char* out, const FrameHeader& header) noexcept {
    out = put_number(out, 1, header.lane);
    out = put_number(out, 2, header.seq);
    for (const LaneState& state : header.acks) out = put_lane_state(out, 3, state);
    return put_number(out, 4, header.feed_id);
}

// Takes a field of Frame that is none of its header.
void read_body(Reader& reader, FrameView& frame) noexcept {
    const std::uint32_t field = reader.field();
    const bool known = field <= kLastInHeader || (field >= kFirstKind && field <= kLastKnownKind) || field == kNotice;
    if (reader.type() != WireType::bytes) {
        if (known) reader.fail();
    } else if (known && field >= kFirstKind) {
        frame.kind = static_cast<FrameKind>(field);
        frame.body = reader.bytes();
    } else if (known) {
        reader.fail();
    } else if (field >= kFirstKind && field <= kLastKind) {
        frame.unknown_kind = true;
    }
}

errc read_frame(std::string_view bytes, FrameView& frame) noexcept {
    frame.lane = 0;
    frame.seq = 0;
    frame.kind = FrameKind::none;
    frame.unknown_kind = false;
    frame.body = {};
    frame.acks.clear();
    frame.feed_id = 0;
    Reader reader(bytes);
    while (reader.next()) {
        switch (reader.tag()) {
            case number_tag(1): frame.lane = reader.small_number(); break;
            case number_tag(2): frame.seq = reader.number(); break;
            case bytes_tag(3): read_lane_state(reader, frame.acks); break;
            case number_tag(4): frame.feed_id = reader.small_number(); break;
            default: read_body(reader, frame);
        }
    }
    if (reader.failed()) return reader.code();
    if (frame.kind != FrameKind::none) frame.unknown_kind = false;
    // Whether an unknown kind is numbered is not known either.
    const bool seq_fits = frame.unknown_kind || is_numbered(frame.kind) == (frame.seq != 0);
    return frame.lane < kMaxLanes && seq_fits ? errc::ok : errc::malformed_frame;
}

}  // namespace

// ---- writing ----

void Batch::clear() noexcept {
    head_size_ = 0;
    segments_.clear();
    marks_.clear();
    bytes_ = 0;
}

char* Batch::begin_frame(const FrameHeader& header, std::size_t length, std::size_t shared) {
    const std::size_t prefix = varint_size(length);
    const std::size_t own = prefix + length - shared;
    if (head_.size() - head_size_ < own) head_.resize(std::max({head_.size() * 2, head_size_ + own, kFirstHeadBytes}));
    if (segments_.empty() || !segments_.back().shared.empty()) segments_.emplace_back();
    segments_.back().head_bytes += own;
    char* out = head_.data() + head_size_;
    head_size_ += own;
    marks_.push_back({header.lane, header.seq != 0, prefix + length});
    bytes_ += prefix + length;
    return put_varint(out, length);
}

void Batch::add(const FrameHeader& header, const Body& body) {
    const bool copy = body.bytes.size() <= kCopyUpTo;
    char* out = begin_frame(header, header_size(header) + body.bytes.size(), copy ? 0 : body.bytes.size());
    out = put_header(out, header);
    if (copy) {
        put_raw(out, body.bytes.view());
    } else {
        segments_.back().shared = body.bytes;
    }
}

void Batch::add(const FrameHeader& header) { put_header(begin_frame(header, header_size(header), 0), header); }

void Batch::add_chunk(const FrameHeader& header, std::uint64_t total, const Bytes& part, std::uint32_t kind) {
    const bool copy = part.size() <= kCopyUpTo || kind != 0;  // what is shared comes last in a frame
    const std::size_t content = number_size(total) + bytes_size(part.size()) + number_size(kind);
    char* out = begin_frame(header, header_size(header) + body_size(FrameKind::chunk, content), copy ? 0 : part.size());
    out = put_body_tag(put_header(out, header), FrameKind::chunk, content);
    out = put_number(out, 1, total);
    if (copy) {
        put_number(put_bytes(out, 2, part.view()), 3, kind);
    } else {
        put_varint(put_tag(out, bytes_tag(2)), part.size());
        segments_.back().shared = part;
    }
}

void Batch::add_data(const FrameHeader& header, const DataView& data) {
    const DataSize size = measure(data);
    char* out = begin_frame(header, header_size(header) + body_size(FrameKind::data, size.total), 0);
    put(put_body_tag(put_header(out, header), FrameKind::data, size.total), data, size);
}

char* Batch::add_sealed(LaneIndex lane, bool numbered, std::uint64_t nonce, std::size_t ciphertext) {
    const std::size_t content = number_size(nonce) + part_size(ciphertext);
    char* out = begin_frame({}, body_size(FrameKind::sealed, content), 0);
    marks_.back().lane = lane;
    marks_.back().numbered = numbered;
    out = put_number(put_body_tag(out, FrameKind::sealed, content), 1, nonce);
    return put_varint(put_tag(out, bytes_tag(2)), ciphertext);
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
    return out;
}

std::string_view BatchBytes::next(std::size_t most) noexcept {
    const auto& segments = batch_.segments();
    for (; segment_ < segments.size(); ++segment_, in_segment_ = 0) {
        const Batch::Segment& from = segments[segment_];
        std::string_view found;
        if (in_segment_ < from.head_bytes) {
            found = batch_.head().substr(in_heads_, std::min(most, from.head_bytes - in_segment_));
            in_heads_ += found.size();
        } else {
            found = from.shared.view().substr(in_segment_ - from.head_bytes, most);
        }
        in_segment_ += found.size();
        if (!found.empty()) return found;
    }
    return {};
}

// ---- reading ----

Result<void> BatchReader::next(FrameView& frame) noexcept {
    Reader reader(rest_);
    std::uint64_t length = 0;
    errc code = errc::ok;
    if (!reader.take(length)) {
        code = errc::malformed_frame;
    } else if (length > max_frame_bytes_) {
        code = errc::frame_too_large;
    } else if (length > reader.left()) {
        code = errc::malformed_frame;
    } else {
        const char* start = rest_.data() + (rest_.size() - reader.left());
        const auto size = static_cast<std::size_t>(length);
        rest_ = {start + size, reader.left() - size};
        code = read_frame({start, size}, frame);
    }
    if (code == errc::ok) return {};
    rest_ = {};
    return code;
}

Front front_of(std::string_view batch, std::size_t most) noexcept {
    Front front;
    Reader reader(batch);
    std::string_view frame;
    while (front.frames < most && reader.left() != 0) {
        ++front.frames;
        if (!reader.take_prefixed(frame)) {
            front.bytes = batch;
            return front;
        }
    }
    front.bytes = batch.substr(0, batch.size() - reader.left());
    return front;
}

Result<void> decode_frame(std::string_view bytes, FrameView& frame) noexcept {
    if (const errc code = read_frame(bytes, frame); code != errc::ok) return code;
    return {};
}

}  // namespace flare::wire
