// Clauses about what is kept of users beside their memberships: bans, blocks, and devices that take pushes.
#include "contract/store/list_fixture.hpp"
#include "contract/store/sqlite_fixture.hpp"
#include "store/rules.hpp"

#include <gmock/gmock.h>

namespace flare::store::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StorePeople : public ListedStore {
protected:
    model::Member banned(Row user, std::uint64_t until) {
        model::Member made;
        made.user = user;
        made.banned_until = until;
        return made;
    }
    std::vector<Row> bans(Row room, Row after = 0, std::uint32_t limit = 10) {
        const auto found = reader->bans(room, after, limit, now);
        EXPECT_TRUE(found) << found.error().message();
        std::vector<Row> users;
        for (const model::Member& each : *found) users.push_back(each.user);
        return users;
    }
    Row make_direct(const char* one, const char* other, Row first, Row second, bool blocks) {
        Change made;
        made.key = model::ConversationKey::direct(one, other);
        made.members = {member_since_start(first), member_since_start(second)};
        made.members[0].blocks = blocks;
        return change(made).row;
    }
};
INSTANTIATE_TEST_SUITE_P(All, StorePeople, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StorePeople, ListsWhoIsBannedNow) {
    const Row room = make_room("room", {kAnn, kBob});
    const Row other = make_room("other", {kAnn});
    for (Row user = 2; user <= 6; ++user) put(room, banned(user, now + user));
    put(room, banned(7, UINT64_MAX));
    put(other, banned(kCat, UINT64_MAX));
    EXPECT_THAT(bans(room), ElementsAre(2, 3, 4, 5, 6, 7));
    EXPECT_THAT(bans(room, 0, 2), ElementsAre(2, 3));
    EXPECT_THAT(bans(room, 3, 2), ElementsAre(4, 5));
    EXPECT_THAT(bans(other), ElementsAre(kCat));
    EXPECT_EQ(reader->bans(room, 6, 1, now)->at(0).banned_until, UINT64_MAX);
    now += 4;
    EXPECT_THAT(bans(room), ElementsAre(5, 6, 7)) << "a ban is over at its time";
    put(room, banned(7, 0));
    EXPECT_THAT(bans(room), ElementsAre(5, 6));
    EXPECT_THAT(bans(room + 100), IsEmpty());
}

TEST_P(StorePeople, ListsWhomAUserBlocks) {
    const Row bob = make_direct("ann", "bob", kAnn, kBob, true);
    make_direct("ann", "cat", kAnn, kCat, false);
    const Row dan = make_direct("ann", "dan", kAnn, 4, true);
    EXPECT_THAT(*reader->blocks(kAnn, 0, 10), ElementsAre(bob, dan));
    EXPECT_THAT(*reader->blocks(kAnn, 0, 1), ElementsAre(bob));
    EXPECT_THAT(*reader->blocks(kAnn, bob, 10), ElementsAre(dan));
    EXPECT_THAT(*reader->blocks(kBob, 0, 10), IsEmpty()) << "who is blocked blocks nobody";
}

class StorePushDevices : public ListedStore {
protected:
    Outcome take(Row user, const std::string& device, const std::string& token, const std::string& service = "fcm",
                 const std::string& app = "chat") {
        return write({PushChange{user, device, service, token, app}});
    }
    Outcome drop(Row user, const std::string& device = {}) { return write({PushChange{user, device, {}, {}, {}}}); }
    std::vector<PushDevice> devices(Row user) {
        const auto found = reader->push_devices(user);
        EXPECT_TRUE(found) << found.error().message();
        return found ? *found : std::vector<PushDevice>();
    }
    std::vector<std::string> named(Row user) {
        std::vector<std::string> names;
        for (const PushDevice& each : devices(user)) names.push_back(each.device + "=" + each.token);
        return names;
    }
    std::vector<Row> recipients(Row room, std::uint64_t offset, std::uint32_t limit = 100) {
        const auto found = reader->push_recipients(room, offset, now, limit);
        EXPECT_TRUE(found) << found.error().message();
        return found ? *found : std::vector<Row>();
    }
    bool awaits(Row room, Row user, std::uint64_t offset) {
        const auto found = reader->awaits_push(room, user, offset, now);
        EXPECT_TRUE(found) << found.error().message();
        return found && *found;
    }
};
INSTANTIATE_TEST_SUITE_P(All, StorePushDevices, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StorePushDevices, HaveOneRegistrationEach) {
    const Outcome made = take(kAnn, "phone", "t1");
    EXPECT_EQ(made.code, errc::ok);
    EXPECT_EQ(made.row, kAnn);
    take(kAnn, "tablet", "t2", "apns", "");
    const Outcome again = take(kAnn, "phone", "t3");
    EXPECT_GT(again.stamp, made.stamp);
    EXPECT_THAT(devices(kAnn), ElementsAre(PushDevice{"phone", "fcm", "t3", "chat", again.stamp},
                                           PushDevice{"tablet", "apns", "t2", "", made.stamp + 1}));
    EXPECT_THAT(devices(kBob), IsEmpty());
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StorePushDevices, AreThereAfterACrash) {
    take(kAnn, "phone", "t1");
    const Outcome last = take(kAnn, "tablet", "t2");
    drop(kAnn, "phone");
    crash();
    EXPECT_THAT(named(kAnn), ElementsAre("tablet=t2"));
    EXPECT_GT(take(kAnn, "watch", "t4").stamp, last.stamp) << "a stamp is given once";
}

