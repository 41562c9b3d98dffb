// The only file that knows toml++.
#include "base/file.hpp"
#include "server/message_rules.hpp"
#include "server_config/configuration.hpp"
#include "server_config/value.hpp"
#include "tree/spelling.hpp"

#include <toml++/toml.h>

#include <optional>

namespace flare::cli::server_config {
namespace {

constexpr std::size_t kMaxFileBytes = 1u << 20;

std::string place(const std::string& name, const toml::source_region& source) {
    return name + ":" + std::to_string(source.begin.line) + ":" + std::to_string(source.begin.column);
}

Checked<Value> read_words(const toml::array& array) {
    std::vector<std::string> words;
    for (const toml::node& each : array) {
        const auto text = each.value_exact<std::string>();
        if (!text) return wrong("must be a list of strings: [\"a\", \"b\"]");
        words.push_back(*text);
    }
    return Value(std::move(words));
}

Checked<Value> read_value(const Setting& setting, const toml::node& node) {
    if (const auto text = node.value_exact<std::string>()) {
        if (setting.kind == Kind::flag || setting.kind == Kind::count)
            return wrong(setting.kind == Kind::flag ? "must be true or false, without quotation marks"
                                                    : "must be a number, without quotation marks");
        if (setting.kind == Kind::words) return wrong("must be a list of strings: [\"a\", \"b\"]");
        // "": as if it were not there.
        return text->empty() ? Checked<Value>(Value(std::string())) : parse_value(setting, *text);
    }
    if (const auto number = node.value_exact<std::int64_t>()) {
        switch (setting.kind) {
            case Kind::count:
            case Kind::size:
            case Kind::time:
                if (*number >= 0) return parse_value(setting, std::to_string(*number));
                return wrong("must not be less than 0");
            default: break;
        }
    }
    if (const auto flag = node.value_exact<bool>(); flag && setting.kind == Kind::flag) return Value(*flag);
    if (const auto* array = node.as_array(); array != nullptr && setting.kind == Kind::words) return read_words(*array);
    return wrong("must be a " + describe(setting));
}

constexpr std::string_view kOlderLogLevel = "log_level";  // before there was a section for the log

class Reader {
public:
    Reader(Configuration& configuration, const std::string& name) : configuration_(configuration), name_(name) {}

    void read(const toml::table& table, const std::string& prefix) {
        for (const auto& [name, node] : table) {
            std::string key = prefix + std::string(name.str());
            if (key == "policy") {
                read_entries(key, name.source(), node, server::MessageRules::kMost,
                             [this](const toml::table& fields, const std::string& at) { read_rule(fields, at); });
                continue;
            }
            if (key == "hook") {
                configuration_.hooks_at = place(name_, name.source());
                read_entries(key, name.source(), node, ServerHook::kMost,
                             [this](const toml::table& fields, const std::string& at) { read_hook(fields, at); });
                continue;
            }
            if (key == kOlderLogLevel && !node.is_table()) {
                key = "log.level";
                if (table.at_path(key)) {
                    problem(name.source(), std::string(kOlderLogLevel), "is the older name of log.level: remove it");
                    continue;
                }
            }
            if (const auto* inner = node.as_table()) {
                if (find_setting(key) != nullptr) {
                    problem(name.source(), key, "is a key and not a section");
                } else if (is_section(key)) {
                    read(*inner, key + ".");
                } else {
                    problem(name.source(), key, "unknown section" + did_you_mean(nearest_section(key)));
                }
                continue;
            }
            const Setting* const setting = find_setting(key);
            if (setting == nullptr) {
                problem(name.source(), key, "unknown key" + did_you_mean(nearest_key(key)));
                continue;
            }
            auto value = read_value(*setting, node);
            if (!value) {
                problem(node.source(), key, value.error().text);
            } else {
                configuration_.values.set(*setting, std::move(*value), place(name_, name.source()));
            }
        }
    }

private:
    // A list of tables: [[policy]], [[hook]]. `read` has each, with what it is called.
    template <typename Read>
    void read_entries(const std::string& list, const toml::source_region& source, const toml::node& node,
                      std::size_t most, const Read& read) {
        const toml::array* const entries = node.as_array();
        if (entries == nullptr) return problem(source, list, "must be a list: begin each entry with [[" + list + "]]");
        if (entries->size() > most) return problem(source, list, "has more than " + std::to_string(most) + " entries");
        for (std::size_t i = 0; i < entries->size(); ++i) {
            const toml::node& entry = *entries->get(i);
            const std::string key = list + "[" + std::to_string(i + 1) + "]";
            if (const auto* fields = entry.as_table()) {
                read(*fields, key);
            } else {
                problem(entry.source(), key, "must be an entry that begins with [[" + list + "]]");
            }
        }
    }

