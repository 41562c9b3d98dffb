#include "transport/http/server_connection.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace flare::transport::http {
namespace {

constexpr std::size_t kMaxReadBytes = 16 * 1024;  // at once: what may wait behind a request
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Responder::~Responder() {
    if (const auto connection = std::exchange(connection_, {}).lock()) connection->fail(request_);
}

void Responder::answer(Response response) {
    if (const auto connection = std::exchange(connection_, {}).lock()) connection->answer(request_, response);
}

ServerConnection::ServerConnection(Owner& owner, tcp::Socket socket, const ServerOptions& options,
                                   std::string peer_address)
    : owner_(&owner),
      socket_(std::move(socket)),
      options_(options),
      peer_address_(std::move(peer_address)),
      timer_(socket_.tcp.executor()),
      head_(options.max_head_bytes) {}

void ServerConnection::start() {
    state_ = socket_.tls != nullptr ? State::tls : State::request;
    limit(options_.request_timeout);
    wait(tcp::Wait::read);
}

void ServerConnection::wait(tcp::Wait what) {
    if (socket_.tcp.watch(*this, what == tcp::Wait::read, what == tcp::Wait::write) != 0) finish();
}

void ServerConnection::limit(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
        const auto self = weak.lock();
        // Set anew when it had run out already: that one is still to come.
        if (self && !cancelled && self->timer_.expiry() <= std::chrono::steady_clock::now()) self->expire();
    });
}

void ServerConnection::expire() {
    switch (state_) {
        case State::request:
            if (idle()) return finish();
            return refuse({408, "the request did not arrive in time"});
        case State::handling: return write_answer(owner_->refusal(503, "no response in time"), after_);
        default: return finish();
    }
}

void ServerConnection::on_ready(bool, bool) {
    const auto self = shared_from_this();  // the owner may let go of it
    switch (state_) {
        case State::tls: return advance_tls();
        case State::request: return read();
        case State::answering: return flush();
        case State::draining: return drain();
        // While it is handled nothing is waited for; an error or the end shows itself all the same.
        case State::handling: return finish();
        case State::finished: return;
    }
}

void ServerConnection::advance_tls() {
    switch (socket_.tls->handshake()) {
        case tls::Session::Progress::want_read: return wait(tcp::Wait::read);
        case tls::Session::Progress::want_write: return wait(tcp::Wait::write);
        case tls::Session::Progress::failed: return finish();
        case tls::Session::Progress::done: break;
    }
    state_ = State::request;
    read();
}

void ServerConnection::read() {
    const tcp::ReadBuffer buffer;
    const IoResult got = socket_.read(buffer, kMaxReadBytes);
    if (got.bytes != 0) take({buffer.data().data(), got.bytes});
    if (state_ != State::request || !unread_.empty()) return;
    if (got.status == IoStatus::end || got.status == IoStatus::failed) return finish();
    wait(tcp::Wait::read);
}

// Bytes of a request, or of several.
void ServerConnection::take(std::string_view bytes) {
    if (body_) return go_on(body_->feed(bytes), body_->refusal());
    if (idle()) limit(options_.request_timeout);
    const ParseState state = head_.feed(bytes);
    if (state == ParseState::done) return on_head();
    go_on(state, head_.refusal());
}

void ServerConnection::on_head() {
    request_ = head_.take_head();
    with_body_ = request_.method != "HEAD";
    const auto refusal = owner_->refuse(request_, peer_address_);
    if (owner_ == nullptr) return;
    if (refusal) return write_answer(*refusal, After::close);
    body_.emplace(request_, std::min(options_.max_body_bytes, owner_->max_body_bytes(request_)));
    const std::string rest = head_.take_rest();
    if (body_->state() != ParseState::incomplete) {
        unread_ = rest;
    } else if (!rest.empty()) {
        body_->feed(rest);
    } else if (request_.modern && request_.fields.has_token("Expect", "100-continue")) {
        const tcp::Piece piece{kContinue.data(), kContinue.size(), nullptr};
        // So little, and nothing else under way: it does not fit only where the peer takes nothing.
        if (socket_.write({&piece, 1}).bytes != kContinue.size()) return finish();
    }
    go_on(body_->state(), body_->refusal());
}

