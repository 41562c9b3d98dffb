#include "transport/websocket/connection.hpp"

#include "transport/websocket/close_code.hpp"
#include "transport/websocket/deflate.hpp"
#include "wire/json.hpp"

#include <flare/printable.hpp>

#include <boost/asio/post.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>

namespace flare::transport::websocket {

using boost::system::error_code;

namespace {

// What one connection may bring in one turn of the loop, whatever a few bytes can ask for; the rest waits for its next
// turn, before which others have theirs. A message that has begun is taken whole: its own limit bounds it.
constexpr std::size_t kEventsPerTurn = 256;      // messages and control frames
constexpr std::size_t kMadePerTurn = 64 * 1024;  // bytes inflated, or read as JSON
constexpr std::size_t kCostOfInflating = 1024;   // of any message, as if it had made so many bytes

}  // namespace

Connection::Connection(tcp::Socket socket, ConnectionParts parts)
    : socket_(std::move(socket)),
      parser_(std::move(parts.parser)),
      backlog_{std::move(parts.unread), 0},
      info_(std::move(parts.info)),
      stats_(parts.stats),
      read_bytes_per_turn_(parts.read_bytes_per_turn),
      max_batch_bytes_(parts.max_batch_bytes),
      framer_(parts.role, info_.format, parser_.allows_compressed()) {}

void Connection::start() { resume_reading(); }

// ---- reading ----

// While open, only for a handler that wants it; later, to find the peer's close frame or its end.
bool Connection::reading() const noexcept {
    return state_ == State::open ? handler_ != nullptr && !paused_ : state_ != State::ended;
}

void Connection::set_handler(CarrierHandler* handler) {
    handler_ = handler;
    if (handler == nullptr) return;
    if (untold_) {
        boost::asio::post(socket_.tcp.executor(), [weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self || !self->untold_ || self->handler_ == nullptr) return;
            self->untold_ = false;
            const CloseReason reason = *self->reason_;
            std::exchange(self->handler_, nullptr)->on_closed(reason);
        });
    }
    resume_reading();
}

void Connection::pause_reading(bool paused) {
    paused_ = paused;
    if (!paused) resume_reading();
}

void Connection::resume_reading() {
    if (in_turn_ || state_ == State::ended) return;
    if (!backlog_.empty()) {
        post_backlog();
    } else {
        wait_read();
    }
}

void Connection::wait_read() {
    // A connection that nobody listens to yet waits too: the handler is set before the event loop turns.
    if (waiting_read_ || state_ == State::ended || (state_ == State::open && paused_)) return;
    waiting_read_ = true;
    watch();
}

// What is waited for at the end of an event is, most often, what was waited for before it.
void Connection::watch() {
    if (in_event_ || state_ == State::ended) return;
    if (const int error = socket_.tcp.watch(*this, waiting_read_, waiting_write_); error != 0) break_off(error);
}

void Connection::on_ready(bool readable, bool writable) {
    const auto self = shared_from_this();  // a handler may let go of the carrier
    in_event_ = true;
    if (readable && std::exchange(waiting_read_, false) && reading()) read_turn();
    if (writable && state_ != State::ended && std::exchange(waiting_write_, false)) write_turn();
    in_event_ = false;
    watch();
}

void Connection::read_turn() {
    const tcp::ReadBuffer buffer;
    const IoResult got = socket_.read(buffer, read_bytes_per_turn_);
    if (got.bytes != 0) {
        stats_.bytes_in += got.bytes;
        const std::span<char> rest = process(buffer.data().first(got.bytes));
        if (!rest.empty()) backlog_ = {std::string(rest.data(), rest.size()), 0};
    }
    // A connection that has not taken everything meets its end again when it reads on.
    if (!backlog_.empty()) return reading() ? post_backlog() : void();
    if (!reading()) return;
    switch (got.status) {
        case IoStatus::ok:
        case IoStatus::would_block:
            if (broken_) return lost(error_);
            return wait_read();
        case IoStatus::end: return on_end_of_stream();
        case IoStatus::failed: return lost(got.error);
    }
}

void Connection::post_backlog() {
    if (backlog_posted_) return;
    backlog_posted_ = true;
    boost::asio::post(socket_.tcp.executor(), [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->backlog_posted_ = false;
        if (self->reading()) self->process_backlog();
    });
}

void Connection::process_backlog() {
    Backlog input = std::exchange(backlog_, {});
    const std::span<char> rest = process(std::span(input.bytes).subspan(input.used));
    if (!rest.empty()) {
        input.used = input.bytes.size() - rest.size();
        backlog_ = std::move(input);
    }
    if (reading()) resume_reading();
}

// Hands on what is in `input`, until it is used up, the turn is over or the handler wants no more; returns what is to
// be kept.
std::span<char> Connection::process(std::span<char> input) {
    rest_ = input;
    in_turn_ = true;
    made_ = 0;
    for (std::size_t events = 0; !rest_.empty() && reading() && !discarding_; ++events) {
        if (events == kEventsPerTurn || made_ >= kMadePerTurn) break;
        const Event event = parser_.next(rest_);
        switch (event.kind) {
            case EventKind::none: break;
            case EventKind::message: take_message(event); break;
            case EventKind::ping: queue_pong(event.payload); [[fallthrough]];
            case EventKind::pong:
                if (state_ == State::open && handler_ != nullptr) handler_->on_alive();
                break;
            case EventKind::close: take_close(event); break;
            case EventKind::violation: fail(event.error, event.why); break;
        }
    }
    in_turn_ = false;
    flush_pongs();
    if (state_ == State::open && handler_ != nullptr) handler_->on_turn_end();
    const std::span<char> rest = std::exchange(rest_, {});
    return state_ == State::ended || discarding_ ? std::span<char>() : rest;
}

