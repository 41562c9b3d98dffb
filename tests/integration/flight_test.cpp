// Flight records of clients and servers, and what the admin address tells of sessions.
#include "integration/harness.hpp"
#include "integration/http_get.hpp"
#include "support/folder.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <sys/stat.h>
#include <filesystem>
#include <thread>

namespace flare::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

json::value body_of(const std::string& answer) {
    boost::system::error_code wrong;
    json::value value = json::parse(answer.substr(answer.find("\r\n\r\n") + 4), wrong);
    EXPECT_FALSE(wrong) << answer;
    return value;
}

bool has_event(const std::string& record, const std::string& event) {
    return record.find("\"event\":\"" + event + "\"") != std::string::npos;
}

TEST(FlightRecord, TellsOfAConnectAndEveryLineIsAnObject) {
    Server server = started(quiet_server());
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events).token("a secret"));
    ASSERT_TRUE(client.send_text_message("server", "a payload").success);
    const std::string record = client.get_flight_record();
    for (const char* event : {"client", "connect_asked", "connecting", "connected", "session", "in_use"})
        EXPECT_TRUE(has_event(record, event)) << event << "\n" << record;
    EXPECT_NE(record.find(client.get_session_id()), std::string::npos);
    EXPECT_EQ(record.find("a secret"), std::string::npos);
    EXPECT_EQ(record.find("a payload"), std::string::npos);
    std::istringstream lines(record);
    for (std::string line; std::getline(lines, line);) EXPECT_TRUE(json::parse(line).is_object()) << line;
}

TEST(FlightRecord, DoesNotGrowWithMessages) {
    Server server = started(quiet_server());
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events));
    ASSERT_TRUE(client.send_text_message("server", "x").success);
    const std::string before = client.get_flight_record();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(client.send_text_message("server", "x").success);
    EXPECT_EQ(client.get_flight_record(), before);
}

TEST(FlightRecord, LeavesOutPathsAndQueriesOfAddresses) {
    Server server = started(quiet_server());
    Events events;
    Client client = connected(client_of(server.websocket_addr() + "/chat?key=hidden", "ann", events));
    EXPECT_EQ(client.get_flight_record().find("hidden"), std::string::npos);
}

TEST(FlightRecord, IsKeptAsAFileOfItsSession) {
    const Folder folder;
    Server server = started(quiet_server());
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events).flight_recorder(folder.path("")));
    const std::string file = client.get_session_id() + ".jsonl";
    EXPECT_EQ(folder.read(file), client.get_flight_record());
    struct stat status {};
    ASSERT_EQ(::stat(folder.path(file).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    client.disconnect();
    EXPECT_TRUE(has_event(folder.read(file), "disconnected"));
}

TEST(FlightRecord, AFolderThatIsMissingIsOneErrorAndHarmsNothing) {
    Server server = started(quiet_server());
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events).flight_recorder("/nowhere/records"));
    ASSERT_TRUE(client.send_text_message("server", "x").success);
    client.disconnect();
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    const auto errors = events.all<event::Error>();
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors[0].failure.code, errc::file_not_found);
    EXPECT_NE(errors[0].failure.text.find("/nowhere/records"), std::string::npos) << errors[0].failure.text;
}

TEST(FlightRecord, OfAConnectThatFailedIsKeptToo) {
    const Folder folder;
    std::string address;
    {
        Server server = started(quiet_server());
        address = server.websocket_addr();
    }
    Events events;
    auto client = client_of(address, "ann", events).flight_recorder(folder.path("")).build();
    ASSERT_TRUE(client);
    EXPECT_FALSE(client->connect());
    std::vector<fs::path> files;
    for (const auto& each : fs::directory_iterator(folder.path(""))) files.push_back(each.path());
    ASSERT_EQ(files.size(), 1u);
    EXPECT_TRUE(files[0].filename().string().starts_with("connect-"));
    EXPECT_TRUE(has_event(folder.read(files[0].filename()), "gave_up"));
}

TEST(Admin, RefusesNamesThatAWebPageMayHaveLeadHere) {
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    for (const char* host : {"page.example", "page.example:4001", "localhost.page.example"})
        EXPECT_TRUE(http_get(server.admin_addr(), "/sessions", host).starts_with("HTTP/1.1 403")) << host;
    for (const char* host : {"127.0.0.1:4001", "[::1]:4001", "localhost", "localhost:4001"})
        EXPECT_TRUE(http_get(server.admin_addr(), "/sessions", host).starts_with("HTTP/1.1 200")) << host;
}

