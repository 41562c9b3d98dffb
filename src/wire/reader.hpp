// A bounded protobuf reader that never throws: for bytes from a peer.
// (protozero writes our frames; its reader reports bad bytes by exceptions, which a hot path that
// faces the network cannot afford.)
//
// Protocol: the protobuf encoding (varint, 64-bit, length-delimited, 32-bit).
// Threads:  one at a time.
#pragma once

#include <cstdint>
#include <string_view>

namespace flare::wire {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

class Reader {
public:
    explicit Reader(std::string_view bytes) noexcept : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

    // Reads the next field's tag and value. False: the end, or an error (see failed()).
    bool next() noexcept {
        if (at_ == end_ || failed_) return false;
        std::uint64_t tag = 0;
        if (!varint(tag)) return fail();
        field_ = static_cast<std::uint32_t>(tag >> 3);
        type_ = static_cast<WireType>(tag & 7);
        if (tag > 0xffffffffull || field_ == 0) return fail();
        switch (type_) {
            case WireType::varint:
                return varint(number_) || fail();
            case WireType::bytes: {
                std::uint64_t length = 0;
                if (!varint(length) || length > static_cast<std::uint64_t>(end_ - at_)) return fail();
                bytes_ = {at_, static_cast<std::size_t>(length)};
                at_ += length;
                return true;
            }
            case WireType::fixed64:
                return skip(8);
            case WireType::fixed32:
                return skip(4);
        }
        return fail();  // groups and unknown types
    }

    bool failed() const noexcept { return failed_; }
    std::uint32_t field() const noexcept { return field_; }
    WireType type() const noexcept { return type_; }
    // The value of a varint field; of any other type the peer has erred.
    bool number(std::uint64_t& value) noexcept {
        if (type_ != WireType::varint) return fail();
        value = number_;
        return true;
    }
    bool bytes(std::string_view& value) noexcept {
        if (type_ != WireType::bytes) return fail();
        value = bytes_;
        return true;
    }
    bool fail() noexcept {
        failed_ = true;
        return false;
    }

    // A varint in front of `bytes`, taken off. False: it does not end, or is longer than 10 bytes.
    static bool take_varint(std::string_view& bytes, std::uint64_t& value) noexcept {
        Reader reader(bytes);
        if (!reader.varint(value)) return false;
        bytes.remove_prefix(static_cast<std::size_t>(reader.at_ - bytes.data()));
        return true;
    }

private:
    bool varint(std::uint64_t& value) noexcept {
        if (at_ != end_ && static_cast<unsigned char>(*at_) < 0x80) {
            value = static_cast<unsigned char>(*at_++);
            return true;
        }
        return long_varint(value);
    }
    bool long_varint(std::uint64_t& value) noexcept {
        value = 0;
        for (unsigned shift = 0; shift < 70 && at_ != end_; shift += 7) {
            const auto byte = static_cast<unsigned char>(*at_++);
            if (shift == 63 && byte > 1) return false;  // more than 64 bits
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return true;
        }
        return false;
    }
    bool skip(std::ptrdiff_t count) noexcept {
        if (end_ - at_ < count) return fail();
        at_ += count;
        return true;
    }

    const char* at_;
    const char* end_;
    std::uint64_t number_ = 0;
    std::string_view bytes_;
    std::uint32_t field_ = 0;
    WireType type_ = WireType::varint;
    bool failed_ = false;
};

}  // namespace flare::wire
