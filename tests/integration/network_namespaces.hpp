// Two hosts of one machine: network namespaces "far" (10.77.0.1) and "near", with a cable between their interfaces of
// the same names.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace flare::test {

class NetworkNamespaces {
public:
    // Using them takes more than making them: `ip -n` wants / to be a mount, which it is not after a mere chroot.
    static bool can_be_made() {
        return ::geteuid() == 0 &&
               std::system(
                   "ip netns add flare-probe 2>/dev/null || exit 1; ip -n flare-probe link set lo up 2>/dev/null; "
                   "used=$?; ip netns del flare-probe; exit $used") == 0;
    }
    NetworkNamespaces() {
        shell("ip netns add " + far_ + " && ip netns add " + near_);
        shell("ip -n " + far_ + " link add far type veth peer name near netns " + near_);
        shell("ip -n " + far_ + " addr add 10.77.0.1/24 dev far");
        for (const std::string& each : {far_, near_}) shell("ip -n " + each + " link set lo up");
        shell("ip -n " + far_ + " link set far up");
        shell("ip -n " + near_ + " link set near up");
    }
    ~NetworkNamespaces() { shell("ip netns del " + far_ + "; ip netns del " + near_); }
    NetworkNamespaces(const NetworkNamespaces&) = delete;
    NetworkNamespaces& operator=(const NetworkNamespaces&) = delete;

    // On "near".
    void run(const std::string& command) { shell("ip netns exec " + near_ + " sh -c '" + command + "'"); }
    // On a thread of its own, whose sockets and threads belong to that host.
    void in_far(const std::function<void()>& task) { in(far_, task); }
    void in_near(const std::function<void()>& task) { in(near_, task); }

private:
    static void shell(const std::string& command) { EXPECT_EQ(std::system(command.c_str()), 0) << command; }
    static void in(const std::string& name, const std::function<void()>& task) {
        std::thread thread([&] {
            const int fd = ::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC);
            ASSERT_GE(fd, 0);
            ASSERT_EQ(::setns(fd, CLONE_NEWNET), 0);
            ::close(fd);
            task();
        });
        thread.join();
    }

    const std::string far_ = "flare-far-" + std::to_string(::getpid());
    const std::string near_ = "flare-near-" + std::to_string(::getpid());
};

}  // namespace flare::test
