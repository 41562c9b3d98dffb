// What a proxy says of its client, which may be what the client has made it say. The first byte chooses the form and
// how the rest is cut: however it is cut, the same comes out, and no byte behind a header is taken.
#include "transport/proxy/forwarded.hpp"
#include "transport/proxy/header_reader.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace flare::transport::proxy;

void require(bool holds) {
    if (!holds) std::abort();
}

struct Outcome {
    HeaderReader::State state = HeaderReader::State::incomplete;
    std::size_t used = 0;
    std::optional<Source> source;
};

Outcome read(std::string_view bytes, std::size_t step) {
    HeaderReader reader;
    Outcome outcome;
    while (outcome.state == HeaderReader::State::incomplete && outcome.used < bytes.size()) {
        std::size_t used = 0;
        outcome.state = reader.feed(bytes.substr(outcome.used, step), used);
        outcome.used += used;
        require(used != 0 || outcome.state == HeaderReader::State::bad);
    }
    require((outcome.state == HeaderReader::State::bad) != reader.error().empty());
    outcome.source = reader.source();
    return outcome;
}

void read_header(std::string_view bytes, std::size_t step) {
    const Outcome whole = read(bytes, bytes.size() + 1);
    const Outcome pieces = read(bytes, step);
    require(whole.state == pieces.state);
    require(whole.source.has_value() == pieces.source.has_value());
    if (whole.source)
        require(whole.source->address == pieces.source->address && whole.source->port == pieces.source->port);
    if (whole.state == HeaderReader::State::done) require(whole.used == pieces.used);
    require(whole.used <= 16 + HeaderReader::kMaxContent);
}

void read_list(ForwardedHeader header, std::string_view list) {
    Networks trusted;
    require(trusted.add("10.0.0.0/8").empty());
    const Client client = client_of(header, list, trusted);
    require(client.readable || !client.source);
    // Whatever a client has written in front of what the proxy adds, the proxy's word counts, or nothing.
    const std::string added = header == ForwardedHeader::forwarded ? "for=203.0.113.9" : "203.0.113.9";
    const Client behind = client_of(header, std::string(list) + ", " + added, trusted);
    require(!behind.readable || (behind.source && behind.source->address.to_string() == "203.0.113.9"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
        case 0: read_header(bytes, std::size_t{data[0]} / 3 + 1); break;
        case 1: read_list(ForwardedHeader::x_forwarded_for, bytes); break;
        default: read_list(ForwardedHeader::forwarded, bytes); break;
    }
    return 0;
}
