// One attempt to reach a server: TCP, TLS, upgrade, within one time limit.
#include "transport/address.hpp"
#include "transport/websocket/connection.hpp"
#include "transport/websocket/upgrade.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace flare::transport::websocket {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Done = std::function<void(std::unique_ptr<Carrier>, ConnectError)>;

class AttemptState final : public std::enable_shared_from_this<AttemptState>, private Poller::Watcher {
public:
    AttemptState(asio::io_context& context, ConnectTarget target, std::shared_ptr<tls::ClientContext> tls,
                 const Options& options, Done done)
        : socket_{PolledSocket(Poller::of(context), -1), nullptr},
          timer_(context.get_executor()),
          target_(std::move(target)),
          tls_(std::move(tls)),
          options_(options),
          done_(std::move(done)),
          key_(make_key()),
          response_(key_, target_.format, options.max_request_bytes) {}

    void start();
    void cancel() noexcept {
        stage_ = Stage::finished;
        done_ = nullptr;
        socket_.tcp.close();
        timer_.cancel();
    }

private:
    enum class Stage : std::uint8_t { connecting, tls, requesting, answer, finished };

    int open_and_connect();
    void wait(tcp::Wait what);
    void on_ready(bool readable, bool writable) override;
    void connected();
    void advance_tls();
    void send_request();
    void write_request();
    void read_answer();
    void upgraded();
    void time_out();
    void end_part(std::chrono::nanoseconds& part);
    void fail(errc code, const std::string& text);
    void fail_connect(int error);
    void fail_broken(int error);
    void finish(std::unique_ptr<Carrier> carrier, ConnectError error);

    tcp::Socket socket_;
    asio::steady_timer timer_;
    ConnectTarget target_;
    std::shared_ptr<tls::ClientContext> tls_;
    Options options_;
    Done done_;
    std::string key_;
    ResponseReader response_;
    std::string request_;  // what is left to write of it
    Stage stage_ = Stage::connecting;
    HandshakeTimes times_;
    std::chrono::steady_clock::time_point part_began_;
};

void AttemptState::end_part(std::chrono::nanoseconds& part) {
    const auto now = std::chrono::steady_clock::now();
    part = now - std::exchange(part_began_, now);
}

void AttemptState::start() {
    part_began_ = std::chrono::steady_clock::now();
    timer_.expires_after(options_.handshake_timeout);
    timer_.async_wait([weak = weak_from_this()](error_code cancelled) {
        const auto self = weak.lock();
        if (self && !cancelled) self->time_out();
    });
    const int error = open_and_connect();
    if (error == 0 || error == EINPROGRESS) return wait(tcp::Wait::write);
    asio::post(socket_.tcp.executor(), [weak = weak_from_this(), error] {
        if (const auto self = weak.lock()) self->fail_connect(error);
    });
}

int AttemptState::open_and_connect() {
    const int fd =
        ::socket(target_.endpoint.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0) return errno;
    socket_.tcp.open(fd);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return ::connect(fd, target_.endpoint.data(), static_cast<socklen_t>(target_.endpoint.size())) == 0 ? 0 : errno;
}

void AttemptState::wait(tcp::Wait what) {
    if (const int error = socket_.tcp.watch(*this, what == tcp::Wait::read, what == tcp::Wait::write); error != 0) {
        fail(connect_errc(error), std::strerror(error));
    }
}

void AttemptState::on_ready(bool, bool) {
    const auto self = shared_from_this();  // the owner may let go of it
    switch (stage_) {
        case Stage::connecting: return connected();
        case Stage::tls: return advance_tls();
        case Stage::requesting: return write_request();
        case Stage::answer: return read_answer();
        case Stage::finished: return;
    }
}

void AttemptState::connected() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket_.tcp.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return fail_connect(error);
    end_part(times_.connect);
    if (!target_.secure) return send_request();
    if (tls_ != nullptr) {
        socket_.tls = tls::Session::client(tls_, socket_.tcp.fd(), target_.server_name);
    }
    if (socket_.tls == nullptr)
        return fail(errc::tls_failed, "TLS cannot be set up for \"" + target_.server_name + "\"");
    stage_ = Stage::tls;
    advance_tls();
}

void AttemptState::advance_tls() {
    switch (socket_.tls->handshake()) {
        case tls::Session::Progress::want_read: return wait(tcp::Wait::read);
        case tls::Session::Progress::want_write: return wait(tcp::Wait::write);
        case tls::Session::Progress::failed: return fail(socket_.tls->error(), socket_.tls->error_text());
        case tls::Session::Progress::done: end_part(times_.secure); return send_request();
    }
}

