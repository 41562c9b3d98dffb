#include "session/credential_term.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {

void CredentialTerm::take(const SessionCredential& credential, Duration warning, TimePoint now) {
    expires_unix_ms_ = credential.expires_unix_ms;
    token_id_ = credential.token_id.empty() ? nullptr : std::make_unique<const std::string>(credential.token_id);
    claims_ = credential.claims;
    if (credential.expires_at == expires_at_) return;  // it has been told of, or will be
    expires_at_ = credential.expires_at;
    warn_at_ = kNever;
    if (expires_at_ == kNever) return;
    const Duration left = std::max(expires_at_ - now, Duration::zero());
    warn_at_ = expires_at_ - std::min(warning, left / 4);
}

bool CredentialTerm::warning_due(TimePoint now) noexcept {
    if (warn_at_ > now) return false;
    warn_at_ = kNever;
    return true;
}

void CredentialTerm::tell(wire::CredentialState state, TimePoint now) {
    if (expires_at_ != kNever) {
        const Duration left = std::max(expires_at_ - now, Duration::zero());
        // 0 would say that it does not expire.
        state.expires_in_ms = std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
    }
    // An answer that waits is not lost for an unasked word.
    if (told_ && told_->answer && !state.answer) return;
    told_ = std::make_unique<wire::CredentialState>(std::move(state));
}

void CredentialTerm::check_invariants() const {
    FLARE_INVARIANT(warn_at_ == kNever || warn_at_ <= expires_at_, "the warning comes after the end");
}

}  // namespace flare::session
