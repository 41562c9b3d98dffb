// flare token and flare certs, as a person uses them, and a server that takes what they make.
#include "support/folder.hpp"
#include "support/tokens.hpp"
#include "support/tool_process.hpp"

#include <boost/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace flare::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

std::string line_of(const Ran& ran) { return ran.out.substr(0, ran.out.find('\n')); }

class FlareToken : public testing::TestWithParam<const char*> {
protected:
    Ran tool(std::vector<std::string> arguments) const { return run_tool(std::move(arguments)); }
    // A key, and the file that a server has of it.
    std::string key(const std::string& algorithm) const {
        const std::string file = folder_.path("key." + algorithm);
        EXPECT_EQ(tool({"token", "key", "--alg", algorithm, "--out", file}).code, 0);
        return file;
    }
    static std::string server_half(const std::string& algorithm, const std::string& key) {
        return algorithm == "HS256" ? key : key + ".pub";
    }
    std::string token(const std::string& key, std::vector<std::string> more = {}) const {
        std::vector<std::string> arguments = {"token", "make", "--key", key, "--user", "alice"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Ran ran = tool(arguments);
        EXPECT_EQ(ran.code, 0) << ran.err;
        return line_of(ran);
    }

    Folder folder_;
};

TEST_P(FlareToken, IsTakenByAServerWithTheKey) {
    const std::string algorithm = GetParam();
    const std::string file = key(algorithm);
    EXPECT_EQ(fs::status(file).permissions(), fs::perms(0600));
    const std::string made = token(file, {"--issuer", "me", "--audience", "chat", "--jti", "7"});
    const std::vector<std::string> show = {"token", "show",    made,         "--key", server_half(algorithm, file),
                                           "--alg", algorithm, "--audience", "chat",  "--json"};
    const Ran good = tool(show);
    EXPECT_EQ(good.code, 0) << good.out;
    const auto told = boost::json::parse(good.out).as_object();
    EXPECT_TRUE(told.at("verified").as_bool());
    EXPECT_EQ(told.at("claims").at("sub").as_string(), "alice");
    EXPECT_EQ(told.at("claims").at("iss").as_string(), "me");
    EXPECT_EQ(told.at("header").at("alg").as_string(), algorithm);

    // Another key, another audience, and a letter that somebody has changed.
    fs::remove(file);
    fs::remove(file + ".pub");
    const std::string other = key(algorithm);
    EXPECT_EQ(
        tool({"token", "show", made, "--key", server_half(algorithm, other), "--alg", algorithm, "--audience", "chat"})
            .code,
        1);
}
INSTANTIATE_TEST_SUITE_P(EveryAlgorithm, FlareToken, testing::Values("HS256", "RS256", "ES256", "EdDSA"),
                         [](const auto& each) { return std::string(each.param); });

using FlareTokenShow = FlareToken;

TEST_F(FlareTokenShow, MakesNoneThatNoServerTakes) {
    const std::string file = key("EdDSA");
    for (const auto& [user, text] : std::vector<std::pair<std::string, std::string>>{
             {"", "--user: is empty"}, {std::string(257, 'x'), "longer than 256 bytes"}, {"a\xff", "is not UTF-8"}}) {
        const Ran ran = tool({"token", "make", "--key", file, "--user", user});
        EXPECT_EQ(ran.code, 2) << ran.out;
        EXPECT_THAT(ran.err, HasSubstr(text));
    }
    EXPECT_EQ(tool({"token", "make", "--key", file, "--user", "a", "--user-claim", ""}).code, 2);
    EXPECT_EQ(tool({"token", "make", "--key", file, "--user", "a", "--user-claim", "exp"}).code, 2);
    EXPECT_EQ(tool({"token", "make", "--key", file, "--user", "a", "--jti", std::string(257, 'x')}).code, 2);
    // A client's options, too: "$UNSET" means nothing.
    for (const char* option : {"--user", "--token", "--token-file", "--ca-file", "--device"}) {
        const Ran ran = tool({"send", "server", "hello", "--url", "ws://127.0.0.1:1", option, ""});
        EXPECT_EQ(ran.code, 2) << option;
        EXPECT_THAT(ran.err, HasSubstr("is empty")) << option;
    }
}

TEST_F(FlareTokenShow, TellsMillisecondsApart) {
    const Ran ran =
        tool({"token", "show", Signer::secret(std::string(40, 's')).token(R"({"sub":"a","exp":4102444800000})")});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.out, HasSubstr("wrong: a time in the token (exp) counts milliseconds: it must count seconds"));
    EXPECT_THAT(ran.out, Not(HasSubstr("no expiry")));
}

