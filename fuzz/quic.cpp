// What a QUIC port meets: the first byte chooses between datagrams for a server that has never heard of their sender,
// and the parts of a stream, cut anyhow.
#include "transport/quic/quic.hpp"
#include "support/certificates.hpp"
#include "support/event_loop.hpp"
#include "transport/quic/stream.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace flare::transport;
using namespace flare::transport::quic;

constexpr std::size_t kMaxPartBytes = 1000;

void require(bool holds) {
    if (!holds) std::abort();
}

struct Server final : ListenerHandler {
    Server() {
        const auto authority = files.authority();
        const auto identity = files.make("server", {.common_name = "flare"}, &authority);
        const auto keys =
            ServerContext::load({identity.certificate_file, identity.key_file, "", false}, {kAlpn}, nullptr).value();
        Options options;
        options.handshake_timeout = std::chrono::milliseconds(20);
        options.retry_above = 4;
        listener = Listener::open(io, "127.0.0.1:0", keys, options, *this, nullptr).value();
    }
    Answer on_handshake(const std::string&, bool) override { return Answer::admit; }
    void on_handshake_gone(const std::string&, bool) override {}
    void on_carrier(std::unique_ptr<Carrier>, bool) override { std::abort(); }  // nobody here can finish a handshake

    flare::test::Certificates files;
    boost::asio::io_context io{1};
    std::unique_ptr<Listener> listener;
    boost::asio::ip::udp::socket stranger{io, {boost::asio::ip::address_v4::loopback(), 0}};
};

void datagrams(std::string_view bytes) {
    static Server server;
    while (bytes.size() > 2) {
        const std::size_t wanted = static_cast<std::uint8_t>(bytes[0]) * 256u + static_cast<std::uint8_t>(bytes[1]);
        const std::size_t size = std::min(wanted % 1500, bytes.size() - 2);
        std::string datagram(bytes.substr(2, size));
        if (wanted >= 0x8000) datagram.resize(1200, '\0');  // as large as a first packet must be
        boost::system::error_code ignored;
        server.stranger.send_to(boost::asio::buffer(datagram), server.listener->local_endpoint(), 0, ignored);
        bytes.remove_prefix(2 + size);
    }
    server.io.restart();
    server.io.poll();
}

std::vector<std::string> read_parts(const std::string& bytes, std::size_t step, PartReader::State& end) {
    std::vector<std::string> parts;
    std::string held;
    end = PartReader::State::incomplete;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        held.append(bytes, at, step);
        std::string_view rest = held;
        std::string_view part;
        while ((end = PartReader::next(rest, kMaxPartBytes, part)) == PartReader::State::part) {
            require(part.size() <= kMaxPartBytes);
            parts.emplace_back(part);
        }
        if (end != PartReader::State::incomplete) return parts;
        held.erase(0, held.size() - rest.size());
        require(held.size() < kMaxPartBytes + 10);
    }
    return parts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    if ((data[0] & 1) != 0) {
        datagrams(bytes);
        return 0;
    }
    PartReader::State whole_end{};
    PartReader::State cut_end{};
    const auto whole = read_parts(bytes, kMaxPartBytes, whole_end);
    const auto cut = read_parts(bytes, std::size_t{data[1]} % 17 + 1, cut_end);
    require(whole == cut && whole_end == cut_end);
    return 0;
}
