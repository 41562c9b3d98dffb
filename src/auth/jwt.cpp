#include "auth/jwt.hpp"

#include "auth/base64url.hpp"
#include "base/json/object.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace flare::auth {
namespace {

using Time = std::chrono::system_clock::time_point;

constexpr std::size_t kMaxHeaderBytes = 1024;    // decoded
constexpr std::size_t kMaxUserBytes = 256;       // as on the wire
constexpr double kLastSecond = 253'402'300'799;  // of the year 9999; larger is no time
constexpr double kLeastMilliseconds = 1e11;      // in seconds: the year 5138; in milliseconds: 1973
constexpr double kFarSecond = 9'000'000'000;     // of the year 2255, which is as good as any later one

Failure refused(std::string_view why) { return {errc::unauthenticated, std::string(why)}; }

// header.claims.signature
std::optional<std::array<std::string_view, 3>> split(std::string_view token) {
    const std::size_t first = token.find('.');
    if (first == std::string_view::npos) return std::nullopt;
    const std::size_t second = token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
    return std::array{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}

// The key that a header names, by its id or because there is only one; it must be bound to the header's algorithm.
Checked<const VerifyKey*> key_for(const base::JsonObject& header, const KeySet& keys) {
    const auto algorithm = header.string("alg");
    if (!algorithm) return refused("the token names no algorithm");
    if (header.find("crit") != nullptr)
        return refused("the token has a critical header (crit) that this server does not know");
    const VerifyKey* key = nullptr;
    const bool named = header.find("kid") != nullptr;
    if (named) {
        const auto id = header.string("kid");
        if (!id) return refused("the token's key id (kid) is not a string");
        // Keys of different kinds may share a name (RFC 7517 section 4.5): each is bound to its algorithm.
        for (const VerifyKey& each : keys) {
            if (each.id().empty() || each.id() != *id) continue;
            if (key == nullptr || jose_name(each.algorithm()) == *algorithm) key = &each;
        }
    }
    // A single key without a name of its own serves whatever tokens call it; the algorithm and the signature decide.
    if (key == nullptr && keys.size() == 1 && (!named || keys.front().id().empty())) key = &keys.front();
    if (key == nullptr)
        return refused(named ? "the token is signed with a key that this server does not have"
                             : "the token does not name its key, and this server has several");
    if (jose_name(key->algorithm()) != *algorithm)
        return refused("the token's algorithm is not the one that its key is for");
    return key;
}

// NumericDate. Nothing: there is none. Errors: it is no number, or none of a time.
Checked<std::optional<Time>> time_claim(const base::JsonObject& claims, std::string_view name) {
    const base::JsonValue* value = claims.find(name);
    if (value == nullptr) return std::optional<Time>();
    if (const std::string fault = fault_of_time(claims, name); !fault.empty()) return refused(fault);
    const auto second = static_cast<std::int64_t>(std::min(value->number, kFarSecond));
    return std::optional<Time>(Time(std::chrono::seconds(second)));
}

bool for_us(const base::JsonObject& claims, const std::vector<std::string>& audience) {
    const base::JsonValue* value = claims.find("aud");
    if (value == nullptr) return audience.empty();
    const auto ours = [&](const std::string& each) {
        return std::find(audience.begin(), audience.end(), each) != audience.end();
    };
    if (value->kind == base::JsonValue::Kind::string) return ours(value->text);
    return value->kind == base::JsonValue::Kind::strings &&
           std::any_of(value->strings.begin(), value->strings.end(), ours);
}

// When the token stops being good; max(): never.
Checked<Time> check_times(const base::JsonObject& claims, const JwtOptions& rules, Time now) {
    const auto expires = time_claim(claims, "exp");
    if (!expires) return expires.error();
    const auto not_before = time_claim(claims, "nbf");
    if (!not_before) return not_before.error();
    const auto issued = time_claim(claims, "iat");
    if (!issued) return issued.error();
    if (*not_before && **not_before > now + rules.clock_skew) return refused("the token is not valid yet");
    if (*issued && **issued > now + rules.clock_skew)
        return refused("the token was issued in the future; is a clock wrong?");
    if (!*expires) {
        if (rules.require_expiry) return refused("the token has no expiry (exp)");
        return Time::max();
    }
    const Time end = **expires + rules.clock_skew;
    if (end <= now) return Failure(errc::token_expired, "the token has expired; get a new one");
    if (**expires > now + rules.max_life) return refused("the token is valid for longer than this server accepts");
    return end;
}

}  // namespace

std::string fault_of_time(const base::JsonObject& claims, std::string_view name) {
    const base::JsonValue* const value = claims.find(name);
    if (value == nullptr) return {};
    const std::string begin = "a time in the token (" + std::string(name) + ") ";
    if (value->kind == base::JsonValue::Kind::string) return begin + "is a string: it must be a number of seconds";
    if (value->kind != base::JsonValue::Kind::number) return begin + "is none";
    if (value->number >= kLeastMilliseconds && value->number <= kLastSecond * 1000)
        return begin + "counts milliseconds: it must count seconds (RFC 7519)";
    return value->number >= 0 && value->number <= kLastSecond ? std::string() : begin + "is none";
}

std::string fault_of_user(const base::JsonObject& claims, std::string_view claim) {
    const base::JsonValue* const value = claims.find(claim);
    const std::string begin = "the token's user (" + std::string(claim) + ") ";
    if (value == nullptr) return "the token names no user (" + std::string(claim) + ")";
    if (value->kind == base::JsonValue::Kind::number)
        return begin + "is a number: it must be a string, in quotation marks";
    if (value->kind != base::JsonValue::Kind::string) return begin + "is not a string";
    if (value->text.empty()) return begin + "is empty";
    return value->text.size() > kMaxUserBytes ? begin + "is longer than " + std::to_string(kMaxUserBytes) + " bytes"
                                              : std::string();
}

Checked<Identity> verify_jwt(std::string_view token, const KeySet& keys, const JwtOptions& rules, Time now) {
    if (token.empty()) return refused("there is no token");
    if (token.size() > kMaxTokenBytes) return refused("the token is too long");
    const auto parts = split(token);
    if (!parts) return refused("the token is not a JSON Web Token: it must have three parts separated by dots");
    const auto& [head, body, seal] = *parts;

    std::string_view problem;
    const auto header_text = from_base64url(head);
    if (!header_text || header_text->size() > kMaxHeaderBytes) return refused("the token's header cannot be read");
    const auto header = base::JsonObject::parse(*header_text, problem);
    if (!header) return refused("the token's header " + std::string(problem));
    const auto key = key_for(*header, keys);
    if (!key) return key.error();
    const auto signature = from_base64url(seal);
    if (!signature || !(*key)->verifies(token.substr(0, head.size() + 1 + body.size()), *signature))
        return refused("the token's signature is not valid");

    const auto claims_text = from_base64url(body);
    if (!claims_text) return refused("the token's claims cannot be read");
    const auto claims = base::JsonObject::parse(*claims_text, problem);
    if (!claims) return refused("the token's claims: the string " + std::string(problem));
    const auto end = check_times(*claims, rules, now);
    if (!end) return end.error();
    if (!rules.issuer.empty() && claims->string("iss") != std::string_view(rules.issuer))
        return refused("the token is from another issuer (iss)");
    if (!for_us(*claims, rules.audience))
        return refused("the token is for another service (aud); get one for this one");
    if (const std::string fault = fault_of_user(*claims, rules.user_claim); !fault.empty()) return refused(fault);
    Identity identity(std::string(*claims->string(rules.user_claim)), *end);
    identity.claims = *claims_text;
    if (claims->find("jti") != nullptr) {
        const auto id = claims->string("jti");
        if (!id || id->size() > kMaxTokenIdBytes) return refused("the token's id (jti) is not a string, or too long");
        identity.token_id = *id;
    }
    return identity;
}

}  // namespace flare::auth
