// What is counted against max_memory_bytes beside what sessions hold, and what goes when it is used up: docs/server.md,
// "Memory".
#include "base/log.hpp"
#include "server/worker.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace flare::server {

void Worker::on_memory_short() {
    if (group_.shedding.exchange(true)) return;
    if (!group_.workers.front()->post([](Worker& first) { first.shed(session::Shed::detached); }))
        group_.shedding = false;
}

// One worker after the other, so that nobody's client is given up while another worker has something that nobody uses.
void Worker::shed(session::Shed kind) {
    const std::size_t ended = table_.shed(kind, now());
    const bool detached = kind == session::Shed::detached;
    (detached ? counters_.sessions_shed_detached : counters_.sessions_shed_stalled) += ended;
    if (ended != 0) {
        base::log().limited(base::LogKind::memory_used_up, "max_memory_bytes is used up: {} {} sessions were ended",
                            ended, detached ? "detached" : "stalled");
    }
    const bool last = index_ + 1 == group_.workers.size();
    if (!budget_.relieved() && !(last && !detached)) {
        const session::Shed next = last ? session::Shed::stalled : kind;
        if (group_.workers[last ? 0 : index_ + 1]->post([next](Worker& worker) { worker.shed(next); })) return;
    }
    group_.shedding = false;
}

// ---- what came and was not handed on ----

// A quarter of all memory, each worker its part. Beyond it those go that hold the most, strangers before sessions,
// which come back and have lost nothing.
std::size_t Worker::most_unread() const noexcept {
    const std::size_t part = group_.budget.limit() / 4 / group_.workers.size();
    return std::max<std::size_t>(part, 2 * group_.config.session.max_batch_bytes);
}

// Once in each of its turns: it may be `gone` afterwards.
void Worker::charge(ServerCarrier& connection) {
    std::size_t holds = connection.waiting.empty() ? 0 : connection.waiting.capacity();
    if (connection.carrier) holds += connection.carrier->held_bytes();
    if (connection.rest) holds += connection.rest->bytes.capacity();
    if (holds == connection.charged) return;
    const std::size_t before = std::exchange(connection.charged, holds);
    if (holds < before) {
        budget_.give(before - holds);
        unread_ -= before - holds;
        return;
    }
    budget_.take_anyway(holds - before);
    unread_ += holds - before;
    if (unread_ > most_unread()) shed_unread();
}

void Worker::give_back(ServerCarrier& connection) noexcept {
    const std::size_t charged = std::exchange(connection.charged, 0);
    budget_.give(charged);
    unread_ -= charged;
}

void Worker::shed_unread() {
    struct Holder {
        bool stranger;
        std::size_t bytes;
        ServerCarrier* connection;
    };
    std::vector<Holder> holders;
    for (const auto& [key, connection] : connections_) {
        if (connection->charged != 0)
            holders.push_back(
                {connection->state != ServerCarrier::State::attached, connection->charged, connection.get()});
    }
    std::sort(holders.begin(), holders.end(), [](const Holder& a, const Holder& b) {
        return std::tie(a.stranger, a.bytes) > std::tie(b.stranger, b.bytes);
    });
    const std::size_t enough = most_unread() - most_unread() / 8;
    std::size_t dropped = 0;
    for (const Holder& holder : holders) {
        if (unread_ <= enough) break;
        closed(*holder.connection, {errc::busy, "it held too much that was not complete", false});
        ++dropped;
    }
    base::log().limited(base::LogKind::memory_used_up,
                        "what is not complete has taken a quarter of max_memory_bytes: {} connections were dropped",
                        dropped);
}

// ---- messages that wait for handlers ----

// Half of all memory, each worker its part; one message is taken, whatever its size, as long as there is memory at all.
// `has`: what this message took before. False: there is no memory, or too much waits.
bool Worker::take_for_handler(std::size_t bytes, std::size_t has) {
    const std::size_t most = group_.budget.limit() / 2 / group_.workers.size();
    if (in_handlers_ != has && in_handlers_ + bytes > most) return false;
    if (!budget_.take_by_size(bytes)) {
        on_memory_short();
        return false;
    }
    in_handlers_ += bytes;
    return true;
}

void Worker::give_from_handler(std::size_t bytes) noexcept {
    in_handlers_ -= bytes;
    budget_.give(bytes);
}

}  // namespace flare::server
