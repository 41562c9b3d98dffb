// Clauses about the log of all conversations, how far hooks have come in it, and kept answers.
#include "contract/store/list_fixture.hpp"
#include "contract/store/sqlite_fixture.hpp"

#include "store/backend_reader.hpp"

#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <vector>

namespace flare::store::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StoreBackends : public ListedStore {
protected:
    LogPart log(std::uint64_t after, std::uint32_t limit = 1000, std::uint32_t most = 1 << 20) {
        auto part = reader->backend().log({after, limit, most});
        EXPECT_TRUE(part) << part.error().message();
        return part ? std::move(*part) : LogPart();
    }
    std::vector<std::string> said(std::uint64_t after) {
        std::vector<std::string> found;
        for (const LoggedEntry& each : log(after).entries) {
            const std::string what = each.ended ? "ended" : each.entry.blank ? "blank" : each.entry.payload;
            found.push_back(std::string(each.key.name()) + ":" + what);
        }
        return found;
    }
    Outcome mark(std::string name, std::uint64_t upto, bool set = false) {
        return write({HookMark{std::move(name), upto, set}});
    }
    std::vector<HookMark> marks() {
        const auto found = reader->backend().hook_marks();
        EXPECT_TRUE(found);
        return found ? *found : std::vector<HookMark>();
    }
    static HookMark at(std::string name, std::uint64_t place, bool paused = false) {
        return {std::move(name), place, false, false, paused};
    }
    Outcome keep(char key, std::string body) {
        return write({KeptAnswer{std::string(32, key), std::string(32, 'a'), 200, "text/plain", std::move(body)}});
    }
    std::string kept(char key) {
        const auto found = reader->backend().kept_answer(std::string(32, key), now);
        EXPECT_TRUE(found);
        return found && *found ? (**found).body : "none";
    }
};
INSTANTIATE_TEST_SUITE_P(All, StoreBackends, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StoreBackends, TheLogOfAllIsInTheOrderOfCommit) {
    const Row a = make("a");
    const Row b = make("b");
    append(a, 1, "1");
    append(b, 2, "2");
    append(a, 3, "3");
    EXPECT_THAT(said(0), ElementsAre("a:1", "b:2", "a:3"));
    const LogPart part = log(0);
    EXPECT_FALSE(part.more);
    ASSERT_EQ(part.entries.size(), 3u);
    EXPECT_LT(part.entries[0].place, part.entries[1].place);
    EXPECT_LT(part.entries[1].place, part.entries[2].place);
    EXPECT_GE(part.newest, part.entries[2].place);
    EXPECT_EQ(part.entries[2].entry.offset, 2u);
    EXPECT_EQ(part.entries[2].conversation, a);
    EXPECT_EQ(part.entries[2].epoch, head(a).last.epoch);
    EXPECT_THAT(said(part.entries[0].place), ElementsAre("b:2", "a:3"));
    EXPECT_THAT(said(part.newest), IsEmpty());
    crash();
    EXPECT_THAT(said(part.entries[1].place), ElementsAre("a:3"));
}

TEST_P(StoreBackends, ThePartOfALogEndsAtALimit) {
    const Row a = make("a");
    for (std::uint64_t id = 1; id <= 5; ++id) append(a, id, std::string(100, 'x'));
    EXPECT_EQ(log(0, 2).entries.size(), 2u);
    EXPECT_TRUE(log(0, 2).more);
    EXPECT_FALSE(log(0, 5).more);
    EXPECT_EQ(log(0, 5, 250).entries.size(), 2u);
    EXPECT_EQ(log(0, 5, 1).entries.size(), 1u) << "one is given in any case";
}

TEST_P(StoreBackends, TheEndOfAConversationIsInTheLogOfAll) {
    const Row a = make("a");
    const Row b = make("b");
    append(a, 1, "1");
    append(b, 2, "2");
    remove(a);
    remove(b);
    const Row again = make("a");
    append(again, 3, "3");
    maintain();
    const LogPart part = log(0);
    const auto ends = std::ranges::count_if(part.entries, &LoggedEntry::ended);
    EXPECT_EQ(ends, 2);
    EXPECT_EQ(part.entries.back().entry.payload, "3");
    std::vector<std::string> one_by_one;
    for (std::uint64_t after = 0;;) {
        const LogPart next = log(after, 1);
        for (const LoggedEntry& each : next.entries)
            one_by_one.push_back(std::string(each.key.name()) + ":" + (each.ended ? "ended" : each.entry.payload));
        if (next.entries.empty()) break;
        after = next.entries.back().place;
    }
    EXPECT_EQ(one_by_one, said(0)) << "however it is cut into parts";
    EXPECT_NE(part.entries.back().epoch, part.entries[ends == 2 ? 0 : 1].epoch);
}

