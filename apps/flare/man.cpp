// flare man: the manual pages, made of the commands as they are.
#include "base/file.hpp"
#include "commands.hpp"
#include "output.hpp"
#include "server_config/describe.hpp"
#include "tree/command_tree.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace flare::cli {
namespace {

constexpr std::string_view kServerFile = "server.toml";

int write_all(const CommandNode& root, const std::filesystem::path& folder) {
    auto good = base::make_folders(folder.string(), "folder", base::Access::open);
    const auto write = [&](const std::string& name, const std::string& page) {
        if (!good) return;
        base::Writing writing;
        writing.access = base::Access::open;
        if (const auto written = base::put_file((folder / name).string(), {}, page, writing); !written)
            good = written.error();
    };
    write("flare.1", manual_page(root, root, FLARE_VERSION));
    write("flare-server.toml.5", server_config::manual_page(FLARE_VERSION));
    for (const CommandNode& each : root.commands)
        write("flare-" + each.name + ".1", manual_page(each, root, FLARE_VERSION));
    if (good) return kDone;
    print_problem("man", good.error().text);
    return kFailed;
}

int print_page(const CommandNode& root, const std::string& name) {
    std::string page;
    if (name.empty()) {
        page = manual_page(root, root, FLARE_VERSION);
    } else if (name == kServerFile) {
        page = server_config::manual_page(FLARE_VERSION);
    } else {
        const auto found = std::find_if(root.commands.begin(), root.commands.end(),
                                        [&](const CommandNode& each) { return each.name == name; });
        if (found == root.commands.end()) {
            print_problem("man", "unknown command " + printable(name) + "; `flare --help` lists them");
            return kUsage;
        }
        page = manual_page(*found, root, FLARE_VERSION);
    }
    std::fputs(page.c_str(), stdout);
    return kDone;
}

}  // namespace

void add_man(CLI::App& app, Run& run) {
    struct Options {
        std::string name, folder;
    };
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("man", "Print a man page: flare man server | man -l -");
    command->add_option("command", options->name, "a command, or server.toml; default: the page of flare itself")
        ->type_name("COMMAND");
    command->add_option("--out", options->folder, "write all man pages to this folder")->type_name("FOLDER");
    command->callback([options, &app, &run] {
        run = [options, &app] {
            const CommandNode root = tree_of(app);
            return options->folder.empty() ? print_page(root, options->name) : write_all(root, options->folder);
        };
    });
}

}  // namespace flare::cli
