#include "server/worker/router.hpp"

#include "base/place.hpp"
#include "server/worker/shard.hpp"
#include "session/ticket.hpp"

namespace flare::server {

std::uint32_t Router::home_of(const wire::Hello& hello, std::string_view user) const noexcept {
    if (hello.resume) {
        if (const auto place = session::place_in_ticket(hello.resume->ticket)) return base::worker_of(*place, workers_);
    }
    return home_of(user);
}

// std::function wants to be copied, so what is moved along stands in one shared place.
void Router::hand_over(std::uint32_t worker, Arrival arrival) {
    give(worker, [carried = std::make_shared<Arrival>(std::move(arrival))](Shard& shard) {
        shard.reception().arrive(std::move(*carried));
    });
}

}  // namespace flare::server
