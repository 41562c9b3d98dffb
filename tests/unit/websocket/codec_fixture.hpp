// Runs the parser as server and as client, with every input delivered whole, byte
// by byte and in odd pieces. Tests are named after the cases of the Autobahn suite.
#pragma once

#include "transport/websocket/close_code.hpp"
#include "transport/websocket/parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace flare::transport::websocket::test {

// An event with its bytes copied out.
struct Seen {
    EventKind kind = EventKind::none;
    bool text = false;
    std::string payload;
    std::uint16_t code = 0;
    errc error = errc::ok;
    bool operator==(const Seen&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    static constexpr std::array<const char*, 6> kNames = {"none", "message", "ping", "pong", "close", "violation"};
    out << kNames[static_cast<std::size_t>(seen.kind)] << (seen.text ? " text" : "") << " code=" << seen.code
        << " error=" << name(seen.error) << " bytes=" << seen.payload.size();
    if (seen.payload.size() <= 40) out << " \"" << seen.payload << '"';
    return out;
}

inline Seen text(std::string_view payload) { return {EventKind::message, true, std::string(payload), 0, errc::ok}; }
inline Seen binary(std::string_view payload) { return {EventKind::message, false, std::string(payload), 0, errc::ok}; }
inline Seen ping(std::string_view payload) { return {EventKind::ping, false, std::string(payload), 0, errc::ok}; }
inline Seen pong(std::string_view payload) { return {EventKind::pong, false, std::string(payload), 0, errc::ok}; }
inline Seen closed(std::uint16_t code, std::string_view reason = {}) {
    return {EventKind::close, false, std::string(reason), code, errc::ok};
}
inline Seen violation(errc error = errc::websocket_violation) { return {EventKind::violation, false, {}, 0, error}; }

using Events = std::vector<Seen>;

// Frames as the peer of a `role` would write them.
struct FramePeer {
    Role role = Role::server;

    std::string frame(int opcode, std::string_view payload, bool final = true, int reserved = 0) const {
        FrameHead head;
        head.final = final;
        head.reserved = static_cast<std::uint8_t>(reserved);
        head.opcode = static_cast<Opcode>(opcode);
        head.masked = role == Role::server;
        head.key = {0x37, 0xfa, 0x21, 0x3d};
        head.length = payload.size();
        std::array<char, kMaxFrameHeaderBytes> bytes{};
        std::string out(bytes.data(), encode_frame_head(bytes.data(), head));
        const std::size_t start = out.size();
        out.append(payload);
        if (head.masked) mask_into(out.data() + start, out.data() + start, payload.size(), head.key);
        return out;
    }
    std::string text(std::string_view payload, bool final = true) const { return frame(1, payload, final); }
    std::string binary(std::string_view payload, bool final = true) const { return frame(2, payload, final); }
    std::string more(std::string_view payload, bool final) const { return frame(0, payload, final); }
    std::string ping(std::string_view payload) const { return frame(9, payload); }
    std::string pong(std::string_view payload) const { return frame(10, payload); }
    std::string close(int code, std::string_view reason = {}) const {
        std::string payload;
        payload.push_back(static_cast<char>((code >> 8) & 0xFF));
        payload.push_back(static_cast<char>(code & 0xFF));
        payload.append(reason);
        return frame(8, payload);
    }
};

inline void feed(Parser& parser, std::string piece, Events& events) {
    std::span<char> input(piece);
    while (!input.empty()) {
        const Event event = parser.next(input);
        if (event.kind == EventKind::none) continue;
        events.push_back({event.kind, event.text, std::string(event.payload), event.close_code, event.error});
    }
}

class Codec : public ::testing::TestWithParam<std::tuple<Role, std::size_t>> {
protected:
    Role role() const { return std::get<0>(GetParam()); }
    std::size_t piece_bytes() const { return std::get<1>(GetParam()); }  // 0: all at once
    bool byte_by_byte() const { return piece_bytes() == 1; }

    Events receive(const std::string& bytes) {
        Parser parser(role(), accept, max_message_bytes);
        return receive(parser, bytes);
    }
    Events receive(Parser& parser, const std::string& bytes) {
        Events events;
        const std::size_t step = piece_bytes() == 0 ? bytes.size() : piece_bytes();
        for (std::size_t at = 0; at < bytes.size(); at += step) feed(parser, bytes.substr(at, step), events);
        return events;
    }

    FramePeer peer{std::get<0>(GetParam())};
    Accept accept = Accept::any;
    std::size_t max_message_bytes = 16 * 1024 * 1024;
};

inline std::string variant_name(const ::testing::TestParamInfo<Codec::ParamType>& variant) {
    const std::size_t step = std::get<1>(variant.param);
    return std::string(std::get<0>(variant.param) == Role::server ? "Server" : "Client") +
           (step == 0   ? "Whole"
            : step == 1 ? "ByteByByte"
                        : "PiecesOf" + std::to_string(step));
}

// Instantiates a suite (a class derived from Codec) in all roles and deliveries.
#define FLARE_CODEC_SUITE(suite)                                                                                    \
    class suite : public Codec {};                                                                                  \
    INSTANTIATE_TEST_SUITE_P(All, suite,                                                                            \
                             ::testing::Combine(::testing::Values(Role::server, Role::client),                      \
                                                ::testing::Values(std::size_t{0}, std::size_t{1}, std::size_t{7})), \
                             variant_name)

}  // namespace flare::transport::websocket::test
