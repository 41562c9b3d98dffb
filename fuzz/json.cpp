// JSON of a peer: what becomes a batch is accepted by every decoder, and is the same batch when it has been JSON again.
#include "wire/json.hpp"
#include "wire/batch.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace flare;
using namespace flare::wire;

void require(bool holds) {
    if (!holds) std::abort();
}

bool decodes(const FrameView& frame) {
    switch (frame.kind) {
        case FrameKind::hello: return decode_hello(frame.body).has_value();
        case FrameKind::welcome: return decode_welcome(frame.body).has_value();
        case FrameKind::refused: return decode_refused(frame.body).has_value();
        case FrameKind::activate: return decode_activate(frame.body).has_value();
        case FrameKind::goodbye: return decode_goodbye(frame.body).has_value();
        case FrameKind::ping:
        case FrameKind::pong: return decode_ping(frame.body).has_value();
        case FrameKind::data: return decode_data(frame.body).has_value();
        case FrameKind::chunk: return decode_chunk(frame.body).has_value();
        case FrameKind::receipt: return decode_receipt(frame.body).has_value();
        case FrameKind::credential: return decode_credential(frame.body).has_value();
        case FrameKind::credential_state: return decode_credential_state(frame.body).has_value();
        case FrameKind::seal: return decode_seal(frame.body).has_value();
        case FrameKind::sealed: return decode_sealed(frame.body).has_value();
        case FrameKind::request: return decode_request(frame.body).has_value();
        case FrameKind::response: return decode_response(frame.body).has_value();
        case FrameKind::feed:  // its content is bytes in JSON, too; so is the next one's
        case FrameKind::notice:
        case FrameKind::none: break;
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string error;
    const auto batch = json_to_batch({reinterpret_cast<const char*>(data), size}, &error);
    if (!batch) {
        require(!error.empty());
        return 0;
    }
    BatchReader reader(*batch);
    FrameView frame;
    while (!reader.done()) {
        require(reader.next(frame).has_value());
        require(decodes(frame));
    }
    const auto json = batch_to_json(*batch);
    require(json.has_value());
    const auto again = json_to_batch(*json);
    require(again.has_value() || json->size() > kMaxBatchBytes);
    require(!again || *again == *batch);
    return 0;
}
