#include "keys/new_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace flare::cli {
namespace {

Failure failed(const std::string& path, int error) {
    return {errc::file_unwritable, path + ": " + std::strerror(error)};
}

}  // namespace

Checked<> may_be_made(const std::string& path, bool force) {
    struct stat found {};
    if (force || ::lstat(path.c_str(), &found) != 0) return {};
    return Failure(errc::file_unwritable, path + " is there already; --force replaces it");
}

Checked<> write_new_file(const std::string& path, std::string_view content, bool open, bool force) {
    if (auto made = may_be_made(path, force); !made) return made;
    // Another name first, so that nobody ever sees half of it.
    const std::string draft = path + "." + std::to_string(::getpid());
    const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, open ? 0644 : 0600);
    if (fd < 0) return failed(path, errno);
    const ssize_t written = ::write(fd, content.data(), content.size());
    int error = written < 0 ? errno : static_cast<std::size_t>(written) < content.size() ? ENOSPC : 0;
    ::close(fd);
    // link() refuses a name that somebody has taken meanwhile.
    if (error == 0 && (force ? std::rename(draft.c_str(), path.c_str()) : ::link(draft.c_str(), path.c_str())) != 0)
        error = errno;
    ::unlink(draft.c_str());
    if (error != 0) return failed(path, error);
    return {};
}

}  // namespace flare::cli
