// A bounded protobuf reader for bytes from a peer: it never throws, asserts or reads past the end.
// (protozero's reader reports bad bytes by exceptions, which a path that faces the network cannot afford.)
//
// Protocol: docs/wire.md, "Fields".
// Threads:  one at a time.
#pragma once

#include "base/utf8.hpp"

#include <flare/error.hpp>
#include <flare/uuid.hpp>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace flare::wire {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

// What stands in front of a field: its number and how its value is encoded.
constexpr std::uint32_t tag(std::uint32_t field, WireType type) noexcept {
    return field << 3 | static_cast<std::uint32_t>(type);
}
constexpr std::uint32_t number_tag(std::uint32_t field) noexcept { return tag(field, WireType::varint); }
constexpr std::uint32_t fixed_tag(std::uint32_t field) noexcept { return tag(field, WireType::fixed64); }
constexpr std::uint32_t bytes_tag(std::uint32_t field) noexcept { return tag(field, WireType::bytes); }

// Used as
//     while (reader.next()) {
//         switch (reader.tag()) {
//             case number_tag(1): epoch = reader.number(); break;
//             default: reader.skip(1);  // the last field number that this message knows
//         }
//     }
//     if (reader.failed()) return reader.error();
// After a failure next() gives false, so that one test at the end is enough.
//
// No function here that is not inlined takes `this`: the position stays in registers, which is half the speed.
class Reader {
public:
    explicit Reader(std::string_view bytes) noexcept : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    // Takes the next field, tag and value.
    bool next() noexcept {
        if (at_ == end_) return false;
        std::uint64_t tag = 0;
        if (!take(tag) || tag < 8 || tag > std::numeric_limits<std::uint32_t>::max()) return fail();
        tag_ = static_cast<std::uint32_t>(tag);
        switch (type()) {
            case WireType::varint: return take(number_) || fail();
            case WireType::bytes:
                if (!take(number_) || number_ > left()) return fail();
                bytes_ = at_;
                at_ += number_;
                return true;
            case WireType::fixed64:
            case WireType::fixed32: {
                const std::size_t size = type() == WireType::fixed64 ? 8 : 4;
                if (left() < size) return fail();
                bytes_ = at_;
                at_ += size;
                return true;
            }
        }
        return fail();  // groups, which proto3 does not have, and wire types that nobody has
    }
    std::uint32_t tag() const noexcept { return tag_; }
    std::uint32_t field() const noexcept { return tag_ >> 3; }
    WireType type() const noexcept { return static_cast<WireType>(tag_ & 7); }

    bool failed() const noexcept { return code_ != errc::ok; }
    errc code() const noexcept { return code_; }
    boost::system::error_code error() const noexcept { return code_; }
    bool fail(errc code = errc::malformed_frame) noexcept {
        if (code_ == errc::ok) code_ = code;
        at_ = end_;
        return false;
    }
    // Fails as the reader of a part did.
    void join(errc part) noexcept {
        if (part != errc::ok) fail(part);
    }

    // The value of a field of wire type varint.
    std::uint64_t number() const noexcept { return number_; }
    std::uint32_t small_number() noexcept {
        if (number_ > std::numeric_limits<std::uint32_t>::max()) fail();
        return static_cast<std::uint32_t>(number_);
    }

    // The value of a field of wire type fixed64.
    std::uint64_t fixed() const noexcept {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < 8; ++i)
            value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[i])) << (8 * i);
        return value;
    }

    // The value of a field of wire type bytes.
    std::string_view bytes() const noexcept { return {bytes_, static_cast<std::size_t>(number_)}; }
    // At most `limit` bytes.
    std::string_view bytes(std::size_t limit) noexcept {
        if (number_ > limit) fail();
        return bytes();
    }
    // At most `limit` bytes of UTF-8.
    std::string_view text(std::size_t limit) noexcept {
        if (number_ > limit) {
            fail();
        } else if (!base::is_utf8(bytes())) {
            fail(errc::invalid_utf8);
        }
        return bytes();
    }
    // 16 bytes, or none (nil), which proto3 does not tell from absent.
    Uuid uuid() noexcept {
        Uuid id;
        if (number_ == id.bytes.size()) {
            std::memcpy(id.bytes.data(), bytes_, id.bytes.size());
        } else if (number_ != 0) {
            fail();
        }
        return id;
    }

    // For a field that nobody reads. When its number is <= `last_known`, it came with the wrong wire type.
    void skip(std::uint32_t last_known) noexcept {
        if (field() <= last_known) fail();
    }

    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }

    // A varint that is no field: the length before a frame.
    bool take(std::uint64_t& value) noexcept {
        // Byte by byte, because the branches are well predicted: the next field can be looked at before this number
        // is known, whereas a length computed from the bits would have to be waited for.
        if (at_ == end_) return false;
        const auto first = static_cast<unsigned char>(at_[0]);
        if (first < 0x80) {
            value = first;
            at_ += 1;
            return true;
        }
        if (left() >= 2) {
            const auto second = static_cast<unsigned char>(at_[1]);
            if (second < 0x80) {
                value = (first & 0x7fu) | static_cast<std::uint64_t>(second) << 7;
                at_ += 2;
                return true;
            }
        }
        const LongVarint found = long_varint(at_, end_);
        if (found.end == nullptr) return false;
        value = found.value;
        at_ = found.end;
        return true;
    }

    // Bytes that are no field, with their length before them: a frame in its batch.
    bool take_prefixed(std::string_view& value) noexcept {
        std::uint64_t length = 0;
        if (!take(length) || length > left()) return false;
        value = {at_, static_cast<std::size_t>(length)};
        at_ += length;
        return true;
    }

private:
    struct LongVarint {
        const char* end = nullptr;  // null: it does not end in time
        std::uint64_t value = 0;
    };
    static LongVarint long_varint(const char* at, const char* end) noexcept;

    const char* at_;
    const char* end_;
    std::uint64_t number_ = 0;  // or the length of bytes
    const char* bytes_ = nullptr;
    std::uint32_t tag_ = 0;
    errc code_ = errc::ok;
};

}  // namespace flare::wire
