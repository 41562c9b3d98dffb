#include "server/conversations/hosted.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flare::server {
namespace {

model::ConversationKey room(std::size_t number) {
    return model::ConversationKey::room("room" + std::to_string(number));
}

// Something is put off in it, and its session held.
HostedPtr held_in(HostedTable& table, std::size_t number, im::SessionKey session, im::Effects& out) {
    const HostedPtr hosted = table.get(room(number));
    im::Send send{.session = session, .place = 1, .sender = 1, .token = 1};
    send.id.bytes[0] = 1;
    send.put_off = errc::busy;
    EXPECT_FALSE(hosted->append.send(send, {}, out));
    hosted->busy = true;
    table.hold(session, *hosted);
    return hosted;
}

TEST(HostedTable, ForgetsWhatWaitsForNothingAndNotTheOthers) {
    const im::Limits limits;
    HostedTable table(limits, 4);
    const HostedPtr first = table.get(room(1));
    first->busy = true;
    for (std::size_t i = 2; i <= 5; ++i) table.get(room(i));
    EXPECT_EQ(table.size(), 2u) << "the first and the last";
    EXPECT_EQ(table.get(room(1)), first);
}

TEST(HostedTable, LooksAgainWhenItHasTwiceAsMuchAsItCouldNotForget) {
    const im::Limits limits;
    HostedTable table(limits, 4);
    std::vector<HostedPtr> all;
    for (std::size_t i = 1; i <= 5; ++i) {
        all.push_back(table.get(room(i)));
        all.back()->busy = true;
    }
    for (const HostedPtr& each : all) each->busy = false;
    for (std::size_t i = 6; i <= 8; ++i) table.get(room(i));
    EXPECT_EQ(table.size(), 8u) << "it has not looked";
    table.get(room(9));
    EXPECT_EQ(table.size(), 1u);
    for (std::size_t i = 10; i <= 13; ++i) table.get(room(i));
    EXPECT_EQ(table.size(), 1u) << "as few as before are enough again";
}

TEST(HostedTable, TheEndOfASessionLetsItGoWhereItIsHeld) {
    const im::Limits limits;
    HostedTable table(limits);
    im::Effects out;
    const HostedPtr one = held_in(table, 1, 10, out);
    const HostedPtr two = held_in(table, 2, 10, out);
    held_in(table, 2, 11, out);
    table.check_invariants();
    table.session_gone(10);
    EXPECT_EQ(one->append.held_sessions(), 0u);
    EXPECT_EQ(two->append.held_sessions(), 1u) << "the other session";
    table.check_invariants();
    table.let_go(*two);
    EXPECT_TRUE(two->held.empty());
    table.session_gone(11);
    EXPECT_EQ(two->append.held_sessions(), 1u) << "nothing is known of it";
    table.check_invariants();
}

TEST(HostedTable, ASessionIsHeldInSoManyConversationsAndThenLetGoInTheOldest) {
    const im::Limits limits;
    HostedTable table(limits);
    im::Effects out;
    std::vector<HostedPtr> all;
    for (std::size_t i = 0; i < HostedTable::kMostHeld; ++i) all.push_back(held_in(table, i, 10, out));
    held_in(table, 0, 10, out);  // it was put off there again
    held_in(table, HostedTable::kMostHeld, 10, out);
    EXPECT_EQ(all[0]->append.held_sessions(), 1u);
    EXPECT_EQ(all[1]->append.held_sessions(), 0u);
    EXPECT_EQ(all[2]->append.held_sessions(), 1u);
    table.check_invariants();
}

}  // namespace
}  // namespace flare::server
