// flare user: what a server knows of a user, and what it does to one, over the server API.
#include "api_calling.hpp"
#include "commands.hpp"
#include "named_calls.hpp"

#include <array>

namespace flare::cli {
namespace {

constexpr std::array kCallsOfUsers{
    NamedCall{"list-conversations", "list_user_conversations", "user"},
    NamedCall{"unread", "get_unread", "user"},
    NamedCall{"sessions", "list_sessions", "user"},
    NamedCall{"presence", "get_presence", "user"},
    NamedCall{"disconnect", "disconnect_user", "user"},
    NamedCall{"revoke", "revoke_user", "user"},
    NamedCall{"erase", "erase_user", "user"},
    NamedCall{"blocks", "list_blocks", "user"},
    NamedCall{"block", "block", "user,other"},
    NamedCall{"unblock", "unblock", "user,other"},
    NamedCall{"devices", "list_devices", "user"},
    NamedCall{"remove-device", "remove_device", "user,device"},
};

}  // namespace

void add_user(CLI::App& app, Run& run) {
    CLI::App* user = app.add_subcommand("user", "Show and end what a user has on a server, over the server API");
    user->require_subcommand(1);
    user->footer(kFooterOfCalls);
    add_named_calls(*user, kCallsOfUsers, run);
}

}  // namespace flare::cli
