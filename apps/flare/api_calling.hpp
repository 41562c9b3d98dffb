// Makes a call of the server API and shows what it answers; `flare api` and the commands beside it that use the API.
//
// Threads: blocking.
#pragma once

#include "api/calls.hpp"
#include "api/connection.hpp"
#include "api/request.hpp"
#include "command.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli {

inline constexpr const char* kFooterOfCalls =
    "The key is read from --api-key-file or the variable FLARE_API_KEY. docs/server-api.md is the guide.";

struct ApiCalling {
    std::shared_ptr<api::ConnectionOptions> way = std::make_shared<api::ConnectionOptions>();
    api::Typed typed;
    std::string body;                  // --body as it was typed: JSON, @FILE or -; empty: none
    std::vector<std::string> columns;  // of a table; empty: the usual ones
    bool all = false;                  // every page
    bool json = false;
};

// How a value is typed: "--user ann", or "ann" in its place.
enum class As : bool { option, place };
void add_parameter(CLI::App& command, const api::Parameter& parameter, const std::shared_ptr<ApiCalling>& calling,
                   As as);
// The options that every call has: where the API is, and how the answer is shown.
void add_calling_options(CLI::App& command, const api::Call& call, const std::shared_ptr<ApiCalling>& calling);
// `command`: for what is said of a problem: "api info". Returns the exit code.
int make_call(std::string_view command, const api::Call& call, ApiCalling calling);

}  // namespace flare::cli
