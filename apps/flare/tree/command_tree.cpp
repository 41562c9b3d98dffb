#include "tree/command_tree.hpp"

namespace flare::cli {
namespace {

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(at), text.size());
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

// "NAME:{a,b}" and "{a,b}", as CLI11 writes sets.
std::vector<std::string> choices_in(std::string_view type) {
    const std::size_t open = type.find('{');
    const std::size_t close = type.find('}');
    if (open == type.npos || close == type.npos || close < open) return {};
    return split(type.substr(open + 1, close - open - 1), ',');
}

OptionNode node_of(const CLI::Option& option) {
    OptionNode node;
    node.positional = option.get_positional();
    if (node.positional) {
        node.names = {option.get_name(true)};
    } else {
        for (const std::string& each : option.get_snames()) node.names.push_back("-" + each);
        for (const std::string& each : option.get_lnames()) node.names.push_back("--" + each);
    }
    if (option.get_items_expected_max() != 0) {
        node.type = option.get_type_name();
        node.choices = choices_in(node.type);
        // What a check says of itself stands behind the name.
        for (const std::string_view check : {":{", ":INT in [", ":UINT in [", ":FLOAT in [", ":FILE"}) {
            if (const std::size_t at = node.type.find(check); at != node.type.npos) node.type.resize(at);
        }
    }
    node.says = option.get_description();
    node.group = option.get_group();
    node.fallback = option.get_default_str();
    node.required = option.get_required();
    return node;
}

CommandNode node_of(const CLI::App& app, const std::string& before) {
    CommandNode node;
    node.name = app.get_name();
    node.path = before.empty() ? node.name : before + " " + node.name;
    node.says = app.get_description();
    node.footer = app.get_footer();
    for (const CLI::Option* each : app.get_options()) {
        if (!each->get_group().empty()) node.options.push_back(node_of(*each));  // without a group it is hidden
    }
    for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (!each->get_group().empty()) node.commands.push_back(node_of(*each, node.path));
    }
    return node;
}

}  // namespace

CommandNode tree_of(const CLI::App& app) { return node_of(app, {}); }

}  // namespace flare::cli
