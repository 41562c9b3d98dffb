// Writes protobuf fields into memory that is large enough: sizes first, then bytes, each once and in place.
// A field with its proto3 default (0, empty) is left out.
//
// Protocol: docs/wire.md, "Fields".
// Threads:  pure functions.
#pragma once

#include "wire/frame.hpp"
#include "wire/reader.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace flare::wire {

constexpr std::size_t varint_size(std::uint64_t value) noexcept {
    if (value < 0x80) return 1;
    // One byte for each seven bits begun: (bits + 6) / 7, without a division.
    return (640 - static_cast<std::size_t>(std::countl_zero(value)) * 9) / 64;
}

// Fields 1 to 15 only: their tag is one byte.
constexpr std::size_t number_size(std::uint64_t value) noexcept { return value == 0 ? 0 : 1 + varint_size(value); }
constexpr std::size_t fixed_size(std::uint64_t value) noexcept { return value == 0 ? 0 : 1 + 8; }
// With the field even if it is empty: an element of a list, a message that is there.
constexpr std::size_t part_size(std::size_t length) noexcept { return 1 + varint_size(length) + length; }
constexpr std::size_t bytes_size(std::size_t length) noexcept { return length == 0 ? 0 : part_size(length); }

// The field of the oneof in Frame around `content` bytes.
constexpr std::size_t body_tag_size(FrameKind kind) noexcept { return static_cast<unsigned>(kind) < 16 ? 1 : 2; }
constexpr std::size_t body_size(FrameKind kind, std::size_t content) noexcept {
    return body_tag_size(kind) + varint_size(content) + content;
}

inline char* put_varint(char* out, std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>(value | 0x80);
    *out++ = static_cast<char>(value);
    return out;
}

// Names and ids are short: two overlapping moves are cheaper than a call.
inline char* put_raw(char* out, std::string_view bytes) noexcept {
    const std::size_t size = bytes.size();
    if (size > 16) {
        std::memcpy(out, bytes.data(), size);
    } else if (size >= 8) {
        std::memcpy(out, bytes.data(), 8);
        std::memcpy(out + size - 8, bytes.data() + size - 8, 8);
    } else if (size >= 4) {
        std::memcpy(out, bytes.data(), 4);
        std::memcpy(out + size - 4, bytes.data() + size - 4, 4);
    } else {
        for (std::size_t i = 0; i < size; ++i) out[i] = bytes[i];
    }
    return out + size;
}

// Fields 1 to 15.
inline char* put_tag(char* out, std::uint32_t tag) noexcept {
    *out = static_cast<char>(tag);
    return out + 1;
}

inline char* put_number(char* out, std::uint32_t field, std::uint64_t value) noexcept {
    return value == 0 ? out : put_varint(put_tag(out, number_tag(field)), value);
}

inline char* put_fixed_value(char* out, std::uint64_t value) noexcept {
    for (unsigned i = 0; i < 8; ++i) *out++ = static_cast<char>(value >> (8 * i));
    return out;
}

inline char* put_fixed(char* out, std::uint32_t field, std::uint64_t value) noexcept {
    return value == 0 ? out : put_fixed_value(put_tag(out, fixed_tag(field)), value);
}

inline char* put_bytes(char* out, std::uint32_t field, std::string_view value) noexcept {
    return value.empty() ? out : put_raw(put_varint(put_tag(out, bytes_tag(field)), value.size()), value);
}

inline char* put_body_tag(char* out, FrameKind kind, std::size_t content) noexcept {
    return put_varint(put_varint(out, bytes_tag(static_cast<std::uint32_t>(kind))), content);
}

// A text that stands for people, cut to kMaxTextBytes, but not inside a character.
inline std::string_view cut_text(std::string_view text) noexcept {
    if (text.size() <= kMaxTextBytes) return text;
    std::size_t end = kMaxTextBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end);
}

}  // namespace flare::wire
