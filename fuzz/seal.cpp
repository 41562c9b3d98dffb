// What a stranger may send before and after a carrier is sealed: handshakes, keys with their certificates, sealed
// batches. Nothing that was not sealed for this place ever comes out.
#include "wire/seal.hpp"
#include "transport/tls/signed_key.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace flare;
using namespace flare::wire;

void require(bool holds) {
    if (!holds) std::abort();
}

Key key(char fill) { return *base::key_of(std::string(32, fill)); }

// Handshake messages for either side, as they come.
void shake_hands(std::string_view batch) {
    const auto seal = read_seal(batch);
    require(!seal || begins_with_seal(batch));
    if (!seal) return;
    const KeyPair own = KeyPair::of(key(1));
    NoiseNk server = NoiseNk::server(kSealPrologue, own, KeyPair::of(key(2)));
    if (server.read(seal->handshake)) require(server.write({}).has_value() && server.done());
    NoiseNk client = NoiseNk::client(kSealPrologue, own.known, KeyPair::of(key(3)));
    require(client.write({}).has_value());
    require(client.read(seal->handshake).has_value() == client.done());
}

// A key that nobody has vouched for is not taken.
void verify(std::string_view batch) {
    static const auto trust = transport::tls::ClientContext::load({}, nullptr);
    const auto seal = read_seal(batch);
    if (!seal || !trust) return;
    require(!transport::tls::verify_key(**trust, "localhost", std::string(32, 'n'), seal->key,
                                        {seal->certificates, seal->signature}));
}

void open(std::string_view batch) {
    Opener opener(key(4));
    std::string plain;
    const auto opened = opener.open(batch, plain);
    require(opened || plain.empty());
    require(plain.size() <= batch.size());
}

// Sealed batches of which the input changes one: it is noticed, if anything is different.
void change(std::string_view input) {
    Sealer sealer(key(4), true);
    Opener opener(key(4));
    Batch plain;
    FrameHeader header;
    header.lane = static_cast<unsigned char>(input[0]) % kMaxLanes;
    header.seq = 1;
    const std::string payload(input);
    MessageView message;
    message.payload = payload;
    DataView data;
    data.message = message;
    plain.add(header, encode(data));
    Batch sealed;
    sealer.seal(plain, sealed);
    const std::string right = sealed.str();
    std::string wire = right;
    for (std::size_t i = 1; i + 1 < input.size(); i += 2) {
        const std::size_t at = static_cast<unsigned char>(input[i]) % wire.size();
        wire[at] = static_cast<char>(wire[at] ^ input[i + 1]);
    }
    std::string opened;
    const bool good = opener.open(wire, opened).has_value();
    require(good ? opened == plain.str() || opened.empty() : wire != right);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 4) {
        case 0: shake_hands(input); break;
        case 1: verify(input); break;
        case 2: open(input); break;
        default: change(input); break;
    }
    return 0;
}
