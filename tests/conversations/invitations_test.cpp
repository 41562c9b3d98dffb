// Invitations, against a server with a store: who is invited hears of it on every device, reads nothing before they
// accept, and may decline; whoever may invite takes one back.
#include "conversations/storing.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace flare::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kRoom = "room:tea";

class Invited : public ::testing::Test {
protected:
    // Ann's room, which takes only who is invited or added, with eve, a member, and with messages in it.
    Invited() {
        const auto made = ann.conversations().create(
            kRoom,
            RoomOptions().with_title("Tea at four").with_visibility(HistoryVisibility::all).with_members({"eve"}));
        EXPECT_TRUE(made) << made.error().text;
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(ann.send_text_message(kRoom, "secret").success);
    }
    Client with_list(const std::string& name, Events& heard) {
        Client made = known(connected(listing(name, heard)));
        EXPECT_TRUE(heard.wait_for<event::ConversationsSynced>());
        return made;
    }
    ClientBuilder listing(const std::string& name, Events& heard, const std::string& device = "pad") const {
        return client_of(server.websocket_addr(), name, heard)
            .reconnect_delay(50ms)
            .sync_conversations(true)
            .device_id(device);
    }
    static std::vector<std::string> received(Client& client) {
        const auto found = client.invitations().received();
        EXPECT_TRUE(found) << found.error().text;
        std::vector<std::string> names;
        for (const Invitation& each : *found) names.push_back(each.room + " by " + each.invited_by);
        return names;
    }
    std::vector<std::string> sent(Client& by) {
        const auto page = by.invitations().sent(kRoom);
        EXPECT_TRUE(page) << page.error().text;
        std::vector<std::string> users;
        for (const InvitedUser& each : page->invited) users.push_back(each.user + " by " + each.by);
        return users;
    }
    static bool has(Client& client, std::vector<std::string> expected) {
        return eventually([&] { return received(client) == expected; });
    }
    static bool is_listed(Client& client) {
        const auto list = client.conversations().list();
        EXPECT_TRUE(list);
        return std::ranges::any_of(*list, [](const auto& each) { return each.about.name == kRoom; });
    }
    static void expect_reads_nothing(Client& client) {
        Conversations& rooms = client.conversations();
        EXPECT_EQ(refused(rooms.history(kRoom)), errc::unknown_conversation);
        EXPECT_EQ(refused(rooms.members(kRoom)), errc::unknown_conversation);
        EXPECT_EQ(refused(rooms.subscribe(kRoom)), errc::unknown_conversation);
        EXPECT_EQ(refused(rooms.mark_read(kRoom, {0, 1})), errc::unknown_conversation);
        EXPECT_EQ(refused(client.marks().readers(kRoom, {0, 2})), errc::unknown_conversation);
        EXPECT_EQ(refused(client.signals().occupancy(kRoom)), errc::unknown_conversation);
        EXPECT_EQ(refused(client.invitations().sent(kRoom)), errc::unknown_conversation);
        EXPECT_EQ(client.send_text_message(kRoom, "hi").error, errc::unknown_conversation);
    }

    Folder folder;
    Server server = started(with_store(quiet_server(), folder));
    Events at_ann, at_bob, at_eve;
    Client eve = user(server.websocket_addr(), "eve", at_eve);
    Client bob = with_list("bob", at_bob);
    Client ann = user(server.websocket_addr(), "ann", at_ann);
};

