// What a store in memory has for back-ends.
//
// Protocol: docs/store.md, "For back-ends".
// Threads:  one at a time: the lock of its Disk.
// Owner:    Data.
#pragma once

#include "store/backend_reader.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flare::store::memory {

class Data;

class Backend {
public:
    // A HookMark or a KeptAnswer.
    void write(Write& write, std::uint64_t now_ms, bool full);

    std::vector<HookMark> hook_marks() const;
    std::optional<KeptAnswer> kept_answer(std::string_view key, std::uint64_t now_ms) const;

private:
    void mark(const HookMark& mark, Outcome& outcome);
    void keep(const KeptAnswer& answer, std::uint64_t now_ms, Outcome& outcome);

    struct Answer {
        KeptAnswer answer{};
        std::uint64_t made_ms = 0;
    };
    std::map<std::string, HookMark, std::less<>> hooks_;
    std::map<std::string, Answer, std::less<>> answers_;
};

// What is removed is gone at once, whether hooks have had it or not.
LogPart log_part(const Data& data, const LogRequest& request);

}  // namespace flare::store::memory
