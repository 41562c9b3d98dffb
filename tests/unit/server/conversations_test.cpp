// Messages into the log of a conversation: from a session to the home of the conversation, to the store and back.
#include "unit/server/conversation_bench.hpp"
#include "wire/compression.hpp"

namespace flare::server::test {
namespace {

TEST_F(ConversationsOnShards, AMessageToAUserWhoIsOfflineIsStored) {
    start();
    const auto bob = session_of("bob", 1);
    end("bob", bob);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "one", "bob") + data(2, 2, "two", "bob"));
    EXPECT_EQ(answers(*ann), (std::map<Uuid, Answer>{{message_id(1), stored(1)}, {message_id(2), stored(2)}}));
    EXPECT_EQ(log(between("ann", "bob")), (std::vector<std::string>{"one", "two"}));
}

TEST_F(ConversationsOnShards, NothingIsSaidBeforeTheCommit) {
    start();
    session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "the first makes the conversation", "bob"));
    store.by_hand = true;
    bench->bring(ann, data(2, 2, "two", "bob"));
    EXPECT_FALSE(answers(*ann).contains(message_id(2)));
    store.by_hand = false;
    bench->settle();
    EXPECT_EQ(answers(*ann).at(message_id(2)), stored(2));
}

TEST_F(ConversationsOnShards, WhoIsConnectedGetsItAfterTheCommit) {
    start(2);
    const std::string ann = bench->user_of(0);
    const std::string bob = bench->user_of(1);
    const auto to = session_of(bob, 1);
    const auto from = session_of(ann, 2);
    bench->bring(from, data(1, 1, "hello", bob));
    EXPECT_EQ(texts(*to), std::vector<std::string>{"hello"});
    EXPECT_EQ(answers(*from).at(message_id(1)), stored(1));
    EXPECT_TRUE(texts(*from).empty());
}

TEST_F(ConversationsOnShards, ARepeatAnswersWithThePositionThatItHas) {
    start(2);
    session_of("bob", 1);
    const auto before = session_of("ann", 2);
    bench->bring(before, data(1, 1, "one", "bob") + data(2, 2, "two", "bob"));
    end("ann", before);
    const auto after = session_of("ann", 3);
    bench->bring(after, again(1, 1, "one", "bob") + again(2, 2, "two", "bob") + data(3, 3, "three", "bob"));
    EXPECT_EQ(
        answers(*after),
        (std::map<Uuid, Answer>{{message_id(1), stored(1)}, {message_id(2), stored(2)}, {message_id(3), stored(3)}}));
    EXPECT_EQ(log(between("ann", "bob")), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(ConversationsOnShards, ARepeatAfterARestartIsStoredOnce) {
    start();
    session_of("bob", 1);
    const auto before = session_of("ann", 2);
    bench->bring(before, data(1, 1, "one", "bob"));
    bench.reset();
    start();
    const auto after = session_of("ann", 3);
    bench->bring(after, again(1, 1, "one", "bob"));
    EXPECT_EQ(answers(*after).at(message_id(1)), stored(1));
    EXPECT_EQ(log(between("ann", "bob")), std::vector<std::string>{"one"});
}

// Its session was lost before it had arrived.
TEST_F(ConversationsOnShards, TheFirstMessageToSomebodyMayComeAgain) {
    start();
    session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, again(1, 1, "one", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(1)), stored(1));
}

TEST_F(ConversationsOnShards, ARepeatThatComesWhileTheFirstIsInTheStoreIsAnsweredWithIt) {
    start();
    session_of("bob", 1);
    const auto before = session_of("ann", 2);
    bench->bring(before, data(1, 1, "one", "bob"));
    store.by_hand = true;
    bench->bring(before, data(2, 2, "two", "bob"));
    end("ann", before);
    const auto after = session_of("ann", 3);
    bench->bring(after, again(1, 2, "two", "bob"));
    store.by_hand = false;
    bench->settle();
    EXPECT_EQ(answers(*after).at(message_id(2)), stored(2));
    EXPECT_EQ(log(between("ann", "bob")), (std::vector<std::string>{"one", "two"}));
}

// Its first try is in the log, so that the store takes the second for a repeat: but nobody was told of it.
TEST_F(ConversationsOnShards, WhatACommitOfUnknownOutcomeHasWrittenIsDelivered) {
    start();
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    store.sync_fails = true;
    bench->bring(ann, data(1, 1, "one", "bob"));  // what makes the conversation fails
    store.sync_fails = true;
    bench->bring(ann, data(2, 2, "two", "bob") + data(3, 3, "three", "bob"));
    EXPECT_FALSE(store.sync_fails);
    EXPECT_EQ(answers(*ann), (std::map<Uuid, Answer>{
                                 {message_id(1), stored(1)}, {message_id(2), stored(2)}, {message_id(3), stored(3)}}));
    EXPECT_EQ(texts(*bob), (std::vector<std::string>{"one", "two", "three"}));
    const auto tablet = session_of("ann", 3, "tablet");
    bench->bring(tablet, again(1, 2, "two", "bob"));
    EXPECT_EQ(answers(*tablet).at(message_id(2)), stored(2));
    EXPECT_EQ(texts(*bob).size(), 3u) << "once";
}

TEST_F(ConversationsOnShards, AStoreThatFailsIsSaidAsLaterAndOrderHolds) {
    start();
    session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "one", "bob"));
    store.refuses = errc::storage_failed;
    bench->bring(ann, data(2, 2, "two", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::storage_failed);
    EXPECT_NE(answers(*ann).at(message_id(2)).retry_after_ms, 0u);
    store.refuses = errc::ok;
    bench->bring(ann, data(3, 3, "three", "bob"));  // behind one that is to come again
    EXPECT_EQ(answers(*ann).at(message_id(3)).code, errc::busy);
    const auto next = session_of("ann", 3, "tablet");
    bench->bring(next, data(1, 4, "of another device", "bob"));
    EXPECT_EQ(log(between("ann", "bob")), (std::vector<std::string>{"one", "of another device"}));
}

