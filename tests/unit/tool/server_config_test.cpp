// The configuration of flare server: what is read, what counts for more, and what is said of mistakes.
#include "server/config.hpp"
#include "server_config/authentication.hpp"
#include "server_config/configuration.hpp"
#include "server_config/default_store.hpp"
#include "server_config/describe.hpp"
#include "server_config/value.hpp"
#include "support/folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace flare::cli::server_config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> lines(const std::vector<Problem>& problems) {
    std::vector<std::string> text;
    for (const Problem& each : problems) text.push_back(each.line());
    return text;
}

Configuration from_toml(std::string_view text) {
    Configuration configuration;
    add_toml(configuration, text, "server.toml");
    return configuration;
}

// What is wrong with a file, and with what it makes.
std::vector<std::string> problems_of(std::string_view text) {
    Configuration configuration = from_toml(text);
    make_builder(configuration);
    return lines(configuration.problems);
}

std::string source(const std::string& path) {
    std::ifstream in(std::string(FLARE_SOURCE_DIR) + "/" + path);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> found(const std::string& text, const std::regex& pattern) {
    std::set<std::string> names;
    for (std::sregex_iterator each(text.begin(), text.end(), pattern), end; each != end; ++each)
        names.insert((*each)[1].str());
    return names;
}

// ---- the table ----

TEST(ServerConfigTable, ReachesEveryCallOfServerBuilder) {
    std::set<std::string> reached = {"websocket_only",
                                     "quic_only",
                                     "both_protocols",  // enabled = false
                                     "with_message_handler",
                                     "on_message_type",
                                     "with_event_handler",
                                     "with_delivery_policy",
                                     "with_session_policy",
                                     "policy_rules",
                                     "with_retention_policy",
                                     "presence_policy",
                                     "with_push_handler",
                                     "push_after",
                                     "hooks"};  // programs, [[policy]] and [[hook]]
    for (const Setting& each : settings()) reached.emplace(each.builder);
    const std::regex call(R"(ServerBuilder& (\w+)\()");
    for (const std::string& name : found(source("include/flare/server.hpp"), call))
        EXPECT_TRUE(reached.contains(name)) << "no setting becomes ServerBuilder::" << name << "()";
}

TEST(ServerConfigTable, ReachesEveryOptionOfAuthentication) {
    std::set<std::string> reached;
    for (const Setting& each : settings()) reached.emplace(each.builder);
    const std::string header = source("include/flare/auth.hpp");
    for (const std::string options : {"JwtOptions", "HttpAuthOptions"}) {
        const std::size_t begin = header.find("struct " + options + " {");
        ASSERT_NE(begin, header.npos);
        const std::string body = header.substr(begin, header.find("\n};", begin) - begin);
        const std::regex member(R"(\n    [\w:<>]+ (\w+)(?:\{| =|;))");
        const auto names = found(body, member);
        EXPECT_GE(names.size(), 8u);
        for (const std::string& name : names)
            EXPECT_TRUE(reached.contains(options + "::" + name)) << "no setting becomes " << options << "::" << name;
    }
}

TEST(ServerConfigTable, HasNamesThatDiffer) {
    std::set<std::string> keys, variables, flags;
    for (const Setting& each : settings()) {
        EXPECT_TRUE(keys.insert(each.key()).second) << each.key();
        EXPECT_TRUE(variables.insert(each.variable()).second) << each.variable();
        EXPECT_TRUE(flags.insert(each.flag()).second) << each.flag();
        EXPECT_EQ(find_setting(each.key()), &each);
    }
    const Setting& setting = *find_setting("auth.jwt.key_file");
    EXPECT_EQ(setting.variable(), "FLARE_SERVER_AUTH_JWT_KEY_FILE");
    EXPECT_EQ(setting.flag(), "--auth-jwt-key-file");
}

TEST(ServerConfigTable, NamesTheDefaultsOfTheServer) {
    const Values values;
    const server::Config config;
    EXPECT_EQ(values.text("websocket.address"), config.websocket_addr);
    EXPECT_EQ(values.text("quic.address"), config.quic_addr);
    EXPECT_EQ(values.text("quic.certificate"), config.quic_certificate_file);
    EXPECT_EQ(values.text("quic.key"), config.quic_key_file);
    EXPECT_EQ(values.words("quic.alpn"), config.quic_alpn);
    EXPECT_EQ(values.flag("quic.zero_rtt"), config.quic_0rtt);
    EXPECT_EQ(values.number("quic.retry_above"), config.quic_retry_above);
    EXPECT_EQ(values.time("tls.watch_certificates"), config.certificate_watch);
    EXPECT_EQ(values.time("sessions.hello_timeout"), config.hello_timeout);
    EXPECT_EQ(values.time("sessions.life"), config.session.session_life);
    EXPECT_EQ(values.time("sessions.heartbeat_interval"), config.session.heartbeat_interval);
    EXPECT_EQ(values.time("sessions.heartbeat_timeout"), config.session.heartbeat_timeout);
    EXPECT_EQ(values.number("sessions.max_missed_heartbeats"), config.session.max_missed_heartbeats);
    EXPECT_EQ(values.time("sessions.slow_consumer_after"), config.session.slow_consumer_after);
    EXPECT_EQ(values.time("sessions.credential_warning"), config.session.credential_warning);
    EXPECT_EQ(values.number("sessions.max_revocations"), config.max_revocations);
    EXPECT_EQ(values.number("limits.max_connections"), config.max_connections);
    EXPECT_EQ(values.number("limits.max_message_bytes"), config.session.max_message_bytes);
    EXPECT_EQ(values.number("limits.max_memory_bytes"), config.max_memory_bytes);
    EXPECT_EQ(values.number("limits.max_batch_bytes"), config.session.max_batch_bytes);
    EXPECT_EQ(values.number("limits.max_unacked_frames"), config.session.max_unacked_frames);
    EXPECT_EQ(values.number("limits.max_unacked_bytes"), config.session.max_unacked_bytes);
    EXPECT_EQ(values.number("limits.max_queued_frames"), config.session.max_queued_frames);
    EXPECT_EQ(values.number("limits.max_queued_bytes"), config.session.max_queued_bytes);
    EXPECT_EQ(values.number("handler_threads"), config.handler_threads);
    EXPECT_EQ(values.number("store.min_free_bytes"), config.conversations.store.min_free_bytes);
    EXPECT_EQ(values.number("store.cache_bytes"), config.conversations.store.cache_bytes);
    const im::Limits& limits = config.conversations.limits;
    EXPECT_EQ(values.number("conversations.device_per_second"), limits.device.per_second);
    EXPECT_EQ(values.number("conversations.conversation_per_second"), limits.conversation.per_second);
    EXPECT_EQ(values.number("conversations.deliveries_per_second"), limits.deliveries.per_second);
    EXPECT_EQ(values.number("conversations.direct_per_hour"), limits.direct_per_hour);
    EXPECT_EQ(values.number("conversations.max_payload_bytes"), limits.payload_bytes);
    EXPECT_EQ(values.number("conversations.max_members"), limits.max_members);
    EXPECT_EQ(values.words("conversations.room_makers"), config.conversations.room_makers);
    EXPECT_EQ(values.words("conversations.open_room_makers"), config.conversations.open_room_makers);
    const JwtOptions jwt;
    EXPECT_EQ(values.text("auth.jwt.user_claim"), jwt.user_claim);
    EXPECT_EQ(values.time("auth.jwt.clock_skew"), jwt.clock_skew);
    EXPECT_EQ(values.time("auth.jwt.max_life"), jwt.max_life);
    const HttpAuthOptions http;
    EXPECT_EQ(values.time("auth.http.timeout"), http.timeout);
    EXPECT_EQ(values.time("auth.http.cache_for"), http.cache_for);
    EXPECT_EQ(values.number("auth.http.cache_entries"), http.cache_entries);
    EXPECT_EQ(values.number("auth.http.max_answer_bytes"), http.max_answer_bytes);
    EXPECT_EQ(values.number("auth.http.max_requests"), http.max_requests);
}

TEST(ServerConfigTable, IsWhatTheShippedFilesSay) {
    EXPECT_EQ(source("packaging/server.toml"), example_file())
        << "flare server --describe toml > packaging/server.toml";
    EXPECT_EQ(source("docs/server-configuration.md"), markdown())
        << "flare server --describe markdown > docs/server-configuration.md";
}

// ---- reading ----

TEST(ServerConfig, TakesTheDefaultsWithoutAnything) {
    Configuration configuration = from_toml("");
    EXPECT_TRUE(make_builder(configuration).build());
    EXPECT_THAT(lines(configuration.problems), IsEmpty());
    EXPECT_FALSE(configuration.values.given("limits.max_connections"));
}

TEST(ServerConfig, ReadsEveryKind) {
    const Configuration configuration = from_toml(R"(
log_level = "warn"
allow_insecure = true
[websocket]
address = "[::1]:0"
allowed_origins = ["https://a.example", "*"]
[sessions]
life = "90s"
[limits]
max_connections = 5
max_message_bytes = "64KiB"
)");
    EXPECT_THAT(lines(configuration.problems), IsEmpty());
    EXPECT_EQ(configuration.values.text("log.level"), "warn");
    EXPECT_TRUE(configuration.values.flag("allow_insecure"));
    EXPECT_EQ(configuration.values.text("websocket.address"), "[::1]:0");
    EXPECT_THAT(configuration.values.words("websocket.allowed_origins"), ElementsAre("https://a.example", "*"));
    EXPECT_EQ(configuration.values.time("sessions.life"), 90s);
    EXPECT_EQ(configuration.values.number("limits.max_connections"), 5u);
    EXPECT_EQ(configuration.values.number("limits.max_message_bytes"), 65536u);
    EXPECT_EQ(configuration.values.where(*find_setting("limits.max_connections")), "server.toml:10:1");
}

TEST(ServerConfig, KnowsTheLevelOfTheLogByItsOlderName) {
    const Configuration both = from_toml("log_level = \"warn\"\n[log]\nlevel = \"debug\"\n");
    EXPECT_THAT(lines(both.problems),
                ElementsAre("server.toml:1:1: log_level: is the older name of log.level: remove it"));
    EXPECT_EQ(from_toml("[log]\nlevel = \"warn\"\n").values.text("log.level"), "warn");
    EXPECT_FALSE(from_toml("[limits]\nlog_level = \"warn\"\n").problems.empty());
}

TEST(ServerConfig, SaysWhatIsWrongWithProxies) {
    const auto problems = [](const std::string& text) {
        Configuration configuration = from_toml(text);
        make_builder(configuration);
        return lines(configuration.problems);
    };
    EXPECT_THAT(problems("[proxy]\nheader = \"proxy_protocol\"\ntrusted = [\"10.0.0.0/8\", \"::1\"]\n"), IsEmpty());
    EXPECT_THAT(problems("[proxy]\nheader = \"none\"\ntrusted = []\n"), IsEmpty());
    EXPECT_THAT(problems("[proxy]\nheader = \"forwarded\"\n"),
                ElementsAre("server.toml:2:1: proxy.header: contains no network"));
    EXPECT_THAT(problems("[proxy]\ntrusted = [\"10.0.0.0/8\"]\n"),
                ElementsAre(HasSubstr("proxy.trusted: has no effect, because proxy.header is \"none\"")));
    EXPECT_THAT(problems("[proxy]\nheader = \"forwarded\"\ntrusted = [\"10.1.0.0/8\"]\n"),
                ElementsAre(HasSubstr("proxy.trusted: \"10.1.0.0/8\" is an address within a network")));
}

TEST(ServerConfig, LetsLaterSourcesCountForMore) {
    Configuration configuration = from_toml("[limits]\nmax_connections = 1\nmax_memory_bytes = \"2MiB\"\n");
    add_environment(configuration, {{"FLARE_SERVER_LIMITS_MAX_CONNECTIONS", "2"},
                                    {"FLARE_SERVER_SESSIONS_LIFE", "3m"},
                                    {"FLARE_SERVER_LOG_LEVEL", ""}});
    add_flags(configuration, {{"limits.max_connections", "3"}});
    EXPECT_THAT(lines(configuration.problems), IsEmpty());
    EXPECT_EQ(configuration.values.number("limits.max_connections"), 3u);
    EXPECT_EQ(configuration.values.where(*find_setting("limits.max_connections")), "--limits-max-connections");
    EXPECT_EQ(configuration.values.time("sessions.life"), 3min);
    EXPECT_EQ(configuration.values.where(*find_setting("sessions.life")), "FLARE_SERVER_SESSIONS_LIFE");
    EXPECT_EQ(configuration.values.number("limits.max_memory_bytes"), 2u << 20);
    EXPECT_FALSE(configuration.values.given("log.level")) << "an empty variable is none";
}

TEST(ServerConfig, TakesBackWhatAFileSaysWithAnEmptyText) {
    Configuration configuration = from_toml("admin_address = \"127.0.0.1:1\"\n[quic]\nsecret = \"s\"\n");
    add_flags(configuration, {{"quic.secret", ""}, {"admin_address", ""}});
    EXPECT_FALSE(configuration.values.given("quic.secret"));
    EXPECT_FALSE(configuration.values.given("admin_address"));
}

TEST(ServerConfig, KeepsConversationsInTheStateFolderUnlessItIsToldOtherwise) {
    const auto store_of = [](std::string_view text) {
        Configuration configuration = from_toml(text);
        find_default_store(configuration, "/state");
        EXPECT_TRUE(make_builder(configuration).build());
        EXPECT_THAT(lines(configuration.problems), IsEmpty());
        return keeps_conversations(configuration.values) ? configuration.values.text("store.file") : "";
    };
    EXPECT_EQ(store_of(""), "/state/flare.db");
    EXPECT_EQ(store_of("[store]\nfile = \"mine.db\"\n"), "mine.db");
    EXPECT_EQ(store_of("[store]\nfile = \"none\"\nmin_free_bytes = \"1GiB\"\n"), "");
}

TEST(ServerConfig, MakesTheStateFolderOnly) {
    const test::Folder folder;
    Configuration chosen = from_toml("");
    find_default_store(chosen, folder.path("state"));
    ASSERT_TRUE(make_store_folder(chosen.values, folder.path("state")));
    EXPECT_TRUE(std::filesystem::is_directory(folder.path("state")));
    Configuration named = from_toml("[store]\nfile = \"" + folder.path("other/flare.db") + "\"\n");
    find_default_store(named, folder.path("state"));
    ASSERT_TRUE(make_store_folder(named.values, folder.path("state")));
    EXPECT_FALSE(std::filesystem::exists(folder.path("other")));
}

// ---- mistakes ----

TEST(ServerConfigMistakes, AreAllNamedWithTheirPlace) {
    EXPECT_THAT(problems_of("[limits]\n"
                            "max_conections = 5\n"
                            "max_memory_bytes = 1048576\n"
                            "[sessions]\n"
                            "life = 120\n"
                            "hello_timeout = \"5 parsecs\"\n"
                            "device_policy = \"few\"\n"
                            "[websocket]\n"
                            "enabled = \"true\"\n"
                            "address = \"localhost\"\n"
                            "[websockets]\n"
                            "x = 1\n"),
                testing::UnorderedElementsAre(
                    "server.toml:2:1: limits.max_conections: unknown key; did you mean max_connections?",
                    "server.toml:3:20: limits.max_memory_bytes: needs a unit: write \"16MiB\", not 1048576",
                    "server.toml:5:8: sessions.life: needs a unit: write \"30s\", not 120",
                    "server.toml:6:17: sessions.hello_timeout: is not a whole number with a unit (d, h, m, s, ms): "
                    "write it as \"30s\"",
                    "server.toml:7:17: sessions.device_policy: \"few\" is not one of \"many\", \"newest_wins\"",
                    "server.toml:9:11: websocket.enabled: must be true or false, without quotation marks",
                    "server.toml:10:11: websocket.address: \"localhost\" is not an address: write 127.0.0.1:4000, "
                    "[::1]:4000 or :4000 (all addresses)",
                    "server.toml:11:2: websockets: unknown section; did you mean websocket?"));
}

TEST(ServerConfigMistakes, AreThoseOfTheBuilderToo) {
    EXPECT_THAT(problems_of("[limits]\nmax_connections = 0\nmax_unacked_frames = 3\nmax_unacked_bytes = \"1B\"\n"
                            "max_queued_bytes = \"1MiB\"\nmax_messages_per_second_burst = 5\n"
                            "[compression]\nlevel = 40\n"),
                testing::UnorderedElementsAre(
                    "server.toml:2:1: limits.max_connections: must be at least 1",
                    HasSubstr("server.toml:3:1: limits.max_unacked_frames: must be within 64 and"),
                    HasSubstr("limits.max_unacked_bytes: must be within 64"),
                    HasSubstr("server.toml:5:1: limits.max_queued_bytes: must have room for two messages"),
                    "server.toml:6:1: limits.max_messages_per_second_burst: a burst needs a rate",
                    "server.toml:8:1: compression.level: must be within 1 and 19"));
}

TEST(ServerConfigMistakes, OfOneSettingAreNotBlamedOnAnother) {
    EXPECT_THAT(
        problems_of("[conversations]\ndevice_per_second = 30\nmax_members = 0\nroom_makers = [\"a*b\"]\n"),
        testing::UnorderedElementsAre(HasSubstr("server.toml:3:1: conversations.max_members: max_members must"),
                                      HasSubstr("server.toml:4:1: conversations.room_makers: room_makers: \"a*b\"")));
    EXPECT_THAT(problems_of("[store]\nfile = \"flare.db\"\ncache_bytes = \"1B\"\n"),
                ElementsAre(HasSubstr("server.toml:3:1: store.cache_bytes: cache_bytes must be")));
    EXPECT_THAT(problems_of("[limits]\nmax_message_bytes = \"64KiB\"\nmax_queued_bytes = \"1MiB\"\n"), IsEmpty());
    EXPECT_THAT(problems_of("[limits]\nmax_unacked_frames = 100\nmax_unacked_bytes = \"1B\"\n"),
                ElementsAre(HasSubstr("limits.max_unacked_bytes: must be within 64 KiB")));
}

TEST(ServerConfigMistakes, IncludeAServerOfNoProtocol) {
    EXPECT_THAT(problems_of("[websocket]\nenabled = false\n[quic]\nenabled = false\n"),
                ElementsAre("server.toml:4:1: quic.enabled: no protocol is enabled"));
}

TEST(ServerConfigMistakes, OfSyntaxHaveTheirPlace) {
    const auto found = problems_of("[limits\nmax_connections = 5\n");
    ASSERT_EQ(found.size(), 1u);
    EXPECT_THAT(found.front(), testing::StartsWith("server.toml:1:"));
}

TEST(ServerConfigMistakes, InTheEnvironmentAndFlagsNameThem) {
    Configuration configuration;
    add_environment(configuration,
                    {{"FLARE_SERVER_LIMITS_MAX_CONNECTIONS", "many"}, {"FLARE_SERVER_PORT", "tcp://10.0.0.1:4000"}});
    add_flags(configuration, {{"sessions.life", "5"}});
    EXPECT_THAT(lines(configuration.problems),
                ElementsAre("FLARE_SERVER_LIMITS_MAX_CONNECTIONS: limits.max_connections: must be a whole number from "
                            "0 to 4294967295, without a unit",
                            "--sessions-life: sessions.life: needs a unit: write \"30s\", not 5"));
    EXPECT_THAT(lines(configuration.warnings), ElementsAre("FLARE_SERVER_PORT: unknown variable; ignored"));
}

TEST(ServerConfigMistakes, SayWhatWasPerhapsMeant) {
    Configuration configuration;
    add_environment(configuration, {{"FLARE_SERVER_LOG_LEVLE", "debug"}});
    add_toml(configuration, "[limit]\nmax_connections = 5\n[auth.jwtt]\nissuer = \"a\"\n[xyzzy]\na = 1\n",
             "server.toml");
    EXPECT_THAT(lines(configuration.warnings),
                ElementsAre("FLARE_SERVER_LOG_LEVLE: unknown variable; ignored; did you mean FLARE_SERVER_LOG_LEVEL?"));
    EXPECT_THAT(lines(configuration.problems),
                testing::UnorderedElementsAre("server.toml:1:2: limit: unknown section; did you mean limits?",
                                              "server.toml:3:7: auth.jwtt: unknown section; did you mean auth.jwt?",
                                              "server.toml:5:2: xyzzy: unknown section"));
}

// ---- [[policy]] and wordings ----

TEST(ServerConfigPolicy, EntriesBecomeRulesInTheirOrder) {
    Configuration configuration = from_toml(
        "[[policy]]\nfrom = [\"a\", \"b-*\"]\nto = [\"server\"]\ntypes = [\"chat\"]\nallow = true\n"
        "[[policy]]\nfrom = [\"*\"]\nto = [\"*\"]\nallow = false\n");
    EXPECT_THAT(lines(configuration.problems), ElementsAre());
    ASSERT_EQ(configuration.rules.size(), 2u);
    EXPECT_THAT(configuration.rules[0].from, ElementsAre("a", "b-*"));
    EXPECT_THAT(configuration.rules[0].types, ElementsAre("chat"));
    EXPECT_TRUE(configuration.rules[0].allow);
    EXPECT_FALSE(configuration.rules[1].allow);
    EXPECT_TRUE(make_builder(configuration).build());
    Configuration again = from_toml(print_rules(configuration.rules));
    EXPECT_EQ(print_rules(again.rules), print_rules(configuration.rules));
    EXPECT_TRUE(from_toml("policy = []\n").rules.empty());
}

TEST(ServerConfigHooks, EntriesBecomeHooks) {
    Configuration configuration = from_toml(
        "[[hook]]\nname = \"orders\"\nurl = \"https://a.example/x\"\nevents = [\"message.*\"]\n"
        "secrets = [\"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\"]\ntimeout = \"5s\"\n"
        "[[hook]]\nname = \"gate\"\nurl = \"http://127.0.0.1:1\"\nevents = [\"message.before_create\"]\n"
        "secrets_file = \"/etc/x\"\non_failure = \"accept\"\n");
    EXPECT_THAT(lines(configuration.problems), ElementsAre());
    ASSERT_EQ(configuration.hooks.size(), 2u);
    EXPECT_EQ(configuration.hooks[0].timeout, std::chrono::seconds(5));
    EXPECT_EQ(configuration.hooks[1].on_failure, ServerHook::OnFailure::accept);
    EXPECT_TRUE(make_builder(configuration).build());
    EXPECT_THAT(lines(configuration.problems), ElementsAre());
    const std::string printed = print_hooks(configuration.hooks);
    EXPECT_THAT(printed, testing::HasSubstr("timeout = \"5s\""));
    EXPECT_THAT(printed, testing::Not(testing::HasSubstr("whsec_")));
}

TEST(ServerConfigHooks, MistakesAreNamedWithTheirEntryAndPlace) {
    EXPECT_THAT(lines(from_toml("hook = 1\n").problems),
                ElementsAre("server.toml:1:1: hook: must be a list: begin each entry with [[hook]]"));
    EXPECT_THAT(lines(from_toml("[[hook]]\nnam = \"a\"\n").problems),
                ElementsAre(testing::HasSubstr("hook[1].nam: unknown key: an entry has only name, url")));
    EXPECT_THAT(lines(from_toml("[[hook]]\non_failure = \"maybe\"\ntimeout = \"5\"\n").problems),
                testing::UnorderedElementsAre(testing::HasSubstr("hook[1].on_failure: must be"),
                                              testing::HasSubstr("hook[1].timeout: ")));
    EXPECT_THAT(lines(from_toml("[[hook]]\nevents = []\n").problems),
                ElementsAre(testing::HasSubstr("hook[1].events: is an empty list: omit it")));
    Configuration configuration = from_toml("[[hook]]\nname = \"a\"\nurl = \"http://h\"\n");
    make_builder(configuration);
    EXPECT_THAT(lines(configuration.problems), ElementsAre(testing::HasSubstr("it needs a secret")));
}

TEST(ServerConfigPolicy, MistakesAreNamedWithTheirEntryAndPlace) {
    EXPECT_THAT(problems_of("[policy]\nfrom = [\"a\"]\n"),
                ElementsAre("server.toml:1:2: policy: must be a list: begin each entry with [[policy]]"));
    EXPECT_THAT(problems_of("policy = [1]\n"),
                ElementsAre("server.toml:1:11: policy[1]: must be an entry that begins with [[policy]]"));
    const std::string good = "[[policy]]\nfrom = [\"a\"]\nto = [\"b\"]\nallow = true\n";
    const auto second = [&](const std::string& text) { return problems_of(good + "[[policy]]\n" + text); };
    EXPECT_THAT(second("from = [\"a\"]\nto = [\"b\"]\n"),
                ElementsAre("server.toml:5:1: policy[2]: needs allow = true or allow = false"));
    EXPECT_THAT(second("from = [\"a\"]\nallow = true\n"),
                ElementsAre("server.toml:5:1: policy[2]: to: names nobody: write [\"*\"] for anybody"));
    EXPECT_THAT(second("from = [\"a\"]\nto = \"b\"\nallow = \"yes\"\ntypes = []\nform = 1\n"),
                testing::UnorderedElementsAre(
                    "server.toml:7:6: policy[2].to: must be a list of strings: [\"a\", \"b\"]",
                    "server.toml:8:9: policy[2].allow: must be true or false, without quotation marks",
                    "server.toml:9:9: policy[2].types: is an empty list: write [\"*\"] for anything",
                    "server.toml:10:1: policy[2].form: unknown key: an entry has only from, to, types and allow"));
    EXPECT_THAT(second("from = [\"a*b\"]\nto = [\"b\"]\nallow = true\n"),
                ElementsAre("server.toml:5:1: policy[2]: from: \"a*b\" has a * that is neither its first nor its last "
                            "character"));
    std::string many;
    for (int i = 0; i < 1001; ++i) many += good;
    EXPECT_THAT(problems_of(many), ElementsAre("server.toml:1:3: policy: has more than 1000 entries"));
}

TEST(ServerConfigWording, IsTheGuidesUnlessTheFileSaysAnotherOrNone) {
    EXPECT_EQ(Values().text("handlers.chat_answer"), std::string(server::kChatAnswer));
    EXPECT_EQ(from_toml("[handlers]\nchat_answer = \"hi\"\n").values.text("handlers.chat_answer"), "hi");
    Configuration none = from_toml("[handlers]\nchat_answer = \"\"\n");
    EXPECT_EQ(none.values.text("handlers.chat_answer"), "");
    EXPECT_TRUE(none.values.given("handlers.chat_answer"));
    EXPECT_TRUE(make_builder(none).build());
    EXPECT_THAT(lines(none.problems), ElementsAre());
    add_flags(none, {{"handlers.chat_answer", ""}});  // as if nobody had said anything
    EXPECT_EQ(none.values.text("handlers.chat_answer"), std::string(server::kChatAnswer));
}

TEST(ServerConfigMistakes, OfSizesAndDurations) {
    const Setting& size = *find_setting("limits.max_memory_bytes");
    const Setting& time = *find_setting("sessions.life");
    for (const char* text : {"", "MiB", "-1MiB", "1.5MiB", "1MB", "1 MiB", "99999999999999999999B", "9999999999GiB"})
        EXPECT_FALSE(parse_value(size, text)) << text;
    for (const char* text : {"", "s", "-1s", "1.5s", "1sec", "999999999d", "18446744073709551615ms"})
        EXPECT_FALSE(parse_value(time, text)) << text;
    EXPECT_EQ(std::get<std::uint64_t>(*parse_value(size, "3GiB")), 3ull << 30);
    EXPECT_EQ(std::get<std::chrono::milliseconds>(*parse_value(time, "7d")), 168h);
}

TEST(ServerConfigMistakes, OfAFileThatIsNotThere) {
    Configuration configuration;
    const auto read = add_file(configuration, "/nowhere/server.toml");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().text, "configuration /nowhere/server.toml: no such file");
}

