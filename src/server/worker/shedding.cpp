#include "server/worker/shedding.hpp"

#include "base/log.hpp"
#include "server/worker/shard.hpp"

namespace flare::server {

void Shedding::memory_short() {
    if (state_.shedding.exchange(true)) return;
    const bool begun = router_.give(0, [](Shard& first) { first.shedding().shed(session::Shed::detached); });
    if (!begun) state_.shedding = false;
}

// One worker after the other, so that nobody's client is given up while another worker has something that nobody uses.
void Shedding::shed(session::Shed kind) {
    const std::size_t ended = table_.shed(kind, executor_.now());
    const bool detached = kind == session::Shed::detached;
    (detached ? counters_.sessions_shed_detached : counters_.sessions_shed_stalled) += ended;
    if (ended != 0) {
        base::log().limited(base::LogKind::memory_used_up, "max_memory_bytes is used up: {} {} sessions were ended",
                            ended, detached ? "detached" : "stalled");
    }
    const bool last = index_ + 1 == router_.workers();
    if (!budget_.relieved() && !(last && !detached)) {
        const session::Shed next = last ? session::Shed::stalled : kind;
        const std::uint32_t to = last ? 0 : index_ + 1;
        if (router_.give(to, [next](Shard& shard) { shard.shedding().shed(next); })) return;
    }
    state_.shedding = false;
}

}  // namespace flare::server
