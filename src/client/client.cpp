#include "client/impl.hpp"

namespace flare {
namespace {

using client::ClientLoop;

// How long post_message() waits for its client's loop, and for the disk: a message that is not in the file by then is
// written when the disk allows it.
constexpr std::chrono::seconds kLongestPost{1};

std::chrono::system_clock::time_point system_now() { return std::chrono::system_clock::now(); }

SendResult failed(errc code) {
    SendResult result;
    result.error = code;
    result.error_message = explain(code);
    result.send_time = system_now();
    return result;
}

Message text_message(std::string target, std::string text) {
    Message message("text", Bytes(text));
    message.to = std::move(target);
    return message;
}

Message binary_message(std::string target, Bytes bytes, std::string type) {
    Message message(std::move(type), std::move(bytes));
    message.to = std::move(target);
    return message;
}

Message addressed(std::string target, Message message) {
    message.to = std::move(target);
    return message;
}

}  // namespace

std::string_view name(ClientStatus status) noexcept {
    switch (status) {
        case ClientStatus::disconnected: return "disconnected";
        case ClientStatus::connecting: return "connecting";
        case ClientStatus::connected: return "connected";
        case ClientStatus::reconnecting: return "reconnecting";
        case ClientStatus::failed: return "failed";
    }
    return "unknown";
}

// ---- life ----

Client::Impl::Impl(client::Config config) : shared_(std::move(config.shared)) {
    boost::asio::io_context* context = shared_ ? &shared_->loop() : config.context;
    if (context == nullptr) {
        own_context_ = std::make_unique<boost::asio::io_context>(1);
        context = own_context_.get();
        work_.emplace(context->get_executor());
    }
    EventCallback callback = std::move(config.callback);
    events_ = std::make_shared<client::EventQueue>(
        std::move(callback), shared_ ? shared_->callback_threads() : client::make_callback_threads(1));
    cache_ = config.cache;
    if (cache_) {
        if (auto damaged = cache_->take_damaged()) events_->push(event::Error{std::move(*damaged)});
        cache_->start([events = events_](const Failure& failure) { events->push(event::Error{failure}); });
    }
    loop_ = std::make_shared<ClientLoop>(*context, std::move(config), events_);
    conversations_.reset(new Conversations(loop_));
    invitations_.reset(new Invitations(loop_));
    restrictions_.reset(new Restrictions(loop_));
    push_.reset(new Push(loop_));
    marks_.reset(new Marks(loop_));
    settings_.reset(new Settings(loop_));
    signals_.reset(new Signals(loop_));
    if (own_context_) thread_ = std::thread([loop = context] { loop->run(); });
}

Client::Impl::~Impl() {
    boost::asio::io_context& context = loop_->context();
    if (!own_context_) {
        // The loop is the application's, or the pool's: it drops the client's when it comes to it.
        boost::asio::post(context, [loop = loop_] { loop->close(); });
        const bool inside = events_->runs_here() || context.get_executor().running_in_this_thread();
        events_->stop();
        if (cache_) cache_->close(!inside);
        return;
    }
    boost::asio::post(context, [loop = loop_] { loop->close(); });
    work_.reset();
    const bool inside = events_->runs_here() || thread_.get_id() == std::this_thread::get_id();
    if (thread_.get_id() == std::this_thread::get_id()) {
        // A completion on the I/O thread destroys its own client: the thread ends by itself and takes the loop with it.
        boost::asio::post(context,
                          [loop = std::shared_ptr<boost::asio::io_context>(std::move(own_context_))] { loop->stop(); });
        thread_.detach();
    } else {
        thread_.join();
    }
    events_->stop();
    if (cache_) cache_->close(!inside);
    conversations_.reset();
    marks_.reset();
    settings_.reset();
    signals_.reset();
    loop_.reset();
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

// ---- blocking ----

Checked<Protocol> Client::connect() {
    Checked<Protocol> result = Failure(errc::internal);
    const bool waited =
        impl_->wait_for<Checked<Protocol>>(result, [](ClientLoop& loop, auto done) { loop.connect(std::move(done)); });
    return waited ? result : Failure(errc::would_deadlock);
}

Checked<Protocol> Client::reconnect() {
    Checked<Protocol> result = Failure(errc::internal);
    const bool waited = impl_->wait_for<Checked<Protocol>>(
        result, [](ClientLoop& loop, auto done) { loop.reconnect(std::move(done)); });
    return waited ? result : Failure(errc::would_deadlock);
}

void Client::disconnect() {
    bool result = false;
    const auto begin = [](ClientLoop& loop, auto done) { loop.disconnect([done] { done(true); }); };
    if (impl_->wait_for<bool>(result, begin)) return;
    // On the I/O thread it cannot wait; it begins all the same.
    boost::asio::post(impl_->loop().context(), [loop = impl_->shared_loop()] { loop->disconnect([] {}); });
}

SendResult Client::Impl::send(Message message) const {
    SendResult result;
    const bool waited =
        wait_for<SendResult>(result, [message = std::move(message), at = system_now()](ClientLoop& loop, auto done) {
            loop.send(message, std::move(done), at);
        });
    return waited ? result : failed(errc::would_deadlock);
}

SendResult Client::send_text_message(std::string target, std::string text) {
    return impl_->send(text_message(std::move(target), std::move(text)));
}
SendResult Client::send_binary_message(std::string target, Bytes bytes, std::string type) {
    return impl_->send(binary_message(std::move(target), std::move(bytes), std::move(type)));
}
SendResult Client::send_message(std::string target, Message message) {
    return impl_->send(addressed(std::move(target), std::move(message)));
}

std::vector<SendResult> Client::send_batch(std::vector<Message> messages) {
    const std::size_t count = messages.size();
    if (count == 0) return {};
    std::vector<SendResult> results;
    const bool waited = impl_->wait_for<std::vector<SendResult>>(
        results, [messages = std::move(messages), at = system_now()](ClientLoop& loop, auto done) {
            struct Gathering {
                std::vector<SendResult> results;
                std::size_t missing;
            };
            auto gathering =
                std::make_shared<Gathering>(Gathering{std::vector<SendResult>(messages.size()), messages.size()});
            for (std::size_t i = 0; i < messages.size(); ++i) {
                loop.send(
                    messages[i],
                    [gathering, i, done](SendResult result) {
                        gathering->results[i] = std::move(result);
                        if (--gathering->missing == 0) done(std::move(gathering->results));
                    },
                    at);
            }
        });
    return waited ? results : std::vector<SendResult>(count, failed(errc::would_deadlock));
}

// Nobody waits for a disk where events are told or sockets are read; nor for a loop that may be this thread's to run.
void Client::Impl::post(Message message) const {
    const bool waits =
        cache_ && own_context_ && !loop_->context().get_executor().running_in_this_thread() && !events_->runs_here();
    if (!waits) {
        return boost::asio::post(loop_->context(),
                                 [loop = loop_, message = std::move(message), at = system_now()]() mutable {
                                     loop->send(std::move(message), {}, at);
                                 });
    }
    const auto queued = std::make_shared<std::promise<client::Cache::Ticket>>();
    auto ticket = queued->get_future();
    boost::asio::post(loop_->context(), [loop = loop_, cache = cache_, queued, message = std::move(message),
                                         at = system_now()]() mutable {
        loop->send(std::move(message), {}, at);
        queued->set_value(cache->newest());
    });
    if (ticket.wait_for(kLongestPost) == std::future_status::ready) (void)cache_->wait_for(ticket.get(), kLongestPost);
}

Checked<Uuid> Client::post_message(std::string target, Message message) {
    const client::Snapshot state = impl_->loop().snapshot();
    if (!impl_->has_cache() && (state.status == ClientStatus::disconnected || state.status == ClientStatus::failed))
        return Failure(errc::not_connected);
    if (target.empty()) return Failure(errc::unknown_target);
    message.to = std::move(target);
    if (message.id.is_nil()) message.id = Uuid::v7();
    const Uuid id = message.id;
    impl_->post(std::move(message));
    return id;
}

Conversations& Client::conversations() { return impl_->conversations(); }
Invitations& Client::invitations() { return impl_->invitations(); }
Restrictions& Client::restrictions() { return impl_->restrictions(); }
Push& Client::push() { return impl_->push(); }
Marks& Client::marks() { return impl_->marks(); }
Settings& Client::settings() { return impl_->settings(); }
Signals& Client::signals() { return impl_->signals(); }

std::size_t Client::clear_message_queue() {
    std::size_t cleared = 0;
    const bool waited =
        impl_->wait_for<std::size_t>(cleared, [](ClientLoop& loop, auto done) { done(loop.clear_queue()); });
    return waited ? cleared : impl_->loop().clear_queue();
}

// ---- state ----

std::size_t Client::get_message_queue_length() const { return impl_->loop().snapshot().queue_length; }
ClientStatus Client::get_status() const { return impl_->loop().snapshot().status; }
ConnectionStats Client::get_connection_stats() const { return impl_->loop().snapshot().stats; }
std::optional<Protocol> Client::get_current_protocol() const { return impl_->loop().snapshot().stats.protocol; }
std::string Client::get_session_id() const { return impl_->loop().snapshot().session_id; }
std::string Client::get_flight_record() const { return impl_->loop().flight_record(); }

ProtocolMetrics Client::get_protocol_metrics(Protocol protocol) const {
    const client::Snapshot snapshot = impl_->loop().snapshot();
    const auto found = snapshot.metrics.find(protocol);
    if (found != snapshot.metrics.end()) return found->second;
    ProtocolMetrics none;
    none.protocol = protocol;
    return none;
}

std::vector<ProtocolMetrics> Client::get_all_protocol_metrics() const {
    std::vector<ProtocolMetrics> all;
    for (const auto& [protocol, metrics] : impl_->loop().snapshot().metrics) all.push_back(metrics);
    return all;
}

std::optional<Protocol> Client::get_best_protocol() const {
    const client::Snapshot snapshot = impl_->loop().snapshot();
    std::optional<Protocol> best = snapshot.stats.protocol;
    double best_score = 0;
    for (const auto& [protocol, metrics] : snapshot.metrics) {
        if (!metrics.score || *metrics.score <= best_score) continue;
        best = protocol;
        best_score = *metrics.score;
    }
    return best;
}

bool Client::is_protocol_available(Protocol protocol) const {
    const client::Snapshot snapshot = impl_->loop().snapshot();
    const auto found = snapshot.metrics.find(protocol);
    return found != snapshot.metrics.end() && found->second.available && snapshot.status != ClientStatus::failed;
}

Checked<Protocol> Client::switch_protocol(Protocol protocol) {
    Checked<Protocol> result = Failure(errc::would_deadlock);
    impl_->wait_for<Checked<Protocol>>(
        result, [protocol](ClientLoop& loop, auto done) { loop.switch_protocol(protocol, std::move(done)); });
    return result;
}

Checked<> Client::migrate(std::string local_address) {
    Checked<> result = Failure(errc::would_deadlock);
    impl_->wait_for<Checked<>>(result,
                               [&local_address](ClientLoop& loop, auto done) { done(loop.migrate(local_address)); });
    return result;
}

Checked<> Client::refresh_token(std::string token) {
    Checked<> result = Failure(errc::would_deadlock);
    impl_->wait_for<Checked<>>(result, [token = std::move(token)](ClientLoop& loop, auto done) mutable {
        loop.refresh_token(std::move(token), std::move(done));
    });
    return result;
}

// ---- for coroutines ----

Task<Checked<Protocol>> Client::async_connect() {
    return client::await<Checked<Protocol>>(impl_->shared_loop(),
                                            [](ClientLoop& loop, auto done) { loop.connect(std::move(done)); });
}
Task<Checked<Protocol>> Client::async_reconnect() {
    return client::await<Checked<Protocol>>(impl_->shared_loop(),
                                            [](ClientLoop& loop, auto done) { loop.reconnect(std::move(done)); });
}
Task<void> Client::async_disconnect() {
    (void)co_await client::await<bool>(
        impl_->shared_loop(), [](ClientLoop& loop, auto done) { loop.disconnect([done]() mutable { done(true); }); });
}
Task<Checked<>> Client::async_refresh_token(std::string token) {
    return client::await<Checked<>>(impl_->shared_loop(),
                                    [token = std::move(token)](ClientLoop& loop, auto done) mutable {
                                        loop.refresh_token(std::move(token), std::move(done));
                                    });
}
Task<SendResult> Client::async_send_message(std::string target, Message message) {
    return client::await<SendResult>(impl_->shared_loop(),
                                     [message = addressed(std::move(target), std::move(message)), at = system_now()](
                                         ClientLoop& loop, auto done) { loop.send(message, std::move(done), at); });
}
Task<SendResult> Client::async_send_text_message(std::string target, std::string text) {
    Message message = text_message({}, std::move(text));
    return async_send_message(std::move(target), std::move(message));
}
Task<SendResult> Client::async_send_binary_message(std::string target, Bytes bytes, std::string type) {
    Message message = binary_message({}, std::move(bytes), std::move(type));
    return async_send_message(std::move(target), std::move(message));
}

}  // namespace flare
