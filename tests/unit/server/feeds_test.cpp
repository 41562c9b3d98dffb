// Feeds of sessions on shards: from the home of a conversation, and the store, to frames of sessions.
#include "wire/feeds.hpp"
#include "unit/server/conversation_bench.hpp"
#include "wire/compression.hpp"
#include "wire/entries.hpp"

#include <algorithm>

namespace flare::server::test {
namespace {

using Reason = wire::im::FeedResetReason;
using Texts = std::vector<std::string>;

// One frame of a feed.
struct Fed {
    std::uint32_t feed = 0;
    Texts entries;  // "3 ann: hello"; of what is no message, "3 (ann)"
    std::optional<wire::im::FeedReset> reset;
    std::uint64_t removed = 0;
};

std::vector<Fed> frames(const Line& line) {
    std::vector<Fed> all;
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind != wire::FrameKind::feed) continue;
            const auto feed = wire::im::decode<wire::im::Feed>(frame.body);
            if (!feed) {
                ADD_FAILURE() << "a feed that cannot be read";
                continue;
            }
            Fed& fed = all.emplace_back(Fed{frame.feed_id, {}, feed->reset, feed->removed});
            for (const wire::im::Entry& entry : feed->entries) {
                const std::string text = entry.kind == model::EntryKind::message
                                             ? std::string(entry.from) + ": " + std::string(entry.payload)
                                             : "(" + std::string(entry.from) + ")";
                fed.entries.push_back(std::to_string(entry.offset) + " " + text);
            }
        }
    }
    return all;
}

// All entries of a feed, in order.
Texts told(const Line& line, std::uint32_t feed = 1) {
    Texts all;
    for (const Fed& each : frames(line)) {
        if (each.feed == feed) all.insert(all.end(), each.entries.begin(), each.entries.end());
    }
    return all;
}

class FeedsOnShards : public RoomsOnShards {
protected:
    static std::string subscribe(session::Seq seq, std::uint8_t id, std::string_view conversation,
                                 const reading::FeedPlace& place = {}) {
        wire::im::Subscribe body;
        body.conversation = conversation;
        body.epoch = place.epoch;
        body.after = place.after;
        body.id = place.id;
        body.complete = place.complete;
        return request(seq, id, Verb::subscribe, body);
    }
    static std::string unsubscribe(session::Seq seq, std::uint8_t id, std::string_view conversation) {
        return request(seq, id, Verb::unsubscribe, wire::im::Unsubscribe{conversation});
    }
    // What the request was answered with; views into `kept`.
    wire::im::Subscribed subscribed(const Line& line, std::uint8_t id) {
        const auto all = responses(line);
        EXPECT_TRUE(all.contains(message_id(id)));
        if (!all.contains(message_id(id))) return {};
        EXPECT_EQ(all.at(message_id(id)).code, errc::ok);
        const auto body = wire::im::decode<wire::im::Subscribed>(all.at(message_id(id)).body);
        EXPECT_TRUE(body);
        return body ? *body : wire::im::Subscribed();
    }
    std::size_t feeds() {
        std::size_t all = 0;
        for (const auto& loop : bench->loops) all += loop->shard.conversations()->feeds.size();
        return all;
    }
    void check() {
        for (const auto& loop : bench->loops) {
            loop->shard.conversations()->feeds.machine().check_invariants();
            loop->shard.conversations()->home.check_invariants();
        }
    }
    // A room in the store, of ann and bob, with so many entries of ann, that no home has in memory.
    void fill(std::size_t entries, std::size_t bytes = 10) {
        const auto commit = [&](decltype(store::Write::what) what, store::WriteBatch& batch) {
            batch.writes.emplace_back().what = std::move(what);
        };
        const auto run = [&](store::WriteBatch& batch) {
            store::WriteBatch* const group[] = {&batch};
            EXPECT_TRUE(store.engine->commit(group, 1'700'000'000'000));
        };
        store::WriteBatch users;
        commit(store::NewUser{"ann"}, users);
        commit(store::NewUser{"bob"}, users);
        run(users);
        store::Change change;
        change.key = model::ConversationKey::room("tea");
        change.config.emplace();
        for (const store::Write& user : users.writes)
            change.members.push_back({.user = user.outcome.row, .role = model::Role::owner, .visible_from = 1});
        store::WriteBatch room;
        commit(change, room);
        run(room);
        store::WriteBatch log;
        for (std::size_t i = 1; i <= entries; ++i) {
            store::NewEntry entry;
            entry.conversation = room.writes.front().outcome.row;
            entry.sender = users.writes.front().outcome.row;
            entry.id.bytes[0] = static_cast<std::uint8_t>(i >> 8);
            entry.id.bytes[1] = static_cast<std::uint8_t>(i);
            entry.type = log.add("chat");
            entry.payload = log.add(std::string(bytes, 'x'));
            commit(entry, log);
        }
        run(log);
        const auto reader = store.engine->reader();
        epoch = (*reader->conversation(change.key))->head.last.epoch;
    }
    Uuid id_of_entry(std::size_t offset) const {
        Uuid id;
        id.bytes[0] = static_cast<std::uint8_t>(offset >> 8);
        id.bytes[1] = static_cast<std::uint8_t>(offset);
        return id;
    }
    // Offsets from `first` to `last`, without a hole.
    static void expect_offsets(const Texts& entries, std::size_t first, std::size_t last) {
        ASSERT_EQ(entries.size(), last - first + 1);
        for (std::size_t i = 0; i < entries.size(); ++i)
            EXPECT_TRUE(entries[i].starts_with(std::to_string(first + i) + " ")) << entries[i];
    }

