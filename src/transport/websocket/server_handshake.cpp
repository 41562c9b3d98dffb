#include "transport/websocket/server_handshake.hpp"

#include "transport/address.hpp"
#include "transport/http/response.hpp"
#include "transport/websocket/connection.hpp"

#include "base/log.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace flare::transport::websocket {

ServerHandshake::ServerHandshake(Owner& owner, tcp::Socket socket, const Options& options, CarrierInfo info)
    : owner_(&owner),
      socket_(std::move(socket)),
      options_(options),
      info_(std::move(info)),
      reader_(options_.max_request_bytes, options_.deflate,
              PageRule{options_.allowed_origins, options_.guards_names, info_.encrypted}),
      deadline_(std::chrono::steady_clock::now() + options.handshake_timeout) {}

void ServerHandshake::start() {
    if (info_.of_proxy && !options_.proxy->header) {
        proxy_header_ = std::make_unique<proxy::HeaderReader>();
        state_ = State::proxy;
        return wait(tcp::Wait::read);
    }
    begin();
}

void ServerHandshake::begin() {
    state_ = socket_.tls != nullptr ? State::tls : State::request;
    wait(tcp::Wait::read);
}

// Takes off the socket what belongs to the header, and nothing of what follows, which TLS reads by itself.
void ServerHandshake::read_proxy_header() {
    std::array<char, 1024> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    const ssize_t got = ::recv(socket_.tcp.fd(), bytes.data(), bytes.size(), MSG_PEEK);
    if (got == 0) return finish(nullptr);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? wait(tcp::Wait::read) : finish(nullptr);
    std::size_t used = 0;
    const auto state = proxy_header_->feed({bytes.data(), static_cast<std::size_t>(got)}, used);
    if (used != 0 && ::recv(socket_.tcp.fd(), bytes.data(), used, 0) != static_cast<ssize_t>(used))
        return finish(nullptr);
    switch (state) {
        case proxy::HeaderReader::State::incomplete: return wait(tcp::Wait::read);
        case proxy::HeaderReader::State::bad:
            base::log().limited(base::LogKind::bad_proxy_header, "{} is a trusted proxy, but {}", info_.peer_address,
                                proxy_header_->error());
            return finish(nullptr);
        case proxy::HeaderReader::State::done: break;
    }
    const auto source = proxy_header_->source();
    proxy_header_.reset();
    if (source && !take_client(*source)) return finish(nullptr);
    if (owner_ != nullptr) begin();
}

bool ServerHandshake::take_client(const proxy::Source& source) {
    const std::string address = address_text(source.address);
    const bool taken = owner_->client_known(address);
    if (owner_ == nullptr) return false;
    if (!taken) return false;
    info_.peer_address = address;
    info_.peer_port = source.port;
    info_.of_proxy = false;
    return true;
}

// The request of a trusted proxy is there: whose is it? False: it was answered, or all is over.
bool ServerHandshake::read_forwarded() {
    if (!info_.of_proxy || !options_.proxy->header) return true;
    const proxy::ForwardedHeader header = *options_.proxy->header;
    const proxy::Client client =
        proxy::client_of(header, reader_.head().fields.joined(proxy::name(header)), options_.proxy->trusted);
    http::Response refusal;
    if (!client.readable) {
        refusal.status = 400;
        refusal.body = "the header " + std::string(proxy::name(header)) + " cannot be read\n";
        base::log().limited(base::LogKind::bad_proxy_header, "{} is a trusted proxy, but {}", info_.peer_address,
                            refusal.body.substr(0, refusal.body.size() - 1));
    } else if (!client.source || take_client(*client.source)) {
        return true;
    } else {
        refusal.status = 429;
        refusal.body = "this address has as many connections as it may\n";
    }
    if (owner_ != nullptr) write_answer(http::write_response(refusal));
    return false;
}

void ServerHandshake::wait(tcp::Wait what) {
    if (socket_.tcp.watch(*this, what == tcp::Wait::read, what == tcp::Wait::write) != 0) finish(nullptr);
}

void ServerHandshake::on_ready(bool, bool) {
    const auto self = shared_from_this();  // the owner may let go of it
    switch (state_) {
        case State::proxy: return read_proxy_header();
        case State::tls: return advance_tls();
        case State::request: return read_request();
        case State::answering: return flush_answer();
        case State::draining: return drain();
        case State::finished: return;
    }
}

