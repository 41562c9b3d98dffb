// Reads the JSON object of a request, field by field, and keeps the first thing that is wrong with it: with the path of
// the field at fault, as "messages[3].to". A field that nobody has asked for is one.
//
// Protocol: RFC 8259. Numbers of 64 bits may be strings (RFC 8259 section 6: readers keep 53 bits).
// Threads:  values.
#pragma once

#include "server/api/problem.hpp"

#include <flare/bytes.hpp>
#include <flare/uuid.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flare::server::api {

// A whole body. An empty one is an empty object.
std::variant<boost::json::object, Problem> parse_body(std::string_view text);

class Body {
public:
    // `problem` outlives it, as does `object`. `at`: where the object is; empty: it is the whole body.
    Body(const boost::json::object& object, std::optional<Problem>& problem, std::string at = {})
        : object_(object), problem_(problem), at_(std::move(at)) {}

    bool has(std::string_view name) const { return find(name) != nullptr; }
    // Absent, and of another kind: nothing; of another kind it is wrong. What is too long is wrong.
    std::optional<std::string> text(std::string_view name, std::size_t most_bytes = 1024);
    std::string required(std::string_view name, std::size_t most_bytes = 1024);
    std::optional<bool> flag(std::string_view name);
    std::optional<std::uint64_t> number(std::string_view name, std::uint64_t most = UINT64_MAX);
    std::optional<Uuid> uuid(std::string_view name);
    // RFC 3339; "forever" is time_point::max().
    std::optional<std::chrono::system_clock::time_point> time(std::string_view name);
    // Absent: none. `most`: how many there may be.
    std::vector<std::string> texts(std::string_view name, std::size_t most, std::size_t most_bytes = 1024);
    // "text", or "base64".
    std::optional<Bytes> payload(std::size_t most_bytes);
    // Null: absent, or of another kind, which is wrong.
    const boost::json::array* array(std::string_view name, std::size_t most);
    const boost::json::value* value(std::string_view name) const { return find(name); }

    // A part of it, which has the same first problem. `at`: where it is in this one.
    Body inner(const boost::json::object& part, std::string_view at) const { return {part, problem_, path_of(at)}; }

    void wrong(std::string_view name, std::string detail, errc code = errc::malformed_json);
    // After all that is known was read: what else is there is wrong. False: something is.
    bool finish();
    std::string path_of(std::string_view name) const;

private:
    const boost::json::value* find(std::string_view name) const;

    const boost::json::object& object_;
    std::optional<Problem>& problem_;
    const std::string at_;
    mutable std::vector<std::string_view> known_;
};

}  // namespace flare::server::api
