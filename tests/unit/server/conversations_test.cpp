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

TEST_F(ConversationsOnShards, WhoIsUnknownIsNoTarget) {
    start();
    const auto ann = session_of("ann", 1);
    bench->bring(ann, data(1, 1, "x", "nobody") + data(2, 2, "x", "room:tea") + data(3, 3, "x", "room:a\tb"));
    EXPECT_EQ(answers(*ann).at(message_id(1)).code, errc::unknown_target);
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::unknown_conversation);
    EXPECT_EQ(answers(*ann).at(message_id(3)).code, errc::invalid_name);
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

// As a user whose connection is lost right after the first connect.
TEST_F(ConversationsOnShards, WhoHasGoneIsKnownBeforeTheRowIsWritten) {
    start(2);
    for (const bool written_meanwhile : {false, true}) {
        for (const std::string& name : {bench->user_of(0), bench->user_of(1)}) {
            const std::string bob = (written_meanwhile ? "late " : "early ") + name;
            const auto ann = session_of("ann of " + bob, 1);
            store.by_hand = true;
            bench->bring(ann, data(1, 1, "x", bob));
            bench->run_store();  // there is no conversation
            bench->settle();
            end(bob, session_of(bob, 2));
            ASSERT_EQ(store.work.size(), 2u) << "the rows of both are asked for, then that of bob by himself";
            if (written_meanwhile) {
                std::swap(store.work[0], store.work[1]);
                bench->run_store();
                bench->settle();
                ASSERT_EQ(store.work.size(), 2u) << "bob's row is to be written";
                bench->run_store();  // it is not there yet
                bench->run_store();  // now it is
            } else {
                bench->run_store();
                bench->settle();
                ASSERT_EQ(store.work.size(), 2u) << "it is not there, and bob's own look comes last";
                std::swap(store.work[0], store.work[1]);
            }
            store.by_hand = false;
            bench->settle();
            EXPECT_EQ(answers(*ann).at(message_id(1)), stored(1)) << bob;
        }
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

TEST_F(ConversationsOnShards, WithoutAStoreAllIsAsBefore) {
    bench = std::make_unique<ShardBench>(plain_config());
    const auto ann = session_of("ann", 1);
    bench->bring(ann, data(1, 1, "x", "bob") + data(2, 2, "x", "room:tea"));
    EXPECT_EQ(answers(*ann).at(message_id(1)).code, errc::user_offline);
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::not_supported);
}

}  // namespace
}  // namespace flare::server::test
