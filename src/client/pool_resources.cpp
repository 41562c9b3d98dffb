#include "client/pool_resources.hpp"

namespace flare::client {
namespace {

using transport::tls::ClientOptions;
namespace quic = transport::quic;
namespace tls = transport::tls;

// What loads a context tells errors as a code and a text.
template <typename Load>
auto loaded(Load load) -> Checked<typename decltype(load(nullptr))::value_type> {
    std::string text;
    auto result = load(&text);
    if (!result) return Failure(static_cast<errc>(result.error().value()), text);
    return std::move(*result);
}

template <typename Known, typename Key, typename Load>
auto known_or(Known& known, const Key& key, Load load) -> decltype(load()) {
    if (const auto found = known.find(key); found != known.end()) return found->second;
    auto made = load();
    if (made) known.emplace(key, *made);
    return made;
}

}  // namespace

Checked<std::shared_ptr<tls::ClientContext>> load_tls(const ClientOptions& options) {
    return loaded([&](std::string* text) { return tls::ClientContext::load(options, text); });
}

Checked<std::shared_ptr<quic::ClientContext>> load_quic(const ClientOptions& options, const std::string& ticket_file) {
    return loaded(
        [&](std::string* text) { return quic::ClientContext::load(options, {quic::kAlpn}, text, ticket_file); });
}

PoolResources::PoolResources(unsigned io_threads, unsigned callback_threads)
    : loops_(io_threads), callback_threads_(make_callback_threads(callback_threads)) {}

// The loops end when what their clients have posted is done.
PoolResources::~PoolResources() {
    for (Loop& each : loops_) {
        each.work.reset();
        if (each.thread.get_id() == std::this_thread::get_id()) {
            each.thread.detach();  // it holds its loop, and ends by itself
        } else {
            each.thread.join();
        }
    }
}

boost::asio::io_context& PoolResources::loop() {
    const std::lock_guard lock(mutex_);
    return *loops_[next_++ % loops_.size()].context;
}

Checked<std::shared_ptr<tls::ClientContext>> PoolResources::tls(const ClientOptions& options) {
    const std::lock_guard lock(mutex_);
    return known_or(tls_, Files{options.ca_file, options.certificate_file, options.key_file, ""},
                    [&] { return load_tls(options); });
}

Checked<std::shared_ptr<quic::ClientContext>> PoolResources::quic(const ClientOptions& options,
                                                                  const std::string& ticket_file) {
    const std::lock_guard lock(mutex_);
    return known_or(quic_, Files{options.ca_file, options.certificate_file, options.key_file, ticket_file},
                    [&] { return load_quic(options, ticket_file); });
}

}  // namespace flare::client
