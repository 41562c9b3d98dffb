#include "peer_process.hpp"

#include <arpa/inet.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace flare::bench {
namespace {

constexpr auto kStartLimit = std::chrono::seconds(60);  // Erlang takes 5 s on an idle machine, more on a busy one

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

}  // namespace

PeerProcess::PeerProcess(std::vector<std::string> command, std::uint16_t port, Placing placing) : port_(port) {
    std::vector<char*> arguments;
    for (std::string& each : command) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    {
        const ServerCpu placed(placing);
        if (const int error = ::posix_spawnp(&pid_, arguments[0], nullptr, nullptr, arguments.data(), environ))
            throw std::runtime_error(command[0] + ": " + std::strerror(error));
    }
    if (wait_until_it_listens()) return;
    end();
    throw std::runtime_error(command[0] + " does not listen; scripts/setup.sh --peers installs the other systems");
}

PeerProcess::~PeerProcess() { end(); }

void PeerProcess::end() noexcept {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

bool PeerProcess::wait_until_it_listens() {
    const sockaddr_in address = loopback(port_);
    const auto until = std::chrono::steady_clock::now() + kStartLimit;
    while (std::chrono::steady_clock::now() < until) {
        if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
            pid_ = -1;
            return false;
        }
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool open = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        ::close(fd);
        if (open) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

}  // namespace flare::bench
