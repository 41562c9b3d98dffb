// Lists of sessions on shards: pages, the feeds that they begin, marks, and what is new in a list.
#include "unit/server/list_bench.hpp"

#include <set>

namespace flare::server::test {
namespace {

TEST_F(ListsOnShards, AreSyncedAndLive) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &fresh);
        const auto bob = session_of("bob", 1);
        const auto ann = session_of("ann", 2);
        make_room(ann, 1, 1, {"bob"});
        bench->bring(ann, data(2, 2, "for bob", "bob"));
        bench->bring(ann, data(3, 3, "for all", "room:tea"));
        bench->bring(bob, sync(1, 1, {.limit = 10, .entries = 5, .feeds = true}));
        const auto list = page(*bob, 1);
        ASSERT_EQ(names(list), (ListedNames{"room:tea", "ann"}));
        EXPECT_TRUE(list.whole);
        EXPECT_EQ(list.conversations[0].entries.size(), 2u);
        EXPECT_EQ(list.conversations[0].mark->unread, 1u);
        const std::uint32_t tea = list.conversations[0].feed;
        const std::uint32_t direct = list.conversations[1].feed;
        EXPECT_NE(tea, 0u);
        EXPECT_NE(direct, 0u);
        EXPECT_NE(tea, direct);
        EXPECT_EQ(feeds(), 2u);
        EXPECT_TRUE(heard(*bob).empty()) << "the page is all that there is";
        bench->bring(ann, data(4, 4, "live", "room:tea") + data(5, 5, "only you", "bob"));
        EXPECT_EQ(told_to(*bob, tea), (Offsets{3}));
        EXPECT_EQ(told_to(*bob, direct), (Offsets{2}));
        EXPECT_EQ(stats().syncs, 1u);
        EXPECT_EQ(stats().pages, 1u);
        EXPECT_EQ(stats().feeds, 2u);
        check();
        end("bob", bob);
        EXPECT_EQ(feeds(), 0u);
        check();
        bench.reset();
    }
}

// The feeds of a page need no reading of their own.
TEST_F(ListsOnShards, BeginFeedsWithoutReadingMemberships) {
    start(1);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    for (std::uint8_t i = 0; i < 5; ++i) make_room(ann, 1 + i, 1 + i, {"bob"}, std::string("r") + std::to_string(i));
    store.by_hand = true;
    bench->bring(bob, sync(1, 1));
    ASSERT_EQ(store.work.size(), 1u);
    bench->run_store();
    bench->settle();
    EXPECT_EQ(page(*bob, 1).conversations.size(), 5u);
    EXPECT_EQ(stats().feeds, 5u) << "the homes have them in memory";
    EXPECT_TRUE(store.work.empty());
    store.by_hand = false;
}

TEST_F(ListsOnShards, AskTheStoreOnceForTheEndsOfLogsThatNobodyHolds) {
    {
        start(1);
        const auto bob = session_of("bob", 1);
        const auto ann = session_of("ann", 2);
        for (std::uint8_t i = 0; i < 5; ++i)
            make_room(ann, 1 + i, 1 + i, {"bob"}, std::string("r") + std::to_string(i));
        bench.reset();
    }
    start(1);
    const auto bob = session_of("bob", 3);
    store.by_hand = true;
    bench->bring(bob, sync(1, 1));
    bench->run_store();
    bench->settle();
    EXPECT_EQ(store.work.size(), 1u);
    EXPECT_EQ(stats().feeds, 0u);
    bench->run_store();
    bench->settle();
    EXPECT_EQ(stats().feeds, 5u);
    EXPECT_TRUE(store.work.empty());
    store.by_hand = false;
}

// Those who come back at once wait for each other, and not before those who send messages.
class ManyLists : public ListsOnShards {
protected:
    static constexpr std::size_t kMany = ConversationSync::kMostReading + 4;

