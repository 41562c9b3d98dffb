// Whom a restart has let go and who is not back yet: docs/server.md, "Storms".
#include "integration/storm_harness.hpp"

#include <memory>
#include <vector>

namespace flare::test {
namespace {

TEST_F(Storm, AMessageToAUserWhoIsNotBackYetIsKeptUntilTheUserIs) {
    auto server = std::make_unique<Server>(started(builder()));
    const std::string address = server->websocket_addr();
    (void)hold(*server, "bob");
    (void)hold(*server, "eve");
    Events events;
    Client ann = connected(client_of(address, "ann", events).token("good"));
    server->stop();
    EXPECT_TRUE(std::filesystem::exists(folder + "/key.returning"));
    server = std::make_unique<Server>(started(builder().websocket_addr(address)));
    EXPECT_FALSE(std::filesystem::exists(folder + "/key.returning")) << "it is for one start";
    ASSERT_TRUE(events.wait_for<event::Reconnected>());
    EXPECT_EQ(server->stats()->users_expected, 2u) << "ann is back";

    ASSERT_TRUE(ann.post_message("bob", Message("note", "one")));
    ASSERT_TRUE(ann.post_message("bob", Message("note", "two")));
    EXPECT_FALSE(ann.send_text_message("nobody", "x").success) << "a stranger is offline as ever";
    EXPECT_TRUE(eventually([&] { return server->stats()->errors[errc::busy] != 0; }));
    EXPECT_TRUE(events.all<event::MessageSent>().empty());

    const auto pushed = server->send("bob", Message("note", "from the server"));
    ASSERT_FALSE(pushed);
    EXPECT_EQ(pushed.error().code, errc::busy);
    EXPECT_NE(pushed.error().text.find("expected back"), std::string::npos) << pushed.error().text;

    RawPeer peer(address);
    wire::Hello hello = RawPeer::hello_of("bob");
    hello.token = "good";
    ASSERT_EQ(peer.hello(hello), wire::FrameKind::welcome);
    wire::Activate activate;
    activate.epoch = 9;
    peer.send({}, wire::encode(activate));
    ASSERT_TRUE(events.wait_for<event::MessageSent>(2));
    for (const auto& failed : events.all<event::MessageFailed>()) EXPECT_EQ(failed.error.code, errc::user_offline);
    EXPECT_EQ(events.all<event::MessageFailed>().size(), 1u) << "the stranger's";
    EXPECT_EQ(server->stats()->users_expected, 1u);
    EXPECT_TRUE(server->send("bob", Message("note", "from the server")));
}

TEST_F(Storm, AtASlowAdmissionRateWhoIsBackFirstLosesNoMessageToThoseWhoComeLast) {
    constexpr std::size_t kClients = 8;
    auto server = std::make_unique<Server>(started(builder()));
    const std::string address = server->websocket_addr();
    std::vector<std::unique_ptr<Events>> heard;
    std::vector<Client> clients;
    for (std::size_t i = 0; i < kClients; ++i) {
        heard.push_back(std::make_unique<Events>());
        clients.push_back(connected(client_of(address, "user" + std::to_string(i), *heard[i]).token("good")));
    }
    server->stop();
    server = std::make_unique<Server>(started(builder().websocket_addr(address).admission_rate(2)));
    EXPECT_EQ(server->stats()->users_expected, kClients);
    for (std::size_t i = 0; i < kClients; ++i) {  // sent at once, on the way as soon as the sender is back
        for (std::size_t to = 0; to < kClients; ++to) {
            if (to == i) continue;
            ASSERT_TRUE(clients[i].post_message("user" + std::to_string(to), Message("n", std::to_string(i))));
        }
    }
    for (std::size_t i = 0; i < kClients; ++i) {
        EXPECT_TRUE(heard[i]->wait_for<event::MessageSent>(kClients - 1)) << i;
        EXPECT_TRUE(heard[i]->wait_for<event::MessageReceived>(kClients - 1)) << i;
        EXPECT_TRUE(heard[i]->all<event::MessageFailed>().empty()) << i;
        EXPECT_EQ(heard[i]->all<event::MessageReceived>().size(), kClients - 1) << i;
    }
    EXPECT_GE(server->stats()->errors[errc::busy], 1u) << "some were not back yet";
    EXPECT_EQ(server->stats()->users_expected, 0u);
}

TEST_F(Storm, WhoIsStillExpectedWhenTheNextServerStopsIsExpectedByTheOneAfterIt) {
    for (int process = 0; process < 3; ++process) {
        Server server = started(builder());
        if (process == 0) (void)hold(server, "bob");
        EXPECT_EQ(server.stats()->users_expected, process == 0 ? 0u : 1u);
    }
    std::filesystem::remove(folder + "/key.returning");
    Server crashed = started(builder());
    EXPECT_EQ(crashed.stats()->users_expected, 0u) << "what was read once, or never written, names nobody";
}

TEST_F(Storm, WithoutATicketKeyNobodyIsExpected) {
    auto server = std::make_unique<Server>(started(quiet_server()));
    const std::string address = server->websocket_addr();
    Events bobs;
    Client bob = connected(client_of(address, "bob", bobs).auto_reconnect(false));
    server->stop();
    EXPECT_TRUE(std::filesystem::is_empty(folder));
    server = std::make_unique<Server>(started(quiet_server().websocket_addr(address)));
    EXPECT_EQ(server->send("bob", Message("note", "x")).error().code, errc::user_offline);
}

TEST_F(Storm, AFileThatIsDamagedOrForeignStopsNoStart) {
    {
        Server server = started(builder());
        (void)hold(server, "bob");
    }
    const std::string path = folder + "/key.returning";
    ASSERT_TRUE(std::filesystem::exists(path));
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
    {
        Server server = started(builder());
        EXPECT_EQ(server.stats()->users_expected, 0u);
        (void)hold(server, "bob");
    }
    std::filesystem::copy_file(folder + "/key", folder + "/kept");
    std::filesystem::remove(folder + "/key");  // another key is made, and the file was not made with it
    {
        Server server = started(builder());
        EXPECT_EQ(server.stats()->users_expected, 0u);
    }
    std::filesystem::remove(path);
    std::filesystem::create_directories(path + "/full");
    {
        Server server = started(builder());
        EXPECT_EQ(server.stats()->users_expected, 0u);
        (void)hold(server, "bob");
    }  // and no stop
    EXPECT_TRUE(std::filesystem::is_directory(path));
}

}  // namespace
}  // namespace flare::test
