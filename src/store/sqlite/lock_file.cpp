#include "store/sqlite/lock_file.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>

#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

namespace flare::store::sqlite {
namespace {

// A look takes microseconds; a machine that has much to do may interrupt it.
constexpr std::chrono::seconds kLongestLook{2};

// 0, or an errno.
int lock(const base::Descriptor& file, int how) noexcept {
    for (;;) {
        if (::flock(file.get(), how | LOCK_NB) == 0) return 0;
        if (errno != EINTR) return errno;
    }
}

}  // namespace

int lock_alone(const base::Descriptor& file) noexcept {
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

Failure lock_held(const base::Descriptor& file, const std::string& path) {
    std::array<char, 24> text{};
    const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
    std::string_view pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    pid = pid.substr(0, pid.find_first_not_of("0123456789"));
    return {errc::store_in_use,
            "the store is used by " + (pid.empty() ? std::string("another process") : "process " + std::string(pid)) +
                ", which holds the lock " + path + "; stop it, or give this process a file of its own"};
}

Checked<base::Descriptor> take_lock(const std::string& path) {
    auto file = base::open_kept_file(path, "the lock of the store,");
    if (!file) return file;
    const int error = lock_alone(*file);
    if (error == EWOULDBLOCK) return lock_held(*file, path);
    if (error != 0)
        return Failure(errc::file_unwritable,
                       "the lock of the store, " + path + ", cannot be taken: " + std::strerror(error));
    // For people and for the error above; the lock holds without it, so a full disk does not matter.
    if (::ftruncate(file->get(), 0) == 0) (void)base::write_all(file->get(), std::to_string(::getpid()) + "\n");
    return file;
}

}  // namespace flare::store::sqlite