void AttemptState::send_request() {
    request_ = upgrade_request(target_, key_);
    stage_ = Stage::requesting;
    write_request();
}

void AttemptState::write_request() {
    const tcp::Piece piece{request_.data(), request_.size(), nullptr};
    const IoResult written = socket_.write({&piece, 1});
    if (written.status == IoStatus::failed) return fail_broken(written.error);
    request_.erase(0, written.bytes);
    if (!request_.empty()) return wait(tcp::Wait::write);
    stage_ = Stage::answer;
    wait(tcp::Wait::read);
}

void AttemptState::read_answer() {
    const tcp::ReadBuffer buffer;
    const IoResult got = socket_.read(buffer, options_.max_request_bytes);
    ResponseReader::State state = ResponseReader::State::incomplete;
    if (got.bytes != 0) state = response_.feed({buffer.data().data(), got.bytes});
    if (state == ResponseReader::State::incomplete) {
        if (got.status == IoStatus::failed) return fail_broken(got.error);
        if (got.status != IoStatus::end) return wait(tcp::Wait::read);
        state = response_.end();
    }
    if (state == ResponseReader::State::upgraded) return upgraded();
    fail(response_.error().code, response_.error().text);
}

void AttemptState::upgraded() {
    end_part(times_.upgrade);
    CarrierInfo info;
    info.format = target_.format;
    info.encrypted = target_.secure;
    info.peer_address = address_text(target_.endpoint.address());
    info.peer_port = target_.endpoint.port();
    const auto local = local_endpoint_of(socket_.tcp.fd());
    info.local_address = address_text(local.address());
    info.local_port = local.port();
    if (socket_.tls != nullptr) info.peer_certificate = socket_.tls->peer_certificate_subject();
    finish(start_connection(std::move(socket_), Role::client, options_, std::move(info), response_.take_rest()), {});
}

void AttemptState::time_out() {
    const std::string after = " within " + std::to_string(options_.handshake_timeout.count()) + " ms";
    switch (stage_) {
        case Stage::connecting:
            return fail(errc::connect_timeout,
                        "no answer" + after + ": is the address right, does a firewall drop it?");
        case Stage::tls:
            return fail(errc::connect_timeout,
                        "the TLS handshake did not finish" + after + ": does the server speak TLS?");
        case Stage::requesting:
        case Stage::answer: return fail(errc::connect_timeout, "the server did not answer the upgrade" + after);
        case Stage::finished: return;
    }
}

void AttemptState::fail_connect(int error) {
    const errc code = connect_errc(error);
    switch (code) {
        case errc::connection_refused:
            return fail(code, "connection refused: is the server running, is the port right?");
        case errc::connect_timeout: return fail(code, "no answer: is the address right, does a firewall drop it?");
        default: return fail(code, std::strerror(error));
    }
}

// The connection ended between TCP's handshake and the upgrade's answer.
void AttemptState::fail_broken(int error) {
    if (socket_.tls != nullptr && error == EPROTO) return fail(socket_.tls->error(), socket_.tls->error_text());
    fail(errc::connection_lost, std::string("the connection broke before the upgrade was answered: ") +
                                    std::strerror(error) +
                                    (target_.secure ? "" : "; does this port speak TLS (wss://)?"));
}

void AttemptState::fail(errc code, const std::string& text) {
    ConnectError error;
    error.code = code;
    error.text = endpoint_text(target_.endpoint) + ": " + text;
    finish(nullptr, std::move(error));
}

void AttemptState::finish(std::unique_ptr<Carrier> carrier, ConnectError error) {
    if (stage_ == Stage::finished) return;
    const auto self = shared_from_this();
    const Done done = std::exchange(done_, nullptr);
    stage_ = Stage::finished;
    timer_.cancel();
    socket_.tcp.close();
    error.times = times_;
    done(std::move(carrier), std::move(error));
}

class AttemptObject final : public ConnectAttempt {
public:
    explicit AttemptObject(std::shared_ptr<AttemptState> state) : state_(std::move(state)) {}
    ~AttemptObject() override { state_->cancel(); }
    AttemptObject(const AttemptObject&) = delete;
    AttemptObject& operator=(const AttemptObject&) = delete;

private:
    std::shared_ptr<AttemptState> state_;
};

}  // namespace

std::unique_ptr<ConnectAttempt> connect(asio::io_context& context, ConnectTarget target,
                                        std::shared_ptr<tls::ClientContext> tls, Options options, Done done) {
    const auto state =
        std::make_shared<AttemptState>(context, std::move(target), std::move(tls), options, std::move(done));
    state->start();
    return std::make_unique<AttemptObject>(state);
}

}  // namespace flare::transport::websocket
