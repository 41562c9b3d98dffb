#include "session/outbox.hpp"

#include "support.hpp"

namespace flare::session::test {
namespace {

Outbox::Entry entry_of(std::uint8_t number, std::size_t payload = 10) {
    Outbox::Entry entry;
    entry.id = id_of(number);
    entry.to = "server";
    entry.payload_bytes = payload;
    return entry;
}

TEST(Outbox, KeepsMessagesInOrderOfArrival) {
    Outbox outbox({});
    for (const int number : {7, 3, 5}) ASSERT_TRUE(outbox.add(entry_of(static_cast<std::uint8_t>(number))));

    std::vector<Uuid> order;
    outbox.for_each([&](Outbox::Token, Outbox::Entry& entry) { order.push_back(entry.id); });
    EXPECT_EQ(order, (std::vector<Uuid>{id_of(7), id_of(3), id_of(5)}));
}

TEST(Outbox, RefusesTheMessageThatWouldExceedItsCount) {
    Outbox outbox({2, 1'000});
    ASSERT_TRUE(outbox.add(entry_of(1)));
    ASSERT_TRUE(outbox.add(entry_of(2)));

    EXPECT_EQ(code_of(outbox.add(entry_of(3))), errc::outbox_full);
    EXPECT_EQ(outbox.size(), 2u);
    EXPECT_EQ(outbox.find(id_of(3)), nullptr);
}

TEST(Outbox, RefusesTheMessageThatWouldExceedItsBytes) {
    Outbox outbox({10, 100});
    ASSERT_TRUE(outbox.add(entry_of(1, 60)));
    EXPECT_EQ(code_of(outbox.add(entry_of(2, 41))), errc::outbox_full);
    EXPECT_TRUE(outbox.add(entry_of(2, 40)));
    EXPECT_EQ(outbox.bytes(), 100u);
}

TEST(Outbox, RefusesAnIdThatWaitsForItsReceipt) {
    Outbox outbox({});
    const auto token = outbox.add(entry_of(1));
    EXPECT_EQ(code_of(outbox.add(entry_of(1))), errc::duplicate_message_id);

    outbox.erase(*token);
    EXPECT_TRUE(outbox.add(entry_of(1)));
}

TEST(Outbox, FindsByTokenAndById) {
    Outbox outbox({});
    const auto added = outbox.add(entry_of(1));
    ASSERT_TRUE(added);

    Outbox::Token token = 0;
    EXPECT_EQ(outbox.find(id_of(1), &token), outbox.find(*added));
    EXPECT_EQ(token, *added);
    EXPECT_EQ(outbox.find(id_of(2)), nullptr);
}

TEST(Outbox, ErasingMakesRoom) {
    Outbox outbox({1, 100});
    const auto token = outbox.add(entry_of(1, 100));
    outbox.erase(*token);
    outbox.erase(*token);  // once more is harmless

    EXPECT_EQ(outbox.size(), 0u);
    EXPECT_EQ(outbox.bytes(), 0u);
    EXPECT_TRUE(outbox.add(entry_of(2, 100)));
}

}  // namespace
}  // namespace flare::session::test
