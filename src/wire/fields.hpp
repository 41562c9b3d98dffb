// Fields that several frames share: states of lanes, error codes, enums.
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
    Reader part(reader.bytes());
    LaneState state;
    while (part.next()) {
        switch (part.tag()) {
            case number_tag(1): state.lane = part.small_number(); break;
            case number_tag(2): state.received = part.number(); break;
            case number_tag(3): state.max_seq = part.number(); break;
            case number_tag(4): state.max_bytes = part.number(); break;
            default: part.skip(4);
        }
    }
    if (state.lane >= kMaxLanes || states.size() == states.capacity()) part.fail(errc::malformed_frame);
    reader.join(part.code());
    if (!part.failed()) states.push_back(state);
}

inline std::size_t lane_state_size(const LaneState& state) noexcept {
    return number_size(state.lane) + number_size(state.received) + number_size(state.max_seq) +
           number_size(state.max_bytes);
}

// The field `field` (at most 15) with `state` in it, whose lane_state_size() is `size`.
inline char* put_lane_state(char* out, std::uint32_t field, const LaneState& state, std::size_t size) noexcept {
    out = put_varint(put_tag(out, bytes_tag(field)), size);
    out = put_number(out, 1, state.lane);
    out = put_number(out, 2, state.received);
    out = put_number(out, 3, state.max_seq);
    return put_number(out, 4, state.max_bytes);
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
