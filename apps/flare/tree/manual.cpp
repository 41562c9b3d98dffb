#include "manual/troff.hpp"
#include "tree/command_tree.hpp"

#include <algorithm>

namespace flare::cli {
namespace {

std::string dashed(std::string text) {
    std::replace(text.begin(), text.end(), ' ', '-');
    return text;
}

std::string synopsis(const CommandNode& command) {
    std::string line = command.path;
    if (!command.options.empty()) line += " [OPTIONS]";
    if (!command.commands.empty()) line += " COMMAND";
    for (const OptionNode& each : command.options) {
        if (!each.positional) continue;
        const std::string name = each.type.empty() ? each.names.front() : each.type;
        line += each.required ? " " + name : " [" + name + "]";
    }
    return line;
}

std::string term_of(const OptionNode& option) {
    if (option.positional) return option.type.empty() ? option.names.front() : option.type;
    std::string term;
    for (const std::string& each : option.names) term.append(term.empty() ? "" : ", ").append(each);
    return option.type.empty() ? term : term + " " + option.type;
}

// Every command has these, and each says the same of itself.
bool is_help(const OptionNode& option) {
    const auto named = [&](const char* name) {
        return std::find(option.names.begin(), option.names.end(), name) != option.names.end();
    };
    return named("--help") || named("--help-all");
}

void add_options(Troff& page, const CommandNode& command, bool with_help) {
    for (const OptionNode& each : command.options) {
        if (!with_help && is_help(each)) continue;
        std::string text = each.says;
        // The set of choices is the type already where there is no better name for it.
        if (!each.choices.empty() && each.type.find('{') == each.type.npos) {
            text += ": one of";
            for (const std::string& choice : each.choices) text += " " + choice;
        }
        if (!each.fallback.empty() && !each.type.empty()) text += " (default " + each.fallback + ")";
        if (each.required) text += " (required)";
        page.item(term_of(each), text);
    }
}

void add_command(Troff& page, const CommandNode& command, const CommandNode& root) {
    std::string title = command.path;
    std::transform(title.begin(), title.end(), title.begin(),
                   [](char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); });
    page.section(title);
    page.text(command.says + ".");
    page.literal(synopsis(command));
    add_options(page, command, false);
    if (command.footer != root.footer) page.text(command.footer);  // without one of its own it has the tool's
    for (const CommandNode& each : command.commands) add_command(page, each, root);
}

}  // namespace

std::string manual_page(const CommandNode& command, const CommandNode& root, std::string_view version) {
    const bool whole = &command == &root;
    Troff page(dashed(command.path), 1, version);
    page.section("NAME");
    page.text(dashed(command.path) + " - " + command.says);
    page.section("SYNOPSIS");
    page.literal(synopsis(command));
    if (!whole && !command.commands.empty())
        for (const CommandNode& each : command.commands) page.literal(synopsis(each));
    page.section("OPTIONS");
    add_options(page, command, true);
    if (whole) {
        page.section("COMMANDS");
        for (const CommandNode& each : command.commands) page.item("flare-" + each.name + "(1)", each.says);
    } else {
        if (command.footer != root.footer) {
            page.section("NOTES");
            page.text(command.footer);
        }
        for (const CommandNode& each : command.commands) add_command(page, each, root);
    }
    page.section("EXIT STATUS");
    page.item("0", "Success.");
    page.item("1", "The command ran and failed.");
    page.item("2", "Options or configuration are invalid; nothing was done.");
    page.item("3", "No server answered.");
    page.item("4", "The server answered and refused.");
    page.section("SEE ALSO");
    if (whole) {
        page.text("flare-server.toml(5)");
    } else {
        page.text(command.name == "server" ? "flare(1), flare-server.toml(5)" : "flare(1)");
    }
    return page.str();
}

}  // namespace flare::cli
