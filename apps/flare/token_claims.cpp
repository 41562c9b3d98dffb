#include "token_claims.hpp"

#include "auth/base64url.hpp"
#include "auth/jwt.hpp"
#include "base/json/member.hpp"

#include <boost/json.hpp>

namespace flare::cli {
namespace {

std::optional<std::int64_t> seconds(const boost::json::object& claims, const char* name) {
    const auto* const value = base::json_member(claims, name);
    if (value == nullptr || !value->is_number()) return {};
    boost::system::error_code error;
    const auto number = value->to_number<std::int64_t>(error);
    return error ? std::optional<std::int64_t>() : number;
}

std::optional<std::string> claims_text(std::string_view token) {
    const std::size_t first = token.find('.');
    const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos) return {};
    return auth::from_base64url(token.substr(first + 1, second - first - 1));
}

}  // namespace

std::optional<TokenClaims> claims_of(std::string_view token) {
    const auto json = claims_text(token);
    if (!json) return {};
    boost::system::error_code error;
    const auto value = boost::json::parse(*json, error);
    if (error || !value.is_object()) return {};
    const auto& object = value.get_object();
    TokenClaims claims;
    if (const auto* const subject = object.if_contains("sub"); subject != nullptr && subject->is_string())
        claims.subject = subject->get_string().c_str();
    claims.expires = seconds(object, "exp");
    claims.not_before = seconds(object, "nbf");
    return claims;
}

std::vector<std::string> time_faults(std::string_view token) {
    std::vector<std::string> faults;
    const auto text = claims_text(token);
    std::string_view problem;
    const auto claims = text ? base::JsonObject::parse(*text, problem) : std::nullopt;
    if (!claims) return faults;
    for (const char* name : {"exp", "nbf", "iat"}) {
        if (std::string fault = auth::fault_of_time(*claims, name); !fault.empty()) faults.push_back(std::move(fault));
    }
    return faults;
}

}  // namespace flare::cli
