// Hooks over a socket: what an endpoint is told, in which order, and what becomes of it when it fails.
#include "conversations/api_asking.hpp"
#include "server/hooks/signature.hpp"
#include "store/backend_reader.hpp"
#include "store/sqlite/sqlite.hpp"
#include "support/http_server.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <set>

namespace flare::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// "whsec_" and the base64 of 24 bytes.
constexpr const char* kSecret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
constexpr const char* kOtherSecret = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4";

std::string header(const std::string& request, const std::string& name) {
    const std::string line = "\r\n" + name + ": ";
    const std::size_t at = request.find(line);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + line.size();
    return request.substr(begin, request.find("\r\n", begin) - begin);
}

// An endpoint that says with which status it answers, and keeps what it has taken.
class HookedEndpoint {
public:
    using Judge = std::function<int(const std::string& request)>;
    explicit HookedEndpoint(Judge judge = [](const std::string&) { return 200; })
        : judge_(std::move(judge)), server_([this](const std::string& request) { return answer(request); }) {
        server_.keep_connections();
    }

    ServerHook hook(std::vector<std::string> events = {}) const {
        ServerHook made;
        made.name = "orders";
        made.url = server_.url();
        made.events = std::move(events);
        made.secrets = {kSecret};
        return made;
    }
    // "message.created room:lunch soup", of those that were answered with 200, in their order.
    std::vector<std::string> taken() {
        const std::lock_guard lock(mutex_);
        return taken_;
    }
    std::vector<std::string> wait_for(std::size_t count) {
        eventually([&] { return taken().size() >= count; });
        return taken();
    }
    std::vector<std::string> ids() {
        const std::lock_guard lock(mutex_);
        return ids_;
    }
    std::string last_body() {
        const std::lock_guard lock(mutex_);
        return body_;
    }
    HttpServer& server() { return server_; }
    std::size_t unsigned_requests() const { return unsigned_; }

private:
    std::string answer(const std::string& request) {
        const std::string body = request.substr(request.find("\r\n\r\n") + 4);
        const std::array keys{*server::hooks::key_of_secret(kSecret)};
        const std::string expected = server::hooks::signature_of(
            keys, header(request, "webhook-id"), std::stoull(header(request, "webhook-timestamp")), body);
        if (header(request, "webhook-signature").find(expected) == std::string::npos) ++unsigned_;
        const int status = judge_(request);
        if (status == 200) take(body);
        return status == 0 ? std::string() : http_answer(status, "{}");
    }
    void take(const std::string& body) {
        const auto read = boost::json::parse(body);
        const std::lock_guard lock(mutex_);
        body_ = body;
        for (const auto& each : read.at("events").as_array()) {
            const auto& data = each.at("data").as_object();
            std::string line = each.at("type").as_string().c_str();
            const auto* const room = data.if_contains("conversation");
            if (room != nullptr) line += std::string(" ") + room->as_string().c_str();
            const auto* const entry = data.if_contains("entry");
            if (entry != nullptr && entry->as_object().contains("text"))
                line += std::string(" ") + entry->at("text").as_string().c_str();
            if (data.contains("user")) line += std::string(" ") + data.at("user").as_string().c_str();
            taken_.push_back(line);
            ids_.emplace_back(each.at("id").as_string().c_str());
        }
    }

    const Judge judge_;
    std::atomic<std::size_t> unsigned_{0};
    std::mutex mutex_;
    std::vector<std::string> taken_;
    std::vector<std::string> ids_;
    std::string body_;
    HttpServer server_;
};

class TheHooks : public AskingTheApi {
protected:
    Server server_with(ServerHook hook) const { return started(builder().hooks({std::move(hook)})); }
    void make_room(const Server& server) const {
        ASSERT_EQ(said(server, "POST", "/v1/conversations", R"({"conversation":"room:lunch","owner":"ann"})"), "200");
    }
    void say(const Server& server, const std::string& text) const {
        ASSERT_EQ(said(server, "POST", "/v1/messages", R"({"to":"room:lunch","from":"ann","text":")" + text + "\"}"),
                  "200");
    }
    static HookStatus status(const Server& server) { return server.hooks().status().at(0); }
};

