#include "transport/quic/turn_packets.hpp"

#include <boost/container/static_vector.hpp>

namespace flare::transport::quic {

bool TurnPackets::add(std::span<const std::uint8_t> bytes, std::size_t segment, const Address& from,
                      const Address& to) {
    if (bytes.size() > kMostBytes || writes_.size() == kMostWrites) return false;
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    writes_.push_back({bytes.size(), segment, from, to});
    return true;
}

bool TurnPackets::flush(UdpSocket& socket) {
    boost::container::static_vector<UdpSocket::Outgoing, kMostWrites> packets;
    std::span<const std::uint8_t> rest = bytes_;
    for (const Write& write : writes_) {
        packets.push_back({rest.first(write.bytes), write.segment, &write.from, &write.to});
        rest = rest.subspan(write.bytes);
    }
    const std::size_t done = socket.send({packets.data(), packets.size()});
    if (done == packets.size()) {
        clear();
        return true;
    }
    bytes_.erase(bytes_.begin(), bytes_.begin() + (packets[done].bytes.data() - bytes_.data()));
    writes_.erase(writes_.begin(), writes_.begin() + static_cast<std::ptrdiff_t>(done));
    return false;
}

void TurnPackets::clear() noexcept {
    writes_.clear();
    bytes_.clear();
}

}  // namespace flare::transport::quic
