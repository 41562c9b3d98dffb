#include "server/conversations/watching.hpp"

#include "server/worker/shard.hpp"

#include <utility>

namespace flare::server {

void Watching::tell(Word word) {
    const std::uint32_t home = router_.home_of(word.key.text());
    to_homes_[home].push_back(std::move(word));
    if (!std::exchange(turn_ends_, true)) executor_.later([this] { end_turn(); });
}

void Watching::end_turn() {
    turn_ends_ = false;
    for (std::uint32_t home = 0; home < to_homes_.size(); ++home) {
        if (to_homes_[home].empty()) continue;
        const auto tell = [from = index_, who = who_, words = std::exchange(to_homes_[home], {})](Watched& watched) {
            for (const Word& each : words) {
                if (each.generation == 0) {
                    watched.unwatch(from, who, each.key);
                } else {
                    watched.watch(from, who, each.key, each.generation);
                }
            }
        };
        if (home == index_) {
            tell(watched_);
        } else {
            router_.give(home, [tell](Shard& shard) { tell(shard.conversations()->home.watched()); });
        }
    }
}

}  // namespace flare::server
