// The HTTP upgrade of both sides. The first byte chooses the side and how the rest is cut into pieces: however it
// is cut, the same decision comes out, and no byte behind it is lost.
#include "transport/websocket/upgrade.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace flare::transport;
using namespace flare::transport::websocket;

constexpr std::size_t kMaxBytes = 1024;

void require(bool holds) {
    if (!holds) std::abort();
}

void serve(const std::string& bytes, std::size_t step) {
    RequestReader whole(kMaxBytes);
    RequestReader::State expected = RequestReader::State::incomplete;
    if (!bytes.empty()) expected = whole.feed(bytes);
    RequestReader pieces(kMaxBytes);
    RequestReader::State state = RequestReader::State::incomplete;
    std::size_t used = 0;
    while (used < bytes.size() && state == RequestReader::State::incomplete) {
        state = pieces.feed(bytes.substr(used, step));
        used = std::min(bytes.size(), used + step);
    }
    // A header that is too long is noticed sooner or later, depending on the pieces, but always noticed.
    require(state == expected);
    require(pieces.head().method == whole.head().method);
    require(pieces.head().target == whole.head().target);
    require(pieces.format() == whole.format());
    require((state == RequestReader::State::upgrade || state == RequestReader::State::refused) ==
            !pieces.answer().empty());
    if (state == RequestReader::State::upgrade) {
        require(pieces.answer() == whole.answer());
        const std::string rest = whole.take_rest();
        require(bytes.ends_with(rest));
        require(pieces.take_rest() + bytes.substr(used) == rest);
    }
}

void ask(const std::string& bytes, std::size_t step) {
    const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
    ResponseReader whole(key, WireFormat::protobuf, kMaxBytes);
    ResponseReader::State expected = ResponseReader::State::incomplete;
    if (!bytes.empty()) expected = whole.feed(bytes);
    ResponseReader pieces(key, WireFormat::protobuf, kMaxBytes);
    ResponseReader::State state = ResponseReader::State::incomplete;
    std::size_t used = 0;
    while (used < bytes.size() && state == ResponseReader::State::incomplete) {
        state = pieces.feed(bytes.substr(used, step));
        used = std::min(bytes.size(), used + step);
    }
    require(state == expected);
    if (state == ResponseReader::State::upgraded) {
        require(pieces.take_rest() + bytes.substr(used) == whole.take_rest());
        return;
    }
    if (state == ResponseReader::State::incomplete) require(whole.end() == ResponseReader::State::refused);
    require(!whole.error().text.empty());
    require(whole.error().code != flare::errc::ok);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t step = std::size_t{data[0]} / 2 % 61 + 1;
    if ((data[0] & 1) != 0) {
        ask(bytes, step);
    } else {
        serve(bytes, step);
    }
    return 0;
}
