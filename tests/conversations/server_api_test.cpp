// The server API over a socket: what a back-end does, and what it does wrong.
#include "conversations/api_asking.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <vector>

namespace flare::test {
namespace {

using TheServerApi = AskingTheApi;

template <typename T>
T must(Checked<T> result) {
    EXPECT_TRUE(result) << result.error().text;
    return std::move(*result);
}

std::vector<std::string> received(Events& events, std::size_t count) {
    EXPECT_TRUE(events.wait_for<event::MessageReceived>(count));
    std::vector<std::string> texts;
    for (const auto& each : events.all<event::MessageReceived>()) texts.push_back(each.message.payload.str());
    return texts;
}

constexpr const char* kLunch = R"({"conversation":"room:lunch","owner":"ann","members":["bob"],"title":"Lunch"})";

TEST_F(TheServerApi, MakesARoomPublishesToItAndReadsIt) {
    Server server = started(builder());
    EXPECT_EQ(said(server, "POST", "/v1/conversations", kLunch), "200");
    EXPECT_EQ(said(server, "POST", "/v1/conversations", kLunch), "409 conversation_exists");
    const ApiAnswer room = ask(server, "GET", "/v1/conversations/room:lunch");
    EXPECT_EQ(room.status, 200u);
    EXPECT_EQ(room.text("members"), "2");
    EXPECT_EQ(room.text("conversation"), "room:lunch");

    Events events;
    Client bob = connected(client_of(server.websocket_addr(), "bob", events));
    (void)must(bob.conversations().subscribe("room:lunch"));
    const ApiAnswer sent =
        ask(server, "POST", "/v1/messages", R"({"to":"room:lunch","from":"ann","text":"soup","mentions":["bob"]})");
    EXPECT_EQ(sent.status, 200u) << sent.text("detail");
    EXPECT_EQ(sent.text("offset"), "2");
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"room:lunch","text":"from the server"})"), "200");
    EXPECT_EQ(received(events, 2), (std::vector<std::string>{"soup", "from the server"}));

    const ApiAnswer page = ask(server, "GET", "/v1/conversations/room:lunch/messages?limit=2");
    ASSERT_EQ(page.status, 200u);
    const auto& entries = page.body.at("entries").get_array();
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].at("text"), "soup");
    EXPECT_EQ(entries[0].at("from"), "ann");
    EXPECT_EQ(boost::json::serialize(entries[0].at("mentions")), R"(["bob"])");
    EXPECT_EQ(entries[1].at("from"), "server");
    EXPECT_EQ(entries[1].at("offset"), "3");
    const ApiAnswer before =
        ask(server, "GET", "/v1/conversations/room:lunch/messages?limit=2&cursor=" + page.text("next"));
    EXPECT_EQ(before.body.at("entries").get_array().size(), 1u);
    EXPECT_EQ(before.text("next"), "(none)");
}

TEST_F(TheServerApi, WritesToAUserAsTheServerAndAsAUser) {
    Server server = started(builder());
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"bob","text":"your order is ready"})"), "200");
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"bob","from":"ann","text":"hello"})"), "200");
    Events events;
    Client bob = connected(client_of(server.websocket_addr(), "bob", events));
    const auto of_server = must(bob.conversations().history("server"));
    ASSERT_EQ(of_server.entries.size(), 1u);
    EXPECT_EQ(of_server.entries[0].from, "server");
    EXPECT_EQ(of_server.entries[0].payload.str(), "your order is ready");
    EXPECT_EQ(must(bob.conversations().history("ann")).entries.size(), 1u);
    EXPECT_EQ(ask(server, "GET", "/v1/users/bob/conversations/server/messages").body.at("entries").get_array().size(),
              1u);
    const ApiAnswer unread = ask(server, "GET", "/v1/users/bob/unread");
    EXPECT_EQ(unread.text("unread"), "2");
    EXPECT_EQ(ask(server, "GET", "/v1/users/bob/conversations").body.at("conversations").get_array().size(), 2u);
}

