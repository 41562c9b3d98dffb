// The credential of a session: its expiry, its claims, and what its client must be told about it.
//
// Protocol: docs/protocol.md, "Credentials".
// Threads:  its worker only.
// Owner:    ServerSession.
#pragma once

#include "session/types.hpp"

#include <flare/bytes.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flare::session {

// What authentication found out about a Hello with a token.
struct SessionCredential {
    std::string user;  // from the credential; in anonymous mode the claimed one
    TimePoint expires_at = kNever;
    std::string token_id{};                // how the credential is revoked; empty: not by itself
    std::uint64_t expires_unix_ms = 0;     // expires_at by the clock on the wall, for tickets; 0: never
    std::optional<SessionId> ticket_of{};  // the lost session whose ticket took the place of a credential
    Bytes claims{};                        // what the credential says of the user; opaque here, bounded by who makes it
};

class CredentialTerm {
public:
    // `warning`: so long before it expires its client is told.
    void take(const SessionCredential& credential, Duration warning, TimePoint now);
    // It does not end the session any more, which ends already.
    void end() noexcept { expires_at_ = warn_at_ = kNever; }

    std::string_view token_id() const noexcept { return token_id_ ? std::string_view(*token_id_) : std::string_view(); }
    const Bytes& claims() const noexcept { return claims_; }
    std::uint64_t expires_unix_ms() const noexcept { return expires_unix_ms_; }
    TimePoint next_deadline() const noexcept { return warn_at_ < expires_at_ ? warn_at_ : expires_at_; }
    bool has_expired(TimePoint now) const noexcept { return expires_at_ <= now; }
    // True once, when the client is to be warned.
    bool warning_due(TimePoint now) noexcept;

    // A new one is being looked at. False: one is already.
    bool begin_renewal() noexcept {
        if (renewing_) return false;
        return renewing_ = true;
    }
    void end_renewal() noexcept { renewing_ = false; }

    // The next word to the client.
    void tell(wire::CredentialState state, TimePoint now);
    std::unique_ptr<wire::CredentialState> take_word() noexcept { return std::move(told_); }

    void check_invariants() const;

private:
    TimePoint expires_at_ = kNever;
    TimePoint warn_at_ = kNever;  // kNever: it was
    std::unique_ptr<wire::CredentialState> told_;
    std::unique_ptr<const std::string> token_id_;  // null: it has none
    Bytes claims_;
    std::uint64_t expires_unix_ms_ = 0;  // expires_at_, for tickets
    bool renewing_ = false;
};

}  // namespace flare::session