TEST_P(StorePushDevices, LoseATokenThatAnotherOneRegisters) {
    take(kAnn, "phone", "t1");
    take(kAnn, "tablet", "t2");
    take(kBob, "phone", "t1", "apns");
    EXPECT_THAT(named(kAnn), ElementsAre("phone=t1", "tablet=t2")) << "that of another service is another one";
    take(kBob, "desk", "t1");
    EXPECT_THAT(named(kAnn), ElementsAre("tablet=t2"));
    take(kAnn, "new tablet", "t2");
    EXPECT_THAT(named(kAnn), ElementsAre("new tablet=t2")) << "also when it is of the same user";
    EXPECT_THAT(named(kBob), ElementsAre("desk=t1", "phone=t1"));
}

TEST_P(StorePushDevices, AreTakenOutOneByOneOrAllAtOnce) {
    for (const char* const device : {"a", "b", "c"}) take(kAnn, device, device);
    take(kBob, "a", "other");
    EXPECT_FALSE(drop(kAnn, "b").repeat);
    EXPECT_TRUE(drop(kAnn, "b").repeat);
    EXPECT_THAT(named(kAnn), ElementsAre("a=a", "c=c"));
    EXPECT_FALSE(drop(kAnn).repeat);
    EXPECT_TRUE(drop(kAnn).repeat);
    EXPECT_THAT(named(kAnn), IsEmpty());
    EXPECT_THAT(named(kBob), ElementsAre("a=other"));
}

TEST_P(StorePushDevices, AreTwentyOfAUserAndTheOldestGoes) {
    const auto device = [](std::size_t i) { return "device" + std::to_string(i); };
    for (std::size_t i = 0; i < kMostPushDevices; ++i) take(kAnn, device(i), device(i));
    take(kAnn, device(0), device(0));  // it is the newest again
    EXPECT_EQ(devices(kAnn).size(), kMostPushDevices);
    take(kAnn, "one more", "t");
    const auto names = named(kAnn);
    EXPECT_EQ(names.size(), kMostPushDevices);
    EXPECT_THAT(names, ::testing::Contains("device0=device0"));
    EXPECT_THAT(names, ::testing::Not(::testing::Contains("device1=device1")));
}

TEST_P(StorePushDevices, FindNoRoomOnAFullDisk) {
    take(kAnn, "phone", "t1");
    place->fill(true);
    Write more{PushChange{kAnn, "tablet", "fcm", "t2", ""}};
    const auto done = try_write(more);
    EXPECT_EQ(done ? more.outcome.code : static_cast<errc>(done.error().value()), errc::storage_full);
    place->fill(false);
    EXPECT_THAT(named(kAnn), ElementsAre("phone=t1"));
}

TEST_P(StorePushDevices, MakeMembersWhoHaveNotReadSoFarRecipients) {
    const Row room = make_room("room", {kAnn, kBob, kCat, 4});
    say(room, kAnn, 5);
    for (const Row user : {kAnn, kBob, Row{4}, Row{5}}) take(user, "phone", std::to_string(user));
    leave(room, 4);
    mark(room, kAnn, 5);
    mark(room, kBob, 3);
    EXPECT_THAT(recipients(room, 5), ElementsAre(kBob)) << "cat has no device, and the others are no members";
    EXPECT_THAT(recipients(room, 3), IsEmpty());
    EXPECT_THAT(recipients(room, 6), ElementsAre(kAnn, kBob));
    EXPECT_THAT(recipients(room, 6, 1), ElementsAre(kAnn));
    EXPECT_TRUE(awaits(room, kBob, 5));
    EXPECT_TRUE(awaits(room, kCat, 5)) << "whatever devices there are";
    EXPECT_FALSE(awaits(room, kAnn, 5));
    EXPECT_FALSE(awaits(room, 4, 5));
    EXPECT_FALSE(awaits(room, 5, 5));
    EXPECT_FALSE(awaits(room + 100, kBob, 5));
    drop(kBob);
    EXPECT_THAT(recipients(room, 5), IsEmpty());
}

