// Changes among messages: docs/conversations.md, "Once, and in one order".
#include "support.hpp"

namespace flare::im::test {
namespace {

using model::Role;
using Tokens = std::vector<Token>;

TEST(Change, IsTheLastOfItsGroupAndWhatComesBehindWaitsForIt) {
    Home home;
    home.load({a_member(1, Role::owner), a_member(2)});
    home.send(2, 1);
    home.ask(1, 2, command::Remove{2});
    home.send(2, 3);
    home.send(1, 4);
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2}));
    home.commit();
    EXPECT_EQ(home.answers(), "1:ok 2:ok");
    home.turn();
    EXPECT_EQ(home.answers(), "3:unknown_conversation") << "judged by what the change left";
    EXPECT_EQ(home.given(), Tokens{4});
}

TEST(Change, ChangesNothingBeforeItIsCommitted) {
    Home home;
    home.load({a_member(1, Role::owner), a_member(2)});
    home.ask(1, 1, command::Remove{2});
    home.turn();
    EXPECT_EQ(home.append.conversation().member_count(), 2u);
    home.put_off(errc::storage_full);
    EXPECT_EQ(home.answers(), "1:storage_full");
    EXPECT_EQ(home.append.conversation().member_count(), 2u);
    home.send(2, 2);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(Change, ThatIsRejectedIsForgotten) {
    Home home;
    home.load({a_member(1, Role::owner), a_member(2)});
    home.ask(1, 1, command::Remove{2});
    home.turn();
    home.append.rejected(home.take<effect::AppendChange>().at(0).ticket, errc::duplicate_message_id, home.now,
                         home.out);
    home.append.check_invariants();
    EXPECT_EQ(home.answers(), "1:duplicate_message_id");
    EXPECT_EQ(home.append.conversation().member_count(), 2u);
}

TEST(Change, SaysWhatItIsToTheStore) {
    Home home;
    home.load({a_member(1, Role::owner), a_member(2)});
    home.ask(1, 1, command::Remove{2});
    home.turn();
    const auto given = home.take<effect::AppendChange>();
    ASSERT_EQ(given.size(), 1u);
    EXPECT_EQ(given[0].token, 1u);
    EXPECT_EQ(given[0].plan->conversation, 7u);
    EXPECT_EQ(given[0].plan->tells, model::EntryKind::membership);
    ASSERT_EQ(given[0].plan->members.size(), 1u);
    EXPECT_EQ(given[0].plan->members[0].role, Role::none);
}

TEST(Change, ThatIsRefusedOrChangesNothingGoesNowhere) {
    Home home;
    home.load({a_member(1, Role::owner), a_member(2)}, {}, 5);
    home.ask(2, 1, command::Remove{1});
    home.ask(1, 2, command::SetRole{2, Role::member});
    home.turn();
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].code, errc::forbidden);
    EXPECT_EQ(answers[1].code, errc::ok);
    EXPECT_EQ(answers[1].position.offset, 5u);
    EXPECT_EQ(home.given(), Tokens{});
    EXPECT_EQ(home.take<effect::Release>().size(), 2u);
}

TEST(Change, LooksUpWhomItIsAbout) {
    Home home;
    home.load({a_member(1, Role::owner)});
    home.ask(1, 1, command::Add{.users = {{5}, {6}}});
    home.turn();
    EXPECT_EQ(home.take<effect::LoadMember>().size(), 2u);
    home.append.member_loaded({.user = 5});
    home.turn();
    EXPECT_EQ(home.take<effect::LoadMember>().size(), 0u);
    EXPECT_EQ(home.given(), Tokens{});
    home.append.member_loaded({.user = 6});
    home.turn();
    home.commit();
    EXPECT_EQ(home.answers(), "1:ok");
    EXPECT_EQ(home.append.conversation().member_count(), 3u);
}

TEST(Change, OfTheLastOwnerOfALargeRoomAsksForTheHeir) {
    Limits limits;
    limits.listed_members = 1;
    Home home(limits);
    home.load({a_member(1, Role::owner), a_member(2), a_member(3)});
    home.ask(1, 1, command::Leave{});
    home.turn();
    home.turn();
    auto asked = home.take<effect::FindHeirs>();
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(asked[0].leaving, 1u);
    home.append.not_looked_up(asked[0].ticket, errc::storage_failed, home.now, home.out);
    EXPECT_EQ(home.answers(), "1:storage_failed");

    home.ask(1, 1, command::Leave{});
    home.turn();
    const Ticket late = asked[0].ticket;
    asked = home.take<effect::FindHeirs>();
    ASSERT_EQ(asked.size(), 1u);
    home.append.heirs_found(late, 1, HeirSearch(1));
    home.turn();
    EXPECT_EQ(home.given(), Tokens{}) << "that was of the first time";
    EXPECT_TRUE(home.take<effect::FindHeirs>().empty()) << "the second answer is still to come";
    HeirSearch search(1);
    search.see(a_member(3));
    home.append.heirs_found(asked[0].ticket, 1, search);
    home.turn();
    home.commit();
    EXPECT_EQ(home.answers(), "1:ok");
    home.ask(3, 2, command::Configure{.title = "mine"});
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2}) << "3 is owner now";
}