TEST(Admin, ListsSessionsAndTellsWhatHappenedToEach) {
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events).token("a secret"));
    Client bob = connected(client_of(server.websocket_addr(), "bob", events));
    ASSERT_TRUE(ann.send_text_message("server", "a payload").success);

    const json::value all = body_of(http_get(server.admin_addr(), "/sessions"));
    ASSERT_EQ(all.at("sessions").as_array().size(), 2u);
    EXPECT_EQ(all.at("sessions").at(0).at("user").as_string(), "bob") << "the newest comes first";
    const json::value anns = body_of(http_get(server.admin_addr(), "/sessions?user=ann"));
    ASSERT_EQ(anns.at("sessions").as_array().size(), 1u);

    const std::string answer = http_get(server.admin_addr(), "/sessions/" + ann.get_session_id());
    EXPECT_EQ(answer.find("a secret"), std::string::npos);
    EXPECT_EQ(answer.find("a payload"), std::string::npos);
    const json::value one = body_of(answer);
    const json::value& session = one.at("session");
    EXPECT_EQ(session.at("user").as_string(), "ann");
    EXPECT_EQ(session.at("state").as_string(), "attached");
    ASSERT_EQ(session.at("carriers").as_array().size(), 1u);
    EXPECT_EQ(session.at("carriers").at(0).at("protocol").as_string(), "websocket");
    EXPECT_EQ(session.at("carriers").at(0).at("peer").as_string(), "127.0.0.1");
    EXPECT_TRUE(session.at("carriers").at(0).at("in_use").as_bool());
    const std::string record = json::serialize(one.at("record"));
    for (const char* event : {"server_made", "server_attached", "server_activated"})
        EXPECT_TRUE(has_event(record, event)) << event << record;

    ASSERT_EQ(server.drop_connections("ann").value(), 1u);
    ASSERT_TRUE(events.wait_for<event::Reconnected>());
    const std::string later = http_get(server.admin_addr(), "/sessions/" + ann.get_session_id());
    EXPECT_TRUE(has_event(later, "server_closed"));
    EXPECT_TRUE(has_event(later, "server_resumed"));
}

TEST(Admin, RemembersASessionThatHasEnded) {
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events).auto_reconnect(false));
    const std::string id = ann.get_session_id();
    ASSERT_EQ(server.disconnect_user("ann").value(), 1u);
    ASSERT_TRUE(events.wait_for<event::Disconnected>());
    // The client hears of the end first: the server waits for its answer to the goodbye.
    json::value one;
    for (int i = 0; i < 1000; ++i) {
        one = body_of(http_get(server.admin_addr(), "/sessions/" + id));
        if (one.at("session").is_null()) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(one.at("session").is_null());
    EXPECT_TRUE(has_event(json::serialize(one.at("record")), "server_ended")) << json::serialize(one);
}

TEST(Admin, RefusesWhatIsNoSessionsId) {
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    EXPECT_TRUE(http_get(server.admin_addr(), "/sessions/../../etc/passwd").starts_with("HTTP/1.1 400"));
    EXPECT_TRUE(http_get(server.admin_addr(), "/sessionsx").starts_with("HTTP/1.1 400"));
    EXPECT_TRUE(http_get(server.admin_addr(), "/sessions/" + Uuid::v7().str()).starts_with("HTTP/1.1 404"));
    EXPECT_TRUE(http_get(server.websocket_addr(), "/sessions").starts_with("HTTP/1.1 404")) << "it is for the operator";
}

TEST(Admin, TellsItsFiguresAsJson) {
    Server server = started(quiet_server().admin_addr("127.0.0.1:0"));
    Events events;
    Client ann = connected(client_of(server.websocket_addr(), "ann", events));
    ASSERT_TRUE(ann.send_text_message("server", "x").success);
    const json::value stats = body_of(http_get(server.admin_addr(), "/stats"));
    EXPECT_EQ(stats.at("sessions").to_number<int>(), 1);
    EXPECT_EQ(stats.at("messages_received").to_number<int>(), 1);
    EXPECT_EQ(stats.at("connections").at("websocket").to_number<int>(), 1);
    EXPECT_EQ(stats.at("workers").as_array().size(), 2u);
    EXPECT_GT(stats.at("up_ms").to_number<double>(), 0);
}

}  // namespace
}  // namespace flare::test
