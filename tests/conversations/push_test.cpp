// Pushes, and the lists of bans and blocks, against a server with a store.
#include "conversations/storing.hpp"

#include <flare/push_events.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <memory>
#include <optional>

namespace flare::test {
namespace {

// What an application's handler was told; any thread may wait for it.
class HeardPushes final : public PushHandler {
public:
    void on_push_requested(const PushRequest& request) override {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
        changed_.notify_all();
    }
    void on_push_cleared(const PushCleared& cleared) override {
        const std::lock_guard lock(mutex_);
        cleared_.push_back(cleared);
        changed_.notify_all();
    }
    // The last one, when there are so many.
    PushRequest requested(std::size_t count = 1) { return nth(requests_, count); }
    PushCleared cleared(std::size_t count = 1) { return nth(cleared_, count); }
    std::size_t requests() {
        const std::lock_guard lock(mutex_);
        return requests_.size();
    }

private:
    template <typename T>
    T nth(const std::vector<T>& all, std::size_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(changed_.wait_for(lock, 30s, [&] { return all.size() >= count; }));
        return all.size() < count ? T() : all[count - 1];
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<PushRequest> requests_;
    std::vector<PushCleared> cleared_;
};

class Pushes : public ::testing::Test {
protected:
    ServerBuilder pushing() const {
        return with_store(quiet_server(), folder).with_push_handler(heard).push_after(100ms);
    }
    Client on(const std::string& device, const std::string& name = "bob") {
        return known(connected(client_of(server->websocket_addr(), name, events).device_id(device)));
    }
    // Somebody who takes pushes on this device, and has gone.
    void was_here(const std::string& device, const std::string& name = "bob") {
        Client client = on(device, name);
        const auto registered = client.push().register_device("fcm", "token of " + name + "'s " + device, "chat");
        EXPECT_TRUE(registered) << registered.error().text;
        client.disconnect();
    }
    void begin() { server.emplace(started(pushing())); }

