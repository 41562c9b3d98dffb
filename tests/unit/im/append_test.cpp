// Messages on their way into the log: docs/conversations.md, "Once, and in one order", "Later".
#include "support.hpp"

namespace flare::im::test {
namespace {

using model::Role;
using Tokens = std::vector<Token>;

// ---- order ----

TEST(Append, LoadsItsConversationOnceAndThenGivesWhatWaits) {
    Home home;
    EXPECT_TRUE(home.send(1, 1));
    EXPECT_TRUE(home.send(2, 2));
    home.turn();
    EXPECT_EQ(home.take<effect::LoadConversation>().size(), 1u);
    EXPECT_EQ(home.given(), Tokens{});
    home.load({a_member(1), a_member(2)});
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2}));
    home.commit();
    EXPECT_EQ(home.answers(), "1:ok 2:ok");
    EXPECT_EQ(home.append.conversation().head().last.offset, 2u);
    EXPECT_EQ(home.take<effect::Release>().size(), 2u);
    EXPECT_EQ(home.append.waiting(), 0u);
}

TEST(Append, SaysThePositionAndTheTimeOfWhatIsStored) {
    Home home;
    home.load({a_member(1)}, {}, 41);
    home.send(1, 1);
    home.turn();
    home.commit();
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].session, 10u);
    EXPECT_EQ(answers[0].id, id_of(1));
    EXPECT_EQ(answers[0].position, (model::Position{Home::kEpoch, 42}));
    EXPECT_EQ(answers[0].time_ms, kUnixNow);
}

TEST(Append, HasOneGroupInTheStore) {
    Home home;
    home.load({a_member(1)});
    home.send(1, 1);
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2}));
    home.send(1, 3);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{});
    home.commit();
    home.turn();
    EXPECT_EQ(home.given(), Tokens{3});
}

TEST(Append, GroupsAreBounded) {
    Limits limits;
    limits.group = 2;
    Home home(limits);
    home.load({a_member(1)});
    for (std::uint64_t i = 1; i <= 3; ++i) home.send(1, i);
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2}));
}

TEST(Append, WhatIsRefusedLeavesNoGapInTheOrder) {
    Home home;
    home.load({a_member(1), a_member(2, Role::reader), a_member(3)});
    home.send(1, 1);
    home.send(2, 2);
    home.send(3, 3);
    home.turn();
    EXPECT_EQ(home.answers(), "2:forbidden");
    EXPECT_EQ(home.given(), (Tokens{1, 3}));
}

TEST(Append, NothingIsAnsweredBeforeItIsCommitted) {
    Home home;
    home.load({a_member(1)});
    home.send(1, 1);
    home.turn();
    home.pass(1h);
    home.append.tick(home.now, home.out);
    home.turn();
    EXPECT_EQ(home.answers(), "");
}

// ---- repeats ----

TEST(Append, LooksARepeatUpBeforeItsSendersRights) {
    Home home;
    home.load({a_member(1, Role::none), a_member(2)});
    home.repeat(1, 1);
    home.send(2, 2);
    auto look_ups = home.take<effect::LookUp>();
    ASSERT_EQ(look_ups.size(), 1u);
    EXPECT_EQ(look_ups[0].id, id_of(1));
    EXPECT_EQ(look_ups[0].sender, 1u);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{}) << "what comes behind it waits, too";
    home.append.looked_up(look_ups[0].ticket, Append::Found{{Home::kEpoch, 5}, 123, 1}, home.out);
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::ok);
    EXPECT_EQ(answers[0].position.offset, 5u);
    EXPECT_EQ(answers[0].time_ms, 123u);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(Append, ARepeatThatIsNotInTheLogIsJudgedAsAnyOther) {
    Home home;
    home.load({a_member(1), a_member(2, Role::reader)});
    home.repeat(1, 1);
    home.repeat(2, 2);
    for (const auto& each : home.take<effect::LookUp>()) home.append.looked_up(each.ticket, {}, home.out);
    home.turn();
    EXPECT_EQ(home.answers(), "2:forbidden");
    const auto given = home.take<effect::AppendEntry>();
    ASSERT_EQ(given.size(), 1u);
    EXPECT_EQ(given[0].first_sent_ms, kUnixNow - 1000);
}

