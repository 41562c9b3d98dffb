#include "records.hpp"

#include "base/file.hpp"
#include "output.hpp"
#include "state_folder.hpp"

#include <flare/uuid.hpp>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace flare::cli {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kEnding = ".jsonl";
constexpr std::size_t kTrialBytes = 64 * 1024;  // more than most records grow to

std::vector<fs::directory_entry> records_in(const std::string& folder) {
    std::vector<fs::directory_entry> found;
    std::error_code error;
    for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
        std::error_code ignored;
        if (each->path().extension() == kEnding && each->is_regular_file(ignored)) found.push_back(*each);
    }
    return found;
}

}  // namespace

std::string record_folder() { return state_folder() + "/sessions"; }

Checked<std::string> make_record_folder() {
    std::string folder = record_folder();
    if (const auto made = base::make_folders(folder, "record folder", base::Access::secret); !made) return made.error();
    return folder;
}

Checked<> check_record_folder(const std::string& folder) {
    std::error_code error;
    const std::string trial = folder + "/.trial-" + Uuid::v7().str();
    const auto made = base::put_file(trial, {}, std::string(kTrialBytes, ' '), {});
    fs::remove(trial, error);
    if (made) return {};
    const errc code = fs::is_directory(folder, error) ? errc::file_unwritable : errc::file_not_found;
    return Failure(code, "cannot write a flight record to " + folder + ": " +
                             (code == errc::file_not_found ? "no such folder" : made.error().text));
}

Checked<std::string> find_record(const std::string& named, const std::string& folder) {
    std::error_code ignored;
    if (fs::is_regular_file(named, ignored)) return named;
    const auto records = records_in(folder);
    std::vector<fs::directory_entry> fitting;
    for (const auto& each : records) {
        if (named == "last") {
            if (fitting.empty() || each.last_write_time(ignored) > fitting.front().last_write_time(ignored))
                fitting.assign(1, each);
        } else if (each.path().stem().string().starts_with(named)) {
            fitting.push_back(each);
        }
    }
    if (fitting.size() == 1) return fitting.front().path().string();
    if (fitting.size() > 1) {
        std::string text = "'" + printable(named) + "' is ambiguous: it is the beginning of " +
                           std::to_string(fitting.size()) + " sessions:";
        for (std::size_t i = 0; i < fitting.size() && i < 5; ++i)
            text += " " + printable(fitting[i].path().stem().string());
        return Failure(errc::invalid_config, text + (fitting.size() > 5 ? " ..." : ""));
    }
    return Failure(errc::file_not_found,
                   (named == "last" ? "no record in " : "no record of '" + printable(named) + "' in ") + folder +
                       ". Clients write one with --record or ClientBuilder::flight_recorder(); use --folder to look "
                       "elsewhere, --admin HOST:PORT to ask a server");
}

}  // namespace flare::cli
