// What becomes of messages and changes while the store fails, is full, or cannot be read.
#include "unit/server/conversation_bench.hpp"

namespace flare::server::test {
namespace {

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

}  // namespace
}  // namespace flare::server::test