    std::uint64_t epoch = 0;
};

// Each session that listens has one: with the heap's own 8 bytes, these are 128.
static_assert(sizeof(FeedSubscriber) <= 120);

TEST_F(FeedsOnShards, ARoomIsFollowedLive) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &fresh);
        const auto bob = session_of("bob", 1);
        const auto ann = session_of("ann", 2);
        make_room(ann, 1, 1, {"bob"});
        bench->bring(bob, subscribe(1, 1, "room:tea"));
        bench->bring(ann, subscribe(2, 2, "room:tea"));
        EXPECT_EQ(subscribed(*bob, 1).feed, 1u);
        EXPECT_EQ(subscribed(*bob, 1).next, 2u) << "behind the entry that has made it";
        EXPECT_EQ(subscribed(*bob, 1).head->last, 1u);
        bench->bring(ann, data(3, 3, "hello", "room:tea") + data(4, 4, "is somebody here?", "room:tea"));
        EXPECT_EQ(told(*bob), (Texts{"2 ann: hello", "3 ann: is somebody here?"}));
        EXPECT_EQ(frames(*bob).size(), 1u) << "what was committed together";
        EXPECT_TRUE(frames(*ann).empty()) << "the receipts are the entries";
        EXPECT_EQ(answers(*ann).at(message_id(4)), stored(3));
        bench->bring(bob, data(2, 5, "yes", "room:tea"));
        EXPECT_EQ(told(*ann), (Texts{"4 bob: yes"}));
        EXPECT_EQ(told(*bob).size(), 2u);
        EXPECT_EQ(feeds(), 2u);
        check();
        end("bob", bob);
        EXPECT_EQ(feeds(), 1u);
        bench.reset();
    }
}

// An entry of the log that is no message is read by the worker, with names.
TEST_F(FeedsOnShards, ChangesOfMembersAreTold) {
    start(2);
    session_of("eve", 3);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    bench->bring(bob, subscribe(1, 1, "room:tea"));
    wire::im::MemberChange change;
    change.conversation = "room:tea";
    change.users = {"eve"};
    bench->bring(ann, data(2, 2, "before", "room:tea") + request(3, 3, Verb::member_add, change) +
                          data(4, 4, "after", "room:tea"));
    EXPECT_EQ(told(*bob), (Texts{"2 ann: before", "3 (ann)", "4 ann: after"}));
    EXPECT_EQ(bench->shard(0).stats().feeds.pages + bench->shard(1).stats().feeds.pages, 1u);
}