TEST(ServerConfigMistakes, AreSecretsThatEverybodyMayRead) {
    const test::Folder folder;
    const std::string path = folder.write("server.toml", "[quic]\nsecret = \"s\"\n");
    std::filesystem::permissions(path, std::filesystem::perms(0644));
    Configuration open;
    ASSERT_TRUE(add_file(open, path));
    EXPECT_THAT(lines(open.problems), ElementsAre(AllOf(HasSubstr("quic.secret: configuration " + path),
                                                        HasSubstr("mode 0644"), HasSubstr("chmod 600"))));
    std::filesystem::permissions(path, std::filesystem::perms(0640));
    Configuration closed;
    ASSERT_TRUE(add_file(closed, path));
    EXPECT_THAT(lines(closed.problems), IsEmpty());
    const std::string plain = folder.write("plain.toml", "[quic]\nsecret = \"\"\n");
    std::filesystem::permissions(plain, std::filesystem::perms(0644));
    Configuration without;
    ASSERT_TRUE(add_file(without, plain));
    EXPECT_THAT(lines(without.problems), IsEmpty()) << "a file without a secret may be read by all";
}

// ---- authentication ----

TEST(ServerConfigAuthentication, RefusesWhatHasNoEffect) {
    EXPECT_THAT(problems_of("[auth.jwt]\nissuer = \"x\"\n"),
                ElementsAre("server.toml:2:1: auth.jwt.issuer: has no effect, because auth.mode is \"anonymous\": set "
                            "it to \"jwt\", or omit this setting"));
    EXPECT_THAT(problems_of("[auth.jwt]\nuser_claim = \"sub\"\n"), IsEmpty()) << "it is the default";
}