TEST_F(TheHooks, AreToldWhatTheLogHasInItsOrder) {
    HookedEndpoint endpoint;
    Server server = server_with(endpoint.hook());
    make_room(server);
    say(server, "soup");
    ASSERT_EQ(said(server, "PATCH", "/v1/conversations/room:lunch/messages/2", R"({"by":"ann","text":"stew"})"), "200");
    ASSERT_EQ(said(server, "POST", "/v1/conversations/room:lunch/messages/2/reactions", R"({"by":"ann","key":"+1"})"),
              "200");
    ASSERT_EQ(said(server, "POST", "/v1/conversations/room:lunch/members", R"({"users":["bob"]})"), "200");
    ASSERT_EQ(said(server, "PATCH", "/v1/conversations/room:lunch", R"({"title":"Lunch"})"), "200");
    ASSERT_EQ(said(server, "DELETE", "/v1/conversations/room:lunch/messages/2"), "200");
    ASSERT_EQ(said(server, "DELETE", "/v1/conversations/room:lunch"), "200");
    const auto taken = endpoint.wait_for(8);
    EXPECT_EQ(taken.front(), "conversation.created room:lunch");
    EXPECT_EQ(taken.back(), "conversation.ended room:lunch");
    std::vector<std::string> kinds;
    for (const std::string& each : taken) kinds.push_back(each.substr(0, each.find(' ')));
    EXPECT_THAT(kinds, ElementsAre("conversation.created", "message.created", "message.updated", "reaction.added",
                                   "member.added", "conversation.updated", "message.deleted", "conversation.ended"));
    EXPECT_EQ(endpoint.unsigned_requests(), 0u);
    const auto ids = endpoint.ids();
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 8u) << "each has an id of its own";
}

TEST_F(TheHooks, AreToldOnlyWhatTheyWant) {
    HookedEndpoint endpoint;
    Server server = server_with(endpoint.hook({"message.created"}));
    make_room(server);
    say(server, "soup");
    ASSERT_EQ(said(server, "PATCH", "/v1/conversations/room:lunch/messages/2", R"({"by":"ann","text":"stew"})"), "200");
    say(server, "bread");
    EXPECT_EQ(endpoint.wait_for(2).back(), "message.created room:lunch bread");
    EXPECT_THAT(endpoint.taken(), SizeIs(2));
}

TEST_F(TheHooks, ASecondKeySignsToo) {
    HookedEndpoint endpoint;
    ServerHook hook = endpoint.hook();
    hook.secrets = {kOtherSecret, kSecret};
    Server server = server_with(hook);
    make_room(server);
    endpoint.wait_for(1);
    EXPECT_EQ(endpoint.unsigned_requests(), 0u);
    const std::string signatures = header(endpoint.server().requests().front(), "webhook-signature");
    EXPECT_EQ(std::ranges::count(signatures, ' '), 1);
}

TEST_F(TheHooks, WhatFailsIsSentAgainAndNothingOvertakesIt) {
    std::atomic<int> refused{0};
    HookedEndpoint endpoint([&](const std::string&) {
        constexpr std::array kAnswers{500, 302, 0, 429};
        const int number = refused++;
        return number < 4 ? kAnswers[static_cast<std::size_t>(number)] : 200;
    });
    ServerHook hook = endpoint.hook({"message.created"});
    Server server = server_with(hook);
    make_room(server);
    for (const char* text : {"1", "2", "3"}) say(server, text);
    eventually([&] { return status(server).state == HookStatus::State::failing; });
    EXPECT_TRUE(status(server).next_try);
    const auto taken = endpoint.wait_for(3);
    EXPECT_THAT(taken, ElementsAre("message.created room:lunch 1", "message.created room:lunch 2",
                                   "message.created room:lunch 3"));
    eventually([&] { return status(server).state == HookStatus::State::running; });
    EXPECT_EQ(status(server).failures, 3u) << "one that was only cut off is asked again at once";
    EXPECT_EQ(status(server).delivered, 3u);
    EXPECT_EQ(header(endpoint.server().requests()[0], "webhook-id"),
              header(endpoint.server().requests()[1], "webhook-id"));
}

TEST_F(TheHooks, GoOnWhereTheyWereAfterARestart) {
    std::atomic<bool> up{true};
    HookedEndpoint endpoint([&](const std::string&) { return up ? 200 : 503; });
    {
        Server server = server_with(endpoint.hook({"message.created"}));
        make_room(server);
        say(server, "before");
        endpoint.wait_for(1);
        eventually([&] { return status(server).place == status(server).newest; });
        up = false;
        say(server, "between");
        eventually([&] { return status(server).failures > 0; });
        server.stop();
    }
    up = true;
    Server server = server_with(endpoint.hook({"message.created"}));
    say(server, "after");
    EXPECT_THAT(endpoint.wait_for(3),
                ElementsAre("message.created room:lunch before", "message.created room:lunch between",
                            "message.created room:lunch after"));
}

