// A machine whose kernel has no IPv6: socket(AF_INET6) fails with EAFNOSUPPORT on a thread, and on the threads that it
// starts. A namespace cannot take the family away; a filter of system calls can (seccomp(2)).
//
// Threads: any; the filter stays on the thread of `task` alone.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <functional>
#include <stdexcept>
#include <thread>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

namespace flare::test {

// Throws std::runtime_error where there can be no filter, and what `task` throws.
inline void without_ipv6(const std::function<void()>& task) {
    std::exception_ptr thrown;
    std::thread thread([&] {
        try {
            constexpr unsigned kFamily = offsetof(seccomp_data, args);  // the lower half of the first argument
            std::array<sock_filter, 6> program{{
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kFamily),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            }};
            const sock_fprog filter{program.size(), program.data()};
            if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
                throw std::runtime_error("no filter of system calls can be set");
            task();
        } catch (...) {
            thrown = std::current_exception();
        }
    });
    thread.join();
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace flare::test
