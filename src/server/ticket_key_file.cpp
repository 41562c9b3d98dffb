#include "server/ticket_key_file.hpp"

#include "base/random.hpp"
#include "session/ticket_keys.hpp"
#include "wire/base64.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace flare::server {
namespace {

constexpr std::size_t kMaxTicketFileBytes = 4096;
constexpr std::string_view kHex = "0123456789abcdef";

struct Descriptor {
    int fd;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

Failure fail(errc code, const std::string& path, const std::string& why) {
    return Failure(code, "ticket_key_file: " + path + ": " + why);
}

Failure from_errno(const std::string& path, const char* what) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) return fail(errc::file_not_found, path, "there is no such folder");
    if (error == EACCES || error == EPERM || error == EROFS)
        return fail(errc::permission_denied, path, std::string("this process may not ") + what + " it");
    return fail(errc::file_unreadable, path, std::string("cannot ") + what + " it: " + std::strerror(error));
}

std::optional<std::string> from_hex(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        const auto high = kHex.find(static_cast<char>(text[i] | 0x20));
        const auto low = kHex.find(static_cast<char>(text[i + 1] | 0x20));
        if (high == kHex.npos || low == kHex.npos) return std::nullopt;
        bytes.push_back(static_cast<char>(high << 4 | low));
    }
    return bytes;
}

// Whole, or not there: another process that starts at the same moment may make it, too.
Checked<> make(const std::string& path) {
    const std::string key = base::system_random().bytes(session::TicketKeys::kKeyBytes);
    std::string line;
    for (const char c : key) {
        const auto byte = static_cast<unsigned char>(c);
        line.push_back(kHex[byte >> 4]);
        line.push_back(kHex[byte & 15]);
    }
    line.push_back('\n');
    const std::string draft = path + "." + std::to_string(::getpid());
    {
        const Descriptor file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)};
        if (file.fd < 0) return from_errno(path, "make");
        if (::write(file.fd, line.data(), line.size()) != static_cast<ssize_t>(line.size()) || ::fsync(file.fd) != 0) {
            const Failure failure = from_errno(path, "write");
            ::unlink(draft.c_str());
            return failure;
        }
    }
    const bool linked = ::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST;
    const Failure failure = linked ? Failure() : from_errno(path, "make");
    ::unlink(draft.c_str());
    if (!linked) return failure;
    return {};
}

}  // namespace

Checked<TicketKeyFile> load_ticket_keys(const std::string& path) {
    Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.fd < 0 && errno == ENOENT) {
        if (const auto made = make(path); !made) return made.error();
        file.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    }
    if (file.fd < 0) return from_errno(path, "read");
    std::array<char, kMaxTicketFileBytes> block{};
    const ssize_t size = ::read(file.fd, block.data(), block.size());
    if (size < 0) return from_errno(path, "read");
    std::vector<std::string> keys;
    std::istringstream lines(std::string(block.data(), static_cast<std::size_t>(size)));
    for (std::string line; std::getline(lines, line);) {
        line.erase(line.find_last_not_of(" \t\r") + 1);
        if (line.empty()) continue;
        const bool hex = line.size() == 2 * session::TicketKeys::kKeyBytes;
        auto key = hex ? from_hex(line) : wire::from_base64(line);
        if (!key || key->size() != session::TicketKeys::kKeyBytes)
            return fail(
                errc::invalid_config, path,
                "line " + std::to_string(keys.size() + 1) +
                    " is not a key of 32 bytes, in 64 hex digits or in base64 (openssl rand -hex 32 makes one)");
        keys.push_back(std::move(*key));
    }
    if (keys.empty()) return fail(errc::invalid_config, path, "there is no key in it; remove it, and one is made");
    if (keys.size() > 2) return fail(errc::invalid_config, path, "more than two keys: the present and the one before");
    keys.resize(2);
    return TicketKeyFile{std::move(keys[0]), std::move(keys[1])};
}

}  // namespace flare::server
