#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "server/capacity.hpp"
#include "server/exposure.hpp"
#include "server/hooks/sources.hpp"
#include "server/impl.hpp"
#include "server/store_figures.hpp"
#include "server/ticket_key_file.hpp"
#include "store/sqlite/sqlite.hpp"
#include "transport/address.hpp"
#include "wire/base64.hpp"

#include <algorithm>
#include <filesystem>
#include <thread>

namespace flare {
namespace {

constexpr auto kStopLimit = std::chrono::seconds(6);

// What the server API asks of the whole server.
template <typename Impl>
server::api::ServerCalls calls_of(Impl& server) {
    return {
        .sessions = [&server](std::string user, auto done) { server.sessions(std::move(user), std::move(done)); },
        .presence = [&server](std::string user, auto done) { server.presence(std::move(user), std::move(done)); },
        .disconnect_user =
            [&server](std::string user, std::string text, auto done) {
                server.disconnect_user(std::move(user), std::move(text), std::move(done));
            },
        .revoke_user =
            [&server](std::string user, std::optional<std::chrono::system_clock::time_point> until, std::string text,
                      auto done) {
                server.revoke(auth::Revocations::Kind::user, std::move(user), until, std::move(text), std::move(done));
            },
        .erase = [&server](std::string user, auto done) { server.erase(std::move(user), std::move(done)); },
        .broadcast = [&server](const Message& message, auto done) { server.broadcast(message, std::move(done)); },
        .hooks = ServerHooks(server.hooks()),
    };
}

}  // namespace

// ---- start and stop ----

// Each worker does what `make_task()` gives for it, on its own thread.
template <typename MakeTask>
void Server::Impl::for_each_worker(const MakeTask& make_task) {
    for (const auto& worker : group_->workers) {
        group_->router.give(worker->shard().index(),
                            [task = make_task(), each = worker.get()](server::Shard&) { task(*each); });
    }
}

bool Server::Impl::on_worker_thread() const noexcept {
    const auto asking = asking_.enter();
    if (!asking) return false;
    return std::any_of(group_->workers.begin(), group_->workers.end(),
                       [](const auto& worker) { return worker->runs_here(); });
}

Checked<> Server::Impl::start() {
    const std::lock_guard lock(mutex_);
    if (running_) return Failure(errc::already_connected, "the server is already running");
    base::log().set_level(static_cast<base::Log::Level>(config_.log_level));
    base::Log::set_format(config_.log_format == LogFormat::json ? base::LineFormat::json : base::LineFormat::text);
    base::Log::show_users(config_.log_users);
    if (const auto exposed = server::exposure_of(config_)) {
        if (!config_.allow_insecure)
            return Failure(
                errc::invalid_config,
                *exposed + "; if that is intended (in a closed network, behind a gateway), set allow_insecure(true)");
        base::log().warn("{}; allow_insecure() is set", *exposed);
    }
    if (auto exposed = server::api_exposure_of(config_); exposed && !config_.allow_insecure)
        return Failure(errc::invalid_config, std::move(*exposed));
    if (auto exposed = server::admin_exposure_of(config_)) return Failure(errc::invalid_config, std::move(*exposed));
    auto opened = open();
    if (!opened) {
        api_.stop();
        hooks_.stop();
        admin_.reset();
        group_.reset();
        return opened;
    }
    expect_returning();
    running_ = true;
    asking_.open();
    group_->state.ready = true;
    for (const auto& worker : group_->workers) worker->start_thread();
    {
        const std::lock_guard reload(certificates_mutex_);
        may_reload_ = true;
    }
    watchdog_ = std::make_unique<server::Watchdog>(group_->state, group_->router);
    if (config_.certificate_watch.count() > 0) {
        certificate_watch_ = std::make_unique<server::CertificateWatch>(server::Certificates::files(config_),
                                                                        certificates_seen_, config_.certificate_watch,
                                                                        [this] { (void)reload_certificates(); });
    }
    if (admin_) admin_->start_thread();
    api_.start_thread();
    hooks_.start_thread();
    if (config_.rules.size() != 0)
        base::log().info("{} policy rules are in use; a message that matches none is refused", config_.rules.size());
    if (config_.websocket)
        base::log().info("listening on {}://{}", config_.secure() ? "wss" : "ws", addresses_.websocket);
    if (config_.quic) base::log().info("listening on quic://{}", addresses_.quic);
    if (group_->store != nullptr) base::log().info("{}", server::introduction_of(group_->store->about()));
    if (certificates_.sealing) base::log().info("sealing with the key {}", sealing_public_key());
    const server::ConnectionLimits& limits = group_->state.limits;
    base::log().info("{} workers, up to {} connections{}", group_->workers.size(), limits.in_all(),
                     config_.websocket && limits.with_file() < limits.in_all()
                         ? ", " + std::to_string(limits.with_file()) + " of them over WebSocket"
                         : std::string());
    if (const auto shortage = server::shortage_of_files(config_, server::limit_of_files()))
        base::log().warn("{}", *shortage);
    const std::size_t bytes = limits.bytes_of(config_.quic ? Protocol::quic : Protocol::websocket);
    if (const auto shortage = server::shortage_of_memory(config_, bytes)) base::log().warn("{}", *shortage);
    return {};
}

Checked<> Server::Impl::open() {
    if (!config_.revocations_file.empty()) {
        const auto read = revocations_->open(config_.revocations_file, std::chrono::system_clock::now());
        if (!read) return read;
    }
    if (auto loaded = hooks_.load(config_.backends.hooks); !loaded) return loaded;
    server::Config config = config_;
    server::hooks::observe(hooks_, config);
    group_ = std::make_unique<server::WorkerGroup>(
        std::move(config), server::files_for_connections(server::limit_of_files()), *revocations_);
    if (!config_.ticket_key_file.empty()) {
        auto keys = server::load_ticket_keys(config_.ticket_key_file);
        if (!keys) return keys.error();
        ticket_keys_ = *keys;
        group_->state.ticket_keys = std::make_unique<const session::TicketKeys>(
            std::move(keys->current), std::move(keys->previous),
            base::system_random().bytes(session::TicketKeys::kProcessBytes));
    }
    if (!config_.conversations.store.file.empty()) {
        store::sqlite::Settings settings;
        settings.path = config_.conversations.store.file;
        settings.min_free_bytes = config_.conversations.store.min_free_bytes;
        settings.cache_kib = static_cast<std::uint32_t>(config_.conversations.store.cache_bytes / 1024);
        auto engine = store::sqlite::open(settings);
        if (!engine) return engine.error();
        store::Store::Settings waits;
        waits.committed = [this] { hooks_.committed(); };
        group_->store = std::make_unique<store::Store>(std::move(*engine), waits);
    }
    if (auto opened = hooks_.open(group_->store.get()); !opened) return opened;
    group_->state.asked_hooks = &hooks_;
    group_->make_workers();
    std::string secret = config_.quic_secret;
    if (secret.empty() && config_.quic && !config_.quic_secret_file.empty()) {
        auto kept = server::load_ticket_keys(config_.quic_secret_file, "quic_secret_file");
        if (!kept) return kept.error();
        secret = std::move(kept->current);
    }
    if (secret.empty()) {
        base::system_random().fill(quic_secret_);
    } else {
        const std::string hash = base::hmac_sha256(secret, "flare quic secret 1");
        std::copy_n(hash.begin(), quic_secret_.size(), quic_secret_.begin());
    }
    certificates_seen_ = server::CertificateWatch::look(server::Certificates::files(config_));
    auto certificates = server::Certificates::load(config_, quic_secret_, {});
    if (!certificates) return certificates.error();
    certificates_ = std::move(*certificates);
    if (config_.websocket) {
        if (auto opened = open_websocket(); !opened) return opened;
    }
    if (config_.quic) {
        if (auto opened = open_quic(); !opened) return opened;
    }
    for (const auto& worker : group_->workers) worker->listeners().use_certificates(certificates_);
    if (!config_.admin_addr.empty()) {
        admin_ = std::make_unique<server::Admin>(group_->state, questions());
        const auto bound = admin_->open(config_.admin_addr);
        if (!bound) return bound.error();
        addresses_.admin = transport::endpoint_text(*bound);
    }
    const auto opened = api_.open(config_.backends.api, *group_, encoder_, calls_of(*this));
    addresses_.api = api_.address();
    return opened;
}

Checked<> Server::Impl::open_websocket() {
    std::string address = config_.websocket_addr;
    for (const auto& worker : group_->workers) {
        const auto bound = worker->listeners().open_websocket(address, certificates_.tls);
        if (!bound) return bound.error();
        addresses_.websocket = transport::endpoint_text(*bound);
        address = transport::sharing_text(address, *bound);  // port 0: as the first was given
    }
    return {};
}

Checked<> Server::Impl::open_quic() {
    const std::string& folder = config_.quic_qlog_folder;
    if (std::error_code ignored; !folder.empty() && !std::filesystem::is_directory(folder, ignored))
        return Failure(errc::file_not_found, "quic_qlog: " + folder + " is not a folder");
    std::string address = config_.quic_addr;
    for (const auto& worker : group_->workers) {  // in the order of their numbers: Listener::open()
        const auto bound = worker->listeners().open_quic(address, certificates_.quic, quic_secret_);
        if (!bound) return bound.error();
        const boost::asio::ip::tcp::endpoint endpoint(bound->address(), bound->port());
        addresses_.quic = transport::endpoint_text(endpoint);
        address = transport::sharing_text(address, endpoint);
    }
    return {};
}

Checked<> Server::Impl::reload_api_keys() {
    const std::lock_guard lock(certificates_mutex_);
    if (!may_reload_) return Failure(errc::not_connected, "the server is not running");
    return api_.reload_keys(config_.backends.api);
}

Checked<> Server::Impl::reload_certificates() {
    const std::lock_guard lock(certificates_mutex_);
    if (!may_reload_) return Failure(errc::not_connected, "the server is not running");
    auto loaded = server::Certificates::load(config_, quic_secret_, certificates_);
    if (!loaded) {
        base::log().error("the old certificates stay in use: {}", loaded.error().text);
        return loaded.error();
    }
    certificates_ = std::move(*loaded);
    for_each_worker([this] {
        return [certificates = certificates_](server::Worker& worker) {
            worker.listeners().use_certificates(certificates);
        };
    });
    base::log().info("certificates reloaded; new connections use them");
    return {};
}

void Server::Impl::stop() {
    const std::lock_guard lock(mutex_);
    if (!running_) return;
    certificate_watch_.reset();
    {
        const std::lock_guard no_reload(certificates_mutex_);
        may_reload_ = false;
    }
    group_->state.ready = false;
    api_.stop();
    // Sessions flush and say goodbye; whoever does not answer in time is dropped.
    base::Gate sessions;
    for_each_worker([&sessions] {
        return [pass = std::make_shared<base::Gate::Pass>(*sessions.enter())](server::Worker& worker) {
            worker.listeners().stop_accepting();
            worker.shard().begin_stop(std::move(*pass));
        };
    });
    keep_returning();
    sessions.wait_until(std::chrono::steady_clock::now() + kStopLimit);
    admin_.reset();
    watchdog_.reset();
    group_->pool.stop();  // running handlers end; their answers are still posted
    for_each_worker([] { return [](server::Worker& worker) { worker.finish_stop(); }; });
    for (const auto& worker : group_->workers) worker->join();
    hooks_.stop();
    if (group_->store != nullptr) group_->store->stop();
    group_->hooks.stop();
    asking_.close();
    asking_.wait();
    running_ = false;
    group_.reset();
    base::log().sum_up(true);
    base::log().info("stopped");
    stopped_.notify_all();
}

void Server::Impl::wait() {
    std::unique_lock lock(mutex_);
    stopped_.wait(lock, [this] { return !running_; });
}

std::string Server::Impl::sealing_public_key() {
    const std::lock_guard lock(certificates_mutex_);
    return running_ && certificates_.sealing ? wire::to_base64(base::view(certificates_.sealing->keys.front().known))
                                             : std::string();
}

// ---- Server ----

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

Checked<> Server::start() { return impl_->start(); }
void Server::stop() { impl_->stop(); }
void Server::wait() { impl_->wait(); }
Checked<> Server::reload_api_keys() { return impl_->reload_api_keys(); }
std::string Server::api_addr() const { return impl_->addresses().api; }
Checked<> Server::reload_certificates() { return impl_->reload_certificates(); }
std::string Server::websocket_addr() const { return impl_->addresses().websocket; }
std::string Server::quic_addr() const { return impl_->addresses().quic; }
std::string Server::admin_addr() const { return impl_->addresses().admin; }
ServerHooks Server::hooks() const { return ServerHooks(impl_->hooks()); }
std::vector<HookStatus> ServerHooks::status() const { return hooks_->status(); }
Checked<> ServerHooks::pause(std::string_view name) const { return hooks_->pause(name); }
Checked<> ServerHooks::resume(std::string_view name) const { return hooks_->resume(name); }
Checked<> ServerHooks::replay(std::string_view name, std::uint64_t after) const { return hooks_->replay(name, after); }
std::string Server::sealing_public_key() const { return impl_->sealing_public_key(); }

}  // namespace flare
