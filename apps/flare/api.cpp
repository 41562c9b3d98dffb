// flare api: the calls of the server API by their names. The calls and their options are those of docs/openapi.yaml.
#include "api_calling.hpp"
#include "api_table.hpp"
#include "commands.hpp"
#include "output.hpp"

#include <cstdio>

namespace flare::cli {
namespace {

int list_calls(bool json) {
    boost::json::array rows;
    for (const api::Call& call : api::calls()) {
        boost::json::object row{{"call", call.name}, {"method", call.method}, {"path", call.path}, {"says", call.says}};
        if (json) {
            print_json(row);
        } else {
            rows.push_back({{"call", call.name}, {"", call.says}});
        }
    }
    for (const std::string& line : ApiTable({"call", ""}, 0).add(rows)) std::printf("%s\n", line.c_str());
    return kDone;
}

}  // namespace

void add_api(CLI::App& app, Run& run) {
    CLI::App* api = app.add_subcommand("api", "Make a call of the server API, by its name");
    api->require_subcommand(0, 1);
    api->footer(kFooterOfCalls);
    struct Listing {
        bool list = false;
        bool json = false;
    };
    const auto listing = std::make_shared<Listing>();
    api->add_flag("--list", listing->list, "list the calls, which is also done without a call");
    api->add_flag("--json", listing->json, "with --list: one JSON object for each call");
    for (const api::Call& call : api::calls()) {
        CLI::App* command = api->add_subcommand(std::string(call.name), std::string(call.says));
        const auto calling = std::make_shared<ApiCalling>();
        for (const api::Parameter& parameter : call.parameters) add_parameter(*command, parameter, calling, As::option);
        add_calling_options(*command, call, calling);
        command->callback([&call, calling, &run] {
            run = [&call, calling] { return make_call("api " + std::string(call.name), call, *calling); };
        });
    }
    api->callback([api, listing, &run] {
        if (api->get_subcommands().empty()) run = [listing] { return list_calls(listing->json); };
    });
}

}  // namespace flare::cli
