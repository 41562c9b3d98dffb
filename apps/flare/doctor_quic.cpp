// The doctor's steps for quic://.
#include "certificate_checks.hpp"
#include "examination.hpp"
#include "phrases.hpp"
#include "probe_socket.hpp"
#include "quic_probe.hpp"
#include "transport/quic/examine.hpp"

#include <boost/asio/io_context.hpp>

#include <cerrno>
#include <cstring>
#include <optional>

namespace flare::cli {
namespace {

namespace quic = transport::quic;
using UdpEndpoint = boost::asio::ip::udp::endpoint;

// A refusal counts: the host is there.
bool answers_tcp(const Examination& e, const boost::asio::ip::address& address) {
    if (e.reached.by_tcp.contains(e.url.host)) return true;
    for (const std::uint16_t port : {e.url.port, std::uint16_t{4000}, std::uint16_t{443}}) {
        const auto made = connect_tcp({address, port}, std::min(e.options.timeout(), std::chrono::milliseconds(1000)));
        if (made.error == 0 || made.error == ECONNREFUSED) return true;
    }
    return false;
}

Check udp_problem(const Examination& e, const boost::asio::ip::address& address, const QuicProbe& probe) {
    const std::string at = e.at(address);
    const std::string port = std::to_string(e.url.port);
    if (probe.error == ECONNREFUSED) {
        return problem("udp", "connection_refused", "nothing listens at UDP " + at + " (ICMP says: port unreachable)",
                       "start the server with QUIC enabled, or correct the port: Flare's default is 4010");
    }
    if (probe.error != 0) {
        return problem("udp", "network_unreachable", "UDP to " + at + ": " + std::strerror(probe.error),
                       "check this machine's network, its routes and its own firewall");
    }
    if (probe.stranger) {
        return problem("udp", "not_quic", "something else answers at UDP " + at + ", which does not speak QUIC",
                       "correct the port: Flare's default is 4010");
    }
    if (answers_tcp(e, address)) {
        return problem("udp", "udp_blocked",
                       "no answer from UDP " + at +
                           ", though TCP to the same host works: UDP is blocked on the path, or the program on this "
                           "port is not a QUIC server",
                       "open UDP port " + port +
                           " in the firewalls on the path; until then clients use WebSocket, so also give them a "
                           "wss:// or ws:// address");
    }
    return problem("udp", "connect_timeout",
                   "no answer from UDP " + at +
                       ", nor from the same host over TCP: the host is down, or everything is blocked on the path",
                   "check the address and the firewalls on the path");
}

// The first address where QUIC answers.
std::optional<UdpEndpoint> reach_udp(Examination& e) {
    std::optional<UdpEndpoint> found;
    std::vector<Check> failures;
    for (const auto& address : e.addresses) {
        std::vector<std::size_t> sizes{1200, 1232, 1392, 1452};
        if (address.is_v4()) sizes.push_back(1472);  // Ethernet's 1500 without the headers
        const QuicProbe probe = probe_quic({address, e.url.port}, sizes, e.options.timeout());
        if (probe.answered || probe.error == ECONNREFUSED || probe.stranger) e.reached.by_udp.insert(e.url.host);
        if (!probe.answered) {
            failures.push_back(udp_problem(e, address, probe));
            continue;
        }
        e.report.add(fine("udp", e.at(address) + " speaks QUIC, answers in " + time_text(probe.took)));
        const std::string passes = "datagrams of up to " + std::to_string(probe.largest) + " bytes reach the server";
        if (probe.largest >= sizes.back()) {
            e.report.add(fine("datagram size", passes));
        } else {
            e.report.add(warning(
                "datagram size", "small_datagrams", passes + ", larger ones are lost",
                "no action needed: QUIC detects this by itself; the usual cause is a tunnel or VPN on the path"));
        }
        if (!found) found = UdpEndpoint(address, e.url.port);
    }
    for (Check& failure : failures) {
        e.report.add(found ? lessened(std::move(failure)) : std::move(failure));
    }
    return found;
}

// Ends a connection in good order, so that the server need not wait for a hello.
class Farewell final : public transport::CarrierHandler {
public:
    explicit Farewell(boost::asio::io_context& context) : context_(context) {}
    void on_batch(std::string_view) override {}
    void on_writable() override {}
    void on_closed(const transport::CloseReason&) override { context_.stop(); }

private:
    boost::asio::io_context& context_;
};

struct Handshake {
    bool stands = false;
    quic::ConnectError error;
    std::vector<std::string> certificates;
    std::chrono::nanoseconds took{0};
};

Handshake shake_hands(const Examination& e, const UdpEndpoint& endpoint, std::shared_ptr<quic::ClientContext> keys) {
    Handshake result;
    boost::asio::io_context context(1);
    Farewell farewell(context);
    std::unique_ptr<transport::Carrier> made;
    quic::ConnectTarget target;
    target.endpoint = endpoint;
    target.server_name = e.name();
    quic::Options options;
    options.handshake_timeout = e.options.timeout();
    options.tickets = false;
    const auto began = ProbeClock::now();
    const auto attempt = quic::connect_examined(
        context, target, std::move(keys), options,
        [&](const std::vector<std::string>& shown) { result.certificates = shown; },
        [&](std::unique_ptr<transport::Carrier> carrier, quic::ConnectError error) {
            result.took = ProbeClock::now() - began;
            result.stands = carrier != nullptr;
            result.error = std::move(error);
            made = std::move(carrier);
            if (!made) return context.stop();
            made->set_handler(&farewell);
            made->close(errc::ok, "", std::chrono::milliseconds(200));
        });
    context.run_for(e.options.timeout() + std::chrono::seconds(1));
    if (!result.stands && result.error.code == errc::ok)
        result.error = {errc::connect_timeout, "the handshake timed out", {}};
    return result;
}

Check handshake_problem(const Handshake& handshake) {
    const errc code = handshake.error.code;
    const std::string& text = handshake.error.text;
    if (text.find("(ALPN)") != text.npos) {
        return problem(
            "quic", "alpn_mismatch",
            "the server speaks QUIC, but not Flare's application protocol (ALPN \"" + std::string(quic::kAlpn) + "\")",
            "check that this is a Flare server; if it is, add flare-core to its quic_alpn()");
    }
    if (code == errc::certificate_rejected && handshake.certificates.empty()) {
        return problem("quic", name(code), text, "give --client-cert and --client-key");
    }
    if (code == errc::connect_timeout) {
        return problem("quic", name(code),
                       "QUIC answers, but the handshake does not complete: large datagrams from the server are lost on "
                       "the path, or the server is overloaded",
                       "make the firewalls on the path pass UDP datagrams of 1,200 bytes in both directions");
    }
    return problem("quic", name(code), text, advice_for(code));
}

}  // namespace

bool examine_quic(Examination& e) {
    const auto endpoint = reach_udp(e);
    if (!endpoint) return false;
    std::string text;
    auto keys = quic::ClientContext::load({e.options.ca_file, e.options.client_cert, e.options.client_key},
                                          {quic::kAlpn}, &text);
    if (!keys) {
        e.report.add(problem("quic", name(static_cast<errc>(keys.error().value())), text, "correct the named option"));
        return false;
    }
    const Handshake handshake = shake_hands(e, *endpoint, std::move(*keys));
    bool trusted = true;
    if (!handshake.certificates.empty()) {
        trusted = check_certificates(e.report, handshake.certificates, *e.trust, e.name(), !e.options.ca_file.empty());
    }
    if (handshake.stands) {
        e.report.add(fine("quic", "handshake in " + time_text(handshake.took) + ", ALPN flare-core"));
        return trusted;
    }
    if (handshake.error.code == errc::certificate_rejected && !trusted) {
        e.report.add(skipped("quic", "clients abort the handshake because of the certificate"));
    } else {
        e.report.add(handshake_problem(handshake));
    }
    return false;
}

}  // namespace flare::cli