TEST_F(FlareTokenShow, SaysWhatIsWrongWithIt) {
    const std::string file = key("EdDSA");
    Ran ran = tool({"token", "show", token(file, {"--expires=-2h"})});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.out, HasSubstr("wrong: it expired 2 h ago"));
    ran = tool({"token", "show", token(file, {"--not-before", "3h"})});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.out, HasSubstr("wrong: it becomes valid in"));
    ran = tool({"token", "show", token(file), "--key", file + ".pub", "--alg", "ES256"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.out, HasSubstr("ES256 needs an EC key"));
    ran = tool({"token", "show", token(file, {"--audience", "chat"}), "--key", file + ".pub", "--alg", "EdDSA"});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.out,
                HasSubstr("the server refuses it: the token is for another service (aud); get one for this one"));
    ran = tool({"token", "show", token(file)});
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.out, HasSubstr("the signature was not verified"));
}

TEST_F(FlareTokenShow, ReadsOneFromStandardInput) {
    ToolProcess::Options options;
    options.input = token(key("ES256")) + "\n";
    EXPECT_EQ(run_tool({"token", "show", "-"}, options).code, 0);
}

TEST_F(FlareTokenShow, RefusesWhatIsNone) {
    for (const char* text : {"", "a", "a.b", "a.b.c", "e30.e30", "!!.e30.x", "W10.W10.x"}) {
        const Ran ran = tool({"token", "show", text});
        EXPECT_NE(ran.code, 0) << text;
        EXPECT_THAT(ran.err, HasSubstr("token")) << text;
    }
    EXPECT_EQ(tool({"token", "show", std::string(9000, 'a') + ".e30.x"}).code, 1);
    // No escape sequence of a token reaches the terminal.
    const std::string evil = auth::to_base64url("{\"alg\":\"none\",\"\\u001b[2J\":1}") + "." +
                             auth::to_base64url("{\"sub\":\"\x7f\xc2\x9b\"}") + ".x";
    const Ran ran = tool({"token", "show", evil});
    EXPECT_EQ(ran.code, 1);
    for (const char* bytes : {"\x1b", "\x7f", "\xc2\x9b"}) EXPECT_THAT(ran.out, Not(HasSubstr(bytes)));
    EXPECT_THAT(ran.out, HasSubstr("its algorithm is not accepted by Flare servers"));
}

