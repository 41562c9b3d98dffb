#include "room_over_api.hpp"

#include "api_calling.hpp"
#include "base/rfc3339.hpp"
#include "entry_text.hpp"
#include "output.hpp"

#include <cstdlib>
#include <map>
#include <optional>

namespace flare::cli {
namespace {

struct RoomCall {
    const char* call;    // operationId
    bool each = false;   // of the users, one call each
    bool signs = false;  // it takes `by`
};

// By the name of the command. What is not here needs a session: its user joins, leaves, or has read something.
const std::map<std::string, RoomCall, std::less<>>& room_calls() {
    static const std::map<std::string, RoomCall, std::less<>> kCalls{
        {"create", {"create_conversation"}},
        {"show", {"get_conversation"}},
        {"set", {"update_conversation", false, true}},
        {"delete", {"delete_conversation"}},
        {"members", {"list_members"}},
        {"add", {"add_members", false, true}},
        {"remove", {"remove_member", true, true}},
        {"role", {"update_member", true, true}},
        {"mute", {"update_member", true, true}},
        {"unmute", {"update_member", true, true}},
        {"bans", {"list_bans"}},
        {"ban", {"ban", true, true}},
        {"unban", {"unban", true, true}},
        {"invites", {"list_invitations"}},
        {"invite", {"invite", false, true}},
        {"occupancy", {"get_occupancy"}},
    };
    return kCalls;
}

std::string until_text(const RoomArguments& arguments) {
    if (arguments.lasts.count() == 0) return "forever";
    return base::to_rfc3339(std::chrono::system_clock::now() + arguments.lasts);
}

void type_settings(const RoomChanges& changes, api::Typed& typed) {
    if (changes.title) typed.set("title", *changes.title);
    if (changes.join) typed.set("join", std::string(name(*changes.join)));
    if (changes.visibility) typed.set("visibility", std::string(name(*changes.visibility)));
    if (changes.max_payload_bytes) typed.set("max_payload_bytes", std::to_string(*changes.max_payload_bytes));
    if (changes.slow_mode) typed.set("slow_mode_ms", std::to_string(changes.slow_mode->count()));
    if (changes.frozen) typed.set("frozen", *changes.frozen ? "true" : "false");
}

api::Typed typed_for(const std::string& command, const RoomArguments& arguments, const ClientOptions& common) {
    api::Typed typed;
    typed.set("conversation", room_of(arguments.name));
    if (command == "create") {
        if (!common.user.empty()) typed.set("owner", common.user);
        if (!arguments.options.members.empty()) typed.values["members"] = arguments.options.members;
        if (!arguments.options.title.empty()) typed.set("title", arguments.options.title);
        typed.set("join", std::string(name(arguments.options.join)));
        typed.set("visibility", std::string(name(arguments.options.visibility)));
    }
    if (command == "set") type_settings(arguments.changes, typed);
    if (command == "add" || command == "invite") typed.values["users"] = arguments.users;
    if (command == "add" || command == "role") typed.set("role", arguments.role);
    if (command == "mute") typed.set("muted_until", until_text(arguments));
    if (command == "unmute") typed.set("muted", "false");
    if (command == "ban") typed.set("until", until_text(arguments));
    return typed;
}

}  // namespace

void add_way_to_api(CLI::App& command, RoomArguments& arguments) {
    constexpr const char* kGroup = "Over the server API";
    command.add_option("--api", arguments.api, "address of the server API, which is used in place of a session")
        ->type_name("URL")
        ->group(kGroup);
    command
        .add_option("--api-key-file", arguments.api_key_file, "file with the key (default: the variable FLARE_API_KEY)")
        ->type_name("FILE")
        ->group(kGroup);
    command.add_option("--by", arguments.by, "in whose name, over the server API (default: the server's)")
        ->type_name("USER")
        ->group(kGroup);
}

bool goes_over_api(const RoomArguments& arguments) noexcept {
    return !arguments.api.empty() || !arguments.api_key_file.empty();
}

int room_over_api(const std::string& name, const RoomArguments& arguments, const ClientOptions& common) {
    const std::string command = "room " + name;
    const auto found = room_calls().find(name);
    if (found == room_calls().end()) {
        print_problem(command, "only a session can do this: leave --api and --api-key-file out");
        return kUsage;
    }
    const RoomCall& how = found->second;
    if (!arguments.by.empty() && !how.signs) {
        print_problem(command, "--by means nothing here: the server does it");
        return kUsage;
    }
    const api::Call& call = *api::find_call(how.call);
    ApiCalling calling;
    const char* const usual = std::getenv("FLARE_API");
    if (usual != nullptr && *usual != '\0') calling.way->url = usual;
    if (!arguments.api.empty()) calling.way->url = arguments.api;
    calling.way->key_file = arguments.api_key_file;
    calling.way->ca_file = common.ca_file;
    calling.way->client_cert = common.client_cert;
    calling.way->client_key = common.client_key;
    calling.way->timeout_seconds = common.timeout_seconds;
    calling.all = call.has_pages();
    calling.json = common.json;
    calling.typed = typed_for(name, arguments, common);
    if (!arguments.by.empty()) calling.typed.set("by", arguments.by);
    if (!how.each) return make_call(command, call, calling);
    for (const std::string& user : arguments.users) {
        calling.typed.set("user", user);
        if (const int code = make_call(command, call, calling); code != kDone) return code;
    }
    return kDone;
}

}  // namespace flare::cli
