// What a JWT says about itself, read without its key: good for telling a person, never for trusting.
//
// Protocol: RFC 7519.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli {

struct TokenClaims {
    std::string subject;                     // `sub`; empty: none
    std::optional<std::int64_t> expires;     // `exp`, Unix seconds
    std::optional<std::int64_t> not_before;  // `nbf`
};

// Nothing: it is no JWT; tokens of other kinds say nothing about themselves.
std::optional<TokenClaims> claims_of(std::string_view token);
// What is wrong with its times, as a server says it: milliseconds in place of seconds, say.
std::vector<std::string> time_faults(std::string_view token);

}  // namespace flare::cli