TEST_F(FeedsOnShards, TheLogIsGivenFromThePositionOn) {
    fill(300);
    start(2);
    const auto bob = session_of("bob", 1);
    bench->bring(bob, subscribe(1, 1, "room:tea", {epoch, 100, id_of_entry(100)}));
    EXPECT_EQ(subscribed(*bob, 1).next, 101u);
    EXPECT_FALSE(subscribed(*bob, 1).reset);
    expect_offsets(told(*bob), 101, 300);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "live", "room:tea"));
    EXPECT_EQ(told(*bob).back(), "301 ann: live");
    check();
}

// Its entries are more than its lane takes at once: they come as it reads.
TEST_F(FeedsOnShards, WhoReadsNothingIsGivenLittle) {
    fill(600, 2000);
    start(1);
    const auto bob = session_of("bob", 1);
    bob->writable = false;
    bench->bring(bob, subscribe(1, 1, "room:tea", {epoch, 0}));
    const session::ServerSession& session = *bench->shard(0).table().of_user("bob").front();
    EXPECT_LE(session.totals().queued_frames, FeedSubscriber::kMostWaiting + 1);
    EXPECT_GE(session.totals().queued_frames, FeedSubscriber::kMostWaiting);
    EXPECT_LE(bench->shard(0).conversations()->feeds.size(), 1u);
    bob->writable = true;
    bob->handler->on_writable();
    bench->settle();
    EXPECT_GT(told(*bob).size(), 300u) << "as far as its credit goes";
    check();
}

TEST_F(FeedsOnShards, TheAnswerComesBeforeTheFirstEntry) {
    fill(5);
    start(2);
    const auto bob = session_of("bob", 1);
    bench->bring(bob, subscribe(1, 1, "room:tea", {epoch, 1}));
    session::Seq answered = 0;
    session::Seq first = 0;
    for (const std::string& batch : bob->sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind == wire::FrameKind::response) answered = frame.seq;
            if (frame.kind == wire::FrameKind::feed && first == 0) first = frame.seq;
        }
    }
    EXPECT_EQ(answered, 1u);
    EXPECT_EQ(first, 2u);
}

// ---- direct conversations ----

TEST_F(FeedsOnShards, ADirectConversationIsOneLogUnderTwoNames) {
    for (const std::uint32_t workers : {1u, 2u}) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &fresh);
        const std::string one = bench->user_of(0);
        const std::string other = workers == 1 ? "other" : bench->user_of(1);
        const auto ann = session_of(one, 1);
        const auto bob = session_of(other, 2);
        bench->bring(ann, data(1, 1, "hi", other));
        EXPECT_EQ(texts(*bob), (Texts{"hi"}));
        bench->bring(ann, subscribe(2, 2, other));
        bench->bring(bob, subscribe(1, 3, one));
        const auto tablet = session_of(other, 3, "tablet");
        bench->bring(ann, data(3, 4, "how are you?", other));
        EXPECT_EQ(told(*bob), (Texts{"2 " + one + ": how are you?"}));
        EXPECT_EQ(texts(*bob).size(), 1u) << "not once more as Data";
        EXPECT_EQ(texts(*tablet), (Texts{"how are you?"})) << "who has no feed";
        bench->bring(bob, data(2, 5, "well", one));
        EXPECT_EQ(told(*ann), (Texts{"3 " + other + ": well"}));
        EXPECT_TRUE(texts(*ann).empty());
        bench->bring(bob, unsubscribe(3, 6, one));
        bench->bring(ann, data(4, 7, "good", other));
        EXPECT_EQ(texts(*bob).back(), "good");
        EXPECT_EQ(told(*bob).size(), 1u);
        check();
        bench.reset();
    }
}

