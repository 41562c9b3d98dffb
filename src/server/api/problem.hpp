// Errors of the server API, as its callers get them.
//
// Protocol: RFC 9457 (application/problem+json); docs/server-api.md, "Errors".
// Threads:  values.
#pragma once

#include "transport/http/request.hpp"

#include <flare/error.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flare::server::api {

struct Problem {
    unsigned status = 500;  // of HTTP
    errc code = errc::internal;
    std::string detail{};
    std::string field{};               // at fault: "members[3]"; empty: none, or all
    std::uint32_t retry_after_ms = 0;  // 0: nobody knows
};

unsigned status_of(errc code) noexcept;
// With the status of its code; without a text the usual one.
Problem problem_of(errc code, std::string_view text = {}, std::uint32_t retry_after_ms = 0);
// 400: a request, or this field of it, is not what it has to be.
Problem malformed(std::string detail, std::string field = {});

boost::json::object json_of(const Problem& problem);
transport::http::Response response_of(const Problem& problem);

}  // namespace flare::server::api
