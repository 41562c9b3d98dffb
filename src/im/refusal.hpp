// Why something in a conversation is not done. A text is a literal that says what is wrong and what to do, so that a
// refusal costs no memory.
//
// Protocol: docs/conversations.md, "Errors" and "Later".
// Threads:  values.
#pragma once

#include <flare/error.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace flare::im {

struct Refusal {
    errc code = errc::internal;
    std::string_view text{};           // lives as long as the program
    std::uint32_t retry_after_ms = 0;  // 0: nobody knows when it may be done
};
using Refused = std::optional<Refusal>;  // nothing: it may be done

// Not now: the same message may be sent again under its id, and nothing of it is remembered.
constexpr bool is_later(errc code) noexcept {
    return code == errc::busy || code == errc::rate_limited || code == errc::storage_full ||
           code == errc::storage_failed;
}

// What a hook says of what it was asked.
struct HookVerdict {
    errc code = errc::ok;  // forbidden: it is refused; busy: not now, because the hook does not answer
    std::string_view text{};
    std::optional<std::uint32_t> size{};  // of the payload, inflated, if the hook has put another in its place
};

// The time of an input: a clock that never jumps for rates and waiting, and the server's Unix time for what is stored.
struct Now {
    std::chrono::steady_clock::time_point steady{};
    std::uint64_t unix_ms = 0;
};

// As retry_after_ms says it: rounded up, and at least 1.
template <typename Duration>
std::uint32_t retry_after(Duration wait) noexcept {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return ms < 1 ? 1 : ms > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(ms);
}
// Until `until_ms`, by Unix time. 0: that is further away than a client waits for, as good as for ever.
constexpr std::uint32_t time_left_ms(std::uint64_t until_ms, std::uint64_t now_ms) noexcept {
    return until_ms <= now_ms || until_ms - now_ms > UINT32_MAX ? 0 : static_cast<std::uint32_t>(until_ms - now_ms);
}

}  // namespace flare::im