TEST_F(TheServerApi, ARepeatIsAnsweredAfterARestart) {
    const std::string key = "Idempotency-Key: order-17\r\n";
    const std::string body = R"({"to":"bob","text":"your order is ready"})";
    ApiAnswer first;
    {
        Server server = started(builder());
        first = ask(server, "POST", "/v1/messages", body, key);
        ASSERT_EQ(first.status, 200u);
        server.stop();
    }
    Server server = started(builder());
    const ApiAnswer again = ask(server, "POST", "/v1/messages", body, key);
    EXPECT_EQ(again.status, 200u);
    EXPECT_EQ(again.body, first.body);
    EXPECT_NE(again.head.find("Idempotent-Replayed: true"), std::string::npos);
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"bob","text":"another"})", key),
              "422 duplicate_message_id");
    EXPECT_EQ(ask(server, "GET", "/v1/users/bob/conversations/server/messages").body.at("entries").get_array().size(),
              1u);
    EXPECT_EQ(ask(server, "GET", "/v1/info").body.at("idempotency").at("kept_in"), "store");
}

TEST_F(TheServerApi, ABatchIsStoredInItsOrderAndSaysWhatBecameOfEach) {
    Server server = started(builder());
    ASSERT_EQ(said(server, "POST", "/v1/conversations", kLunch), "200");
    boost::json::array messages;
    for (int i = 0; i < 100; ++i)
        messages.push_back({{"to", "room:lunch"}, {"from", i == 50 ? "eve" : "ann"}, {"text", std::to_string(i)}});
    const ApiAnswer sent =
        ask(server, "POST", "/v1/messages/batch", boost::json::serialize(boost::json::object{{"messages", messages}}));
    ASSERT_EQ(sent.status, 200u) << sent.text("detail");
    const auto& results = sent.body.at("results").get_array();
    ASSERT_EQ(results.size(), 100u);
    for (int i = 0; i < 100; ++i) {
        const auto& result = results[static_cast<std::size_t>(i)].get_object();
        if (i == 50) {
            EXPECT_EQ(result.at("error").at("errc"), "unknown_conversation");
        } else {
            EXPECT_EQ(std::string(result.at("offset").get_string().c_str()), std::to_string(i < 50 ? i + 2 : i + 1));
        }
    }
    const ApiAnswer many = ask(server, "POST", "/v1/messages", R"({"to":["bob","carl","room:lunch"],"text":"all"})");
    ASSERT_EQ(many.status, 200u);
    EXPECT_EQ(many.body.at("results").get_array().size(), 3u);
    for (const auto& each : many.body.at("results").get_array()) EXPECT_TRUE(each.get_object().contains("offset"));
}

TEST_F(TheServerApi, ChangesMessages) {
    Server server = started(builder());
    ASSERT_EQ(said(server, "POST", "/v1/conversations", kLunch), "200");
    ASSERT_EQ(said(server, "POST", "/v1/messages", R"({"to":"room:lunch","from":"ann","text":"sop"})"), "200");
    const std::string message = "/v1/conversations/room:lunch/messages/2";
    EXPECT_EQ(said(server, "PATCH", message, R"({"by":"ann","text":"soup"})"), "200");
    EXPECT_EQ(said(server, "PATCH", message, R"({"by":"bob","text":"soup"})"), "403 forbidden");
    EXPECT_EQ(said(server, "POST", message + "/reactions", R"({"by":"bob","key":"+1"})"), "200");
    EXPECT_EQ(said(server, "POST", message + "/reactions", R"({"key":"+1"})"), "400 malformed_json by");
    const ApiAnswer seen = ask(server, "GET", message);
    EXPECT_EQ(seen.text("text"), "soup");
    EXPECT_EQ(seen.text("reactions"), R"([{"key":"+1","users":"1"}])");
    EXPECT_EQ(said(server, "DELETE", message + "/reactions?by=bob&key=%2B1"), "200");
    EXPECT_EQ(ask(server, "GET", message).text("reactions"), "(none)");
    EXPECT_EQ(said(server, "DELETE", message), "200");
    EXPECT_EQ(ask(server, "GET", message).text("deleted"), "true");
    EXPECT_EQ(said(server, "PATCH", message, R"({"text":"again"})"), "410 history_pruned");
    EXPECT_EQ(said(server, "GET", "/v1/conversations/room:lunch/messages/99"), "404 unknown_entry");
    EXPECT_EQ(said(server, "GET", "/v1/conversations/room:lunch/messages/x"), "400 malformed_json offset");
}

