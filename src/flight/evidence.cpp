#include "flight/evidence.hpp"

namespace flare::flight {
namespace {

// QUIC never sends less than this in a packet that it fills (RFC 9000 section 14).
constexpr double kLeastPacket = 1200;
// A round trip is out of all proportion from here on.
constexpr double kSlowFactor = 3;
constexpr double kSlowLeastMs = 150;

std::string of_ended(const std::string& code) {
    if (code == "shutting_down") return "server_stopped";
    if (code == "session_replaced") return "replaced";
    if (code == "kicked") return "kicked";
    if (code == "slow_consumer") return "slow_consumer";
    if (code == "session_expired") return "away_too_long";
    if (code == "unauthenticated" || code == "token_expired" || code == "credential_revoked" || code == "forbidden" ||
        code == "user_mismatch") {
        return "credential";
    }
    return {};
}

bool is_protocol_error(const std::string& code) {
    return code == "malformed_frame" || code == "unexpected_frame" || code == "sequence_gap" || code == "bad_ack" ||
           code == "frame_too_large" || code == "batch_too_large" || code == "websocket_violation" ||
           code == "credit_exceeded" || code == "seal_broken";
}

bool grew(const Record& record) {
    const double now = record.number("latest_rtt_ms");
    const double least = record.number("min_rtt_ms");
    return now > kSlowFactor * least && now > least + kSlowLeastMs;
}

std::string of_suspicion(const Record& suspected, bool packets_came, const std::string& from, const std::string& to) {
    // Nothing came that the session could read; yet QUIC had acknowledgements of its packets.
    if (suspected.flag("silent") && !(from == "quic" && packets_came)) {
        // Another connection of the same protocol stood at once: it was this one, not the path.
        if (to.empty()) return "network_down";
        return from == "quic" ? "udp_silent" : "tcp_silent";
    }
    if (grew(suspected)) return "path_slow";
    if (from == "quic" && suspected.number("largest_packet") > kLeastPacket) return "large_packets_lost";
    return "acks_missing";
}

std::string of_loss(const Record& lost, const std::string& from) {
    const std::string ending = lost.text("ending");
    if (is_protocol_error(lost.text("code"))) return "protocol_error";
    if (ending == "stateless_reset") return "server_crashed";
    if (lost.text("code") == "shutting_down") return "server_stopped";
    if (ending == "unreachable") return "network_down";
    if (from == "quic") return ending == "silent" ? "udp_silent" : "quic_closed";
    if (ending == "reset") return "tcp_reset";
    return ending == "silent" ? "tcp_silent" : "tcp_closed";
}

}  // namespace

std::string Evidence::cause(const std::string& from, const std::string& to, const std::string& why) const {
    for (const auto* record : {&ended, &refused}) {
        if (!*record) continue;
        if (std::string known = of_ended((*record)->text("code")); !known.empty()) return known;
    }
    if (gap && gap->text("code") == "session_expired") return "away_too_long";
    if (gap && gap->text("code") == "session_unknown") return "server_crashed";
    if (asked || why == "asked") return "asked";
    if (why == "better") return slow ? "path_slow" : "measured_better";
    const bool broke = lost || detached || suspected;
    // The host is there and nobody listens any more.
    if (broke && to.empty() && turned_away.contains("websocket")) return "server_crashed";
    if (lost && lost->text("ending") == "stateless_reset") return "server_crashed";
    if (address) return "address_changed";
    if (closing && is_protocol_error(closing->text("code"))) return "protocol_error";
    if (no_connection && to.empty()) return "network_down";
    if (suspected && (!lost || suspected->at_ms() <= lost->at_ms())) {
        if (no_connection && suspected->flag("silent")) return "network_down";
        return of_suspicion(*suspected, packets_came, from, to);
    }
    if (lost) return of_loss(*lost, from);
    if (detached && detached->text("code") == "heartbeat_timeout")
        return no_connection ? "network_down" : from == "quic" ? "udp_silent" : "tcp_silent";
    if (refused) return "refused";
    if (slow) return "path_slow";
    return no_connection ? "network_down" : "none";
}

std::string shown(const std::string& protocol) {
    return protocol == "quic" ? "QUIC" : protocol == "websocket" ? "WebSocket" : protocol;
}

}  // namespace flare::flight
