#include "server_config/authentication.hpp"

#include "base/file.hpp"
#include "base/log.hpp"
#include "server/known_auth.hpp"

#include <time.h>

#include <chrono>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

namespace flare::cli::server_config {
namespace {

constexpr std::size_t kMaxTokensFileBytes = 16u << 20;

using std::chrono::seconds;

JwtOptions jwt_options(const Values& values) {
    JwtOptions options;
    options.key_file = values.text("auth.jwt.key_file");
    const std::string algorithm = values.text("auth.jwt.algorithm");
    if (algorithm == "HS256") options.algorithm = JwtAlgorithm::hs256;
    if (algorithm == "RS256") options.algorithm = JwtAlgorithm::rs256;
    if (algorithm == "ES256") options.algorithm = JwtAlgorithm::es256;
    if (algorithm == "EdDSA") options.algorithm = JwtAlgorithm::eddsa;
    options.key_id = values.text("auth.jwt.key_id");
    options.jwks_file = values.text("auth.jwt.jwks_file");
    options.issuer = values.text("auth.jwt.issuer");
    options.audience = values.words("auth.jwt.audience");
    options.user_claim = values.text("auth.jwt.user_claim");
    options.clock_skew = std::chrono::ceil<seconds>(values.time("auth.jwt.clock_skew"));
    options.require_expiry = values.flag("auth.jwt.require_expiry");
    options.max_life = std::chrono::ceil<seconds>(values.time("auth.jwt.max_life"));
    return options;
}

HttpAuthOptions http_options(const Values& values) {
    HttpAuthOptions options;
    options.url = values.text("auth.http.url");
    options.timeout = values.time("auth.http.timeout");
    options.cache_for = values.time("auth.http.cache_for");
    options.cache_entries = static_cast<std::size_t>(values.number("auth.http.cache_entries"));
    options.max_answer_bytes = static_cast<std::size_t>(values.number("auth.http.max_answer_bytes"));
    options.max_requests = static_cast<std::uint32_t>(values.number("auth.http.max_requests"));
    options.ca_file = values.text("auth.http.ca_file");
    options.authorization = values.text("auth.http.authorization");
    return options;
}

AuthHandler static_auth(const std::string& path) {
    const auto broken = [](const std::string& text) {
        return server::BrokenAuth{Failure(errc::invalid_config, "static_token_auth: " + text)};
    };
    if (path.empty()) return broken("needs auth.static.tokens_file");
    const auto text = base::read_text(path, "tokens_file", kMaxTokensFileBytes, base::Access::secret);
    if (!text) return broken(text.error().text);
    std::vector<std::string> passed_over;
    auto tokens = parse_static_tokens(*text, passed_over);
    if (!tokens) return broken("tokens_file " + path + ": " + tokens.error().text);
    for (const std::string& each : passed_over)
        base::log().warn("tokens_file {}: ignored, the other tokens are used: {}", path, each);
    return static_token_auth(std::move(*tokens));
}

}  // namespace

void apply_authentication(ServerBuilder& builder, const Values& values, const Setting& mode) {
    const std::string kind = values.text(mode.key());
    if (kind == "static") builder.with_auth_handler(static_auth(values.text("auth.static.tokens_file")));
    if (kind == "jwt") builder.with_auth_handler(jwt_auth(jwt_options(values)));
    if (kind == "http") builder.with_auth_handler(http_auth(http_options(values)));
}

namespace {

// TOKEN USER, perhaps with an expiry. Nothing: a comment, or an empty line. Errors: what is wrong, without the token.
Checked<std::optional<std::pair<std::string, StaticToken>>> read_token_line(const std::string& line) {
    const auto wrong = [](const char* why) { return Failure(errc::invalid_config, why); };
    std::istringstream words(line);
    std::string token, user, expiry, more;
    words >> token >> user >> expiry >> more;
    std::optional<std::pair<std::string, StaticToken>> made;
    if (token.empty() || token.front() == '#') return made;
    if (user.empty() || !more.empty()) return wrong("write TOKEN USER, or TOKEN USER 2030-01-31T12:00:00Z");
    StaticToken entry;
    entry.user = std::move(user);
    if (!expiry.empty()) {
        std::tm date{};
        const char* const end = ::strptime(expiry.c_str(), "%Y-%m-%dT%H:%M:%SZ", &date);
        if (end == nullptr || *end != '\0') return wrong("the expiry is not a time: write it as 2030-01-31T12:00:00Z");
        entry.expires = std::chrono::system_clock::from_time_t(::timegm(&date));
    }
    made.emplace(std::move(token), std::move(entry));
    return made;
}

}  // namespace

Checked<std::map<std::string, StaticToken>> parse_static_tokens(std::string_view text,
                                                                std::vector<std::string>& passed_over) {
    std::map<std::string, StaticToken> tokens;
    std::istringstream lines{std::string(text)};
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        const std::string place = "line " + std::to_string(++number) + ": ";
        auto read = read_token_line(line);
        if (!read) {
            passed_over.push_back(place + read.error().text);
        } else if (*read && !tokens.insert(std::move(**read)).second) {
            passed_over.push_back(place + "this token is on an earlier line too");
        }
    }
    if (!tokens.empty()) return tokens;
    return Failure(errc::invalid_config, passed_over.empty() ? "contains no token" : passed_over.front());
}

}  // namespace flare::cli::server_config
