// Clauses about what users choose for conversations, and what they have cleared.
#include "contract/store/list_fixture.hpp"

#include <cstdint>
#include <optional>

namespace flare::store::test {
namespace {

using model::Notify;
using model::Settings;

class StoreSettings : public ListedStore {
protected:
    StoreSettings() { room = make_room("room", {kAnn, kBob}); }

    Outcome clear(Row user, std::uint64_t offset) {
        SettingsChange change{room, user};
        change.cleared_to = offset;
        return write({change});
    }
    Outcome hide(Row user, bool hidden) {
        SettingsChange change{room, user};
        change.hidden = hidden;
        return write({change});
    }
    Settings settings_of(Row user) { return listed(room, user).settings; }
    bool hides(Row user) { return settings_of(user).hides(head(room).messages); }

    Row room = 0;
};
INSTANTIATE_TEST_SUITE_P(All, StoreSettings, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StoreSettings, AreWhatWasChosenLast) {
    EXPECT_EQ(settings_of(kAnn), Settings());
    SettingsChange change{room, kAnn, Notify::mentions, kStart + 5, 7};
    const Outcome first = write({change});
    EXPECT_EQ(first.code, errc::ok);
    EXPECT_FALSE(first.repeat);
    EXPECT_EQ(first.row, room);
    const Settings chosen{Notify::mentions, kStart + 5, 7};
    for (const bool again : {false, true}) {
        if (again) crash();
        EXPECT_EQ(settings_of(kAnn), chosen);
        EXPECT_EQ(settings_of(kBob), Settings());
        const auto standing = reader->standing(room, kAnn);
        ASSERT_TRUE(standing && *standing);
        EXPECT_EQ((**standing).settings, chosen);
        EXPECT_EQ((**standing).member, **reader->member(room, kAnn));
    }
    const Outcome repeated = write({change});
    EXPECT_TRUE(repeated.repeat);
    EXPECT_EQ(repeated.stamp, first.stamp);
    SettingsChange part{room, kAnn};
    part.notify = Notify::none;
    EXPECT_FALSE(write({part}).repeat);
    EXPECT_EQ(settings_of(kAnn), (Settings{Notify::none, kStart + 5, 7})) << "what is not said stays as it is";
    part.notify.reset();
    part.muted_until = UINT64_MAX;
    write({part});
    EXPECT_EQ(settings_of(kAnn).muted_until, UINT64_MAX);
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StoreSettings, AreToldByLists) {
    say(room, kBob, 3);
    for (const bool clears : {false, true}) {
        const std::uint64_t upto = list(kAnn).upto;
        EXPECT_TRUE(list(kAnn, upto).found.empty());
        SettingsChange change{room, kAnn};
        if (clears) change.cleared_to = 2;
        if (!clears) change.pinned = 1;
        const Outcome done = write({change});
        EXPECT_GT(done.stamp, upto);
        EXPECT_EQ(rooms_of(list(kAnn, upto).found), std::vector<Row>{room});
        EXPECT_TRUE(list(kBob, upto).found.empty()) << "nobody else hears of it";
    }
}

TEST_P(StoreSettings, AreThoseOfAMember) {
    say(room, kBob, 3);
    for (const auto& [where, who] : {std::pair(room, kCat), std::pair(room + 1, kAnn)}) {
        SettingsChange change{where, who};
        change.pinned = 1;
        EXPECT_EQ(write({change}).code, errc::unknown_conversation);
    }
    clear(kBob, 2);
    hide(kBob, true);
    leave(room, kBob);
    EXPECT_EQ(clear(kBob, 3).code, errc::unknown_conversation);
    EXPECT_EQ((**reader->standing(room, kBob)).settings, Settings()) << "whoever leaves has chosen nothing";
    put(room, member_since_start(kBob));
    EXPECT_EQ(settings_of(kBob), Settings());
    remove(room);
    EXPECT_EQ(clear(kAnn, 3).code, errc::unknown_conversation);
}

TEST_P(StoreSettings, StayWhenTheirMemberChanges) {
    say(room, kBob, 3);
    clear(kAnn, 2);
    SettingsChange change{room, kAnn, Notify::none, kStart, 3, true};
    write({change});
    const Settings before = settings_of(kAnn);
    put(room, member_since_start(kAnn, model::Role::admin));
    mark(room, kAnn, 3);
    EXPECT_EQ(settings_of(kAnn), before);
}

TEST_P(StoreSettings, ClearOnlyGrowsAndEndsWithTheLog) {
    say(room, kBob, 5);
    EXPECT_EQ(clear(kAnn, 3).position, (model::Position{head(room).last.epoch, 3}));
    EXPECT_TRUE(clear(kAnn, 2).repeat);
    EXPECT_TRUE(clear(kAnn, 0).repeat);
    EXPECT_EQ(settings_of(kAnn).cleared_to, 3u);
    EXPECT_EQ(clear(kAnn, UINT64_MAX).position.offset, 5u);
    EXPECT_TRUE(clear(kAnn, 6).repeat);
    say(room, kBob, 1);
    EXPECT_EQ(settings_of(kAnn).cleared_to, 5u);
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StoreSettings, ClearEndsWhatIsMarkedAsUnread) {
    say(room, kBob, 5);
    write({Mark{room, kAnn, 3, Mark::What::unread}});
    clear(kAnn, 2);
    EXPECT_EQ(mark_of(room, kAnn).unread_from, 3u);
    clear(kAnn, 3);
    EXPECT_EQ(mark_of(room, kAnn).unread_from, 0u);
}

TEST_P(StoreSettings, HideUntilTheNextMessage) {
    say(room, kBob, 2);
    hide(kAnn, true);
    EXPECT_TRUE(hides(kAnn));
    EXPECT_FALSE(hides(kBob));
    EXPECT_TRUE(hide(kAnn, true).repeat);
    say_silently(room, kBob);
    say(room, kBob, model::EntryKind::edit, 1);
    say(room, kBob, model::EntryKind::removal, 2);
    EXPECT_TRUE(hides(kAnn)) << "none of these is a new message";
    say(room, kBob, 1);
    EXPECT_FALSE(hides(kAnn));
    EXPECT_FALSE(hide(kAnn, true).repeat);
    EXPECT_TRUE(hides(kAnn));
    hide(kAnn, false);
    EXPECT_FALSE(hides(kAnn));
}

TEST_P(StoreSettings, HideWhatHasNoMessageYet) {
    hide(kAnn, true);
    EXPECT_TRUE(hides(kAnn));
    say(room, kBob, 1);
    EXPECT_FALSE(hides(kAnn));
}

TEST_P(StoreSettings, AreForgottenWithAUserWhoIsErased) {
    const Row other = make_room("other", {kAnn});
    say(room, kBob, 3);
    clear(kAnn, 2);
    hide(kBob, true);
    SettingsChange pin{other, kAnn};
    pin.pinned = 9;
    write({pin});
    const std::uint64_t upto = list(kAnn).upto;
    write({Erasure{kAnn}});
    EXPECT_EQ(settings_of(kAnn).cleared_to, 2u) << "it has only begun";
    write({Erasure{kAnn, other, true}});
    EXPECT_EQ(settings_of(kAnn), Settings());
    EXPECT_EQ(listed(other, kAnn).settings, Settings());
    EXPECT_TRUE(hides(kBob));
    EXPECT_EQ(list(kAnn, upto).found.size(), 2u);
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StoreSettings, FindNoRoomOnAFullDiskUnlessTheyChangeNothing) {
    say(room, kBob, 3);
    clear(kAnn, 2);
    place->fill(true);
    SettingsChange more{room, kAnn};
    more.cleared_to = 3;
    Write tried{more};
    const auto done = try_write(tried);
    EXPECT_EQ(done ? tried.outcome.code : static_cast<errc>(done.error().value()), errc::storage_full);
    place->fill(false);
    EXPECT_EQ(settings_of(kAnn).cleared_to, 2u);
}

class StoreSettingsOnFailingDisks : public ::testing::TestWithParam<EngineKind> {};
INSTANTIATE_TEST_SUITE_P(All, StoreSettingsOnFailingDisks, ::testing::ValuesIn(counted_engine_kinds()), kind_name);

TEST_P(StoreSettingsOnFailingDisks, AreThereOrNotWhereverTheirCommitFails) {
    for (std::uint64_t n = 1;; ++n) {
        ASSERT_LT(n, 500u);
        SCOPED_TRACE("operation " + std::to_string(n));
        StoreTest store(GetParam());
        add_users(store);
        Change made;
        made.key = model::ConversationKey::room("room");
        made.members = {member_since_start(kAnn)};
        const Row room = store.change(made).row;
        for (std::uint64_t id = 1; id <= 5; ++id) store.append(room, id);
        SettingsChange change{room, kAnn, Notify::none, std::nullopt, 4};
        change.cleared_to = 3;
        Write written{change};
        store.place->fail(n);
        const bool done = store.try_write(written).has_value();
        const bool struck = store.place->struck();
        store.place->heal();
        EXPECT_TRUE(!struck || store.engine->reopen());  // or it failed when the group was committed
        const auto found = store.reader->standing(room, kAnn);
        ASSERT_TRUE(found && *found);
        const Settings now = (**found).settings;
        const Settings all{Notify::none, 0, 4, 0, 3};
        EXPECT_TRUE(now == all || (!done && now == Settings()));
        EXPECT_EQ(store.write({change}).position.offset, 3u);
        EXPECT_TRUE(store.engine->check(5)->good());
        if (!struck) break;
    }
}

}  // namespace
}  // namespace flare::store::test