TEST_F(ConversationsOnShards, WhoDoesNotKnowConversationsHearsBusyWheneverLaterIsMeant) {
    start();
    session_of("bob", 1);
    const auto ann = bench->connect();
    bench->bring(ann, said(hello_of("ann", 2)));
    bench->bring(ann, activate(2));
    bench->bring(ann, data(1, 1, "one", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(1)).status, Status::stored);
    store.refuses = errc::storage_full;
    bench->bring(ann, data(2, 2, "two", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::busy) << "it would not send again what had no room";
    EXPECT_NE(answers(*ann).at(message_id(2)).retry_after_ms, 0u);
}

TEST_F(ConversationsOnShards, WhoIsUnknownIsNoTarget) {
    start();
    const auto ann = session_of("ann", 1);
    bench->bring(ann, data(1, 1, "x", "nobody") + data(2, 2, "x", "room:tea") + data(3, 3, "x", "room:a\tb"));
    EXPECT_EQ(answers(*ann).at(message_id(1)).code, errc::unknown_target);
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::unknown_conversation);
    EXPECT_EQ(answers(*ann).at(message_id(3)).code, errc::invalid_name);
}

// Nobody knows its row yet, and there is no room for it.
TEST_F(ConversationsOnShards, WhoComesForTheFirstTimeWhileTheDiskIsFullIsTold) {
    start(2);
    const std::string ann_name = bench->user_of(0);
    const std::string bob = bench->user_of(1);
    session_of(bob, 1);
    store.disk.fill(true);
    const auto ann = session_of(ann_name, 2);
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(ann, data(1, 1, "one", bob) + again(2, 2, "two", bob) +
                          request(3, 3, Verb::conversation_create, create) + data(4, 4, "x", kServerTarget));
    EXPECT_EQ(answers(*ann).at(message_id(4)).status, Status::handled);
    bench->pass(500ms);
    EXPECT_EQ(answers(*ann).at(message_id(1)).code, errc::storage_full);
    EXPECT_NE(answers(*ann).at(message_id(1)).retry_after_ms, 0u);
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::busy) << "behind the first; and it cannot be in the log";
    EXPECT_EQ(responses(*ann).at(message_id(3)).code, errc::storage_full);
    store.disk.fill(false);
    bench->pass(500ms);
    bench->bring(ann, data(5, 5, "three", bob));
    EXPECT_EQ(answers(*ann).at(message_id(5)).code, errc::busy) << "the first is to come again before";
    const auto next = session_of(ann_name, 3, "tablet");
    bench->bring(next, data(1, 1, "one", bob) + data(2, 2, "two", bob) + data(3, 5, "three", bob));
    EXPECT_EQ(log(between(ann_name, bob)), (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(ConversationsOnShards, WhoComesWhileTheStoreCannotBeReadIsToldOfWhatIsNew) {
    start();
    session_of("bob", 1);
    const auto before = session_of("ann", 2);
    bench->bring(before, data(1, 1, "one", "bob"));
    end("ann", before);
    store.cannot_read = errc::store_damaged;
    const auto ann = session_of("ann", 3);
    bench->bring(ann, again(1, 1, "one", "bob") + data(2, 2, "two", "bob"));
    bench->pass(500ms);
    EXPECT_FALSE(answers(*ann).contains(message_id(1))) << "nobody knows whether it is in the log";
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::storage_failed);
    bench->bring(ann, data(3, 3, "three", "bob"));
    bench->pass(500ms);
    EXPECT_EQ(answers(*ann).at(message_id(3)).code, errc::busy) << "behind the second";
    store.cannot_read = errc::ok;
    bench->pass(500ms);
    EXPECT_EQ(answers(*ann).at(message_id(1)), stored(1));
    bench->bring(ann, data(4, 4, "of another conversation", "ann"));
    EXPECT_EQ(answers(*ann).at(message_id(4)), stored(1));
}

// The home hears of what may be in the log already last, when it has put off more than it remembers.
TEST_F(ConversationsOnShards, WhatWaitsForTheStoreKeepsItsPlaceBeforeWhatWasPutOffMeanwhile) {
    start();
    session_of("bob", 1);
    store.cannot_read = errc::storage_failed;
    const auto ann = session_of("ann", 2);
    bench->bring(ann, again(1, 1, "one", "bob") + again(2, 2, "two", "bob"));
    std::uint8_t last = 2;
    for (std::size_t i = 0; i < im::Holds::kMostBehind + 2; ++i) {
        ++last;
        bench->bring(ann, data(last, last, "later", "bob"));
    }
    bench->pass(500ms);
    EXPECT_EQ(answers(*ann).size(), last - 2u) << "nobody knows of the first two";
    store.cannot_read = errc::ok;
    bench->pass(500ms);
    EXPECT_EQ(answers(*ann).at(message_id(1)), stored(1));
    EXPECT_EQ(answers(*ann).at(message_id(2)), stored(2));
    ++last;
    bench->bring(ann, data(last, last, "last", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(last)).code, errc::busy) << "the third is to come again before";
}

// Of a request whose users cannot be looked up, and of what is behind it.
TEST_F(ConversationsOnShards, AChangeIsPutOffWhenItsUsersCannotBeRead) {
    start();
    session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    store.cannot_read = errc::storage_failed;
    wire::im::ConversationCreate create;
    create.name = "tea";
    create.members = {"bob"};
    bench->bring(ann, request(1, 1, Verb::conversation_create, create) + data(2, 2, "hello", "room:tea"));
    EXPECT_EQ(responses(*ann).at(message_id(1)).code, errc::storage_failed);
    EXPECT_NE(answers(*ann).at(message_id(2)).code, errc::ok);
    store.cannot_read = errc::ok;
    bench->pass(500ms);
    bench->bring(ann, request(3, 3, Verb::conversation_create, create));
    EXPECT_EQ(responses(*ann).at(message_id(3)).code, errc::busy) << "the first is to come again before";
}

// What it sent holds its name, and not the sender: a sanitizer that looks for what is never freed sees it else.
TEST_F(ConversationsOnShards, NothingIsLeftOfAShardThatGoesWhileSomethingIsHeld) {
    start();
    session_of("bob", 1);
    store.by_hand = true;
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "one", "bob"));
    store.work.clear();
    bench.reset();
}