void Connection::take_message(const Event& event) {
    if (state_ != State::open) return;
    flush_pongs();  // the handler may park the connection, which has to be without bytes to write
    const std::size_t most = parser_.max_message_bytes();
    if (++stats_.batches_in == 1) parser_.set_max_message_bytes(max_batch_bytes_);
    if (!event.compressed) return take_batch(event.payload, event.text);
    const auto inflated = inflate_message(event.payload, most);
    made_ += kCostOfInflating + event.payload.size();
    if (inflated) {
        made_ += inflated->size();
        return take_batch(*inflated, event.text);
    }
    const auto code = static_cast<errc>(inflated.error().value());
    fail(code, code == errc::batch_too_large ? "a message is longer than the limit when it is inflated"
                                             : "a compressed message cannot be inflated");
}

void Connection::take_batch(std::string_view payload, bool is_text) {
    if (!is_text) return handler_->on_batch(payload);
    std::string text;
    made_ += payload.size();
    const Result<std::string> batch = wire::json_to_batch(payload, &text);
    if (!batch) {
        const auto code = static_cast<errc>(batch.error().value());
        return fail(code, text.empty() ? explain(code) : text);
    }
    handler_->on_batch(*batch);
}

void Connection::take_close(const Event& event) {
    if (state_ != State::open) return end();
    const errc code = errc_of_close_code(event.close_code, info_.format);
    std::string text = printable(event.payload);
    if (text.empty()) {
        text = code == errc::closed_by_peer ? "the peer closed with code " + std::to_string(event.close_code)
                                            : std::string(explain(code));
    }
    flush_pongs();
    reason_ = std::make_unique<CloseReason>(CloseReason{code, std::move(text), true});
    state_ = State::answering;
    send_close(event.close_code, {});
    if (queue_.empty()) {
        end();
    } else {
        set_limit(std::chrono::seconds(2));
    }
}

void Connection::on_end_of_stream() {
    if (state_ == State::open) {
        reason_ = std::make_unique<CloseReason>(CloseReason{
            errc::connection_lost, "the connection ended without a closing handshake", true, Ending::finished});
    }
    end();
}

// ---- ending ----

void Connection::close(errc code, std::string_view text, std::chrono::milliseconds limit) {
    if (state_ != State::open) return;
    flush_pongs();
    reason_ = std::make_unique<CloseReason>(CloseReason{code, std::string(text), false});
    state_ = State::closing;
    if (broken_) return;  // the event loop is about to tell
    send_close(close_code_of(code), text);
    set_limit(limit);
    resume_reading();
}

// The peer is told why and gets an end of stream; what it still sends is read and thrown away, because closing a
// socket with unread bytes would destroy the close frame on its way.
void Connection::fail(errc code, std::string_view text) {
    discarding_ = true;
    if (state_ != State::open) {
        if (state_ == State::closing) end();
        return;
    }
    close(code, text, std::chrono::seconds(2));
    if (queue_.empty() && !broken_) socket_.finish_writing();
}

void Connection::set_limit(std::chrono::milliseconds limit) {
    limit_ = std::make_unique<boost::asio::steady_timer>(socket_.tcp.executor(), limit);
    limit_->async_wait([weak = weak_from_this()](error_code error) {
        const auto self = weak.lock();
        if (!self || error) return;
        // A peer that does not read is not waited for, by the kernel neither.
        if (!self->queue_.empty()) self->socket_.reset_when_closed();
        self->end();
    });
}

void Connection::break_off(int error) {
    if (broken_ || state_ == State::ended) return;
    broken_ = true;
    error_ = error;
    queue_.clear();
    pongs_.clear();
    boost::asio::post(socket_.tcp.executor(), [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->state_ == State::ended) return;
        // The peer may have said why before it left.
        if (self->reading() && self->backlog_.empty()) {
            self->read_turn();
        } else {
            self->lost(self->error_);
        }
    });
}

void Connection::lost(int error) {
    if (state_ == State::open) {
        const bool tls_broke = socket_.tls != nullptr && error == EPROTO;
        reason_ = std::make_unique<CloseReason>(
            CloseReason{errc::connection_lost,
                        "the connection broke: " + (tls_broke ? socket_.tls->error_text() : std::strerror(error)), true,
                        ending_of(error)});
    }
    end();
}

void Connection::end() {
    if (state_ == State::ended) return;
    flush_written();
    state_ = State::ended;
    if (socket_.tls != nullptr && !broken_) socket_.tls->shutdown();
    socket_.tcp.close();
    limit_.reset();
    queue_.clear();
    backlog_ = {};
    if (handler_ == nullptr) {
        untold_ = true;
        return;
    }
    const CloseReason reason = *reason_;
    std::exchange(handler_, nullptr)->on_closed(reason);
}

PathFigures Connection::path() const noexcept {
    PathFigures figures;
    tcp_info info{};
    socklen_t size = sizeof info;
    if (socket_.tcp.fd() < 0 || ::getsockopt(socket_.tcp.fd(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
        return figures;
    figures.smoothed_rtt = std::chrono::microseconds(info.tcpi_rtt);
    figures.retransmits = info.tcpi_total_retrans;
    return figures;
}

void Connection::drop() noexcept {
    flush_written();
    state_ = State::ended;
    handler_ = nullptr;
    untold_ = false;
    socket_.tcp.close();
    limit_.reset();
    queue_.clear();
}

}  // namespace flare::transport::websocket
