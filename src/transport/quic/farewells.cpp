#include "transport/quic/farewells.hpp"

#include "base/random.hpp"

#include <bit>
#include <cstring>
#include <utility>

namespace flare::transport::quic {
namespace {

constexpr std::size_t kAmplification = 3;  // RFC 9000 section 8.1
constexpr std::size_t kBytesOfAnId = 64;   // with its place in the map

std::uint64_t key_of_hash() {
    static const std::uint64_t key = base::system_random().next_u64();
    return key;
}

}  // namespace

std::size_t CidHash::operator()(const Cid& cid) const noexcept {
    const std::uint64_t key = key_of_hash();
    std::uint64_t hash = key;
    for (std::size_t i = 0; i < cid.size; i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, cid.bytes.data() + i, std::min<std::size_t>(8, cid.bytes.size() - i));
        hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
        hash ^= hash >> 29;
    }
    return static_cast<std::size_t>(hash * key);
}

bool LastWords::answers(std::size_t bytes, const Address& from) noexcept {
    if (packet.empty() || !(from == peer)) return false;
    if (!std::has_single_bit(++asked)) return false;
    return validated || packet.size() <= kAmplification * bytes;
}

std::size_t Farewells::size_of(const Entry& entry) noexcept {
    return sizeof(Kept) + entry.words.packet.capacity() + kBytesOfAnId * entry.cids.size();
}

void Farewells::keep(Entry entry) {
    kept_.emplace_back(std::move(entry));
    Kept& kept = kept_.back();
    kept.self = std::prev(kept_.end());
    by_end_.insert(kept);
    for (const Cid& cid : kept.cids) by_cid_[cid] = &kept;
    bytes_ += size_of(kept);
    while (kept_.size() > kMostKept || bytes_ > kMostBytes) forget(kept_.front());
}

LastWords* Farewells::find(const Cid& cid) {
    const auto found = by_cid_.find(cid);
    return found == by_cid_.end() ? nullptr : &found->second->words;
}

void Farewells::expire(std::uint64_t now) {
    while (!by_end_.empty() && by_end_.begin()->until <= now) forget(*by_end_.begin());
}

std::uint64_t Farewells::next() const noexcept { return by_end_.empty() ? UINT64_MAX : by_end_.begin()->until; }

void Farewells::forget(Kept& kept) {
    for (const Cid& cid : kept.cids) {
        const auto found = by_cid_.find(cid);
        if (found != by_cid_.end() && found->second == &kept) by_cid_.erase(found);
    }
    by_end_.erase(by_end_.iterator_to(kept));
    bytes_ -= size_of(kept);
    const Claims claims = std::move(kept.claims);
    kept_.erase(kept.self);
    released_(claims);
}

}  // namespace flare::transport::quic
