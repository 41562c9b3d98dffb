// flare hooks: how the hooks of a server are doing, and what makes them wait or begin again, over the server API.
#include "api_calling.hpp"
#include "commands.hpp"
#include "named_calls.hpp"

#include <array>

namespace flare::cli {
namespace {

constexpr std::array kCallsOfHooks{
    NamedCall{"list", "list_hooks", ""},
    NamedCall{"pause", "pause_hook", "hook"},
    NamedCall{"resume", "resume_hook", "hook"},
    NamedCall{"replay", "replay_hook", "hook"},
};

}  // namespace

void add_hooks(CLI::App& app, Run& run) {
    CLI::App* hooks = app.add_subcommand("hooks", "Show, pause, resume and replay the hooks of a server");
    hooks->require_subcommand(1);
    hooks->footer(kFooterOfCalls);
    add_named_calls(*hooks, kCallsOfHooks, run);
}

}  // namespace flare::cli
