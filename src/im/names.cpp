#include "im/names.hpp"

#include "base/utf8.hpp"
#include "im/limits.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace flare::im {
namespace {

Refusal refused_name(std::string_view text) { return {errc::invalid_name, text}; }

bool is_ascii(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// U+0000 to U+001F and U+007F to U+009F. `text` is UTF-8.
bool has_control_characters(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return true;
        if (byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
    }
    return false;
}

struct Freed {
    void operator()(utf8proc_uint8_t* memory) const noexcept { std::free(memory); }  // NOLINT: utf8proc's malloc
};

// `text` is UTF-8 of a bounded size.
bool is_composed(std::string_view text) {
    if (is_ascii(text)) return true;
    utf8proc_uint8_t* made = nullptr;
    const auto* const bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    const auto size = utf8proc_map(bytes, static_cast<utf8proc_ssize_t>(text.size()), &made,
                                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    const std::unique_ptr<utf8proc_uint8_t, Freed> owned(made);
    return size >= 0 && std::string_view(reinterpret_cast<const char*>(made), static_cast<std::size_t>(size)) == text;
}

}  // namespace

Refused check_room_name(std::string_view name) {
    if (name.empty()) return refused_name("a room needs a name: 1 to 128 bytes behind \"room:\"");
    if (name.size() > kMaxRoomNameBytes)
        return refused_name(
            "the name of the room is longer than 128 bytes: choose a shorter one, and put the rest "
            "into the title");
    if (!base::is_utf8(name)) return refused_name("the name of the room is not UTF-8: encode it as UTF-8");
    if (has_control_characters(name))
        return refused_name("the name of the room has a control character: remove line ends, tabs and the like");
    if (!is_composed(name))
        return refused_name(
            "the name of the room is not in Unicode normalization form C: normalize it (NFC) before "
            "it is used");
    return {};
}

Refused check_title(std::string_view title) {
    if (title.size() > kMaxTitleBytes) return refused_name("the title is longer than 256 bytes: choose a shorter one");
    if (!base::is_utf8(title)) return refused_name("the title is not UTF-8: encode it as UTF-8");
    if (has_control_characters(title))
        return refused_name("the title has a control character: remove line ends, tabs and the like");
    return {};
}

Refused check_reaction(std::string_view key) {
    if (key.empty()) return refused_name("the reaction is empty: give 1 to 64 bytes, an emoji for example");
    if (key.size() > kMaxReactionBytes)
        return refused_name("the reaction is longer than 64 bytes: give a shorter one, an emoji for example");
    if (!base::is_utf8(key)) return refused_name("the reaction is not UTF-8: encode it as UTF-8");
    if (has_control_characters(key))
        return refused_name("the reaction has a control character: remove line ends, tabs and the like");
    return {};
}

}  // namespace flare::im
