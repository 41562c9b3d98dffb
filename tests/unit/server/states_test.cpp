// What sessions that follow their list are told beside feeds.
#include "unit/server/list_bench.hpp"

namespace flare::server::test {
namespace {

using Told = std::vector<std::string>;
const auto kTea = model::ConversationKey::room("tea");

class StatesOnShards : public ListsOnShards {
protected:
    // Ann's room with bob, with four messages of hers: entries 2 to 5.
    void fill(const std::shared_ptr<Line>& ann) {
        make_room(ann, 1, 1, {"bob"});
        for (std::uint8_t i = 2; i <= 5; ++i) bench->bring(ann, data(i, i, "text", "room:tea"));
    }
    std::size_t followers() {
        std::size_t all = 0;
        for (const auto& loop : bench->loops) all += loop->shard.conversations()->states.size();
        return all;
    }
};

TEST_F(StatesOnShards, AMarkReachesTheOtherSessionsThatFollowTheList) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &fresh);
        const auto phone = session_of("bob", 1);
        const auto pad = session_of("bob", 2, "pad");
        const auto desk = session_of("bob", 3, "desk");
        const auto ann = session_of("ann", 4);
        fill(ann);
        bench->bring(ann, data(6, 6, "for bob", "bob"));
        for (const auto& line : {phone, pad, ann}) bench->bring(line, sync(line == ann ? 7 : 1, 100));
        bench->bring(desk, sync(1, 100, {}));
        EXPECT_EQ(followers(), 3u) << "who asks for no feeds does not follow";
        const std::uint64_t epoch = (*fresh.engine->reader()->conversation(kTea))->head.last.epoch;
        bench->bring(phone, mark(2, 2, "room:tea", epoch, 3));
        EXPECT_EQ(states(*pad), (Told{"room:tea read 3, 2 unread of 5"}));
        bench->bring(desk, mark(2, 2, "room:tea", epoch, 4));
        EXPECT_EQ(states(*pad).back(), "room:tea read 4, 1 unread of 5");
        EXPECT_EQ(states(*phone), (Told{"room:tea read 4, 1 unread of 5"})) << "its own is in the answer";
        const std::uint64_t direct = (*fresh.engine->reader()->conversation(between("ann", "bob")))->head.last.epoch;
        bench->bring(pad, mark(2, 2, "ann", direct, 1));
        EXPECT_EQ(states(*phone).back(), "ann read 1, 0 unread of 1") << "by the name that bob has for it";
        EXPECT_TRUE(states(*desk).empty());
        EXPECT_TRUE(states(*ann).empty()) << "nobody else hears of it";
        EXPECT_EQ(stats().states, 4u);
        end("bob", pad);
        cut(phone);
        EXPECT_EQ(followers(), 1u);
        bench.reset();
    }
}

TEST_F(StatesOnShards, ASessionWithoutACarrierIsToldTheNewestWhenItComesBack) {
    start(2);
    const auto phone = session_of("bob", 1);
    const auto pad = session_of("bob", 2, "pad");
    const auto ann = session_of("ann", 3);
    fill(ann);
    make_room(ann, 6, 6, {"bob"}, "soup");
    bench->bring(pad, sync(1, 1));
    cut(pad);
    const std::uint64_t epoch = epoch_of(kTea);
    bench->bring(phone, mark(1, 1, "room:tea", epoch, 2));
    bench->bring(phone, mark(2, 2, "room:tea", epoch, 4));
    bench->bring(phone, mark(3, 3, "room:soup", epoch_of(model::ConversationKey::room("soup")), 1));
    bench->bring(phone, mark(4, 4, "room:tea", epoch, 3));
    EXPECT_TRUE(states(*pad).empty());
    EXPECT_EQ(stats().states, 0u);
    const auto back = resume("bob", pad, 4, "pad");
    Told all = states(*back);
    std::ranges::sort(all);
    EXPECT_EQ(all, (Told{"room:soup read 1, 0 unread of 1", "room:tea read 4, 1 unread of 5"}));
    bench->bring(phone, mark(5, 5, "room:tea", epoch, 5));
    EXPECT_EQ(states(*back).size(), 3u) << "at once again";
}

