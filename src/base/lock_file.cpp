#include "base/lock_file.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>

#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

namespace flare::base {
namespace {

// A look takes microseconds; a machine that has much to do may interrupt it.
constexpr std::chrono::seconds kLongestLook{2};

// 0, or an errno.
int lock(const Descriptor& file, int how) noexcept {
    for (;;) {
        if (::flock(file.get(), how | LOCK_NB) == 0) return 0;
        if (errno != EINTR) return errno;
    }
}

}  // namespace

int lock_alone(const Descriptor& file) noexcept {
    const auto until = std::chrono::steady_clock::now() + kLongestLook;
    do {
        if (const int error = lock(file, LOCK_EX); error != EWOULDBLOCK) return error;
        // Whoever holds it shares it with nobody; if it can be shared, somebody has just looked at it.
        if (const int error = lock(file, LOCK_SH); error != 0) return error;
        (void)lock(file, LOCK_UN);
        ::sched_yield();
    } while (std::chrono::steady_clock::now() < until);
    return EWOULDBLOCK;
}

std::string holder_of(const Descriptor& file) {
    std::array<char, 24> text{};
    const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
    std::string_view pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    pid = pid.substr(0, pid.find_first_not_of("0123456789"));
    return pid.empty() ? std::string("another process") : "process " + std::string(pid);
}

Checked<Descriptor> take_lock(const std::string& path, const std::string& what) {
    auto file = open_kept_file(path, what);
    if (!file) return file;
    const int error = lock_alone(*file);
    if (error == EWOULDBLOCK) return Failure(errc::busy, holder_of(*file));
    if (error != 0)
        return Failure(errc::file_unwritable, what + " " + path + ", cannot be taken: " + std::strerror(error));
    // For people and for the error above; the lock holds without it, so a full disk does not matter.
    if (::ftruncate(file->get(), 0) == 0) (void)write_all(file->get(), std::to_string(::getpid()) + "\n");
    return file;
}

}  // namespace flare::base
