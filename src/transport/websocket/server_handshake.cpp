#include "transport/websocket/server_handshake.hpp"

#include "transport/websocket/connection.hpp"

#include "base/log.hpp"

#include <utility>

namespace flare::transport::websocket {

ServerHandshake::ServerHandshake(Owner& owner, Socket socket, const Options& options, CarrierInfo info)
    : owner_(&owner),
      socket_(std::move(socket)),
      options_(options),
      info_(std::move(info)),
      reader_(options_.max_request_bytes, options_.deflate,
              PageRule{options_.allowed_origins, options_.guards_names, info_.encrypted}, options_.upgrades),
      deadline_(std::chrono::steady_clock::now() + options.handshake_timeout) {}

void ServerHandshake::start() {
    state_ = socket_.tls != nullptr ? State::tls : State::request;
    wait(Wait::read);
}

void ServerHandshake::wait(Wait what) {
    if (socket_.tcp.watch(*this, what == Wait::read, what == Wait::write) != 0) finish(nullptr);
}

void ServerHandshake::on_ready(bool, bool) {
    const auto self = shared_from_this();  // the owner may let go of it
    switch (state_) {
        case State::tls: return advance_tls();
        case State::request: return read_request();
        case State::answering: return flush_answer();
        case State::draining: return drain();
        case State::finished: return;
    }
}

void ServerHandshake::advance_tls() {
    switch (socket_.tls->handshake()) {
        case tls::Session::Progress::want_read: return wait(Wait::read);
        case tls::Session::Progress::want_write: return wait(Wait::write);
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
    const ReadBuffer buffer;
    const IoResult got = socket_.read(buffer, options_.max_request_bytes);
    if (got.bytes != 0) {
        switch (reader_.feed({buffer.data().data(), got.bytes})) {
            case RequestReader::State::incomplete: break;
            case RequestReader::State::upgrade:
                upgrading_ = true;
                info_.format = reader_.format();
                return write_answer(reader_.answer());
            case RequestReader::State::http: return answer_http();
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
    wait(Wait::read);
}

void ServerHandshake::answer_http() {
    const auto self = shared_from_this();
    HttpRequest request;
    request.method = reader_.method();
    request.target = reader_.target();
    request.host = reader_.host();
    request.peer_address = info_.peer_address;
    const HttpResponse response = owner_->answer(request);
    if (owner_ == nullptr) return;
    write_answer(http_response(response, request.method != "HEAD", date_header(std::chrono::system_clock::now())));
}

void ServerHandshake::write_answer(std::string answer) {
    answer_ = std::move(answer);
    state_ = State::answering;
    flush_answer();
}

void ServerHandshake::flush_answer() {
    const Piece piece{answer_.data(), answer_.size(), nullptr};
    const IoResult written = socket_.write({&piece, 1});
    if (written.status == IoStatus::failed) return finish(nullptr);
    answer_.erase(0, written.bytes);
    if (!answer_.empty()) return wait(Wait::write);
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
    const ReadBuffer buffer;
    const IoResult got = socket_.read(buffer, ReadBuffer::kBytes);
    if (got.status == IoStatus::end || got.status == IoStatus::failed) return finish(nullptr);
    wait(Wait::read);
}

void ServerHandshake::expire() {
    if (state_ == State::request) {
        HttpResponse response;
        response.status = 408;
        response.body = "the request did not arrive in time\n";
        const std::string answer = http_response(response);
        const Piece piece{answer.data(), answer.size(), nullptr};
        socket_.write({&piece, 1});
        socket_.finish_writing();
    }
    finish(nullptr);
}

void ServerHandshake::finish(std::unique_ptr<Carrier> carrier) {
    if (state_ == State::finished) return;
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