TEST_F(FeedsOnShards, NotesToOneselfReachOtherDevices) {
    start(2);
    const auto phone = session_of("ann", 1);
    const auto tablet = session_of("ann", 2, "tablet");
    bench->bring(phone, data(1, 1, "first", "ann"));
    bench->bring(phone, subscribe(2, 2, "ann"));
    bench->bring(tablet, subscribe(1, 3, "ann"));
    bench->bring(phone, data(3, 4, "buy milk", "ann"));
    EXPECT_EQ(told(*tablet), (Texts{"2 ann: buy milk"}));
    EXPECT_TRUE(frames(*phone).empty());
}

// ---- rights ----

TEST_F(FeedsOnShards, WhoIsNoMemberIsToldNothing) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1);
    bench->bring(bob, subscribe(1, 1, "room:tea") + subscribe(2, 2, "room:none") + subscribe(3, 3, kServerTarget) +
                          subscribe(4, 4, "room:a\tb") + unsubscribe(5, 5, "room:tea"));
    EXPECT_EQ(responses(*bob).at(message_id(1)).code, errc::unknown_conversation);
    EXPECT_EQ(responses(*bob).at(message_id(2)).code, errc::unknown_conversation);
    EXPECT_EQ(responses(*bob).at(message_id(3)).code, errc::unknown_conversation);
    EXPECT_EQ(responses(*bob).at(message_id(4)).code, errc::invalid_name);
    EXPECT_EQ(responses(*bob).at(message_id(5)).code, errc::ok) << "there is none any more";
    EXPECT_EQ(feeds(), 0u);
    bench->bring(ann, data(2, 2, "secret", "room:tea"));
    EXPECT_TRUE(frames(*bob).empty());
}

TEST_F(FeedsOnShards, WhoIsRemovedIsToldSoAndNothingFromThenOn) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &fresh);
        const auto bob = session_of("bob", 1);
        const auto ann = session_of("ann", 2);
        make_room(ann, 1, 1, {"bob"});
        bench->bring(bob, subscribe(1, 1, "room:tea"));
        wire::im::MemberChange out;
        out.conversation = "room:tea";
        out.users = {"bob"};
        bench->bring(ann, data(2, 2, "before", "room:tea") + request(3, 3, Verb::member_remove, out) +
                              data(4, 4, "after", "room:tea"));
        ASSERT_EQ(frames(*bob).size(), 2u);
        EXPECT_EQ(told(*bob), (Texts{"2 ann: before"}));
        EXPECT_EQ(frames(*bob).back().removed, 3u);
        EXPECT_EQ(feeds(), 0u);
        bench->bring(bob, subscribe(2, 2, "room:tea"));
        EXPECT_EQ(responses(*bob).at(message_id(2)).code, errc::unknown_conversation);
        // Who joins again is told again, from there on.
        bench->bring(bob, request(3, 3, Verb::conversation_join, wire::im::ConversationRef{"room:tea"}));
        bench->bring(bob, subscribe(4, 4, "room:tea", {0, 1}));
        EXPECT_EQ(subscribed(*bob, 4).visible_from, 5u);
        bench->bring(ann, data(5, 5, "welcome", "room:tea"));
        EXPECT_EQ(told(*bob, 3).back(), "6 ann: welcome");
        check();
        bench.reset();
    }
}

// The membership was read, and then ended, before the worker heard what was read.
TEST_F(FeedsOnShards, ARemovalThatComesWhileTheFeedOpensCounts) {
    start(1);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    store.by_hand = true;
    bench->bring(bob, subscribe(1, 1, "room:tea"));
    ASSERT_EQ(store.work.size(), 1u);
    bench->run_store();
    auto read = std::exchange(bench->mail, {});
    store.by_hand = false;
    wire::im::MemberChange out;
    out.conversation = "room:tea";
    out.users = {"bob"};
    bench->bring(ann, request(2, 2, Verb::member_remove, out));
    EXPECT_FALSE(responses(*bob).contains(message_id(1)));
    bench->mail = std::move(read);
    bench->settle();
    EXPECT_EQ(responses(*bob).at(message_id(1)).code, errc::unknown_conversation);
    bench->bring(ann, data(3, 3, "after", "room:tea"));
    EXPECT_TRUE(frames(*bob).empty());
}

