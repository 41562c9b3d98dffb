// What the store keeps for back-ends, beside conversations: how far each hook has come, and the answers that were given
// under an Idempotency-Key.
//
// Protocol: docs/store.md, "For back-ends".
// Threads:  values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace flare::store {

inline constexpr std::size_t kMostHooks = 64;
// What a hook has not had stays until its oldest is so old; then it may be removed unheard.
inline constexpr std::uint64_t kHeldForHooksMs = std::uint64_t{72} * 60 * 60 * 1000;
inline constexpr std::uint64_t kAnswersKeptMs = std::uint64_t{24} * 60 * 60 * 1000;
inline constexpr std::uint64_t kMostKeptAnswers = 1'000'000;  // the oldest go first

// How far a hook has come in the log of all conversations. It never goes back, but where it is told to.
struct HookMark {
    std::string name{};
    std::uint64_t place = 0;       // LoggedEntry::place of the last one that it has had
    bool set = false;              // also back, to have them again; also one that is new
    bool removed = false;          // it is forgotten
    std::optional<bool> paused{};  // nothing: as it was

    friend bool operator==(const HookMark&, const HookMark&) = default;
};

// The answer to a request that must not be done twice. The first one under its key stays.
struct KeptAnswer {
    std::string key{};    // 32 bytes: a hash of who asks and their Idempotency-Key
    std::string asked{};  // 32 bytes: a hash of what was asked
    std::uint32_t status = 0;
    std::string content_type{};
    std::string body{};

    friend bool operator==(const KeptAnswer&, const KeptAnswer&) = default;
};

}  // namespace flare::store
