// flare version: what this is, for a report.
#include "commands.hpp"
#include "output.hpp"

#include <memory>

namespace flare::cli {

void add_version(CLI::App& app, Run& run) {
    auto json = std::make_shared<bool>(false);
    CLI::App* command = app.add_subcommand("version", "Print the version");
    command->add_flag("--json", *json, "print one JSON object");
    command->callback([json, &run] {
        run = [json] {
            if (*json) {
                print_json({{"version", FLARE_VERSION}});
            } else {
                std::printf("flare %s\n", FLARE_VERSION);
            }
            return kDone;
        };
    });
}

}  // namespace flare::cli
