// flare server: the ready server. Its configuration is in server_config/.
#include "commands.hpp"
#include "output.hpp"
#include "server_config/configuration.hpp"
#include "server_config/default_certificates.hpp"
#include "server_config/default_store.hpp"
#include "server_config/describe.hpp"
#include "server_config/value.hpp"
#include "service_manager.hpp"
#include "state_folder.hpp"

#include "base/file.hpp"

#include "base/line_writer.hpp"
#include "base/log.hpp"

#include <flare/server.hpp>

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>

extern char** environ;

namespace flare::cli {
namespace {

// glibc takes freed blocks of up to 32 MiB into its heaps once it has seen them come and go, one heap for each thread,
// and keeps them: 16 MB messages cost 200 MiB under a ceiling of 64, and 86 with these.
void give_large_blocks_back() {
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 2 << 20);
}

namespace json = boost::json;
using namespace server_config;

constexpr const char* kDefaultFile = "/etc/flare/server.toml";
constexpr std::string_view kFileVariable = "FLARE_SERVER_CONFIG";

struct ServerFlags {
    std::string file;
    std::map<std::string, std::string> settings;  // by key; only those that were given
    bool check = false;
    bool print = false;
    std::string describe;
};

// Standard output of a server, which must neither end nor wait because of whoever reads it.
base::LineWriter& out() {
    static base::LineWriter writer(
        STDOUT_FILENO, [](const base::LineWriter::Line& line, std::string& to) { to += line.text; },
        [](std::uint64_t dropped) -> base::LineWriter::Line {
            return {{},
                    0,
                    true,
                    "(" + std::to_string(dropped) + " lines dropped: the reader of standard output is too slow)"};
        });
    return writer;
}

// A JSON reader skips no line: it gets one of its own kind.
base::LineWriter& json_out() {
    static base::LineWriter writer(
        STDOUT_FILENO, [](const base::LineWriter::Line& line, std::string& to) { to += line.text; },
        [](std::uint64_t dropped) -> base::LineWriter::Line {
            return {{}, 0, true, json_line({{"event", "dropped"}, {"lines", dropped}})};
        });
    return writer;
}

void tell(std::string line) { out().write({{}, 0, false, std::move(line)}); }
void tell(const json::object& object) { json_out().write({{}, 0, false, json_line(object)}); }

// Tells on standard output who comes and goes.
class Announcer final : public EventHandler {
public:
    explicit Announcer(bool as_json) : json_(as_json) {}
    void on_user_connected(const SessionInfo& session) override {
        if (json_) return tell(object("connected", session));
        tell(coloured(Tone::good, "+") + " " + printable(session.user) + " (" + printable(session.device) + ", " +
             std::string(name(session.platform)) + ")");
    }
    void on_user_disconnected(const SessionInfo& session, const Failure& why) override {
        if (json_) {
            json::object told = object("disconnected", session);
            told["code"] = name(why.code);
            told["text"] = why.text;
            return tell(told);
        }
        tell(coloured(Tone::dim, "-") + " " + printable(session.user) + ": " + printable(why.text));
    }

private:
    static json::object object(std::string_view event, const SessionInfo& session) {
        return {{"event", event},
                {"user", session.user},
                {"device", session.device},
                {"session", session.session_id},
                {"platform", name(session.platform)}};
    }
    const bool json_;
};

Pairs environment() {
    Pairs variables;
    for (char** each = environ; *each != nullptr; ++each) {
        const std::string_view text(*each);
        const std::size_t end = text.find('=');
        if (!text.starts_with("FLARE_SERVER_") || end == text.npos || text.substr(0, end) == kFileVariable) continue;
        variables.emplace_back(text.substr(0, end), text.substr(end + 1));
    }
    return variables;
}

Configuration gather(const ServerFlags& flags) {
    Configuration configuration;
    std::string file = flags.file;
    const char* const variable = std::getenv(std::string(kFileVariable).c_str());
    std::string who = "--config";
    if (file.empty() && variable != nullptr) {
        file = variable;
        who = kFileVariable;
    }
    std::error_code ignored;
    if (file.empty() && std::filesystem::exists(kDefaultFile, ignored)) file = kDefaultFile;
    if (!file.empty()) {
        if (const auto read = add_file(configuration, file); !read)
            configuration.problems.push_back({who, {}, read.error().text});
    }
    add_environment(configuration, environment());
    add_flags(configuration, Pairs(flags.settings.begin(), flags.settings.end()));
    return configuration;
}

json::array in_json(const std::vector<Problem>& problems) {
    json::array list;
    for (const Problem& each : problems)
        list.push_back(json::object{{"where", each.where}, {"key", each.key}, {"text", each.text}});
    return list;
}

// Prints problems and warnings; with --json that is the result.
int report(const Configuration& configuration, bool as_json) {
    const std::size_t count = configuration.problems.size();
    for (const Problem& each : configuration.warnings)
        std::fprintf(stderr, "%s (%s)\n", printable(each.line()).c_str(),
                     coloured(Tone::warning, "warning", stderr).c_str());
    for (const Problem& each : configuration.problems) std::fprintf(stderr, "%s\n", printable(each.line()).c_str());
    if (as_json)
        print_json({{"ok", count == 0},
                    {"problems", in_json(configuration.problems)},
                    {"warnings", in_json(configuration.warnings)}});
    if (count == 0) return kDone;
    print_problem("server", std::to_string(count) + (count == 1 ? " problem" : " problems") + " in the configuration");
    return kUsage;
}

// What somebody who runs this command can do about an error of start().
std::string advice(const Failure& failure) {
    switch (failure.code) {
        case errc::address_in_use:
        case errc::address_unavailable:
        case errc::permission_denied:
            return "change websocket.address, quic.address or admin_address; `ss -lntup` shows which process uses an "
                   "address";
        case errc::file_not_found:
            if (failure.text.find("certificate") == failure.text.npos) return {};
            return "make test certificates with `flare certs make`, or start without QUIC: --quic-enabled=false";
        case errc::store_in_use:
            return "another server of this user keeps its conversations there: give this one a file of its own with "
                   "--store FILE, or --store none";
        case errc::file_unwritable:
            if (failure.text.find("conversations") == failure.text.npos) return {};
            return "name a file in a folder that this user can write with --store FILE, or keep no conversations: "
                   "--store none";
        case errc::invalid_config:
            if (failure.text.find("expose_metrics") != failure.text.npos)
                return "in the configuration, set admin_address to 127.0.0.1, or expose_metrics = true";
            if (failure.text.find("allow_insecure") == failure.text.npos) return {};
            return "in the configuration, set auth.mode, websocket.certificate and websocket.key, or allow_insecure = "
                   "true";
        default: return {};
    }
}

int start_failed(const Failure& failure, bool as_json) {
    print_problem("server", failure.text);
    if (const std::string more = advice(failure); !more.empty()) print_problem("server", more);
    if (as_json) print_json({{"event", "failed"}, {"code", name(failure.code)}, {"text", failure.text}});
    return failure.code == errc::invalid_config ? kUsage : kFailed;
}

void tell_addresses(const Server& server, const Values& values, bool as_json) {
    json::object told{{"event", "listening"}};
    const auto add = [&](const char* what, const std::string& scheme, const std::string& address) {
        if (!address.empty()) told[what] = scheme + address;
    };
    add("websocket", values.given("websocket.certificate") ? "wss://" : "ws://", server.websocket_addr());
    add("quic", "quic://", server.quic_addr());
    add("admin", "http://", server.admin_addr());
    add("api", values.given("api.certificate") ? "https://" : "http://", server.api_addr());
    add("sealing_key", "", server.sealing_public_key());
    if (as_json) return tell(told);
    std::string line = "listening on";
    for (const char* what : {"websocket", "quic", "admin", "api"}) {
        if (const auto* address = told.if_contains(what)) line.append(" ").append(address->as_string());
    }
    tell(line);
    if (const auto* key = told.if_contains("sealing_key"))
        tell("sealing with the key " + std::string(key->as_string()));
}

// Blocks until the process is told to stop, and stops the server.
void serve(Server& server, const sigset_t& signals) {
    int received = 0;
    while (sigwait(&signals, &received) == 0 && received == SIGHUP) {
        tell_service_manager_of_reload();
        const auto reloaded = server.reload_certificates();  // it logs, as does the next
        (void)server.reload_api_keys();
        tell_service_manager(reloaded ? "READY=1\nSTATUS=certificates reloaded"
                                      : "READY=1\nSTATUS=certificates not reloaded; the old ones stay in use");
    }
    tell_service_manager("STOPPING=1");
    // From here on another signal ends the process at once.
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    server.stop();
}

// What stands behind a flag in its help.
std::string type_of(const Setting& setting) {
    switch (setting.kind) {
        case Kind::flag: return "[true|false]";
        case Kind::count: return "NUMBER";
        case Kind::size: return "SIZE";
        case Kind::time: return "DURATION";
        case Kind::path: return "FILE";
        case Kind::address: return "HOST:PORT";
        case Kind::words: return "A,B";
        case Kind::choice: {
            std::string choices = "{" + std::string(setting.choices) + "}";
            std::replace(choices.begin(), choices.end(), '|', ',');
            return choices;
        }
        case Kind::text:
        case Kind::wording:
        case Kind::secret: break;
    }
    return "TEXT";
}

// Clients of a server that was killed hear of it from the next one at once, when that has the same secret: one is made
// and kept without being asked for. Where nothing can be kept the server starts without.
void keep_quic_secret(ServerBuilder& builder, const Values& values) {
    if (!values.flag("quic.enabled") || values.given("quic.secret") || values.given("quic.secret_file")) return;
    const std::string folder = service_state_folder();
    const std::string file = folder + "/quic.secret";
    const auto made = base::make_folders(folder, "state folder", base::Access::secret);
    const bool there = ::access(file.c_str(), F_OK) == 0;
    if (made && (there || ::access(folder.c_str(), W_OK) == 0)) {
        builder.quic_secret_file(file);
        return;
    }
    print_problem("server", "cannot keep quic.secret in " + folder +
                                ": if the server is killed and restarted, QUIC clients will not notice at once; set "
                                "quic.secret_file to another path");
}

int run_server(const ServerFlags& flags) {
    if (flags.describe == "toml") return std::fputs(example_file().c_str(), stdout), kDone;
    if (flags.describe == "markdown") return std::fputs(markdown().c_str(), stdout), kDone;
    if (flags.describe == "man") return std::fputs(manual_page(FLARE_VERSION).c_str(), stdout), kDone;

    Configuration configuration = gather(flags);
    find_default_certificates(configuration, service_state_folder());
    find_default_store(configuration, service_state_folder());
    ServerBuilder builder = make_builder(configuration);
    const bool as_json = configuration.values.flag("json");
    if (flags.check) {
        check_files(configuration);
        const int code = report(configuration, as_json);
        if (code == kDone && !as_json) std::printf("the configuration is valid\n");
        return code;
    }
    if (flags.print) {
        std::fputs(
            (print_config(configuration.values) + print_rules(configuration.rules) + print_hooks(configuration.hooks))
                .c_str(),
            stdout);
        return report(configuration, false);
    }
    if (report(configuration, as_json && !configuration.problems.empty()) != kDone) return kUsage;

    // What is still printed by others, a warning before the start or a last word of C++: nobody needs to read it.
    std::signal(SIGPIPE, SIG_IGN);
    // Taken by this thread alone, in serve(); the server's threads inherit the mask.
    sigset_t signals;
    sigemptyset(&signals);
    for (const int each : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, each);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    keep_quic_secret(builder, configuration.values);
    if (configuration.values.flag("show_users")) builder.with_event_handler(std::make_shared<Announcer>(as_json));
    give_large_blocks_back();
    auto server = builder.build();
    if (!server) return start_failed(server.error(), as_json);
    if (const auto made = make_store_folder(configuration.values, service_state_folder()); !made)
        return start_failed(made.error(), as_json);
    if (const auto started = server->start(); !started) return start_failed(started.error(), as_json);
    tell_addresses(*server, configuration.values, as_json);
    tell_service_manager("READY=1");
    serve(*server, signals);
    if (as_json) {
        tell(json::object{{"event", "stopped"}});
    } else {
        tell("stopped");
    }
    return kDone;
}

}  // namespace

