#include "server_config/default_store.hpp"

#include "base/file.hpp"

namespace flare::cli::server_config {
namespace {

constexpr const char* kFile = "store.file";
constexpr const char* kNone = "none";
constexpr const char* kStateFolder = "state folder";

}  // namespace

void find_default_store(Configuration& configuration, const std::string& state_folder) {
    Values& values = configuration.values;
    if (values.given(kFile)) return;
    values.set(*find_setting(kFile), Value(state_folder + "/flare.db"), kStateFolder);
}

bool keeps_conversations(const Values& values) {
    const std::string file = values.text(kFile);
    return !file.empty() && file != kNone;
}

Checked<> make_store_folder(const Values& values, const std::string& state_folder) {
    if (!keeps_conversations(values) || values.where(*find_setting(kFile)) != kStateFolder) return {};
    const auto made = base::make_folders(state_folder, kStateFolder, base::Access::secret);
    if (made) return {};
    return Failure(made.error().code, "conversations cannot be kept: " + made.error().text);
}

}  // namespace flare::cli::server_config
