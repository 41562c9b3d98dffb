// flare completion: what a shell needs to complete the command line.
#include "commands.hpp"
#include "tree/command_tree.hpp"

#include <cstdio>
#include <memory>

namespace flare::cli {

void add_completion(CLI::App& app, Run& run) {
    auto shell = std::make_shared<std::string>();
    CLI::App* command = app.add_subcommand("completion", "Print a shell script that completes commands and options");
    command->add_option("shell", *shell, "which one")
        ->required()
        ->type_name("SHELL")
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    command->callback([shell, &app, &run] {
        run = [shell, &app] {
            const CommandNode root = tree_of(app);
            const std::string script = *shell == "bash"  ? bash_completion(root)
                                       : *shell == "zsh" ? zsh_completion(root)
                                                         : fish_completion(root);
            std::fputs(script.c_str(), stdout);
            return kDone;
        };
    });
}

}  // namespace flare::cli