    ManyLists() {
        start(1);
        const auto ann = session_of("ann", 200);
        for (std::size_t i = 0; i < kMany; ++i) users_.push_back("user" + std::to_string(i));
        for (std::size_t i = 0; i < kMany; ++i)
            lines_.push_back(session_of(users_[i], static_cast<std::uint8_t>(1 + i)));
        make_room(ann, 1, 1, {users_.begin(), users_.end()});
        store.by_hand = true;
        for (const auto& line : lines_) bench->bring(line, sync(1, 1));
    }
    ~ManyLists() override {
        store.by_hand = false;
        bench->settle();
        check();
    }
    std::vector<std::size_t> answered() const {
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < kMany; ++i)
            if (responses(*lines_[i]).contains(message_id(1))) all.push_back(i);
        return all;
    }
    // What the store has read arrives, and nothing that follows from it.
    void bring_mail() {
        while (!bench->mail.empty()) {
            const auto [worker, task] = std::move(bench->mail.front());
            bench->mail.pop_front();
            task(bench->shard(worker));
        }
    }

    std::vector<std::string> users_;
    std::vector<std::shared_ptr<Line>> lines_;
};

TEST_F(ManyLists, AreReadAFewAtATimeInTheOrderInWhichTheyWereAskedFor) {
    ASSERT_EQ(store.work.size(), ConversationSync::kMostReading);
    for (std::size_t i = 0; i < kMany; ++i) {
        ASSERT_EQ(store.work.size(), std::min(ConversationSync::kMostReading, kMany - i));
        bench->run_store();
        bench->settle();
        ASSERT_EQ(answered().size(), i + 1);
        EXPECT_EQ(answered().back(), i);
        EXPECT_EQ(page(*lines_[i], 1).conversations.size(), 1u);
    }
}

TEST_F(ManyLists, AreToldOneInATurn) {
    for (std::size_t i = 0; i < 3; ++i) bench->run_store();
    bring_mail();
    auto& tasks = bench->loops[0]->tasks;
    for (std::size_t i = 0; i < 3; ++i) {
        ASSERT_FALSE(tasks.empty());
        const std::size_t waiting = store.work.size();
        for (std::size_t in_this_turn = tasks.size(); in_this_turn != 0; --in_this_turn) {
            const auto task = std::move(tasks.front());
            tasks.pop_front();
            task();
        }
        bench->shard().flush();
        EXPECT_EQ(answered().size(), i + 1);
        EXPECT_EQ(store.work.size(), waiting + 1) << "another one is read";
    }
}

TEST_F(ManyLists, AreNotReadForThoseWhoHaveGoneMeanwhile) {
    for (std::size_t i = 0; i < kMany; ++i)
        if (i != kMany - 1) end(users_[i], lines_[i]);
    for (std::size_t i = 0; i < ConversationSync::kMostReading; ++i) bench->run_store();
    bench->settle();
    ASSERT_EQ(store.work.size(), 1u);
    bench->run_store();
    bench->settle();
    EXPECT_EQ(answered(), (std::vector<std::size_t>{kMany - 1}));
}

TEST_F(ManyLists, AreAskedForLaterWhenTooManyWait) {
    ConversationSync& sync = bench->shard().conversations()->sync;
    for (session::ServerSession* const session : bench->shard().table().of_user(users_[0])) {
        session::PendingRequest pending;
        pending.session = session->id();
        for (std::size_t i = kMany - ConversationSync::kMostReading; i < ConversationSync::kMostWaiting; ++i)
            sync.sync(*session, {}, pending, {});
    }
    const auto late = session_of("late", 100);
    bench->bring(late, ManyLists::sync(1, 1));
    EXPECT_EQ(code(*late, 1), errc::busy);
    EXPECT_EQ(answered().size(), 0u);
    end(users_[0], lines_[0]);
}

// What is written while the page is read is on the page or in its feed.
TEST_F(ListsOnShards, MissNothingThatIsWrittenMeanwhile) {
    for (std::size_t steps = 0; steps < 12; ++steps) {
        for (const std::uint32_t workers : {1u, 3u}) {
            BenchStore fresh;
            bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &fresh);
            const auto bob = session_of("bob", 1);
            const auto ann = session_of("ann", 2);
            make_room(ann, 1, 1, {"bob"});
            fresh.by_hand = true;
            bench->bring(bob, sync(1, 1, {.entries = 50, .feeds = true}));
            for (std::size_t i = 0; i < steps && !fresh.work.empty(); ++i) {
                bench->run_store();
                bench->settle();
            }
            bench->bring(ann, data(2, 2, "meanwhile", "room:tea"));
            fresh.by_hand = false;
            bench->settle();
            bench->bring(ann, data(3, 3, "later", "room:tea"));
            const auto list = page(*bob, 1);
            ASSERT_EQ(names(list), (ListedNames{"room:tea"}));
            Offsets all;
            for (const auto& each : list.conversations[0].entries) all.push_back(each.offset);
            for (const std::uint64_t each : told_to(*bob, list.conversations[0].feed)) all.push_back(each);
            EXPECT_EQ(all, (Offsets{1, 2, 3})) << steps << " steps";
            check();
            bench.reset();
        }
    }
}

