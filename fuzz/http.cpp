// Requests of HTTP, header and body. The first byte chooses how the rest is cut into pieces: however it is cut, the
// same request comes out, within its bounds, and no byte behind it is lost.
#include "transport/http/request_parser.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace flare::transport::http;

constexpr std::size_t kMaxHead = 1024;
constexpr std::size_t kMaxBody = 512;

void require(bool holds) {
    if (!holds) std::abort();
}

struct Outcome {
    ParseState state = ParseState::incomplete;
    RequestHead head;
    Refusal refusal;
    std::string body;
    std::string rest;
};

// Feeds `bytes` in pieces until there is a decision. Returns how many were used.
template <typename Parser>
std::size_t feed(Parser& parser, ParseState& state, const std::string& bytes, std::size_t step) {
    std::size_t used = 0;
    while (used < bytes.size() && state == ParseState::incomplete) {
        const std::size_t size = std::min(step, bytes.size() - used);
        state = parser.feed(std::string_view(bytes).substr(used, size));
        used += size;
    }
    return used;
}

Outcome read(const std::string& bytes, std::size_t step) {
    Outcome outcome;
    HeadParser head(kMaxHead);
    std::size_t used = feed(head, outcome.state, bytes, step);
    outcome.refusal = head.refusal();
    if (outcome.state != ParseState::done) return outcome;
    outcome.head = head.take_head();
    BodyParser body(outcome.head, kMaxBody);
    outcome.state = body.state();
    const std::string left = head.take_rest() + bytes.substr(used);
    used = feed(body, outcome.state, left, step);
    outcome.refusal = body.refusal();
    outcome.body = body.take_body();
    outcome.rest = body.take_rest() + left.substr(used);
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Outcome whole = read(bytes, bytes.size() + 1);
    const Outcome pieces = read(bytes, std::size_t{data[0]} % 61 + 1);
    // A header that is too long is noticed sooner or later, depending on the pieces, but always noticed.
    require(pieces.state == whole.state);
    require((whole.state == ParseState::refused) == !whole.refusal.text.empty());
    require(whole.body.size() <= kMaxBody);
    if (whole.state != ParseState::done) return 0;
    require(pieces.head.method == whole.head.method && pieces.head.target == whole.head.target);
    require(pieces.body == whole.body);
    require(pieces.rest == whole.rest && bytes.ends_with(whole.rest));
    require(whole.head.chunked || whole.body.size() == whole.head.content_length);
    return 0;
}
