// Conversations that somebody has listed lately, as they are now: to read 200 rows for a list takes longer than all the
// rest of it.
//
// Each row has one place, which the last one asked for takes. Who finds nothing there reads the row, and says what it
// was; a commit that changes the conversation in between makes that void.
//
// Protocol: docs/store.md, "Listing".
// Threads:  one at a time: the lock of its HeadTable.
// Owner:    HeadTable.
#pragma once

#include "store/engine.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace flare::store::sqlite {

class KnownConversations {
public:
    static constexpr std::size_t kMost = 64 * 1024;  // a power of two; of 350 bytes each, with their texts

    struct Place {
        Row row = 0;
        std::uint64_t ticket = 0;                            // of who will say what the row is
        std::shared_ptr<const Conversation> conversation{};  // null: nobody has said it
        model::Head head{};                                  // newer than conversation->head
    };

    // The place of that row, which is another one's no more. Valid until the next call.
    const Place& take(Row row);
    // Null: nothing is known.
    const Place* find(Row row) const noexcept;
    // With its head as it was behind take(), which gave the ticket.
    void learn(Row row, std::uint64_t ticket, std::shared_ptr<const Conversation> conversation) noexcept;
    // A commit: a new head, and maybe (`reshaped`) more that has changed.
    void publish(Row row, const model::Head& head, bool reshaped) noexcept;

private:
    static constexpr std::size_t kRows = 1024;
    using Chunk = std::array<Place, kRows>;

    Place* at(Row row) const noexcept {
        const auto& chunk = chunks_[row % kMost / kRows];
        return chunk == nullptr ? nullptr : &(*chunk)[row % kRows];
    }

    std::array<std::unique_ptr<Chunk>, kMost / kRows> chunks_{};
    std::uint64_t last_ticket_ = 0;
};

}  // namespace flare::store::sqlite