TEST(Change, IsHeldBehindWhatItsSessionSentBefore) {
    Home home;
    home.load({a_member(1, Role::owner), a_member(2)});
    home.send_in_vain(1, 1);
    EXPECT_FALSE(home.ask(1, 2, command::Remove{2}));
    EXPECT_EQ(home.answers(), "1:busy 2:busy");
}

TEST(Change, CountsAsWhatIsSent) {
    Limits limits;
    limits.device = {10, 1};
    Home home(limits);
    home.load({a_member(1, Role::owner), a_member(2)});
    home.ask(1, 1, command::Mute{2, UINT64_MAX});
    home.ask(1, 2, command::Mute{2, UINT64_MAX - 1});
    home.turn();
    home.commit();
    home.turn();
    EXPECT_EQ(home.answers(), "1:ok 2:rate_limited");
}

TEST(Change, ThatChangesNothingOrIsRefusedCountsToo) {
    Limits limits;
    limits.device = {10, 2};
    Home home(limits);
    home.load({a_member(1, Role::owner), a_member(2)});
    home.ask(1, 1, command::Add{.users = {{2}}});
    home.ask(1, 2, command::Remove{1});
    home.ask(1, 3, command::Add{.users = {{2}}});
    home.turn();
    EXPECT_EQ(home.answers(), "1:ok 2:forbidden 3:rate_limited");
}

TEST(Change, MakesARoomThatWhatComesBehindIsSentTo) {
    Home home;
    home.ask(1, 1, command::Create{.members = {{2}}});
    home.repeat(2, 2);
    home.send(3, 3);
    home.append.absent();
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
    home.commit();
    home.append.looked_up(home.take<effect::LookUp>().at(0).ticket, {}, home.out);
    home.turn();
    EXPECT_EQ(home.take<effect::LoadMember>().size(), 1u);
    EXPECT_EQ(home.given(), Tokens{2});
    home.append.member_loaded({.user = 3});
    home.commit();
    home.turn();
    EXPECT_EQ(home.answers(), "1:ok 2:ok 3:unknown_conversation");
    EXPECT_EQ(home.append.conversation().row(), 7u);
}

TEST(Change, ThatMakesARoomThatIsThereIsRefusedAndTheRoomIsLoaded) {
    Home home;
    home.ask(1, 1, command::Create{});
    home.append.absent();
    home.turn();
    home.take<effect::LoadConversation>();
    home.append.rejected(home.take<effect::AppendChange>().at(0).ticket, errc::conversation_exists, home.now, home.out);
    EXPECT_EQ(home.answers(), "1:conversation_exists");
    home.send(1, 2);
    EXPECT_EQ(home.take<effect::LoadConversation>().size(), 1u);
}

TEST(Change, ThatEndsTheConversationLeavesNothingToSendTo) {
    Home home;
    home.load({a_member(1, Role::owner), a_member(2)});
    home.ask(1, 1, command::Destroy{});
    home.send(1, 2);
    home.turn();
    EXPECT_TRUE(home.take<effect::AppendChange>().at(0).plan->removed);
    home.append.committed(1, {.row = 7}, home.out);
    home.turn();
    EXPECT_EQ(home.answers(), "1:ok 2:unknown_conversation");
}

TEST(Change, OfUnknownOutcomeIsAppliedWhenItIsFoundToBeCommitted) {
    Home home;
    home.load({a_member(1, Role::owner), a_member(2)});
    home.ask(1, 1, command::Remove{2});
    home.turn();
    const Ticket ticket = home.take<effect::AppendChange>().at(0).ticket;
    home.append.committed(ticket, {.repeat = true, .row = 7, .position = {Home::kEpoch, 1}}, home.out);
    EXPECT_EQ(home.append.conversation().member_count(), 1u);
    EXPECT_EQ(home.append.conversation().head().last.offset, 1u);
}

TEST(Change, ThatWasInTheLogBeforeIsNotAppliedAgain) {
    Home home;
    home.load({a_member(1, Role::owner), a_member(2)}, {}, 9);
    home.ask(1, 1, command::Remove{2});
    home.turn();
    const Ticket ticket = home.take<effect::AppendChange>().at(0).ticket;
    home.append.committed(ticket, {.repeat = true, .row = 7, .position = {Home::kEpoch, 4}}, home.out);
    EXPECT_EQ(home.append.conversation().member_count(), 2u) << "much may have come since";
    EXPECT_EQ(home.append.conversation().head().last.offset, 9u);
    EXPECT_EQ(home.take<effect::Answer>().at(0).position.offset, 4u);
}

}  // namespace
}  // namespace flare::im::test