TEST_P(StoreBackends, AnEditShowsWhatItsMessageSaysNow) {
    const Row a = make("a");
    append(a, 1, "first");
    for (std::uint64_t id = 2; id <= 40; ++id) append(a, id, "more");  // blocks between
    NewEntry edit = entry(a, 41, "second");
    edit.kind = model::EntryKind::edit;
    edit.ref = 1;
    ASSERT_EQ(append(edit).code, errc::ok);
    EXPECT_EQ(log(0).entries.back().entry.payload, "second");
    EXPECT_EQ(log(0).entries.front().entry.payload, "second");
    NewEntry removal = entry(a, 42, "");
    removal.kind = model::EntryKind::removal;
    removal.ref = 1;
    ASSERT_EQ(append(removal).code, errc::ok);
    EXPECT_TRUE(log(0).entries[40].entry.blank);
    EXPECT_EQ(log(0).entries[40].entry.payload, "");
}

TEST_P(StoreBackends, ANumberIsNeverUsedAgain) {
    const Row a = make("a");
    append(a, 1, "1");
    append(a, 2, "2");
    const std::uint64_t last = log(0).entries.back().place;
    ASSERT_EQ(remove(a).code, errc::ok);
    maintain();
    EXPECT_THAT(said(0), ElementsAre("a:ended"));
    crash();
    const Row b = make("b");
    append(b, 3, "3");
    EXPECT_GT(log(0).entries.back().place, last + 1);
    EXPECT_THAT(said(last), ElementsAre("a:ended", "b:3"));
}

TEST_P(StoreBackends, AMarkGoesOnlyForwardUnlessItIsSet) {
    EXPECT_THAT(marks(), IsEmpty());
    const Row a = make("a");
    for (std::uint64_t id = 1; id <= 9; ++id) append(a, id);
    EXPECT_FALSE(mark("orders", 5).repeat);
    EXPECT_TRUE(mark("orders", 5).repeat);
    EXPECT_TRUE(mark("orders", 4).repeat);
    EXPECT_FALSE(mark("orders", 6).repeat);
    EXPECT_FALSE(mark("audit", 1).repeat);
    EXPECT_THAT(marks(), ElementsAre(at("audit", 1), at("orders", 6)));
    EXPECT_FALSE(mark("orders", 2, true).repeat);
    crash();
    EXPECT_THAT(marks(), ElementsAre(at("audit", 1), at("orders", 2)));
    EXPECT_FALSE(write({HookMark{"audit", 0, false, true}}).repeat);
    EXPECT_TRUE(write({HookMark{"audit", 0, false, true}}).repeat);
    EXPECT_THAT(marks(), ElementsAre(at("orders", 2)));
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StoreBackends, AHookStaysPaused) {
    mark("orders", 3);
    EXPECT_FALSE(write({HookMark{"orders", 0, false, false, true}}).repeat);
    EXPECT_TRUE(write({HookMark{"orders", 0, false, false, true}}).repeat);
    mark("orders", 5);
    crash();
    EXPECT_THAT(marks(), ElementsAre(at("orders", 5, true)));
    write({HookMark{"orders", 0, false, false, false}});
    EXPECT_THAT(marks(), ElementsAre(at("orders", 5)));
}

TEST_P(StoreBackends, ThereAreSoManyHooksAndNoMore) {
    for (std::size_t i = 0; i < kMostHooks; ++i) EXPECT_EQ(mark("hook" + std::to_string(i), 0).code, errc::ok);
    EXPECT_EQ(mark("one more", 0).code, errc::invalid_config);
    EXPECT_EQ(mark("hook0", 0, true).code, errc::ok);
    EXPECT_EQ(marks().size(), kMostHooks);
}

