#include "wire/utf8.hpp"

#include <cstring>

namespace flare::wire {
namespace {

// How many of the leading bytes are ASCII; eight at a time.
std::size_t ascii_prefix(std::string_view text) noexcept {
    std::size_t at = 0;
    while (at + 8 <= text.size()) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, 8);
        if ((word & 0x8080808080808080ull) != 0) break;
        at += 8;
    }
    while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
    return at;
}

}  // namespace

bool Utf8Validator::feed(std::string_view part) noexcept {
    std::size_t at = 0;
    while (at < part.size()) {
        if (pending_ == 0) {
            at += ascii_prefix(part.substr(at));
            if (at == part.size()) return true;
        }
        const auto byte = static_cast<unsigned char>(part[at++]);
        if (pending_ != 0) {
            if (byte < low_ || byte > high_) return false;
            low_ = 0x80;
            high_ = 0xbf;
            --pending_;
        } else if (byte >= 0xc2 && byte <= 0xdf) {
            pending_ = 1;
        } else if (byte >= 0xe0 && byte <= 0xef) {
            pending_ = 2;
            if (byte == 0xe0) low_ = 0xa0;   // overlong
            if (byte == 0xed) high_ = 0x9f;  // surrogates
        } else if (byte >= 0xf0 && byte <= 0xf4) {
            pending_ = 3;
            if (byte == 0xf0) low_ = 0x90;   // overlong
            if (byte == 0xf4) high_ = 0x8f;  // beyond U+10FFFF
        } else {
            return false;
        }
    }
    return true;
}

bool is_utf8(std::string_view text) noexcept {
    Utf8Validator validator;
    return validator.feed(text) && validator.complete();
}

}  // namespace flare::wire