// The store shows it, and its home has not been told that it is committed: nobody is given it before others are.
TEST_F(FeedsOnShards, WhatIsCommittedIsToldWhenItsHomeKnows) {
    start(1);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    bench->bring(ann, subscribe(2, 2, "room:tea"));
    store.by_hand = true;
    bench->bring(bob, data(1, 1, "two", "room:tea"));
    ASSERT_EQ(store.work.size(), 1u);
    bench->run_store();
    auto written = std::exchange(bench->mail, {});
    store.by_hand = false;
    bench->bring(bob, subscribe(2, 2, "room:tea", {0, 1}));
    EXPECT_EQ(subscribed(*bob, 2).head->last, 2u);
    EXPECT_TRUE(told(*ann).empty());
    const auto before = frames(*bob).size();
    EXPECT_EQ(told(*bob), (Texts{"1 (ann)"}));
    bench->mail = std::move(written);
    bench->settle();
    EXPECT_EQ(told(*ann), (Texts{"2 bob: two"}));
    EXPECT_EQ(frames(*bob).size(), before + 1) << "it was committed before the feed began";
}

// ---- where a feed begins ----

TEST_F(FeedsOnShards, APositionThatIsNoneIsReset) {
    fill(100);
    start(2);
    const auto bob = session_of("bob", 1);
    bench->bring(bob, subscribe(1, 1, "room:tea", {epoch + 1, 10, id_of_entry(10)}));
    ASSERT_TRUE(subscribed(*bob, 1).reset);
    EXPECT_EQ(*subscribed(*bob, 1).reset, (wire::im::FeedReset{Reason::other_epoch, 1, 100, 51, epoch}));
    expect_offsets(told(*bob, 1), 51, 100);
    bench->bring(bob, subscribe(2, 2, "room:tea", {epoch, 101}));
    EXPECT_EQ(subscribed(*bob, 2).reset->reason, Reason::diverged);
    bench->bring(bob, subscribe(3, 3, "room:tea", {epoch, 10, id_of_entry(11)}));
    EXPECT_EQ(subscribed(*bob, 3).reset->reason, Reason::diverged);
    expect_offsets(told(*bob, 3), 51, 100);
    bench->bring(bob, subscribe(4, 4, "room:tea", {epoch, 100, id_of_entry(100)}));
    EXPECT_FALSE(subscribed(*bob, 4).reset);
    EXPECT_EQ(subscribed(*bob, 4).next, 101u);
    EXPECT_EQ(feeds(), 1u) << "the last one of a conversation counts";
}

TEST_F(FeedsOnShards, WhoIsTooFarBehindIsToldTheNewest) {
    fill(1001);
    start(2);
    const auto bob = session_of("bob", 1);
    bench->bring(bob, subscribe(1, 1, "room:tea", {epoch, 0}));
    EXPECT_EQ(*subscribed(*bob, 1).reset, (wire::im::FeedReset{Reason::too_far_behind, 1, 1001, 952, epoch}));
    expect_offsets(told(*bob, 1), 952, 1001);
    bench->bring(bob, subscribe(2, 2, "room:tea", {epoch, 1}));
    EXPECT_FALSE(subscribed(*bob, 2).reset) << "1,000 are not too many";
    expect_offsets(told(*bob, 2), 2, 1001);
    bench->bring(bob, subscribe(3, 3, "room:tea", {epoch, 0, {}, true}));
    EXPECT_FALSE(subscribed(*bob, 3).reset);
    expect_offsets(told(*bob, 3), 1, 1001);
}