TEST_F(StatesOnShards, ASessionForWhichTooManyStatesWaitIsToldToSync) {
    for (const std::size_t count : {ListFollower::kMostWaiting, ListFollower::kMostWaiting + 1}) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(), nullptr, &fresh);
        const auto pad = session_of("bob", 2, "pad");
        bench->bring(pad, sync(1, 1));
        cut(pad);
        ConversationStates& told = bench->shard().conversations()->states;
        const auto moved = [&](std::size_t i) {
            told.marked("bob", session::SessionId(), model::ConversationKey::room("r" + std::to_string(i)), 7, {1, 0});
        };
        for (std::size_t i = 0; i < count; ++i) moved(i);
        const auto back = resume("bob", pad, 3, "pad");
        bench->bring(back, ack_all(*back));
        if (count == ListFollower::kMostWaiting) {
            EXPECT_EQ(states(*back).size(), count);
        } else {
            EXPECT_EQ(states(*back), (Told{"sync"}));
        }
        moved(1);
        bench->settle();
        EXPECT_EQ(states(*back).back(), "room:r1 read 1, 0 unread of 0");
        bench.reset();
    }
}

// The mark may be in the store although its device has heard that it failed.
TEST_F(StatesOnShards, AMarkOfUnknownFateIsToldWhenTheStoreCanBeReadAgain) {
    start();
    const auto phone = session_of("bob", 1);
    const auto pad = session_of("bob", 2, "pad");
    const auto ann = session_of("ann", 3);
    fill(ann);
    for (const auto& line : {phone, pad}) bench->bring(line, sync(1, 1));
    store.by_hand = true;
    bench->bring(phone, mark(2, 2, "room:tea", epoch_of(kTea), 3));
    const std::size_t groups = store.groups;
    while (!store.work.empty()) {
        bench->run_store();
        if (store.groups > groups) store.cannot_read = errc::storage_failed;
        bench->settle();
    }
    store.by_hand = false;
    bench->settle();
    EXPECT_EQ(code(*phone, 2), errc::storage_failed);
    EXPECT_TRUE(states(*pad).empty());
    bench->pass(1s);
    EXPECT_TRUE(states(*pad).empty()) << "it still fails";
    store.cannot_read = errc::ok;
    bench->pass(1s);
    EXPECT_EQ(states(*pad), (Told{"room:tea read 3, 2 unread of 5"}));
    EXPECT_EQ(states(*phone), (Told{"room:tea read 3, 2 unread of 5"}));
    bench->pass(5s);
    EXPECT_EQ(states(*pad).size(), 1u);
}

// ---- ends of logs ----

// Rooms of more than two members are large.
class EndsOnShards : public StatesOnShards {
protected:
    void start_large(std::uint32_t workers, BenchStore& in) {
        Config config = plain_config(workers);
        config.conversations.limits.live_members = 2;
        config.conversations.limits.conversation = {10'000, 10'000};
        bench = std::make_unique<ShardBench>(std::move(config), nullptr, &in);
    }
    void start_large(std::uint32_t workers = 1) { start_large(workers, store); }
    // Ann makes a room with the others.
    void meet() {
        seq_ = 1;
        bob = session_of("bob", 1);
        eve = session_of("eve", 2);
        ann = session_of("ann", 3);
        fill_large();
    }
    void fill_large() {
        make_room(ann, seq_, static_cast<std::uint8_t>(seq_), {"bob", "eve"});
        ++seq_;
    }
    void send(int count = 1) {
        for (int i = 0; i < count; ++i, ++seq_)
            bench->bring(ann, data(seq_, static_cast<std::uint8_t>(seq_), "x", "room:tea"));
    }
    void mention(const wire::About& about) {
        bench->bring(ann, data_about(seq_, static_cast<std::uint8_t>(seq_), "room:tea", about));
        ++seq_;
    }
    void change(Verb verb, std::string_view user) {
        bench->bring(ann, member(seq_, static_cast<std::uint8_t>(seq_), verb, user));
        ++seq_;
    }
    std::size_t summaries() {
        std::size_t all = 0;
        for (const auto& loop : bench->loops) all += loop->shard.conversations()->states.summaries();
        return all;
    }
    std::shared_ptr<Line> bob, eve, ann;
    session::Seq seq_ = 1;  // ann's next
};

