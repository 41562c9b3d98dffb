// The calls of the server API, with their parameters. docs/openapi.yaml is where they come from: scripts/api_calls.py.
//
// Protocol: docs/server-api.md.
// Threads:  constants.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace flare::cli::api {

// Where a parameter goes.
enum class Place : std::uint8_t { path, query, header, body };
// What it is. In a body: `number` is a string, since JSON readers keep 53 bits; `text_or_texts` is a string, or an
// array where there are several; `json` is put in as it was typed.
enum class Kind : std::uint8_t { text, number, flag, texts, text_or_texts, json };

struct Parameter {
    std::string_view option;  // without its dashes
    std::string_view name;    // in the request
    Place place{};
    Kind kind{};
    bool required = false;
    std::string_view choices;  // "reader,member"; empty: any
    std::string_view says;
};

struct Call {
    std::string_view name;  // operationId
    std::string_view method;
    std::string_view path;   // "/v1/users/{user}/read"
    std::string_view items;  // the field of the answer that is a list; empty: it has none
    std::span<const Parameter> parameters;
    std::string_view says;

    // Null: it has no such parameter.
    const Parameter* find(std::string_view option) const noexcept;
    // Its answer is a page, and `next` is the cursor of the next one.
    bool has_pages() const noexcept { return find("cursor") != nullptr; }
    bool has_body() const noexcept { return method != "GET" && method != "DELETE"; }
};

std::span<const Call> calls();
// Null: there is none of that name.
const Call* find_call(std::string_view name) noexcept;

}  // namespace flare::cli::api
