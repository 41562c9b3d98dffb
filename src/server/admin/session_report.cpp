#include "server/admin/session_report.hpp"

#include "base/json/writer.hpp"
#include "flight/line.hpp"

namespace flare::server {
namespace {

constexpr std::size_t kMostLines = 500;  // of one session's record

std::string_view name_of(session::Presence presence) {
    switch (presence) {
        case session::Presence::attached: return "attached";
        case session::Presence::detached: return "detached";
        case session::Presence::gone: break;
    }
    return "ended";
}

std::string object_of(Shard& shard, const session::ServerSession& session) {
    std::vector<std::string> carriers;
    for (const session::CarrierKey key : session.carriers()) {
        const ServerCarrier* found = shard.carriers().find(key);
        if (found == nullptr || !found->transport) continue;
        const transport::Carrier& carrier = *found->transport;
        flight::Part part;
        part.add("carrier", key)
            .add("protocol", found->protocol == Protocol::quic ? "quic" : "websocket")
            .add("in_use", key == session.active())
            .add("peer", carrier.info().peer_address)
            .add("port", carrier.info().peer_port)
            .add("encrypted", carrier.info().encrypted)
            .add("sealed", carrier.sealed())
            .add("bytes_in", carrier.stats().bytes_in)
            .add("bytes_out", carrier.stats().bytes_out);
        if (const auto round_trip = carrier.path().smoothed_rtt; round_trip.count() != 0) part.ms("rtt_ms", round_trip);
        carriers.push_back(part.text());
    }
    flight::Part part;
    part.add("session", session.id().value.str())
        .add("user", session.user())
        .add("device", session.device())
        .add("platform", name(session.platform()))
        .add("state", name_of(session.presence()))
        .add("queued_messages", session.totals().queued_frames)
        .add("queued_bytes", session.totals().queued_bytes)
        .add("unacknowledged", session.totals().unacked_frames)
        .raw("carriers", base::json_list(carriers));
    return part.text();
}

}  // namespace

void list_sessions(Shard& shard, std::string_view user, std::size_t most, Listed& listed) {
    std::size_t found = 0;
    shard.log().newest_made([&](const FlightLog::Entry& made) {
        const session::ServerSession* session = shard.table().find(made.session);
        if (session != nullptr && (user.empty() || session->user() == user)) {
            listed.emplace_back(made.at, object_of(shard, *session));
            ++found;
        }
        return found < most;
    });
}

std::optional<std::string> session_report(Shard& shard, const session::SessionId& id) {
    const session::ServerSession* session = shard.table().find(id);
    const std::vector<std::string> lines = shard.log().lines(id, shard.now(), kMostLines);
    if (session == nullptr && lines.empty()) return std::nullopt;
    flight::Part part;
    part.raw("session", session == nullptr ? "null" : object_of(shard, *session)).raw("record", base::json_list(lines));
    return part.text();
}

}  // namespace flare::server