    Folder folder;
    Events events;
    std::shared_ptr<HeardPushes> heard = std::make_shared<HeardPushes>();
    std::optional<Server> server;
};

TEST_F(Pushes, TellOfAMessageForWhomIsNotHere) {
    begin();
    was_here("phone");
    Client ann = user(server->websocket_addr(), "ann", events);
    const SendResult sent = ann.send_text_message("bob", "hello");
    ASSERT_TRUE(sent.success);
    const PushRequest request = heard->requested();
    EXPECT_EQ(request.user, "bob");
    EXPECT_EQ(request.devices, (std::vector<PushDevice>{{"phone", "fcm", "token of bob's phone", "chat"}}));
    ASSERT_EQ(request.messages.size(), 1u);
    const PushedMessage& message = request.messages.front();
    EXPECT_EQ(message.conversation, "ann");
    EXPECT_EQ(message.from, "ann");
    EXPECT_EQ(message.id, sent.message_id);
    EXPECT_EQ(message.position, sent.stored->position);
    EXPECT_EQ(message.time, sent.stored->time);
    EXPECT_EQ(message.type, "text");
    EXPECT_EQ(message.preview.str(), "hello");
    EXPECT_EQ(request.badge.messages, 1u);

    Client desk = on("desk");
    ASSERT_TRUE(desk.conversations().mark_read("ann", message.position));
    const PushCleared cleared = heard->cleared();
    EXPECT_EQ(cleared.user, "bob");
    EXPECT_EQ(cleared.conversation, "ann");
    EXPECT_EQ(cleared.collapse_key, message.collapse_key);
    EXPECT_EQ(cleared.upto, message.position);
    EXPECT_EQ(cleared.devices.at(0).device, "phone");
    EXPECT_EQ(cleared.badge.messages, 0u);
    EXPECT_TRUE(eventually([&] { return server->stats()->push.cleared == 1; }));
    EXPECT_EQ(server->stats()->push.requested, 1u);
    EXPECT_EQ(server->stats()->push.dropped, 0u);
}

// Nobody has had a session since the server was started.
TEST_F(Pushes, TellOfWhoWasNeverHereSinceTheStart) {
    begin();
    was_here("phone");
    server.reset();
    begin();
    Client ann = user(server->websocket_addr(), "ann", events);
    const auto made = ann.conversations().create("room:tea", RoomOptions().with_title("Tea").with_members({"bob"}));
    ASSERT_TRUE(made) << made.error().text;
    ASSERT_TRUE(ann.send_text_message("room:tea", "hello").success);
    const PushRequest request = heard->requested();
    ASSERT_EQ(request.messages.size(), 1u);
    EXPECT_EQ(request.messages.front().conversation, "room:tea");
    EXPECT_EQ(request.messages.front().title, "Tea");
}

TEST_F(Pushes, TellNothingOfWhoIsHereOrTakesNone) {
    begin();
    was_here("phone");
    was_here("phone", "cat");
    Client ann = user(server->websocket_addr(), "ann", events);
    user(server->websocket_addr(), "eve", events).disconnect();  // without a device
    {
        Client bob = on("desk");
        ASSERT_TRUE(ann.send_text_message("bob", "you are here").success);
        ASSERT_TRUE(ann.send_text_message("eve", "you take none").success);
        ASSERT_TRUE(ann.send_text_message("cat", "the time of both is over").success);
        EXPECT_EQ(heard->requested().user, "cat");
        bob.disconnect();
    }
    ASSERT_TRUE(ann.send_text_message("bob", "you are not").success);
    const PushRequest request = heard->requested(2);
    ASSERT_EQ(request.messages.size(), 1u);
    EXPECT_EQ(request.user, "bob");
    EXPECT_EQ(request.messages.front().preview.str(), "you are not");
    EXPECT_EQ(request.badge.messages, 2u);
    EXPECT_EQ(heard->requests(), 2u);
}

TEST_F(Pushes, ReachAllDevicesThatAreRegistered) {
    begin();
    was_here("phone");
    was_here("pad");
    Client ann = user(server->websocket_addr(), "ann", events);
    ASSERT_TRUE(ann.send_text_message("bob", "hello").success);
    EXPECT_EQ(heard->requested().devices.size(), 2u);
    {
        Client phone = on("phone");
        ASSERT_TRUE(phone.push().unregister_device());
        ASSERT_TRUE(phone.push().unregister_device()) << "again";
        EXPECT_EQ(refused(phone.push().register_device("", "token")), errc::invalid_name);
        phone.disconnect();
    }
    ASSERT_TRUE(ann.send_text_message("bob", "again").success);
    const PushRequest request = heard->requested(2);
    ASSERT_EQ(request.devices.size(), 1u);
    EXPECT_EQ(request.devices.front().device, "pad");
}

TEST_F(Pushes, EndForWhoIsRevoked) {
    begin();
    was_here("phone");
    Client ann = user(server->websocket_addr(), "ann", events);
    ASSERT_TRUE(ann.send_text_message("bob", "hello").success);
    (void)heard->requested();
    ASSERT_TRUE(server->revoke_user("bob"));
    ASSERT_TRUE(server->revoke_user("bob", std::chrono::system_clock::time_point()));  // lifted
    ASSERT_TRUE(ann.send_text_message("bob", "again").success);
    was_here("pad");
    ASSERT_TRUE(ann.send_text_message("bob", "once more").success);
    const PushRequest request = heard->requested(2);
    ASSERT_EQ(request.devices.size(), 1u);
    EXPECT_EQ(request.devices.front().device, "pad");
}

Task<errc> ask_about_all(Client& client) {
    const auto registered = co_await client.push().async_register_device("apns", "token");
    const auto taken_back = co_await client.push().async_unregister_device();
    const auto blocked = co_await client.restrictions().async_blocked();
    const auto bans = co_await client.restrictions().async_bans("room:nowhere");
    co_return registered&& taken_back&& blocked && !bans ? bans.error().code : errc::internal;
}

TEST_F(Pushes, ForCoroutines) {
    begin();
    boost::asio::io_context loop;  // it outlives the client
    Client ann = user(server->websocket_addr(), "ann", events);
    auto asked = boost::asio::co_spawn(loop, ask_about_all(ann), boost::asio::use_future);
    loop.run();
    EXPECT_EQ(asked.get(), errc::unknown_conversation);
}

// ---- lists ----

class RestrictionsOfUsers : public ::testing::Test {
protected:
    Folder folder;
    Server server = started(with_store(quiet_server(), folder));
    Events events;
    Client eve = user(server.websocket_addr(), "eve", events);
    Client bob = user(server.websocket_addr(), "bob", events);
    Client ann = user(server.websocket_addr(), "ann", events);
};

TEST_F(RestrictionsOfUsers, BansAreListedForAdmins) {
    ASSERT_TRUE(ann.conversations().create("room:tea", RoomOptions().with_members({"bob"})));
    const auto until = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now() + 1h);
    ASSERT_TRUE(ann.conversations().ban("room:tea", "eve", until));
    const auto bans = ann.restrictions().bans("room:tea");
    ASSERT_TRUE(bans) << bans.error().text;
    ASSERT_EQ(bans->bans.size(), 1u);
    EXPECT_EQ(bans->bans.front().user, "eve");
    EXPECT_EQ(bans->bans.front().until, until);
    EXPECT_FALSE(bans->more);
    EXPECT_EQ(refused(bob.restrictions().bans("room:tea")), errc::forbidden);
    ASSERT_TRUE(ann.conversations().set_role("room:tea", "bob", MemberRole::moderator));
    EXPECT_EQ(refused(bob.restrictions().bans("room:tea")), errc::forbidden) << "moderators do not ban";
    ASSERT_TRUE(ann.conversations().set_role("room:tea", "bob", MemberRole::admin));
    EXPECT_TRUE(bob.restrictions().bans("room:tea"));
    EXPECT_EQ(refused(eve.restrictions().bans("room:tea")), errc::unknown_conversation);
    EXPECT_EQ(refused(ann.restrictions().bans("bob")), errc::invalid_name);
    EXPECT_EQ(refused(ann.restrictions().bans("room:tea", "stranger")), errc::unknown_target);

