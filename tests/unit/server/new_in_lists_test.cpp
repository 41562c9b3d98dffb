// Conversations that are new in the lists of connected users.
#include "unit/server/list_bench.hpp"

#include <set>

namespace flare::server::test {
namespace {

TEST_F(ListsOnShards, TellOfNewConversations) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &fresh);
        const auto bob = session_of("bob", 1);
        const auto pad = session_of("bob", 4, "pad");
        const auto ann = session_of("ann", 2);
        bench->bring(bob, sync(1, 1));
        bench->bring(pad, sync(1, 1));
        EXPECT_TRUE(page(*bob, 1).conversations.empty());
        // A room that is made with the user.
        make_room(ann, 1, 1, {"bob"});
        for (const auto& line : {bob, pad}) {
            ASSERT_EQ(heard(*line).size(), 1u);
            EXPECT_EQ(heard(*line)[0].began, "room:tea");
            EXPECT_EQ(heard(*line)[0].began_with, (Offsets{1}));
            EXPECT_EQ(heard(*line)[0].began_feed, heard(*line)[0].feed);
        }
        bench->bring(ann, data(2, 2, "live", "room:tea"));
        EXPECT_EQ(told_to(*bob, heard(*bob)[0].feed), (Offsets{2}));
        // One that a device of the user joins.
        make_room(ann, 3, 3, {}, "ball");
        bench->bring(pad, of_room(2, 2, Verb::conversation_join, "room:ball"));
        EXPECT_EQ(heard(*bob).back().began, "room:ball");
        EXPECT_EQ(heard(*pad).back().began, "room:ball");
        // One that the user makes.
        make_room(bob, 2, 2, {}, "mine");
        EXPECT_EQ(heard(*bob).back().began, "room:mine");
        EXPECT_EQ(heard(*pad).back().began, "room:mine");
        // One that the user is added to, again.
        bench->bring(ann, member(4, 4, Verb::member_remove, "bob"));
        EXPECT_EQ(heard(*bob).back().removed, 3u);
        bench->bring(ann, member(5, 5, Verb::member_add, "bob"));
        EXPECT_EQ(heard(*bob).back().began, "room:tea");
        EXPECT_EQ(heard(*bob).back().began_with, (Offsets{4}));
        const std::size_t before = heard(*bob).size();
        bench->bring(ann, member(6, 6, Verb::member_add, "bob"));
        EXPECT_EQ(heard(*bob).size(), before) << "nothing has changed";
        EXPECT_TRUE(heard(*ann).empty()) << "ann has never asked for a list";
        check();
        bench.reset();
    }
}

TEST_F(ListsOnShards, TellOfTheFirstDirectMessage) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &fresh);
        const auto bob = session_of("bob", 1);
        const auto ann = session_of("ann", 2);
        bench->bring(bob, sync(1, 1));
        bench->bring(ann, sync(1, 1));
        bench->bring(ann, data(2, 2, "hello", "bob"));
        // Of the recipient: as data, and once more by what began.
        EXPECT_EQ(texts(*bob), (ListedNames{"hello"}));
        for (const auto& line : {bob, ann}) {
            const std::vector<Heard> all = heard(*line);
            ASSERT_FALSE(all.empty());
            EXPECT_EQ(all[0].began, line == bob ? "ann" : "bob");
            Offsets known = all[0].began_with;
            for (const std::uint64_t each : told_to(*line, all[0].feed)) known.push_back(each);
            if (line == bob) {
                EXPECT_EQ(known, (Offsets{1}));
            }
        }
        bench->bring(bob, data(2, 2, "hi", "ann"));
        EXPECT_TRUE(texts(*ann).empty()) << "ann has a feed";
        EXPECT_EQ(told_to(*ann, heard(*ann)[0].feed).back(), 2u);
        bench->bring(ann, data(3, 3, "bye", "bob"));
        EXPECT_EQ(texts(*bob).size(), 1u) << "so has bob";
        EXPECT_EQ(told_to(*bob, heard(*bob)[0].feed).back(), 3u);
        check();
        bench.reset();
    }
}