TEST_F(FeedsOnShards, WhoSubscribesAgainHasAFeedOfAnotherNumber) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    // Before the first one is answered; and each is.
    bench->bring(bob, subscribe(1, 1, "room:tea") + subscribe(2, 2, "room:tea") + unsubscribe(3, 3, "room:tea") +
                          subscribe(4, 4, "room:tea"));
    EXPECT_EQ(subscribed(*bob, 1).feed, 1u);
    EXPECT_EQ(subscribed(*bob, 2).feed, 2u);
    EXPECT_EQ(responses(*bob).at(message_id(3)).code, errc::ok);
    EXPECT_EQ(subscribed(*bob, 4).feed, 3u);
    EXPECT_EQ(feeds(), 1u);
    bench->bring(ann, data(2, 2, "hello", "room:tea"));
    ASSERT_EQ(frames(*bob).size(), 1u);
    EXPECT_EQ(told(*bob, 3), (Texts{"2 ann: hello"}));
}

TEST_F(FeedsOnShards, ASessionHasFiveHundred) {
    Config config = plain_config(1);
    config.conversations.limits.device = {100'000, 100'000};
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    const auto ann = session_of("ann", 1);
    session::Seq seq = 0;
    const auto id = [&seq] {
        Uuid made;
        made.bytes[0] = static_cast<std::uint8_t>(seq >> 8);
        made.bytes[1] = static_cast<std::uint8_t>(seq);
        made.bytes[2] = 1;
        return made;
    };
    const auto ask = [&](Verb verb, const std::string& body) {
        wire::RequestView view;
        ++seq;
        view.id = id();
        view.verb = verb;
        view.body = body;
        bench->bring(ann, session::test::numbered(0, seq, wire::encode(view)));
        return responses(*ann).at(view.id).code;
    };
    for (int i = 0; i <= 500; ++i) {
        wire::im::ConversationCreate create;
        const std::string name = std::to_string(i);
        create.name = name;
        ASSERT_EQ(ask(Verb::conversation_create, wire::im::encode(create)), errc::ok);
        wire::im::Subscribe body;
        const std::string room = "room:" + name;
        body.conversation = room;
        EXPECT_EQ(ask(Verb::subscribe, wire::im::encode(body)), i < 500 ? errc::ok : errc::too_many_feeds);
        ann->sent.clear();
    }
    EXPECT_EQ(feeds(), 500u);
}

// ---- what goes wrong ----

TEST_F(FeedsOnShards, WhatACommitOfUnknownOutcomeHasWrittenIsToldOnce) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    bench->bring(bob, subscribe(1, 1, "room:tea"));
    store.sync_fails = true;
    bench->bring(ann, data(2, 2, "two", "room:tea") + data(3, 3, "three", "room:tea"));
    EXPECT_FALSE(store.sync_fails);
    EXPECT_EQ(told(*bob), (Texts{"2 ann: two", "3 ann: three"}));
    const auto tablet = session_of("ann", 3, "tablet");
    bench->bring(tablet, again(1, 2, "two", "room:tea"));
    EXPECT_EQ(told(*bob).size(), 2u);
}

TEST_F(FeedsOnShards, WhatWasCommittedBeforeTheHomeKnewOfTheConversationIsTold) {
    fill(3);
    start(2);
    const auto bob = session_of("bob", 1);
    bench->bring(bob, subscribe(1, 1, "room:tea"));
    EXPECT_EQ(subscribed(*bob, 1).next, 4u);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "four", "room:tea"));
    EXPECT_EQ(told(*bob), (Texts{"4 ann: four"}));
}

TEST_F(FeedsOnShards, WithoutAStoreThatAnswersTheyAreRefused) {
    fill(3);
    start(2);
    const auto bob = session_of("bob", 1);
    store.cannot_read = errc::store_damaged;
    bench->bring(bob, subscribe(1, 1, "room:tea") + unsubscribe(2, 2, "room:tea"));
    EXPECT_EQ(responses(*bob).at(message_id(1)).code, errc::storage_failed);
    EXPECT_EQ(responses(*bob).at(message_id(2)).code, errc::ok);
    EXPECT_EQ(feeds(), 0u);
    store.cannot_read = errc::ok;
    bench->bring(bob, subscribe(3, 3, "room:tea"));
    EXPECT_EQ(subscribed(*bob, 3).next, 4u);
}

