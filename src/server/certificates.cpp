#include "server/certificates.hpp"

namespace flare::server {

Checked<Certificates> Certificates::load(const Config& config, const transport::quic::Secret& quic_secret,
                                         const Certificates& before) {
    Certificates loaded;
    std::string text;
    if (config.websocket && config.secure()) {
        auto tls = transport::tls::ServerContext::load(
            {config.certificate_file, config.key_file, config.client_ca_file, config.require_client_cert}, &text);
        if (!tls) return Failure(static_cast<errc>(tls.error().value()), text);
        loaded.tls = std::move(*tls);
    }
    if (config.quic) {
        auto keys = transport::quic::ServerContext::load(
            {config.quic_certificate_file, config.quic_key_file, config.client_ca_file, config.require_client_cert},
            config.quic_alpn, &text, transport::quic::Resumption{quic_secret, config.quic_0rtt}, before.quic.get());
        if (!keys) return Failure(static_cast<errc>(keys.error().value()), text);
        loaded.quic = std::move(*keys);
    }
    if (!config.sealing_key_file.empty()) {
        auto sealing = load_sealing(config);
        if (!sealing) return sealing.error();
        loaded.sealing = std::move(*sealing);
    }
    return loaded;
}

std::vector<std::string> Certificates::files(const Config& config) {
    std::vector<std::string> files;
    if (config.websocket && config.secure()) {
        files.push_back(config.certificate_file);
        files.push_back(config.key_file);
    }
    if (config.quic) {
        files.push_back(config.quic_certificate_file);
        files.push_back(config.quic_key_file);
    }
    if (!config.sealing_key_file.empty()) files.push_back(config.sealing_key_file);
    if (!config.client_ca_file.empty()) files.push_back(config.client_ca_file);
    return files;
}

}  // namespace flare::server