    // See PolicyRule.
    void read_rule(const toml::table& fields, const std::string& key) {
        const std::size_t before = configuration_.problems.size();
        PolicyRule rule;
        bool decides = false;
        for (const auto& [name, node] : fields) {
            const std::string field = key + "." + std::string(name.str());
            if (name.str() == "allow") {
                const auto allow = node.value_exact<bool>();
                if (!allow) problem(node.source(), field, "must be true or false, without quotation marks");
                rule.allow = allow.value_or(false);
                decides = true;
                continue;
            }
            auto* const names = name.str() == "from"    ? &rule.from
                                : name.str() == "to"    ? &rule.to
                                : name.str() == "types" ? &rule.types
                                                        : nullptr;
            if (names == nullptr) {
                problem(name.source(), field, "unknown key: an entry has only from, to, types and allow");
            } else {
                read_names(field, node, *names, "write [\"*\"] for anything");
            }
        }
        // One mistake is not told in two ways.
        if (configuration_.problems.size() != before) return;
        if (!decides) return problem(fields.source(), key, "needs allow = true or allow = false");
        const std::string fault = server::MessageRules::fault_of(rule);
        if (!fault.empty()) return problem(fields.source(), key, fault);
        configuration_.rules.push_back(std::move(rule));
    }

    // `instead`: of an empty list.
    void read_names(const std::string& field, const toml::node& node, std::vector<std::string>& names,
                    const std::string& instead) {
        const toml::array* const array = node.as_array();
        auto words =
            array == nullptr ? Checked<Value>(wrong("must be a list of strings: [\"a\", \"b\"]")) : read_words(*array);
        if (!words) return problem(node.source(), field, words.error().text);
        names = std::get<std::vector<std::string>>(std::move(*words));
        if (names.empty()) problem(node.source(), field, "is an empty list: " + instead);
    }

    // See ServerHook.
    void read_hook(const toml::table& fields, const std::string& key) {
        const std::size_t before = configuration_.problems.size();
        ServerHook hook;
        for (const auto& [name, node] : fields) {
            const std::string field = key + "." + std::string(name.str());
            if (name.str() == "events") {
                read_names(field, node, hook.events, "omit it for all that the log has");
            } else if (name.str() == "secrets") {
                read_names(field, node, hook.secrets, "a hook has one secret, or two");
            } else {
                const auto text = node.value_exact<std::string>();
                const auto fault = text ? set_of_hook(hook, name.str(), *text) : Checked<>(wrong("must be a text"));
                if (!fault) problem(node.source(), field, fault.error().text);
            }
        }
        if (configuration_.problems.size() == before) configuration_.hooks.push_back(std::move(hook));
    }

    static Checked<> set_of_hook(ServerHook& hook, std::string_view name, const std::string& text) {
        using OnFailure = ServerHook::OnFailure;
        std::string* const to = name == "name"           ? &hook.name
                                : name == "url"          ? &hook.url
                                : name == "secrets_file" ? &hook.secrets_file
                                : name == "ca_file"      ? &hook.ca_file
                                                         : nullptr;
        if (to != nullptr) {
            *to = text;
        } else if (name == "on_failure") {
            if (text != "refuse" && text != "accept") return wrong("must be \"refuse\" or \"accept\"");
            hook.on_failure = text == "accept" ? OnFailure::accept : OnFailure::refuse;
        } else if (name == "timeout") {
            const auto time = parse_duration(text);
            if (!time) return time.error();
            hook.timeout = *time;
        } else {
            return wrong(
                "unknown key: an entry has only name, url, events, secrets, secrets_file, ca_file, timeout and "
                "on_failure");
        }
        return {};
    }

    static bool is_section(std::string_view name) {
        for (const Setting& each : settings()) {
            if (each.section == name || each.section.starts_with(std::string(name) + ".")) return true;
        }
        return false;
    }
    void problem(const toml::source_region& source, const std::string& key, std::string text) {
        configuration_.problems.push_back({place(name_, source), key, std::move(text)});
    }

    Configuration& configuration_;
    const std::string& name_;
};

}  // namespace

void add_toml(Configuration& configuration, std::string_view text, const std::string& name) {
    try {
        const toml::table table = toml::parse(text, name);
        Reader(configuration, name).read(table, {});
    } catch (const toml::parse_error& error) {
        configuration.problems.push_back({place(name, error.source()), {}, std::string(error.description())});
    }
}

Checked<> add_file(Configuration& configuration, const std::string& path) {
    const auto contents = base::read_text(path, "configuration", kMaxFileBytes);
    if (!contents) return contents.error();
    add_toml(configuration, contents->bytes, path);
    if (!contents->exposed) return {};
    for (const ServerHook& each : configuration.hooks)
        if (!each.secrets.empty())
            configuration.problems.push_back({configuration.hooks_at, "hook.secrets", contents->exposed->text});
    for (const Setting& setting : settings()) {
        if (setting.kind == Kind::secret && configuration.values.given(setting) &&
            configuration.values.where(setting).starts_with(path + ":"))
            configuration.problems.push_back(
                {configuration.values.where(setting), setting.key(), contents->exposed->text});
    }
    return {};
}

}  // namespace flare::cli::server_config
