// What a message says beside its payload: which one it answers, and whom it names. It travels as bytes, because most
// messages say nothing: whoever asks decodes them.
//
// Protocol: proto/flare/v1/frame.proto, About; docs/wire.md, "About".
// Threads:  pure functions and values.
#pragma once

#include <flare/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flare::wire {

inline constexpr std::size_t kMaxMentions = 50;

struct About {
    std::uint64_t reply_to = 0;                // the offset of a message of the same conversation; 0: none
    std::uint32_t flags = 0;                   // model::kSilent, model::kMentionAll
    std::vector<std::string_view> mentions{};  // users; views into what was decoded

    bool says_something() const noexcept { return reply_to != 0 || flags != 0 || !mentions.empty(); }
};

// Empty if it says nothing.
std::string encode(const About& about);
// Errors: malformed_frame (more than kMaxMentions too), invalid_utf8.
Result<About> decode_about(std::string_view bytes);

}  // namespace flare::wire