TEST(Append, ARepeatOfOtherContentIsRefused) {
    Home home;
    home.load({a_member(1)});
    home.repeat(1, 1);
    home.append.looked_up(home.take<effect::LookUp>().at(0).ticket, Append::Found{{Home::kEpoch, 5}, 123, 2}, home.out);
    EXPECT_EQ(home.answers(), "1:duplicate_message_id");
}

TEST(Append, ARepeatJoinsTheFirstThatIsOnItsWay) {
    Home home;
    home.load({a_member(1)});
    home.send(1, 1);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
    Send again = home.message(1, 1);
    again.session = 11;
    again.token = 77;
    again.first_sent_ms_ago = 5;
    EXPECT_FALSE(home.append.send(again, home.now, home.out)) << "its payload is not needed";
    EXPECT_FALSE(home.append.send(again, home.now, home.out));
    home.turn();
    EXPECT_EQ(home.take<effect::LookUp>().size(), 0u);
    home.commit();
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].session, 10u);
    EXPECT_EQ(answers[1].session, 11u);
    EXPECT_EQ(answers[1].position, answers[0].position);
    const auto released = home.take<effect::Release>();
    ASSERT_EQ(released.size(), 1u);
    EXPECT_EQ(released[0].token, 1u);
}

TEST(Append, AnotherMessageWithTheIdOfOneOnItsWayIsRefused) {
    Home home;
    home.load({a_member(1), a_member(2)});
    home.send(1, 1);
    Send other = home.message(1, 1);
    other.content = 2;
    EXPECT_FALSE(home.append.send(other, home.now, home.out));
    EXPECT_EQ(home.answers(), "1:duplicate_message_id");
    other = home.message(2, 1);
    EXPECT_TRUE(home.append.send(other, home.now, home.out)) << "of another sender it is another message";
}

TEST(Append, KeepsFourSessionsThatAskForAMessage) {
    Home home;
    home.load({a_member(1)});
    for (SessionKey session = 1; session <= 6; ++session) {
        Send send = home.message(1, 1);
        send.session = session;
        home.append.send(send, home.now, home.out);
    }
    home.turn();
    home.commit();
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 4u);
    EXPECT_EQ(answers[0].session, 3u);
}

// ---- the store ----

TEST(Append, SaysNothingOfAnUnknownOutcome) {
    Home home;
    home.load({a_member(1), a_member(2)});
    home.send(1, 1);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
    home.repeat(1, 1);
    home.send(2, 2);
    home.turn();
    EXPECT_EQ(home.answers(), "");
    EXPECT_EQ(home.given(), Tokens{});
    home.commit();
    EXPECT_EQ(home.answers(), "1:ok");
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(Append, ARejectedMessageIsAnsweredForGood) {
    for (const errc code : {errc::duplicate_message_id, errc::too_old}) {
        Home home;
        home.load({a_member(1)});
        home.send(1, 1);
        home.turn();
        const Ticket ticket = home.take<effect::AppendEntry>().at(0).ticket;
        home.append.rejected(ticket, code, home.now, home.out);
        const auto answers = home.take<effect::Answer>();
        ASSERT_EQ(answers.size(), 1u);
        EXPECT_EQ(answers[0].code, code);
        EXPECT_EQ(answers[0].text, explain(code));
        EXPECT_EQ(home.append.held_sessions(), 0u);
        home.append.check_invariants();
    }
}

TEST(Append, AConversationThatTheStoreDoesNotKnowIsLoadedAgain) {
    Home home;
    home.load({a_member(1)});
    home.send(1, 1);
    home.turn();
    home.append.rejected(home.take<effect::AppendEntry>().at(0).ticket, errc::unknown_conversation, home.now, home.out);
    EXPECT_EQ(home.answers(), "1:unknown_conversation");
    home.send(1, 2);
    EXPECT_EQ(home.take<effect::LoadConversation>().size(), 1u);
    home.append.absent();
    home.turn();
    EXPECT_EQ(home.answers(), "2:unknown_conversation");
}

TEST(Append, WhatIsNewIsPutOffWhenTheStoreCannotBeRead) {
    Home home;
    home.send(1, 1);
    home.append.not_loaded(errc::storage_failed, home.now, home.out);
    EXPECT_EQ(home.answers(), "1:storage_failed");
    home.send(1, 1);
    home.turn();
    EXPECT_EQ(home.take<effect::LoadConversation>().size(), 1u) << "not for every message";
    home.append.tick(home.now, home.out);
    EXPECT_EQ(home.take<effect::LoadConversation>().size(), 1u) << "it is asked for again";
    home.load({a_member(2)});
    home.turn();
    EXPECT_EQ(home.take<effect::LoadMember>().size(), 1u);
    home.append.member_not_loaded(1, errc::busy, home.now, home.out);
    EXPECT_EQ(home.answers(), "1:busy");
}

TEST(Append, OfARepeatNothingIsSaidUntilItCanBeLookedUp) {
    Home home;
    home.repeat(1, 1);
    home.append.not_loaded(errc::storage_failed, home.now, home.out);
    home.turn();
    home.append.tick(home.now, home.out);
    EXPECT_EQ(home.take<effect::LoadConversation>().size(), 2u);
    home.load({a_member(1)});
    home.append.not_looked_up(home.take<effect::LookUp>().at(0).ticket, errc::storage_failed, home.now, home.out);
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.answers(), "");
    EXPECT_TRUE(home.take<effect::LookUp>().empty()) << "not at once";
    home.append.tick(home.now, home.out);
    home.append.tick(home.now, home.out);
    const auto look_ups = home.take<effect::LookUp>();
    ASSERT_EQ(look_ups.size(), 1u);
    home.append.looked_up(look_ups[0].ticket, Append::Found{{Home::kEpoch, 5}, 123, 1}, home.out);
    EXPECT_EQ(home.answers(), "1:ok");
    home.append.check_invariants();
}