TEST_F(TheServerApi, ChangesRoomsAndTheirMembers) {
    Server server = started(builder());
    ASSERT_EQ(said(server, "POST", "/v1/conversations", kLunch), "200");
    const std::string room = "/v1/conversations/room:lunch";
    EXPECT_EQ(said(server, "PATCH", room, R"({"title":"Dinner","join":"open"})"), "200");
    EXPECT_EQ(ask(server, "GET", room).body.at("config").at("title"), "Dinner");
    EXPECT_EQ(said(server, "POST", room + "/members", R"({"users":["carl","dora"],"role":"moderator"})"), "200");
    EXPECT_EQ(said(server, "PATCH", room + "/members/carl", R"({"role":"admin"})"), "200");
    EXPECT_EQ(said(server, "PATCH", room + "/members/nobody", R"({"role":"admin"})"), "404 unknown_target");
    EXPECT_EQ(said(server, "PATCH", room + "/members/dora", R"({"muted":true})"), "200");
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"room:lunch","from":"dora","text":"x"})"), "403 muted");
    EXPECT_EQ(said(server, "PATCH", room + "/members/dora", R"({"muted":false})"), "200");
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"room:lunch","from":"dora","text":"x"})"), "200");
    std::vector<std::string> members;
    std::string cursor;
    do {
        const ApiAnswer page = ask(server, "GET", room + "/members?limit=1&cursor=" + cursor);
        ASSERT_EQ(page.status, 200u);
        for (const auto& each : page.body.at("members").get_array())
            members.push_back(std::string(each.at("user").get_string().c_str()) + " " +
                              each.at("role").get_string().c_str());
        cursor = page.body.contains("next") ? page.text("next") : std::string();
    } while (!cursor.empty());
    std::sort(members.begin(), members.end());
    EXPECT_EQ(members, (std::vector<std::string>{"ann owner", "bob member", "carl admin", "dora moderator"}));
    EXPECT_EQ(said(server, "POST", room + "/bans", R"({"user":"dora"})"), "200");
    EXPECT_EQ(ask(server, "GET", room + "/bans").text("bans"), R"([{"user":"dora","until":"forever"}])");
    EXPECT_EQ(said(server, "POST", room + "/members", R"({"users":["dora"]})"), "403 banned");
    EXPECT_EQ(said(server, "DELETE", room + "/bans/dora"), "200");
    EXPECT_EQ(said(server, "POST", room + "/invitations", R"({"users":["eve"],"by":"ann"})"), "200");
    EXPECT_EQ(ask(server, "GET", room + "/invitations").body.at("invitations").get_array().size(), 1u);
    EXPECT_EQ(said(server, "DELETE", room + "/invitations/eve"), "200");
    EXPECT_EQ(said(server, "DELETE", room + "/invitations/bob"), "200");
    EXPECT_EQ(ask(server, "GET", room).text("members"), "3") << "a member is not removed by that";
    EXPECT_EQ(said(server, "DELETE", room + "/members/bob?by=carl"), "200");
    EXPECT_EQ(said(server, "POST", room + "/freeze"), "200");
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"room:lunch","from":"bob","text":"x"})"),
              "404 unknown_conversation");
    EXPECT_EQ(said(server, "POST", room + "/unfreeze"), "200");
    const ApiAnswer now = ask(server, "GET", room);
    const auto& head = now.body.at("head").get_object();
    EXPECT_EQ(said(server, "POST", room + "/truncate",
                   boost::json::serialize(boost::json::object{{"keep_from", "3"}, {"epoch", head.at("epoch")}})),
              "200");
    EXPECT_EQ(said(server, "GET", room + "/messages?after=0"), "410 history_pruned");
    EXPECT_EQ(said(server, "DELETE", room), "200");
    EXPECT_EQ(said(server, "GET", room), "404 unknown_conversation");
}

TEST_F(TheServerApi, KnowsUsersTheirSessionsAndTheirBlocks) {
    Server server = started(builder());
    Events events;
    Client bob = connected(client_of(server.websocket_addr(), "bob", events));
    EXPECT_EQ(ask(server, "GET", "/v1/users/bob/sessions").body.at("sessions").get_array().size(), 1u);
    EXPECT_EQ(ask(server, "GET", "/v1/users/bob/presence").text("presence"), "attached");
    EXPECT_EQ(ask(server, "GET", "/v1/users/carl/presence").text("presence"), "offline");
    EXPECT_EQ(said(server, "POST", "/v1/broadcast", R"({"type":"news","text":"hello"})"), "200");
    EXPECT_EQ(received(events, 1), (std::vector<std::string>{"hello"}));
    EXPECT_EQ(said(server, "POST", "/v1/users/bob/blocks", R"({"user":"eve"})"), "200");
    EXPECT_EQ(ask(server, "GET", "/v1/users/bob/blocks").text("blocks"), R"(["eve"])");
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"bob","from":"eve","text":"x"})"), "403 forbidden");
    EXPECT_EQ(said(server, "DELETE", "/v1/users/bob/blocks/eve"), "200");
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"bob","from":"eve","text":"x"})"), "200");
    EXPECT_EQ(ask(server, "GET", "/v1/users/bob/devices").text("devices"), "[]");
    EXPECT_EQ(said(server, "GET", "/v1/users/nobody/devices"), "404 unknown_target");
    EXPECT_EQ(ask(server, "POST", "/v1/users/bob/disconnect", R"({"text":"maintenance"})").text("sessions_ended"), "1");
    EXPECT_EQ(said(server, "POST", "/v1/users/bob/revoke"), "200");
    EXPECT_EQ(said(server, "POST", "/v1/users/bob/erase"), "202");
    EXPECT_EQ(ask(server, "GET", "/v1/info").body.at("store").at("engine"), "sqlite");
}

