// Users between two processes of a server: docs/server.md, "Storms".
#include "base/log.hpp"
#include "server/impl.hpp"
#include "server/returning_file.hpp"

#include <algorithm>

#include <unistd.h>

namespace flare {
namespace {

// Nobody's moment lies further ahead; a clock that was set back does not make it so.
constexpr std::chrono::hours kFurthestAhead{24};

std::chrono::milliseconds unix_now() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

}  // namespace

// Called while the workers say goodbye; the disk is waited for here, where nobody else waits.
void Server::Impl::keep_returning() {
    if (ticket_keys_.current.empty()) return;
    const auto users = wait_for<std::vector<server::Returning>>([this](auto done) {
        ask_all<std::vector<server::Returning>>(
            [](server::Shard& shard, std::vector<server::Returning>& all) {
                const auto steady = shard.now();
                const auto wall = unix_now();
                shard.table().expected().for_each([&](const std::string& user, auto back, auto) {
                    const auto at = wall + std::chrono::ceil<std::chrono::milliseconds>(back - steady);
                    all.push_back({user, static_cast<std::uint64_t>(std::max<std::int64_t>(0, at.count()))});
                });
            },
            append<server::Returning>, std::move(done));
    });
    if (!users) return;
    const std::string path = server::returning_path(config_.ticket_key_file);
    const auto written = server::write_returning(path, ticket_keys_.current, *users);
    if (!written) {
        return base::log().warn("senders to users who are not back after the restart will get user_offline: {}",
                                written.error().text);
    }
    if (*written < users->size()) base::log().warn("{} of {} users fit into {}", *written, users->size(), path);
}

// The file is for one start. Times in it are absolute: should it come back, its users are expected no longer.
void Server::Impl::expect_returning() {
    if (ticket_keys_.current.empty()) return;
    const std::string path = server::returning_path(config_.ticket_key_file);
    const auto users = server::read_returning(path, ticket_keys_.current, ticket_keys_.previous);
    if (!users) {
        return base::log().warn("the users of the previous server process are unknown: {}", users.error().text);
    }
    if (users->empty()) return;
    if (::unlink(path.c_str()) != 0) base::log().warn("{} cannot be removed", path);
    const auto steady = std::chrono::steady_clock::now();
    const auto wall = unix_now();
    // Those whose moment has passed come all at once now, and are let in one after the other.
    std::chrono::milliseconds queue{0};
    if (config_.admission_rate != 0) {
        queue = std::min<std::chrono::milliseconds>(
            std::chrono::milliseconds(users->size() * 1000 / config_.admission_rate), server::Admission::kFurthest);
    }
    std::size_t expected = 0;
    for (const server::Returning& each : *users) {
        const auto ahead = std::chrono::milliseconds(each.back_unix_ms) - wall;
        if (ahead + server::kExpectedLate <= std::chrono::milliseconds(0) || ahead > kFurthestAhead) continue;
        const auto back = steady + ahead;
        group_->workers[group_->router.home_of(each.user)]->shard().table().expect(
            each.user, back, std::max(back, steady) + queue + server::kExpectedLate);
        ++expected;
    }
    base::log().info("{} users are expected back", expected);
}

}  // namespace flare
