// Limits connections: in total, per address, new ones per second, those that take a file (TCP does, QUIC does not), and
// their share of memory, at most half.
//
// Threads: any; one lock for each connection, none for each message.
// Owner:   ServerState.
#pragma once

#include "base/keyed_hash.hpp"
#include "base/rate.hpp"
#include "session/budget.hpp"
#include "session/types.hpp"

#include <flare/error.hpp>
#include <flare/message.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>

namespace flare::server {

class ConnectionLimits {
public:
    // `budget`: null: memory is not counted; else it must outlive this. `secure`: WebSocket is wss.
    ConnectionLimits(std::uint32_t in_all, std::uint32_t files, std::uint32_t per_address, base::Rate begin = {},
                     session::SharedBudget* budget = nullptr, bool secure = false)
        : in_all_(in_all),
          files_(files),
          per_address_(per_address),
          budget_(budget),
          secure_(secure),
          begin_(begin),
          strangers_(share_of(begin)) {}
    // A handshake may take several times what the connection takes afterwards: begun() is called in between.
    enum class Stage : std::uint8_t { handshake, carrier };
    void begun(Protocol protocol) noexcept;
    // errc::ok: counted, and release() must follow. Else too_many_connections, too_many_per_address, rate_limited, busy
    // (no memory).
    // Whoever is refused takes nothing of the rate. Empty address: of a trusted proxy; it counts against none.
    errc admit(const std::string& address, Protocol protocol, session::TimePoint now = {});
    void release(const std::string& address, Protocol protocol, Stage stage = Stage::handshake);

    // A QUIC handshake from an address that anybody may have written: it counts in all, and against no address. At most
    // a quarter of the connections and of the rate go to such; nullopt: the address must be validated first, and
    // nothing was counted. errc::ok: claim() or release_stranger() must follow. Else too_many_connections,
    // rate_limited, busy.
    std::optional<errc> admit_stranger(session::TimePoint now = {});
    void release_stranger(Stage stage = Stage::handshake);
    // The address has turned out to be the peer's own. errc::ok: release() must follow in place of release_stranger().
    // Else too_many_per_address: it goes on counting as a stranger.
    errc claim(const std::string& address);
    // A proxy has said whose connection it is. errc::ok: release() of this address must follow, in place of that of an
    // empty one. Else too_many_per_address: nothing has changed.
    errc count_address(const std::string& address);
    // Who counts as one address: an IPv6 network of 64 bits, which is the least that a customer gets (RFC 6177), and
    // has addresses without end. Link-local addresses and those of IPv4 count alone.
    static std::string source_of(const std::string& address);
    std::uint32_t open() const noexcept { return open_.load(std::memory_order_relaxed); }
    std::uint32_t in_all() const noexcept { return in_all_; }
    std::size_t memory_bytes() const noexcept { return held_.load(std::memory_order_relaxed); }
    std::uint32_t with_file() const noexcept { return std::min(in_all_, files_); }
    // Measured, rounded up: with its buffers and the state of TLS; what the kernel has is not the process's.
    std::size_t bytes_of(Protocol protocol, Stage stage = Stage::carrier) const noexcept;

private:
    bool take_memory(Protocol protocol) noexcept;
    void give_memory(std::size_t bytes) noexcept;
    void forget_stranger() noexcept;

    const std::uint32_t in_all_;
    const std::uint32_t files_;
    const std::uint32_t per_address_;
    session::SharedBudget* const budget_;
    const bool secure_;
    std::atomic<std::size_t> held_{0};  // of it
    static constexpr std::uint32_t kShareOfStrangers = 4;
    static base::Rate share_of(base::Rate all) {
        const auto part = [](std::uint64_t of) {
            return of == 0 ? 0 : std::max<std::uint64_t>(of / kShareOfStrangers, 1);
        };
        return {part(all.per_second), part(all.burst)};
    }

    base::SharedBucket begin_;
    base::SharedBucket strangers_;
    std::atomic<std::uint32_t> strangers_open_{0};
    std::atomic<std::uint32_t> open_{0};
    std::atomic<std::uint32_t> with_file_{0};
    std::mutex mutex_;
    boost::unordered_flat_map<std::string, std::uint32_t, base::NameHash> addresses_;
};

}  // namespace flare::server
