#include "transport/websocket/framer.hpp"

#include "base/random.hpp"
#include "transport/websocket/deflate.hpp"
#include "wire/json.hpp"

namespace flare::transport::websocket {
namespace {

MaskKey random_mask() {
    MaskKey key{};
    base::system_random().fill(key);
    return key;
}

std::span<const tcp::Piece> in_one_piece(std::string_view bytes) {
    std::vector<tcp::Piece>& pieces = tcp::WriteScratch::of_this_thread().pieces;
    pieces.clear();
    pieces.push_back({bytes.data(), bytes.size(), nullptr});
    return pieces;
}

std::span<const tcp::Piece> plain(const wire::Batch& batch, Framer::Head& bytes) {
    FrameHead head;
    head.length = batch.bytes();
    std::vector<tcp::Piece>& pieces = tcp::WriteScratch::of_this_thread().pieces;
    pieces.clear();
    pieces.push_back({bytes.data(), encode_frame_head(bytes.data(), head), nullptr});
    const char* own = batch.head().data();
    for (const wire::Batch::Segment& segment : batch.segments()) {
        if (segment.head_bytes != 0) pieces.push_back({own, segment.head_bytes, nullptr});
        own += segment.head_bytes;
        if (!segment.shared.empty()) pieces.push_back({segment.shared.data(), segment.shared.size(), &segment.shared});
    }
    return pieces;
}

std::span<const tcp::Piece> masked(const wire::Batch& batch) {
    FrameHead head;
    head.length = batch.bytes();
    head.masked = true;
    head.key = random_mask();
    std::string& frame = tcp::WriteScratch::of_this_thread().frame;
    frame.resize(kMaxFrameHeaderBytes + batch.bytes());
    const std::size_t start = encode_frame_head(frame.data(), head);
    std::size_t position = 0;
    const auto put = [&](const char* data, std::size_t size) {
        mask_into(frame.data() + start + position, data, size, head.key, position);
        position += size;
    };
    const char* own = batch.head().data();
    for (const wire::Batch::Segment& segment : batch.segments()) {
        put(own, segment.head_bytes);
        own += segment.head_bytes;
        put(segment.shared.data(), segment.shared.size());
    }
    return in_one_piece({frame.data(), start + position});
}

std::span<const tcp::Piece> as_json(const Framer& framer, const wire::Batch& batch) {
    const Result<std::string> text = wire::batch_to_json(batch.str());
    if (!text) return {};
    std::string& frame = tcp::WriteScratch::of_this_thread().frame;
    frame.clear();
    framer.append(frame, Opcode::text, *text);
    return in_one_piece(frame);
}

// Each frame in a message of its own, so that no message has what two senders wrote in one window.
std::span<const tcp::Piece> each_deflated(const Framer& framer, const wire::Batch& batch, bool json) {
    constexpr std::uint8_t kCompressed = 4;  // RSV1
    const std::string bytes = batch.str();
    std::string& frames = tcp::WriteScratch::of_this_thread().frame;
    frames.clear();
    std::size_t at = 0;
    for (const wire::Batch::Mark& mark : batch.marks()) {
        std::string_view payload = std::string_view(bytes).substr(at, mark.bytes);
        at += mark.bytes;
        Result<std::string> text;
        if (json) {
            text = wire::batch_to_json(payload);
            if (!text) return {};
            payload = *text;
        }
        const auto deflated = deflate_message(payload);
        framer.append(frames, json ? Opcode::text : Opcode::binary, deflated.value_or(payload),
                      deflated ? kCompressed : 0);
    }
    return in_one_piece(frames);
}

}  // namespace

std::span<const tcp::Piece> Framer::frames(const wire::Batch& batch, Head& head) const {
    const bool json = format_ == WireFormat::json;
    if (deflate_) return each_deflated(*this, batch, json);
    if (json) return as_json(*this, batch);
    return role_ == Role::client ? masked(batch) : plain(batch, head);
}

void Framer::append(std::string& out, Opcode opcode, std::string_view payload, std::uint8_t reserved) const {
    FrameHead head;
    head.opcode = opcode;
    head.reserved = reserved;
    head.length = payload.size();
    head.masked = role_ == Role::client;
    if (head.masked) head.key = random_mask();
    Head bytes{};
    out.append(bytes.data(), encode_frame_head(bytes.data(), head));
    const std::size_t start = out.size();
    out.append(payload);
    if (head.masked) mask_into(out.data() + start, out.data() + start, payload.size(), head.key);
}

}  // namespace flare::transport::websocket