TEST_F(EndsOnShards, ALargeRoomIsToldOnceASecond) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        start_large(workers, fresh);
        meet();
        bench->bring(bob, sync(1, 1));
        EXPECT_EQ(page(*bob, 1).conversations[0].feed, 0u);
        EXPECT_EQ(summaries(), 1u);
        EXPECT_TRUE(states(*bob).empty()) << "the page has said it";
        send();
        EXPECT_EQ(states(*bob), (Told{"room:tea ends at 2 with 1"}));
        send(3);
        EXPECT_EQ(states(*bob).size(), 1u) << "not within the second";
        bench->pass(1s);
        EXPECT_EQ(states(*bob), (Told{"room:tea ends at 2 with 1", "room:tea ends at 5 with 4"}));
        bench->pass(5s);
        EXPECT_EQ(states(*bob).size(), 2u);
        send();
        EXPECT_EQ(states(*bob).back(), "room:tea ends at 6 with 5") << "at once again";
        EXPECT_TRUE(states(*eve).empty()) << "eve does not follow";
        EXPECT_TRUE(heard(*bob).empty());
        check();
        end("bob", bob);
        EXPECT_EQ(summaries(), 0u);
        send();
        check();
        bench.reset();
    }
}

TEST_F(EndsOnShards, WhoIsMentionedInALargeRoomHearsItAtOnce) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        start_large(workers, fresh);
        meet();
        for (const auto& line : {bob, eve}) bench->bring(line, sync(1, 1));
        send();
        for (const auto& line : {bob, eve}) EXPECT_EQ(states(*line), (Told{"room:tea ends at 2 with 1"}));
        mention({.mentions = {"bob", "nobody", "ann"}});
        EXPECT_EQ(states(*bob).size(), 2u) << "though it is within the second";
        EXPECT_EQ(states(*bob).back(), "room:tea ends at 3 with 2 mentions at 3");
        EXPECT_EQ(states(*eve).size(), 1u);
        mention({.mentions = {"bob"}});
        EXPECT_EQ(states(*bob).size(), 2u) << "at once in each second only";
        bench->pass(1s);
        EXPECT_EQ(states(*bob).back(), "room:tea ends at 4 with 3 mentions at 4");
        EXPECT_EQ(states(*eve).back(), "room:tea ends at 4 with 3");
        mention({.flags = model::kMentionAll});
        mention({.flags = model::kSilent, .mentions = {"eve"}});
        bench->pass(1s);
        for (const auto& line : {bob, eve}) EXPECT_EQ(states(*line).back(), "room:tea ends at 6 with 4 mentions at 5");
        send();
        bench->pass(1s);
        EXPECT_EQ(states(*eve).back(), "room:tea ends at 7 with 5") << "it is told once";
        check();
        bench.reset();
    }
}

TEST_F(EndsOnShards, WhoNamesAllIsNotMentioned) {
    start_large();
    meet();
    const auto pad = session_of("ann", 9, "pad");
    bench->bring(pad, sync(1, 1));
    mention({.flags = model::kMentionAll});
    bench->pass(1s);
    EXPECT_EQ(states(*pad), (Told{"room:tea ends at 2 with 1"}));
}

TEST_F(EndsOnShards, WhoIsRemovedHearsThatTheRoomIsGoneAndNothingMore) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        start_large(workers, fresh);
        meet();
        bench->bring(bob, sync(1, 1));
        bench->bring(eve, sync(1, 1));
        send();
        change(Verb::member_remove, "bob");
        EXPECT_EQ(states(*bob), (Told{"room:tea ends at 2 with 1", "room:tea ends at 3 with 0 is gone"}));
        EXPECT_EQ(summaries(), 1u);
        send(2);
        bench->pass(1s);
        bench->pass(1s);
        EXPECT_EQ(states(*bob).size(), 2u);
        EXPECT_EQ(states(*eve).back(), "room:tea ends at 5 with 3");
        // Whoever comes back is told again.
        change(Verb::member_add, "bob");
        ASSERT_EQ(heard(*bob).size(), 1u);
        EXPECT_EQ(heard(*bob)[0].began, "room:tea");
        EXPECT_EQ(heard(*bob)[0].began_feed, 0u);
        bench->pass(1s);
        send();
        EXPECT_EQ(states(*bob).back(), "room:tea ends at 7 with 4");
        check();
        bench.reset();
    }
}

// A message that is written just before, in the same group, is told to nobody; but its sender has the receipt.
TEST_F(EndsOnShards, ARoomThatIsDeletedIsGoneBehindAllThatWasWritten) {
    start_large(2);
    meet();
    for (const auto& line : {bob, ann}) bench->bring(line, sync(line == ann ? seq_++ : 1, 99));
    ann->handler->on_batch(data(seq_, 100, "x", "room:tea"));
    ++seq_;
    ann->handler->on_batch(data(seq_, 101, "x", "room:tea"));
    ++seq_;
    bench->bring(ann, of_room(seq_, 102, Verb::conversation_delete, "room:tea"));
    EXPECT_EQ(code(*ann, 102), errc::ok);
    for (const auto& line : {bob, ann}) EXPECT_EQ(states(*line), (Told{"room:tea ends at 4 with 0 is gone"}));
    check();
}

