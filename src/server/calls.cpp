// What an application asks of a running server. Every question is put once, as something that begins on the right
// worker and tells `done`; the blocking call waits for it and the coroutine awaits it.
#include "server/impl.hpp"

#include <flare/printable.hpp>

#include <algorithm>

namespace flare {
namespace {

// `forms`: those of `outgoing`.
Checked<DeliveryReport> deliver(server::Shard& shard, const std::string& user, const server::EncodedMessage& outgoing,
                                wire::Forms& forms) {
    DeliveryReport report;
    const session::Receipt receipt =
        shard.users().deliver(user, outgoing.from, forms, outgoing.priority, &report.too_large);
    if (receipt.status == wire::ReceiptStatus::refused) return Failure(receipt.code, receipt.text);
    report.delivery = receipt.status == wire::ReceiptStatus::buffered ? Delivery::buffered : Delivery::delivered;
    return report;
}

void add(FanOut& sum, const FanOut& part) {
    sum.reached += part.reached;
    sum.too_large += part.too_large;
}

// What a farewell says: an application's text that any client can read.
std::string farewell(const std::string& text) {
    return text.empty() ? std::string(explain(errc::kicked)) : printable(text, wire::kMaxTextBytes);
}

UserPresence presence_on(server::Shard& shard, const std::string& user) {
    UserPresence presence = UserPresence::offline;
    for (const session::ServerSession* session : shard.table().of_user(user)) {
        if (session->presence() == session::Presence::attached) return UserPresence::attached;
        presence = UserPresence::detached;
    }
    return presence;
}

}  // namespace

// ---- the questions ----

void Server::Impl::presence(std::string user, Done<UserPresence> done) {
    ask_home<UserPresence>(
        user, [user](server::Shard& shard) { return presence_on(shard, user); }, std::move(done));
}

void Server::Impl::sessions(std::string user, Done<std::vector<SessionInfo>> done) {
    ask_home<std::vector<SessionInfo>>(
        user,
        [user](server::Shard& shard) {
            std::vector<SessionInfo> found;
            for (const session::ServerSession* session : shard.table().of_user(user))
                found.push_back(server::info_of(*session));
            return found;
        },
        std::move(done));
}

void Server::Impl::online_users(Done<std::vector<std::string>> done) {
    ask_all<std::vector<std::string>>(
        [](server::Shard& shard, std::vector<std::string>& users) {
            shard.table().for_each([&](const session::ServerSession& session) { users.push_back(session.user()); });
            std::sort(users.begin(), users.end());
            users.erase(std::unique(users.begin(), users.end()), users.end());
        },
        append<std::string>, std::move(done));
}

void Server::Impl::send(std::string user, const Message& message, Done<DeliveryReport> done) {
    if (const errc wrong = encoder_.what_is_wrong(message); wrong != errc::ok) return done(Failure(wrong));
    ask_home<DeliveryReport>(
        user,
        [user, outgoing = encoder_.encode(message, user, !on_worker_thread())](server::Shard& shard) {
            return deliver(shard, user, *outgoing, outgoing->forms);
        },
        std::move(done));
}

void Server::Impl::send_to_many(std::vector<std::string> users, const Message& message, Done<FanOut> done) {
    if (const errc wrong = encoder_.what_is_wrong(message); wrong != errc::ok) return done(Failure(wrong));
    // Each worker's users, so that none looks at those of another.
    auto homes = std::make_shared<std::vector<std::vector<std::string>>>(config_.workers());
    for (std::string& user : users) {
        auto& home = (*homes)[session::home_of(user, config_.workers())];
        home.push_back(std::move(user));
    }
    ask_all<FanOut>(
        [homes, outgoing = encoder_.encode_for_many(message, encodings_in_use(), !on_worker_thread())](
            server::Shard& shard, FanOut& out) {
            wire::Forms forms = outgoing->forms.for_thread();
            for (const std::string& user : (*homes)[shard.index()]) {
                const auto sent = deliver(shard, user, *outgoing, forms);
                if (sent) ++out.reached;
                if (!sent && sent.error().code == errc::message_too_large) ++out.too_large;
            }
        },
        add, std::move(done));
}

void Server::Impl::broadcast(const Message& message, Done<FanOut> done) {
    if (const errc wrong = encoder_.what_is_wrong(message); wrong != errc::ok) return done(Failure(wrong));
    ask_all<FanOut>(
        [outgoing = encoder_.encode_for_many(message, encodings_in_use(), !on_worker_thread())](server::Shard& shard,
                                                                                                FanOut& out) {
            wire::Forms forms = outgoing->forms.for_thread();
            out = shard.users().broadcast(outgoing->from, forms, outgoing->priority);
        },
        add, std::move(done));
}

void Server::Impl::erase(std::string user, Done<void> done) {
    const auto asking = asking_.enter();
    const bool posted = asking && group_->router.give(0, [this, user, done](server::Shard& shard) {
        if (shard.conversations() == nullptr)
            return done(Failure(errc::not_supported, "the server keeps no conversations: it has no store"));
        shard.conversations()->erasing.erase(user, [this, user, done](errc code) {
            if (code != errc::ok) return done(Failure(code));
            disconnect_user(user, {}, [done](const Checked<std::size_t>&) { done({}); });
        });
    });
    if (!posted) done(Failure(errc::not_connected, "the server is not running"));
}

void Server::Impl::disconnect_user(std::string user, std::string text, Done<std::size_t> done) {
    ask_home<std::size_t>(
        user, [user, text = farewell(text)](server::Shard& shard) { return shard.end_user(user, errc::kicked, text); },
        std::move(done));
}

void Server::Impl::disconnect_session(const std::string& session_id, std::string text, Done<bool> done) {
    const auto id = Uuid::parse(session_id);
    if (!id) return done(Failure(errc::session_unknown, "a session id must be a UUID"));
    // The id does not name its worker, so each of them looks.
    count_all(
        [id = session::SessionId{*id}, text = farewell(text)](server::Shard& shard, std::size_t& ended) {
            session::ServerSession* session = shard.table().find(id);
            if (session == nullptr) return;
            shard.table().end(*session, errc::kicked, text, 0, shard.now());
            ++ended;
        },
        [done](Checked<std::size_t> ended) {
            done(ended ? Checked<bool>(*ended != 0) : Checked<bool>(ended.error()));
        });
}

void Server::Impl::drop_connections(std::string user, Done<std::size_t> done) {
    ask_home<std::size_t>(
        user, [user](server::Shard& shard) { return shard.drop_connections(user); }, std::move(done));
}

void Server::Impl::stats(Done<ServerStats> done) {
    ask_all<ServerStats>([this](server::Shard& shard, ServerStats& stats) { stats = group_->stats_of(shard); },
                         [](ServerStats& sum, ServerStats&& part) { server::add(sum, part); },
                         [this, done = std::move(done)](Checked<ServerStats> stats) {
                             if (stats) {
                                 group_->complete(*stats);
                                 stats->hooks = hooks_.status();
                             }
                             done(std::move(stats));
                         });
}

wire::Encodings Server::Impl::encodings_in_use() const {
    const auto asking = asking_.enter();
    return asking ? group_->state.encodings_in_use.load(std::memory_order_relaxed) : wire::Encodings{0};
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
Checked<> Server::erase(std::string user) {
    return impl_->wait_for<void>([&](auto done) { impl_->erase(std::move(user), std::move(done)); });
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