// The user has come, and is on the way into the store.
TEST_F(ConversationsOnShards, WhoIsConnectedIsKnownBeforeItsRowIsWritten) {
    start(2);
    for (const std::string& name : {bench->user_of(0), bench->user_of(1)}) {
        const auto ann = session_of("ann of " + name, 1);
        store.by_hand = true;
        bench->bring(ann, data(1, 1, "x", name));
        bench->run_store();  // there is no conversation
        bench->settle();
        ASSERT_EQ(store.work.size(), 1u) << "the rows of both are asked for";
        const auto bob = session_of(name, 2);
        store.by_hand = false;
        bench->settle();
        EXPECT_EQ(answers(*ann).at(message_id(1)), stored(1));
        EXPECT_EQ(texts(*bob), std::vector<std::string>{"x"});
    }
}

TEST_F(ConversationsOnShards, ThePolicyIsAskedAlsoOfWhatIsSaidToBeARepeat) {
    Config config = plain_config();
    config.policy = [](const SessionInfo&, std::string_view, const Message&) { return false; };
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "x", "bob") + again(2, 2, "x", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(1)).code, errc::forbidden);
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::forbidden);
    EXPECT_TRUE(log(between("ann", "bob")).empty());
}

TEST_F(ConversationsOnShards, WhatIsInTheLogIsKnownWhateverThePolicySaysNow) {
    Config config = plain_config();
    bool allowed = true;
    config.policy = [&allowed](const SessionInfo&, std::string_view, const Message&) { return allowed; };
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    session_of("bob", 1);
    const auto before = session_of("ann", 2);
    bench->bring(before, data(1, 1, "x", "bob"));
    EXPECT_EQ(answers(*before).at(message_id(1)), stored(1));
    end("ann", before);
    allowed = false;
    const auto after = session_of("ann", 3);
    bench->bring(after, again(1, 1, "x", "bob") + again(2, 2, "x", "bob") + data(3, 3, "x", "bob"));
    EXPECT_EQ(answers(*after).at(message_id(1)), stored(1));
    EXPECT_EQ(answers(*after).at(message_id(2)).code, errc::forbidden);
    EXPECT_EQ(answers(*after).at(message_id(3)).code, errc::forbidden);
}