TEST_F(TheHooks, BeginWithWhatComesAfterTheyWereConfigured) {
    {
        Server server = started(builder());
        make_room(server);
        say(server, "earlier");
        server.stop();
    }
    HookedEndpoint endpoint;
    Server server = server_with(endpoint.hook());
    say(server, "later");
    EXPECT_THAT(endpoint.wait_for(1), ElementsAre("message.created room:lunch later"));
    ASSERT_TRUE(server.hooks().replay("orders", 0));
    EXPECT_THAT(endpoint.wait_for(4), SizeIs(4)) << "all of it, when that is asked for";
    EXPECT_EQ(server.hooks().replay("other", 0).error().code, errc::unknown_hook);
}

TEST_F(TheHooks, ArePausedAndResumedThroughTheApi) {
    HookedEndpoint endpoint;
    {
        Server server = server_with(endpoint.hook({"message.created"}));
        make_room(server);
        EXPECT_EQ(said(server, "POST", "/v1/hooks/orders/pause"), "200");
        EXPECT_EQ(said(server, "POST", "/v1/hooks/none/pause"), "404 unknown_hook");
        eventually([&] { return status(server).state == HookStatus::State::paused; });
        say(server, "1");
        server.stop();
    }
    Server server = server_with(endpoint.hook({"message.created"}));
    say(server, "2");
    const ApiAnswer listed = ask(server, "GET", "/v1/hooks");
    EXPECT_EQ(listed.body.at("hooks").at(0).at("state"), "paused") << "after a restart, too";
    EXPECT_THAT(endpoint.taken(), SizeIs(0));
    EXPECT_EQ(said(server, "POST", "/v1/hooks/orders/resume"), "200");
    EXPECT_THAT(endpoint.wait_for(2), SizeIs(2));
    const std::string from = R"({"from":"2020-01-01T00:00:00Z"})";
    EXPECT_EQ(said(server, "POST", "/v1/hooks/orders/replay", from), "200");
    EXPECT_THAT(endpoint.wait_for(4), SizeIs(4));
    EXPECT_EQ(said(server, "POST", "/v1/hooks/orders/replay", "{}"), "400 malformed_json after");
}

TEST_F(TheHooks, AnEndpointThatIsGoneIsPaused) {
    HookedEndpoint endpoint([](const std::string&) { return 410; });
    Server server = server_with(endpoint.hook());
    make_room(server);
    eventually([&] { return status(server).state == HookStatus::State::paused; });
    EXPECT_THAT(status(server).last_error, HasSubstr("410"));
}

TEST_F(TheHooks, SessionsAreToldAndNotKept) {
    HookedEndpoint endpoint;
    Server server = server_with(endpoint.hook({"session.*", "user.*"}));
    {
        Events events;
        Client ann = connected(client_of(server.websocket_addr(), "ann", events));
        endpoint.wait_for(2);
        ann.disconnect();
    }
    EXPECT_THAT(endpoint.wait_for(4),
                ElementsAre("session.opened ann", "user.online ann", "session.closed ann", "user.offline ann"));
}

TEST_F(TheHooks, OneThatIsToldNothingOfTheLogHoldsNothingOfItBack) {
    HookedEndpoint endpoint;
    {
        Server server = server_with(endpoint.hook({"session.*"}));
        ASSERT_TRUE(server.hooks().pause("orders"));
        eventually([&] { return status(server).state == HookStatus::State::paused; });
        server.stop();
    }
    const auto engine = store::sqlite::open({.path = folder.path("flare.db")}).value();
    const auto marks = engine->reader()->backend().hook_marks();
    ASSERT_TRUE(marks);
    EXPECT_TRUE(marks->empty());
}

TEST_F(TheHooks, PushesAreToldToAnEndpoint) {
    HookedEndpoint endpoint;
    Server server = started(builder().hooks({endpoint.hook({"push.*"})}).push_after(50ms));
    {
        Events events;
        Client bob = connected(client_of(server.websocket_addr(), "bob", events));
        ASSERT_TRUE(bob.push().register_device("fcm", "token"));
        bob.disconnect();
    }
    ASSERT_EQ(said(server, "POST", "/v1/messages", R"({"to":"bob","from":"ann","text":"hello"})"), "200");
    EXPECT_THAT(endpoint.wait_for(1), ElementsAre("push.requested bob"));
    EXPECT_THAT(endpoint.last_body(), HasSubstr(R"("token":"token")"));
    EXPECT_THAT(endpoint.last_body(), HasSubstr(R"("text":"hello")"));
}

