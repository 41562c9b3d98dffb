#include "ejabberd.hpp"

#include "free_port.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace flare::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAdminConnections = 8;
constexpr std::size_t kLogBytes = 2000;

void write_ejabberd_settings(const std::string& file, std::uint16_t port) {
    std::ofstream(file) << "hosts: [localhost]\n"
                           "loglevel: warning\n"
                           "auth_method: internal\n"
                           "listen:\n"
                           "  - port: "
                        << port
                        << "\n"
                           "    ip: 127.0.0.1\n"
                           "    backlog: 1024\n"
                           "    module: ejabberd_http\n"
                           "    request_handlers:\n"
                           "      /api: mod_http_api\n"
                           "api_permissions:\n"
                           "  bench:\n"
                           "    who: all\n"
                           "    what: \"*\"\n"
                           "shaper_rules:\n"
                           "  no_limit: infinity\n"
                           "modules:\n"
                           "  mod_admin_extra: {}\n"  // send_message, get_offline_count
                           "  mod_http_api: {}\n"
                           "  mod_offline:\n"
                           "    db_type: mnesia\n"
                           "    access_max_user_messages: no_limit\n";
}

}  // namespace

std::optional<EjabberdPackage> EjabberdPackage::find() {
    const std::string name = "ejabberd-";
    std::optional<EjabberdPackage> found;
    std::error_code error;
    for (const auto& machine : fs::directory_iterator("/usr/lib", error)) {
        if (machine.path().filename().string().find("-linux-") == std::string::npos) continue;
        for (const auto& each : fs::directory_iterator(machine.path(), error)) {
            const std::string folder = each.path().filename();
            if (!folder.starts_with(name) || !fs::exists(each.path() / "ebin/ejabberd.app", error)) continue;
            EjabberdPackage package{folder.substr(name.size()), machine.path()};
            if (!found || found->version < package.version) found = std::move(package);
        }
    }
    return found;
}

Ejabberd::Ejabberd(const EjabberdPackage& package, std::size_t users)
    : users_(users), port_(free_port()), folder_(fs::temp_directory_path() / "flare-bench-XXXXXX") {
    if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no folder for ejabberd");
    const std::string settings = folder_ + "/ejabberd.yml";
    write_ejabberd_settings(settings, port_);
    // Without ejabberdctl, which wants another user and a named node. It ends with this process, however that ends.
    const std::vector<std::string> command = {
        "env", "ERL_LIBS=" + package.libraries.string(), "ERL_CRASH_DUMP_SECONDS=0", "EJABBERD_CONFIG_PATH=" + settings,
        "EJABBERD_LOG_PATH=" + folder_ + "/ejabberd.log", "setpriv", "--pdeathsig", "KILL",
        // As Debian's ejabberdctl sets them, but for the break handler: Ctrl-C ends it.
        "erl", "+K", "true", "+P", "250000", "+Bd", "-noinput", "-mnesia", "dir", "\"" + folder_ + "/mnesia\"",
        "-ejabberd", "quiet", "true", "-s", "ejabberd"};
    try {
        process_ =
            std::make_unique<PeerProcess>(command, port_, Placing::everywhere);  // as a Flare server with a store
        ApiLoad admin(port_, "");
        ApiCalls calls = for_each_user("register", R"(,"password":"x"})");
        calls.connections = kAdminConnections;
        admin.once(calls);
    } catch (const std::exception& error) {
        const std::string text = std::string("ejabberd: ") + error.what() + "\n" + end_of_log();
        process_.reset();
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
        throw std::runtime_error(text);
    }
}

Ejabberd::~Ejabberd() {
    process_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

ApiCalls Ejabberd::for_each_user(const std::string& command, const std::string& rest) const {
    ApiCalls calls;
    calls.path = "/api/" + command;
    for (std::size_t i = 0; i < users_; ++i)
        calls.bodies.push_back(R"({"host":"localhost","user":"user)" + std::to_string(i) + "\"" + rest);
    return calls;
}

ApiCalls Ejabberd::messages(std::size_t connections, const std::string& text) const {
    ApiCalls calls;
    calls.path = "/api/send_message";
    calls.connections = connections;
    calls.accepted = [](std::string_view answer) { return answer == "0"; };
    for (std::size_t i = 0; i < users_; ++i) {
        calls.bodies.push_back(R"({"type":"chat","from":"backend@localhost","to":"user)" + std::to_string(i) +
                               R"(@localhost","subject":"","body":")" + text + "\"}");
    }
    return calls;
}

std::uint64_t Ejabberd::stored() const {
    std::uint64_t sum = 0;
    ApiCalls calls = for_each_user("get_offline_count", "}");
    calls.connections = kAdminConnections;
    // {"value":12} here, 12 in later versions.
    calls.accepted = [&sum](std::string_view answer) {
        const std::size_t digit = answer.find_first_of("0123456789");
        if (digit == answer.npos) return false;
        sum += std::strtoull(std::string(answer.substr(digit)).c_str(), nullptr, 10);
        return true;
    };
    ApiLoad(port_, "").once(calls);
    return sum;
}

std::string Ejabberd::end_of_log() const {
    std::ostringstream text;
    text << std::ifstream(folder_ + "/ejabberd.log").rdbuf();
    const std::string whole = std::move(text).str();
    return whole.substr(whole.size() - std::min(whole.size(), kLogBytes));
}

}  // namespace flare::bench