// Half of all memory, as for handlers.
TEST_F(ConversationsOnShards, WhatWaitsForTheStoreCountsAsMemory) {
    Config config = plain_config();
    config.max_memory_bytes = 1 << 20;
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    end("bob", session_of("bob", 1));  // so that nothing waits for him
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "the first makes the conversation", "bob"));
    const std::size_t idle = bench->shard(0).budget().used();
    store.by_hand = true;
    const std::string large(60'000, 'x');
    for (std::uint8_t i = 2; i < 12; ++i) bench->bring(ann, data(i, i, large, "bob"));
    EXPECT_GE(bench->shard(0).budget().used(), idle + 8 * 60'000);
    EXPECT_EQ(answers(*ann).at(message_id(11)).code, errc::busy);
    bench->bring(ann, data(12, 12, "small, behind one that is to come again", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(12)).code, errc::busy);
    store.by_hand = false;
    bench->settle();
    EXPECT_LT(bench->shard(0).budget().used(), idle + 4'000) << "only receipts wait to be acknowledged";
    EXPECT_EQ(log(between("ann", "bob")).size(), 9u);
}

// Compressed for a reader that does not take it so: 32 bytes may stand for a megabyte.
std::string packed(session::Seq seq, std::uint8_t id, std::string_view payload, std::uint64_t size,
                   std::string_view to) {
    wire::DataView view;
    view.message = session::test::message_of(id, payload, to);
    view.message->encoding = wire::Encoding::zstd;
    view.message->size = size;
    return session::test::numbered(0, seq, wire::encode(view));
}

std::string zstd(std::string_view text) {
    const wire::Compression compression{wire::Compression::Options()};
    return std::string(compression.pack(text, wire::set_of(wire::Encoding::zstd))->bytes);
}

class CompressedOnShards : public ConversationsOnShards {
protected:
    void start_compressing(std::uint64_t memory = 64 << 20) {
        Config config = plain_config();
        config.max_memory_bytes = memory;
        config.compression = std::make_shared<const wire::Compression>(wire::Compression::Options());
        bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    }
    std::shared_ptr<Line> compressing_session_of(const std::string& user, std::uint8_t attempt) {
        const auto line = bench->connect();
        wire::Hello hello = greeting(user, attempt);
        hello.capabilities |= wire::kCapabilityZstd;
        bench->bring(line, said(hello));
        bench->bring(line, activate(attempt));
        return line;
    }
};

TEST_F(CompressedOnShards, WhatIsInflatedCountsAsMemory) {
    start_compressing(1 << 20);
    end("bob", session_of("bob", 1));
    const auto ann = compressing_session_of("ann", 2);
    bench->bring(ann, data(1, 1, "the first makes the conversation", "bob"));
    const std::size_t idle = bench->shard(0).budget().used();
    const std::string small = zstd(std::string(60'000, 'x'));
    store.by_hand = true;
    for (std::uint8_t i = 2; i < 12; ++i) bench->bring(ann, packed(i, i, small, 60'000, "bob"));
    EXPECT_GE(bench->shard(0).budget().used(), idle + 8 * 60'000);
    EXPECT_EQ(answers(*ann).at(message_id(11)).code, errc::busy);
    store.by_hand = false;
    bench->settle();
    EXPECT_LT(bench->shard(0).budget().used(), idle + 4'000) << "only receipts wait to be acknowledged";
    EXPECT_EQ(log(between("ann", "bob")).size(), 9u);
}

TEST_F(CompressedOnShards, MoreThanAMegabyteIsTooLarge) {
    start_compressing();
    session_of("bob", 1);
    const auto ann = compressing_session_of("ann", 2);
    constexpr std::size_t kMost = im::kMaxPayloadBytes;
    const std::string larger = zstd(std::string(kMost + 1, 'x'));
    const std::string largest = zstd(std::string(kMost, 'x'));
    bench->bring(ann, packed(1, 1, larger, kMost + 1, "bob") + packed(2, 2, largest, kMost, "bob"));
    bench->run_pool();
    EXPECT_EQ(answers(*ann).at(message_id(1)).code, errc::message_too_large);
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::message_too_large) << "the conversation takes less";
    EXPECT_TRUE(log(between("ann", "bob")).empty());
}

TEST_F(CompressedOnShards, WhatCannotBeInflatedIsRefusedAndWhatIsBehindItIsNot) {
    start_compressing();
    const auto bob = session_of("bob", 1);
    const auto ann = compressing_session_of("ann", 2);
    const std::string_view small("\x28\xb5\x2f\xfd\x20\x64\x23\x03", 8);
    std::string large = zstd(std::string(300'000, 'x'));
    large.append(8, '\0');  // behind its end
    bench->bring(ann, packed(1, 1, small, 100, "bob") + packed(2, 2, large, 300'000, "bob") + data(3, 3, "x", "bob"));
    bench->run_pool();
    EXPECT_EQ(answers(*ann).at(message_id(1)).code, errc::bad_compression);
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::bad_compression);
    EXPECT_EQ(answers(*ann).at(message_id(3)), stored(1));
    EXPECT_EQ(texts(*bob), std::vector<std::string>{"x"});
}

// ---- too fast ----

TEST_F(ConversationsOnShards, WhoWritesToConversationsThatAreNotThereAsksTheStoreNoFasterThanItMaySend) {
    Config config = plain_config();
    config.conversations.limits.device = {10, 20};
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    const auto ann = session_of("ann", 1);
    store.by_hand = true;
    for (std::uint8_t i = 1; i <= 100; ++i) bench->bring(ann, data(i, i, "x", "room:" + std::to_string(i)));
    EXPECT_EQ(store.work.size(), 20u);
    EXPECT_EQ(answers(*ann).at(message_id(21)).code, errc::rate_limited);
    EXPECT_NE(answers(*ann).at(message_id(21)).retry_after_ms, 0u);
    store.by_hand = false;
    bench->settle();
    EXPECT_EQ(answers(*ann).at(message_id(20)).code, errc::unknown_conversation);
    // Saying that all of it comes again helps once.
    const auto next = session_of("ann", 2);
    store.by_hand = true;
    for (std::uint8_t i = 1; i <= 100; ++i) bench->bring(next, again(i, i, "x", "room:again" + std::to_string(i)));
    EXPECT_EQ(store.work.size(), 20u);
    store.by_hand = false;
    bench->settle();
    bench->shard(0).conversations()->home.check_invariants();
}

TEST_F(ConversationsOnShards, TheByteRateOfADeviceCountsWhatIsStored) {
    Config config = plain_config();
    config.session.byte_rate = {1000, 2000};
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    const std::string large(1500, 'x');
    bench->bring(ann, data(1, 1, large, "bob") + data(2, 2, large, "bob") + data(3, 3, "small", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(1)), stored(1));
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::rate_limited);
    EXPECT_EQ(answers(*ann).at(message_id(2)).retry_after_ms, 1000u);
    EXPECT_EQ(answers(*ann).at(message_id(3)).code, errc::busy) << "behind it";
    bench->pass(2s);
    const auto next = session_of("ann", 3);
    bench->bring(next, data(1, 2, large, "bob") + data(2, 3, "small", "bob"));
    EXPECT_EQ(log(between("ann", "bob")), (std::vector<std::string>{large, large, "small"}));
}

// ---- the clock ----

// docs/store.md, "Appending": time = max(last, now), unless the clock was more than 5 min ahead before.
TEST_F(ConversationsOnShards, NothingIsLostWhenTheClockJumps) {
    start();
    session_of("bob", 1);
    std::vector<std::string> sent;
    for (std::uint8_t i = 1; i <= 12; ++i) {
        if (i % 4 == 1) bench->clock_is_off = std::chrono::hours(i == 5 ? 1 : i == 9 ? -1 : 0);
        const auto ann = session_of("ann", static_cast<std::uint8_t>(i + 1));
        const std::string text = std::to_string(i);
        session::Seq seq = 0;
        if (i > 1) bench->bring(ann, again(++seq, i - 1, sent.back(), "bob"));
        bench->bring(ann, i % 2 == 0 ? data(++seq, i, text, "bob") : again(++seq, i, text, "bob"));
        if (i > 1) {
            EXPECT_EQ(answers(*ann).at(message_id(i - 1)), stored(i - 1u)) << "a repeat from before";
        }
        EXPECT_EQ(answers(*ann).at(message_id(i)), stored(i));
        sent.push_back(text);
        end("ann", ann);
        bench->pass(1s);
    }
    EXPECT_EQ(log(between("ann", "bob")), sent);
    const auto reader = store.engine->reader();
    const auto conversation = *reader->conversation(between("ann", "bob"));
    const auto page = *reader->page(
        {.conversation = conversation->row, .from = 1, .direction = store::Direction::forward, .limit = 200});
    int back = 0;
    for (std::size_t i = 1; i < page.entries.size(); ++i) {
        const std::uint64_t last = page.entries[i - 1].time_ms;
        const std::uint64_t time = page.entries[i].time_ms;
        if (time < last) {
            ++back;
            EXPECT_GT(last - time, 5u * 60 * 1000) << "of less than that the time stands still";
        }
    }
    EXPECT_EQ(back, 1) << "when the clock was set back, and not once more";
}

TEST_F(ConversationsOnShards, AMessageToTheServerIsNotStored) {
    start();
    const auto ann = session_of("ann", 1);
    const std::size_t before = store.groups;
    bench->bring(ann, data(1, 1, "x", kServerTarget));
    EXPECT_EQ(answers(*ann).at(message_id(1)).status, Status::handled);
    EXPECT_EQ(store.groups, before);
}

TEST_F(ConversationsOnShards, ATurnsMessagesAreOneGroup) {
    start();
    session_of("bob", 1);
    session_of("eve", 2);
    const auto ann = session_of("ann", 3);
    bench->bring(ann, data(1, 1, "x", "bob") + data(2, 2, "x", "eve"));
    const std::size_t before = store.groups;
    bench->bring(ann, data(3, 3, "x", "bob") + data(4, 4, "x", "eve") + data(5, 5, "x", "bob"));
    EXPECT_EQ(store.groups - before, 1u);
    EXPECT_EQ(log(between("ann", "bob")).size(), 3u);
    EXPECT_EQ(log(between("ann", "eve")).size(), 2u);
}

TEST_F(ConversationsOnShards, AUserBeginsFiftyDirectConversationsAnHour) {
    start(2);
    for (int i = 0; i < 52; ++i) {
        const std::string name = "friend" + std::to_string(i);
        const auto line = session_of(name, static_cast<std::uint8_t>(i + 1));
    }
    const auto ann = session_of("ann", 100);
    for (std::uint8_t i = 0; i < 50; ++i) {
        bench->bring(ann, data(i + 1, i + 1, "hi", "friend" + std::to_string(i)));
        bench->pass(1s);  // below the rate of a device
        EXPECT_EQ(answers(*ann).at(message_id(i + 1)).status, Status::stored) << int(i);
    }
    bench->bring(ann, data(51, 51, "hi", "friend50"));
    EXPECT_EQ(answers(*ann).at(message_id(51)).code, errc::too_many_conversations);
    bench->pass(1h);
    const auto later = session_of("ann", 101, "tablet");
    bench->bring(later, data(1, 52, "hi", "friend51"));
    EXPECT_EQ(answers(*later).at(message_id(52)).status, Status::stored);
}

// ---- rooms ----

std::vector<std::string> payloads(const Response& response) {
    const auto page = wire::im::decode<wire::im::HistoryPage>(response.body);
    EXPECT_TRUE(page);
    std::vector<std::string> all;
    for (const auto& entry : page->entries) {
        EXPECT_EQ(entry.rev, 0u) << "nothing was changed";
        all.push_back(entry.kind == model::EntryKind::message
                          ? std::string(entry.from) + ": " + std::string(entry.payload)
                          : "(" + std::string(entry.from) + ")");
    }
    return all;
}

using Lines = std::vector<std::string>;

TEST_F(ConversationsOnShards, ARoomIsMadeJoinedSpokenInAndRead) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    wire::im::ConversationCreate create;
    create.name = "tea";
    create.join = model::Join::open;
    create.visibility = model::Visibility::all;
    // Nothing waits for an answer: the order of a session holds.
    bench->bring(ann, request(1, 1, Verb::conversation_create, create) + data(2, 2, "hello", "room:tea"));
    EXPECT_EQ(responses(*ann).at(message_id(1)).code, errc::ok);
    EXPECT_EQ(answers(*ann).at(message_id(2)), stored(2));
    bench->bring(bob, data(1, 3, "may I?", "room:tea"));
    EXPECT_EQ(answers(*bob).at(message_id(3)).code, errc::unknown_conversation) << "who is no member";
    bench->bring(bob, request(2, 4, Verb::conversation_join, wire::im::ConversationRef{"room:tea"}) +
                          data(3, 5, "hi", "room:tea"));
    EXPECT_EQ(answers(*bob).at(message_id(5)), stored(4));
    wire::im::HistoryQuery query;
    query.conversation = "room:tea";
    bench->bring(bob, request(4, 6, Verb::history, query));
    EXPECT_EQ(payloads(responses(*bob).at(message_id(6))), (Lines{"(ann)", "ann: hello", "(bob)", "bob: hi"}));
    query.before = 3;
    query.limit = 1;
    bench->bring(bob, request(5, 7, Verb::history, query));
    EXPECT_EQ(payloads(responses(*bob).at(message_id(7))), (Lines{"ann: hello"}));
}

// As ConversationsOnShards.WhoIsConnectedIsKnownBeforeItsRowIsWritten, of those whom a request names.
TEST_F(ConversationsOnShards, WhoIsConnectedIsAddedBeforeTheRowIsWritten) {
    start(2);
    session_of("known", 1);
    for (const std::string& name : {bench->user_of(0), bench->user_of(1)}) {
        const auto ann = session_of("ann of " + name, 1);
        store.by_hand = true;
        wire::im::ConversationCreate create;
        create.name = name;
        create.members = {"known", name};
        bench->bring(ann, request(1, 1, Verb::conversation_create, create));
        ASSERT_EQ(store.work.size(), 1u) << "the rows of both are asked for";
        const auto bob = session_of(name, 2);
        store.by_hand = false;
        bench->settle();
        ASSERT_EQ(responses(*ann).at(message_id(1)).code, errc::ok);
        bench->bring(bob, data(1, 2, "hi", "room:" + name));
        EXPECT_EQ(answers(*bob).at(message_id(2)), stored(2)) << "a member writes";
        wire::im::MemberChange change;
        const std::string room = "room:" + name;
        change.conversation = room;
        change.users = {"known", "nobody", name};
        bench->bring(ann, request(2, 3, Verb::member_add, change));
        EXPECT_EQ(responses(*ann).at(message_id(3)).code, errc::unknown_target);
    }
}

TEST_F(ConversationsOnShards, WhoIsRemovedWritesAndReadsNoMore) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    wire::im::ConversationCreate create;
    create.name = "tea";
    create.members = {"bob"};
    bench->bring(ann, request(1, 1, Verb::conversation_create, create));
    bench->bring(bob, data(1, 2, "hi", "room:tea"));
    EXPECT_EQ(answers(*bob).at(message_id(2)), stored(2));
    wire::im::MemberChange out;
    out.conversation = "room:tea";
    out.users = {"bob"};
    bench->bring(ann, request(2, 3, Verb::member_remove, out));
    EXPECT_EQ(responses(*ann).at(message_id(3)).code, errc::ok);
    wire::im::HistoryQuery query;
    query.conversation = "room:tea";
    bench->bring(bob, data(2, 4, "and now?", "room:tea") + request(3, 5, Verb::history, query));
    EXPECT_EQ(answers(*bob).at(message_id(4)).code, errc::unknown_conversation);
    EXPECT_EQ(responses(*bob).at(message_id(5)).code, errc::unknown_conversation);
    // What is in the log is known again, whatever its sender may do now.
    end("bob", bob);
    const auto after = session_of("bob", 3);
    bench->bring(after, again(1, 2, "hi", "room:tea"));
    EXPECT_EQ(answers(*after).at(message_id(2)), stored(2));
}

TEST_F(ConversationsOnShards, ARepeatedRequestAnswersWhatItDid) {
    start();
    const auto before = session_of("ann", 1);
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(before, request(1, 1, Verb::conversation_create, create));
    end("ann", before);
    const auto after = session_of("ann", 2);
    bench->bring(after, request(1, 1, Verb::conversation_create, create, 1000) +
                            request(2, 2, Verb::conversation_create, create));
    EXPECT_EQ(responses(*after).at(message_id(1)).code, errc::ok);
    EXPECT_EQ(responses(*after).at(message_id(2)).code, errc::conversation_exists);
}

TEST_F(ConversationsOnShards, WhatIsSaidInARoomMayComeAgainWithTheRequestThatMakesIt) {
    start();
    const auto ann = session_of("ann", 1);
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(ann, request(1, 1, Verb::conversation_create, create, 1000) + again(2, 2, "hello", "room:tea"));
    EXPECT_EQ(responses(*ann).at(message_id(1)).code, errc::ok);
    EXPECT_EQ(answers(*ann).at(message_id(2)), stored(2));
}

TEST_F(ConversationsOnShards, WhatWasChangedIsNotRefusedBecauseItCannotBeReadAgain) {
    start();
    const auto ann = session_of("ann", 1);
    store.reads_until = store.groups + 1;
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(ann, request(1, 1, Verb::conversation_create, create));
    const Response made = responses(*ann).at(message_id(1));
    EXPECT_EQ(made.code, errc::ok);
    const auto about = wire::im::decode<wire::im::Conversation>(made.body);
    ASSERT_TRUE(about && about->written);
    EXPECT_EQ(about->conversation, "room:tea");
    EXPECT_EQ(about->written->offset, 1u);
    EXPECT_FALSE(about->head);
}

TEST_F(ConversationsOnShards, RequestsThatMakeNoSenseAreRefused) {
    start();
    const auto ann = session_of("ann", 1);
    wire::im::ConversationCreate strange;
    strange.name = "a\tb";
    wire::im::ConversationCreate with_nobody;
    with_nobody.name = "tea";
    with_nobody.members = {"nobody"};
    wire::RequestView broken;
    broken.id = message_id(3);
    broken.verb = Verb::history;
    broken.body = "\xff";
    bench->bring(ann, request(1, 1, Verb::conversation_create, strange) +
                          request(2, 2, Verb::conversation_create, with_nobody) +
                          session::test::numbered(0, 3, wire::encode(broken)) +
                          request(4, 4, Verb::conversation_get, wire::im::ConversationRef{"room:none"}) +
                          request(5, 5, Verb::conversation_leave, wire::im::ConversationRef{"room:none"}));
    EXPECT_EQ(responses(*ann).at(message_id(1)).code, errc::invalid_name);
    EXPECT_EQ(responses(*ann).at(message_id(2)).code, errc::unknown_target);
    EXPECT_EQ(responses(*ann).at(message_id(3)).code, errc::malformed_frame);
    EXPECT_EQ(responses(*ann).at(message_id(4)).code, errc::unknown_conversation);
    EXPECT_EQ(responses(*ann).at(message_id(5)).code, errc::unknown_conversation);
}

TEST_F(ConversationsOnShards, ThePolicySaysWhoMakesRoomsAndOpenOnes) {
    Config config = plain_config();
    config.conversations.room_makers = {"an*", "bob"};
    config.conversations.open_room_makers = {"bob"};
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    wire::im::ConversationCreate closed;
    closed.name = "tea";
    wire::im::ConversationCreate open = closed;
    open.name = "coffee";
    open.join = model::Join::open;
    const auto said = [&](const std::string& user, std::uint8_t attempt, const wire::im::ConversationCreate& create) {
        const auto line = session_of(user, attempt);
        bench->bring(line, request(1, attempt, Verb::conversation_create, create));
        return responses(*line).at(message_id(attempt)).code;
    };
    EXPECT_EQ(said("eve", 1, closed), errc::forbidden);
    EXPECT_EQ(said("ann", 2, open), errc::forbidden);
    EXPECT_EQ(said("ann", 3, closed), errc::ok);
    EXPECT_EQ(said("bob", 4, open), errc::ok);
}

TEST_F(ConversationsOnShards, ARoomThatWasMadeIsKnownWhateverThePolicySaysNow) {
    start();
    const auto before = session_of("ann", 1);
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(before, request(1, 1, Verb::conversation_create, create));
    EXPECT_EQ(responses(*before).at(message_id(1)).code, errc::ok);
    bench.reset();
    Config config = plain_config();
    config.conversations.room_makers = {"bob"};
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    const auto after = session_of("ann", 2);
    wire::im::ConversationCreate other;
    other.name = "coffee";
    bench->bring(after, request(1, 1, Verb::conversation_create, create, 1000) +
                            request(2, 2, Verb::conversation_create, other, 1000) +
                            request(3, 3, Verb::conversation_create, other));
    EXPECT_EQ(responses(*after).at(message_id(1)).code, errc::ok);
    EXPECT_EQ(responses(*after).at(message_id(2)).code, errc::forbidden) << "it only says that it comes again";
    EXPECT_EQ(responses(*after).at(message_id(3)).code, errc::forbidden);
}

TEST_F(ConversationsOnShards, AChangeNamesAHundredUsers) {
    start();
    const auto ann = session_of("ann", 1);
    std::vector<std::string> names;
    for (int i = 0; i < 101; ++i) names.push_back("user" + std::to_string(i));
    wire::im::ConversationCreate create;
    create.name = "tea";
    create.members = {names.begin(), names.end()};
    wire::im::MemberChange change;
    change.conversation = "room:tea";
    bench->bring(ann, request(1, 1, Verb::conversation_create, create) + request(2, 2, Verb::member_add, change));
    change.users = {names.begin(), names.end()};
    bench->bring(ann, request(3, 3, Verb::member_add, change));
    EXPECT_EQ(responses(*ann).at(message_id(1)).code, errc::too_many_members);
    EXPECT_EQ(responses(*ann).at(message_id(2)).code, errc::invalid_name);
    EXPECT_EQ(responses(*ann).at(message_id(3)).code, errc::too_many_members);
}

TEST_F(ConversationsOnShards, LimitsAreThoseOfTheConfiguration) {
    Config config = plain_config();
    config.conversations.limits.device = {1, 6};  // what is refused counts, too
    config.conversations.limits.direct_per_hour = 1;
    config.conversations.limits.payload_bytes = 10;
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    session_of("bob", 1);
    session_of("eve", 2);
    const auto ann = session_of("ann", 3);
    bench->bring(ann, data(1, 1, "ten  bytes", "bob"));
    bench->bring(ann, data(2, 2, "eleven bytes", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(1)), stored(1));
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::message_too_large);
    bench->bring(ann, data(3, 3, "x", "eve"));
    EXPECT_EQ(answers(*ann).at(message_id(3)).code, errc::too_many_conversations);
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(ann, request(4, 4, Verb::conversation_create, create) + data(5, 5, "eleven bytes", "room:tea"));
    EXPECT_EQ(answers(*ann).at(message_id(5)).code, errc::message_too_large) << "a room is made with it, too";
    bench->bring(ann, data(6, 6, "x", "bob") + data(7, 7, "x", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(6)), stored(2));
    EXPECT_EQ(answers(*ann).at(message_id(7)).code, errc::rate_limited);
}

TEST_F(ConversationsOnShards, ALimitOfNoneLetsUsersBeginAnyNumber) {
    Config config = plain_config();
    config.conversations.limits.direct_per_hour = 0;
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    for (std::uint8_t i = 0; i < 3; ++i) session_of("friend" + std::to_string(i), i + 1);
    const auto ann = session_of("ann", 100);
    for (std::uint8_t i = 0; i < 3; ++i) {
        bench->bring(ann, data(i + 1, i + 1, "hi", "friend" + std::to_string(i)));
        EXPECT_EQ(answers(*ann).at(message_id(i + 1)), stored(1));
    }
}

TEST_F(ConversationsOnShards, AChangeWithoutMemoryIsPutOff) {
    Config config = plain_config();
    config.max_memory_bytes = 1 << 20;
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    const auto eve = session_of("eve", 3);
    store.by_hand = true;
    for (std::uint8_t i = 1; i <= 8; ++i) bench->bring(ann, data(i, i, std::string(60'000, 'x'), "bob"));
    bench->bring(eve, data(1, 20, std::string(39'600, 'x'), "bob"));
    wire::im::MemberChange out;
    out.conversation = "room:tea";
    out.users = {"bob"};
    bench->bring(eve, request(2, 21, Verb::member_remove, out));
    EXPECT_EQ(responses(*eve).at(message_id(21)).code, errc::busy);
    store.by_hand = false;
    bench->settle();
}

TEST_F(ConversationsOnShards, MembersAreListedToMembers) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto eve = session_of("eve", 2);
    const auto ann = session_of("ann", 3);
    wire::im::ConversationCreate create;
    create.name = "tea";
    create.title = "Tea at five";
    create.members = {"bob"};
    wire::im::MemberQuery query;
    query.conversation = "room:tea";
    bench->bring(ann, request(1, 1, Verb::conversation_create, create) + request(2, 2, Verb::member_list, query) +
                          request(3, 3, Verb::conversation_get, wire::im::ConversationRef{"room:tea"}));
    bench->bring(eve, request(1, 4, Verb::member_list, query));
    const auto asked = responses(*ann);
    bench->bring(bob, request(1, 5, Verb::member_list, query) +
                          request(2, 6, Verb::conversation_get, wire::im::ConversationRef{"room:tea"}));
    const auto got = responses(*bob);
    const auto page = *wire::im::decode<wire::im::MemberPage>(got.at(message_id(5)).body);
    std::map<std::string, model::Role> roles;
    for (const auto& member : page.members) roles[std::string(member.user)] = member.role;
    EXPECT_EQ(roles, (std::map<std::string, model::Role>{{"ann", model::Role::owner}, {"bob", model::Role::member}}));
    const auto about = *wire::im::decode<wire::im::Conversation>(got.at(message_id(6)).body);
    EXPECT_EQ(about.title, "Tea at five");
    EXPECT_EQ(about.role, model::Role::member);
    EXPECT_EQ(about.members, 2u);
    EXPECT_EQ(responses(*eve).at(message_id(4)).code, errc::unknown_conversation);
}

TEST_F(ConversationsOnShards, WithoutAStoreAllIsAsBefore) {
    bench = std::make_unique<ShardBench>(plain_config());
    const auto ann = session_of("ann", 1);
    bench->bring(ann, data(1, 1, "x", "bob") + data(2, 2, "x", "room:tea"));
    EXPECT_EQ(answers(*ann).at(message_id(1)).code, errc::user_offline);
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::not_supported);
}

}  // namespace
}  // namespace flare::server::test
