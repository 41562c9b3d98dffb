#include "server/api_service.hpp"

#include "base/log.hpp"
#include "transport/address.hpp"

#include <utility>

namespace flare::server {
namespace {

Checked<auth::ApiKeyList> load_keys(const ServerApi& settings) {
    auth::ApiKeyList keys;
    if (!settings.keys_file.empty()) {
        auto read = auth::read_api_keys(settings.keys_file);
        if (!read) return read;
        keys = std::move(*read);
    }
    for (const std::string& line : settings.keys) {
        auto key = auth::api_key_from_line(line);
        if (!key) return Failure(key.error().code, "ServerApi::keys: " + key.error().text);
        keys.push_back(std::move(*key));
    }
    return keys;
}

// Null: http.
Checked<std::shared_ptr<transport::tls::ServerContext>> load_tls(const ServerApi& settings) {
    std::shared_ptr<transport::tls::ServerContext> tls;
    if (settings.certificate_file.empty()) {
        if (settings.client_ca_file.empty()) return tls;
        return Failure(errc::invalid_config, "ServerApi::client_ca_file needs a certificate_file and its key");
    }
    std::string text;
    auto loaded = transport::tls::ServerContext::load(
        {settings.certificate_file, settings.key_file, settings.client_ca_file, !settings.client_ca_file.empty()},
        &text);
    if (!loaded) return Failure(static_cast<errc>(loaded.error().value()), "the server API: " + text);
    return std::move(*loaded);
}

}  // namespace

Checked<> ApiService::open(const ServerApi& settings, WorkerGroup& group, const Encoder& encoder,
                           api::ServerCalls calls) {
    if (settings.address.empty()) return {};
    auto keys = load_keys(settings);
    if (!keys) return keys.error();
    if (keys->empty())
        return Failure(errc::invalid_config,
                       "the server API has an address and no key: make one with flare api-key create, and set "
                       "ServerApi::keys_file (api.keys_file) to its file");
    auto tls = load_tls(settings);
    if (!tls) return tls.error();
    secure_ = *tls != nullptr;
    keys_ = std::make_shared<auth::ApiKeys>(std::move(*keys));
    kept_ = group.store == nullptr ? nullptr : std::make_unique<api::KeptAnswers>(*group.store);
    api_ = std::make_unique<api::Api>(group, encoder, std::move(calls), keys_, kept_.get());
    const auto bound = api_->open(settings.address, std::move(*tls));
    if (!bound) return bound.error();
    address_ = transport::endpoint_text(*bound);
    return {};
}

void ApiService::start_thread() {
    if (!api_) return;
    api_->start_thread();
    base::log().info("the server API listens on {}://{}", secure_ ? "https" : "http", address_);
}

void ApiService::stop() {
    api_.reset();
    address_.clear();
}

Checked<> ApiService::reload_keys(const ServerApi& settings) {
    if (!api_ || settings.keys_file.empty())
        return Failure(errc::not_supported, "this server has no ServerApi::keys_file");
    auto keys = load_keys(settings);
    if (!keys) {
        base::log().error("the old API keys stay in use: {}", keys.error().text);
        return keys.error();
    }
    const std::size_t count = keys->size();
    keys_->replace(std::move(*keys));
    base::log().info("{} API keys are in use", count);
    return {};
}

}  // namespace flare::server
