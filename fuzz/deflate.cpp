// What a WebSocket client says of permessage-deflate, and what it sends compressed.
//
// Input: a byte that chooses (0: the offers of a header, else a message), the rest.
#include "transport/websocket/deflate.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace flare;
using namespace flare::transport::websocket;

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] == 0) {
        const auto answer = choose_deflate(rest);
        // What is answered is what a client may hear: it is itself an offer that would be taken.
        if (answer) require(choose_deflate(*answer).has_value());
        return 0;
    }
    constexpr std::size_t kMost = 64 * 1024;
    const auto inflated = inflate_message(rest, kMost);
    if (!inflated) {
        require(inflated.error() == errc::batch_too_large || inflated.error() == errc::websocket_violation);
        return 0;
    }
    require(inflated->size() <= kMost);
    const std::string text(*inflated);
    if (const auto packed = deflate_message(text)) {
        const std::string bytes(*packed);
        const auto back = inflate_message(bytes, kMost);
        require(back && *back == text);
    }
    return 0;
}
