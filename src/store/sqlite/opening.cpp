#include "store/sqlite/opening.hpp"

#include "store/sqlite/lock_file.hpp"
#include "store/sqlite/schema.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace flare::store::sqlite {
Checked<base::Descriptor> keep_others_out(const std::string& path) {
    const std::string name = path + ".lock";
    struct stat found {};
    const bool missing = ::lstat(name.c_str(), &found) != 0;
    const bool stranger = !missing && found.st_uid != ::geteuid();
    if (!stranger) {
        auto lock = take_lock(name);
        if (lock && missing) give_to_owner(name, path);
        return lock;
    }
    // Nothing is written to a file of others.
    base::Descriptor file(::open(name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file)
        return Failure(errc::file_unwritable, "the lock of the store, " + name + ", cannot be opened: " +
                                                  std::strerror(errno) + "; run this as the user who owns it");
    if (lock_alone(file) != 0) return lock_held(file, name);
    return file;
}

bool is_held(const std::string& path) {
    const base::Descriptor file(::open((path + ".lock").c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    return file && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
}

bool has_log(const std::string& path) {
    struct stat found {};
    return ::stat((path + "-wal").c_str(), &found) == 0 && found.st_size > 0;
}

Checked<Database> open_to_read(const std::string& path, const std::string& vfs, bool others) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) return Failure(errc::file_not_found, "the store " + path + ": no such file");
    if (!std::filesystem::is_regular_file(status))
        return Failure(errc::file_unreadable, "the store " + path + " is not a regular file");
    const bool looks = !others && !has_log(path);
    auto made = Database::open(path, vfs, looks ? Database::Use::look : Database::Use::read);
    if (!made) return made;
    if (auto good = examine(*made, path); !good) return good.error();
    if (auto good = made->run("PRAGMA query_only=1"); !good)
        return Failure(static_cast<errc>(good.error().value()), "the store " + path + ": " + made->message());
    const auto version = made->number("PRAGMA user_version");
    if (version && *version == 0)
        return Failure(errc::invalid_config, "the store " + path + " is empty: a server makes its tables at its start");
    return made;
}

// An empty log holds nothing that closing could lose.
void leave_as_found(Database& database, const std::string& path) {
    if (!is_held(path) && !has_log(path)) database.remove_log_when_closed();
}

void give_to_owner(const std::string& path, const std::string& like) {
    if (::geteuid() != 0) return;
    struct stat owner {};
    auto folder = std::filesystem::path(path).parent_path();
    if (folder.empty()) folder = ".";
    if (::stat(like.c_str(), &owner) != 0 && ::stat(folder.c_str(), &owner) != 0) return;
    if (::lchown(path.c_str(), owner.st_uid, owner.st_gid) != 0) return;  // the server says whose it is
}

}  // namespace flare::store::sqlite
