// The doctor's steps for ws:// and wss://.
#include "base/owned.hpp"
#include "certificate_checks.hpp"
#include "examination.hpp"
#include "output.hpp"
#include "phrases.hpp"
#include "probe_socket.hpp"
#include "transport/http/interim.hpp"
#include "transport/websocket/upgrade.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>

namespace flare::cli {
namespace {

namespace http = boost::beast::http;
namespace websocket = transport::websocket;
using TcpEndpoint = boost::asio::ip::tcp::endpoint;

constexpr std::size_t kMostAnswerBytes = 64 * 1024;

// A TCP connection to the server, with TLS when the address has it.
struct Opened {
    TcpConnection tcp;
    base::Owned<SSL, SSL_free> ssl;
    std::string tls_fault;  // empty: none

    ProbeStream stream(std::chrono::milliseconds limit) {
        return {tcp.socket.get(), ssl.get(), ProbeClock::now() + limit};
    }
};

std::string tls_fault_text() {
    const unsigned long code = ERR_get_error();
    if (code == 0) return "the server closed the connection";
    if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) return "the server does not speak TLS on this port";
    const char* const reason = ERR_reason_error_string(code);
    return reason == nullptr ? "unknown TLS error" : reason;
}

// The certificate is looked at afterwards: here everything is accepted, and nothing secret is sent.
void start_tls(Opened& opened, const Examination& examination) {
    const auto deadline = ProbeClock::now() + examination.options.timeout();
    ERR_clear_error();
    opened.ssl.reset(SSL_new(examination.trust->native()));
    SSL* const ssl = opened.ssl.get();
    SSL_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
    SSL_set_fd(ssl, opened.tcp.socket.get());
    boost::system::error_code not_an_address;
    (void)boost::asio::ip::make_address(examination.name(), not_an_address);
    if (not_an_address) SSL_set_tlsext_host_name(ssl, examination.name().c_str());
    for (;;) {
        const int result = SSL_connect(ssl);
        if (result == 1) return;
        const int error = SSL_get_error(ssl, result);
        const bool waits = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
        if (waits && wait_for(opened.tcp.socket.get(), error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline))
            continue;
        opened.tls_fault = waits ? "the TLS handshake timed out" : tls_fault_text();
        return;
    }
}

Opened open(const Examination& examination, const TcpEndpoint& endpoint) {
    Opened opened;
    opened.tcp = connect_tcp(endpoint, examination.options.timeout());
    if (opened.tcp.error == 0 && examination.url.secure) start_tls(opened, examination);
    return opened;
}

// Where plain HTTP got nowhere: is it a port for TLS?
bool speaks_tls(const Examination& e, const TcpEndpoint& endpoint) {
    Opened opened;
    opened.tcp = connect_tcp(endpoint, e.options.timeout());
    if (opened.tcp.error != 0) return false;
    start_tls(opened, e);
    return opened.tls_fault.empty();
}

Check tcp_problem(const Examination& e, const boost::asio::ip::address& address, int error) {
    const std::string at = e.at(address);
    switch (error) {
        case ECONNREFUSED:
            return problem("tcp", "connection_refused", "nothing listens at " + at + " (connection refused)",
                           "start the server, or correct the port of the address");
        case ETIMEDOUT:
            if (e.reached.by_udp.contains(e.url.host)) {
                return problem(
                    "tcp", "tcp_blocked",
                    "no answer from " + at + ", though UDP to the same host works: TCP is blocked on the path",
                    "open TCP port " + std::to_string(e.url.port) +
                        " in the firewalls on the path; until then use only the quic:// address");
            }
            return problem("tcp", "connect_timeout",
                           "no answer from " + at + ": the host is down, or TCP is blocked on the path",
                           "check the address, and that firewalls on the path let TCP port " +
                               std::to_string(e.url.port) + " through");
        default:
            return problem("tcp", "network_unreachable", at + ": " + std::strerror(error),
                           "check this machine's network and its routes");
    }
}

// The first address that answers.
std::optional<TcpEndpoint> reach_tcp(Examination& e) {
    std::optional<TcpEndpoint> found;
    std::vector<Check> failures;
    for (const auto& address : e.addresses) {
        const TcpEndpoint endpoint(address, e.url.port);
        const auto made = connect_tcp(endpoint, e.options.timeout());
        if (made.error == 0 || made.error == ECONNREFUSED) e.reached.by_tcp.insert(e.url.host);
        if (made.error != 0) {
            failures.push_back(tcp_problem(e, address, made.error));
            continue;
        }
        e.report.add(fine("tcp", e.at(address) + " answers in " + time_text(made.took)));
        if (!found) found = endpoint;
    }
    for (Check& failure : failures) {
        e.report.add(found ? lessened(std::move(failure)) : std::move(failure));
    }
    return found;
}

std::vector<std::string> chain_of(SSL* ssl) {
    std::vector<std::string> chain;
    const STACK_OF(X509)* const shown = SSL_get_peer_cert_chain(ssl);
    for (int i = 0; shown != nullptr && i < sk_X509_num(shown); ++i) {
        unsigned char* der = nullptr;
        const int size = i2d_X509(sk_X509_value(shown, i), &der);
        if (size > 0) chain.emplace_back(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
        OPENSSL_free(der);
    }
    return chain;
}

std::string shown_bytes(std::string_view bytes) {
    return printable(bytes.substr(0, std::min<std::size_t>(60, bytes.size())));
}

// What answers here is no HTTP server.
Check stranger(const Examination& e, const std::string& first_bytes, bool timed_out, bool tls_there) {
    const std::string check = "http";
    if (tls_there) {
        return problem(check, "speaks_tls", "this port speaks TLS, but the address says ws://",
                       "use wss:// in the address");
    }
    if (!first_bytes.empty()) {
        return problem(
            check, "not_flare",
            "another program answers on this port; it does not speak HTTP: \"" + shown_bytes(first_bytes) + "\"",
            "correct the port: Flare's default is 4000");
    }
    if (timed_out) {
        return problem(check, "no_answer", "the port accepts connections but sends no answer",
                       "check whether the program listening there hangs or is not a Flare server");
    }
    const bool wants_certificate = e.url.secure && e.options.client_cert.empty();
    return problem(check, "closed_by_peer", "the server closed the connection without an answer",
                   wants_certificate ? "if the server requires client certificates, give --client-cert and --client-key"
                                     : "correct the port; if the server blocks this machine, ask its operator");
}

std::optional<std::chrono::system_clock::time_point> http_time(std::string_view text) {
    std::tm parts{};
    if (strptime(std::string(text).c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return {};
    return std::chrono::system_clock::from_time_t(timegm(&parts));
}

// What was answered to a GET, and when.
struct Heard {
    std::string bytes;
    bool timed_out = false;
    std::chrono::system_clock::time_point asked;
    std::chrono::system_clock::time_point answered;
    http::response_parser<http::string_body> parser;

    unsigned status() const { return parser.get().result_int(); }
    const std::string& body() const { return parser.get().body(); }
    bool is_healthy() const { return status() == 200 && body() == "ok\n"; }
    bool is_unhealthy() const { return status() == 503 && body().starts_with("worker "); }
    bool is_http() const { return bytes.starts_with("HTTP/1."); }
};

std::unique_ptr<Heard> ask(const Examination& e, Opened& opened, const std::string& path) {
    auto heard = std::make_unique<Heard>();
    auto stream = opened.stream(e.options.timeout());
    heard->asked = std::chrono::system_clock::now();
    if (stream.write("GET " + path + " HTTP/1.1\r\nHost: " + e.url.host_header() + "\r\nConnection: close\r\n\r\n")) {
        for (std::string block = stream.read(); !block.empty() && heard->bytes.size() < kMostAnswerBytes;
             block = stream.read())
            heard->bytes += block;
    }
    heard->answered = std::chrono::system_clock::now();
    heard->timed_out = stream.timed_out();
    heard->parser.body_limit(kMostAnswerBytes);
    heard->parser.eager(true);
    const std::string_view last = transport::http::without_interim(heard->bytes);
    boost::system::error_code error;
    heard->parser.put(boost::asio::buffer(last.data(), last.size()), error);
    return heard;
}

// Below the path of the address: the part of a proxy that leads to the server may be that path and what is below it.
std::string health_path(const client::Url& url) {
    std::string path = url.path.substr(0, url.path.find('?'));
    if (!path.ends_with('/')) path += '/';
    return path + "healthz";
}

// /healthz, by which a Flare server is known, and the clock of whoever answers. True: HTTP is spoken here.
bool examine_http(Examination& e, const TcpEndpoint& endpoint, Opened& opened) {
    std::string path = health_path(e.url);
    auto heard = ask(e, opened, path);
    if (!heard->is_http()) {
        opened = Opened();  // whoever serves one connection at a time shall see the next
        e.report.add(stranger(e, heard->bytes, heard->timed_out, !e.url.secure && speaks_tls(e, endpoint)));
        return false;
    }
    // A proxy may lead the very path of the address to the server, and /healthz beside it.
    if (constexpr const char* kRoot = "/healthz"; path != kRoot && !heard->is_healthy() && !heard->is_unhealthy()) {
        opened = Opened();
        opened = open(e, endpoint);
        if (opened.tcp.error == 0 && opened.tls_fault.empty()) {
            auto at_root = ask(e, opened, kRoot);
            if (at_root->is_healthy() || at_root->is_unhealthy()) {
                heard = std::move(at_root);
                path = kRoot;
            }
        }
    }
    if (heard->is_healthy()) {
        e.report.add(fine("http", path + " says ok"));
    } else if (heard->is_unhealthy()) {
        e.report.add(warning("http", "unhealthy", path + " says " + heard->body().substr(0, heard->body().find('\n')),
                             "an event loop of the server is blocked: its log names the worker"));
    } else {
        const auto location = heard->parser.get()[http::field::location];
        const std::string elsewhere = websocket::redirect_of(heard->status(), {location.data(), location.size()});
        e.report.add(warning("http", "not_flare",
                             path + " is answered with " + std::to_string(heard->status()) +
                                 (elsewhere.empty() ? ": not a Flare server, or a proxy in front of one" : elsewhere),
                             "check the port; the next check gives the answer"));
    }
    const auto date = heard->parser.get()[http::field::date];
    if (const auto time = http_time({date.data(), date.size()})) {
        // The server has written whole seconds, somewhere between the question and the answer.
        const auto took = heard->answered - heard->asked;
        const auto ahead = *time + std::chrono::milliseconds(500) - (heard->asked + took / 2);
        e.report.add(
            clock_check(std::chrono::duration_cast<std::chrono::milliseconds>(ahead),
                        std::chrono::milliseconds(500) + std::chrono::duration_cast<std::chrono::milliseconds>(took)));
    }
    return true;
}

// The upgrade that every client asks for, on a connection of its own.
bool examine_upgrade(Examination& e, const TcpEndpoint& endpoint) {
    Opened opened = open(e, endpoint);
    auto stream = opened.stream(e.options.timeout());
    websocket::ConnectTarget target;
    target.host_header = e.url.host_header();
    target.path = e.url.path;
    const std::string key = websocket::make_key();
    websocket::ResponseReader reader(key, target.format, 16 * 1024);
    auto state = websocket::ResponseReader::State::incomplete;
    if (opened.tcp.error == 0 && opened.tls_fault.empty() && stream.write(websocket::upgrade_request(target, key))) {
        while (state == websocket::ResponseReader::State::incomplete) {
            const std::string block = stream.read();
            state = block.empty() ? reader.end() : reader.feed(block);
        }
    }
    if (state == websocket::ResponseReader::State::upgraded) {
        e.report.add(fine("upgrade", "the server speaks WebSocket and the subprotocol flare.v1"));
        return true;
    }
    if (stream.timed_out() || state == websocket::ResponseReader::State::incomplete) {
        e.report.add(problem("upgrade", "no_answer", "the WebSocket upgrade timed out",
                             "check whether a proxy on the path passes WebSocket"));
    } else {
        const auto& fault = reader.error();
        e.report.add(problem("upgrade", name(fault.code), fault.text,
                             "check that host, port and path lead to a Flare server, and that any proxy in between "
                             "forwards the Upgrade header"));
    }
    return false;
}

}  // namespace

bool examine_websocket(Examination& e) {
    const auto endpoint = reach_tcp(e);
    if (!endpoint) return false;
    Opened opened = open(e, *endpoint);
    bool trusted = true;
    if (e.url.secure) {
        if (!opened.tls_fault.empty()) {
            e.report.add(problem("tls", "tls_failed", opened.tls_fault,
                                 "check the port, and that the server has TLS enabled there; without TLS the address "
                                 "begins with ws://"));
            return false;
        }
        e.report.add(
            fine("tls", std::string(SSL_get_version(opened.ssl.get())) + ", " + SSL_get_cipher_name(opened.ssl.get())));
        trusted =
            check_certificates(e.report, chain_of(opened.ssl.get()), *e.trust, e.name(), !e.options.ca_file.empty());
    }
    if (!examine_http(e, *endpoint, opened)) return false;
    opened = Opened();  // a server of few connections shall have this one back
    return examine_upgrade(e, *endpoint) && trusted;
}

}  // namespace flare::cli
