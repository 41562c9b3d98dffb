// How far others have come, and what is to show as unread, as a client knows it.
#include "unit/client/syncing.hpp"
#include "wire/entries.hpp"

namespace flare::client {
namespace {

using test::Named;
using Marks = std::vector<UserMark>;

class MarksOfOthers : public test::Syncing {
protected:
    static wire::im::ConversationState moved(std::string_view name, std::vector<wire::im::UserMark> others,
                                             std::uint64_t epoch = 7) {
        wire::im::ConversationState state;
        state.conversation = name;
        state.epoch = epoch;
        state.others = std::move(others);
        return state;
    }
    void told(const wire::im::ConversationState& state) {
        wire::im::Feed frame;
        frame.states = {state};
        (void)tell(0, std::move(frame));
    }
    // As its feed says it.
    void leaves(const std::string& user, std::uint64_t offset) {
        wire::ConversationChange change;
        change.kind = wire::ChangeKind::left;
        change.members = {{.user = user}};
        const std::string payload = wire::encode(change);
        wire::im::Entry left = message(offset);
        left.kind = model::EntryKind::membership;
        left.payload = payload;
        (void)tell(3, {left});
    }
    // The answer to a subscription says how far these have come.
    void begun_with(std::vector<wire::im::UserMark> others) {
        wire::im::Subscribed body;
        body.feed = 4;
        body.head = wire::im::Head{7, 1, 12, 12};
        body.visible_from = 1;
        body.next = 13;
        body.others = std::move(others);
        answer(body);
    }
    Marks others(std::size_t at = 0) { return sync.list().at(at).others; }
    void mark_unread(const std::string& name, std::uint64_t from) {
        sync.marks().mark_unread(name, {7, from}, [this](const Checked<ReadMark>& result) {
            results +=
                result ? "unread from " + std::to_string(result->unread_from) + "; " : code(result.error().code) + "; ";
        });
    }
    std::uint64_t unread_from(std::size_t at = 0) { return sync.list().at(at).mark.unread_from; }
    static wire::im::ReadMark said(std::uint64_t mark, std::uint64_t unread_from) {
        return {mark, 0, false, 12, 12, unread_from};
    }
};

TEST_F(MarksOfOthers, AreInTheListAndToldIfTheyAreNews) {
    synced({{"room:tea", 3, 12, 9, 12, 0}});
    told(moved("room:tea", {{"bob", 3, 5}, {"ann", 9, 9}, {"eve", 4, 4}}));
    EXPECT_EQ(heard(false), "bob in room:tea 3/5; eve in room:tea 4/4; ") << "not the own one";
    EXPECT_EQ(others(), (Marks{{"bob", 3, 5}, {"eve", 4, 4}}));
    told(moved("room:tea", {{"bob", 2, 4}, {"eve", 6, 6}}));
    EXPECT_EQ(heard(false), "eve in room:tea 6/6; ") << "they only grow";
    EXPECT_EQ(others(), (Marks{{"bob", 3, 5}, {"eve", 6, 6}}));
    told(moved("room:tea", {{"bob", 9, 9}}, 8));
    EXPECT_EQ(heard(), "") << "of another log";
    EXPECT_EQ(asked(), "");
}

TEST_F(MarksOfOthers, ComeWithPagesAndAnswers) {
    session = true;
    sync.begin_session();
    auto first = page({{"bob", 3, 12, 9, 12, 0}}, "c1", true);
    first.conversations[0].others = {{"bob", 3, 5}};
    answer(first);
    EXPECT_EQ(handled(false), "bob in bob 3/5; synced; ");
    subscribe("bob", SubscribeOptions().with_after({7, 12}));
    begun_with({{"bob", 6, 7}});
    EXPECT_EQ(handled(false), "bob in bob 6/7; ");
    EXPECT_EQ(others(), (Marks{{"bob", 6, 7}}));
}

TEST_F(MarksOfOthers, AreKeptUntilThePageComesThatNamesTheirConversation) {
    session = true;
    sync.begin_session();
    told(moved("room:tea", {{"bob", 3, 5}}));
    told(moved("room:tea", {{"bob", 4, 5}, {"eve", 1, 1}}));
    EXPECT_EQ(heard(), "");
    answer(page({{"room:tea", 3, 12, 9, 12, 0}}, "c1", true));
    EXPECT_EQ(handled(false), "bob in room:tea 4/5; eve in room:tea 1/1; synced; ");
    EXPECT_EQ(others(), (Marks{{"bob", 4, 5}, {"eve", 1, 1}}));
}

// A page need not have them: with the answer, the client had been told.
TEST_F(MarksOfOthers, OfASubscriptionAreKeptForTheListThatNamesItLater) {
    synced({});
    subscribe("room:tea", SubscribeOptions().with_after({7, 12}));
    EXPECT_EQ(asked(), "subscribe room:tea 7:12");
    begun_with({{"bob", 6, 7}});
    EXPECT_EQ(heard(false), "bob in room:tea 6/7; ");
    told(moved("room:tea", {{"eve", 1, 1}}));
    EXPECT_EQ(heard(false), "eve in room:tea 1/1; ");
    sync.on_time();
    EXPECT_EQ(asked().substr(0, 4), "sync");
    auto older = page({{"room:tea", 0, 12, 9, 12, 0}}, "c2", true);
    older.conversations[0].others = {{"bob", 3, 5}};
    answer(older);
    EXPECT_EQ(handled(false).find("bob in room:tea 3/5"), std::string::npos) << "nobody goes back";
    EXPECT_EQ(others(), (Marks{{"bob", 6, 7}, {"eve", 1, 1}}));
}

// The list has the log before until a page says so, which may be late.
TEST_F(MarksOfOthers, OfALogThatHasBegunAnewAreKeptForThePageThatNamesIt) {
    synced({{"room:tea", 0, 12, 9, 12, 0}});
    lose_session();
    session = true;
    sync.begin_session();
    told(moved("room:tea", {{"eve", 1, 2}}, 8));
    refuse(errc::busy);
    told(moved("room:tea", {{"bob", 1, 1}}, 8));
    EXPECT_EQ(heard(), "");
    time += std::chrono::hours(1);
    sync.on_time();
    EXPECT_EQ(asked().substr(0, 4), "sync");
    answer(page({{"room:tea", 0, 2, 1, 2, 0, 8}}, "c2", true));
    EXPECT_EQ(handled(false), "eve in room:tea 1/2; bob in room:tea 1/1; synced; ");
    EXPECT_EQ(others(), (Marks{{"bob", 1, 1}, {"eve", 1, 2}}));
}

TEST_F(MarksOfOthers, GoWithTheirMember) {
    synced({{"room:tea", 3, 12, 9, 12, 0}});
    told(moved("room:tea", {{"bob", 3, 5}, {"eve", 4, 4}}));
    leaves("bob", 13);
    EXPECT_EQ(others(), (Marks{{"eve", 4, 4}}));
}

// States and feeds do not wait for each other.
TEST_F(MarksOfOthers, OfWhoIsBackAreNotThoseOfBefore) {
    synced({{"room:tea", 3, 12, 9, 12, 0}});
    told(moved("room:tea", {{"bob", 3, 5}, {"eve", 4, 4}}));
    leaves("bob", 13);
    EXPECT_NE(heard(), "");
    told(moved("room:tea", {{"bob", 4, 6}}));
    EXPECT_EQ(heard(), "") << "it was on its way when bob left";
    EXPECT_EQ(others(), (Marks{{"eve", 4, 4}}));
    told(moved("room:tea", {{"bob", 14, 14}, {"eve", 16, 16}}));
    EXPECT_EQ(heard(false), "bob in room:tea 14/14; eve in room:tea 16/16; ");
    leaves("eve", 14);
    EXPECT_EQ(others(), (Marks{{"bob", 14, 14}, {"eve", 16, 16}})) << "eve has come back since";
}

TEST_F(MarksOfOthers, AreToldWithoutAList) {
    Sync off{false, "ann", *this};
    session = true;
    off.begin_session();
    wire::im::Feed frame;
    frame.states = {moved("room:tea", {{"bob", 3, 5}})};
    off.on_feed(0, frame, Bytes(), 0, nullptr);
    EXPECT_EQ(heard(), "bob in room:tea 3/5; ");
}

// ---- unread ----

TEST_F(MarksOfOthers, UnreadIsShownAtOnceAndUntilItIsRead) {
    synced({{"room:tea", 3, 12, 9, 12, 0}});
    mark_unread("room:tea", 10);
    EXPECT_EQ(asked(), "unmark room:tea 10");
    EXPECT_EQ(unread_from(), 10u);
    answer(said(12, 10));
    EXPECT_EQ(results, "unread from 10; ");
    mark_read("room:tea", 9);
    answer(said(12, 10));
    EXPECT_EQ(unread_from(), 10u) << "it was not reached";
    mark_read("room:tea", 12);
    EXPECT_EQ(unread_from(), 0u);
    answer(said(12, 0));
    EXPECT_EQ(unread_from(), 0u);
}

TEST_F(MarksOfOthers, AnAnswerThatIsOlderThanWhatWasSaidSinceChangesNothing) {
    synced({{"room:tea", 3, 12, 9, 12, 0}});
    mark_unread("room:tea", 10);
    mark_read("room:tea", 12);
    EXPECT_EQ(asked(), "unmark room:tea 10, mark room:tea 12");
    answer(said(12, 10));
    EXPECT_EQ(unread_from(), 0u);
    answer(said(12, 0));
    EXPECT_EQ(unread_from(), 0u);
    wire::im::Feed frame;
    wire::im::ConversationState& state = frame.states.emplace_back();
    state.conversation = "room:tea";
    state.epoch = 7;
    state.mark = said(12, 11);
    (void)tell(0, frame);
    EXPECT_EQ(unread_from(), 11u) << "another device has said so";
}

// The page is the newest of the three, and yet a state that waits for it is taken behind it.
TEST_F(MarksOfOthers, UnreadThatIsAnsweredWhileAPageComesOutlastsAStateOfBefore) {
    synced({{"room:tea", 3, 12, 9, 12, 0}});
    next_session();
    wire::im::Feed frame;
    wire::im::ConversationState& state = frame.states.emplace_back();
    state.conversation = "room:tea";
    state.epoch = 7;
    state.mark = said(12, 0);
    (void)tell(0, frame);
    mark_unread("room:tea", 10);
    std::swap(requests.at(0), requests.at(1));
    answer(said(12, 10));
    auto newest = page({{"room:tea", 4, 12, 9, 12, 0}}, "c2");
    newest.conversations[0].mark->unread_from = 10;
    answer(newest);
    EXPECT_EQ(unread_from(), 10u);
}

TEST_F(MarksOfOthers, UnreadIsSaidAgainBehindTheSync) {
    synced({{"room:tea", 3, 12, 9, 9, 3}});
    lose_session();
    mark_read("room:tea", 12);
    refuse(errc::not_connected);
    mark_unread("room:tea", 11);
    refuse(errc::not_connected);
    session = true;
    sync.begin_session();
    answer(page({{"room:tea", 1, 12, 9, 9, 3}}, "c2"));
    EXPECT_EQ(unread_from(), 11u) << "what the server does not know yet holds";
    EXPECT_EQ(asked(), "mark room:tea 12, unmark room:tea 11") << "in this order";
    answer(said(12, 0));
    EXPECT_EQ(unread_from(), 11u);
    answer(said(12, 11));
    EXPECT_EQ(unread_from(), 11u);
    EXPECT_EQ(asked(), "");
}

TEST_F(MarksOfOthers, WhatTheServerHadBeforeItRefusesStays) {
    synced({{"room:tea", 3, 12, 9, 12, 0}});
    mark_unread("room:tea", 10);
    answer(said(9, 10));
    mark_unread("room:tea", 8);
    EXPECT_EQ(unread_from(), 8u);
    refuse(errc::unknown_entry);
    EXPECT_EQ(unread_from(), 10u) << "as on the other devices";
}

TEST_F(MarksOfOthers, WhatTheServerDoesNotTakeIsNotShown) {
    synced({{"room:tea", 3, 12, 9, 12, 0}});
    mark_unread("room:tea", 10);
    refuse(errc::not_supported);
    EXPECT_EQ(unread_from(), 0u);
    EXPECT_EQ(results, code(errc::not_supported) + "; ");
}

}  // namespace
}  // namespace flare::client
