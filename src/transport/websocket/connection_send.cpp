// The writing half of Connection: messages and control frames onto the socket.
#include "base/random.hpp"
#include "transport/websocket/close_code.hpp"
#include "transport/websocket/connection.hpp"
#include "transport/websocket/deflate.hpp"
#include "wire/json.hpp"

#include <algorithm>
#include <array>

namespace flare::transport::websocket {
namespace {

// Pongs that wait in one turn are written when they reach this; it bounds what a flood of pings may hold.
constexpr std::size_t kPongBytes = 16 * 1024;

MaskKey random_mask() {
    MaskKey key{};
    base::system_random().fill(key);
    return key;
}

// Appends a whole frame; a client's is masked with a key of its own.
void append_frame(std::string& out, Role role, Opcode opcode, std::string_view payload, std::uint8_t reserved = 0) {
    FrameHead head;
    head.opcode = opcode;
    head.reserved = reserved;
    head.length = payload.size();
    head.masked = role == Role::client;
    if (head.masked) head.key = random_mask();
    std::array<char, kMaxFrameHeaderBytes> bytes{};
    out.append(bytes.data(), encode_frame_head(bytes.data(), head));
    const std::size_t start = out.size();
    out.append(payload);
    if (head.masked) mask_into(out.data() + start, out.data() + start, payload.size(), head.key);
}

}  // namespace

void Connection::send(const wire::Batch& batch) {
    if (!writable()) return;
    ++stats_.batches_out;
    if (deflate_) return send_each_deflated(batch);
    if (info_.format == WireFormat::json) {
        send_json(batch);
    } else if (role_ == Role::client) {
        send_masked(batch);
    } else {
        send_plain(batch);
    }
}

void Connection::send_plain(const wire::Batch& batch) {
    FrameHead head;
    head.length = batch.bytes();
    std::array<char, kMaxFrameHeaderBytes> bytes{};
    std::vector<tcp::Piece>& pieces = tcp::WriteScratch::of_this_thread().pieces;
    pieces.clear();
    pieces.push_back({bytes.data(), encode_frame_head(bytes.data(), head), nullptr});
    const char* own = batch.head().data();
    for (const wire::Batch::Segment& segment : batch.segments()) {
        if (segment.head_bytes != 0) pieces.push_back({own, segment.head_bytes, nullptr});
        own += segment.head_bytes;
        if (!segment.shared.empty()) pieces.push_back({segment.shared.data(), segment.shared.size(), &segment.shared});
    }
    write(pieces);
}

void Connection::send_masked(const wire::Batch& batch) {
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
    const tcp::Piece piece{frame.data(), start + position, nullptr};
    write({&piece, 1});
}

void Connection::send_json(const wire::Batch& batch) {
    const Result<std::string> text = wire::batch_to_json(batch.str());
    if (!text) return break_off(EBADMSG);  // a batch that this library made is always well formed
    std::string& frame = tcp::WriteScratch::of_this_thread().frame;
    frame.clear();
    append_frame(frame, role_, Opcode::text, *text);
    const tcp::Piece piece{frame.data(), frame.size(), nullptr};
    write({&piece, 1});
}

// Each frame in a message of its own, so that no message has what two senders wrote in one window.
void Connection::send_each_deflated(const wire::Batch& batch) {
    constexpr std::uint8_t kCompressed = 4;  // RSV1
    const bool json = info_.format == WireFormat::json;
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
            if (!text) return break_off(EBADMSG);
            payload = *text;
        }
        const auto deflated = deflate_message(payload);
        append_frame(frames, role_, json ? Opcode::text : Opcode::binary, deflated.value_or(payload),
                     deflated ? kCompressed : 0);
    }
    const tcp::Piece piece{frames.data(), frames.size(), nullptr};
    write({&piece, 1});
}

// Little of it goes at the end of the loop's turn; the last words of a connection, and what TLS makes records of, at
// once.
void Connection::write(std::span<const tcp::Piece> pieces) {
    if (write_later(pieces)) return;
    flush_written();
    if (broken_) return;
    if (!queue_.empty()) return queue_.keep(pieces, 0);
    const IoResult written = socket_.write(pieces);
    stats_.bytes_out += written.bytes;
    if (written.status == IoStatus::failed) return break_off(written.error);
    if (written.status == IoStatus::ok) return;
    queue_.keep(pieces, written.bytes);
    wait_write();
}

bool Connection::write_later(std::span<const tcp::Piece> pieces) {
    if (state_ != State::open || socket_.tls != nullptr) return false;
    std::size_t total = 0;
    for (const tcp::Piece& piece : pieces) total += piece.size;
    char* to = socket_.tcp.poller().writes().add(*this, total);
    if (to == nullptr) return false;
    later_ = true;
    for (const tcp::Piece& piece : pieces) to = std::copy_n(piece.data, piece.size, to);
    return true;
}

void Connection::send_now(std::string_view bytes) {
    later_ = false;
    if (broken_) return;
    if (!queue_.empty()) return queue_.append(bytes);
    const IoResult written = socket_.write_plain(bytes);
    stats_.bytes_out += written.bytes;
    if (written.status == IoStatus::ok) return;
    if (written.status == IoStatus::failed) return break_off(written.error);
    queue_.append(bytes.substr(written.bytes));
    wait_write();
}

// What was written before goes before what follows.
void Connection::flush_written() {
    if (later_) socket_.tcp.poller().writes().flush();
}

void Connection::send_close(std::uint16_t code, std::string_view text) {
    if (broken_) return;
    std::string frame;
    append_frame(frame, role_, Opcode::close, close_payload(code, text));
    const tcp::Piece piece{frame.data(), frame.size(), nullptr};
    write({&piece, 1});
}

void Connection::queue_pong(std::string_view payload) {
    if (state_ != State::open || broken_) return;
    // Behind a full socket only the latest ping is answered (RFC 6455 section 5.5.3): a peer that pings and does
    // not read costs one frame.
    if (!queue_.empty()) pongs_.clear();
    append_frame(pongs_, role_, Opcode::pong, payload);
    if (pongs_.size() >= kPongBytes) flush_pongs();
}

void Connection::flush_pongs() {
    if (pongs_.empty() || state_ != State::open || broken_ || !queue_.empty()) return;
    std::string frames;
    frames.swap(pongs_);
    const tcp::Piece piece{frames.data(), frames.size(), nullptr};
    write({&piece, 1});
}

void Connection::wait_write() {
    if (waiting_write_) return;
    waiting_write_ = true;
    watch();
}

void Connection::write_turn() {
    const IoResult written = queue_.flush(socket_);
    stats_.bytes_out += written.bytes;
    if (written.status == IoStatus::failed) return break_off(written.error);
    if (!queue_.empty()) return wait_write();
    flush_pongs();
    if (queue_.empty() && !broken_) on_drained();
}

void Connection::on_drained() {
    switch (state_) {
        case State::open:
            if (handler_ != nullptr) handler_->on_writable();
            break;
        case State::closing:
            if (discarding_) socket_.finish_writing();
            break;
        case State::answering: end(); break;
        case State::ended: break;
    }
}

}  // namespace flare::transport::websocket
