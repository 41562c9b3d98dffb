// What members may do to each other, against a server with a store: roles, mutes, bans, blocks, and what a room is.
#include "conversations/storing.hpp"

namespace flare::test {
namespace {

class People : public ::testing::Test {
protected:
    // Ann's room with bob and eve.
    People() {
        EXPECT_TRUE(rooms().create("room:tea", RoomOptions().with_join(JoinPolicy::open).with_members({"bob", "eve"})));
    }
    Conversations& rooms() { return ann.conversations(); }
    MemberRole role_of(const std::string& user) {
        const auto page = rooms().members("room:tea");
        EXPECT_TRUE(page);
        for (const Member& each : page->members) {
            if (each.user == user) return each.role;
        }
        return MemberRole::none;
    }
    Entry newest() {
        const auto page = rooms().history("room:tea", HistoryQuery::before(0, 1));
        EXPECT_TRUE(page);
        return page->entries.at(0);
    }
    errc says(Client& client, const std::string& to = "room:tea") { return client.send_text_message(to, "hi").error; }
    static std::chrono::system_clock::time_point in(std::chrono::seconds time) {
        return std::chrono::system_clock::now() + time;
    }

    Folder folder;
    Server server = started(with_store(quiet_server(), folder));
    Events events;
    Client eve = user(server.websocket_addr(), "eve", events);
    Client bob = user(server.websocket_addr(), "bob", events);
    Client ann = user(server.websocket_addr(), "ann", events);
};

TEST_F(People, RolesAreGivenByWhoHasAHigherOne) {
    const auto made = rooms().set_role("room:tea", "bob", MemberRole::admin);
    ASSERT_TRUE(made) << made.error().text;
    const Entry told = newest();
    ASSERT_TRUE(told.change);
    EXPECT_EQ(told.offset, made->position.offset);
    EXPECT_EQ(told.change->kind, ConversationChange::Kind::role);
    EXPECT_EQ(told.change->members.at(0).role, MemberRole::admin);
    EXPECT_TRUE(bob.conversations().set_role("room:tea", "eve", MemberRole::moderator));
    EXPECT_EQ(refused(bob.conversations().set_role("room:tea", "eve", MemberRole::admin)), errc::forbidden);
    EXPECT_EQ(refused(bob.conversations().set_role("room:tea", "ann", MemberRole::reader)), errc::forbidden);
    EXPECT_EQ(refused(eve.conversations().set_role("room:tea", "bob", MemberRole::reader)), errc::forbidden);
    EXPECT_EQ(refused(rooms().set_role("room:tea", "stranger", MemberRole::reader)), errc::unknown_target);
    EXPECT_EQ(refused(rooms().set_role("room:tea", "eve", MemberRole::none)), errc::forbidden);
    EXPECT_EQ(role_of("eve"), MemberRole::moderator);
}

TEST_F(People, OwnershipIsHandedOver) {
    EXPECT_EQ(refused(rooms().set_role("room:tea", "ann", MemberRole::member)), errc::forbidden) << "the only owner";
    ASSERT_TRUE(rooms().set_role("room:tea", "bob", MemberRole::owner));
    ASSERT_TRUE(rooms().set_role("room:tea", "ann", MemberRole::member));
    EXPECT_EQ(role_of("ann"), MemberRole::member);
    EXPECT_EQ(refused(rooms().set_role("room:tea", "eve", MemberRole::admin)), errc::forbidden);
    ASSERT_TRUE(bob.conversations().leave("room:tea"));
    EXPECT_EQ(role_of("eve"), MemberRole::owner) << "of those who are there for longest, as the last owner leaves";
}

TEST_F(People, TwoAdminsDoNotRemoveEachOther) {
    ASSERT_TRUE(rooms().set_role("room:tea", "bob", MemberRole::admin));
    ASSERT_TRUE(rooms().set_role("room:tea", "eve", MemberRole::admin));
    EXPECT_EQ(refused(bob.conversations().remove_member("room:tea", "eve")), errc::forbidden);
    EXPECT_EQ(refused(eve.conversations().ban("room:tea", "bob")), errc::forbidden);
    EXPECT_EQ(role_of("bob"), MemberRole::admin);
    EXPECT_EQ(role_of("eve"), MemberRole::admin);
}

TEST_F(People, WhoIsMutedReadsAndDoesNotWrite) {
    ASSERT_TRUE(rooms().mute("room:tea", "bob", in(1h)));
    EXPECT_EQ(says(bob), errc::muted);
    EXPECT_TRUE(bob.conversations().history("room:tea"));
    ASSERT_TRUE(newest().change);
    EXPECT_TRUE(newest().change->members.at(0).muted_until);
    ASSERT_TRUE(bob.conversations().leave("room:tea"));
    ASSERT_TRUE(bob.conversations().join("room:tea"));
    EXPECT_EQ(says(bob), errc::muted) << "coming back does not help";
    ASSERT_TRUE(rooms().unmute("room:tea", "bob"));
    EXPECT_EQ(says(bob), errc::ok);
    EXPECT_EQ(refused(rooms().mute("room:tea", "bob", in(-1h))), errc::forbidden) << "a time that is over";
    EXPECT_EQ(refused(eve.conversations().mute("room:tea", "bob")), errc::forbidden);
    ASSERT_TRUE(rooms().mute("room:tea", "bob"));
    EXPECT_EQ(says(bob), errc::muted) << "for ever";
}

TEST_F(People, WhoIsBannedStaysOut) {
    ASSERT_TRUE(rooms().ban("room:tea", "bob", in(1h)));
    EXPECT_EQ(role_of("bob"), MemberRole::none);
    EXPECT_EQ(says(bob), errc::banned);
    EXPECT_EQ(refused(bob.conversations().join("room:tea")), errc::banned);
    EXPECT_EQ(refused(rooms().add_members("room:tea", {"bob"})), errc::banned);
    ASSERT_TRUE(rooms().unban("room:tea", "bob"));
    EXPECT_TRUE(bob.conversations().join("room:tea"));
    EXPECT_EQ(refused(rooms().ban("room:tea", "bob", in(-1h))), errc::forbidden);
}

TEST_F(People, ARoomIsChangedByAdmins) {
    const auto updated =
        rooms().update("room:tea", RoomChanges().with_title("Tea").with_slow_mode(1h).with_max_payload(5));
    ASSERT_TRUE(updated) << updated.error().text;
    const auto now = rooms().get("room:tea");
    ASSERT_TRUE(now);
    EXPECT_EQ(now->config.title, "Tea");
    EXPECT_EQ(now->config.join, JoinPolicy::open) << "what was not said stays";
    EXPECT_EQ(now->config.slow_mode, 1h);
    ASSERT_TRUE(newest().change);
    EXPECT_EQ(newest().change->config->title, "Tea");
    EXPECT_EQ(bob.send_text_message("room:tea", "longer than 5").error, errc::message_too_large);
    const auto again = rooms().update("room:tea", RoomChanges().with_title("Tea"));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->position, updated->position) << "nothing has changed";
    EXPECT_EQ(refused(bob.conversations().update("room:tea", RoomChanges().with_title("Bob's"))), errc::forbidden);
    EXPECT_EQ(refused(rooms().update("room:tea", RoomChanges().with_slow_mode(7h))), errc::forbidden);
    EXPECT_EQ(refused(rooms().update("room:tea", RoomChanges().with_max_payload(0))), errc::message_too_large);
    EXPECT_EQ(refused(rooms().update("room:tea", RoomChanges().with_title(std::string(257, 'a')))), errc::invalid_name);
}

TEST_F(People, InAFrozenRoomAdminsWrite) {
    ASSERT_TRUE(rooms().update("room:tea", RoomChanges().with_frozen()));
    EXPECT_EQ(says(bob), errc::conversation_frozen);
    EXPECT_EQ(says(ann), errc::ok);
    ASSERT_TRUE(rooms().update("room:tea", RoomChanges().with_frozen(false)));
    EXPECT_EQ(says(bob), errc::ok);
}

TEST_F(People, ARoomIsDeletedByItsOwner) {
    EXPECT_EQ(refused(bob.conversations().delete_room("room:tea")), errc::forbidden);
    ASSERT_TRUE(bob.conversations().subscribe("room:tea"));
    const auto deleted = rooms().delete_room("room:tea");
    ASSERT_TRUE(deleted) << deleted.error().text;
    ASSERT_TRUE(events.wait_for<event::SubscriptionEnded>());
    EXPECT_EQ(says(bob), errc::unknown_conversation);
    EXPECT_EQ(refused(rooms().history("room:tea")), errc::unknown_conversation);
    EXPECT_EQ(refused(rooms().delete_room("room:tea")), errc::unknown_conversation);
    EXPECT_EQ(refused(rooms().delete_room("bob")), errc::invalid_name) << "a direct conversation stays";
}

TEST_F(People, WhoIsBlockedDoesNotComeThrough) {
    const auto blocked = rooms().block("bob");
    ASSERT_TRUE(blocked) << blocked.error().text;
    EXPECT_EQ(says(bob, "ann"), errc::forbidden) << "also before the two have talked";
    EXPECT_EQ(says(bob), errc::ok) << "a room is another place";
    ASSERT_TRUE(rooms().unblock("bob"));
    EXPECT_EQ(says(bob, "ann"), errc::ok);
    EXPECT_EQ(refused(rooms().block("room:tea")), errc::invalid_name);
    EXPECT_EQ(refused(rooms().block("stranger")), errc::unknown_target);
}

}  // namespace
}  // namespace flare::test