TEST_F(EndsOnShards, WhoLeavesHearsItOnAllDevices) {
    start_large(2);
    bob = session_of("bob", 1);
    const auto pad = session_of("bob", 4, "pad");
    eve = session_of("eve", 2);
    ann = session_of("ann", 3);
    fill_large();
    for (const auto& line : {bob, pad}) bench->bring(line, sync(1, 1));
    bench->bring(bob, of_room(2, 2, Verb::conversation_leave, "room:tea"));
    for (const auto& line : {bob, pad}) EXPECT_EQ(states(*line), (Told{"room:tea ends at 2 with 0 is gone"}));
    EXPECT_EQ(summaries(), 0u);
    check();
}

TEST_F(EndsOnShards, AJoinBeginsASummary) {
    start_large(2);
    bob = session_of("bob", 1);
    eve = session_of("eve", 2);
    ann = session_of("ann", 3);
    bench->bring(bob, sync(1, 1));
    fill_large();
    ASSERT_EQ(heard(*bob).size(), 1u);
    EXPECT_EQ(heard(*bob)[0].began_feed, 0u);
    EXPECT_EQ(summaries(), 1u);
    send();
    EXPECT_EQ(states(*bob), (Told{"room:tea ends at 2 with 1"}));
    check();
}

TEST_F(EndsOnShards, ASubscriptionTakesOver) {
    start_large();
    meet();
    bench->bring(bob, sync(1, 1));
    wire::im::Subscribe subscribe;
    subscribe.conversation = "room:tea";
    bench->bring(bob, request(2, 2, Verb::subscribe, subscribe));
    send();
    EXPECT_TRUE(states(*bob).empty());
    ASSERT_EQ(heard(*bob).size(), 1u);
    wire::im::Unsubscribe unsubscribe;
    unsubscribe.conversation = "room:tea";
    bench->bring(bob, request(3, 3, Verb::unsubscribe, unsubscribe));
    bench->pass(1s);
    EXPECT_EQ(states(*bob), (Told{"room:tea ends at 2 with 1"})) << "its client may never have heard of the feed";
    bench->pass(1s);
    send();
    EXPECT_EQ(states(*bob), (Told{"room:tea ends at 2 with 1", "room:tea ends at 3 with 2"}));
    EXPECT_EQ(heard(*bob).size(), 1u);
    check();
}

TEST_F(EndsOnShards, ASessionWithoutACarrierIsToldTheNewestEndWhenItComesBack) {
    start_large();
    meet();
    bench->bring(bob, sync(1, 1));
    cut(bob);
    send(2);
    bench->pass(1s);
    send();
    bench->pass(1s);
    const auto back = resume("bob", bob, 4);
    bench->pass(1s);
    EXPECT_EQ(states(*back), (Told{"room:tea ends at 4 with 3"}));
    check();
}

// In a room that has gone meanwhile, and again in one that was joined anew.
TEST_F(EndsOnShards, WhatWaitsIsVoidWhenTheUserIsBack) {
    start_large();
    meet();
    bench->bring(bob, sync(1, 1));
    cut(bob);
    change(Verb::member_remove, "bob");
    change(Verb::member_add, "bob");
    const auto back = resume("bob", bob, 4);
    bench->pass(1s);
    EXPECT_TRUE(states(*back).empty()) << "it is told of the room anew";
    EXPECT_EQ(heard(*back).back().began, "room:tea");
    change(Verb::member_remove, "bob");
    EXPECT_EQ(states(*back), (Told{"room:tea ends at 4 with 0 is gone"}));
    check();
}

// The page was read before, and the membership ended while the summary began: whichever the order.
TEST_F(EndsOnShards, AMembershipThatEndsWhileItBeginsIsNoticed) {
    for (std::size_t steps = 0; steps < 14; ++steps) {
        BenchStore fresh;
        start_large(2, fresh);
        meet();
        fresh.by_hand = true;
        bench->bring(bob, sync(1, 1));
        for (std::size_t i = 0; i < steps && !fresh.work.empty(); ++i) {
            bench->run_store();
            bench->settle();
        }
        change(Verb::member_remove, "bob");
        fresh.by_hand = false;
        bench->settle();
        bench->pass(1s);
        const auto list = page(*bob, 1);
        send(2);
        bench->pass(1s);
        bench->pass(1s);
        EXPECT_EQ(summaries(), 0u) << steps;
        if (!list.conversations.empty()) {
            ASSERT_FALSE(states(*bob).empty()) << steps;
            EXPECT_TRUE(states(*bob).back().ends_with("is gone")) << steps;
        }
        for (const std::string& each : states(*bob)) EXPECT_FALSE(each.ends_with("with 2")) << steps;
        check();
        bench.reset();
    }
}

