#include "server/signals/occupancy.hpp"

#include "server/conversations/opened.hpp"
#include "server/worker/shard.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {

void OccupancySignals::get(const session::ServerSession& session, const session::PendingRequest& pending,
                           const model::ConversationKey& conversation) {
    const auto row = std::make_shared<store::Row>(0);
    parts_.store.read(
        [row, conversation, user = session.user()](store::Reader& reader) {
            const auto opened = reading::open(reader, conversation, user);
            if (!opened) return reading::code_of(opened);
            *row = opened->conversation.row;
            return errc::ok;
        },
        [this, row, conversation, pending](errc code) {
            if (code != errc::ok) return answers_.refuse(pending, code);
            parts_.router.give(parts_.router.home_of(conversation.text()),
                               [conversation, row = *row, asker = Asker{index_, pending}](Shard& home) {
                                   home.conversations()->signals.occupancy.count(conversation, row, asker);
                               });
        });
}

// ---- at the home of the conversation ----

void OccupancySignals::count(const model::ConversationKey& key, store::Row row, const Asker& asker) {
    auto found = counts_.find(key.text());
    if (found == counts_.end()) {
        if (counts_.size() == kMostKept) forget_old();
        if (counts_.size() == kMostKept) return tell(asker, errc::busy, {});
        auto made = std::make_unique<Count>(key);
        const std::string_view name = made->key.text();
        found = counts_.emplace(name, std::move(made)).first;
    }
    Count& it = *found->second;
    const session::TimePoint now = parts_.executor.now();
    // Another row: the room was deleted, and made again.
    if (!it.counting && it.row == row && now < it.until) return tell(asker, errc::ok, it.result);
    if (it.waiting.size() == kMostWaiting) return tell(asker, errc::busy, {});
    it.waiting.push_back(asker);
    if (std::exchange(it.counting, true)) return;
    it.row = row;
    it.began = now;
    read_members(key, row, std::make_shared<Rows>());
}

void OccupancySignals::read_members(const model::ConversationKey& key, store::Row row,
                                    const std::shared_ptr<Rows>& members) {
    const auto more = std::make_shared<bool>(false);
    parts_.store.read(
        [row, members, more](store::Reader& reader) {
            const auto page = reader.members(row, members->empty() ? 0 : members->back(), kPage, false);
            if (!page) return reading::code_of(page);
            for (const model::Member& each : *page) members->push_back(each.user);
            *more = page->size() == kPage;
            return errc::ok;
        },
        [this, key, row, members, more](errc code) {
            if (code != errc::ok) return counted(key, code, {});
            *more ? read_members(key, row, members) : ask_workers(key, members);
        });
}

void OccupancySignals::ask_workers(const model::ConversationKey& key, const std::shared_ptr<Rows>& members) {
    parts_.router.ask_all<std::size_t>(
        [members](Shard& shard, std::size_t& part) {
            part = shard.conversations()->signals.occupancy.online_among(*members);
        },
        [](std::size_t& sum, std::size_t part) { sum += part; },
        [&router = parts_.router, index = index_, key, size = members->size()](std::size_t online) {
            const wire::im::Occupancy result{static_cast<std::uint32_t>(online), static_cast<std::uint32_t>(size)};
            router.give(index, [key, result](Shard& home) {
                home.conversations()->signals.occupancy.counted(key, errc::ok, result);
            });
        });
}

void OccupancySignals::counted(const model::ConversationKey& key, errc code, const wire::im::Occupancy& result) {
    const auto found = counts_.find(key.text());
    if (found == counts_.end()) return;
    Count& it = *found->second;
    const session::TimePoint now = parts_.executor.now();
    it.counting = false;
    it.result = result;
    it.until = now + std::max<session::Duration>(kKept, 10 * (now - it.began));
    const std::vector<Asker> waiting = std::exchange(it.waiting, {});
    if (code != errc::ok) counts_.erase(found);
    for (const Asker& each : waiting) tell(each, code, result);
}

void OccupancySignals::tell(const Asker& asker, errc code, const wire::im::Occupancy& result) {
    if (asker.done) return asker.done(said_of(code), result);
    parts_.router.give(asker.worker, [pending = asker.pending, code, result](Shard& shard) {
        const SignalAnswers& answers = shard.conversations()->signals.occupancy.answers_;
        code == errc::ok ? answers.give(pending, result) : answers.refuse(pending, code);
    });
}

void OccupancySignals::forget_old() {
    const session::TimePoint now = parts_.executor.now();
    boost::unordered::erase_if(counts_,
                               [now](const auto& each) { return !each.second->counting && each.second->until <= now; });
}

// ---- on each worker ----

std::size_t OccupancySignals::online_among(const Rows& members) {
    const session::TimePoint now = parts_.executor.now();
    if (online_at_ == session::TimePoint() || now - online_at_ >= kKept) {
        online_.clear();
        parts_.table.for_each([&](const session::ServerSession& session) {
            if (session.presence() != session::Presence::attached) return;
            if (const store::Row row = parts_.sends.row_of(session); row != 0) online_.push_back(row);
        });
        std::ranges::sort(online_);
        online_.erase(std::ranges::unique(online_).begin(), online_.end());
        online_at_ = now;
    }
    const Rows& fewer = members.size() < online_.size() ? members : online_;
    const Rows& others = members.size() < online_.size() ? online_ : members;
    return static_cast<std::size_t>(
        std::ranges::count_if(fewer, [&](store::Row row) { return std::ranges::binary_search(others, row); }));
}

}  // namespace flare::server