    ASSERT_TRUE(ann.conversations().ban("room:tea", "bob"));
    const auto first = ann.restrictions().bans("room:tea", "", 1);
    ASSERT_TRUE(first);
    ASSERT_EQ(first->bans.size(), 1u);
    EXPECT_TRUE(first->more);
    const auto rest = ann.restrictions().bans("room:tea", first->bans.front().user, 1);
    ASSERT_TRUE(rest);
    ASSERT_EQ(rest->bans.size(), 1u);
    EXPECT_FALSE(rest->more);
    EXPECT_NE(rest->bans.front().user, first->bans.front().user);
    ASSERT_TRUE(ann.conversations().unban("room:tea", "bob"));
    ASSERT_TRUE(ann.conversations().unban("room:tea", "eve"));
    EXPECT_TRUE(ann.restrictions().bans("room:tea")->bans.empty());
}

TEST_F(RestrictionsOfUsers, BlocksAreListedForWhoMadeThem) {
    EXPECT_TRUE(ann.restrictions().blocked()->users.empty());
    ASSERT_TRUE(ann.conversations().block("bob"));
    ASSERT_TRUE(ann.conversations().block("eve"));
    EXPECT_EQ(ann.restrictions().blocked()->users, (std::vector<std::string>{"bob", "eve"}));
    EXPECT_TRUE(bob.restrictions().blocked()->users.empty());
    const auto first = ann.restrictions().blocked("", 1);
    EXPECT_EQ(first->users, (std::vector<std::string>{"bob"}));
    EXPECT_TRUE(first->more);
    EXPECT_EQ(ann.restrictions().blocked("bob")->users, (std::vector<std::string>{"eve"}));
    EXPECT_EQ(refused(ann.restrictions().blocked("stranger")), errc::unknown_target);
    ASSERT_TRUE(ann.conversations().unblock("bob"));
    EXPECT_EQ(ann.restrictions().blocked()->users, (std::vector<std::string>{"eve"}));
}

}  // namespace
}  // namespace flare::test
