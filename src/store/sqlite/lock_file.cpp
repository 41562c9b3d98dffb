#include "store/sqlite/lock_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <sys/file.h>
#include <unistd.h>

namespace flare::store::sqlite {

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
    while (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno == EWOULDBLOCK) return lock_held(*file, path);
        return Failure(errc::file_unwritable,
                       "the lock of the store, " + path + ", cannot be taken: " + std::strerror(errno));
    }
    // For people and for the error above; the lock holds without it, so a full disk does not matter.
    if (::ftruncate(file->get(), 0) == 0) (void)base::write_all(file->get(), std::to_string(::getpid()) + "\n");
    return file;
}

}  // namespace flare::store::sqlite