TEST_F(Invited, HearsOfItAtOnceAndReadsNothing) {
    const auto invited = ann.invitations().invite(kRoom, {"bob"});
    ASSERT_TRUE(invited) << invited.error().text;
    ASSERT_TRUE(has(bob, {"room:tea by ann"}));
    const Invitation found = bob.invitations().received()->at(0);
    EXPECT_EQ(found.config.title, "Tea at four");
    EXPECT_EQ(found.members, 2u);
    EXPECT_NE(found.time, std::chrono::system_clock::time_point());
    EXPECT_FALSE(is_listed(bob)) << "it is no conversation of bob's";
    const auto told = at_bob.all<event::InvitationChanged>();
    ASSERT_EQ(told.size(), 1u);
    ASSERT_TRUE(told[0].now);
    EXPECT_EQ(told[0].now->invited_by, "ann");
    EXPECT_TRUE(at_bob.all<event::ConversationChanged>().empty());
    expect_reads_nothing(bob);
    const auto about = bob.conversations().get(kRoom);
    ASSERT_TRUE(about) << about.error().text;
    EXPECT_EQ(about->role, MemberRole::none);
    EXPECT_EQ(about->invited_by, "ann");
    EXPECT_EQ(about->head.last, 0u) << "nothing is said of the log";
    EXPECT_EQ(about->head.messages, 0u);
    EXPECT_EQ(refused(eve.conversations().get("room:none")), errc::unknown_conversation);
}

TEST_F(Invited, IsToldToMembersAndListedForThoseWhoMayInvite) {
    const auto invited = ann.invitations().invite(kRoom, {"bob"});
    ASSERT_TRUE(invited);
    const auto page = eve.conversations().history(kRoom, HistoryQuery::before(0, 1));
    ASSERT_TRUE(page);
    const Entry& entry = page->entries.at(0);
    EXPECT_EQ(entry.offset, invited->position.offset);
    ASSERT_TRUE(entry.change);
    EXPECT_EQ(entry.change->kind, ConversationChange::Kind::invited);
    EXPECT_EQ(entry.change->members.at(0).user, "bob");
    EXPECT_TRUE(entry.change->members.at(0).invited);
    EXPECT_EQ(entry.change->members.at(0).role, MemberRole::none);
    EXPECT_THAT(sent(ann), ElementsAre("bob by ann"));
    EXPECT_EQ(refused(eve.invitations().sent(kRoom)), errc::forbidden);
    EXPECT_EQ(ann.conversations().members(kRoom)->members.size(), 2u);
}

TEST_F(Invited, AcceptsAndReadsFromThenOn) {
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    ASSERT_TRUE(has(bob, {"room:tea by ann"}));
    const auto joined = bob.invitations().accept(kRoom);
    ASSERT_TRUE(joined) << joined.error().text;
    EXPECT_EQ(joined->role, MemberRole::member);
    EXPECT_TRUE(joined->invited_by.empty());
    EXPECT_TRUE(is_listed(bob));
    EXPECT_THAT(received(bob), IsEmpty());
    EXPECT_THAT(sent(ann), IsEmpty());
    EXPECT_EQ(texts_of(*bob.conversations().history(kRoom)).size(), 3u);
    ASSERT_TRUE(ann.send_text_message(kRoom, "welcome").success);
    ASSERT_TRUE(at_bob.wait_for<event::MessageReceived>());
    const auto told = at_bob.all<event::InvitationChanged>();
    ASSERT_EQ(told.size(), 2u);
    EXPECT_FALSE(told[1].now);
    ASSERT_TRUE(bob.conversations().leave(kRoom));
    EXPECT_EQ(refused(bob.conversations().join(kRoom)), errc::unknown_conversation) << "it counts once";
}

TEST_F(Invited, DeclinesAndMayBeInvitedAgain) {
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    ASSERT_TRUE(has(bob, {"room:tea by ann"}));
    ASSERT_TRUE(bob.invitations().decline(kRoom));
    EXPECT_THAT(received(bob), IsEmpty());
    EXPECT_THAT(sent(ann), IsEmpty());
    EXPECT_EQ(refused(bob.conversations().join(kRoom)), errc::unknown_conversation);
    const auto page = ann.conversations().history(kRoom, HistoryQuery::before(0, 1));
    ASSERT_TRUE(page && page->entries.at(0).change);
    EXPECT_EQ(page->entries[0].from, "bob");
    EXPECT_FALSE(page->entries[0].change->members.at(0).invited);
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    EXPECT_TRUE(has(bob, {"room:tea by ann"}));
}

