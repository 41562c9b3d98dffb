#include "tree/usage.hpp"

#include "tree/spelling.hpp"

#include <flare/printable.hpp>

#include <algorithm>
#include <vector>

namespace flare::cli {
namespace {

std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(each->get_name());
    return names;
}

std::vector<std::string> options_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* each : app.get_options()) {
        for (const std::string& name : each->get_lnames()) names.push_back("--" + name);
        for (const std::string& name : each->get_snames()) names.push_back("-" + name);
    }
    return names;
}

std::string quoted(const std::string& word) { return "'" + printable(word) + "'"; }

// `words`: what no command and no option has taken, in the order in which it was typed.
std::string unexpected(const CLI::App& command, const std::vector<std::string>& words) {
    // Where a command is unknown, so are its options.
    if (const auto commands = commands_of(command); !commands.empty() && !words.front().starts_with('-'))
        return "unknown command " + quoted(words.front()) + did_you_mean(nearest(words.front(), commands));
    const auto option =
        std::find_if(words.begin(), words.end(), [](const std::string& each) { return each.starts_with('-'); });
    if (option != words.end()) {
        const std::string name = option->substr(0, option->find('='));
        return "unknown option " + quoted(name) + did_you_mean(nearest(name, options_of(command)));
    }
    std::string text = words.size() == 1 ? "unexpected argument:" : "unexpected arguments:";
    for (const std::string& each : words) text += " " + printable(each);
    return text;
}

}  // namespace

std::string usage_problem(const CLI::App* app, const CLI::Error& error) {
    const CLI::App* command = app;
    std::string path = app->get_name();
    std::vector<std::string> words = app->remaining();
    while (words.empty() && !command->get_subcommands().empty()) {
        command = command->get_subcommands().front();
        path += " " + command->get_name();
        words = command->remaining();
    }
    std::string text = printable(error.what());
    const bool of_words = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError) ||
                          error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError);
    if (of_words && !words.empty()) {
        text = unexpected(*command, words);
    } else if (text == CLI::RequiredError::Subcommand(1).what()) {
        text = "a command is required";
    }
    return path + ": " + text + "\n`" + path + " --help` lists " +
           (commands_of(*command).empty() ? "its options" : "the commands") + ".\n";
}

}  // namespace flare::cli
