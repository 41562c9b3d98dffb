#include "auth/jwt.hpp"
#include "auth/key_file.hpp"
#include "server/known_auth.hpp"

namespace flare {

AuthHandler jwt_auth(JwtOptions options) {
    const auto broken = [](const std::string& text) {
        return server::BrokenAuth{Failure(errc::invalid_config, "jwt_auth: " + text)};
    };
    if (options.user_claim.empty()) return broken("user_claim is empty");
    if (options.clock_skew < std::chrono::seconds(0) || options.clock_skew > std::chrono::hours(24))
        return broken("clock_skew must be within 0 and 24 hours");
    constexpr auto kLongest = std::chrono::hours(24 * 36'500);
    if (options.max_life <= std::chrono::seconds(0) || options.max_life > kLongest)
        return broken("max_life must be more than 0 and at most a hundred years");
    auto file = auth::KeyFile::open(options);
    if (!file) return server::BrokenAuth{file.error()};
    return [file = std::move(*file), options = std::move(options)](const AuthRequest& request) {
        return auth::verify_jwt(request.token, *file->keys(), options, std::chrono::system_clock::now());
    };
}

}  // namespace flare
