// Reads files that the operator names, and reads and writes files that Flare keeps. Reads are complete and bounded, and
// follow one rule for secrets; writes are complete or do not happen.
//
// Protocol: docs/operations.md, "Files and secrets".
// Threads:  pure functions; they wait for the disk, so no event loop calls them for long.
#pragma once

#include <flare/failure.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace flare::base {

// A file descriptor and its one owner.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

// Who may use a file.
enum class Access : std::uint8_t {
    open,    // anybody may read it
    secret,  // given by the operator: others have no access and the group does not write
    kept,    // made and kept by Flare: others have no access, and it belongs to root or to this process's user
};

// ---- reading ----

// What was read, and why it may not hold a secret. The rule is judged on the opened file, never on its path.
struct Contents {
    std::string bytes;
    std::optional<Failure> exposed;  // for Access::secret; permission_denied, with path, mode and what to do
};

// Links are followed: Kubernetes and certbot hand out files that way. What is not a regular file (a pipe, a device, a
// folder) is refused without waiting for it, but for /dev/null, which is empty. `what` begins the text of an error:
// "jwks_file". Errors: file_not_found, file_unreadable; invalid_config: more than max_bytes.
Checked<Contents> read_contents(const std::string& path, const std::string& what, std::size_t max_bytes);
// The same for a file that people write with an editor: without the byte order mark (U+FEFF) that some put before
// UTF-8. Errors also: invalid_config: it is UTF-16.
Checked<Contents> read_text(const std::string& path, const std::string& what, std::size_t max_bytes);
Checked<std::string> read_text(const std::string& path, const std::string& what, std::size_t max_bytes, Access access);
// The same for a file that is known to be a secret, or not to be one. Errors also: permission_denied.
Checked<std::string> read_file(const std::string& path, const std::string& what, std::size_t max_bytes,
                               Access access = Access::open);

// ---- writing ----

struct Writing {
    Access access = Access::kept;  // open: mode 0644; the others: 0600; the umask takes away from both
    bool replace = true;           // false: a file that is there already is an error
    bool durable = false;          // on the disk before it takes its place
};

// Makes a file beside `path` under a name of its own, and puts it in its place when it is complete: nobody ever sees
// half of it, a draft that a crash has left is in nobody's way, and a link or a device at `path` is refused rather than
// written through. Returns the file, open for appending.
// Errors: file_not_found (its folder), file_unwritable; what was at `path` is as it was.
Checked<Descriptor> put_file(const std::string& path, const std::string& what, std::string_view content,
                             const Writing& writing);
// A file beside `path` that somebody else writes, by its name, until it takes its place: for what put_file() could not
// hold in memory. It goes with this object, or stays behind as name() if the process is killed.
class Draft {
public:
    // Empty, for this user alone (0600). Errors: those of may_put_file() and file_not_found (its folder).
    static Checked<Draft> make(const std::string& path, const std::string& what, bool replace);
    Draft(Draft&& other) noexcept
        : name_(std::exchange(other.name_, {})), path_(other.path_), what_(other.what_), replace_(other.replace_) {}
    Draft& operator=(Draft&&) = delete;
    ~Draft();

    const std::string& name() const noexcept { return name_; }
    // What was written is on the disk. Before what cannot be taken back, as put() does it. Errors: file_unwritable.
    Checked<> sync() const;
    // It is on the disk, and then in its place. Errors: file_unwritable, also if somebody has taken the place meanwhile
    // (replace: false).
    Checked<> put();

private:
    Draft(std::string name, std::string path, std::string what, bool replace)
        : name_(std::move(name)), path_(std::move(path)), what_(std::move(what)), replace_(replace) {}

    std::string name_;  // empty: it has been put, or moved from
    std::string path_;
    std::string what_;
    bool replace_;
};
// The errors of put_file() that can be known before there is something to write.
Checked<> may_put_file(const std::string& path, const std::string& what, bool replace);
// A file that is written in place from now on, made empty if it is missing. Never through a link in the last component.
// Errors: file_not_found (its folder), file_unwritable, permission_denied (Access::kept).
Checked<Descriptor> open_kept_file(const std::string& path, const std::string& what);
// All of it, or an errno; never a signal (QuietWrites).
int write_all(int fd, std::string_view bytes) noexcept;

// Makes a folder with its parents, each for this user alone (0700) or for all to read (0755).
// Errors: file_unwritable: it cannot be made, or something else has its name.
Checked<> make_folders(const std::string& path, const std::string& what, Access access);

}  // namespace flare::base
