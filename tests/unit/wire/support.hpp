// What the tests of wire share: hex, files, and decoding everything that a batch holds.
#pragma once

#include "wire/batch.hpp"
#include "wire/feeds.hpp"
#include "wire/signals.hpp"
#include "wire/writer.hpp"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace flare::wire::test {

inline std::string to_hex(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}

// Blanks are skipped.
inline std::string from_hex(std::string_view hex) {
    std::string out;
    int high = -1;
    for (const char c : hex) {
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) continue;
        if (high < 0) {
            high = digit;
        } else {
            out += static_cast<char>(high << 4 | digit);
            high = -1;
        }
    }
    return out;
}

inline std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

template <typename T>
boost::system::error_code error_of(const Result<T>& result) {
    return result ? boost::system::error_code() : result.error();
}

inline boost::system::error_code decode_body(FrameKind kind, std::string_view body) {
    switch (kind) {
        case FrameKind::hello: return error_of(decode_hello(body));
        case FrameKind::welcome: return error_of(decode_welcome(body));
        case FrameKind::refused: return error_of(decode_refused(body));
        case FrameKind::activate: return error_of(decode_activate(body));
        case FrameKind::goodbye: return error_of(decode_goodbye(body));
        case FrameKind::ping:
        case FrameKind::pong: return error_of(decode_ping(body));
        case FrameKind::data: return error_of(decode_data(body));
        case FrameKind::chunk: return error_of(decode_chunk(body));
        case FrameKind::receipt: return error_of(decode_receipt(body));
        case FrameKind::credential: return error_of(decode_credential(body));
        case FrameKind::credential_state: return error_of(decode_credential_state(body));
        case FrameKind::seal: return error_of(decode_seal(body));
        case FrameKind::sealed: return error_of(decode_sealed(body));
        case FrameKind::request: return error_of(decode_request(body));
        case FrameKind::response: return error_of(decode_response(body));
        case FrameKind::feed: return error_of(im::decode<im::Feed>(body));
        case FrameKind::notice: return error_of(im::decode<im::Notice>(body));
        case FrameKind::none: break;
    }
    return {};
}

// The first error in a batch, in its frames or in their bodies.
inline boost::system::error_code decode_all(std::string_view batch) {
    BatchReader reader(batch);
    FrameView frame;
    while (!reader.done()) {
        if (const auto read = reader.next(frame); !read) return read.error();
        if (frame.unknown_kind) return errc::unexpected_frame;
        if (const auto error = decode_body(frame.kind, frame.body)) return error;
    }
    return {};
}

// A batch of one frame.
inline std::string frame_of(const Body& body, const FrameHeader& header = {}) {
    Batch batch;
    batch.add(header, body);
    return batch.str();
}

inline FrameHeader numbered(Seq seq, LaneIndex lane = 0) {
    FrameHeader header;
    header.lane = lane;
    header.seq = seq;
    return header;
}

// A body with this content, whatever it says.
inline Body raw_body(FrameKind kind, std::string_view content) {
    Body body;
    body.kind = kind;
    body.content_offset = static_cast<std::uint32_t>(body_size(kind, content.size()) - content.size());
    body.bytes = Bytes::make(body.content_offset + content.size(),
                             [&](char* out) { put_raw(put_body_tag(out, kind, content.size()), content); });
    return body;
}

inline Uuid uuid(std::string_view text) { return *Uuid::parse(text); }

// n bytes that count up from `first`.
inline std::string counting(std::size_t n, unsigned first = 0) {
    std::string out(n, '\0');
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<char>(first + i);
    return out;
}

}  // namespace flare::wire::test
