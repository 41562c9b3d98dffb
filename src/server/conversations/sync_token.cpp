#include "server/conversations/sync_token.hpp"

#include <cstddef>

namespace flare::server::reading {
namespace {

constexpr std::size_t kNumberBytes = 8;
constexpr std::size_t kCursorBytes = 2 * kNumberBytes;
constexpr std::size_t kTokenBytes = 5 * kNumberBytes;

void put(std::string& out, std::uint64_t number) {
    for (unsigned i = 0; i < kNumberBytes; ++i) out += static_cast<char>(number >> (8 * i));
}

std::uint64_t get(std::string_view& from) {
    std::uint64_t number = 0;
    for (unsigned i = 0; i < kNumberBytes; ++i)
        number |= static_cast<std::uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i);
    from.remove_prefix(kNumberBytes);
    return number;
}

}  // namespace

std::string cursor_of(std::uint64_t generation, std::uint64_t upto) {
    std::string cursor;
    put(cursor, generation);
    put(cursor, upto);
    return cursor;
}

std::string token_of(const SyncPlace& place) {
    std::string token;
    put(token, place.generation);
    put(token, place.above);
    put(token, place.upto);
    put(token, place.before_stamp);
    put(token, place.before_row);
    return token;
}

std::optional<SyncPlace> place_of(std::string_view cursor, std::string_view page) {
    SyncPlace place;
    if (!page.empty()) {
        if (page.size() != kTokenBytes) return std::nullopt;
        place.generation = get(page);
        place.above = get(page);
        place.upto = get(page);
        place.before_stamp = get(page);
        place.before_row = get(page);
        const bool in_order = place.upto != 0 && place.above <= place.upto && place.above < place.before_stamp;
        return in_order ? std::optional(place) : std::nullopt;
    }
    if (cursor.empty()) return place;
    if (cursor.size() != kCursorBytes) return std::nullopt;
    place.generation = get(cursor);
    place.above = get(cursor);
    return place;
}

}  // namespace flare::server::reading