TEST(Append, AnswersForWhatIsAnsweredArePassedOver) {
    Home home;
    home.load({a_member(1)});
    home.repeat(1, 1);
    const Ticket ticket = home.take<effect::LookUp>().at(0).ticket;
    home.append.looked_up(ticket, Append::Found{{Home::kEpoch, 5}, 123, 1}, home.out);
    home.out.clear();
    home.append.looked_up(ticket, {}, home.out);
    home.append.ref_read(ticket, {});
    home.append.heirs_found(ticket, 1, HeirSearch(1));
    home.append.not_looked_up(ticket, errc::busy, home.now, home.out);
    home.turn();
    EXPECT_TRUE(home.out.empty());
}

// ---- sessions ----

TEST(Append, WhatASessionSentGoesItsWayWhenItIsGone) {
    Home home;
    home.load({a_member(1)});
    home.send(1, 1);
    home.append.session_gone(10);
    home.turn();
    home.commit();
    EXPECT_EQ(home.append.conversation().head().last.offset, 1u);
}

TEST(Append, WhatASessionThatIsGoneSentBehindWhatIsPutOffIsPutOffForTheNextOneToo) {
    Limits limits;
    limits.group = 1;
    Home home(limits);
    home.load({a_member(1)});
    home.send(1, 1);
    home.send(1, 2);
    home.turn();
    home.append.session_gone(10);
    home.put_off(errc::busy);
    for (const std::uint64_t number : {1, 2}) {
        Send again = home.message(1, number);
        again.session = 11;
        EXPECT_EQ(home.append.send(again, home.now, home.out), number == 1) << "2 is on its way";
    }
    home.answers();
    home.turn();
    EXPECT_EQ(home.answers(), "2:busy 2:busy") << "it would be before 1";
    EXPECT_EQ(home.given(), Tokens{1});
}

// ---- what a message is about ----

TEST(Append, ReadsWhatAnEditIsAbout) {
    Home home;
    home.load({a_member(1)}, {}, 9);
    Send edit = home.message(1, 1);
    edit.kind = model::EntryKind::edit;
    edit.ref = 4;
    home.append.send(edit, home.now, home.out);
    edit = home.message(1, 2);
    edit.kind = model::EntryKind::edit;
    edit.ref = 5;
    home.append.send(edit, home.now, home.out);
    home.turn();
    const auto reads = home.take<effect::ReadRef>();
    ASSERT_EQ(reads.size(), 2u);
    EXPECT_EQ(reads[0].offset, 4u);
    EXPECT_EQ(home.given(), Tokens{});
    home.append.ref_read(reads[0].ticket, About{.sender = 1, .time_ms = kUnixNow});
    home.append.ref_read(reads[1].ticket, About{.sender = 2, .time_ms = kUnixNow});
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
    EXPECT_EQ(home.answers(), "2:forbidden");
}

