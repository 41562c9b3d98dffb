#include "base/utf8.hpp"

namespace flare::base {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080ull;

std::uint64_t word_at(const char* at) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    return word;
}

// How many of the leading bytes are surely ASCII: in blocks first, which the compiler turns into wide loads.
std::size_t ascii_prefix(const char* text, std::size_t size) noexcept {
    std::size_t at = 0;
    for (; size - at >= 32; at += 32) {
        const char* block = text + at;
        if (((word_at(block) | word_at(block + 8) | word_at(block + 16) | word_at(block + 24)) & kHighBits) != 0) break;
    }
    while (size - at >= 8 && (word_at(text + at) & kHighBits) == 0) at += 8;
    while (at < size && static_cast<unsigned char>(text[at]) < 0x80) ++at;
    return at;
}

}  // namespace

bool Utf8Validator::feed(std::string_view part) noexcept {
    std::size_t at = 0;
    while (at < part.size()) {
        if (pending_ == 0) {
            at += ascii_prefix(part.data() + at, part.size() - at);
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

bool is_utf8_of_any_length(std::string_view text) noexcept {
    Utf8Validator validator;
    return validator.feed(text) && validator.complete();
}

}  // namespace flare::base
