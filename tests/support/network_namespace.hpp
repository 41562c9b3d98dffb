// A host of its own on this machine: a network namespace. It takes root and iproute2.
//
// Threads: any.
#pragma once

#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace flare::test {

class NetworkNamespace {
public:
    // Why there can be none here; empty: there can.
    static std::string why_not() {
        if (::geteuid() != 0) return "network namespaces need root";
        const std::string probe = "flare-probe-" + std::to_string(::getpid());
        if (std::system(("ip netns add " + probe + " && ip netns del " + probe).c_str()) != 0)
            return "`ip netns add` fails: it needs CAP_SYS_ADMIN and iproute2";
        return {};
    }

    // Throws std::runtime_error, as all of these do.
    explicit NetworkNamespace(std::string name) : name_(std::move(name)) {
        shell("ip netns add " + name_);
        run("ip link set lo up");
    }
    ~NetworkNamespace() { (void)!std::system(("ip netns del " + name_).c_str()); }
    NetworkNamespace(const NetworkNamespace&) = delete;
    NetworkNamespace& operator=(const NetworkNamespace&) = delete;

    const std::string& name() const noexcept { return name_; }

    // Runs `task` on a thread of that host, and waits: its sockets, and the threads and processes that it starts,
    // belong there.
    void on(const std::function<void()>& task) const {
        std::exception_ptr thrown;
        std::thread thread([&] {
            try {
                const int fd = ::open(("/run/netns/" + name_).c_str(), O_RDONLY | O_CLOEXEC);
                const bool entered = fd >= 0 && ::setns(fd, CLONE_NEWNET) == 0;
                if (fd >= 0) ::close(fd);
                if (!entered) throw std::runtime_error("cannot enter the network namespace " + name_);
                task();
            } catch (...) {
                thrown = std::current_exception();
            }
        });
        thread.join();
        if (thrown) std::rethrow_exception(thrown);
    }
    // A shell's command there. (`ip netns exec` also mounts /sys anew, which fails where / is no mount: after a
    // chroot.)
    void run(const std::string& command) const {
        on([&] { shell(command); });
    }

private:
    static void shell(const std::string& command) {
        if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
    }

    const std::string name_;
};

}  // namespace flare::test
