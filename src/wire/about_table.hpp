// About as a table: one field a line, as in proto/flare/v1/frame.proto.
//
// Protocol: docs/wire.md, "About".
// Threads:  constants.
#pragma once

#include "wire/about.hpp"
#include "wire/frame.hpp"
#include "wire/lines.hpp"

namespace flare::wire {

template <>
struct Table<About> {
    using T = About;
    static constexpr std::string_view kName = "About";
    static constexpr std::tuple kLines{
        number(1, "reply_to", &T::reply_to),
        number(2, "flags", &T::flags),
        names(3, "mentions", &T::mentions, kMaxMentions),
    };
};

}  // namespace flare::wire
