#include "session/client_inbound.hpp"

namespace flare::session {
namespace {

// Two senders may use the same id: what is remembered is the pair.
Uuid seen_key(std::string_view from, const Uuid& id) {
    Uuid key = id;
    std::uint64_t hash = 0xcbf29ce484222325ull;
    for (const char c : from) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    for (std::size_t i = 0; i < 8; ++i) key.bytes[i] ^= static_cast<std::uint8_t>(hash >> (8 * i));
    return key;
}

}  // namespace

void ClientInbound::on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) {
    const Uuid key = seen_key(data.from, data.message->id);
    if (seen_.check(key, Duration::zero(), TimePoint::min(), now_).verdict != DedupeRing::Verdict::fresh) {
        agreed_.lanes->consumed(lane, cost, now_);
        return;
    }
    seen_.finish(key, Receipt{});
    listener_.on_message(lane, data, whole, cost);
}

bool ClientInbound::has_seen(std::string_view from, const Uuid& id) const { return seen_.knows(seen_key(from, id)); }

}  // namespace flare::session
