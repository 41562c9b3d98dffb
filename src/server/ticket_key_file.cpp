#include "server/ticket_key_file.hpp"

#include "base/file.hpp"
#include "base/random.hpp"
#include "session/ticket_keys.hpp"
#include "wire/base64.hpp"

#include <filesystem>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

namespace flare::server {
namespace {

constexpr std::size_t kMaxTicketFileBytes = 4096;
constexpr std::string_view kHex = "0123456789abcdef";

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
Checked<> make(const std::string& path, const std::string& what) {
    const std::string key = base::system_random().bytes(session::TicketKeys::kKeyBytes);
    std::string line;
    for (const char c : key) {
        const auto byte = static_cast<unsigned char>(c);
        line.push_back(kHex[byte >> 4]);
        line.push_back(kHex[byte & 15]);
    }
    line.push_back('\n');
    base::Writing writing;
    writing.replace = false;
    writing.durable = true;
    const auto written = base::put_file(path, what, line, writing);
    std::error_code ignored;
    if (!written && !std::filesystem::exists(path, ignored)) return written.error();
    return {};
}

}  // namespace

Checked<TicketKeyFile> load_ticket_keys(const std::string& path, const std::string& what) {
    const auto fail = [&](errc code, const std::string& why) { return Failure(code, what + " " + path + ": " + why); };
    auto text = base::read_file(path, what, kMaxTicketFileBytes, base::Access::kept);
    std::error_code ignored;
    if (!text && text.error().code == errc::file_not_found && !std::filesystem::is_symlink(path, ignored)) {
        if (const auto made = make(path, what); !made) return made.error();
        text = base::read_file(path, what, kMaxTicketFileBytes, base::Access::kept);
    }
    if (!text) return text.error();
    std::vector<std::string> keys;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        line.erase(line.find_last_not_of(" \t\r") + 1);
        if (line.empty()) continue;
        const bool hex = line.size() == 2 * session::TicketKeys::kKeyBytes;
        auto key = hex ? from_hex(line) : wire::from_base64(line);
        if (!key || key->size() != session::TicketKeys::kKeyBytes)
            return fail(
                errc::invalid_config,
                "line " + std::to_string(keys.size() + 1) +
                    " is not a key of 32 bytes, in 64 hex digits or in base64 (openssl rand -hex 32 makes one)");
        keys.push_back(std::move(*key));
    }
    if (keys.empty()) return fail(errc::invalid_config, "contains no key; remove the file and one is made");
    if (keys.size() > 2)
        return fail(errc::invalid_config,
                    "contains more than two keys; only the current and the previous one are allowed");
    keys.resize(2);
    return TicketKeyFile{std::move(keys[0]), std::move(keys[1])};
}

}  // namespace flare::server