TEST(ServerConfigAuthentication, NamesKeysThatCannotBeUsed) {
    EXPECT_THAT(problems_of("[auth]\nmode = \"jwt\"\n"),
                ElementsAre("server.toml:2:1: auth.mode: needs either key_file or jwks_file"));
    EXPECT_THAT(problems_of("[auth]\nmode = \"jwt\"\njwt.key_file = \"/nowhere/key\"\njwt.algorithm = \"EdDSA\"\n"),
                ElementsAre("server.toml:2:1: auth.mode: key_file /nowhere/key: no such file"));
    EXPECT_THAT(problems_of("[auth]\nmode = \"http\"\n"), ElementsAre(HasSubstr("server.toml:2:1: auth.mode: url")));
    EXPECT_THAT(problems_of("[auth]\nmode = \"static\"\n"),
                ElementsAre("server.toml:2:1: auth.mode: needs auth.static.tokens_file"));
}

TEST(ServerConfigAuthentication, ReadsStaticTokens) {
    std::vector<std::string> passed_over;
    const auto tokens = parse_static_tokens("# people\n\nt1 alice\nt2  bob  2030-01-31T12:00:00Z\n", passed_over);
    EXPECT_THAT(passed_over, IsEmpty());
    ASSERT_TRUE(tokens) << tokens.error().text;
    EXPECT_EQ(tokens->at("t1").user, "alice");
    EXPECT_EQ(tokens->at("t1").expires, std::chrono::system_clock::time_point::max());
    EXPECT_EQ(tokens->at("t2").user, "bob");
    EXPECT_EQ(tokens->at("t2").expires, std::chrono::sys_days(std::chrono::January / 31 / 2030) + 12h);
}

