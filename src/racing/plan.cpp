#include "racing/plan.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace flare::racing {

std::vector<Start> plan(const std::vector<Entrant>& entrants) {
    std::vector<std::size_t> order(entrants.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const Entrant& x = entrants[a];
        const Entrant& y = entrants[b];
        return std::tuple(x.doubtful, !x.favourite, -x.weight) < std::tuple(y.doubtful, !y.favourite, -y.weight);
    });
    std::vector<Start> starts;
    std::chrono::milliseconds after{0};
    for (std::size_t i = 0; i < order.size(); ++i) {
        const Entrant& entrant = entrants[order[i]];
        if (i > 0) {
            const Entrant& before = entrants[order[i - 1]];
            const bool whole =
                before.favourite || (entrant.doubtful && !before.doubtful) || before.protocol == entrant.protocol;
            const double share = std::clamp((before.weight - entrant.weight) / kFullStaggerDifference, 0.0, 1.0);
            after += whole ? kStagger
                           : std::chrono::milliseconds(
                                 static_cast<std::int64_t>(share * static_cast<double>(kStagger.count()) + 0.5));
        }
        starts.push_back({order[i], after});
    }
    return starts;
}

}  // namespace flare::racing
