#include "server_config/describe.hpp"

#include "server_config/value.hpp"

#include "manual/troff.hpp"

#include <algorithm>
#include <utility>

namespace flare::cli::server_config {
namespace {

constexpr std::size_t kWidth = 120;

constexpr std::string_view kRules =
    "Who may send what to whom. Only the file can have these entries; the first that matches decides. from and to list "
    "users: a whole name, a pattern that begins or ends with *, or \"*\" for anybody. to may list \"server\", which "
    "\"*\" includes. types lists message types in the same way; without it the entry matches all types. With no entry "
    "at all, everything is allowed; otherwise a message that no entry matches is refused. The sender of a refused "
    "message gets forbidden.";
constexpr std::string_view kRulesExample =
    "#   [[policy]]\n"
    "#   from = [\"guest-*\"]\n"
    "#   to = [\"server\", \"help\"]\n"
    "#   types = [\"chat\", \"text\"]\n"
    "#   allow = true\n"
    "#\n"
    "#   [[policy]]\n"
    "#   from = [\"*\"]\n"
    "#   to = [\"*\"]\n"
    "#   allow = false\n";

constexpr std::string_view kHooks =
    "Whom the server tells what happens, and whom it asks before some things are done (docs/hooks.md). Only the file "
    "can have these entries, at most 64. Without events a hook is told all that the log has. secrets are one or two, "
    "\"whsec_\" and the base64 of 24 to 64 bytes; secrets_file is a file with them, which only its owner and group may "
    "read. A hook that is asked needs on_failure = \"refuse\" or \"accept\".";
constexpr std::string_view kHooksExample =
    "#   [[hook]]\n"
    "#   name = \"orders\"\n"
    "#   url = \"https://shop.example.com/flare\"\n"
    "#   events = [\"message.*\", \"member.joined\"]\n"
    "#   secrets_file = \"/etc/flare/orders.secret\"\n"
    "#   timeout = \"10s\"\n";

std::string uncommented(std::string_view text) {
    std::string out;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin) + 1;
        const std::string_view line = text.substr(begin, end - begin);
        out += line.substr(std::min(line.find_first_not_of("# "), line.size() - 1));
        begin = end;
    }
    return out;
}

// Words in lines of at most `width` bytes, each beginning with `prefix`.
std::string wrapped(std::string_view text, std::string_view prefix, std::size_t width) {
    std::string lines;
    std::string line;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (!line.empty() && line.size() + 1 + end > width) lines += std::exchange(line, {}) + "\n";
        line.append(line.empty() ? prefix : " ").append(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines + line + "\n";
}

std::string comment(std::string_view text) { return wrapped(text, "# ", kWidth); }

std::string default_of(const Setting& setting) {
    const Values defaults;
    return defaults.has(setting) ? to_toml(defaults.of(setting), setting.kind) : std::string();
}

// How TOML writes the value of a key that has no default: an empty list or an empty text.
std::string empty_value(const Setting& setting) { return setting.kind == Kind::words ? "[]" : "\"\""; }

template <typename Write>
std::string in_sections(Write write) {
    std::string text;
    std::string_view section;
    for (const Setting& setting : settings()) {
        if (setting.section != section) text.append("\n[").append(section = setting.section).append("]\n");
        text += write(setting);
    }
    return text;
}

std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return text;
}

}  // namespace

std::string print_config(const Values& values) {
    return in_sections([&](const Setting& setting) {
        const std::string name(setting.name);
        const std::string from = values.given(setting) ? values.where(setting) : "default";
        std::string text = "\n" + comment(std::string(setting.says) + " (" + describe(setting) + ")");
        if (!values.has(setting)) return text + "# " + name + " is not set\n";
        if (setting.kind == Kind::secret) return text + "# " + name + " is set, but not shown (" + from + ")\n";
        return text + name + " = " + to_toml(values.of(setting), setting.kind) + "  # " + from + "\n";
    });
}

std::string print_rules(const std::vector<PolicyRule>& rules) {
    std::string text;
    for (const PolicyRule& rule : rules) {
        text += "\n[[policy]]\nfrom = " + to_toml(rule.from, Kind::words) + "\nto = " + to_toml(rule.to, Kind::words) +
                "\n";
        if (!rule.types.empty()) text += "types = " + to_toml(rule.types, Kind::words) + "\n";
        text += std::string("allow = ") + (rule.allow ? "true" : "false") + "\n";
    }
    return text;
}

std::string print_hooks(const std::vector<ServerHook>& hooks) {
    std::string text;
    const auto line = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) text.append(name).append(" = ").append(to_toml(value, Kind::text)).append("\n");
    };
    for (const ServerHook& hook : hooks) {
        text += "\n[[hook]]\n";
        line("name", hook.name);
        line("url", hook.url);
        if (!hook.events.empty()) text += "events = " + to_toml(hook.events, Kind::words) + "\n";
        if (!hook.secrets.empty()) text += "# secrets are set, but not shown\n";
        line("secrets_file", hook.secrets_file);
        line("ca_file", hook.ca_file);
        if (hook.timeout.count() != 0) text += "timeout = " + to_toml(hook.timeout, Kind::time) + "\n";
        if (hook.on_failure != ServerHook::OnFailure::unset)
            line("on_failure", hook.on_failure == ServerHook::OnFailure::accept ? "accept" : "refuse");
    }
    return text;
}