void ServerConnection::go_on(ParseState state, const Refusal& refusal) {
    if (state == ParseState::done) return hand_on();
    if (state == ParseState::refused) refuse(refusal);
}

void ServerConnection::hand_on() {
    Request request;
    request.head = std::move(request_);
    request.body = body_->take_body();
    request.peer_address = peer_address_;
    unread_ += body_->take_rest();
    ++served_;
    after_ = request.head.keeps && served_ < options_.max_requests ? After::keep : After::close;
    state_ = State::handling;
    limit(options_.answer_timeout);
    if (socket_.tcp.watch(*this, false, false) != 0) return finish();
    owner_->on_request(std::move(request), Responder(weak_from_this(), served_));
}

void ServerConnection::answer(std::size_t request, const Response& response) {
    if (state_ == State::handling && request == served_) write_answer(response, after_);
}

void ServerConnection::fail(std::size_t request) {
    if (state_ == State::handling && request == served_)
        write_answer(owner_->refusal(500, "the request was not answered"), after_);
}

void ServerConnection::refuse(const Refusal& refusal) {
    write_answer(owner_->refusal(refusal.status, std::string(refusal.text)), After::close);
}

void ServerConnection::write_answer(const Response& response, After after) {
    after_ = after;
    answer_ = write_response(response, after, with_body_, date_header(std::chrono::system_clock::now()));
    state_ = State::answering;
    limit(options_.request_timeout);
    flush();
}

void ServerConnection::flush() {
    const auto self = shared_from_this();
    const tcp::Piece piece{answer_.data(), answer_.size(), nullptr};
    const IoResult written = socket_.write({&piece, 1});
    if (written.status == IoStatus::failed) return finish();
    answer_.erase(0, written.bytes);
    if (!answer_.empty()) return wait(tcp::Wait::write);
    if (after_ == After::keep) return next_request();
    socket_.finish_writing();
    state_ = State::draining;
    wait(tcp::Wait::read);
}

void ServerConnection::next_request() {
    head_ = HeadParser(options_.max_head_bytes);
    body_.reset();
    with_body_ = true;
    state_ = State::request;
    if (!unread_.empty()) return take_unread();
    limit(options_.idle_timeout);
    wait(tcp::Wait::read);
    if (state_ == State::request) owner_->on_idle(*this);
}

// Others get their turn between two requests that came together.
void ServerConnection::take_unread() {
    limit(options_.request_timeout);
    if (socket_.tcp.watch(*this, false, false) != 0) return finish();
    boost::asio::post(socket_.tcp.executor(), [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->state_ != State::request) return;
        self->take(std::exchange(self->unread_, {}));
        if (self->state_ == State::request && self->unread_.empty()) self->wait(tcp::Wait::read);
    });
}

// Reads until the peer is done: closing with unread bytes would reset the connection and lose the answer.
void ServerConnection::drain() {
    const tcp::ReadBuffer buffer;
    const IoResult got = socket_.read(buffer, tcp::ReadBuffer::kBytes);
    if (got.status == IoStatus::end || got.status == IoStatus::failed) return finish();
    wait(tcp::Wait::read);
}

void ServerConnection::finish() {
    if (state_ == State::finished) return;  // or abandoned
    state_ = State::finished;
    const auto self = shared_from_this();
    socket_.tcp.close();
    timer_.cancel();
    owner_->on_gone(*this);
}

void ServerConnection::abandon() noexcept {
    state_ = State::finished;
    owner_ = nullptr;
    socket_.tcp.close();
    timer_.cancel();
}

}  // namespace flare::transport::http
