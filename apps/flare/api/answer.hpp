// What a server API has answered: what was asked for, or why not.
//
// Protocol: docs/server-api.md, "Rules" and "Errors"; RFC 9457 (application/problem+json).
// Threads:  values.
#pragma once

#include "transport/http/client.hpp"

#include <flare/failure.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace flare::cli::api {

// Why a server has refused.
struct Refusal {
    unsigned status = 0;
    std::string code;  // of an errc; as the server named it
    std::string detail;
    std::string field{};
    std::string retry_after_s{};  // digits; empty: not said

    // "invalid_name: a room is called \"room:NAME\" (field conversation)"
    std::string line() const;
};
Refusal refusal_of(const boost::json::object& problem, unsigned status);

struct Outcome {
    boost::json::object body;          // of a success; empty: there was none
    std::optional<Refusal> refused{};  // in its place
};
// `url`: what was asked, for the text of an error. Errors: not_supported: this is no server API: it redirects, or what
// it says is not JSON; the key was sent nowhere else.
Checked<Outcome> read_answer(const transport::http::Answer& answer, std::string_view url);

// `next` of a page; empty: it is the last.
std::string next_of(const boost::json::object& body);
// How many of the `results` of a success have failed.
std::size_t failures_in(const boost::json::object& body);

}  // namespace flare::cli::api
