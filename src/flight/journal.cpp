#include "flight/journal.hpp"

#include <flare/uuid.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace flare::flight {
namespace fs = std::filesystem;

Journal::~Journal() { close(); }

void Journal::close() noexcept {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
}

Checked<> Journal::fail(int error) {
    close();
    const errc code = error == ENOENT || error == ENOTDIR ? errc::file_not_found : errc::file_unwritable;
    return Failure(code, "flight record " + folder_ + "/" + name_ + std::string(kEnding) + ": " + std::strerror(error) +
                             (code == errc::file_not_found ? "; make the folder first" : "") +
                             ". The session goes on; its record is kept in memory only");
}

// Written beside and renamed: whoever reads it finds a whole one, and a file of the same name that somebody else has
// put there is not followed.
Checked<> Journal::begin(const std::string& name, const std::string& text) {
    close();
    name_ = name;
    bytes_ = 0;
    remove_oldest();
    const std::string path = folder_ + "/" + name_ + std::string(kEnding);
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str());
    file_ = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_ < 0) return fail(errno);
    if (auto written = write(text); !written) {
        ::unlink(fresh.c_str());
        return written;
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(fresh.c_str());
        return fail(error);
    }
    return {};
}

Checked<> Journal::write(const std::string& text) {
    std::string_view left = text;
    while (!left.empty()) {
        const ssize_t written = ::write(file_, left.data(), left.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return fail(written < 0 ? errno : ENOSPC);
        left.remove_prefix(static_cast<std::size_t>(written));
    }
    bytes_ += text.size();
    return {};
}

// Is it one of ours? Whatever else lies in the folder is not touched.
bool is_record(const fs::path& path) {
    std::string stem = path.stem().string();
    if (stem.starts_with(Journal::kNoSession)) stem.erase(0, Journal::kNoSession.size());
    return path.extension() == Journal::kEnding && Uuid::parse(stem).has_value();
}

// Leaves room for one more. What cannot be looked at stays.
void Journal::remove_oldest() const {
    std::error_code error;
    std::vector<std::pair<fs::file_time_type, fs::path>> files;
    for (fs::directory_iterator each(folder_, error), end; !error && each != end; each.increment(error)) {
        std::error_code ignored;
        if (!is_record(each->path()) || each->is_symlink(ignored) || each->path().stem() == name_) continue;
        files.emplace_back(each->last_write_time(ignored), each->path());
    }
    if (files.size() < kMaxFiles) return;
    std::sort(files.begin(), files.end());
    files.resize(files.size() - kMaxFiles + 1);
    for (const auto& [time, path] : files) fs::remove(path, error);
}

}  // namespace flare::flight
