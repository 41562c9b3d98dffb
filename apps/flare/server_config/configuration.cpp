#include "server_config/configuration.hpp"

#include "base/file.hpp"
#include "server/certificates.hpp"
#include "server_config/default_store.hpp"
#include "server_config/value.hpp"
#include "tree/spelling.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>

namespace flare::cli::server_config {
namespace {

constexpr std::string_view kVariables = "FLARE_SERVER_";

std::string_view name_of(std::string_view key) { return key.substr(key.rfind('.') + 1); }
std::string_view section_of(std::string_view key) {
    const std::size_t dot = key.rfind('.');
    return dot == key.npos ? std::string_view() : key.substr(0, dot);
}

std::string nearest_variable(std::string_view name) {
    std::vector<std::string> endings;  // the beginning, which all share, would make everything alike
    for (const Setting& each : settings()) endings.push_back(each.variable().substr(kVariables.size()));
    const std::string found = nearest(name.substr(kVariables.size()), endings);
    return found.empty() ? found : std::string(kVariables) + found;
}

// The builder begins with the name of its call, which says nothing to somebody who writes a file.
std::string without_call(const Setting& setting, const std::string& text) {
    const std::size_t colon = text.find(": ");
    const bool named = colon != text.npos && (text.substr(0, colon).find(' ') == text.npos ||
                                              text.starts_with("enable_websocket, enable_quic: "));
    return named && setting.kind != Kind::path ? text.substr(colon + 2) : text;
}

void add_texts(Configuration& configuration, const Setting& setting, std::string_view text, const std::string& where) {
    auto value = parse_value(setting, text);
    if (value) {
        configuration.values.set(setting, std::move(*value), where);
    } else {
        configuration.problems.push_back({where, setting.key(), value.error().text});
    }
}

// What is said of a way to authenticate that is not in use is a mistake, and not a small one.
void check_unused_authentication(Configuration& configuration) {
    const Values defaults;
    const std::string mode = configuration.values.text("auth.mode");
    for (const Setting& setting : settings()) {
        const bool said = configuration.values.given(setting) &&
                          configuration.values.of(setting) != defaults.of(setting);  // what --print-config writes
        if (!setting.section.starts_with("auth.") || !said) continue;
        const std::string wanted(setting.section.substr(std::string_view("auth.").size()));
        if (wanted != mode)
            configuration.problems.push_back({configuration.values.where(setting), setting.key(),
                                              "has no effect, because auth.mode is \"" + mode + "\": set it to \"" +
                                                  wanted + "\", or omit this setting"});
    }
}

// Networks that are trusted with nothing were meant to be trusted with something.
void check_proxy(Configuration& configuration) {
    const Values& values = configuration.values;
    if (values.words("proxy.trusted").empty() || values.text("proxy.header") != "none") return;
    configuration.problems.push_back(
        {values.where(*find_setting("proxy.trusted")), "proxy.trusted",
         "has no effect, because proxy.header is \"none\": set the header that the proxies send"});
}

}  // namespace

std::string Problem::line() const { return where + ": " + (key.empty() ? "" : key + ": ") + text; }

std::string nearest_key(std::string_view key) {
    std::string best;
    std::size_t least = most_distance(name_of(key)) + 1;
    for (const Setting& setting : settings()) {
        const bool here = setting.section == section_of(key);
        // In another section only a name that is (almost) the same counts.
        const std::size_t far = distance(name_of(key), setting.name) + (here ? 0u : 1u);
        if (far >= least) continue;
        least = far;
        best = here ? std::string(setting.name) : setting.key();
    }
    return best;
}

std::string nearest_section(std::string_view section) {
    std::vector<std::string> sections;
    for (const Setting& setting : settings()) {
        for (std::string_view each = setting.section; !each.empty(); each = section_of(each))
            sections.emplace_back(each);
    }
    return nearest(section, sections);
}

void add_environment(Configuration& configuration, const Pairs& variables) {
    for (const auto& [name, text] : variables) {
        if (text.empty()) continue;
        const auto all = settings();
        const auto found = std::find_if(all.begin(), all.end(),
                                        [&name = name](const Setting& each) { return each.variable() == name; });
        if (found != all.end()) {
            add_texts(configuration, *found, text, name);
        } else if (name.starts_with(kVariables)) {
            configuration.warnings.push_back(
                {name, {}, "unknown variable; ignored" + did_you_mean(nearest_variable(name))});
        }
    }
}

void add_flags(Configuration& configuration, const Pairs& flags) {
    for (const auto& [key, text] : flags) {
        const Setting& setting = *find_setting(key);
        // Empty: as if nobody had said anything.
        const bool lifted = text.empty() && setting.kind != Kind::words;
        if (lifted) {
            configuration.values.set(setting, Value(std::string()), {});
        } else {
            add_texts(configuration, setting, text, setting.flag());
        }
    }
}

ServerBuilder make_builder(Configuration& configuration) {
    const Values& values = configuration.values;
    check_unused_authentication(configuration);
    check_proxy(configuration);
    auto good = std::make_unique<ServerBuilder>();
    std::vector<std::string> told;
    for (const Setting& setting : settings()) {
        if (setting.apply == nullptr || !values.given(setting)) continue;
        // The builder knows its limits, and tells of the first mistake only: so each setting is tried by itself.
        auto attempt = std::make_unique<ServerBuilder>(*good);
        setting.apply(*attempt, values, setting);
        if (const auto built = attempt->build(); built) {
            good = std::move(attempt);
        } else if (std::find(told.begin(), told.end(), built.error().text) == told.end()) {
            told.push_back(built.error().text);
            configuration.problems.push_back(
                {values.where(setting), setting.key(), without_call(setting, built.error().text)});
            // So that it hides no mistake of one that is applied together with it.
            configuration.values.set(setting, Value(std::string()), {});
        }
    }
    if (!configuration.rules.empty()) good->policy_rules(configuration.rules);
    if (!configuration.hooks.empty()) {
        auto attempt = std::make_unique<ServerBuilder>(*good);
        if (const auto built = attempt->hooks(configuration.hooks).build(); built) {
            good = std::move(attempt);
        } else if (std::find(told.begin(), told.end(), built.error().text) == told.end()) {
            configuration.problems.push_back({configuration.hooks_at, "hook", built.error().text});
        }
    }
    return *good;
}

// Files that the server makes when they are missing: only what is there already can be wrong, and nothing is made.
void check_kept_files(Configuration& configuration) {
    constexpr std::size_t kMostBytes = 1u << 30;
    for (const char* key : {"sessions.ticket_key_file", "sessions.revocations_file", "quic.secret_file"}) {
        const std::string file = configuration.values.text(key);
        std::error_code ignored;
        if (file.empty() || !std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) continue;
        const Setting& setting = *find_setting(key);
        if (const auto read = base::read_file(file, std::string(setting.name), kMostBytes, base::Access::kept); !read)
            configuration.problems.push_back({configuration.values.where(setting), key, read.error().text});
    }
}

// The server makes the file, and refuses to write through a link. A folder that it does not make must be there.
void check_store(Configuration& configuration) {
    const Values& values = configuration.values;
    if (!keeps_conversations(values)) return;
    const Setting& setting = *find_setting("store.file");
    const std::string file = values.text("store.file");
    const auto add = [&](std::string text) {
        configuration.problems.push_back({values.where(setting), setting.key(), std::move(text)});
    };
    auto folder = std::filesystem::path(file).parent_path();
    if (folder.empty()) folder = ".";
    std::error_code ignored;
    const bool made_at_start = values.where(setting) == "state folder";
    if (!made_at_start && !std::filesystem::is_directory(folder, ignored))
        return add("the store " + file + ": its folder does not exist; create it first");
    if (const auto may = base::may_put_file(file, "the store", true); !may) add(may.error().text);
}

void check_files(Configuration& configuration) {
    check_kept_files(configuration);
    check_store(configuration);
    const Values& values = configuration.values;
    const auto check = [&](const server::Config& config) {
        const auto loaded = server::Certificates::load(config, {}, {});
        if (loaded) return;
        // The text names the file; whoever named it to us is to blame.
        const std::string& text = loaded.error().text;
        for (const char* key : {"websocket.certificate", "websocket.key", "quic.certificate", "quic.key",
                                "tls.client_ca_file", "tls.sealing_key_file"}) {
            const std::string file = values.text(key);
            if (file.empty() || text.find(" " + file) == text.npos) continue;
            const std::string& where = values.where(*find_setting(key));
            return configuration.problems.push_back({where.empty() ? "default" : where, key, text});
        }
        configuration.problems.push_back({"certificates", {}, text});
    };
    // Each by itself, so that one problem does not hide another.
    server::Config none;
    none.websocket = none.quic = false;
    none.client_ca_file = values.text("tls.client_ca_file");
    none.require_client_cert = values.flag("tls.require_client_certificate");
    if (values.flag("websocket.enabled") && values.given("websocket.certificate")) {
        server::Config config = none;
        config.websocket = true;
        config.certificate_file = values.text("websocket.certificate");
        config.key_file = values.text("websocket.key");
        check(config);
    }
    if (values.flag("quic.enabled")) {
        server::Config config = none;
        config.quic = true;
        config.quic_certificate_file = values.text("quic.certificate");
        config.quic_key_file = values.text("quic.key");
        config.quic_alpn = values.words("quic.alpn");
        check(config);
    }
    if (values.given("tls.sealing_key_file")) {
        server::Config config = none;
        config.sealing_key_file = values.text("tls.sealing_key_file");
        check(config);
    }
}

}  // namespace flare::cli::server_config
