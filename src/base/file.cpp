#include "base/file.hpp"

#include "base/quiet_writes.hpp"
#include "base/random.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace flare::base {
namespace {

constexpr int kDraftAttempts = 16;

Failure said(errc code, const std::string& what, const std::string& path, const std::string& why) {
    return {code, what + (what.empty() ? "" : " ") + path + ": " + why};
}

std::string mode_text(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777));
    return text.data();
}

const char* kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISLNK(mode)) return "a symbolic link";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

// /dev/null, by which people say "no file".
bool is_null_device(const struct stat& found) { return S_ISCHR(found.st_mode) && found.st_rdev == makedev(1, 3); }

Failure unreadable(const std::string& path, const std::string& what, int error) {
    struct stat link {};
    if (error == ENOENT && ::lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode))
        return said(errc::file_not_found, what, path, "is a symbolic link to a file that does not exist");
    if (error == ENOENT || error == ENOTDIR) return said(errc::file_not_found, what, path, "no such file");
    if (error == EACCES || error == EPERM)
        return said(errc::file_unreadable, what, path,
                    "permission denied; let user " + std::to_string(::geteuid()) + ", who runs this process, read it");
    if (error == ENXIO) return said(errc::file_unreadable, what, path, "is a socket or a device, not a regular file");
    return said(errc::file_unreadable, what, path, std::strerror(error));
}

Failure unwritable(const std::string& path, const std::string& what, int error) {
    if (error == ENOENT || error == ENOTDIR)
        return said(errc::file_not_found, what, path, "its folder does not exist; create it first");
    if (error == EEXIST) return said(errc::file_unwritable, what, path, "already exists");
    if (error == ELOOP)
        return said(errc::file_unwritable, what, path,
                    "is a symbolic link, and Flare does not write through links; name the target file");
    return said(errc::file_unwritable, what, path, std::string("cannot be written: ") + std::strerror(error));
}

std::filesystem::path folder_of(const std::string& path) {
    const auto parent = std::filesystem::path(path).parent_path();
    return parent.empty() ? "." : parent;
}

// What a rename has changed is on the disk when the folder is. Some file systems cannot do it for folders.
void sync_folder(const std::string& path) {
    const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder) (void)::fsync(folder.get());
}

int open_retrying(const char* path, int flags, mode_t mode = 0) {
    for (;;) {
        const int fd = ::open(path, flags, mode);
        if (fd >= 0 || errno != EINTR) return fd;
    }
}

std::optional<Failure> exposure(const struct stat& found, const std::string& path, const std::string& what) {
    if ((found.st_mode & (S_IRWXO | S_IWGRP)) == 0 || is_null_device(found)) return std::nullopt;
    const bool others = (found.st_mode & S_IRWXO) != 0;
    return said(errc::permission_denied, what, path,
                "a secret with mode " + mode_text(found.st_mode) +
                    (others ? ", which every user of this machine can access" : ", which its group can modify") +
                    "; run: chmod 600 " + path + " (or 640 if a group must read it)");
}

std::optional<Failure> stranger(const struct stat& found, const std::string& path, const std::string& what) {
    if (found.st_uid == 0 || found.st_uid == ::geteuid()) return std::nullopt;
    return said(errc::permission_denied, what, path,
                "belongs to user " + std::to_string(found.st_uid) + ", who may know its content, not to user " +
                    std::to_string(::geteuid()) +
                    ", who runs this process; chown it, or remove it and a new one is made");
}

std::optional<Failure> judge(const struct stat& found, const std::string& path, const std::string& what,
                             Access access) {
    if (access == Access::open) return std::nullopt;
    if (access == Access::kept) {
        if (auto failure = stranger(found, path, what)) return failure;
        // Its group reads it already, and writing would tell it nothing more; volumes of Kubernetes are given to a
        // group that way at each mount.
        if ((found.st_mode & S_IRWXO) == 0) return std::nullopt;
    }
    return exposure(found, path, what);
}