// Whoever is removed while the page is read hears of nothing above that.
TEST_F(ListsOnShards, EndWithTheMembershipWheneverItEnds) {
    bool ended = false;
    for (std::size_t steps = 0; steps < 14; ++steps) {
        for (const std::uint32_t workers : {1u, 2u, 3u}) {
            BenchStore fresh;
            bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &fresh);
            const auto bob = session_of("bob", 1);
            const auto ann = session_of("ann", 2);
            make_room(ann, 1, 1, {"bob"});
            fresh.by_hand = true;
            bench->bring(ann, member(2, 2, Verb::member_remove, "bob") + data(3, 3, "without bob", "room:tea"));
            bench->bring(bob, sync(1, 1, {.entries = 50, .feeds = true}));
            // What bob asks for overtakes what ann does, by more and more.
            for (std::size_t i = 0; i < steps && !fresh.work.empty(); ++i) {
                if (i % 2 == 0) std::rotate(fresh.work.begin(), fresh.work.end() - 1, fresh.work.end());
                bench->run_store();
                bench->settle();
            }
            fresh.by_hand = false;
            bench->settle();
            const auto list = page(*bob, 1);
            if (list.conversations.empty()) {
                EXPECT_TRUE(heard(*bob).empty());
            } else {
                ASSERT_NE(list.conversations[0].feed, 0u);
                const std::vector<Heard> all = heard(*bob);
                ASSERT_FALSE(all.empty()) << steps << " steps, " << workers << " workers";
                EXPECT_EQ(all.back().feed, list.conversations[0].feed);
                ended |= all.back().removed == 2;
                EXPECT_TRUE(all.back().failed != errc::ok || all.back().removed == 2);
                for (const std::uint64_t each : told_to(*bob, list.conversations[0].feed)) EXPECT_LE(each, 2u);
            }
            EXPECT_EQ(feeds(), 0u);
            check();
            bench.reset();
        }
    }
    EXPECT_TRUE(ended);
}

// The home has told of the removal before the feed has registered: the membership is read again.
TEST_F(ListsOnShards, SayThatAFeedCouldNotBegin) {
    start(1);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    store.by_hand = true;
    bench->bring(bob, sync(1, 1));
    bench->run_store();
    auto page_read = std::move(bench->mail.back());  // it comes late
    bench->mail.pop_back();
    store.by_hand = false;
    bench->bring(ann, member(2, 2, Verb::member_remove, "bob"));
    ASSERT_EQ(code(*ann, 2), errc::ok);
    bench->mail.push_back(std::move(page_read));
    bench->settle();
    const std::uint32_t feed = page(*bob, 1).conversations.at(0).feed;
    const std::vector<Heard> all = heard(*bob);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].feed, feed);
    EXPECT_EQ(all[0].failed, errc::unknown_conversation);
    EXPECT_EQ(feeds(), 0u);
    bench->bring(bob, sync(2, 2));
    EXPECT_TRUE(page(*bob, 2).conversations.empty());
    check();
}