TEST(Append, AReactionThatChangesNothingIsAnsweredWithTheEndOfTheLog) {
    Home home;
    home.load({a_member(1)}, {}, 9);
    Send reaction = home.message(1, 1);
    reaction.kind = model::EntryKind::reaction;
    reaction.ref = 4;
    home.append.send(reaction, home.now, home.out);
    home.append.ref_read(home.take<effect::ReadRef>().at(0).ticket, About{.sender = 2, .time_ms = kUnixNow});
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
    const model::Position none{Home::kEpoch, 0};
    home.append.committed(home.in_store.at(0), {.repeat = true, .row = 7, .position = none}, home.out);
    home.in_store.clear();
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::ok);
    EXPECT_EQ(answers[0].position, (model::Position{Home::kEpoch, 9}));
    EXPECT_EQ(home.append.conversation().head().last.offset, 9u);
    home.append.check_invariants();
}

// Also one of the server, which may do everything else.
class ChangesOfAnotherEpoch : public ::testing::TestWithParam<Row> {};

TEST_P(ChangesOfAnotherEpoch, AreRefused) {
    Home home;
    home.load({a_member(1)}, {}, 9);
    for (const std::uint64_t epoch : {std::uint64_t{0}, Home::kEpoch, std::uint64_t{5}}) {
        Send removal = home.message(GetParam(), 1 + home.places);
        removal.kind = model::EntryKind::removal;
        removal.ref = 4;
        removal.epoch = epoch;
        home.append.send(removal, home.now, home.out);
        home.append.ref_read(home.take<effect::ReadRef>().at(0).ticket, About{.sender = 1, .time_ms = kUnixNow});
    }
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2}));
    EXPECT_EQ(home.answers(), "3:epoch_changed");
}

INSTANTIATE_TEST_SUITE_P(Append, ChangesOfAnotherEpoch, ::testing::Values(Row{1}, Row{0}));

// What waits was read in the log before.
TEST(Append, ReadsAnewWhatIsReferredToWhenARoomHasBeenDeletedAndMadeAgain) {
    Home home;
    home.load({a_member(1, model::Role::owner)}, {}, 9);
    home.ask(1, 1, command::Destroy{});
    home.ask(1, 2, command::Create{});
    Send reply = home.message(1, 3);
    reply.ref = 4;
    home.append.send(reply, home.now, home.out);
    const auto before = home.take<effect::ReadRef>();
    ASSERT_EQ(before.size(), 1u);
    home.append.ref_read(before[0].ticket, About{.sender = 1, .time_ms = kUnixNow});
    home.turn();
    home.commit();
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
    home.append.committed(home.in_store.at(0), {.row = 8, .position = {Home::kEpoch + 1, 1}}, home.out);
    home.in_store.clear();
    home.turn();
    EXPECT_EQ(home.given(), Tokens{});
    const auto reads = home.take<effect::ReadRef>();
    ASSERT_EQ(reads.size(), 1u);
    home.append.ref_read(reads[0].ticket, std::nullopt);
    home.turn();
    EXPECT_EQ(home.answers(), "1:ok 2:ok 3:unknown_entry");
}

// It is asked for again with the look-up that has failed.
TEST(Append, SaysNothingOfWhatIsInTheStoreWhenALateReadFails) {
    Home home;
    home.load({a_member(1)}, {}, 9);
    Send edit = home.message(1, 1);
    edit.kind = model::EntryKind::edit;
    edit.ref = 4;
    edit.first_sent_ms_ago = 1000;
    home.append.send(edit, home.now, home.out);
    home.append.not_looked_up(home.take<effect::LookUp>().at(0).ticket, errc::busy, home.now, home.out);
    home.append.tick(home.now, home.out);
    const auto reads = home.take<effect::ReadRef>();
    ASSERT_EQ(reads.size(), 2u);
    home.append.ref_read(reads[0].ticket, About{.sender = 1, .time_ms = kUnixNow});
    home.append.looked_up(home.take<effect::LookUp>().at(0).ticket, {}, home.out);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
    home.append.not_looked_up(reads[1].ticket, errc::storage_failed, home.now, home.out);
    EXPECT_EQ(home.answers(), "");
    home.commit();
    EXPECT_EQ(home.answers(), "1:ok");
}

// ---- members of large conversations ----

TEST(Append, LooksSendersUpThatItDoesNotKnow) {
    Home home;
    home.load({a_member(1)});
    home.send(5, 1);
    home.send(5, 2);
    home.turn();
    EXPECT_EQ(home.take<effect::LoadMember>().size(), 1u);
    EXPECT_EQ(home.given(), Tokens{});
    home.append.member_loaded({.user = 5});
    home.turn();
    EXPECT_EQ(home.answers(), "1:unknown_conversation 2:unknown_conversation");
}

