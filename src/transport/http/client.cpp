#include "transport/http/client.hpp"

#include "transport/address.hpp"
#include "transport/host.hpp"
#include "transport/http/interim.hpp"
#include "transport/tls/session.hpp"
#include "transport/url.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace flare::transport::http {
namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using Tcp = asio::ip::tcp;
using Error = boost::system::error_code;

namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::uint32_t kMaxHeaderBytes = 8192;

bool has_control(std::string_view text) noexcept {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// A line end in the wrong place would begin another field, or another request.
bool is_writable(const Question& question) noexcept {
    const auto is_word = [](std::string_view text) { return !has_control(text) && text.find(' ') == text.npos; };
    return is_word(question.method) && is_word(question.target) &&
           std::ranges::all_of(question.fields, [&](const Field& field) {
               return !field.name.empty() && is_word(field.name) && !has_control(field.value);
           });
}

// The bytes of a request.
std::string written(const Endpoint& to, const Question& question) {
    std::string text = question.method + " " + (question.target.empty() ? to.path : question.target) +
                       " HTTP/1.1\r\nHost: " + to.host_header + "\r\n";
    // RFC 9110 section 8.6: methods that foresee a body say that it is empty.
    if (!question.body.empty() || (question.method != "GET" && question.method != "DELETE"))
        text += "Content-Length: " + std::to_string(question.body.size()) + "\r\n";
    if (to.most_kept == 0) text += "Connection: close\r\n";
    for (const auto& [name, value] : to.headers) text += name + ": " + value + "\r\n";
    for (const auto& [name, value] : question.fields) text += name + ": " + value + "\r\n";
    return text + "\r\n" + question.body;
}

// One question. The coroutine that asks may give up; the one that talks then ends at its next wait.
class Exchange {
public:
    Exchange(const asio::any_io_executor& executor, std::shared_ptr<Client> client, const Question& question)
        : client_(std::move(client)), resolver_(executor), socket_(executor), over_(executor) {
        over_.expires_after(client_->endpoint().timeout);
        request_ = written(client_->endpoint(), question);
        expect_answer();
    }

    // Until there is a result or time is over.
    Task<void> wait() {
        Error ignored;
        if (!result_) co_await over_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    Checked<Answer> take() {
        if (!result_) {
            result_ = Failure(errc::connect_timeout, "no response in time");
            Error ignored;
            socket_.close(ignored);
            resolver_.cancel();
        }
        return std::move(*result_);
    }
    void finish(Checked<Answer> result) {
        if (!result_) result_ = std::move(result);
        over_.expires_at(asio::steady_timer::time_point::min());  // whoever waits, or is about to
    }
    static Task<void> talk(std::shared_ptr<Exchange> self);

private:
    // On a connection that was kept; nothing: there is none, or it has turned out to be dead and the question may be
    // asked again.
    Task<std::optional<Checked<Answer>>> ask_on_kept();
    Task<Checked<Answer>> ask_on_new();
    // Once there is a connection.
    Task<std::optional<Failure>> converse();
    bool take_kept();
    bool may_ask_again(const Failure& failure) const;
    Answer take_answer();
    Task<std::optional<Failure>> connect();
    Task<std::optional<Failure>> shake_hands();
    Task<std::optional<Failure>> send();
    Task<std::optional<Failure>> receive();
    // False: given up meanwhile.
    Task<bool> ready(Tcp::socket::wait_type what);
    IoResult write(std::string_view data);
    IoResult read(std::span<char> out);
    Failure lost(const std::string& when) const { return {errc::connection_lost, "the connection was lost " + when}; }
    void expect_answer();
    // Feeds the parser. Nothing: more is to come, or the answer is complete.
    std::optional<Failure> parse(std::string_view bytes);

    const std::shared_ptr<Client> client_;
    Tcp::resolver resolver_;
    Tcp::socket socket_;
    asio::steady_timer over_;
    std::unique_ptr<tls::Session> tls_;
    std::string request_;
    std::string unparsed_;
    std::optional<beast_http::response_parser<beast_http::string_body>> parser_;
    std::size_t sent_bytes_ = 0;
    bool heard_ = false;            // anything of an answer
    std::size_t parsed_bytes_ = 0;  // of the answer that parser_ has
    InterimAnswers interim_{kMaxHeaderBytes};
    std::optional<Checked<Answer>> result_;
};

Task<void> Exchange::talk(std::shared_ptr<Exchange> self) {
    auto answer = co_await self->ask_on_kept();
    if (!answer) answer = co_await self->ask_on_new();
    self->finish(std::move(*answer));
}

Task<std::optional<Checked<Answer>>> Exchange::ask_on_kept() {
    std::optional<Checked<Answer>> answer;
    if (!take_kept()) co_return answer;
    const std::optional<Failure> failure = co_await converse();
    if (!failure) {
        answer = take_answer();
    } else if (may_ask_again(*failure)) {
        Error ignored;
        socket_.close(ignored);
        tls_.reset();
    } else {
        answer = *failure;
    }
    co_return answer;
}

Task<Checked<Answer>> Exchange::ask_on_new() {
    std::optional<Failure> failure = co_await connect();
    if (!failure && client_->endpoint().tls) failure = co_await shake_hands();
    if (!failure) failure = co_await converse();
    if (failure) co_return Checked<Answer>(*failure);
    co_return Checked<Answer>(take_answer());
}

Task<std::optional<Failure>> Exchange::converse() {
    std::optional<Failure> failure = co_await send();
    if (!failure) failure = co_await receive();
    co_return failure;
}

bool Exchange::take_kept() {
    auto kept = client_->kept().take();
    if (!kept) return false;
    Error error;
    const int fd = kept->release();
    socket_.assign(kept->v6() ? Tcp::v6() : Tcp::v4(), fd, error);
    if (error) {
        KeptConnection(fd, false, nullptr);  // closes it
        return false;
    }
    tls_ = kept->take_tls();
    socket_.non_blocking(true, error);
    return true;
}

// RFC 9110 section 9.2.2, RFC 9112 section 9.3.1: a server may close a connection while a question is on its way to it.
bool Exchange::may_ask_again(const Failure& failure) const {
    const bool unheard = sent_bytes_ == 0 || client_->endpoint().repeatable;
    return !result_ && !heard_ && failure.code == errc::connection_lost && unheard;
}

Answer Exchange::take_answer() {
    Answer answer;
    answer.status = parser_->get().result_int();
    answer.body = std::move(parser_->get().body());
    for (const auto& field : parser_->get()) answer.fields.add(to_std(field.name_string()), to_std(field.value()));
    Error error;
    const bool v6 = socket_.local_endpoint(error).protocol() == Tcp::v6();
    if (result_ || error || !parser_->keep_alive() || !unparsed_.empty()) return answer;
    const int fd = socket_.release(error);
    if (!error) client_->kept().keep({fd, v6, std::move(tls_)});
    return answer;
}

Task<bool> Exchange::ready(Tcp::socket::wait_type what) {
    Error error;
    co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
    co_return !error && socket_.is_open();
}

Task<std::optional<Failure>> Exchange::connect() {
    Error error;
    std::vector<Tcp::endpoint> found;
    for (const auto& address : known_addresses(client_->endpoint().host))
        found.emplace_back(address, client_->endpoint().port);
    if (found.empty()) {
        const auto results = co_await resolver_.async_resolve(
            client_->endpoint().host, std::to_string(client_->endpoint().port), Tcp::resolver::numeric_service,
            asio::redirect_error(asio::use_awaitable, error));
        for (const auto& result : results) found.push_back(result.endpoint());
        if (error) co_return Failure(errc::host_not_found, "the host name cannot be resolved: " + error.message());
    }
    if (result_) co_return Failure(errc::cancelled);
    co_await asio::async_connect(socket_, found, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return Failure(connect_errc(error.value()), "cannot connect: " + error.message());
    socket_.non_blocking(true, error);
    if (error) co_return lost("at once");
    co_return std::nullopt;
}

Task<std::optional<Failure>> Exchange::shake_hands() {
    tls_ = tls::Session::client(client_->endpoint().tls, socket_.native_handle(), client_->endpoint().host);
    if (tls_ == nullptr) co_return Failure(errc::tls_failed, "no memory for TLS");
    for (;;) {
        const auto progress = tls_->handshake();
        if (progress == tls::Session::Progress::done) co_return std::nullopt;
        if (progress == tls::Session::Progress::failed) co_return Failure(tls_->error(), tls_->error_text());
        const bool reads = progress == tls::Session::Progress::want_read;
        const bool goes_on = co_await ready(reads ? Tcp::socket::wait_read : Tcp::socket::wait_write);
        if (!goes_on) co_return lost("during the TLS handshake");
    }
}

IoResult Exchange::write(std::string_view data) {
    if (tls_) return tls_->write(data);
    Error error;
    const std::size_t written = socket_.write_some(asio::buffer(data.data(), data.size()), error);
    if (error == asio::error::would_block) return {0, IoStatus::would_block, 0};
    return {written, error ? IoStatus::failed : IoStatus::ok, error.value()};
}

Task<std::optional<Failure>> Exchange::send() {
    std::string_view rest = request_;
    while (!rest.empty()) {
        const IoResult written = write(rest);
        rest.remove_prefix(written.bytes);
        sent_bytes_ += written.bytes;
        if (written.status == IoStatus::failed || written.status == IoStatus::end) co_return lost("while asking");
        if (written.status != IoStatus::would_block) continue;
        const bool goes_on = co_await ready(Tcp::socket::wait_write);
        if (!goes_on) co_return lost("while asking");
    }
    co_return std::nullopt;
}

IoResult Exchange::read(std::span<char> out) {
    if (tls_) {
        std::array<char, kReadBytes> ciphertext;  // NOLINT(cppcoreguidelines-pro-type-member-init)
        return tls_->read(out, ciphertext);
    }
    Error error;
    const std::size_t got = socket_.read_some(asio::buffer(out.data(), out.size()), error);
    if (error == asio::error::would_block) return {0, IoStatus::would_block, 0};
    if (error == asio::error::eof) return {0, IoStatus::end, 0};
    return {got, error ? IoStatus::failed : IoStatus::ok, error.value()};
}

void Exchange::expect_answer() {
    parser_.emplace();
    parser_->body_limit(client_->endpoint().max_answer_bytes);
    parser_->header_limit(kMaxHeaderBytes);
    parser_->eager(true);
    parsed_bytes_ = 0;
}

std::optional<Failure> Exchange::parse(std::string_view bytes) {
    heard_ |= !bytes.empty();
    unparsed_.append(bytes);
    while (!unparsed_.empty() && !parser_->is_done()) {
        Error error;
        const std::size_t taken = parser_->put(asio::buffer(unparsed_), error);
        unparsed_.erase(0, taken);
        parsed_bytes_ += taken;
        if (error == beast_http::error::need_more || (taken == 0 && !error)) return std::nullopt;
        if (error == beast_http::error::body_limit)
            return Failure(errc::malformed_frame, "the response is longer than " +
                                                      std::to_string(client_->endpoint().max_answer_bytes) + " bytes");
        if (error) return Failure(errc::malformed_frame, "the response is not HTTP: " + error.message());
        if (!parser_->is_done() || !InterimAnswers::is_one(parser_->get().result_int())) continue;
        if (!interim_.pass(parsed_bytes_)) return Failure(errc::malformed_frame, "too many interim responses");
        expect_answer();
    }
    return std::nullopt;
}

Task<std::optional<Failure>> Exchange::receive() {
    const auto buffer = std::make_unique<std::array<char, kReadBytes + tls::kMaxRecordBytes>>();
    while (!parser_->is_done()) {
        const IoResult got = read(*buffer);
        if (auto failure = parse({buffer->data(), got.bytes})) co_return failure;
        if (got.status == IoStatus::failed) co_return lost("before the answer was complete");
        if (got.status == IoStatus::end) {
            Error error;
            // Beast takes the end of nothing for a mistake of ours.
            if (!parser_->got_some()) co_return lost("before an answer came");
            if (!parser_->is_done()) parser_->put_eof(error);
            if (error || !parser_->is_done()) co_return lost("before the answer was complete");
        }
        if (got.status != IoStatus::would_block || parser_->is_done()) continue;
        const bool goes_on = co_await ready(Tcp::socket::wait_read);
        if (!goes_on) co_return lost("before the answer came");
    }
    co_return std::nullopt;
}

}  // namespace

Checked<Url> parse_url(const std::string& text) {
    const auto wrong = [](const std::string& why) { return Failure(errc::invalid_config, why); };
    auto parts = transport::parse_url(text);
    if (!parts) return wrong(parts.error().text + "; the form is http://host[:port]/path or https://");
    if (parts->scheme != "http" && parts->scheme != "https") return wrong("must begin with http:// or https://");
    if (parts->has_user) return wrong("must not carry a user or a password: use `authorization`");
    if (!parts->query.empty() || parts->has_fragment)
        return wrong("must have no query and no fragment, which would stand in logs: use `authorization`");
    Url url;
    url.secure = parts->scheme == "https";
    Endpoint& to = url.endpoint;
    to.host = std::move(parts->authority.host);
    to.port = parts->authority.port.value_or(default_port(parts->scheme));
    if (!parts->path.empty()) to.path = std::move(parts->path);
    to.host_header = host_header(to.host, to.port, parts->scheme);
    return url;
}

Task<Checked<Answer>> Client::ask(std::shared_ptr<Client> client, Question question) {
    if (!is_writable(question))
        co_return Failure(errc::invalid_config, "a method, path or header of the request has a character of control");
    const auto executor = co_await asio::this_coro::executor;
    auto exchange = std::make_shared<Exchange>(executor, std::move(client), question);
    asio::co_spawn(executor, Exchange::talk(exchange), [exchange](const std::exception_ptr& thrown) {
        if (thrown) exchange->finish(Failure(errc::internal, "asking has failed inside"));
    });
    co_await exchange->wait();
    co_return exchange->take();
}

Task<Checked<Answer>> Client::post(std::shared_ptr<Client> client, std::string body, Headers headers) {
    Question question;
    for (const auto& [name, value] : headers) question.fields.add(name, value);
    question.body = std::move(body);
    return ask(std::move(client), std::move(question));
}

}  // namespace flare::transport::http
