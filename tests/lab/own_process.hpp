// Children of a scenario that are this program again, with other arguments, and can be killed.
//
// Threads: its owner's.
// Owner:   a scenario.
#pragma once

#include "lab/child.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace flare::lab {

// One of our own programs, and what it has said last.
class OwnProcess {
public:
    explicit OwnProcess(std::vector<std::string> arguments)
        : child_(command(std::move(arguments)), [this](std::string_view line) {
              if (line.starts_with("silent")) silent_ = true;
              ready_ = true;
          }) {}
    void await_ready() const { await(ready_); }
    void await_silence() const { await(silent_); }
    void say(const std::string& line) const { child_.say(line); }
    void kill() const { ::kill(child_.pid(), SIGKILL); }

private:
    static std::vector<std::string> command(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), std::filesystem::read_symlink("/proc/self/exe"));
        return arguments;
    }
    static void await(const std::atomic<bool>& what) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(90);
        while (!what && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        if (!what) throw std::runtime_error("a process of the lab does not do what it should");
    }
    std::atomic<bool> ready_{false};
    std::atomic<bool> silent_{false};
    const Child child_;
};

inline std::uint16_t free_port() {
    boost::asio::io_context context;
    const boost::asio::ip::tcp::acceptor probe(context, {boost::asio::ip::make_address("127.0.0.1"), 0});
    return probe.local_endpoint().port();
}

}  // namespace flare::lab
