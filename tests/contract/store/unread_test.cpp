// Clauses about what a user has not read.
#include "contract/store/list_fixture.hpp"

namespace flare::store::test {
namespace {

using model::EntryKind;

class StoreUnread : public ListedStore {
protected:
    StoreUnread() { room = make_room("room", {kAnn, kBob}); }
    Row room = 0;
};
INSTANTIATE_TEST_SUITE_P(All, StoreUnread, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StoreUnread, IsWhatOthersSaidBehindTheMark) {
    EXPECT_EQ(unread(room, kAnn), "0");
    say(room, kBob, 5);
    say(room, kAnn, 3);
    say(room, 0, 1);  // the server is another one, too
    for (const bool again : {false, true}) {
        if (again) open();
        EXPECT_EQ(unread(room, kAnn), "6");
        EXPECT_EQ(unread(room, kBob), "4");
    }
    mark(room, kAnn, 3);
    EXPECT_EQ(unread(room, kAnn), "3");
    mark(room, kAnn, 8);
    EXPECT_EQ(unread(room, kAnn), "1");
    mark(room, kAnn, 9);
    EXPECT_EQ(unread(room, kAnn), "0");
    EXPECT_EQ(unread(room, kBob), "4");
}

TEST_P(StoreUnread, IsNothingSilentOrDeletedAndNoChange) {
    say(room, kBob, 5);
    say_silently(room, kBob);
    say(room, kBob, EntryKind::edit, 2);
    EXPECT_EQ(unread(room, kAnn), "5");
    say(room, kBob, EntryKind::removal, 3);
    EXPECT_EQ(unread(room, kAnn), "4");
    put(room, member_since_start(kCat));
    EXPECT_EQ(unread(room, kAnn), "4");
    mark(room, kAnn, 1);
    EXPECT_EQ(unread(room, kAnn), "3");
    say_silently(room, kBob);
    mark(room, kAnn, 5);
    EXPECT_EQ(unread(room, kAnn), "0");
}

TEST_P(StoreUnread, IsThereToBeRead) {
    say(room, kBob, 20);
    cut(room, 8);
    EXPECT_EQ(unread(room, kAnn), "13");
    mark(room, kAnn, 3);
    EXPECT_EQ(unread(room, kAnn), "13");
    model::Member late = member_since_start(kAnn);
    late.visible_from = 15;
    put(room, late);
    EXPECT_EQ(unread(room, kAnn), "6");
    cut(room, 100);
    EXPECT_EQ(unread(room, kAnn), "0");
}

TEST_P(StoreUnread, IsNothingThatIsCleared) {
    say(room, kBob, 10);
    mark(room, kAnn, 2);
    SettingsChange clear{room, kAnn};
    clear.cleared_to = 6;
    write({clear});
    EXPECT_EQ(unread(room, kAnn), "4");
    mark(room, kAnn, 4);
    EXPECT_EQ(unread(room, kAnn), "4");
    mark(room, kAnn, 7);
    EXPECT_EQ(unread(room, kAnn), "3");
    clear.cleared_to = 10;
    write({clear});
    EXPECT_EQ(unread(room, kAnn), "0");
    EXPECT_EQ(mark_of(room, kAnn).offset, 7u) << "what is cleared was not read, for others";
}

TEST_P(StoreUnread, IsCountedUpToALimit) {
    say(room, kBob, 5);
    EXPECT_EQ(unread(room, kAnn, 6), "5");
    EXPECT_EQ(unread(room, kAnn, 5), "5");
    EXPECT_EQ(unread(room, kAnn, 4), "4 and more");
    EXPECT_EQ(unread(room, kAnn, 0), "0 and more");
    mark(room, kAnn, 1);
    EXPECT_EQ(unread(room, kAnn, 4), "4");
    mark(room, kAnn, 5);
    EXPECT_EQ(unread(room, kAnn, 0), "0");
}

TEST_P(StoreUnread, IsLookedForInTheNewestThousandEntries) {
    say(room, kBob, 1);
    say(room, kAnn, 999);
    EXPECT_EQ(unread(room, kAnn), "1");
    say(room, kAnn, 1);
    EXPECT_EQ(unread(room, kAnn), "0 and more") << "nobody has looked whose the oldest is";
    mark(room, kAnn, 1);
    EXPECT_EQ(unread(room, kAnn), "0");
    say(room, kAnn, 1);
    EXPECT_EQ(unread(room, kAnn), "0 and more");
    for (int i = 0; i < 1000; ++i) say_silently(room, kBob);
    say(room, kBob, 1);
    EXPECT_EQ(unread(room, kAnn), "1 and more");
    mark(room, kAnn, 1002);
    EXPECT_EQ(unread(room, kAnn), "1") << "only silent ones are behind the mark, and they are known to be";
}

TEST_P(StoreUnread, IsAsOfTheList) {
    say(room, kBob, 5);
    const Listed before = listed(room, kAnn);
    say(room, kBob, 5);
    EXPECT_EQ(unread(before), "5") << "what came later is not in it";
    cut(room, 3);
    maintain();
    EXPECT_EQ(unread(before), "3") << "what is gone by now is not, either";
    remove(room);
    maintain();
    EXPECT_EQ(unread(before), "0");
}

}  // namespace
}  // namespace flare::store::test
