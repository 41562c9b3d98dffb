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
    {"credential", "The server did not accept the credential, or it expired: fetch another token."},
    {"replaced",
     "The same device, or one device too many of this user, has connected: its session took this one's place."},
    {"kicked", "The server's application ended the session."},
    {"slow_consumer", "The client took nothing for so long that the server ended the session: its callbacks block."},
    {"away_too_long", "The client came back after the session's life was over: the server had ended the session."},
    {"server_crashed",
     "The server's process went away without a word, or was started again and knew nothing of the session."},
    {"server_stopped", "The server was stopped in good order and said when to come back."},
    {"refused", "The server refused the connection; its own words are in the story."},
    {"unreachable", "No configured address could be reached: is the server running, is the address right?"},
    {"network_down", "Nothing came through over any protocol: the network, or the way to the server, was gone."},
    {"flapping", "The path of one protocol comes and goes: the session stays off it until it holds."},
    {"udp_silent",
     "UDP is blocked or dropped on the way, while TCP to the same host works: look at firewalls and NATs."},
    {"tcp_silent", "TCP was dropped on the way, while UDP to the same host works."},
    {"tcp_reset", "Something reset the TCP connection: the server's host, or a middlebox on the way."},
    {"tcp_closed", "The TCP connection was closed without a word: by the server's process, or a proxy on the way."},
    {"quic_closed", "The QUIC connection was closed by the other side."},
    {"address_changed", "This machine's address changed, as when it moves to another network."},
    {"large_packets_lost",
     "Small packets came through and large ones did not: a smaller MTU on the way that nobody tells of."},
    {"path_slow", "The path became slow: round trips grew to many times what they had been."},
    {"acks_missing", "The connection lived, but nothing that was sent on it was acknowledged."},
    {"protocol_error",
     "One side sent what the other could not read: a bug, or something on the way that changes bytes."},
    {"udp_rejected", "The server's host rejects UDP at this port: is QUIC on there, is the port right?"},
    {"throttled", "The server asked for time before it takes more messages."},
    {"measured_better", "The other protocol was measured to be better."},
    {"asked", "The application asked for it."},
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