TEST_F(TheServerApi, ReadsAndTypesForUsers) {
    Server server = started(builder());
    ASSERT_EQ(said(server, "POST", "/v1/conversations", kLunch), "200");
    ASSERT_EQ(said(server, "POST", "/v1/messages", R"({"to":"room:lunch","from":"ann","text":"soup"})"), "200");
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events).sync_conversations(true));
    ASSERT_TRUE(events.wait_for<event::ConversationsSynced>());
    EXPECT_EQ(ask(server, "GET", "/v1/users/bob/unread").text("unread"), "1");
    const ApiAnswer room = ask(server, "GET", "/v1/conversations/room:lunch");
    boost::json::object mark{{"conversation", "room:lunch"}, {"offset", "2"}};
    EXPECT_EQ(said(server, "POST", "/v1/users/bob/read", boost::json::serialize(mark)), "400 malformed_json epoch");
    mark["epoch"] = room.body.at("head").at("epoch");
    EXPECT_EQ(ask(server, "POST", "/v1/users/bob/read", boost::json::serialize(mark)).text("unread"), "0");
    EXPECT_EQ(ask(server, "GET", "/v1/users/bob/unread").text("unread"), "0");
    EXPECT_TRUE(events.wait([](const std::vector<Event>& seen) {
        return std::ranges::any_of(seen, [](const Event& each) {
            const auto* const marks = std::get_if<event::MarksChanged>(&each);
            return marks != nullptr && marks->user == "bob" && marks->read == 2;
        });
    })) << "the others of a small room hear of it";
    mark["epoch"] = "7";
    EXPECT_EQ(said(server, "POST", "/v1/users/bob/read", boost::json::serialize(mark)), "409 epoch_changed");
    EXPECT_EQ(said(server, "POST", "/v1/users/eve/read", boost::json::serialize(mark)), "404 unknown_conversation");
    EXPECT_EQ(said(server, "POST", "/v1/typing", R"({"user":"bob","conversation":"room:lunch"})"), "200");
    EXPECT_TRUE(events.wait_for<event::TypingChanged>());
    EXPECT_EQ(said(server, "POST", "/v1/typing", R"({"user":"eve","conversation":"room:lunch"})"),
              "404 unknown_conversation");
    EXPECT_EQ(said(server, "POST", "/v1/typing", R"({"user":"bob","conversation":"room:"})"),
              "400 invalid_name conversation");
}

TEST_F(TheServerApi, ACallThatComesAgainIsNotDoneAgain) {
    Server server = started(builder());
    const std::string key = "Idempotency-Key: order-1\r\n";
    const std::string body = R"({"to":"bob","text":"once"})";
    const ApiAnswer first = ask(server, "POST", "/v1/messages", body, key);
    const ApiAnswer again = ask(server, "POST", "/v1/messages", body, key);
    EXPECT_EQ(first.status, 200u);
    EXPECT_EQ(again.body, first.body);
    EXPECT_NE(again.head.find("Idempotent-Replayed: true"), std::string::npos);
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"bob","text":"twice"})", key), "422 duplicate_message_id");
    EXPECT_EQ(said(server, "POST", "/v1/messages", body, "Idempotency-Key: " + std::string(300, 'k') + "\r\n"),
              "400 malformed_json Idempotency-Key");
    EXPECT_EQ(said(server, "POST", "/v1/messages", body, "Idempotency-Key:\r\n"), "400 malformed_json Idempotency-Key");
    EXPECT_EQ(ask(server, "GET", "/v1/users/bob/conversations/server/messages").body.at("entries").get_array().size(),
              1u);
    server.stop();
    // What the next process has forgotten is found in the log.
    Server next = started(builder());
    const ApiAnswer later = ask(next, "POST", "/v1/messages", body, key);
    EXPECT_EQ(later.text("offset"), first.text("offset"));
    EXPECT_EQ(later.text("id"), first.text("id"));
}