TEST_F(FeedsOnShards, APageThatCouldNotBeReadIsReadAgain) {
    start(1);
    session_of("eve", 3);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    bench->bring(bob, subscribe(1, 1, "room:tea"));
    wire::im::MemberChange change;
    change.conversation = "room:tea";
    change.users = {"eve"};
    store.reads_until = store.groups + 1;
    bench->bring(ann, request(2, 2, Verb::member_add, change));
    EXPECT_TRUE(told(*bob).empty());
    store.reads_until = SIZE_MAX;
    bench->pass(500ms);
    EXPECT_EQ(told(*bob), (Texts{"2 (ann)"}));
}

TEST_F(FeedsOnShards, ASessionMayEndWhileAPageIsRead) {
    fill(100);
    start(2);
    const auto bob = session_of("bob", 1);
    store.by_hand = true;
    bench->bring(bob, subscribe(1, 1, "room:tea", {epoch, 0}));
    for (int i = 0; i < 3; ++i) {
        const auto other = session_of("bob", static_cast<std::uint8_t>(10 + i), std::to_string(i));
        bench->bring(other, subscribe(1, 1, "room:tea", {epoch, 0}));
        for (int k = 0; k < 2 * i && !store.work.empty(); ++k) {
            bench->run_store();
            bench->settle();
        }
    }
    bench->shard(bench->router.home_of("bob")).end_user("bob", errc::kicked, "out");
    bench->pass(6s);  // they have not acknowledged it
    store.by_hand = false;
    bench->settle();
    EXPECT_EQ(feeds(), 0u);
    check();
}

// ---- compression ----

TEST_F(FeedsOnShards, EachIsToldWhatItCanRead) {
    Config config = plain_config(2);
    config.compression = std::make_shared<const wire::Compression>(wire::Compression::Options());
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    const auto compressing = [&](const std::string& user, std::uint8_t attempt) {
        const auto line = bench->connect(bench->router.home_of(user));
        wire::Hello hello = greeting(user, attempt);
        hello.capabilities |= wire::kCapabilityZstd;
        bench->bring(line, said(hello));
        bench->bring(line, activate(attempt));
        return line;
    };
    const auto bob = session_of("bob", 1);
    const auto eve = compressing("eve", 2);
    const auto ann = compressing("ann", 3);
    make_room(ann, 1, 1, {"bob", "eve"});
    bench->bring(bob, subscribe(1, 1, "room:tea"));
    bench->bring(eve, subscribe(1, 2, "room:tea"));
    const std::string text(5000, 'x');
    const wire::Compression compression{wire::Compression::Options()};
    const std::string packed(compression.pack(text, wire::set_of(wire::Encoding::zstd))->bytes);
    wire::DataView view;
    view.message = session::test::message_of(4, packed, "room:tea");
    view.message->encoding = wire::Encoding::zstd;
    view.message->size = text.size();
    bench->bring(ann, session::test::numbered(0, 2, wire::encode(view)) + data(3, 5, "plain", "room:tea"));
    EXPECT_EQ(told(*bob), (Texts{"2 ann: " + text, "3 ann: plain"}));
    EXPECT_EQ(told(*eve), (Texts{"2 ann: " + packed, "3 ann: plain"}));
}

TEST_F(FeedsOnShards, FiguresTellOfThem) {
    start(1);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    make_room(ann, 1, 1, {"bob"});
    bench->bring(bob, subscribe(1, 1, "room:tea"));
    bench->bring(ann, data(2, 2, "hello", "room:tea"));
    const FeedStats figures = bench->shard(0).stats().feeds;
    EXPECT_EQ(figures.current, 1u);
    EXPECT_EQ(figures.frames, 1u);
    EXPECT_EQ(figures.pages, 0u);
}

}  // namespace
}  // namespace flare::server::test