// Of one transaction that fails: all of it, or nothing.
TEST(StorePushDevicesOnFailingDisks, AreThereOrNot) {
    for (const EngineKind& kind : counted_engine_kinds()) {
        for (std::uint64_t n = 1;; ++n) {
            ASSERT_LT(n, 500u);
            SCOPED_TRACE(kind.name + ", operation " + std::to_string(n));
            StoreTest store(kind);
            add_users(store);
            store.write({PushChange{kAnn, "phone", "fcm", "t1", ""}});
            Write taken{PushChange{kBob, "phone", "fcm", "t1", ""}};
            store.place->fail(n);
            const bool done = store.try_write(taken).has_value();
            const bool struck = store.place->struck();
            store.place->heal();
            EXPECT_TRUE(!struck || store.engine->reopen());
            const std::size_t at_ann = store.reader->push_devices(kAnn)->size();
            const std::size_t at_bob = store.reader->push_devices(kBob)->size();
            EXPECT_EQ(at_ann + at_bob, 1u);
            EXPECT_TRUE(!done || at_bob == 1);
            EXPECT_TRUE(store.engine->check(5)->good());
            if (!struck) break;
        }
    }
}

TEST_P(StorePushDevices, AreNotToBeWokenByAConversationThatIsMuted) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kAnn, 5);
    take(kBob, "phone", "t1");
    SettingsChange mute{room, kBob};
    mute.muted_until = now + 1000;
    write({mute});
    EXPECT_THAT(recipients(room, 5), IsEmpty());
    EXPECT_FALSE(awaits(room, kBob, 5));
    now += 1000;
    EXPECT_THAT(recipients(room, 5), ElementsAre(kBob));
    EXPECT_TRUE(awaits(room, kBob, 5));
    mute.muted_until = UINT64_MAX;
    write({mute});
    EXPECT_THAT(recipients(room, 5), IsEmpty()) << "for ever";
    mute.muted_until = 0;
    mute.notify = model::Notify::none;
    write({mute});
    EXPECT_THAT(recipients(room, 5), IsEmpty());
    mute.notify = model::Notify::all;
    write({mute});
    EXPECT_THAT(recipients(room, 5), ElementsAre(kBob));
    mute.cleared_to = 5;
    write({mute});
    EXPECT_THAT(recipients(room, 5), IsEmpty()) << "what is cleared is not told";
    EXPECT_FALSE(awaits(room, kBob, 5));
    EXPECT_THAT(recipients(room, 6), ElementsAre(kBob));
}

TEST_P(StorePushDevices, AreWokenByAMentionOnlyIfThatIsChosen) {
    const Row room = make_room("room", {kAnn, kBob, kCat});
    for (const Row user : {kBob, kCat}) take(user, "phone", std::to_string(user));
    SettingsChange choice{room, kBob, model::Notify::mentions};
    write({choice});
    say(room, kAnn);
    EXPECT_THAT(recipients(room, 1), ElementsAre(kCat));
    NewEntry named = entry(room, ++last_id);
    named.sender = kAnn;
    named.mentions = {kBob};
    append(named);
    say(room, kAnn);
    EXPECT_THAT(recipients(room, 3), ElementsAre(kBob, kCat));
    EXPECT_TRUE(awaits(room, kBob, 3));
    EXPECT_THAT(recipients(room, 1), ElementsAre(kCat)) << "it comes later";
    mark(room, kBob, 2);
    EXPECT_THAT(recipients(room, 3), ElementsAre(kCat)) << "it has been read";
    choice.notify = model::Notify::none;
    write({choice});
    named = entry(room, ++last_id);
    named.mentions = {kBob};
    append(named);
    EXPECT_THAT(recipients(room, 4), ElementsAre(kCat));
}

}  // namespace
}  // namespace flare::store::test
