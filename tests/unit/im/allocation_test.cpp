// A message on its way into the log takes next to no memory from the heap once the home has seen as many before; nor
// does a session take any for the list of its one feed.
#include "im/held_feeds.hpp"
#include "support.hpp"

#include "unit/wire/allocations.hpp"

namespace flare::im::test {
namespace {

// `repeats`: each is looked up first. Now and then the store has no room, and all sessions begin anew.
std::size_t allocations_of(Home& home, std::uint64_t first, std::uint64_t count, bool repeats) {
    const std::size_t before = wire::test::allocations();
    std::vector<Ticket>& in_store = home.in_store;
    for (std::uint64_t number = first; number < first + count; ++number) {
        Send send = home.message(1 + number % 8, number);
        if (repeats) send.first_sent_ms_ago = 1;
        home.append.send(send, home.now, home.out);
        if (number % 16 != 0) continue;
        for (int round = 0; round < 2; ++round) {
            for (std::size_t i = 0; i < home.out.size(); ++i) {
                if (const auto* const look_up = std::get_if<effect::LookUp>(&home.out[i]))
                    home.append.looked_up(look_up->ticket, {}, home.out);
                if (const auto* const entry = std::get_if<effect::AppendEntry>(&home.out[i]))
                    in_store.push_back(entry->ticket);
            }
            home.out.clear();
            if (round == 0) home.append.advance(home.now, home.out);
        }
        const bool full = number % 160 == 0;
        for (const Ticket ticket : in_store) {
            if (full) {
                home.append.put_off(ticket, errc::storage_full, home.now, home.out);
            } else {
                home.append.committed(ticket, {.row = 7, .position = {Home::kEpoch, home.next_offset++}}, home.out);
            }
        }
        in_store.clear();
        home.out.clear();
        if (full) {
            for (Row user = 1; user <= 8; ++user) home.append.session_gone(user * 10);
        }
        home.pass(1s);
        home.append.tick(home.now, home.out);
    }
    return wire::test::allocations() - before;
}

Home eight_members() {
    Limits limits;
    limits.device = {};
    limits.conversation = {1000, 1000};
    return Home(limits);
}

TEST(Append, TakesNothingFromTheHeapForAMessage) {
    for (const bool repeats : {false, true}) {
        Home home = eight_members();
        std::vector<model::Member> members;
        for (Row user = 1; user <= 8; ++user) members.push_back(a_member(user));
        home.load(members);
        EXPECT_GT(allocations_of(home, 1, 1600, repeats), 0u) << "this test counts nothing";
        // Tables are made anew now and then.
        EXPECT_LE(allocations_of(home, 2000, 8000, repeats), 8u) << repeats;
        EXPECT_GT(home.next_offset, 8000u);
    }
}

TEST(HeldFeeds, TakeNothingFromTheHeapForOne) {
    HeldFeeds held;
    const std::size_t before = wire::test::allocations();
    held.add({7, 0});
    held.move({7, 2});
    held.erase(7);
    held.add({8, 1});
    EXPECT_EQ(wire::test::allocations(), before);
    for (std::uint32_t conversation : {3u, 9u, 5u}) held.add({conversation, 10 * conversation});
    EXPECT_GT(wire::test::allocations(), before) << "this test counts nothing";
    std::vector<std::uint32_t> all;
    for (const HeldFeeds::Held& each : held) all.push_back(each.conversation);
    EXPECT_EQ(all, (std::vector<std::uint32_t>{3, 5, 8, 9}));
    for (const std::uint32_t conversation : {3u, 8u, 9u}) held.erase(conversation);
    ASSERT_EQ(held.size(), 1u);
    EXPECT_EQ(held.find(5)->at, 50u);
    EXPECT_EQ(held.find(9), nullptr);
}

}  // namespace
}  // namespace flare::im::test
