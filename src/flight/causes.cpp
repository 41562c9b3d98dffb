// The causes that can be told apart: docs/explain.md, "Causes", has the same table.
#include "flight/causes.hpp"

#include "flight/story.hpp"

#include <algorithm>
#include <array>

namespace flare::flight {
namespace {

struct Cause {
    std::string_view code;
    std::string_view text;
};

// The gravest first: what ended the session, what took every connection, what took one, what was only slow, choices.
constexpr Cause kCauses[] = {
    {"credential", "The server rejected the credential, or it expired: fetch a new token."},
    {"replaced",
     "The same device connected again, or the user exceeded the device limit: the new session replaced this one."},
    {"kicked", "The server's application ended the session."},
    {"slow_consumer", "The client read nothing for so long that the server ended the session: its callbacks block."},
    {"away_too_long", "The client came back after the session's lifetime: the server had already ended the session."},
    {"server_crashed", "The server process died without a goodbye, or was restarted and did not know the session."},
    {"server_stopped", "The server was shut down gracefully and said when to come back."},
    {"refused", "The server refused the connection; the story has its reason."},
    {"unreachable", "No configured address could be reached: is the server running, is the address right?"},
    {"network_down", "No protocol got through: the network, or the path to the server, was down."},
    {"flapping", "The path of one protocol is unstable: the session avoids it until it is stable."},
    {"udp_silent",
     "UDP is blocked or dropped on the path, while TCP to the same host works: check firewalls and NATs."},
    {"tcp_silent", "TCP was dropped on the path, while UDP to the same host works."},
    {"tcp_reset", "The TCP connection was reset by the server's host or by a middlebox on the path."},
    {"tcp_closed", "The TCP connection was closed without a goodbye, by the server process or by a proxy on the path."},
    {"quic_closed", "The QUIC connection was closed by the other side."},
    {"address_changed", "This machine's address changed, as when it moves to another network."},
    {"large_packets_lost",
     "Small packets got through and large ones did not: the path has a smaller MTU that no router reports."},
    {"path_slow", "The path became slow: round-trip times grew many times over."},
    {"acks_missing", "The connection was alive, but nothing sent on it was acknowledged."},
    {"protocol_error",
     "One side sent data that the other could not parse: a bug, or something on the path changes bytes."},
    {"udp_rejected",
     "The server's host rejects UDP on this port: check that QUIC is enabled there and that the port is right."},
    {"throttled", "The server asked the client to wait before sending more messages."},
    {"measured_better", "The other protocol measured better."},
    {"asked", "The application requested it."},
    {"none", "Nothing went wrong."},
};

}  // namespace

std::size_t gravity(std::string_view cause) noexcept {
    const auto found =
        std::find_if(std::begin(kCauses), std::end(kCauses), [&](const Cause& each) { return each.code == cause; });
    return static_cast<std::size_t>(std::end(kCauses) - found);
}

std::string_view explain_cause(std::string_view cause) noexcept {
    const auto found =
        std::find_if(std::begin(kCauses), std::end(kCauses), [&](const Cause& each) { return each.code == cause; });
    return found == std::end(kCauses) ? std::string_view() : found->text;
}

std::vector<std::string_view> causes() {
    std::vector<std::string_view> codes;
    for (const Cause& each : kCauses) codes.push_back(each.code);
    return codes;
}

}  // namespace flare::flight
