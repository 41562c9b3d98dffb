// Who types and who is there, with real servers and clients: across lost connections, moves, restarts and blocks.
#include "conversations/subscribing.hpp"

#include "integration/proxy.hpp"
#include "support/certificates.hpp"

#include <algorithm>

namespace flare::test {
namespace {

using Texts = std::vector<std::string>;

class SignalsOfClients : public Subscriptions {
protected:
    // Grace and lease are shorter than those of people.
    ServerBuilder quick(std::chrono::milliseconds grace = 500ms) const {
        return storing().presence_grace(grace).presence_lease(1s);
    }
    static Texts changes(Events& events) {
        Texts all;
        for (const auto& each : events.all<event::PresenceChanged>())
            all.push_back(each.user + " " + std::string(name(each.state)));
        return all;
    }
    static bool becomes(Events& events, const std::string& what) {
        return events.wait([&](const std::vector<Event>& seen) {
            return std::any_of(seen.begin(), seen.end(), [&](const Event& event) {
                const auto* changed = std::get_if<event::PresenceChanged>(&event);
                return changed != nullptr && changed->user + " " + std::string(name(changed->state)) == what;
            });
        });
    }
    static Texts follow(Client& client, const Texts& users) {
        const auto found = client.signals().subscribe_presence(users);
        EXPECT_TRUE(found) << found.error().text;
        return found ? texts_of(*found) : Texts();
    }
    static Texts texts_of(const std::vector<Presence>& found) {
        Texts all;
        for (const Presence& each : found) all.push_back(each.user + " " + std::string(name(each.state)));
        return all;
    }
    static Texts typists(Events& events) {
        Texts all;
        for (const auto& each : events.all<event::TypingChanged>())
            all.push_back(each.user + (each.on ? " types in " : " stops in ") + each.conversation);
        return all;
    }
};

TEST_F(SignalsOfClients, WhoComesGoesAndLooksAwayIsTold) {
    Server server = started(quick());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    std::this_thread::sleep_for(600ms);  // behind the start
    ASSERT_EQ(follow(bob, {"ann"}), Texts{"ann offline"});
    {
        Client ann = user(server.websocket_addr(), "ann", at_ann);
        ASSERT_TRUE(becomes(at_bob, "ann online"));
        ASSERT_TRUE(ann.signals().set_away(true));
        ASSERT_TRUE(becomes(at_bob, "ann away"));
        ann.disconnect();
    }
    ASSERT_TRUE(becomes(at_bob, "ann offline"));
    EXPECT_EQ(changes(at_bob), (Texts{"ann online", "ann away", "ann offline"}));
    const auto now = bob.signals().presence({"ann", "bob"});
    ASSERT_TRUE(now);
    EXPECT_EQ(texts_of(*now), (Texts{"ann offline", "bob online"}));
    ASSERT_TRUE(now->front().last_active);
    EXPECT_LT(std::chrono::system_clock::now() - *now->front().last_active, 1min);
}

TEST_F(SignalsOfClients, ALostConnectionThatIsBackWithinTheGraceTellsNothing) {
    Server server = started(storing().presence_grace(20s));
    Proxy proxy(server.websocket_addr());
    Client ann = user(proxy.address(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    ASSERT_EQ(follow(bob, {"ann"}), Texts{"ann online"});
    for (std::size_t i = 1; i <= 5; ++i) {
        proxy.reset();
        ASSERT_TRUE(at_ann.wait_for<event::Reconnected>(i));
    }
    ASSERT_TRUE(ann.signals().set_away(true));
    ASSERT_TRUE(becomes(at_bob, "ann away"));
    EXPECT_EQ(changes(at_bob), Texts{"ann away"});
}

TEST_F(SignalsOfClients, AMoveBetweenProtocolsTellsNothing) {
    Certificates certificates;
    const Certificates::Identity authority = certificates.authority("ca");
    const Certificates::Identity identity = certificates.make("server", {.common_name = "flare"}, &authority);
    Server server = started(storing()
                                .both_protocols()
                                .quic_addr("127.0.0.1:0")
                                .quic_tls(identity.certificate_file, identity.key_file)
                                .presence_grace(0ms));
    ClientBuilder both("ann");
    both.server_addresses(ServerAddresses()
                              .with_quic_url("quic://" + server.quic_addr())
                              .with_websocket_url("ws://" + server.websocket_addr()))
        .protocol_selection_mode(ProtocolSelection::manual)
        .ca_file(authority.certificate_file)
        .with_event_callback(std::ref(at_ann));
    Client ann = connected(both);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    ASSERT_EQ(follow(bob, {"ann"}), Texts{"ann online"});
    for (const Protocol to : {Protocol::websocket, Protocol::quic, Protocol::websocket}) {
        (void)ann.switch_protocol(to);
        ASSERT_EQ(ann.get_current_protocol(), to);
    }
    ASSERT_TRUE(ann.signals().set_away(true));
    ASSERT_TRUE(becomes(at_bob, "ann away"));
    EXPECT_EQ(changes(at_bob), Texts{"ann away"}) << "without any grace";
}

TEST_F(SignalsOfClients, ARestartWithinTheGraceTellsNothing) {
    auto server = std::make_unique<Server>(started(quick(20s)));
    const std::string address = server->websocket_addr();
    Client bob = user(address, "bob", at_bob);
    Client ann = user(address, "ann", at_ann);
    ASSERT_EQ(follow(bob, {"ann"}), Texts{"ann online"});
    for (std::size_t round = 1; round <= 2; ++round) {
        server->stop();
        server.reset();
        server = std::make_unique<Server>(started(quick(20s).websocket_addr(address)));
        ASSERT_TRUE(at_ann.wait_for<event::Reconnected>(round));
        ASSERT_TRUE(at_bob.wait_for<event::Reconnected>(round));
        // It follows again in the new session.
        ASSERT_TRUE(eventually([&] { return server->stats()->signals.subscriptions == 1; }));
    }
    ASSERT_TRUE(ann.signals().set_away(true));
    ASSERT_TRUE(becomes(at_bob, "ann away"));
    EXPECT_EQ(changes(at_bob), Texts{"ann away"});
}

TEST_F(SignalsOfClients, WhoDoesNotComeBackAfterARestartIsOffline) {
    auto server = std::make_unique<Server>(started(quick()));
    const std::string address = server->websocket_addr();
    Client bob = user(address, "bob", at_bob);
    auto ann = std::make_unique<Client>(user(address, "ann", at_ann));
    ASSERT_EQ(follow(bob, {"ann"}), Texts{"ann online"});
    server->stop();
    server.reset();
    ann.reset();
    server = std::make_unique<Server>(started(quick().websocket_addr(address)));
    ASSERT_TRUE(becomes(at_bob, "ann offline"));
    EXPECT_EQ(changes(at_bob), Texts{"ann offline"});
}

TEST_F(SignalsOfClients, TheLeaseIsRenewedByTheClient) {
    Server server = started(quick());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    ASSERT_EQ(follow(bob, {"ann"}), Texts{"ann online"});
    std::this_thread::sleep_for(2500ms);  // two leases
    ASSERT_TRUE(ann.signals().set_away(true));
    ASSERT_TRUE(becomes(at_bob, "ann away"));
    ASSERT_TRUE(bob.signals().unsubscribe_presence({"ann"}));
    EXPECT_EQ(server.stats()->signals.subscriptions, 0u);
}

TEST_F(SignalsOfClients, OneUserTooManyIsRefusedWhole) {
    Server server = started(quick());
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Texts users;
    for (int i = 0; i < 1000; ++i) users.push_back("user" + std::to_string(i));
    ASSERT_EQ(follow(bob, users).size(), 1000u);
    EXPECT_EQ(refused(bob.signals().subscribe_presence({"one-more"})), errc::too_many_subscriptions);
    EXPECT_EQ(server.stats()->signals.subscriptions, 1000u);
    users.push_back("one-more");
    EXPECT_EQ(refused(bob.signals().subscribe_presence(users)), errc::too_many_subscriptions);
    ASSERT_TRUE(bob.signals().unsubscribe_presence({"user0"}));
    EXPECT_EQ(refused(bob.signals().subscribe_presence({"one-more"})), errc::ok);
}

TEST_F(SignalsOfClients, ABlockHidesItsMaker) {
    Server server = started(quick());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    ASSERT_EQ(follow(bob, {"ann"}), Texts{"ann online"});
    ASSERT_TRUE(ann.conversations().block("bob"));
    ASSERT_TRUE(becomes(at_bob, "ann unknown"));
    ASSERT_TRUE(ann.signals().set_away(true));
    std::this_thread::sleep_for(1500ms);  // a renewal, and time for a notice
    EXPECT_EQ(changes(at_bob), Texts{"ann unknown"});
    EXPECT_EQ(texts_of(*bob.signals().presence({"ann"})), Texts{"ann unknown"});
    EXPECT_EQ(texts_of(*ann.signals().presence({"bob"})), Texts{"bob online"}) << "not the other way round";
}

TEST_F(SignalsOfClients, ThePolicyOfTheApplicationHides) {
    Server server = started(quick().presence_policy(
        [](const SessionInfo& asker, std::string_view user) { return asker.user == "ann" || user != "ann"; }));
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    EXPECT_EQ(follow(bob, {"ann", "bob"}), (Texts{"ann unknown", "bob online"}));
    EXPECT_EQ(follow(ann, {"ann", "bob"}), (Texts{"ann online", "bob online"}));
}

TEST_F(SignalsOfClients, TypingReachesThoseWhoLookAndEndsByItself) {
    Server server = started(quick());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    Client eve = user(server.websocket_addr(), "eve", at_eve);
    make_open_room(ann);
    for (Client* const each : {&bob, &eve}) join(*each);
    for (Client* const each : {&ann, &bob}) (void)subscribe(*each, "room:tea");
    ASSERT_TRUE(ann.signals().typing("room:tea"));
    ASSERT_TRUE(at_bob.wait_for<event::TypingChanged>());
    ASSERT_TRUE(ann.signals().typing("room:tea", false));
    ASSERT_TRUE(at_bob.wait_for<event::TypingChanged>(2));
    EXPECT_EQ(typists(at_bob), (Texts{"ann types in room:tea", "ann stops in room:tea"}));
    EXPECT_TRUE(typists(at_eve).empty()) << "it does not look";
    EXPECT_TRUE(typists(at_ann).empty());
    EXPECT_EQ(refused(ann.signals().typing("")), errc::invalid_name);
}

TEST_F(SignalsOfClients, AStormOfTypingIsDroppedAndCounted) {
    Server server = started(quick());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&ann, &bob});
    constexpr std::size_t kClients = 5;
    std::vector<Events> events(kClients);  // they outlive their clients
    std::vector<Client> others;
    for (std::size_t i = 0; i < kClients; ++i) {
        others.push_back(
            connected(client_of(server.websocket_addr(), "ann", events[i]).device_id("device" + std::to_string(i))));
        ASSERT_TRUE(others.back().signals().typing("room:tea"));
    }
    ASSERT_TRUE(at_bob.wait_for<event::TypingChanged>());
    ASSERT_TRUE(eventually([&] { return server.stats()->signals.typing_dropped == kClients - 1; }));
    EXPECT_EQ(typists(at_bob), Texts{"ann types in room:tea"});
}

TEST_F(SignalsOfClients, OccupancyIsANumberForMembers) {
    Server server = started(quick());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    make_open_room(ann);
    std::optional<Client> bob = user(server.websocket_addr(), "bob", at_bob);
    join(*bob);
    const auto count = ann.signals().occupancy("room:tea");
    ASSERT_TRUE(count) << count.error().text;
    EXPECT_EQ(count->online, 2u);
    EXPECT_EQ(count->members, 2u);
    bob.reset();
    EXPECT_TRUE(eventually([&] { return ann.signals().occupancy("room:tea")->online == 1; }));
    Client eve = user(server.websocket_addr(), "eve", at_eve);
    EXPECT_EQ(refused(eve.signals().occupancy("room:tea")), errc::unknown_conversation);
}

TEST_F(SignalsOfClients, AServerWithoutAStoreHasNone) {
    Server server = started(quiet_server());
    Client bob = connected(client_of(server.websocket_addr(), "bob", at_bob));
    EXPECT_EQ(refused(bob.signals().subscribe_presence({"ann"})), errc::not_supported);
    EXPECT_EQ(refused(bob.signals().presence({"ann"})), errc::not_supported);
    EXPECT_EQ(refused(bob.signals().occupancy("room:tea")), errc::not_supported);
    EXPECT_EQ(refused(bob.signals().set_away(true)), errc::not_supported);
    EXPECT_TRUE(bob.signals().typing("ann"));
}

}  // namespace
}  // namespace flare::test
