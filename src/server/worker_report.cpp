// What a worker tells the admin address of its sessions: nothing of credentials, nothing of messages.
#include "flight/line.hpp"
#include "server/worker.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

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

std::array<std::uint8_t, 16> bytes_of(const std::string& address) {
    boost::system::error_code wrong;
    const auto parsed = boost::asio::ip::make_address(address, wrong);
    if (wrong) return {};
    return parsed.is_v6() ? parsed.to_v6().to_bytes()
                          : boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, parsed.to_v4()).to_bytes();
}

}  // namespace

void Worker::note(session::CarrierKey key, Happened what, errc code, transport::Ending ending) {
    const session::ServerSession* session = table_.by_carrier(key);
    const ServerCarrier* connection = find(key);
    if (session == nullptr || connection == nullptr) return;
    FlightLog::Entry entry = FlightLog::entry(session->id(), what, now(), code);
    entry.carrier = static_cast<std::uint32_t>(key);
    entry.protocol = connection->protocol;
    entry.ending = ending;
    entry.address = bytes_of(connection->address);
    if (connection->carrier) entry.port = connection->carrier->info().peer_port;
    log_.add(entry);
}

std::string Worker::object_of(const session::ServerSession& session) {
    std::vector<std::string> carriers;
    for (const session::CarrierKey key : session.carriers()) {
        const ServerCarrier* connection = find(key);
        if (connection == nullptr || !connection->carrier) continue;
        const transport::Carrier& carrier = *connection->carrier;
        flight::Part part;
        part.add("carrier", key)
            .add("protocol", connection->protocol == Protocol::quic ? "quic" : "websocket")
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
        .add("queued_messages", session.queued_frames())
        .add("queued_bytes", session.queued_bytes())
        .add("unacknowledged", session.unacked_frames())
        .raw("carriers", flight::list_of(carriers));
    return part.text();
}

void Worker::list_sessions(std::string_view user, std::size_t most, Listed& listed) {
    std::size_t found = 0;
    log_.newest_made([&](const FlightLog::Entry& made) {
        const session::ServerSession* session = table_.find(made.session);
        if (session != nullptr && (user.empty() || session->user() == user)) {
            listed.emplace_back(made.at, object_of(*session));
            ++found;
        }
        return found < most;
    });
}

std::optional<std::string> Worker::report(const session::SessionId& id) {
    const session::ServerSession* session = table_.find(id);
    const std::vector<std::string> lines = log_.lines(id, now(), kMostLines);
    if (session == nullptr && lines.empty()) return std::nullopt;
    flight::Part part;
    part.raw("session", session == nullptr ? "null" : object_of(*session)).raw("record", flight::list_of(lines));
    return part.text();
}

}  // namespace flare::server