// ---- hooks that are asked ----

// Answers what `judge` makes of "message.before_create ann hello".
class AskedEndpoint {
public:
    using Judge = std::function<std::string(const std::string& question)>;
    explicit AskedEndpoint(Judge judge)
        : judge_(std::move(judge)), server_([this](const std::string& request) { return answer(request); }) {
        server_.keep_connections();
    }
    ServerHook hook(std::vector<std::string> events, ServerHook::OnFailure on_failure) const {
        ServerHook made;
        made.name = "gate";
        made.url = server_.url();
        made.events = std::move(events);
        made.secrets = {kSecret};
        made.on_failure = on_failure;
        made.timeout = 5s;
        return made;
    }
    HttpServer& server() { return server_; }

private:
    std::string answer(const std::string& request) {
        const auto body = boost::json::parse(request.substr(request.find("\r\n\r\n") + 4));
        const auto& data = body.at("data").as_object();
        std::string line = body.at("type").as_string().c_str();
        if (data.contains("user")) line += std::string(" ") + data.at("user").as_string().c_str();
        if (data.contains("message"))
            line += std::string(" ") + data.at("message").at("from").as_string().c_str() + " " +
                    data.at("message").at("text").as_string().c_str();
        const std::string said = judge_(line);
        return said.starts_with("{") || said.empty() ? http_answer(200, said) : said;
    }
    const Judge judge_;
    HttpServer server_;
};

using OnFailure = ServerHook::OnFailure;

TEST_F(TheHooks, ThatAreAskedDecideAndAlter) {
    AskedEndpoint endpoint([](const std::string& question) -> std::string {
        if (question.ends_with(" rude")) return R"({"action":"refuse","text":"be nice"})";
        if (question.ends_with(" plain")) return R"({"action":"alter","text":"fancy"})";
        return {};
    });
    Server server = server_with(endpoint.hook({"message.before_create", "message.before_update"}, OnFailure::refuse));
    Events ann_events;
    Events bob_events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", ann_events));
    Client bob = connected(client_of(server.websocket_addr(), "bob", bob_events));
    EXPECT_TRUE(ann.send_text_message("bob", "hello").success);
    const SendResult refused = ann.send_text_message("bob", "rude");
    EXPECT_FALSE(refused.success);
    EXPECT_EQ(refused.error, errc::forbidden);
    EXPECT_EQ(refused.error_message, "be nice");
    EXPECT_TRUE(ann.send_text_message("bob", "plain").success);
    ASSERT_TRUE(bob_events.wait_for<event::MessageReceived>(2));
    EXPECT_EQ(bob_events.all<event::MessageReceived>()[1].message.payload.str(), "fancy");
    const auto history = ann.conversations().history("bob");
    ASSERT_TRUE(history);
    ASSERT_EQ(history->entries.size(), 2u);
    EXPECT_EQ(history->entries[1].payload.str(), "fancy") << "in the log, too";
    const auto edited =
        ann.conversations().edit_message("bob", {0, history->entries[0].offset}, {"text", Bytes("rude")});
    EXPECT_EQ(edited.error().code, errc::forbidden);
    EXPECT_EQ(said(server, "POST", "/v1/messages", R"({"to":"bob","from":"ann","text":"rude"})"), "200")
        << "what a back-end writes is not asked of it";
}

TEST_F(TheHooks, ThatAreAskedDecideWhoJoinsAndWhatIsMade) {
    AskedEndpoint endpoint([](const std::string& question) -> std::string {
        return question.ends_with(" eve") ? R"({"action":"refuse"})" : R"({"action":"accept"})";
    });
    Server server = server_with(endpoint.hook({"conversation.before_create", "member.before_join"}, OnFailure::refuse));
    Events ann_events;
    Events eve_events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", ann_events));
    Client eve = connected(client_of(server.websocket_addr(), "eve", eve_events));
    const auto open = RoomOptions().with_join(JoinPolicy::open);
    ASSERT_TRUE(ann.conversations().create("room:lunch", open));
    EXPECT_EQ(eve.conversations().create("room:dinner", open).error().code, errc::forbidden);
    const auto joined = eve.conversations().join("room:lunch");
    EXPECT_EQ(joined.error().code, errc::forbidden);
    EXPECT_THAT(joined.error().text, HasSubstr("does not allow"));
}

