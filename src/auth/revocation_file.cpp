#include "auth/revocation_file.hpp"

#include "auth/file.hpp"
#include "base/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace flare::auth {
namespace {

using Time = std::chrono::system_clock::time_point;

constexpr std::string_view kFirstLine = "flare revocations 1";
constexpr std::string_view kUser = "user";
constexpr std::string_view kToken = "token";
constexpr std::size_t kMaxFileBytes = 1u << 30;
constexpr std::int64_t kLastMs = 9'000'000'000'000;  // of the year 2255: later ones do not fit into the clock

bool plain(unsigned char byte) { return byte > 0x20 && byte != 0x7f && byte != '%'; }

std::string escaped(std::string_view name) {
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string text;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (plain(byte)) {
            text.push_back(c);
        } else {
            text.append({'%', kHex[byte >> 4], kHex[byte & 15]});
        }
    }
    return text;
}

std::optional<std::string> unescaped(std::string_view text) {
    std::string name;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            if (!plain(static_cast<unsigned char>(text[at]))) return std::nullopt;
            name.push_back(text[at]);
            continue;
        }
        unsigned value = 0;
        const char* const begin = text.data() + at + 1;
        if (text.size() - at < 3) return std::nullopt;
        if (const auto read = std::from_chars(begin, begin + 2, value, 16); read.ptr != begin + 2) return std::nullopt;
        name.push_back(static_cast<char>(value));
        at += 2;
    }
    return name;
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

std::string to_line(const Revocation& revocation) {
    const auto until = std::chrono::duration_cast<std::chrono::milliseconds>(revocation.until.time_since_epoch());
    return std::string(revocation.kind == Revocation::Kind::user ? kUser : kToken) + ' ' +
           std::to_string(std::clamp<std::int64_t>(until.count(), 0, kLastMs)) + ' ' + escaped(revocation.name);
}

std::optional<Revocation> from_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t second = first == line.npos ? line.npos : line.find(' ', first + 1);
    if (second == line.npos) return std::nullopt;
    const std::string_view kind = line.substr(0, first);
    const std::string_view number = line.substr(first + 1, second - first - 1);
    std::int64_t ms = -1;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), ms);
    auto name = unescaped(line.substr(second + 1));
    if ((kind != kUser && kind != kToken) || read.ec != std::errc() || read.ptr != number.data() + number.size() ||
        ms < 0 || ms > kLastMs || !name || name->empty())
        return std::nullopt;
    return Revocation{kind == kUser ? Revocation::Kind::user : Revocation::Kind::token, std::move(*name),
                      Time(std::chrono::milliseconds(ms))};
}

Failure RevocationFile::unwritable() const {
    return {errc::file_unwritable, "revocations_file " + path_ + ": cannot be written: " + std::strerror(errno)};
}

Checked<std::unique_ptr<RevocationFile>> RevocationFile::open(const std::string& path,
                                                              const std::function<void(Revocation)>& each) {
    std::unique_ptr<RevocationFile> file(new RevocationFile(path));
    file->fd_ = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file->fd_ < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return Failure(errc::file_not_found, "revocations_file " + path + ": its folder does not exist");
        return file->unwritable();
    }
    auto text = read_file(path, "revocations_file", kMaxFileBytes);
    if (!text) return text.error();
    std::string_view rest = *text;
    std::size_t number = 0;
    const auto wrong = [&](const std::string& why) {
        return Failure(errc::invalid_config, "revocations_file " + path + ": line " + std::to_string(number) + ": " +
                                                 why + "; mend or remove the line");
    };
    while (!rest.empty()) {
        ++number;
        const std::size_t end = rest.find('\n');
        if (end == rest.npos) {
            base::log().warn("revocations_file {}: line {} has no end and is passed over", path, number);
            if (::ftruncate(file->fd_, static_cast<off_t>(text->size() - rest.size())) != 0) return file->unwritable();
            --number;
            break;
        }
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        if (number == 1) {
            if (line != kFirstLine) return wrong("is not '" + std::string(kFirstLine) + "'");
            continue;
        }
        auto revocation = from_line(line);
        if (!revocation) return wrong("is not `user MILLISECONDS NAME` or `token MILLISECONDS ID`");
        ++file->lines_;
        each(std::move(*revocation));
    }
    if (number == 0 && !write_all(file->fd_, std::string(kFirstLine) + "\n")) return file->unwritable();
    return file;
}

RevocationFile::~RevocationFile() {
    if (fd_ >= 0) ::close(fd_);
}

Checked<> RevocationFile::append(const Revocation& revocation) {
    const off_t before = ::lseek(fd_, 0, SEEK_END);
    if (!write_all(fd_, to_line(revocation) + "\n") || ::fdatasync(fd_) != 0) {
        const Failure failure = unwritable();
        // What follows must not stand behind half a line.
        if (before < 0 || ::ftruncate(fd_, before) != 0) base::log().warn("{}", unwritable().text);
        return failure;
    }
    ++lines_;
    return {};
}

// Written beside it and put in its place: whoever stops in between leaves one or the other.
Checked<> RevocationFile::rewrite(const std::vector<Revocation>& all) {
    const std::string beside = path_ + ".new";
    const int fd = ::open(beside.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return unwritable();
    std::string text = std::string(kFirstLine) + "\n";
    for (const Revocation& each : all) text += to_line(each) + "\n";
    if (!write_all(fd, text) || ::fdatasync(fd) != 0 || ::rename(beside.c_str(), path_.c_str()) != 0) {
        const Failure failure = unwritable();
        ::close(fd);
        ::unlink(beside.c_str());
        return failure;
    }
    const std::filesystem::path parent = std::filesystem::path(path_).parent_path();
    if (const int folder = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        folder >= 0) {
        ::fsync(folder);
        ::close(folder);
    }
    ::close(fd_);
    fd_ = fd;
    lines_ = all.size();
    return {};
}

}  // namespace flare::auth
