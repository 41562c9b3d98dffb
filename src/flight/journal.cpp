#include "flight/journal.hpp"

#include <flare/uuid.hpp>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace flare::flight {
namespace fs = std::filesystem;

namespace {

constexpr const char* kRecordWhat = "flight record";

}  // namespace

Checked<> Journal::fail(const Failure& failure) {
    file_ = {};
    return Failure(failure.code, failure.text + ". The session continues; its record is kept in memory only");
}

Checked<> Journal::begin(const std::string& name, const std::string& text) {
    name_ = name;
    bytes_ = text.size();
    remove_oldest();
    const std::string path = folder_ + "/" + name_ + std::string(kEnding);
    // Nobody but us has a reason to know this name: a link there is a trap.
    std::error_code ignored;
    if (fs::is_symlink(path, ignored)) fs::remove(path, ignored);
    auto made = base::put_file(path, kRecordWhat, text, {});
    if (!made) return fail(made.error());
    file_ = std::move(*made);
    return {};
}

Checked<> Journal::write(const std::string& text) {
    const int error = base::write_all(file_.get(), text);
    if (error != 0)
        return fail({errc::file_unwritable, std::string(kRecordWhat) + " " + folder_ + "/" + name_ +
                                                std::string(kEnding) + ": " + std::strerror(error)});
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