TEST(ServerConfigAuthentication, UsesTheTokensThatAreGoodAndShowsNone) {
    for (const char* bad : {"hush", "hush a b c", "hush a tomorrow", "good b", "hush a 2030-01-31"}) {
        std::vector<std::string> passed_over;
        const auto tokens = parse_static_tokens("good alice\n" + std::string(bad) + "\n", passed_over);
        ASSERT_TRUE(tokens) << bad << ": " << tokens.error().text;
        EXPECT_EQ(tokens->size(), 1u);
        EXPECT_EQ(tokens->at("good").user, "alice");
        EXPECT_THAT(passed_over, ElementsAre(AllOf(testing::StartsWith("line 2: "), testing::Not(HasSubstr("hush")))));
    }
    for (const char* nothing : {"", "# none\n", "hush\n", "hush a b c\n", "hush a tomorrow\n"}) {
        std::vector<std::string> passed_over;
        const auto tokens = parse_static_tokens(nothing, passed_over);
        ASSERT_FALSE(tokens) << nothing;
        EXPECT_THAT(tokens.error().text, testing::Not(HasSubstr("hush")));
    }
}

TEST(ServerConfigAuthentication, RefusesATokensFileThatEverybodyMayRead) {
    const test::Folder folder;
    const std::string path = folder.write("tokens", "hush alice\n");
    const std::string text = "[auth]\nmode = \"static\"\nstatic.tokens_file = \"" + path + "\"\n";
    std::filesystem::permissions(path, std::filesystem::perms(0644));
    EXPECT_THAT(problems_of(text),
                ElementsAre(AllOf(HasSubstr("tokens_file " + path), HasSubstr("run: chmod 600 " + path))));
    std::filesystem::permissions(path, std::filesystem::perms(0640));
    EXPECT_THAT(problems_of(text), IsEmpty());
}

