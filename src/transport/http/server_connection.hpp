// One connection of an HTTP server: TLS, then request after request, each read, handed on and answered.
//
// Threads: its server's.
// Owner:   the server; a Responder knows it weakly.
#pragma once

#include "transport/http/request_parser.hpp"
#include "transport/http/response.hpp"
#include "transport/http/server.hpp"
#include "transport/tcp/socket.hpp"

#include <boost/asio/steady_timer.hpp>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flare::transport::http {

class ServerConnection final : public std::enable_shared_from_this<ServerConnection>, private Poller::Watcher {
public:
    // What the connection asks of its server. Each call may destroy the server.
    class Owner {
    public:
        virtual std::optional<Response> refuse(const RequestHead& head, const std::string& peer_address) = 0;
        virtual std::size_t max_body_bytes(const RequestHead& head) = 0;
        virtual Response refusal(unsigned status, const std::string& text) = 0;
        virtual void on_request(Request request, Responder responder) = 0;
        virtual void on_idle(ServerConnection& connection) = 0;  // it waits for another request
        virtual void on_gone(ServerConnection& connection) = 0;  // the last call

    protected:
        ~Owner() = default;
    };

    ServerConnection(Owner& owner, tcp::Socket socket, const ServerOptions& options, std::string peer_address);

    void start();
    // To the request of that number, if it waits for its answer still: another may be in its place, when it was
    // answered for being late.
    void answer(std::size_t request, const Response& response);
    bool idle() const noexcept { return state_ == State::request && served_ != 0 && !begun() && unread_.empty(); }
    // Nobody will answer that one.
    void fail(std::size_t request);
    // Closes it, without a word.
    void drop() { finish(); }
    // The owner is no more; nothing is called after this.
    void abandon() noexcept;

    std::list<std::shared_ptr<ServerConnection>>::iterator place;  // the owner's: where it keeps this one

private:
    enum class State : std::uint8_t { tls, request, handling, answering, draining, finished };

    void on_ready(bool readable, bool writable) override;
    void wait(tcp::Wait what);
    void limit(std::chrono::milliseconds time);
    void expire();
    void advance_tls();
    void read();
    void take(std::string_view bytes);
    void on_head();
    void go_on(ParseState state, const Refusal& refusal);
    void hand_on();
    void refuse(const Refusal& refusal);
    void write_answer(const Response& response, After after);
    void flush();
    void next_request();
    void take_unread();
    void drain();
    void finish();
    // Some of a request has come.
    bool begun() const noexcept { return body_ || head_.begun(); }

    Owner* owner_;
    tcp::Socket socket_;
    const ServerOptions options_;
    const std::string peer_address_;
    boost::asio::steady_timer timer_;
    State state_ = State::request;
    HeadParser head_;
    std::optional<BodyParser> body_;  // once the header is there
    RequestHead request_;
    std::string unread_;  // that came behind a request
    std::string answer_;  // what is left to write of it
    After after_ = After::close;
    std::size_t served_ = 0;  // requests that were handed on
    bool with_body_ = true;   // of the answer: not for HEAD
};

}  // namespace flare::transport::http