TEST_F(TheServerApi, AKeyMayDoWhatItsScopesSay) {
    const auto reader = auth::make_api_key(*auth::Scopes::parse("messages:read"), base::system_random());
    auto over = auth::make_api_key(auth::Scopes::all(), base::system_random());
    over.key.until = std::chrono::system_clock::now() - std::chrono::hours(1);
    Server server = started(with_api(builder(), {line(key_), line(reader), line(over)}));
    const auto with = [&](const std::string& secret, const std::string& method, const std::string& target) {
        const ApiAnswer answer = ask_with(server, secret, method, target);
        return std::to_string(answer.status) + " " + answer.errc();
    };
    EXPECT_EQ(with({}, "GET", "/v1/info"), "401 unauthenticated");
    EXPECT_EQ(with("flare_aaaaaaaa_wrong", "GET", "/v1/info"), "401 unauthenticated");
    EXPECT_EQ(with(key_.secret + "x", "GET", "/v1/info"), "401 unauthenticated");
    EXPECT_EQ(with("x", "GET", "/v1/info"), "401 unauthenticated");
    EXPECT_EQ(with(over.secret, "GET", "/v1/info"), "401 token_expired");
    EXPECT_EQ(with(reader.secret, "GET", "/v1/info"), "403 forbidden");
    EXPECT_EQ(with(reader.secret, "POST", "/v1/messages"), "403 forbidden");
    EXPECT_EQ(with(reader.secret, "GET", "/v1/conversations/room:no/messages"), "404 unknown_conversation");
    EXPECT_NE(ask_with(server, {}, "GET", "/v1/info").head.find("WWW-Authenticate: Bearer"), std::string::npos);
}

TEST_F(TheServerApi, SaysWhichFieldIsAtFault) {
    Server server = started(builder());
    const auto publish = [&](const std::string& body) { return said(server, "POST", "/v1/messages", body); };
    EXPECT_EQ(publish("{"), "400 malformed_json");
    EXPECT_EQ(publish("[]"), "400 malformed_json");
    EXPECT_EQ(publish(""), "400 malformed_json to");
    EXPECT_EQ(publish(R"({"to":"bob"})"), "400 malformed_json text");
    EXPECT_EQ(publish(R"({"to":7,"text":"x"})"), "400 malformed_json to");
    EXPECT_EQ(publish(R"({"to":"server","text":"x"})"), "400 invalid_name to");
    EXPECT_EQ(publish(R"({"to":["bob","bob"],"text":"x"})"), "400 malformed_json to");
    EXPECT_EQ(publish(R"({"to":["bob",7],"text":"x"})"), "400 malformed_json to[1]");
    EXPECT_EQ(publish(R"({"to":"room:","text":"x"})"), "400 invalid_name to");
    EXPECT_EQ(publish(R"({"to":"bob","from":"room:x","text":"x"})"), "400 invalid_name from");
    EXPECT_EQ(publish(R"({"to":"bob","text":"x","base64":"eA=="})"), "400 malformed_json base64");
    EXPECT_EQ(publish(R"({"to":"bob","base64":"?"})"), "400 malformed_json base64");
    EXPECT_EQ(publish(R"({"to":"bob","text":"x","id":"7"})"), "400 invalid_message_id id");
    EXPECT_EQ(publish(R"({"to":"bob","text":"x","silent":1})"), "400 malformed_json silent");
    EXPECT_EQ(publish(R"({"to":"bob","text":"x","reply_to":-1})"), "400 malformed_json reply_to");
    EXPECT_EQ(publish(R"({"to":"bob","text":"x","colour":"red"})"), "400 malformed_json colour");
    EXPECT_EQ(publish(R"({"to":"room:no","text":"x"})"), "404 unknown_conversation");
    EXPECT_EQ(publish(R"({"to":"bob","text":")" + std::string(1100 * 1024, 'x') + R"("})"),
              "413 message_too_large text");
    EXPECT_EQ(said(server, "POST", "/v1/messages/batch", R"({"messages":[{"to":"bob","text":"x"},{"text":"x"}]})"),
              "400 malformed_json messages[1].to");
    EXPECT_EQ(said(server, "POST", "/v1/messages/batch", R"({"messages":[]})"), "400 malformed_json messages");
    EXPECT_EQ(said(server, "GET", "/v1/conversations?limit=0"), "400 malformed_json limit");
    EXPECT_EQ(said(server, "GET", "/v1/conversations?limit=201"), "400 malformed_json limit");
    EXPECT_EQ(said(server, "GET", "/v1/conversations?lmit=1"), "400 malformed_json lmit");
    EXPECT_EQ(said(server, "GET", "/v1/conversations?cursor=x"), "400 malformed_json cursor");
    EXPECT_EQ(said(server, "GET", "/v1/conversations/lunch"), "400 invalid_name conversation");
    EXPECT_EQ(said(server, "GET", "/v1/conversations/room:a%zz"), "400 malformed_json");
    EXPECT_EQ(said(server, "GET", "/v1/nothing"), "404 not_supported");
    EXPECT_EQ(said(server, "PUT", "/v1/messages"), "405 not_supported");
    const ApiAnswer options = ask(server, "OPTIONS", "/v1/conversations/room:a");
    EXPECT_EQ(options.status, 204u);
    EXPECT_NE(options.head.find("Allow: DELETE, GET, HEAD, OPTIONS, PATCH"), std::string::npos) << options.head;
    EXPECT_EQ(said(server, "POST", "/v1/users/bob/erase", std::string(5000, ' ')), "413 message_too_large");
}