TEST_F(EndsOnShards, AMembershipThatCannotBeReadIsReadAgain) {
    start_large();
    meet();
    store.by_hand = true;
    bench->bring(bob, sync(1, 1));
    send();  // the home tells more than the page has seen
    const std::size_t groups = store.groups;
    while (store.groups == groups) bench->run_store();
    store.cannot_read = errc::storage_failed;
    store.by_hand = false;
    bench->settle();
    bench->pass(1s);
    EXPECT_TRUE(states(*bob).empty()) << "nobody knows whether bob is a member";
    store.cannot_read = errc::ok;
    bench->pass(1s);
    bench->pass(1s);
    EXPECT_EQ(states(*bob), (Told{"room:tea ends at 2 with 1"}));
    check();
}

// Those that nobody has written to since the cursor, too.
TEST_F(EndsOnShards, UnchangedRoomsOfAListAreTold) {
    start_large();
    eve = session_of("eve", 2);
    ann = session_of("ann", 3);
    std::string cursor;
    {
        bob = session_of("bob", 1);
        fill_large();
        bench->bring(bob, sync(1, 1));
        cursor = page(*bob, 1).cursor;
        end("bob", bob);
    }
    bob = session_of("bob", 4);
    bench->bring(bob, sync(1, 1, {.cursor = cursor, .feeds = true}));
    EXPECT_TRUE(page(*bob, 1).conversations.empty());
    EXPECT_TRUE(page(*bob, 1).feeds.empty());
    send();
    EXPECT_EQ(states(*bob), (Told{"room:tea ends at 2 with 1"}));
}

TEST_F(EndsOnShards, AThousandSessionsAreToldInASecond) {
    start_large();
    ann = session_of("ann", 1);
    std::vector<std::shared_ptr<Line>> lines;
    constexpr std::size_t kSessions = Summaries::kMostAtOnce + 10;
    for (std::size_t i = 0; i < kSessions; ++i) {
        lines.push_back(bench->connect());
        const auto attempt = static_cast<std::uint8_t>(2 + i % 200);
        const std::string user = "u" + std::to_string(i);
        bench->bring(lines.back(), said(greeting(user, attempt)));
        bench->bring(lines.back(), activate(attempt));
    }
    wire::im::ConversationCreate create;
    create.name = "tea";
    create.join = model::Join::open;
    bench->bring(ann, request(1, 1, Verb::conversation_create, create));
    for (const auto& line : lines) bench->bring(line, of_room(1, 1, Verb::conversation_join, "room:tea"));
    for (const auto& line : lines) bench->bring(line, sync(2, 2));
    bench->pass(1s);
    ASSERT_EQ(summaries(), kSessions);
    const auto told = [&](std::string_view end) {
        return std::ranges::count_if(lines, [&](const auto& line) {
            const auto all = states(*line);
            return !all.empty() && all.back().ends_with(end);
        });
    };
    bench->bring(ann, data(2, 2, "x", "room:tea"));
    EXPECT_EQ(told(" with 1"), static_cast<std::ptrdiff_t>(Summaries::kMostAtOnce));
    bench->pass(1s);
    EXPECT_EQ(told(" with 1"), static_cast<std::ptrdiff_t>(kSessions));
    check();
}

TEST_F(EndsOnShards, FiveHundredRoomsOfASessionAreTold) {
    start_large();
    bob = session_of("bob", 1);
    bench->bring(bob, sync(1, 1));
    auto& told = bench->shard().conversations()->states;
    const Uuid session = bench->shard().table().of_user("bob").front()->id().value;
    for (std::uint64_t i = 0; i <= Summaries::kMostOfSession; ++i) {
        const im::FeedOpening opening{1 + i, 1, 1, 2};
        told.listed(session, model::ConversationKey::room("r" + std::to_string(i)), &opening);
    }
    EXPECT_EQ(summaries(), Summaries::kMostOfSession);
    check();
    bench->settle();
    bench->pass(1s);
    EXPECT_EQ(summaries(), 0u) << "there are no such rooms";
    check();
}

}  // namespace
}  // namespace flare::server::test
