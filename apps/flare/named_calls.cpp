#include "named_calls.hpp"

#include "api_calling.hpp"
#include "entry_text.hpp"

#include <algorithm>
#include <string>

namespace flare::cli {

void add_named_calls(CLI::App& group, std::span<const NamedCall> calls, Run& run) {
    for (const NamedCall& named : calls) {
        const api::Call& call = *api::find_call(named.call);
        CLI::App* command = group.add_subcommand(std::string(named.name), std::string(call.says));
        const auto calling = std::make_shared<ApiCalling>();
        std::vector<std::string> places;
        if (!named.places.empty()) places = CLI::detail::split(std::string(named.places), ',');
        for (const std::string& place : places) add_parameter(*command, *call.find(place), calling, As::place);
        for (const api::Parameter& parameter : call.parameters) {
            if (std::ranges::find(places, parameter.option) == places.end())
                add_parameter(*command, parameter, calling, As::option);
        }
        add_calling_options(*command, call, calling);
        command->callback([&call, calling, path = group.get_name() + " " + std::string(named.name), &run] {
            if (const auto room = calling->typed.values.find("conversation");
                room != calling->typed.values.end() && call.path.find("/conversations/{") != std::string_view::npos &&
                !room->second.empty())
                room->second.front() = room_of(room->second.front());
            run = [&call, calling, path] { return make_call(path, call, *calling); };
        });
    }
}

}  // namespace flare::cli