TEST_P(StoreBackends, TheFirstAnswerStaysForADay) {
    EXPECT_EQ(kept('k'), "none");
    EXPECT_FALSE(keep('k', "first").repeat);
    EXPECT_TRUE(keep('k', "second").repeat);
    crash();
    EXPECT_EQ(kept('k'), "first");
    EXPECT_EQ(kept('l'), "none");
    const auto found = reader->backend().kept_answer(std::string(32, 'k'), now);
    ASSERT_TRUE(found && *found);
    EXPECT_EQ(**found, (KeptAnswer{std::string(32, 'k'), std::string(32, 'a'), 200, "text/plain", "first"}));
    now += kAnswersKeptMs;
    EXPECT_EQ(kept('k'), "first");
    now += 1;
    EXPECT_EQ(kept('k'), "none");
    EXPECT_FALSE(keep('k', "third").repeat);
    EXPECT_EQ(kept('k'), "third");
}

class SqliteBackends : public StoreBackends {};
std::vector<EngineKind> sqlite_kinds() {
    auto kinds = engine_kinds();
    std::erase_if(kinds, [](const EngineKind& each) { return each.name == "Memory"; });
    return kinds;
}
INSTANTIATE_TEST_SUITE_P(All, SqliteBackends, ::testing::ValuesIn(sqlite_kinds()), kind_name);

TEST_P(SqliteBackends, WhatIsRemovedWaitsForHooks) {
    const Row a = make("a");
    append(a, 1, "1");
    append(a, 2, "2");
    append(a, 3, "3");
    const LogPart all = log(0);
    mark("orders", all.entries[0].place);
    cut(a, 3);
    maintain();
    EXPECT_THAT(offsets(this->all(a)), ElementsAre(3u)) << "readers of the conversation do not see it";
    EXPECT_THAT(said(all.entries[0].place), ElementsAre("a:2", "a:3")) << "the hook does";
    EXPECT_EQ(log(0).removed, 0u);
    mark("orders", all.entries[1].place);
    maintain();
    EXPECT_THAT(said(0), ElementsAre("a:3"));
    EXPECT_EQ(log(0).removed, all.entries[1].place);
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(SqliteBackends, NothingWaitsForAHookThatIsThreeDaysBehind) {
    const Row a = make("a");
    append(a, 1, "1");
    append(a, 2, "2");
    mark("orders", 0);
    cut(a, 2);
    now += kHeldForHooksMs;
    maintain();
    EXPECT_EQ(said(0).size(), 2u);
    now += 1;
    maintain();
    EXPECT_THAT(said(0), ElementsAre("a:2"));
    EXPECT_GT(log(0).removed, 0u) << "who is behind this has missed something";
}

TEST_P(SqliteBackends, OldAnswersAreDeleted) {
    for (char key = 'a'; key < 'k'; ++key) keep(key, "body");
    now += kAnswersKeptMs + 1;
    maintain();
    now -= kAnswersKeptMs;
    EXPECT_EQ(kept('b'), "none") << "it is in no row";
}

TEST_F(SqliteContent, NothingWaitsForAHookOnAFullDisk) {
    fill();
    const auto rows = [&](Engine& engine) { return engine.reader()->backend().log({0, 1000}).value().entries.size(); };
    Change cut;
    cut.conversation = room;
    cut.keep_from = 51;
    {
        const auto engine = sqlite::open(settings).value();
        ASSERT_TRUE(commit(*engine, {{HookMark{"orders", 0}}, {cut}}));
        while (engine->maintain(kStart).value()) {
        }
        EXPECT_EQ(rows(*engine), 100u);
    }
    settings.min_free_bytes = UINT64_MAX;
    const auto engine = sqlite::open(settings).value();
    while (engine->maintain(kStart).value()) {
    }
    EXPECT_EQ(rows(*engine), 50u);
    ASSERT_TRUE(commit(*engine, {{HookMark{"orders", 60}}, {KeptAnswer{"key", "asked", 200, "text/plain", "body"}}}));
    EXPECT_EQ(batch.writes[0].outcome.code, errc::ok);
    EXPECT_EQ(batch.writes[1].outcome.code, errc::storage_full);
}

}  // namespace
}  // namespace flare::store::test
