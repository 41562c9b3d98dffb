// What happened to the sessions of one worker, for whoever asks: the last 65,536 events of all of them together, in
// 3.5 MiB that are taken when the worker is made and never grow. Nothing is recorded of a message that is taken.
//
// Protocol: docs/explain.md, "Records of a server".
// Threads:  its worker only.
// Owner:    Shard.
#pragma once

#include "session/types.hpp"
#include "transport/carrier.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace flare::server {

enum class Happened : std::uint8_t {
    made,
    attached,   // a carrier
    activated,  // it sends for the session
    resumed,    // a carrier came with the session's ticket: complete
    refused,    // a resume
    closing,    // the server closes a carrier
    closed,     // a carrier is gone
    message_refused,
    ended,
};
std::string_view name(Happened what) noexcept;

class FlightLog {
public:
    static constexpr std::size_t kEntries = 64 * 1024;

    struct Entry {
        session::TimePoint at{};
        session::SessionId session;
        std::array<std::uint8_t, 16> address{};  // of the peer; IPv4 as ::ffff:a.b.c.d
        std::uint32_t carrier = 0;               // its number, on this worker; 0: it is not about one
        std::uint16_t code = 0;                  // errc
        std::uint16_t port = 0;
        std::uint16_t times = 1;  // the same again, one after the other
        Happened what = Happened::made;
        Protocol protocol = Protocol::websocket;
        transport::Ending ending = transport::Ending::said;
    };
    static_assert(sizeof(Entry) <= 56);
    static Entry entry(const session::SessionId& session, Happened what, session::TimePoint at, errc code = errc::ok);

    FlightLog() : entries_(kEntries) {}
    void add(const Entry& entry);
    // Of this session, the oldest first, as lines of a record; at most `most`, the newest of them.
    std::vector<std::string> lines(const session::SessionId& session, session::TimePoint now, std::size_t most) const;
    // Sessions in the order in which they were made, the newest first; `each` says whether to go on.
    template <typename Each>
    void newest_made(const Each& each) const {
        for (std::uint64_t i = next_; i > first(); --i) {
            const Entry& entry = at(i - 1);
            if (entry.what == Happened::made && !each(entry)) return;
        }
    }

private:
    std::uint64_t first() const noexcept { return next_ > kEntries ? next_ - kEntries : 0; }
    const Entry& at(std::uint64_t number) const { return entries_[number % kEntries]; }

    std::vector<Entry> entries_;
    std::uint64_t next_ = 0;  // entries so far
};

}  // namespace flare::server