TEST_F(ListsOnShards, KeepFeedsThatTheSessionHas) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    wire::im::Subscribe subscribe;
    subscribe.conversation = "room:tea";
    bench->bring(bob, request(1, 1, Verb::subscribe, subscribe));
    const auto subscribed = wire::im::decode<wire::im::Subscribed>(responses(*bob).at(message_id(1)).body);
    bench->bring(bob, sync(2, 2));
    bench->bring(bob, sync(3, 3));
    EXPECT_EQ(page(*bob, 2).conversations[0].feed, subscribed->feed);
    EXPECT_EQ(page(*bob, 3).conversations[0].feed, subscribed->feed);
    EXPECT_EQ(feeds(), 1u);
    bench->bring(ann, data(2, 2, "once", "room:tea"));
    EXPECT_EQ(heard(*bob).size(), 1u);
    // Subscribing replaces it, and unsubscribing ends it.
    bench->bring(bob, request(4, 4, Verb::subscribe, subscribe));
    const auto again = wire::im::decode<wire::im::Subscribed>(responses(*bob).at(message_id(4)).body);
    EXPECT_NE(again->feed, subscribed->feed);
    bench->bring(ann, data(3, 3, "twice", "room:tea"));
    EXPECT_EQ(told_to(*bob, again->feed), (Offsets{3}));
    bench->bring(bob, request(5, 5, Verb::unsubscribe, wire::im::Unsubscribe{"room:tea"}));
    EXPECT_EQ(feeds(), 0u);
    check();
}

TEST_F(ListsOnShards, WithoutFeedsBeginNone) {
    start(1);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    bench->bring(bob, sync(1, 1, {}));
    EXPECT_EQ(page(*bob, 1).conversations[0].feed, 0u);
    EXPECT_EQ(feeds(), 0u);
    make_room(ann, 2, 2, {"bob"}, "ball");
    EXPECT_TRUE(heard(*bob).empty()) << "nor is anything told unasked";
}

TEST_F(ListsOnShards, TellFeedsOfWhatHasNotChangedOnTheLastPage) {
    start(1);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    for (std::uint8_t i = 0; i < 4; ++i) make_room(ann, 1 + i, 1 + i, {"bob"}, std::string("r") + std::to_string(i));
    bench->bring(bob, sync(1, 1, {}));
    const std::string cursor(page(*bob, 1).cursor);
    bench->bring(ann, data(5, 5, "new", "room:r2"));
    bench->bring(bob, sync(2, 2, {.cursor = cursor, .feeds = true}));
    const auto list = page(*bob, 2);
    EXPECT_FALSE(list.whole);
    EXPECT_EQ(names(list), (ListedNames{"room:r2"}));
    ASSERT_EQ(list.feeds.size(), 3u);
    EXPECT_EQ(list.feeds[0].conversation, "room:r3");
    bench->bring(ann, data(6, 6, "live", "room:r3"));
    EXPECT_EQ(told_to(*bob, list.feeds[0].feed), (Offsets{2}));
}

TEST_F(ListsOnShards, HaveAtMost500Feeds) {
    store::WriteBatch names;
    for (const char* const name : {"ann", "bob"}) names.writes.emplace_back().what = store::NewUser{name};
    store::WriteBatch* const group[] = {&names};
    ASSERT_TRUE(store.engine->commit(group, 1'700'000'000'000));
    for (int i = 0; i < 505; ++i) {
        store::Change change;
        change.key = model::ConversationKey::room("r" + std::to_string(i));
        change.config.emplace();
        for (const store::Write& user : names.writes)
            change.members.push_back({.user = user.outcome.row, .role = model::Role::owner, .joined_at = 1});
        store::WriteBatch room;
        room.writes.emplace_back().what = change;
        store::WriteBatch* const of_room[] = {&room};
        ASSERT_TRUE(store.engine->commit(of_room, 1'700'000'000'000));
    }
    start(2);
    const auto bob = session_of("bob", 1);
    std::size_t with_feed = 0, without = 0;
    std::string next;
    for (std::uint8_t i = 1; i <= 3; ++i) {
        bench->bring(bob, sync(i, i, {.page = next, .limit = 200, .feeds = true}));
        const auto list = page(*bob, i);
        for (const auto& each : list.conversations) ++(each.feed == 0 ? without : with_feed);
        next = list.next;
        EXPECT_EQ(next.empty(), i == 3);
    }
    EXPECT_EQ(with_feed, 500u);
    EXPECT_EQ(without, 5u);
    EXPECT_EQ(feeds(), 500u);
    // One that is new is told, without a feed.
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"}, "new");
    const std::vector<Heard> all = heard(*bob);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].began, "room:new");
    EXPECT_EQ(all[0].began_feed, 0u);
    EXPECT_GT(all[0].feed, 500u);
    EXPECT_EQ(feeds(), 500u);
    check();
}

