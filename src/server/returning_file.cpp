#include "server/returning_file.hpp"

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "wire/base64.hpp"
#include "wire/frame.hpp"

#include <charconv>
#include <string_view>

namespace flare::server {
namespace {

constexpr std::string_view kWhat = "ticket_key_file";  // what it lies beside
constexpr std::string_view kFirstLine = "flare returning 1\n";
constexpr std::uint64_t kLastMs = 100'000'000'000'000;  // the year 5138: nothing overflows
constexpr std::size_t kSealLine = 45;                   // 32 bytes in base64, and the end of the line

Failure no_good(const std::string& path, const std::string& why) {
    return Failure(errc::invalid_config, path + ": " + why);
}

// A key of its own, so that nothing made here says anything of a ticket.
std::string seal_of(std::string_view key, std::string_view lines) {
    return wire::to_base64(base::hmac_sha256(base::hmac_sha256(key, "flare returning 1"), lines)) + '\n';
}

// One line; false: it is none of ours.
bool read_line(std::string_view line, Returning& entry) {
    const char* const end = line.data() + line.size();
    const auto [rest, error] = std::from_chars(line.data(), end, entry.back_unix_ms);
    if (error != std::errc() || rest == end || *rest != ' ' || entry.back_unix_ms > kLastMs) return false;
    auto user = wire::from_base64(std::string_view(rest + 1, static_cast<std::size_t>(end - rest - 1)));
    if (!user || user->empty() || !wire::is_name(*user)) return false;
    entry.user = std::move(*user);
    return true;
}

}  // namespace

std::string returning_path(const std::string& ticket_key_file) { return ticket_key_file + ".returning"; }

Checked<std::size_t> write_returning(const std::string& path, const std::string& key,
                                     const std::vector<Returning>& users) {
    std::string lines(kFirstLine);
    std::size_t written = 0;
    for (const Returning& each : users) {
        const std::string line = std::to_string(each.back_unix_ms) + ' ' + wire::to_base64(each.user) + '\n';
        if (written == kMaxReturning || lines.size() + line.size() + kSealLine > kMaxReturningBytes) break;
        lines += line;
        ++written;
    }
    lines += seal_of(key, lines);
    base::Writing writing;
    writing.durable = true;
    if (const auto put = base::put_file(path, std::string(kWhat), lines, writing); !put) return put.error();
    return written;
}

Checked<std::vector<Returning>> read_returning(const std::string& path, const std::string& current,
                                               const std::string& previous) {
    const auto content = base::read_file(path, std::string(kWhat), kMaxReturningBytes, base::Access::kept);
    if (!content && content.error().code == errc::file_not_found) return std::vector<Returning>();
    if (!content) return content.error();
    std::string_view text = *content;
    if (!text.starts_with(kFirstLine) || text.size() < kFirstLine.size() + kSealLine)
        return no_good(path, "it was not written by a stopping server, or is incomplete");
    const std::string_view seal = text.substr(text.size() - kSealLine);
    text.remove_suffix(kSealLine);
    const auto sealed_with = [&](const std::string& key) {
        return !key.empty() && base::equal_constant_time(seal_of(key, text), seal);
    };
    if (!sealed_with(current) && !sealed_with(previous))
        return no_good(path, "it is damaged, cut off, or was made with another ticket key");
    text.remove_prefix(kFirstLine.size());
    std::vector<Returning> users;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        Returning entry;
        if (end == std::string_view::npos || users.size() == kMaxReturning || !read_line(text.substr(0, end), entry))
            return no_good(path, "line " + std::to_string(users.size() + 2) + " does not name a time and a user");
        users.push_back(std::move(entry));
        text.remove_prefix(end + 1);
    }
    return users;
}

}  // namespace flare::server
