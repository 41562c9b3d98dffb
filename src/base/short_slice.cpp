#include "base/short_slice.hpp"

#include <cstdint>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace flare::base {
namespace {

// As the kernel has it; glibc 2.36 has neither this nor the call.
struct Attributes {
    std::uint32_t size = sizeof(Attributes);
    std::uint32_t policy = SCHED_OTHER;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0;
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};

}  // namespace

bool ask_for_short_slice(std::chrono::nanoseconds slice) noexcept {
    if (::sched_getscheduler(0) != SCHED_OTHER) return false;  // somebody has chosen
    Attributes wanted;
    wanted.nice = ::getpriority(PRIO_PROCESS, 0);
    wanted.runtime = static_cast<std::uint64_t>(slice.count());
    return ::syscall(SYS_sched_setattr, 0, &wanted, 0) == 0;
}

}  // namespace flare::base
