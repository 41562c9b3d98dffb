// The credential of a session: its end, word of it in time, another one in its place. docs/protocol.md, "Credentials".
#include "session/session_table.hpp"

#include <algorithm>

namespace flare::session {

void SessionTable::set_expiry(ServerSession& session, TimePoint expires_at, TimePoint now) {
    if (expires_at == session.expires_at_) return;
    session.expires_at_ = expires_at;
    session.warn_at_ = kNever;
    if (expires_at == kNever) return;
    const Duration left = std::max(expires_at - now, Duration::zero());
    session.warn_at_ = expires_at - std::min(settings_.credential_warning, left / 4);
}

void SessionTable::handle_credential(ServerSession& session, std::string_view token) {
    if (session.renewing_) return;  // the same once more, on another carrier: one answer is for both
    session.renewing_ = true;
    listener_.on_credential(session, token);
}

void SessionTable::renew(const SessionId& id, const Checked<SessionCredential>& identity, TimePoint now) {
    const Entry entry(*this);
    ServerSession* const session = find(id);
    if (session == nullptr || session->ended_) return;
    session->renewing_ = false;
    wire::CredentialState state;
    state.answer = true;
    if (!identity) {
        state.code = identity.error().code;
        state.text = identity.error().text;
    } else if (identity->user != session->user_) {
        state.code = errc::user_mismatch;
        state.text = "the new credential belongs to another user";
    } else {
        set_expiry(*session, identity->expires_at, now);
        session->expires_unix_ms_ = identity->expires_unix_ms;
        session->set_token_id(identity->token_id);
        session->set_claims(identity->claims);
        arm(*session);
    }
    tell_credential(*session, std::move(state), now);
}

void SessionTable::tell_credential(ServerSession& session, wire::CredentialState state, TimePoint now) {
    if (session.expires_at_ != kNever) {
        const Duration left = std::max(session.expires_at_ - now, Duration::zero());
        // 0 would say that it does not expire.
        state.expires_in_ms = std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
    }
    // An answer that waits is not lost for an unasked word.
    if (session.credential_told_ && session.credential_told_->answer && !state.answer) return;
    session.credential_told_ = std::make_unique<wire::CredentialState>(std::move(state));
    if (session.active_ != kNoCarrier) listener_.output_ready(session.active_);
}

}  // namespace flare::session
