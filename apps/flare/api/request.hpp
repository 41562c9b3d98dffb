// A call of the server API with the values that were typed, as HTTP has it.
//
// Protocol: docs/server-api.md; RFC 3986 section 2 (escapes); RFC 8259.
// Threads:  values.
#pragma once

#include "api/calls.hpp"
#include "transport/http/client.hpp"

#include <flare/failure.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace flare::cli::api {

struct Typed {
    std::map<std::string, std::vector<std::string>, std::less<>> values;  // by Parameter::option
    std::optional<std::string> body;                                      // JSON, to which values are added

    void set(std::string_view option, std::string value) { values[std::string(option)] = {std::move(value)}; }
};

// Errors: invalid_config; the text names the option that is missing or wrong.
Checked<transport::http::Question> question_of(const Call& call, const Typed& typed);

}  // namespace flare::cli::api