// The user becomes a member while the list is read: it is on the page, or told by itself, and has one feed.
TEST_F(ListsOnShards, TellOfWhatBeginsWhileTheyAreRead) {
    for (std::size_t steps = 0; steps < 12; ++steps) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(2), nullptr, &fresh);
        const auto bob = session_of("bob", 1);
        const auto ann = session_of("ann", 2);
        make_room(ann, 1, 1);
        fresh.by_hand = true;
        bench->bring(ann, member(2, 2, Verb::member_add, "bob"));
        for (std::size_t i = 0; i < steps && !fresh.work.empty(); ++i) {
            bench->run_store();
            bench->settle();
        }
        bench->bring(bob, sync(1, 1, {.entries = 10, .feeds = true}));
        fresh.by_hand = false;
        bench->settle();
        bench->bring(ann, data(3, 3, "live", "room:tea"));
        std::set<std::uint32_t> numbers;
        const auto list = page(*bob, 1);
        for (const auto& each : list.conversations) numbers.insert(each.feed);
        for (const Heard& each : heard(*bob)) numbers.insert(each.feed);
        ASSERT_EQ(numbers.size(), 1u) << steps << " steps";
        EXPECT_EQ(told_to(*bob, *numbers.begin()), (Offsets{3}));
        EXPECT_EQ(feeds(), 1u);
        check();
        bench.reset();
    }
}

// A client that asks for it while it is told.
TEST_F(ListsOnShards, AreFollowedByWhoeverSubscribesMeanwhile) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(bob, sync(1, 1));
    make_room(ann, 1, 1);
    wire::im::Subscribe subscribe;
    subscribe.conversation = "room:tea";
    store.by_hand = true;
    bench->bring(bob, request(2, 2, Verb::subscribe, subscribe));
    bench->run_store();  // bob is no member
    bench->bring(ann, member(2, 2, Verb::member_add, "bob"));
    store.by_hand = false;
    bench->settle();
    bench->bring(ann, data(3, 3, "live", "room:tea"));
    const std::vector<Heard> all = heard(*bob);
    ASSERT_FALSE(all.empty()) << "told, or subscribed";
    EXPECT_EQ(all.back().entries, (Offsets{3}));
    EXPECT_EQ(feeds(), 1u);
    check();
}

// Whoever has accepted an invitation, and left before their sessions could be told of the room, is not invited any
// more.
TEST_F(ListsOnShards, TellOfInvitationsThatAreOverWithAMembershipThatNobodyIsToldOf) {
    start(1);
    const auto bob = session_of("bob", 1);
    const auto pad = session_of("bob", 3, "pad");
    const auto ann = session_of("ann", 2);
    bench->bring(bob, sync(1, 1));
    make_room(ann, 1, 1, {});
    bench->bring(ann, member(2, 2, Verb::member_invite, "bob"));
    ASSERT_EQ(states(*bob), (ListedNames{"room:tea has an invitation that is new or over"}));
    store.by_hand = true;
    const std::size_t groups = store.groups;
    bench->bring(pad, of_room(1, 1, Verb::conversation_join, "room:tea"));
    while (store.groups == groups && !store.work.empty()) {
        bench->run_store();
        bench->settle();
    }
    store.cannot_read = errc::storage_failed;
    store.by_hand = false;
    bench->settle();
    bench->bring(pad, of_room(2, 2, Verb::conversation_leave, "room:tea"));
    store.cannot_read = errc::ok;
    bench->pass(1s);
    bench->pass(1s);
    EXPECT_EQ(code(*pad, 2), errc::ok);
    EXPECT_TRUE(heard(*bob).empty());
    EXPECT_EQ(states(*bob).size(), 2u) << "it is to sync";
}

TEST_F(ListsOnShards, TellOfNewConversationsWhenTheStoreCanBeReadAgain) {
    start(1);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(bob, sync(1, 1));
    store.by_hand = true;
    const std::size_t groups = store.groups;
    bench->bring(ann, data(1, 1, "hello", "bob"));
    while (store.groups == groups && !store.work.empty()) {
        bench->run_store();
        bench->settle();
    }
    store.cannot_read = errc::storage_failed;
    store.by_hand = false;
    bench->settle();
    EXPECT_TRUE(heard(*bob).empty());
    store.cannot_read = errc::ok;
    bench->pass(600ms);
    ASSERT_EQ(heard(*bob).size(), 1u);
    EXPECT_EQ(heard(*bob)[0].began, "ann");
}

}  // namespace
}  // namespace flare::server::test