TEST_F(TheHooks, OneThatDoesNotAnswerAcceptsOrPutsOff) {
    std::atomic<int> failing{1};
    AskedEndpoint endpoint([&](const std::string&) { return failing-- > 0 ? http_answer(500, "{}") : std::string(); });
    {
        Server server = server_with(endpoint.hook({"message.before_create"}, OnFailure::accept));
        Events events;
        Client ann = connected(client_of(server.websocket_addr(), "ann", events));
        EXPECT_TRUE(ann.send_text_message("ann", "note").success);
        EXPECT_THAT(status(server).last_error, HasSubstr("500"));
        server.stop();
    }
    failing = 2;
    Server server = server_with(endpoint.hook({"message.before_create"}, OnFailure::refuse));
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events));
    const SendResult sent = ann.send_text_message("ann", "another");
    EXPECT_TRUE(sent.success) << "when the endpoint is back";
    EXPECT_EQ(sent.retry_count, 2u);
    EXPECT_EQ(status(server).failures, 2u);
    EXPECT_TRUE(status(server).asked);
}

TEST_F(TheHooks, WhatIsNoVerdictIsAFailure) {
    std::atomic<int> number{0};
    AskedEndpoint endpoint([&](const std::string&) -> std::string {
        constexpr std::array kAnswers{R"({"action":"perhaps"})", R"({"action":"refuse","why":"x"})",
                                      R"({"action":"alter"})", "HTTP/1.1 200 x\r\nContent-Length: 4\r\n\r\n[1]\n"};
        return kAnswers[static_cast<std::size_t>(number++) % kAnswers.size()];
    });
    Server server = server_with(endpoint.hook({"message.before_create"}, OnFailure::accept));
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events));
    for (std::uint64_t i = 1; i <= 4; ++i) {
        EXPECT_TRUE(ann.send_text_message("ann", "note").success);
        EXPECT_EQ(status(server).failures, i);
    }
    EXPECT_EQ(status(server).delivered, 0u);
}

TEST_F(TheHooks, AMistakeIsSaid) {
    const auto wrong = [&](auto change) {
        ServerHook hook;
        hook.name = "orders";
        hook.url = "http://127.0.0.1:1/";
        hook.secrets = {kSecret};
        change(hook);
        auto server = builder().hooks({hook}).build();
        return server ? std::string("built") : server.error().text;
    };
    EXPECT_EQ(wrong([](ServerHook&) {}), "built");
    EXPECT_THAT(wrong([](ServerHook& hook) { hook.name = "A b"; }), HasSubstr("its name"));
    EXPECT_THAT(wrong([](ServerHook& hook) { hook.url = "ftp://x"; }), HasSubstr("url"));
    EXPECT_THAT(wrong([](ServerHook& hook) { hook.events = {"message.craeted"}; }), HasSubstr("is no event"));
    EXPECT_THAT(wrong([](ServerHook& hook) { hook.secrets.clear(); }), HasSubstr("secret"));
    EXPECT_THAT(wrong([](ServerHook& hook) { hook.events = {"message.before_create"}; }), HasSubstr("on_failure"));
    EXPECT_THAT(wrong([](ServerHook& hook) { hook.on_failure = ServerHook::OnFailure::accept; }),
                HasSubstr("on_failure"));
    EXPECT_THAT(wrong([](ServerHook& hook) {
                    hook.events = {"message.before_create", "message.created"};
                }),
                HasSubstr("make two hooks"));
    auto no_store = quiet_server()
                        .hooks({[] {
                            ServerHook hook;
                            hook.name = "orders";
                            hook.url = "http://127.0.0.1:1/";
                            hook.secrets = {kSecret};
                            return hook;
                        }()})
                        .build();
    ASSERT_TRUE(no_store);
    EXPECT_THAT(no_store->start().error().text, HasSubstr("no store"));
    ServerHook bad;
    bad.name = "orders";
    bad.url = "http://127.0.0.1:1/";
    bad.secrets = {"secret"};
    auto started_badly = builder().hooks({bad}).build();
    ASSERT_TRUE(started_badly);
    EXPECT_THAT(started_badly->start().error().text, HasSubstr("whsec_"));
}

}  // namespace
}  // namespace flare::test
