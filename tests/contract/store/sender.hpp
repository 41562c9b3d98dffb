// Messages to a few rooms, for disks that fail: what was answered is compared with what is there.
#pragma once

#include "contract/store/store_fixture.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace flare::store::test {

// Sends groups of messages to a few rooms, and knows what it was told.
class Sender {
public:
    static constexpr std::uint64_t kRooms = 6;
    static constexpr int kGroups = 16;

    explicit Sender(StoreTest& store) : store_(store) {}

    // Until something fails; what was sent and not answered comes first the next time. What the engine said last.
    errc run() {
        for (int i = static_cast<int>(rooms_.size()); i < static_cast<int>(kRooms); ++i) {
            Write made{Change{}};
            std::get<Change>(made.what).key = model::ConversationKey::room("room " + std::to_string(i));
            const auto done = store_.try_write(made);
            if (!done) return static_cast<errc>(done.error().value());
            EXPECT_TRUE(made.outcome.code == errc::ok || made.outcome.code == errc::conversation_exists);
            rooms_.push_back(made.outcome.row);
        }
        for (; groups_ < kGroups; ++groups_) {
            if (unanswered_.empty())
                for (int i = 0; i < 9; ++i) unanswered_.push_back(++last_id_);
            const errc said = send();
            if (said != errc::ok) return said;
            if (groups_ % 4 == 2) {
                const auto more = store_.engine->maintain(store_.now);
                if (!more) return static_cast<errc>(more.error().value());
            }
            store_.now += 400;
        }
        return errc::ok;
    }
    // Everything answered is where the answer says, and each log is without gaps and repeats.
    void check() const {
        std::size_t found = 0;
        for (const Row room : rooms_) {
            const Page page = store_.all(room);
            EXPECT_EQ(page.head.last.offset, page.entries.size());
            EXPECT_EQ(page.head.messages, page.entries.size());
            EXPECT_EQ(page.head.bytes, 7 * page.entries.size());
            std::map<Uuid, std::uint64_t> seen;
            for (std::size_t i = 0; i < page.entries.size(); ++i) {
                EXPECT_EQ(page.entries[i].offset, i + 1);
                EXPECT_EQ(page.entries[i].messages, i + 1);
                EXPECT_TRUE(seen.emplace(page.entries[i].id, i + 1).second) << "twice in a log";
            }
            for (const auto& [id, outcome] : answered_) {
                if (outcome.row != room) continue;
                ++found;
                EXPECT_EQ(seen[id_of(id)], outcome.position.offset) << "an answered entry is not where it was";
                EXPECT_EQ(page.entries[outcome.position.offset - 1].time_ms, outcome.time_ms);
                EXPECT_EQ(page.head.last.epoch, outcome.position.epoch);
            }
        }
        EXPECT_EQ(found, answered_.size());
    }
    bool complete() const { return groups_ == kGroups; }
    std::size_t answered() const { return answered_.size(); }

private:
    errc send() {
        store_.bytes.clear();
        WriteBatch batch;
        for (const std::uint64_t id : unanswered_) batch.writes.push_back({store_.entry(rooms_[id * id % kRooms], id)});
        batch.bytes = store_.bytes;
        WriteBatch* const group[] = {&batch};
        const auto done = store_.engine->commit(group, store_.now);
        if (!done) return static_cast<errc>(done.error().value());
        for (std::size_t i = 0; i < unanswered_.size(); ++i) {
            EXPECT_EQ(batch.writes[i].outcome.code, errc::ok);
            answered_[unanswered_[i]] = batch.writes[i].outcome;
        }
        unanswered_.clear();
        return errc::ok;
    }

    StoreTest& store_;
    std::vector<Row> rooms_;
    std::map<std::uint64_t, Outcome> answered_;
    std::vector<std::uint64_t> unanswered_;
    std::uint64_t last_id_ = 0;
    int groups_ = 0;
};

}  // namespace flare::store::test