// ---- what is printed ----

TEST(ServerConfigPrinted, IsReadBackAsTheSame) {
    const Configuration first = from_toml(
        "worker_threads = 3\n[limits]\nmax_memory_bytes = \"3MiB\"\n[sessions]\nlife = \"1500ms\"\n"
        "[websocket]\nallowed_origins = [\"https://a.example\"]\ncertificate = 'C:\\\"x'\n");
    ASSERT_THAT(lines(first.problems), IsEmpty());
    const Configuration second = from_toml(print_config(first.values));
    EXPECT_THAT(lines(second.problems), IsEmpty());
    for (const Setting& each : settings()) EXPECT_EQ(first.values.of(each), second.values.of(each)) << each.key();
}

TEST(ServerConfigPrinted, TellsWhereAValueComesFromAndNoSecret) {
    Configuration configuration = from_toml("[quic]\nsecret = \"hush-hush\"\n");
    add_environment(configuration, {{"FLARE_SERVER_SESSIONS_LIFE", "90s"}});
    const std::string text = print_config(configuration.values);
    EXPECT_THAT(text, HasSubstr("life = \"90s\"  # FLARE_SERVER_SESSIONS_LIFE"));
    EXPECT_THAT(text, HasSubstr("hello_timeout = \"5s\"  # default"));
    EXPECT_THAT(text, HasSubstr("# secret is set, but not shown (server.toml:2:1)"));
    EXPECT_THAT(text, testing::Not(HasSubstr("hush")));
}

TEST(ServerConfigPrinted, ExampleSaysNothingUntilALineIsUncommented) {
    const Configuration silent = from_toml(example_file());
    for (const Setting& each : settings()) EXPECT_FALSE(silent.values.given(each)) << each.key();

    const Configuration spoken = from_toml(std::regex_replace(example_file(), std::regex("\n#(\\w+ = )"), "\n$1"));
    EXPECT_THAT(lines(spoken.problems), IsEmpty());
    const Values defaults;
    for (const Setting& each : settings()) EXPECT_EQ(spoken.values.of(each), defaults.of(each)) << each.key();
}

}  // namespace
}  // namespace flare::cli::server_config
