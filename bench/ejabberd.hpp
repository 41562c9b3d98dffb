// Debian's ejabberd, with the settings nearest to what Flare does when it takes a message of a back-end: users are
// offline, and mod_offline writes what is for them into Mnesia. Its defaults are changed only in its favour: no other
// module, no limit of offline messages, no key that it would have to check, no log of what it does.
//
// It is not a node of a cluster: no cookie, no epmd, nothing listens but its HTTP port on loopback.
//
// Threads: one at a time.
#pragma once

#include "api_load.hpp"
#include "peer_process.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace flare::bench {

struct EjabberdPackage {
    std::string version;
    std::filesystem::path libraries;  // what Erlang looks for it in

    // Empty: it is not installed.
    static std::optional<EjabberdPackage> find();
};

class Ejabberd {
public:
    // Starts it in a folder of its own and registers so many users, user0 and on.
    // Throws std::runtime_error: it does not start, with the end of its log.
    Ejabberd(const EjabberdPackage& package, std::size_t users);
    ~Ejabberd();  // kills it, removes the folder
    Ejabberd(const Ejabberd&) = delete;
    Ejabberd& operator=(const Ejabberd&) = delete;

    std::uint16_t port() const noexcept { return port_; }
    // One message of `text` to each user.
    ApiCalls messages(std::size_t connections, const std::string& text) const;
    // That it has for its users.
    std::uint64_t stored() const;

private:
    ApiCalls for_each_user(const std::string& command, const std::string& rest) const;
    std::string end_of_log() const;

    const std::size_t users_;
    const std::uint16_t port_;
    std::string folder_;
    std::unique_ptr<PeerProcess> process_;
};

}  // namespace flare::bench