void add_server(CLI::App& app, Run& run) {
    auto flags = std::make_shared<ServerFlags>();
    CLI::App* command = app.add_subcommand("server", "Run the server");
    command
        ->add_option("--config", flags->file, "TOML configuration file (default: /etc/flare/server.toml, if it exists)")
        ->type_name("FILE");
    command->add_flag("--check-config", flags->check, "report every problem of the configuration, and exit");
    command->add_flag("--print-config", flags->print,
                      "print the configuration and where each value comes from, and exit");
    command->add_option("--describe", flags->describe, "print all settings, and exit")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"toml", "markdown", "man"}));
    for (const Setting& setting : settings()) {
        const bool is_flag = setting.kind == Kind::flag;
        const std::string shorter = setting.key() == "store.file" ? ",--store" : "";
        CLI::Option* const option = command->add_option_function<std::string>(
            setting.flag() + shorter,
            [flags, key = setting.key(), is_flag](const std::string& text) {
                flags->settings[key] = is_flag && text.empty() ? "true" : text;
            },
            std::string(setting.says));
        option->type_name(type_of(setting));
        option->group(setting.section.empty() ? "General" : std::string(setting.section));
        if (is_flag) option->expected(0, 1);
    }
    command->footer(
        "Every setting can also be given in the file and in the environment (FLARE_SERVER_LIMITS_MAX_CONNECTIONS). "
        "Other users\nof this machine can see the command line. SIGHUP reloads the certificates and the API keys; "
        "SIGTERM stops the "
        "server gracefully, a\nsecond SIGTERM at once.");
    command->callback([flags, &run] { run = [flags] { return run_server(*flags); }; });
}

}  // namespace flare::cli
