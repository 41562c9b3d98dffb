// Reads what the store has for back-ends: the log of all conversations in the order in which it was committed, how far
// hooks have come in it, and answers that were kept.
//
// Protocol: docs/store.md, "For back-ends".
// Threads:  those of its Reader.
// Owner:    a Reader.
#pragma once

#include "store/backend.hpp"
#include "store/engine.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace flare::store {

struct LogRequest {
    std::uint64_t after = 0;  // a place; 0: from the beginning
    std::uint32_t limit = 100;
    std::uint32_t bytes = 1024 * 1024;  // of types and payloads; one entry is given in any case
};

struct LoggedEntry {
    // Its number in the log of all. What is committed later has a higher one, and none is ever used again.
    std::uint64_t place = 0;
    Row conversation = 0;
    model::ConversationKey key{};
    std::uint64_t epoch = 0;
    bool ended = false;  // the conversation was removed with this, and of `entry` there is only the time
    Entry entry{};       // as Reader::page() gives it, without reactions
};

struct LogPart {
    // Ascending; removed ones are left out. Beyond the limit by those that share the place of the last one.
    std::vector<LoggedEntry> entries{};
    bool more = false;
    std::uint64_t newest = 0;   // place of the last one that is committed, or higher
    std::uint64_t removed = 0;  // who has not come as far as this may have missed what was removed
};

// Puts ends of conversations, ascending, where they belong; beyond the limit there is more. What engines do alike.
void merge_ended(std::vector<LoggedEntry> ended, std::uint32_t limit, LogPart& part);

class BackendReader {
public:
    virtual ~BackendReader() = default;

    virtual Result<LogPart> log(const LogRequest& request) = 0;
    // By name.
    virtual Result<std::vector<HookMark>> hook_marks() = 0;
    // Of those that are not older than kAnswersKeptMs at `now_ms`.
    virtual Result<std::optional<KeptAnswer>> kept_answer(std::string_view key, std::uint64_t now_ms) = 0;
};

// The place behind which everything from `unix_ms` on is told. Errors: the reader's.
Result<std::uint64_t> place_before(Reader& reader, std::uint64_t unix_ms);

}  // namespace flare::store
