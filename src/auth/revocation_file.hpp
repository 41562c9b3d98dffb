// What was revoked, one line for each, in a text file that a person can read:
//
//     flare revocations 1
//     user 1798232400000 alice
//     token 1798232400000 0b1e7f
//
// The number is the end of the revocation in milliseconds of Unix time; one that has passed lifts what stood before. In
// names every byte up to 0x20, 0x7f and % is written as %XX. A later line counts.
//
// Threads: one at a time.
// Owner:   Revocations.
#pragma once

#include "base/file.hpp"

#include <flare/failure.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::auth {

struct Revocation {
    enum class Kind : std::uint8_t { user, token };
    Kind kind = Kind::user;
    std::string name;
    std::chrono::system_clock::time_point until;
};

std::string to_line(const Revocation& revocation);  // without the end of line
std::optional<Revocation> from_line(std::string_view line);

class RevocationFile {
public:
    // Reads all of it, line by line; a file that does not exist is made. A last line without its end was being written
    // when the machine stopped: it is passed over, with a warning, as nobody was told that it holds.
    // Errors: file_unreadable, file_unwritable, permission_denied, file_not_found (its folder); invalid_config names
    // the line that is wrong.
    static Checked<std::unique_ptr<RevocationFile>> open(const std::string& path,
                                                         const std::function<void(Revocation)>& each);

    // On the disk when it returns. Errors: file_unwritable.
    Checked<> append(const Revocation& revocation);
    // All of the file anew, in one step. Errors: file_unwritable; the file is as it was.
    Checked<> rewrite(const std::vector<Revocation>& all);
    std::size_t lines() const noexcept { return lines_; }

private:
    explicit RevocationFile(std::string path) : path_(std::move(path)) {}
    Failure unwritable() const;

    const std::string path_;
    base::Descriptor file_;  // appends
    std::size_t lines_ = 0;  // without the first
};

}  // namespace flare::auth
