// Names and texts that an application chose and the wire cannot carry are an error of that call, or are made to fit:
// they never reach a peer that has to end its connection over them.
#include "integration/harness.hpp"

#include <flare/printable.hpp>

namespace flare::test {
namespace {

const std::string kNotUtf8 = "not \xff UTF-8";
const std::string kTooLong(257, 'n');
const std::string kLongest(256, 'n');

class ApplicationText : public ::testing::Test {
protected:
    ApplicationText()
        : server(started(quiet_server()
                             .with_auth_handler([](const AuthRequest& request) -> Checked<Identity> {
                                 if (request.token == "refused") return Failure(errc::unauthenticated, kNotUtf8);
                                 return Identity(request.claimed_user);
                             })
                             .with_message_handler([](const SessionInfo&, const Message& message) -> HandlerResult {
                                 const std::string what = message.payload.str();
                                 if (what == "fail") return Failure(errc::forbidden, kNotUtf8);
                                 if (what == "long") return Message(kTooLong, Bytes("reply"));
                                 if (what == "bytes") return Message(kNotUtf8, Bytes("reply"));
                                 if (what == "throw") throw std::runtime_error(kNotUtf8);
                                 return {};
                             }))),
          client(connected(client_of(server.websocket_addr(), "ann", events))) {}
    // Neither side has ended a connection over what it was told.
    void expect_all_is_well() {
        EXPECT_TRUE(client.send_text_message("server", "well").success);
        EXPECT_TRUE(events.all<event::Disconnected>().empty());
        EXPECT_TRUE(events.all<event::Reconnecting>().empty());
    }

    Events events;
    Server server;
    Client client;
};

TEST_F(ApplicationText, OfAClientsMessageIsRefusedWhereItIsSent) {
    for (const std::string& bad : {kNotUtf8, kTooLong}) {
        EXPECT_EQ(client.send_message("server", Message(bad, Bytes("x"))).error, errc::invalid_name);
        EXPECT_EQ(client.send_message(bad, Message("chat", Bytes("x"))).error, errc::invalid_name);
    }
    EXPECT_TRUE(client.send_message("server", Message(kLongest, Bytes("x"))).success);
    EXPECT_EQ(client.send_message(kLongest, Message("chat", Bytes("x"))).error, errc::user_offline);
    expect_all_is_well();
}

TEST_F(ApplicationText, OfTheServersMessageIsRefusedWhereItIsSent) {
    for (const std::string& bad : {kNotUtf8, kTooLong}) {
        Message type(bad, Bytes("x"));
        Message from("chat", Bytes("x"));
        from.from = bad;
        for (const Message& message : {type, from}) {
            EXPECT_EQ(server.send("ann", message).error().code, errc::invalid_name);
            EXPECT_EQ(server.send_to_many({"ann"}, message).error().code, errc::invalid_name);
            EXPECT_EQ(server.broadcast(message).error().code, errc::invalid_name);
        }
        EXPECT_EQ(server.send(bad, Message("chat", Bytes("x"))).error().code, errc::user_offline);
    }
    Message longest(kLongest, Bytes("x"));
    longest.from = kLongest;
    EXPECT_TRUE(server.send("ann", longest));
    expect_all_is_well();
}

TEST_F(ApplicationText, OfAHandlerIsRefusedOrEscaped) {
    EXPECT_EQ(client.send_text_message("server", "long").error, errc::invalid_name);
    EXPECT_EQ(client.send_text_message("server", "bytes").error, errc::invalid_name);
    const SendResult failed = client.send_text_message("server", "fail");
    EXPECT_EQ(failed.error, errc::forbidden);
    EXPECT_EQ(failed.error_message, printable(kNotUtf8));
    EXPECT_EQ(client.send_text_message("server", "throw").error, errc::handler_failed);
    expect_all_is_well();
}

TEST_F(ApplicationText, OfARefusalAndOfAFarewellIsEscaped) {
    Events seen;
    auto refused = client_of(server.websocket_addr(), "bob", seen).token("refused").build();
    const auto result = refused->connect();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::unauthenticated) << result.error().text;
    EXPECT_NE(result.error().text.find(printable(kNotUtf8)), std::string::npos) << result.error().text;

    EXPECT_EQ(server.disconnect_user("ann", kNotUtf8).value(), 1u);
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    const Failure why = events.all<event::Disconnected>().front().reason;
    EXPECT_EQ(why.code, errc::kicked);
    EXPECT_NE(why.text.find(printable(kNotUtf8)), std::string::npos) << why.text;
}

TEST_F(ApplicationText, OfAClientsOwnNamesIsRefusedByTheBuilder) {
    for (const std::string& bad : {kNotUtf8, kTooLong}) {
        EXPECT_EQ(client_of(server.websocket_addr(), bad, events).build().error().code, errc::invalid_config);
        EXPECT_EQ(client_of(server.websocket_addr(), "bob", events).device_id(bad).build().error().code,
                  errc::invalid_config);
    }
}

TEST_F(ApplicationText, ATokenThatNoHelloCanCarryIsRefusedByTheClient) {
    for (const std::string& bad : {kNotUtf8, std::string(8193, 't')}) {
        Events seen;
        auto bob = client_of(server.websocket_addr(), "bob", seen).token(bad).build();
        ASSERT_TRUE(bob);
        const auto result = bob->connect();
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, errc::unauthenticated) << result.error().text;
        EXPECT_NE(result.error().text.find("token"), std::string::npos) << result.error().text;
    }
    Events seen;
    EXPECT_TRUE(client_of(server.websocket_addr(), "carol", seen).token(std::string(8192, 't')).build()->connect());
    expect_all_is_well();
}

}  // namespace
}  // namespace flare::test
