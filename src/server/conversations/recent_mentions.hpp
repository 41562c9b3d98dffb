// Whom messages of a log have named lately, as far as those who are only told its end are still to hear of it.
//
// Protocol: docs/protocol.md, "States".
// Threads:  its worker's. Pure state: time is an argument.
// Owner:    SummedUp.
#pragma once

#include "server/conversations/watched.hpp"
#include "session/types.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace flare::server {

class RecentMentions {
public:
    // Users with those who have named them. Of more, the oldest are forgotten: the next sync counts them.
    static constexpr std::size_t kMost = 128;

    bool empty() const noexcept { return all_.empty(); }
    // Who is to be told at once, by row: of each user once in `interval`. Who named themselves is not, nor are those of
    // a message that names all.
    std::vector<im::Row> add(std::span<const Mention> mentions, session::TimePoint now, session::Duration interval);
    // The newest message behind `told` in which somebody else has named the user; 0: there is none.
    std::uint64_t newest_for(im::Row user, std::uint64_t told) const noexcept;
    // Everybody has heard of what is here; who was told after `at` is not told at once again.
    void all_told(session::TimePoint at);

private:
    struct Named {
        Mention mention;
        session::TimePoint told_at{};  // at once, the last time
        bool told = false;             // it ever was
    };
    bool was_told_after(im::Row user, session::TimePoint at) const noexcept;

    std::vector<Named> all_;  // the newest last
};

}  // namespace flare::server