TEST_F(FlareTokenShow, KeysAreNeverOverwrittenUnasked) {
    const std::string file = key("EdDSA");
    const std::string before = folder_.read("key.EdDSA");
    const Ran ran = tool({"token", "key", "--out", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr("already exists; --force replaces it"));
    EXPECT_EQ(folder_.read("key.EdDSA"), before);
    EXPECT_EQ(tool({"token", "key", "--out", file, "--force"}).code, 0);
    EXPECT_NE(folder_.read("key.EdDSA"), before);
}

TEST_F(FlareTokenShow, MakingNamesWhatIsWrongWithAKey) {
    const std::string file = key("EdDSA");
    const auto refused = [&](std::vector<std::string> more, int code, const char* text) {
        std::vector<std::string> arguments = {"token", "make", "--user", "a"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Ran ran = tool(arguments);
        EXPECT_EQ(ran.code, code) << text;
        EXPECT_THAT(ran.err, HasSubstr(text));
    };
    refused({"--key", "/nowhere"}, 1, "key /nowhere: no such file");
    refused({"--key", file + ".pub"}, 1, "is a public key, which cannot sign");
    refused({"--key", file, "--alg", "RS256"}, 1, "is for EdDSA, not for RS256");
    refused({"--key", folder_.write("short", "secret")}, 1, "HS256 needs at least 32");
    refused({"--key", file, "--expires", "5"}, 2, "--expires: needs a unit");
    refused({"--key", file, "--alg", "none"}, 2, "none");
}

// ---- certs ----

TEST(FlareCerts, AreTakenByAServerAndShown) {
    const Folder folder;
    const std::string out = folder.path("certs");
    const Ran made =
        run_tool({"certs", "make", "--out", out, "--name", "chat.example", "--ip", "127.0.0.1", "--days", "7"});
    ASSERT_EQ(made.code, 0) << made.err;
    for (const char* name : {"/ca.key", "/server.key", "/client.key", "/sealing.key"})
        EXPECT_EQ(fs::status(out + name).permissions(), fs::perms(0600)) << name;

    const Ran shown = run_tool({"certs", "show", out + "/server.crt", "--key", out + "/server.key", "--json"});
    EXPECT_EQ(shown.code, 0) << shown.err;
    const auto facts = boost::json::parse(shown.out).as_object();
    EXPECT_TRUE(facts.at("key_matches").as_bool());
    const auto& first = facts.at("certificates").at(0).as_object();
    EXPECT_EQ(boost::json::serialize(first.at("names")), R"(["chat.example","127.0.0.1"])");
    EXPECT_EQ(first.at("verdict").as_string(), "6 days left");

    EXPECT_EQ(run_tool({"certs", "show", out + "/server.crt", "--key", out + "/client.key"}).code, 1);

    const Ran checked = run_tool({"server", "--config", "/dev/null", "--check-config", "--quic-certificate",
                                  out + "/server.crt", "--quic-key", out + "/server.key", "--tls-client-ca-file",
                                  out + "/ca.crt", "--tls-sealing-key-file", out + "/sealing.key"});
    EXPECT_EQ(checked.code, 0) << checked.err;
}

TEST(FlareCerts, ShowsWhatIsWrongWithAChain) {
    const Folder folder;
    const std::string out = folder.path("certs");
    ASSERT_EQ(run_tool({"certs", "make", "--out", out}).code, 0);
    const std::string chain = folder.read("certs/server.crt") + folder.read("certs/server.crt");
    folder.write("chain.crt", chain);
    const Ran shown = run_tool({"certs", "show", folder.path("chain.crt")});
    EXPECT_EQ(shown.code, 1);
    EXPECT_THAT(shown.out, HasSubstr("chain:"));
    EXPECT_THAT(shown.out, HasSubstr("number 2 of 2"));
    EXPECT_THAT(shown.out, HasSubstr("is the same as number 1"));
    EXPECT_THAT(run_tool({"certs", "show", folder.path("chain.crt"), "--json"}).out,
                HasSubstr("is the same as number 1"));
    EXPECT_THAT(run_tool({"certs", "show", out + "/server.crt"}).out, testing::Not(HasSubstr("chain:")));
}

TEST(FlareCerts, AreNeverOverwrittenUnasked) {
    const Folder folder;
    const std::string out = folder.path("certs");
    ASSERT_EQ(run_tool({"certs", "make", "--out", out}).code, 0);
    const std::string key = folder.read("certs/ca.key");
    const std::string sealing = folder.read("certs/sealing.key");
    const Ran again = run_tool({"certs", "make", "--out", out});
    EXPECT_EQ(again.code, 1);
    EXPECT_THAT(again.err, HasSubstr("already exists; --force replaces it"));
    EXPECT_EQ(folder.read("certs/ca.key"), key);
    EXPECT_EQ(run_tool({"certs", "make", "--out", out, "--force"}).code, 0);
    EXPECT_NE(folder.read("certs/ca.key"), key);
    EXPECT_EQ(folder.read("certs/sealing.key"), sealing) << "clients may have pinned it";
}

TEST(FlareCerts, RefuseNamesThatAreNone) {
    const Folder folder;
    for (const char* name : {"", "a b", "a,DNS:evil", "-\n", "a..b", ".a"}) {
        EXPECT_EQ(run_tool({"certs", "make", "--out", folder.path("x"), "--name", name}).code, 2) << name;
    }
    EXPECT_EQ(run_tool({"certs", "make", "--out", folder.path("x"), "--ip", "300.1.1.1"}).code, 2);
    EXPECT_EQ(run_tool({"certs", "make", "--out", folder.path("x"), "--days", "0"}).code, 2);
    EXPECT_FALSE(fs::exists(folder.path("x")));
}

TEST(FlareCerts, SayThatAFileHoldsNone) {
    const Folder folder;
    for (const std::string& text : {std::string(), std::string("nothing"),
                                    std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}) {
        const Ran ran = run_tool({"certs", "show", folder.write("x.crt", text)});
        EXPECT_EQ(ran.code, 1);
        EXPECT_THAT(ran.err, HasSubstr("x.crt: "));
    }
}

TEST(FlareCerts, SealingKeyIsMadeOnceAndToldAgain) {
    const Folder folder;
    const std::string file = folder.path("sealing.key");
    const Ran made = run_tool({"certs", "sealing-key", file});
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_EQ(made.out, folder.read("sealing.pub"));
    EXPECT_EQ(run_tool({"certs", "sealing-key", file}).out, made.out);
    EXPECT_NE(run_tool({"certs", "sealing-key", file, "--force"}).out, made.out);
    folder.write("bad.key", "no key\n");
    EXPECT_EQ(run_tool({"certs", "sealing-key", folder.path("bad.key")}).code, 1);
}

}  // namespace
}  // namespace flare::test
