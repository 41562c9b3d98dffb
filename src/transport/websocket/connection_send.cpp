// The writing half of Connection: messages and control frames onto the socket.
#include "transport/websocket/close_code.hpp"
#include "transport/websocket/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <span>

namespace flare::transport::websocket {
namespace {

// Pongs that wait in one turn are written when they reach this; it bounds what a flood of pings may hold.
constexpr std::size_t kPongBytes = 16 * 1024;

}  // namespace

void Connection::send(const wire::Batch& batch) {
    if (!writable()) return;
    ++stats_.batches_out;
    Framer::Head head{};
    const std::span<const tcp::Piece> pieces = framer_.frames(batch, head);
    if (pieces.empty()) return break_off(EBADMSG);
    write(pieces);
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
    framer_.append(frame, Opcode::close, close_payload(code, text));
    const tcp::Piece piece{frame.data(), frame.size(), nullptr};
    write({&piece, 1});
}

void Connection::queue_pong(std::string_view payload) {
    if (state_ != State::open || broken_) return;
    // Behind a full socket only the latest ping is answered (RFC 6455 section 5.5.3): a peer that pings and does
    // not read costs one frame.
    if (!queue_.empty()) pongs_.clear();
    framer_.append(pongs_, Opcode::pong, payload);
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
