// A batch of a peer through all decoders, and what they accept through the encoders and back.
#include "wire/batch.hpp"
#include "wire/about.hpp"
#include "wire/feeds.hpp"
#include "wire/json.hpp"
#include "wire/signals.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace flare;
using namespace flare::wire;

// A broken promise of the codec: libFuzzer keeps the input that led here.
void require(bool holds) {
    if (!holds) std::abort();
}

bool inside(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

template <typename Frame>
bool read_again(const Result<Frame>& decoded, FrameKind kind) {
    if (!decoded) return false;
    const Body body = encode(*decoded);
    require(body.kind == kind);
    return true;
}

void check_about(std::string_view bytes, std::string_view body) {
    require(inside(bytes, body));
    const auto about = decode_about(bytes);
    if (!about) return;
    require(about->mentions.size() <= kMaxMentions);
    for (const std::string_view name : about->mentions) require(!name.empty() && inside(name, bytes));
    const std::string encoded = encode(*about);
    const auto again = decode_about(encoded);
    require(again && again->reply_to == about->reply_to && again->flags == about->flags &&
            again->mentions == about->mentions);
}

bool decode(const FrameView& frame) {
    switch (frame.kind) {
        case FrameKind::hello: {
            const auto hello = decode_hello(frame.body);
            if (!read_again(hello, frame.kind)) return false;
            if (hello->version > kVersion) return false;  // the rest of it may be anything
            require(decode_hello(encode(*hello).content())->user == hello->user);
            return true;
        }
        case FrameKind::welcome: {
            const auto welcome = decode_welcome(frame.body);
            if (!read_again(welcome, frame.kind)) return false;
            require(decode_welcome(encode(*welcome).content())->limits == welcome->limits);
            return true;
        }
        case FrameKind::refused: {
            const auto refused = decode_refused(frame.body);
            if (!read_again(refused, frame.kind)) return false;
            require(decode_refused(encode(*refused).content())->gap == refused->gap);
            return true;
        }
        case FrameKind::activate: return read_again(decode_activate(frame.body), frame.kind);
        case FrameKind::goodbye: return read_again(decode_goodbye(frame.body), frame.kind);
        case FrameKind::ping:
        case FrameKind::pong: {
            const auto ping = decode_ping(frame.body);
            if (!ping) return false;
            require(inside(ping->padding, frame.body));
            const Body pong = encode_pong(*ping);
            require(decode_ping(pong.content())->padding == ping->padding);
            return true;
        }
        case FrameKind::data: {
            auto data = decode_data(frame.body);
            if (!data) return false;
            require(inside(data->from, frame.body) && inside(data->message_raw, frame.body));
            if (data->message) require(inside(data->message->payload, frame.body));
            if (data->message) check_about(data->message->about, frame.body);
            const Body as_it_is = encode(*data);
            // A message without a single field gets an id, nil, when it is written.
            require(data->message_raw.empty() || decode_data(as_it_is.content())->message_raw == data->message_raw);
            data->message_raw = {};
            const Body anew = encode(*data);
            require(decode_data(anew.content())->message.has_value() == data->message.has_value());
            require(anew.cost == as_it_is.cost);
            return true;
        }
        case FrameKind::chunk: {
            const auto chunk = decode_chunk(frame.body);
            if (chunk) require(inside(chunk->part, frame.body));
            return chunk.has_value();
        }
        case FrameKind::receipt: return read_again(decode_receipt(frame.body), frame.kind);
        case FrameKind::request: {
            const auto request = decode_request(frame.body);
            if (!read_again(request, frame.kind)) return false;
            require(inside(request->body, frame.body));
            require(decode_request(encode(*request).content())->body == request->body);
            return true;
        }
        case FrameKind::response: {
            const auto response = decode_response(frame.body);
            if (!read_again(response, frame.kind)) return false;
            require(inside(response->body, frame.body) && inside(response->text, frame.body));
            require(decode_response(encode(*response).content())->more == response->more);
            return true;
        }
        case FrameKind::notice: {
            const auto notice = im::decode<im::Notice>(frame.body);
            if (!notice) return false;
            for (const im::Typing& each : notice->typing) require(inside(each.user, frame.body));
            require(im::notice_body(*notice).content() == im::encode(*notice));
            return true;
        }
        case FrameKind::feed: {
            const auto feed = im::decode<im::Feed>(frame.body);
            if (!feed) return false;
            for (const im::Entry& entry : feed->entries)
                require(inside(entry.payload, frame.body) && inside(entry.from, frame.body));
            const Body body = im::feed_body(*feed);
            require(body.kind == frame.kind && body.cost == body.content().size());
            require(im::decode<im::Feed>(body.content())->entries.size() == feed->entries.size());
            return true;
        }
        case FrameKind::credential: return read_again(decode_credential(frame.body), frame.kind);
        case FrameKind::credential_state: return read_again(decode_credential_state(frame.body), frame.kind);
        case FrameKind::none: return true;
        case FrameKind::seal: return read_again(decode_seal(frame.body), frame.kind);
        case FrameKind::sealed: {
            const auto sealed = decode_sealed(frame.body);
            if (sealed) require(inside(sealed->ciphertext, frame.body));
            return sealed.has_value();
        }
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view batch(reinterpret_cast<const char*>(data), size);
    BatchReader reader(batch);
    FrameView frame;
    bool sound = true;  // so far
    while (!reader.done()) {
        const auto read = reader.next(frame);
        if (!read) {
            require(reader.done());
            sound = false;
            break;
        }
        require(inside(frame.body, batch));
        require(frame.lane < kMaxLanes && is_numbered(frame.kind) <= (frame.seq != 0));
        sound = decode(frame) && sound;
    }
    const auto json = batch_to_json(batch);
    if (sound) require(json.has_value());  // JSON is made of whatever the decoders accept
    return 0;
}
