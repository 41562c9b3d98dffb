// Users, tokens and sessions that are good no longer: remembered first, then looked for on every worker. A session that
// is being made meanwhile is either found there or meets what is remembered (Reception::attach()).
#include "server/impl.hpp"

namespace flare {
namespace {

using Time = std::chrono::system_clock::time_point;

std::string text_or_default(std::string text) {
    return text.empty() ? std::string(explain(errc::credential_revoked)) : text;
}

}  // namespace

// What the file could not take holds all the same while this process lives, and is told at the end.
void Server::Impl::revoke(auth::Revocations::Kind kind, std::string name, std::optional<Time> until, std::string text,
                          Done<std::size_t> done) {
    if (!running_) return done(Failure(errc::not_connected, "the server is not running"));
    const Time now = std::chrono::system_clock::now();
    const Time end = until.value_or(now + kRevocationLife);
    const auto remembered = revocations_->revoke(kind, name, end, now);
    if (!remembered && remembered.error().code != errc::file_unwritable) return done(remembered.error());
    const auto answer = [remembered, done = std::move(done)](Checked<std::size_t> ended) {
        done(remembered ? std::move(ended) : Checked<std::size_t>(remembered.error()));
    };
    if (end <= now) return answer(std::size_t{0});  // lifted
    const bool user = kind == auth::Revocations::Kind::user;
    count_all(
        [user, name = std::move(name), text = text_or_default(std::move(text))](server::Shard& shard,
                                                                                std::size_t& ended) {
            ended = shard.cut_off(
                [&](const session::ServerSession& session) {
                    return user ? session.user() == name : session.token_id() == name;
                },
                errc::credential_revoked, text);
            if (user && shard.conversations() != nullptr) shard.conversations()->devices.forget(name);
        },
        answer);
}

void Server::Impl::revoke_session(const std::string& session_id, std::string text, Done<bool> done) {
    const auto id = Uuid::parse(session_id);
    if (!id) return done(Failure(errc::session_unknown, "a session id must be a UUID"));
    count_all(
        [id = session::SessionId{*id}, text = text_or_default(std::move(text))](server::Shard& shard,
                                                                                std::size_t& ended) {
            ended = shard.cut_off([&](const session::ServerSession& session) { return session.id() == id; },
                                  errc::credential_revoked, text);
        },
        [done = std::move(done)](Checked<std::size_t> ended) {
            done(ended ? Checked<bool>(*ended != 0) : Checked<bool>(ended.error()));
        });
}

// Writing to the disk is no work for an event loop.
Task<Checked<std::size_t>> Server::Impl::async_revoke(auth::Revocations::Kind kind, std::string name,
                                                      std::optional<Time> until, std::string text) {
    return await<std::size_t>([this, kind, name = std::move(name), until, text = std::move(text)](auto done) {
        const auto asking = asking_.enter();
        const bool queued = asking && group_->pool.push([this, kind, name, until, text, done] {
            revoke(kind, name, until, text, done);
        });
        if (!asking) return done(Failure(errc::not_connected, "the server is not running"));
        if (!queued) done(Failure(errc::busy));
    });
}

// ---- Server ----

Checked<std::size_t> Server::revoke_user(std::string user, std::optional<Time> until, std::string text) {
    return impl_->wait_for<std::size_t>([&](auto done) {
        impl_->revoke(auth::Revocations::Kind::user, std::move(user), until, std::move(text), std::move(done));
    });
}
Checked<std::size_t> Server::revoke_token(std::string token_id, std::optional<Time> until, std::string text) {
    return impl_->wait_for<std::size_t>([&](auto done) {
        impl_->revoke(auth::Revocations::Kind::token, std::move(token_id), until, std::move(text), std::move(done));
    });
}
Checked<bool> Server::revoke_session(std::string session_id, std::string text) {
    return impl_->wait_for<bool>(
        [&](auto done) { impl_->revoke_session(session_id, std::move(text), std::move(done)); });
}
Task<Checked<std::size_t>> Server::async_revoke_user(std::string user, std::optional<Time> until, std::string text) {
    return impl_->async_revoke(auth::Revocations::Kind::user, std::move(user), until, std::move(text));
}
Task<Checked<std::size_t>> Server::async_revoke_token(std::string token_id, std::optional<Time> until,
                                                      std::string text) {
    return impl_->async_revoke(auth::Revocations::Kind::token, std::move(token_id), until, std::move(text));
}

}  // namespace flare