Checked<std::string> read_regular(const std::string& path, const std::string& what, std::size_t max_bytes,
                                  struct stat& found) {
    // O_NONBLOCK: a pipe that nobody writes to would hold us here for good.
    const Descriptor file(open_retrying(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file || ::fstat(file.get(), &found) != 0) return unreadable(path, what, errno);
    std::string bytes;
    if (is_null_device(found)) return bytes;
    if (!S_ISREG(found.st_mode))
        return said(errc::file_unreadable, what, path,
                    std::string("is ") + kind_of(found.st_mode) + ", not a regular file");
    std::array<char, 16384> block{};
    for (;;) {
        const ssize_t got = ::read(file.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return unreadable(path, what, errno);
        if (got == 0) return bytes;
        bytes.append(block.data(), static_cast<std::size_t>(got));
        if (bytes.size() > max_bytes)
            return said(errc::invalid_config, what, path, "longer than " + std::to_string(max_bytes) + " bytes");
    }
}

// A byte order mark in front of UTF-8 goes; one of UTF-16 says that nothing in the file will be understood.
std::optional<Failure> take_mark(std::string& text, const std::string& path, const std::string& what) {
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    if (!text.starts_with("\xff\xfe") && !text.starts_with("\xfe\xff")) return std::nullopt;
    return said(errc::invalid_config, what, path, "is text in UTF-16: save it as UTF-8");
}

struct NewFile {
    std::string name;
    Descriptor file;
};

Checked<NewFile> make_draft(const std::string& path, const std::string& what, mode_t mode) {
    for (int attempt = 0; attempt < kDraftAttempts; ++attempt) {
        std::array<char, 17> number{};
        std::snprintf(number.data(), number.size(), "%016llx",
                      static_cast<unsigned long long>(system_random().next_u64()));
        NewFile draft{path + "." + number.data() + ".new", Descriptor()};
        draft.file = Descriptor(
            open_retrying(draft.name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
        if (draft.file) return draft;
        if (errno != EEXIST) break;
    }
    return unwritable(path, what, errno);
}

// 0, and `name` is no more; or an errno, and nothing has changed.
int take_place(const std::string& name, const std::string& path, bool replace) {
    if (replace) return ::rename(name.c_str(), path.c_str()) == 0 ? 0 : errno;
    // link() refuses a name that somebody has taken meanwhile.
    if (::link(name.c_str(), path.c_str()) != 0) return errno;
    ::unlink(name.c_str());
    return 0;
}

}  // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

// ---- reading ----

Checked<Contents> read_contents(const std::string& path, const std::string& what, std::size_t max_bytes) {
    struct stat found {};
    auto bytes = read_regular(path, what, max_bytes, found);
    if (!bytes) return bytes.error();
    return Contents{std::move(*bytes), exposure(found, path, what)};
}

Checked<std::string> read_file(const std::string& path, const std::string& what, std::size_t max_bytes, Access access) {
    struct stat found {};
    auto bytes = read_regular(path, what, max_bytes, found);
    if (!bytes) return bytes;
    if (auto failure = judge(found, path, what, access)) return std::move(*failure);
    return bytes;
}

Checked<Contents> read_text(const std::string& path, const std::string& what, std::size_t max_bytes) {
    auto contents = read_contents(path, what, max_bytes);
    if (!contents) return contents;
    if (auto failure = take_mark(contents->bytes, path, what)) return std::move(*failure);
    return contents;
}

Checked<std::string> read_text(const std::string& path, const std::string& what, std::size_t max_bytes, Access access) {
    auto text = read_file(path, what, max_bytes, access);
    if (!text) return text;
    if (auto failure = take_mark(*text, path, what)) return std::move(*failure);
    return text;
}

// ---- writing ----

int write_all(int fd, std::string_view bytes) noexcept {
    const QuietWrites quiet;
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return written < 0 ? errno : ENOSPC;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

Checked<> may_put_file(const std::string& path, const std::string& what, bool replace) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) return {};
    if (S_ISLNK(found.st_mode)) return unwritable(path, what, ELOOP);
    if (!S_ISREG(found.st_mode))
        return said(errc::file_unwritable, what, path,
                    std::string("is ") + kind_of(found.st_mode) + ", not a regular file");
    if (!replace) return unwritable(path, what, EEXIST);
    return {};
}

Checked<Descriptor> put_file(const std::string& path, const std::string& what, std::string_view content,
                             const Writing& writing) {
    if (auto good = may_put_file(path, what, writing.replace); !good) return good.error();
    auto draft = make_draft(path, what, writing.access == Access::open ? 0644 : 0600);
    if (!draft) return draft.error();
    int error = write_all(draft->file.get(), content);
    if (error == 0 && writing.durable && ::fsync(draft->file.get()) != 0) error = errno;
    if (error == 0) error = take_place(draft->name, path, writing.replace);
    if (error != 0) ::unlink(draft->name.c_str());
    if (error != 0) return unwritable(path, what, error);
    if (writing.durable) sync_folder(path);
    return std::move(draft->file);
}

Checked<Draft> Draft::make(const std::string& path, const std::string& what, bool replace) {
    if (auto good = may_put_file(path, what, replace); !good) return good.error();
    auto made = make_draft(path, what, 0600);
    if (!made) return made.error();
    return Draft(std::move(made->name), path, what, replace);
}

Draft::~Draft() {
    if (!name_.empty()) ::unlink(name_.c_str());
}

Checked<> Draft::sync() const {
    const Descriptor file(open_retrying(name_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file || ::fsync(file.get()) != 0) return unwritable(path_, what_, errno);
    return {};
}

Checked<> Draft::put() {
    if (auto good = sync(); !good) return good;
    if (const int error = take_place(name_, path_, replace_); error != 0) return unwritable(path_, what_, error);
    name_.clear();
    sync_folder(path_);
    return {};
}

Checked<Descriptor> open_kept_file(const std::string& path, const std::string& what) {
    constexpr int kFlags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    Descriptor file(open_retrying(path.c_str(), kFlags, 0600));
    struct stat found {};
    if (!file || ::fstat(file.get(), &found) != 0) return unwritable(path, what, errno);
    if (!S_ISREG(found.st_mode))
        return said(errc::file_unwritable, what, path,
                    std::string("is ") + kind_of(found.st_mode) + ", not a regular file");
    if (auto failure = judge(found, path, what, Access::kept)) return std::move(*failure);
    return file;
}

Checked<> make_folders(const std::string& path, const std::string& what, Access access) {
    std::filesystem::path made;
    int error = 0;
    for (const auto& part : std::filesystem::path(path)) {
        made /= part;
        if (::mkdir(made.c_str(), access == Access::open ? 0755 : 0700) != 0 && errno != EEXIST && error == 0)
            error = errno;
    }
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return {};
    return said(errc::file_unwritable, what, path,
                std::string("cannot be made: ") + std::strerror(error == 0 ? ENOTDIR : error));
}

}  // namespace flare::base