TEST_F(ListsOnShards, RefuseWhatIsNoCursor) {
    start(1);
    const auto bob = session_of("bob", 1);
    bench->bring(bob, sync(1, 1, {.cursor = "made up"}));
    EXPECT_EQ(code(*bob, 1), errc::malformed_frame);
    bench->bring(bob, sync(2, 2, {.page = std::string_view("\0\0", 2)}));
    EXPECT_EQ(code(*bob, 2), errc::malformed_frame);
    store.cannot_read = errc::storage_failed;
    bench->bring(bob, sync(3, 3));
    EXPECT_EQ(code(*bob, 3), errc::storage_failed);
    store.cannot_read = errc::ok;
    bench->bring(bob, sync(4, 4));
    EXPECT_EQ(code(*bob, 4), errc::ok);
}

// A receipt in the feed's lane may overtake the page, and then is not known to be an entry of that feed.
TEST_F(ListsOnShards, GiveOwnMessagesUntilThePageHasArrived) {
    for (const bool apart : {true, false}) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(), nullptr, &fresh);
        std::string name = "room:0";
        while ((session::lane_of(name, 4) != 0) != apart) ++name.back();
        const session::LaneIndex lane = session::lane_of(name, 4);
        const auto ann = session_of("ann", 1);
        ASSERT_EQ(bench->shard().table().of_user("ann").front()->lanes(), 4u);
        make_room(ann, 1, 1, {}, name.substr(5));
        bench->bring(ann, sync(2, 2));
        const std::uint32_t feed = page(*ann, 2).conversations[0].feed;
        const auto send = [&](session::Seq seq, std::uint8_t id) {
            wire::DataView view;
            view.message = session::test::message_of(id, "own", name);
            bench->bring(ann, session::test::numbered(lane, apart ? seq : seq + 2, wire::encode(view)));
        };
        send(1, 3);
        EXPECT_EQ(told_to(*ann, feed), apart ? (Offsets{2}) : Offsets());
        bench->bring(ann, ack_all(*ann));
        send(2, 4);
        EXPECT_EQ(told_to(*ann, feed), apart ? (Offsets{2}) : Offsets()) << "the receipt is the entry";
        const auto bob = session_of("bob", 2);
        bench->bring(bob, of_room(1, 1, Verb::conversation_join, name));
        EXPECT_EQ(told_to(*ann, feed).back(), 4u);
        bench.reset();
    }
}

// ---- marks ----

TEST_F(ListsOnShards, MoveMarks) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    for (std::uint8_t i = 2; i <= 5; ++i) bench->bring(ann, data(i, i, "text", "room:tea"));
    const std::uint64_t epoch =
        (*store.engine->reader()->conversation(model::ConversationKey::room("tea")))->head.last.epoch;
    bench->bring(bob, mark(1, 1, "room:tea", epoch, 3));
    EXPECT_EQ(marked(*bob, 1), (wire::im::ReadMark{3, 2, false, 5, 4}));
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 2));
    EXPECT_EQ(marked(*bob, 2), (wire::im::ReadMark{3, 2, false, 5, 4})) << "it only grows";
    bench->bring(bob, mark(3, 3, "room:tea", epoch, 999));
    EXPECT_EQ(marked(*bob, 3), (wire::im::ReadMark{5, 0, false, 5, 4})) << "not beyond the end";
    bench->bring(bob, mark(4, 4, "room:tea", epoch + 1, 4));
    EXPECT_EQ(code(*bob, 4), errc::epoch_changed);
    bench->bring(bob, mark(5, 5, "room:ball", epoch, 4));
    EXPECT_EQ(code(*bob, 5), errc::unknown_conversation);
    const auto eve = session_of("eve", 3);
    bench->bring(eve, mark(1, 1, "room:tea", epoch, 4));
    EXPECT_EQ(code(*eve, 1), errc::unknown_conversation) << "no member";
    bench->bring(bob, sync(6, 6, {}));
    EXPECT_EQ(page(*bob, 6).conversations[0].mark, (wire::im::ReadMark{5, 0, false}));
    store.refuses = errc::storage_full;
    bench->bring(ann, mark(6, 6, "room:tea", epoch, 4));
    EXPECT_EQ(code(*ann, 6), errc::storage_full);
    EXPECT_EQ(stats().marks, 7u);
}

}  // namespace
}  // namespace flare::server::test