TEST_F(TheServerApi, AKeyThatAsksTooOftenIsToldWhenToAskAgain) {
    ServerApi api;
    api.address = "127.0.0.1:0";
    api.keys = {line(key_)};
    api.per_second = 1;
    api.burst = 3;
    Server server = started(quiet_server().server_api(api));
    unsigned refused = 0;
    for (int i = 0; i < 6; ++i) {
        const ApiAnswer answer = ask(server, "GET", "/v1/info");
        EXPECT_NE(answer.head.find("RateLimit-Policy: \"default\";q=3;w=3\r\n"), std::string::npos) << answer.head;
        const std::string left = "RateLimit: \"default\";r=" + std::string(i == 0 ? "2" : i == 1 ? "1" : "0") + ";t=";
        EXPECT_TRUE(i >= 3 || answer.head.find(left) != std::string::npos) << answer.head;
        if (answer.status != 429) continue;
        ++refused;
        EXPECT_EQ(answer.errc(), "rate_limited");
        EXPECT_NE(answer.head.find("Retry-After: "), std::string::npos);
    }
    EXPECT_GE(refused, 1u);
}

TEST_F(TheServerApi, AThousandConnectionsThatSayNothingKeepNobodyOut) {
    Server server = started(builder());
    boost::asio::io_context context;
    const std::string address = server.api_addr();
    const auto port = static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
    const boost::asio::ip::tcp::endpoint at(boost::asio::ip::address_v4::loopback(), port);
    std::vector<boost::asio::ip::tcp::socket> silent;
    for (int i = 0; i < 1000; ++i) silent.emplace_back(context).connect(at);
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"bob","text":"hello"})"), "200");
    EXPECT_EQ(said(server, "GET", "/v1/users/bob/unread"), "200");
    Events events;
    Client bob = connected(client_of(server.websocket_addr(), "bob", events));
    EXPECT_TRUE(bob.send_text_message("bob", "chat goes on").success);
}

TEST_F(TheServerApi, WithoutAStoreItSaysSo) {
    Server server = started(with_api(quiet_server(), {line(key_)}));
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"bob","text":"x"})"), "501 not_supported");
    EXPECT_EQ(said(server, "GET", "/v1/conversations"), "501 not_supported");
    EXPECT_EQ(ask(server, "GET", "/v1/info").text("store"), "null");
}

TEST_F(TheServerApi, DoesNotStartWithoutAKeyOrInTheClearForOthers) {
    auto refused = with_api(quiet_server(), {}).build();
    ASSERT_TRUE(refused);
    const auto no_key = refused->start();
    ASSERT_FALSE(no_key);
    EXPECT_NE(no_key.error().text.find("flare api-key create"), std::string::npos) << no_key.error().text;
    auto open = with_api(quiet_server().allow_insecure(false), {line(key_)}, "0.0.0.0:0").build();
    ASSERT_TRUE(open);
    const auto exposed = open->start();
    ASSERT_FALSE(exposed);
    EXPECT_EQ(exposed.error().code, errc::invalid_config);
    const auto wrong = with_api(quiet_server(), {"k"}).build()->start();
    ASSERT_FALSE(wrong);
}

}  // namespace
}  // namespace flare::test
