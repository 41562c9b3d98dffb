// Fields shared by several frames: lane states, error codes, enums.
//
// Protocol: docs/wire.md, "Fields".
// Threads:  pure functions.
#pragma once

#include "wire/frame.hpp"
#include "wire/reader.hpp"
#include "wire/writer.hpp"

namespace flare::wire {

// Takes the LaneState that `reader` stands at. More than kMaxLanes of them, or a lane that cannot be: malformed_frame.
inline void read_lane_state(Reader& reader, LaneStates& states) noexcept {
    if (states.size() == kMaxLanes) {
        reader.fail();
        return;
    }
    LaneState& state = states.emplace_back();
    Reader part(reader.bytes());
    while (part.next()) {
        switch (part.tag()) {
            case number_tag(1): state.lane = part.small_number(); break;
            case number_tag(2): state.received = part.number(); break;
            case number_tag(3): state.max_seq = part.number(); break;
            case number_tag(4): state.max_bytes = part.number(); break;
            default: part.skip(4);
        }
    }
    if (state.lane >= kMaxLanes) part.fail();
    reader.join(part.code());
}

inline std::size_t lane_state_size(const LaneState& state) noexcept {
    return number_size(state.lane) + number_size(state.received) + number_size(state.max_seq) +
           number_size(state.max_bytes);
}

// The field `field` (at most 15) with `state` in it: at most 2 + 6 + 3 * 11 bytes.
inline char* put_lane_state(char* out, std::uint32_t field, const LaneState& state) noexcept {
    *out++ = static_cast<char>(bytes_tag(field));
    char* const content = out + 1;  // its length fits into one byte
    char* end = put_number(content, 1, state.lane);
    end = put_number(end, 2, state.received);
    end = put_number(end, 3, state.max_seq);
    end = put_number(end, 4, state.max_bytes);
    *out = static_cast<char>(end - content);
    return end;
}

// A number that no version will give to an error becomes `internal`; others are kept, known or not.
inline errc to_errc(std::uint64_t number) noexcept {
    return number <= 0xffff ? static_cast<errc>(number) : errc::internal;
}

// A value of a newer version becomes `otherwise`.
template <typename Enum>
Enum to_enum(std::uint64_t number, Enum last, Enum otherwise) noexcept {
    return number <= static_cast<std::uint64_t>(last) ? static_cast<Enum>(number) : otherwise;
}

}  // namespace flare::wire
