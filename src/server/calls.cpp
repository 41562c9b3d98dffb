// What an application asks of a running server. Every question is put once, as something that begins on the right
// worker and tells `done`; the blocking call waits for it and the coroutine awaits it.
#include "server/impl.hpp"

#include <flare/printable.hpp>

#include <algorithm>

namespace flare {
namespace {

wire::MessageView view_of(const Message& message, std::string_view to) {
    wire::MessageView view;
    view.id = message.id.is_nil() ? Uuid::v7() : message.id;
    view.type = message.type;
    view.payload = message.payload.view();
    const auto time = message.timestamp == std::chrono::system_clock::time_point{} ? std::chrono::system_clock::now()
                                                                                   : message.timestamp;
    view.timestamp_ms = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    view.to = to;
    return view;
}

Checked<DeliveryReport> deliver(server::Worker& worker, const std::string& user, server::EncodedMessage& outgoing) {
    DeliveryReport report;
    const session::Receipt receipt =
        worker.deliver(user, outgoing.from, outgoing.forms, outgoing.priority, &report.too_large);
    if (receipt.status == wire::ReceiptStatus::refused) return Failure(receipt.code, receipt.text);
    report.delivery = receipt.status == wire::ReceiptStatus::buffered ? Delivery::buffered : Delivery::delivered;
    return report;
}

// What a farewell says: an application's text that any client can read.
std::string farewell(const std::string& text) {
    return text.empty() ? std::string(explain(errc::kicked)) : printable(text, wire::kMaxTextBytes);
}

UserPresence presence_on(server::Worker& worker, const std::string& user) {
    UserPresence presence = UserPresence::offline;
    for (const session::ServerSession* session : worker.table().of_user(user)) {
        if (session->presence() == session::Presence::attached) return UserPresence::attached;
        presence = UserPresence::detached;
    }
    return presence;
}

}  // namespace

// What is too large for an event loop is compressed here, by the thread that sends it.
std::shared_ptr<server::EncodedMessage> Server::Impl::encode(const Message& message, std::string_view to) const {
    std::string from = message.from.empty() ? std::string(kServerTarget) : message.from;
    wire::DataView data;
    data.from = from;
    data.server_time_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    data.message = view_of(message, to);
    wire::Forms forms(wire::encode(data), *data.message, config_.compression.get(), false);
    if (config_.compression && message.payload.size() > wire::kAtOnceBytes && !on_worker_thread())
        forms.prepare(wire::set_of(wire::Encoding::zstd));
    return std::make_shared<server::EncodedMessage>(
        server::EncodedMessage{std::move(from), std::move(forms), message.priority});
}

errc Server::Impl::what_is_wrong(const Message& message) const noexcept {
    if (message.payload.size() > config_.session.max_message_bytes) return errc::message_too_large;
    return wire::is_name(message.type) && wire::is_name(message.from) ? errc::ok : errc::invalid_name;
}

// ---- the questions ----

void Server::Impl::presence(std::string user, Done<UserPresence> done) {
    const std::uint32_t home = home_of(user);
    ask<UserPresence>(
        home, [user = std::move(user)](server::Worker& worker) { return presence_on(worker, user); }, std::move(done));
}

void Server::Impl::sessions(std::string user, Done<std::vector<SessionInfo>> done) {
    const std::uint32_t home = home_of(user);
    ask<std::vector<SessionInfo>>(
        home,
        [user = std::move(user)](server::Worker& worker) {
            std::vector<SessionInfo> found;
            for (const session::ServerSession* session : worker.table().of_user(user))
                found.push_back(server::Worker::info_of(*session));
            return found;
        },
        std::move(done));
}

void Server::Impl::online_users(Done<std::vector<std::string>> done) {
    ask_all<std::vector<std::string>>(
        [](server::Worker& worker, std::vector<std::string>& users) {
            const std::size_t begin = users.size();
            worker.table().for_each([&](const session::ServerSession& session) { users.push_back(session.user()); });
            const auto first = users.begin() + static_cast<std::ptrdiff_t>(begin);
            std::sort(first, users.end());
            users.erase(std::unique(first, users.end()), users.end());
        },
        std::move(done));
}

void Server::Impl::send(std::string user, const Message& message, Done<DeliveryReport> done) {
    if (const errc wrong = what_is_wrong(message); wrong != errc::ok) return done(Failure(wrong));
    const std::uint32_t home = home_of(user);
    ask<DeliveryReport>(
        home,
        [user, outgoing = encode(message, user)](server::Worker& worker) { return deliver(worker, user, *outgoing); },
        std::move(done));
}

void Server::Impl::send_to_many(std::vector<std::string> users, const Message& message, Done<FanOut> done) {
    if (const errc wrong = what_is_wrong(message); wrong != errc::ok) return done(Failure(wrong));
    ask_all<FanOut>(
        [this, users = std::move(users), outgoing = encode(message, {})](server::Worker& worker, FanOut& out) {
            for (const std::string& user : users) {
                if (group_->home_of(user) != worker.index()) continue;
                const auto sent = deliver(worker, user, *outgoing);
                if (sent) ++out.reached;
                if (!sent && sent.error().code == errc::message_too_large) ++out.too_large;
            }
        },
        std::move(done));
}

void Server::Impl::broadcast(const Message& message, Done<FanOut> done) {
    if (const errc wrong = what_is_wrong(message); wrong != errc::ok) return done(Failure(wrong));
    ask_all<FanOut>(
        [outgoing = encode(message, {})](server::Worker& worker, FanOut& out) {
            const FanOut there = worker.broadcast(outgoing->from, outgoing->forms, outgoing->priority);
            out.reached += there.reached;
            out.too_large += there.too_large;
        },
        std::move(done));
}

void Server::Impl::disconnect_user(std::string user, std::string text, Done<std::size_t> done) {
    const std::uint32_t home = home_of(user);
    ask<std::size_t>(
        home,
        [user = std::move(user), text = farewell(text)](server::Worker& worker) {
            return worker.end_user(user, errc::kicked, text);
        },
        std::move(done));
}

void Server::Impl::disconnect_session(const std::string& session_id, std::string text, Done<bool> done) {
    const auto id = Uuid::parse(session_id);
    if (!id) return done(Failure(errc::session_unknown, "a session id is a UUID"));
    // The id does not name its worker, so each of them looks.
    ask_all<std::size_t>(
        [id = session::SessionId{*id}, text = farewell(text)](server::Worker& worker, std::size_t& ended) {
            session::ServerSession* session = worker.table().find(id);
            if (session == nullptr) return;
            worker.table().end(*session, errc::kicked, text, 0, server::Worker::now());
            ++ended;
        },
        [done](Checked<std::size_t> ended) {
            done(ended ? Checked<bool>(*ended != 0) : Checked<bool>(ended.error()));
        });
}

void Server::Impl::drop_connections(std::string user, Done<std::size_t> done) {
    const std::uint32_t home = home_of(user);
    ask<std::size_t>(
        home, [user = std::move(user)](server::Worker& worker) { return worker.drop_connections(user); },
        std::move(done));
}

void Server::Impl::stats(Done<ServerStats> done) { ask_all<ServerStats>(sum_up, std::move(done)); }

void Server::Impl::sum_up(server::Worker& worker, ServerStats& stats) {
    stats.capacity = worker.group().limits.in_all();
    if (worker.group().config.websocket) stats.websocket_capacity = worker.group().limits.with_file();
    if (worker.index() == 0) stats.memory_bytes += worker.group().limits.memory_bytes();  // of all workers
    stats.revocations = worker.group().revocations.size();
    stats.worker_stalls = worker.group().stalls.load(std::memory_order_relaxed);
    if (const auto& compression = worker.group().config.compression) stats.compression = compression->stats();
    worker.add_to(stats);
}

// ---- blocking ----

Checked<UserPresence> Server::presence(std::string user) {
    return impl_->wait_for<UserPresence>([&](auto done) { impl_->presence(std::move(user), std::move(done)); });
}
Checked<std::vector<SessionInfo>> Server::sessions(std::string user) {
    return impl_->wait_for<std::vector<SessionInfo>>(
        [&](auto done) { impl_->sessions(std::move(user), std::move(done)); });
}
Checked<std::vector<std::string>> Server::online_users() {
    return impl_->wait_for<std::vector<std::string>>([&](auto done) { impl_->online_users(std::move(done)); });
}
Checked<DeliveryReport> Server::send(std::string user, Message message) {
    return impl_->wait_for<DeliveryReport>([&](auto done) { impl_->send(std::move(user), message, std::move(done)); });
}
Checked<FanOut> Server::send_to_many(std::vector<std::string> users, Message message) {
    return impl_->wait_for<FanOut>([&](auto done) { impl_->send_to_many(std::move(users), message, std::move(done)); });
}
Checked<FanOut> Server::broadcast(Message message) {
    return impl_->wait_for<FanOut>([&](auto done) { impl_->broadcast(message, std::move(done)); });
}
Checked<std::size_t> Server::disconnect_user(std::string user, std::string text) {
    return impl_->wait_for<std::size_t>(
        [&](auto done) { impl_->disconnect_user(std::move(user), std::move(text), std::move(done)); });
}
Checked<bool> Server::disconnect_session(std::string session_id, std::string text) {
    return impl_->wait_for<bool>(
        [&](auto done) { impl_->disconnect_session(session_id, std::move(text), std::move(done)); });
}
Checked<std::size_t> Server::drop_connections(std::string user) {
    return impl_->wait_for<std::size_t>([&](auto done) { impl_->drop_connections(std::move(user), std::move(done)); });
}
Checked<ServerStats> Server::stats() {
    return impl_->wait_for<ServerStats>([&](auto done) { impl_->stats(std::move(done)); });
}

// ---- for coroutines ----

Task<Checked<UserPresence>> Server::async_presence(std::string user) {
    return Impl::await<UserPresence>(
        [impl = impl_.get(), user = std::move(user)](auto done) { impl->presence(user, std::move(done)); });
}
Task<Checked<DeliveryReport>> Server::async_send(std::string user, Message message) {
    return Impl::await<DeliveryReport>([impl = impl_.get(), user = std::move(user), message = std::move(message)](
                                           auto done) { impl->send(user, message, std::move(done)); });
}
Task<Checked<FanOut>> Server::async_broadcast(Message message) {
    return Impl::await<FanOut>(
        [impl = impl_.get(), message = std::move(message)](auto done) { impl->broadcast(message, std::move(done)); });
}
Task<Checked<std::size_t>> Server::async_disconnect_user(std::string user, std::string text) {
    return Impl::await<std::size_t>([impl = impl_.get(), user = std::move(user), text = std::move(text)](auto done) {
        impl->disconnect_user(user, text, std::move(done));
    });
}
Task<Checked<ServerStats>> Server::async_stats() {
    return Impl::await<ServerStats>([impl = impl_.get()](auto done) { impl->stats(std::move(done)); });
}

}  // namespace flare
