#include "keys/new_file.hpp"

#include "base/file.hpp"

#include <sys/stat.h>

namespace flare::cli {

Checked<> may_be_made(const std::string& path, bool force) {
    struct stat found {};
    if (!force && ::lstat(path.c_str(), &found) == 0)
        return Failure(errc::file_unwritable, path + " already exists; --force replaces it");
    return base::may_put_file(path, {}, force);
}

Checked<> write_new_file(const std::string& path, std::string_view content, bool open, bool force) {
    if (auto may = may_be_made(path, force); !may) return may;
    base::Writing writing;
    writing.access = open ? base::Access::open : base::Access::secret;
    writing.replace = force;
    writing.durable = true;
    const auto written = base::put_file(path, {}, content, writing);
    if (!written) return written.error();
    return {};
}

}  // namespace flare::cli
