// Standard output that takes nothing (/dev/full): no command says that it is done.
#include "support/folder.hpp"
#include "support/tool_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::test {
namespace {

using testing::HasSubstr;

TEST(FlareOutput, NoCommandSucceedsWhoseOutputIsLost) {
    const Folder folder;
    const std::string key = folder.path("issuer.key");
    ASSERT_EQ(run_tool({"token", "key", "--out", key}).code, 0);
    ASSERT_EQ(run_tool({"certs", "make", "--out", folder.path("certs")}).code, 0);
    const std::string record = folder.write(
        "record.jsonl", R"({"t_ms":0,"event":"client","version":1,"began":"2026-01-01T00:00:00Z","user":"alice"})");
    const std::vector<std::vector<std::string>> commands{
        {"--help"},
        {"--help-all"},
        {"--version"},
        {"version"},
        {"version", "--json"},
        {"man"},
        {"man", "server"},
        {"man", "server.toml"},
        {"completion", "bash"},
        {"completion", "zsh"},
        {"completion", "fish"},
        {"server", "--help"},
        {"server", "--print-config"},
        {"server", "--check-config"},
        {"server", "--check-config", "--json"},
        {"server", "--describe", "toml"},
        {"server", "--describe", "markdown"},
        {"server", "--describe", "man"},
        {"token", "make", "--key", key, "--user", "alice"},
        {"token", "make", "--key", key, "--user", "alice", "--json"},
        {"token", "key", "--out", key, "--force"},
        {"certs", "make", "--out", folder.path("more")},
        {"certs", "show", folder.path("certs/server.crt")},
        {"certs", "show", folder.path("certs/server.crt"), "--json"},
        {"certs", "sealing-key", folder.path("certs/sealing.key")},
        {"explain", record},
        {"explain", record, "--json"},
    };
    ToolProcess::Options full;
    full.output = "/dev/full";
    for (const auto& command : commands) {
        SCOPED_TRACE(command.front() + " " + command.back());
        const Ran ran = run_tool(command, full);
        EXPECT_EQ(ran.code, 1);
        EXPECT_THAT(ran.err, HasSubstr("cannot write to standard output: No space left on device"));
    }
}

TEST(FlareOutput, AFailureKeepsItsOwnExitCode) {
    ToolProcess::Options full;
    full.output = "/dev/full";
    EXPECT_EQ(run_tool({"versoin"}, full).code, 2);
    EXPECT_EQ(run_tool({"server", "--websocket-address", "nowhere", "--check-config", "--json"}, full).code, 2);
}

TEST(FlareOutput, AReaderThatHasSeenEnoughIsToldNothing) {
    const std::string command = "bash -c 'set -o pipefail; " FLARE_TOOL " completion bash | true' 2>&1";
    FILE* const pipe = ::popen(command.c_str(), "r");
    char block[256];
    EXPECT_EQ(std::fread(block, 1, sizeof block, pipe), 0u);
    ::pclose(pipe);
}

TEST(FlareOutput, TheVersionIsAFlagToo) {
    const Ran flag = run_tool({"--version"});
    EXPECT_EQ(flag.code, 0);
    EXPECT_EQ(flag.out, run_tool({"version"}).out);
}

}  // namespace
}  // namespace flare::test