void ServerHandshake::advance_tls() {
    switch (socket_.tls->handshake()) {
        case tls::Session::Progress::want_read: return wait(tcp::Wait::read);
        case tls::Session::Progress::want_write: return wait(tcp::Wait::write);
        case tls::Session::Progress::failed:
            // A connection that only comes and goes asks whether somebody listens: load balancers do it all the time.
            if (socket_.tls->error_text().find("closed the connection") == std::string::npos)
                base::log().limited(base::LogKind::failed_tls, "{} TLS handshake failed: {}", info_.peer_address,
                                    socket_.tls->error_text());
            return finish(nullptr);
        case tls::Session::Progress::done: break;
    }
    info_.peer_certificate = socket_.tls->peer_certificate_subject();
    state_ = State::request;
    read_request();
}

void ServerHandshake::read_request() {
    const tcp::ReadBuffer buffer;
    const IoResult got = socket_.read(buffer, options_.max_request_bytes);
    if (got.bytes != 0) {
        switch (reader_.feed({buffer.data().data(), got.bytes})) {
            case RequestReader::State::incomplete: break;
            case RequestReader::State::upgrade:
                if (!read_forwarded()) return;
                upgrading_ = true;
                info_.format = reader_.format();
                return write_answer(reader_.answer());
            case RequestReader::State::http:
                if (!read_forwarded()) return;
                return answer_http();
            case RequestReader::State::refused: {
                // The first line of the body: what was wrong with the request.
                const std::string& answer = reader_.answer();
                const std::size_t body = answer.find("\r\n\r\n");
                base::log().limited(
                    reader_.refused_page() ? base::LogKind::refused_page : base::LogKind::refused_upgrade,
                    "{} upgrade refused: {}", info_.peer_address,
                    body == std::string::npos ? "" : answer.substr(body + 4, answer.find('\n', body + 4) - body - 4));
                return write_answer(answer);
            }
        }
    }
    if (got.status == IoStatus::end || got.status == IoStatus::failed) return finish(nullptr);
    wait(tcp::Wait::read);
}

void ServerHandshake::answer_http() {
    const auto self = shared_from_this();
    http::Request request;
    request.head = reader_.head();
    request.peer_address = info_.peer_address;
    const http::Response response = owner_->answer(request);
    if (owner_ == nullptr) return;
    write_answer(http::write_response(response, http::After::close, request.head.method != "HEAD",
                                      http::date_header(std::chrono::system_clock::now())));
}

void ServerHandshake::write_answer(std::string answer) {
    answer_ = std::move(answer);
    state_ = State::answering;
    flush_answer();
}

void ServerHandshake::flush_answer() {
    const tcp::Piece piece{answer_.data(), answer_.size(), nullptr};
    const IoResult written = socket_.write({&piece, 1});
    if (written.status == IoStatus::failed) return finish(nullptr);
    answer_.erase(0, written.bytes);
    if (!answer_.empty()) return wait(tcp::Wait::write);
    if (!upgrading_) {
        socket_.finish_writing();
        state_ = State::draining;
        return drain();
    }
    finish(start_connection(std::move(socket_), Role::server, options_, std::move(info_), reader_.take_rest(),
                            reader_.deflates()));
}

// Reads until the peer is done: closing with unread bytes would reset the connection and lose the answer.
void ServerHandshake::drain() {
    const tcp::ReadBuffer buffer;
    const IoResult got = socket_.read(buffer, tcp::ReadBuffer::kBytes);
    if (got.status == IoStatus::end || got.status == IoStatus::failed) return finish(nullptr);
    wait(tcp::Wait::read);
}

void ServerHandshake::expire() {
    if (state_ == State::request) {
        http::Response response;
        response.status = 408;
        response.body = "the request did not arrive in time\n";
        const std::string answer = http::write_response(response);
        const tcp::Piece piece{answer.data(), answer.size(), nullptr};
        socket_.write({&piece, 1});
        socket_.finish_writing();
    }
    finish(nullptr);
}

void ServerHandshake::finish(std::unique_ptr<Carrier> carrier) {
    if (state_ == State::finished) return;  // or abandoned
    state_ = State::finished;
    const auto self = shared_from_this();
    if (carrier == nullptr) socket_.tcp.close();
    owner_->finished(*this, std::move(carrier));
}

void ServerHandshake::abandon() noexcept {
    state_ = State::finished;
    owner_ = nullptr;
    socket_.tcp.close();
}

}  // namespace flare::transport::websocket