TEST_F(Invited, IsToldWhenItIsTakenBack) {
    ASSERT_TRUE(ann.conversations().set_role(kRoom, "eve", MemberRole::moderator));
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    ASSERT_TRUE(has(bob, {"room:tea by ann"}));
    ASSERT_TRUE(eve.invitations().take_back(kRoom, "bob")) << "whoever may invite";
    EXPECT_TRUE(has(bob, {}));
    EXPECT_EQ(refused(bob.invitations().accept(kRoom)), errc::unknown_conversation);
    EXPECT_EQ(refused(bob.conversations().get(kRoom)), errc::unknown_conversation);
}

TEST_F(Invited, LosesItWithABanAndWithTheRoom) {
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    ASSERT_TRUE(has(bob, {"room:tea by ann"}));
    ASSERT_TRUE(ann.conversations().ban(kRoom, "bob"));
    EXPECT_TRUE(has(bob, {}));
    EXPECT_EQ(refused(ann.invitations().invite(kRoom, {"bob"})), errc::banned);
    ASSERT_TRUE(ann.conversations().unban(kRoom, "bob"));
    EXPECT_EQ(refused(bob.invitations().accept(kRoom)), errc::unknown_conversation);
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    ASSERT_TRUE(has(bob, {"room:tea by ann"}));
    ASSERT_TRUE(ann.conversations().delete_room(kRoom));
    EXPECT_TRUE(has(bob, {}));
}

TEST_F(Invited, StandsWhenWhoHasInvitedLeaves) {
    ASSERT_TRUE(ann.conversations().set_role(kRoom, "eve", MemberRole::owner));
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    ASSERT_TRUE(ann.conversations().leave(kRoom));
    EXPECT_TRUE(bob.invitations().accept(kRoom));
}

TEST_F(Invited, HearsOfItOnEveryDeviceAndAfterHavingBeenAway) {
    bob.disconnect();
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    Events on_phone;
    Client phone = connected(listing("bob", on_phone, "phone"));
    EXPECT_TRUE(has(phone, {"room:tea by ann"})) << "it waited";
    ASSERT_TRUE(bob.connect());
    EXPECT_TRUE(has(bob, {"room:tea by ann"}));
    ASSERT_TRUE(phone.invitations().accept(kRoom));
    EXPECT_TRUE(eventually([&] { return received(bob).empty() && is_listed(bob); }));
    ASSERT_TRUE(ann.send_text_message(kRoom, "welcome").success);
    EXPECT_TRUE(at_bob.wait_for<event::MessageReceived>());
    EXPECT_TRUE(on_phone.wait_for<event::MessageReceived>());
}

TEST_F(Invited, IsThereAfterARestartOfTheServer) {
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    ASSERT_TRUE(has(bob, {"room:tea by ann"}));
    const std::string address = server.websocket_addr();
    server.stop();
    server = started(with_store(quiet_server().websocket_addr(address), folder));
    ASSERT_TRUE(eventually([&] { return bob.get_status() == ClientStatus::connected; }));
    EXPECT_TRUE(eventually([&] { return bob.invitations().accept(kRoom).has_value(); }));
}

TEST_F(Invited, IsNotToldOfWhomTheyBlock) {
    ASSERT_TRUE(bob.conversations().block("ann"));
    const auto invited = ann.invitations().invite(kRoom, {"bob"});
    EXPECT_TRUE(invited) << "nobody is told of a block";
    EXPECT_THAT(sent(ann), IsEmpty());
    EXPECT_EQ(refused(bob.invitations().accept(kRoom)), errc::unknown_conversation);
    ASSERT_TRUE(bob.conversations().unblock("ann"));
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    EXPECT_TRUE(has(bob, {"room:tea by ann"}));
}

