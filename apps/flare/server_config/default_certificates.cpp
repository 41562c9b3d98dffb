#include "server_config/default_certificates.hpp"

#include <filesystem>

namespace flare::cli::server_config {
namespace {

bool is_there(const std::string& file) {
    std::error_code ignored;
    return std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
}

}  // namespace

void find_default_certificates(Configuration& configuration, const std::string& state_folder) {
    Values& values = configuration.values;
    if (!values.flag("quic.enabled") || values.given("quic.certificate") || values.given("quic.key")) return;
    const std::string certificate = values.text("quic.certificate");
    const std::string key = values.text("quic.key");
    if (is_there(certificate) || is_there(key)) return;
    const std::string folder = state_folder + "/";
    if (is_there(folder + certificate) || is_there(folder + key)) {
        values.set(*find_setting("quic.certificate"), Value(folder + certificate), "state folder");
        values.set(*find_setting("quic.key"), Value(folder + key), "state folder");
        return;
    }
    if (values.given("quic.enabled") || !values.flag("websocket.enabled")) return;
    values.set(*find_setting("quic.enabled"), Value(false), "no certificate");
    configuration.warnings.push_back(
        {"default", "quic.enabled",
         "QUIC is off, because there is neither " + certificate + " nor " + folder + certificate +
             ": `flare certs make --out " + state_folder +
             "/certs` makes a test certificate; then restart the server. To use another, set quic.certificate and "
             "quic.key; to silence this, set quic.enabled = false"});
}

}  // namespace flare::cli::server_config
