#include "server/reception/authenticator.hpp"

#include "base/json/object.hpp"
#include "base/log.hpp"

#include <flare/printable.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

namespace flare::server {
namespace {

// Whatever handler they are of. What is no object is the handler's mistake, which its author finds in the log.
errc what_is_wrong(const std::string& claims) {
    if (claims.size() > kMaxClaimsBytes) return errc::claims_too_large;
    std::string_view problem;
    if (claims.empty() || base::JsonObject::parse(claims, problem)) return errc::ok;
    base::log().limited(base::LogKind::authentication_threw,
                        "the authentication handler returned unreadable claims: the string {}", problem);
    return errc::internal;
}

Failure what_was_thrown(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        base::log().limited(base::LogKind::authentication_threw, "the authentication handler threw: {}", error.what());
    } catch (...) {
        base::log().limited(base::LogKind::authentication_threw,
                            "the authentication handler threw something that is not an exception");
    }
    return Failure(errc::internal, "authentication failed inside the server");
}

Checked<Identity> checked(Checked<Identity> identity, std::chrono::system_clock::time_point now) {
    if (!identity) return Failure(identity.error().code, printable(identity.error().text, wire::kMaxTextBytes));
    if (identity->expires <= now) return Failure(errc::token_expired);
    if (const errc wrong = what_is_wrong(identity->claims); wrong != errc::ok) return Failure(wrong);
    return identity;
}

}  // namespace

AuthRequest request_on(const ServerCarrier& carrier) {
    const transport::CarrierInfo& info = carrier.transport->info();
    AuthRequest request;
    request.peer_address = carrier.address;
    request.peer_certificate = info.peer_certificate;
    request.encrypted = info.encrypted || carrier.transport->sealed();
    return request;
}

void Authenticator::verify(AuthRequest request, std::function<void(Checked<Identity>)> done) {
    const Config& config = state_.config;
    if (believes_anybody()) return done(Identity(request.claimed_user));
    if (config.async_auth) return executor_.run(ask(std::move(request), std::move(done)));
    struct Call {
        AuthRequest request;
        std::function<void(Checked<Identity>)> done;
        Checked<Identity> identity = Failure(errc::internal);
    };
    auto call = std::make_shared<Call>(Call{std::move(request), std::move(done)});
    const bool queued = executor_.in_pool(
        [this, call] {
            try {
                call->identity = checked(state_.config.auth(call->request), executor_.wall_clock());
            } catch (...) {
                call->identity = what_was_thrown(std::current_exception());
            }
        },
        [call] { call->done(std::move(call->identity)); });
    if (!queued) call->done(Failure(errc::busy));
}

Task<void> Authenticator::ask(AuthRequest request, std::function<void(Checked<Identity>)> done) {
    Checked<Identity> identity = Failure(errc::internal);
    try {
        identity = checked(co_await state_.config.async_auth(std::move(request)), executor_.wall_clock());
    } catch (...) {
        identity = what_was_thrown(std::current_exception());
    }
    done(std::move(identity));
}

session::SessionCredential Authenticator::in_steady_time(Identity identity) const {
    constexpr auto kFar = std::chrono::hours(24 * 3650);
    const auto system_now = executor_.wall_clock();
    session::SessionCredential result{std::move(identity.user), session::kNever, std::move(identity.token_id)};
    result.claims = Bytes(identity.claims);
    if (identity.expires < system_now + kFar) {
        const auto unix_ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(identity.expires.time_since_epoch()).count();
        result.expires_unix_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(1, unix_ms));
        result.expires_at =
            executor_.now() + std::chrono::duration_cast<session::Duration>(identity.expires - system_now);
    }
    return result;
}

bool Authenticator::is_revoked(const session::SessionCredential& credential) const {
    return state_.revocations.size() != 0 &&
           state_.revocations.revoked(credential.user, credential.token_id, executor_.wall_clock());
}

}  // namespace flare::server
