#include "base/aside.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace flare::base {

Checked<> set_aside(const std::string& from, const std::string& to, const std::string& what) {
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    const errc code = errno == ENOENT ? errc::file_not_found : errc::file_unwritable;
    return Failure(code, what + " " + from + ": cannot be renamed to " + to + ": " + std::strerror(errno));
}

}  // namespace flare::base
