// The WebSocket parser. The first byte chooses role and kind, the second how the rest is cut into pieces: however
// it is cut, the same events come out.
#include "transport/websocket/parser.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace flare::transport::websocket;

constexpr std::size_t kMaxMessageBytes = 2000;

struct Seen {
    EventKind kind;
    bool text;
    std::string payload;
    std::uint16_t code;
    flare::errc error;
    bool operator==(const Seen&) const = default;
};

void require(bool holds) {
    if (!holds) std::abort();
}

void parse(Parser& parser, std::string piece, std::vector<Seen>& seen) {
    std::span<char> input(piece);
    while (!input.empty()) {
        const std::size_t before = input.size();
        const Event event = parser.next(input);
        require(input.size() < before);
        require(parser.held_bytes() <= kMaxMessageBytes);
        if (event.kind == EventKind::none) continue;
        require(event.payload.size() <= kMaxMessageBytes);
        // Nothing follows a close or a violation.
        require(seen.empty() || (seen.back().kind != EventKind::close && seen.back().kind != EventKind::violation));
        seen.push_back({event.kind, event.text, std::string(event.payload), event.close_code, event.error});
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const Role role = (data[0] & 1) != 0 ? Role::client : Role::server;
    constexpr Accept kAccepts[] = {Accept::any, Accept::text, Accept::binary, Accept::any};
    const Accept accept = kAccepts[(data[0] >> 1) & 3];
    const std::size_t step = std::size_t{data[1]} % 17 + 1;
    const bool moves = (data[1] & 0x80) != 0;
    const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);

    std::vector<Seen> whole;
    Parser parser(role, accept, kMaxMessageBytes);
    parse(parser, bytes, whole);

    std::vector<Seen> cut;
    Parser other(role, accept, kMaxMessageBytes);
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        parse(other, bytes.substr(at, step), cut);
        if (moves) other = other.detach();
    }
    require(whole == cut);
    return 0;
}
