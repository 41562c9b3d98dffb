#include "auth/revocation_file.hpp"

#include "base/file.hpp"
#include "base/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace flare::auth {
namespace {

using Time = std::chrono::system_clock::time_point;

constexpr std::string_view kFirstLine = "flare revocations 1";
constexpr const char* kRevocationsWhat = "revocations_file";
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
    return {errc::file_unwritable,
            std::string(kRevocationsWhat) + " " + path_ + ": cannot be written: " + std::strerror(errno)};
}

Checked<std::unique_ptr<RevocationFile>> RevocationFile::open(const std::string& path,
                                                              const std::function<void(Revocation)>& each) {
    std::unique_ptr<RevocationFile> file(new RevocationFile(path));
    auto opened = base::open_kept_file(path, kRevocationsWhat);
    if (!opened) return opened.error();
    file->file_ = std::move(*opened);
    auto text = base::read_file(path, kRevocationsWhat, kMaxFileBytes, base::Access::kept);
    if (!text) return text.error();
    std::string_view rest = *text;
    std::size_t number = 0;
    const auto wrong = [&](const std::string& why) {
        return Failure(errc::invalid_config, "revocations_file " + path + ": line " + std::to_string(number) + ": " +
                                                 why +
                                                 "; fix or remove the line: Flare rejects the whole file, because "
                                                 "skipping one revocation would let somebody in again");
    };
    while (!rest.empty()) {
        ++number;
        const std::size_t end = rest.find('\n');
        if (end == rest.npos) {
            base::log().warn("revocations_file {}: line {} is incomplete and ignored", path, number);
            if (::ftruncate(file->file_.get(), static_cast<off_t>(text->size() - rest.size())) != 0)
                return file->unwritable();
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
    if (number == 0 && base::write_all(file->file_.get(), std::string(kFirstLine) + "\n") != 0)
        return file->unwritable();
    return file;
}

Checked<> RevocationFile::append(const Revocation& revocation) {
    const int fd = file_.get();
    const off_t before = ::lseek(fd, 0, SEEK_END);
    if (base::write_all(fd, to_line(revocation) + "\n") != 0 || ::fdatasync(fd) != 0) {
        const Failure failure = unwritable();
        // What follows must not stand behind half a line.
        if (before < 0 || ::ftruncate(fd, before) != 0) base::log().warn("{}", unwritable().text);
        return failure;
    }
    ++lines_;
    return {};
}

Checked<> RevocationFile::rewrite(const std::vector<Revocation>& all) {
    std::string text = std::string(kFirstLine) + "\n";
    for (const Revocation& each : all) text += to_line(each) + "\n";
    base::Writing writing;
    writing.durable = true;
    auto written = base::put_file(path_, kRevocationsWhat, text, writing);
    if (!written) return written.error();
    file_ = std::move(*written);
    lines_ = all.size();
    return {};
}

}  // namespace flare::auth
