#include "auth/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace flare::auth {

Checked<std::string> read_file(const std::string& path, const std::string& what, std::size_t max_bytes) {
    struct Descriptor {
        int fd;
        ~Descriptor() {
            if (fd >= 0) ::close(fd);
        }
    };
    const auto fail = [&](errc code, const std::string& why) { return Failure(code, what + " " + path + ": " + why); };
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return fail(errc::file_not_found, "no such file");
        if (errno == EACCES || errno == EPERM)
            return fail(errc::file_unreadable, "permission denied; let the user that runs this process read it");
        return fail(errc::file_unreadable, std::strerror(errno));
    }
    std::string content;
    std::array<char, 16384> block{};
    for (;;) {
        const ssize_t got = ::read(file.fd, block.data(), block.size());
        if (got < 0) return fail(errc::file_unreadable, std::strerror(errno));
        if (got == 0) return content;
        content.append(block.data(), static_cast<std::size_t>(got));
        if (content.size() > max_bytes)
            return fail(errc::invalid_config, "longer than " + std::to_string(max_bytes) + " bytes");
    }
}

}  // namespace flare::auth