std::string example_file() {
    std::string text = comment(
        "Configuration of `flare server`, which reads /etc/flare/server.toml or the file given with --config. Every "
        "key is listed with its default, if it has one; to change a value, remove the # and edit the line. Environment "
        "variables (FLARE_SERVER_LIMITS_MAX_CONNECTIONS=5000) override this file, flags (--limits-max-connections "
        "5000) override both. `flare server --check-config` reports every problem of a configuration, `flare server "
        "--print-config` shows each value in use and where it comes from. Durations are written \"500ms\", \"30s\", "
        "\"2m\", \"1h\", \"7d\", sizes \"512B\", \"64KiB\", \"16MiB\", \"1GiB\".");
    return text + in_sections([](const Setting& setting) {
               const std::string value = default_of(setting);
               return "\n" + comment(std::string(setting.says) + " (" + describe(setting) + ")") + "#" +
                      std::string(setting.name) + " = " + (value.empty() ? empty_value(setting) : value) + "\n";
           }) +
           "\n" + comment(kRules) + "#\n" + std::string(kRulesExample) + "\n" + comment(kHooks) + "#\n" +
           std::string(kHooksExample);
}

std::string markdown() {
    std::string text =
        "# Configuration of `flare server`\n\n"
        "Generated by `flare server --describe markdown`; do not edit. A test compares the two.\n\n"
        "Set a key in a TOML file (`--config FILE`, or `FLARE_SERVER_CONFIG`; default:\n"
        "/etc/flare/server.toml, if it exists), in the environment, or with a flag. Variables override the\n"
        "file, and flags override both. The names of variables and flags follow from the key:\n"
        "`limits.max_connections` is `FLARE_SERVER_LIMITS_MAX_CONNECTIONS` and `--limits-max-connections`.\n"
        "Lists are written `a,b` there. Durations need a unit (`500ms`, `30s`, `2m`, `1h`, `7d`), and so do\n"
        "sizes (`512B`, `64KiB`, `16MiB`, `1GiB`).\n\n"
        "The last column names the `ServerBuilder` call, or the option of `include/flare/auth.hpp`, that\n"
        "the key sets.\n";
    std::string_view section = "-";
    for (const Setting& setting : settings()) {
        if (setting.section != section) {
            section = setting.section;
            text.append("\n## ").append(section.empty() ? "Top level" : "[" + std::string(section) + "]");
            text += "\n\n| key | value | default | meaning | sets |\n|---|---|---|---|---|\n";
        }
        const std::string value = default_of(setting);
        text += "| `" + std::string(setting.name) + "` | " + describe(setting) + " | " +
                (value.empty() ? "" : "`" + value + "`") + " | " + std::string(setting.says) + " | `" +
                std::string(setting.builder) + "` |\n";
    }
    return text + "\n## [[policy]]\n\n" +
           wrapped(std::string(kRules) + " They set `ServerBuilder::policy_rules`.", "", 100) + "\n```toml\n" +
           uncommented(kRulesExample) + "```\n\n## [[hook]]\n\n" +
           wrapped(std::string(kHooks) + " They set `ServerBuilder::hooks`.", "", 100) + "\n```toml\n" +
           uncommented(kHooksExample) + "```\n";
}

std::string manual_page(std::string_view version) {
    Troff page("flare-server.toml", 5, version);
    page.section("NAME");
    page.text("flare-server.toml - configuration of flare server");
    page.section("SYNOPSIS");
    page.text("/etc/flare/server.toml");
    page.section("DESCRIPTION");
    page.text(
        "A TOML file with the settings of flare-server(1). Environment variables override the file, and flags override "
        "both; their names follow from the key. Durations are written \"500ms\", \"30s\", \"2m\", \"1h\", \"7d\", "
        "sizes \"512B\", \"64KiB\", \"16MiB\", \"1GiB\".");
    std::string_view section = "-";
    for (const Setting& setting : settings()) {
        if (setting.section != section) {
            section = setting.section;
            page.section(section.empty() ? "TOP LEVEL" : "[" + upper(std::string(section)) + "]");
        }
        const std::string value = default_of(setting);
        page.item(std::string(setting.name), std::string(setting.says) + " (" + describe(setting) +
                                                 (value.empty() ? "" : "; default " + value) + ")");
        page.more(setting.variable() + ", " + setting.flag());
    }
    page.section("[[POLICY]]");
    page.text(std::string(kRules));
    page.section("[[HOOK]]");
    page.text(std::string(kHooks));
    page.section("SEE ALSO");
    page.text("flare-server(1)");
    return page.str();
}

}  // namespace flare::cli::server_config