TEST_F(Invited, SaysWhatIsWrong) {
    EXPECT_EQ(refused(eve.invitations().invite(kRoom, {"bob"})), errc::forbidden);
    EXPECT_EQ(refused(bob.invitations().invite(kRoom, {"bob"})), errc::unknown_conversation);
    EXPECT_EQ(refused(ann.invitations().invite(kRoom, {"nobody"})), errc::unknown_target);
    EXPECT_EQ(refused(ann.invitations().invite(kRoom, {})), errc::invalid_name);
    EXPECT_EQ(refused(ann.invitations().invite(kRoom, std::vector<std::string>(101, "bob"))), errc::too_many_members);
    EXPECT_EQ(refused(ann.invitations().invite("bob", {"eve"})), errc::invalid_name) << "no room";
    EXPECT_EQ(refused(ann.invitations().sent(kRoom, "nobody")), errc::unknown_target);
    EXPECT_EQ(refused(ann.invitations().received()), errc::not_supported) << "no list is kept";
    const auto nothing = ann.invitations().invite(kRoom, {"eve", "ann"});
    ASSERT_TRUE(nothing);
    EXPECT_EQ(nothing->position.offset, ann.conversations().get(kRoom)->head.last) << "members are passed over";
}

TEST_F(Invited, HasAsManyAsAllowed) {
    for (int i = 0; i < 100; ++i) {
        const std::string room = "room:r" + std::to_string(i);
        ASSERT_TRUE(ann.conversations().create(room));
        ASSERT_TRUE(ann.invitations().invite(room, {"bob"}));
    }
    EXPECT_EQ(refused(ann.invitations().invite(kRoom, {"bob"})), errc::too_many_conversations);
    ASSERT_TRUE(eventually([&] { return received(bob).size() == 100; }));
    ASSERT_TRUE(bob.invitations().decline("room:r7"));
    EXPECT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
    EXPECT_TRUE(eventually([&] { return received(bob).size() == 100; }));
}

TEST_F(Invited, IsKeptInTheCacheOfTheClient) {
    const std::string cache = folder.path("bob.cache");
    Events before;
    {
        Client desk = connected(listing("bob", before, "desk").cache_file(cache));
        ASSERT_TRUE(ann.invitations().invite(kRoom, {"bob"}));
        ASSERT_TRUE(has(desk, {"room:tea by ann"}));
        ASSERT_TRUE(before.wait_for<event::InvitationChanged>());
    }
    Events after;
    auto desk = listing("bob", after, "desk").cache_file(cache).build();
    ASSERT_TRUE(desk) << desk.error().text;
    EXPECT_THAT(received(*desk), ElementsAre("room:tea by ann")) << "before there is a connection";
    EXPECT_FALSE(is_listed(*desk));
    ASSERT_TRUE(ann.invitations().take_back(kRoom, "bob"));
    ASSERT_TRUE(desk->connect());
    EXPECT_TRUE(has(*desk, {}));
    EXPECT_TRUE(after.wait_for<event::InvitationChanged>());
}

TEST_F(Invited, IsErasedWithTheUserAndWithWhoHasInvited) {
    Events at_fay;
    Client fay = with_list("fay", at_fay);
    ASSERT_TRUE(ann.conversations().set_role(kRoom, "eve", MemberRole::moderator));
    ASSERT_TRUE(eve.invitations().invite(kRoom, {"bob"}));
    ASSERT_TRUE(ann.invitations().invite(kRoom, {"fay"}));
    ASSERT_TRUE(has(bob, {"room:tea by eve"}));
    ASSERT_TRUE(has(fay, {"room:tea by ann"}));
    ASSERT_TRUE(server.erase("eve"));
    EXPECT_TRUE(eventually([&] { return sent(ann) == std::vector<std::string>{"fay by ann"}; }));
    EXPECT_TRUE(has(bob, {}));
    ASSERT_TRUE(server.erase("fay"));
    EXPECT_TRUE(eventually([&] { return sent(ann).empty(); }));
}

}  // namespace
}  // namespace flare::test
