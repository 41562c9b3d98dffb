#include "server/admin/flight_log.hpp"

#include "flight/line.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <limits>

namespace flare::server {
namespace {

// A client that is refused message after message leaves one entry, whatever its neighbours do.
constexpr std::uint64_t kLookBack = 8;

bool is_same(const FlightLog::Entry& a, const FlightLog::Entry& b) noexcept {
    return a.what == b.what && a.session == b.session && a.code == b.code;
}

std::string text_of(const std::array<std::uint8_t, 16>& bytes) {
    const boost::asio::ip::address_v6 address(bytes);
    if (address.is_v4_mapped())
        return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address).to_string();
    return address.to_string();
}

// `at`: of the machine's clock, since there is no beginning that a session's records share.
std::string line_of(const FlightLog::Entry& entry, std::chrono::system_clock::time_point at) {
    flight::Line line(std::string("server_").append(name(entry.what)), at.time_since_epoch());
    if (entry.carrier != 0) {
        line.add("carrier", entry.carrier).add("protocol", entry.protocol == Protocol::quic ? "quic" : "websocket");
        line.add("peer", text_of(entry.address)).add("port", entry.port);
    }
    if (entry.what == Happened::closed) line.add("ending", transport::name(entry.ending));
    const auto code = static_cast<errc>(entry.code);
    if (code != errc::ok || entry.what == Happened::closed || entry.what == Happened::ended)
        line.add("code", flare::name(code));
    if (entry.times > 1) line.add("times", entry.times);
    return line.text();
}

}  // namespace

std::string_view name(Happened what) noexcept {
    switch (what) {
        case Happened::made: return "made";
        case Happened::attached: return "attached";
        case Happened::activated: return "activated";
        case Happened::resumed: return "resumed";
        case Happened::refused: return "refused";
        case Happened::closing: return "closing";
        case Happened::closed: return "closed";
        case Happened::message_refused: return "message_refused";
        case Happened::ended: return "ended";
    }
    return "unknown";
}

FlightLog::Entry FlightLog::entry(const session::SessionId& session, Happened what, session::TimePoint at, errc code) {
    Entry made;
    made.at = at;
    made.session = session;
    made.what = what;
    made.code = static_cast<std::uint16_t>(code);
    return made;
}

void FlightLog::add(const Entry& entry) {
    if (entry.what == Happened::message_refused || entry.what == Happened::refused) {
        for (std::uint64_t i = next_; i > first() && next_ - i < kLookBack; --i) {
            Entry& before = entries_[(i - 1) % kEntries];
            if (!is_same(before, entry)) continue;
            if (before.times < std::numeric_limits<std::uint16_t>::max()) ++before.times;
            return;
        }
    }
    entries_[next_++ % kEntries] = entry;
}

std::vector<std::string> FlightLog::lines(const session::SessionId& session, session::TimePoint now,
                                          std::size_t most) const {
    std::vector<std::string> lines;
    const auto wall = std::chrono::system_clock::now();
    for (std::uint64_t i = next_; i > first() && lines.size() < most; --i) {
        if (at(i - 1).session == session) lines.push_back(line_of(at(i - 1), wall - (now - at(i - 1).at)));
    }
    std::reverse(lines.begin(), lines.end());
    return lines;
}

}  // namespace flare::server
