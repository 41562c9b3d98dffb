// flare store, as an operator uses it.
#include "support/folder.hpp"
#include "support/tool_process.hpp"

#include <flare/client.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// A server of its own, whose store is file(); gone at the end of the object.
class ServerOfAStore {
public:
    explicit ServerOfAStore(const std::string& file)
        : process_({"server", "--json", "--config", "/dev/null", "--quic-enabled=false", "--websocket-address",
                    "127.0.0.1:0", "--worker-threads", "1", "--store", file}) {
        EXPECT_TRUE(process_.says("\n")) << process_.err();
    }
    // From ann to bob, who has been here.
    void send(const std::string& text) {
        const std::string out = process_.out();
        const auto told = boost::json::parse(out.substr(0, out.find('\n'))).as_object();
        const std::string url(told.at("websocket").as_string());
        for (const char* const user : {"bob", "ann"}) {
            Client client = *ClientBuilder(user).server_addresses(ServerAddresses().with_websocket_url(url)).build();
            ASSERT_TRUE(client.connect());
            EXPECT_TRUE(client.send_text_message(user == std::string("ann") ? "bob" : "server", text).success);
            client.disconnect();
        }
    }
    void stop() {
        process_.signal(SIGTERM);
        EXPECT_EQ(process_.wait(), 0);
    }
    std::string err() { return process_.err(); }

private:
    ToolProcess process_;
};

TEST(FlareStore, BacksUpWhileTheServerRunsAndRestores) {
    const Folder folder;
    const std::string file = folder.path("flare.db");
    const std::string backup = folder.path("backup.db");
    ServerOfAStore server(file);
    server.send("one");
    EXPECT_THAT(server.err(), HasSubstr("conversations are kept in " + file + ": a message that is stored is on disk"));

    Ran ran = run_tool({"store", "backup", file, backup});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.out, "backed up to " + backup + ": 1 entry in 1 conversation of 2 users\n");
    ran = run_tool({"store", "backup", file, backup});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr("already exists"));
    EXPECT_THAT(ran.err, HasSubstr("--force"));
    server.send("two");
    ran = run_tool({"store", "check", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr("used by process"));
    ran = run_tool({"store", "restore", backup, file, "--force"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr("used by process"));
    server.stop();

    ran = run_tool({"store", "check", file});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.out, "2 entries in 1 conversation of 2 users: good\n");
    ran = run_tool({"store", "restore", backup, file});
    EXPECT_EQ(ran.code, 1) << "it is there";
    ran = run_tool({"store", "restore", backup, file, "--force", "--json"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    const auto result = result_of(ran.out);
    EXPECT_TRUE(result.at("ok").as_bool());
    EXPECT_EQ(result.at("entries").to_number<int>(), 1);
    ServerOfAStore again(file);
    again.send("three");
    again.stop();
    EXPECT_THAT(run_tool({"store", "check", file}).out, HasSubstr("2 entries"));
}

TEST(FlareStore, AdvisesToReplaceOnlyWhatItWouldReplace) {
    const Folder folder;
    const std::string file = folder.path("flare.db");
    ServerOfAStore server(file);
    std::filesystem::create_symlink(file, folder.path("link.db"));
    const Ran link = run_tool({"store", "backup", file, folder.path("link.db")});
    EXPECT_EQ(link.code, 1);
    EXPECT_THAT(link.err, HasSubstr("is a symbolic link"));
    EXPECT_THAT(link.err, Not(HasSubstr("--force")));
    const Ran used = run_tool({"store", "backup", file, file, "--force"});
    EXPECT_EQ(used.code, 1);
    EXPECT_THAT(used.err, HasSubstr("name another file"));
    server.stop();
}

TEST(FlareStore, SaysWhatIsWrongWithAFile) {
    const Folder folder;
    Ran ran = run_tool({"store", "check", folder.path("none.db")});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr("none.db: no such file"));
    ran = run_tool({"store", "check", folder.write("text.db", std::string(5000, 'x')), "--json"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(result_of(ran.out).at("code").as_string(), "store_damaged");
    ran = run_tool({"store", "check", folder.write("empty.db", "")});
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(run_tool({"store"}).code, 2);
    EXPECT_EQ(run_tool({"store", "backup", folder.path("none.db")}).code, 2);
}

TEST(FlareStore, NamesFaultsAndFails) {
    const Folder folder;
    const std::string file = folder.path("flare.db");
    {
        ServerOfAStore server(file);
        server.send("a text that is easily found");
        server.stop();
    }
    std::string bytes = folder.read("flare.db");
    const std::size_t at = bytes.find("d3:annbob");
    ASSERT_NE(at, bytes.npos);
    bytes[at] = 'x';  // the name of a conversation, in its row; the index has the right one
    folder.write("flare.db", bytes);
    const Ran ran = run_tool({"store", "check", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.out, HasSubstr("conversation 1: its name cannot be read\n"));
    EXPECT_THAT(ran.out, HasSubstr("1 entry in 1 conversation of 2 users: "));
    EXPECT_THAT(ran.err, HasSubstr("restore a backup"));
    const Ran json = run_tool({"store", "check", file, "--json"});
    EXPECT_FALSE(result_of(json.out).at("ok").as_bool());
    EXPECT_GT(result_of(json.out).at("fault_count").to_number<int>(), 0);
    EXPECT_THAT(run_tool({"store", "backup", file, folder.path("backup.db")}).err, HasSubstr("contradicts itself"));
    EXPECT_EQ(run_tool({"store", "backup", file, folder.path("backup.db"), "--no-check"}).code, 0);
}

}  // namespace
}  // namespace flare::test