// ---- direct conversations ----

Home two_users(const Limits& limits = {}) { return Home(limits, model::ConversationKey::direct("alice", "bob")); }

TEST(Append, TheFirstMessageMakesADirectConversation) {
    Home home = two_users();
    home.send(1, 1);
    home.send(2, 2);
    home.append.absent();
    home.turn();
    const auto asked = home.take<effect::MakeDirect>();
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(asked[0].starter, 1u);
    home.turn();
    EXPECT_EQ(home.take<effect::MakeDirect>().size(), 0u);
    home.append.make_direct(1, 2, home.now, home.out);
    home.append.check_invariants();
    const auto made = home.take<effect::AppendChange>();
    ASSERT_EQ(made.size(), 1u);
    EXPECT_EQ(made[0].ticket, 0u);
    ASSERT_EQ(made[0].plan->members.size(), 2u);
    EXPECT_FALSE(made[0].plan->tells);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{});
    home.append.committed(0, {.row = 3}, home.out);
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2}));
    home.commit();
    EXPECT_EQ(home.answers(), "1:ok 2:ok");
    EXPECT_EQ(home.append.conversation().row(), 3u);
    EXPECT_EQ(home.append.conversation().member_count(), 2u);
}

TEST(Append, WhoMayNotBeginADirectConversationIsTold) {
    Home home = two_users();
    home.send(1, 1);
    home.append.absent();
    home.turn();
    home.append.refuse_direct({errc::too_many_conversations, "wait", 1000}, home.now, home.out);
    EXPECT_EQ(home.answers(), "1:too_many_conversations");
    home.send(2, 2);
    home.turn();
    EXPECT_EQ(home.take<effect::MakeDirect>().back().starter, 2u);
}

TEST(Append, ADirectConversationThatIsThereAfterAllIsLoaded) {
    Home home = two_users();
    home.send(1, 1);
    home.append.absent();
    home.turn();
    home.append.make_direct(1, 2, home.now, home.out);
    home.append.rejected(0, errc::conversation_exists, home.now, home.out);
    home.take<effect::LoadConversation>();
    home.turn();
    EXPECT_EQ(home.take<effect::LoadConversation>().size(), 1u);
    home.load({a_member(1), a_member(2)});
    home.turn();
    EXPECT_EQ(home.given().front(), 1u);
}

TEST(Append, ADirectConversationThatCannotBeMadePutsItsMessageOff) {
    Home home = two_users();
    home.send(1, 1);
    home.append.absent();
    home.turn();
    home.append.make_direct(1, 2, home.now, home.out);
    home.append.put_off(0, errc::storage_full, home.now, home.out);
    home.append.check_invariants();
    EXPECT_EQ(home.answers(), "1:storage_full");
}

TEST(Append, ABlockKeepsTheOtherOneFromWriting) {
    Home home = two_users();
    home.load({a_member(1), a_member(2)});
    home.ask(2, 1, command::Block{});
    home.turn();
    home.commit();
    home.send(1, 2);
    home.send(2, 3);
    home.turn();
    EXPECT_EQ(home.answers(), "1:ok 2:forbidden");
    EXPECT_EQ(home.given(), Tokens{3});
}

// No entry says so: the answer is the end of the log, where there is nothing yet.
TEST(Append, WhatBeginsWithABlockKnowsTheEpochOfItsLog) {
    Home home = two_users();
    home.ask(1, 1, command::Block{});
    home.append.absent();
    home.turn();
    home.append.make_direct(1, 2, home.now, home.out);
    home.append.committed(0, {.row = 3, .position = {Home::kEpoch, 0}}, home.out);
    EXPECT_EQ(home.append.conversation().head().last, (model::Position{Home::kEpoch, 0}));
}

// ---- memory ----

TEST(Append, AQuietConversationHoldsNothing) {
    Home home;
    home.load({a_member(1)});
    EXPECT_TRUE(home.append.idle(home.now));
    home.send(1, 1);
    EXPECT_FALSE(home.append.idle(home.now));
    home.turn();
    home.commit();
    EXPECT_FALSE(home.append.idle(home.now)) << "its rate is remembered";
    home.pass(1s);
    home.append.tick(home.now, home.out);
    EXPECT_TRUE(home.append.idle(home.now));
}

}  // namespace
}  // namespace flare::im::test
