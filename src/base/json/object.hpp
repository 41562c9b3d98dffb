// Parses an untrusted JSON object, top level only: strings, numbers, arrays of strings. It is strict where lenient
// readers could disagree: UTF-8 only, nothing after the object, no duplicate names.
//
// Protocol: RFC 8259; RFC 7519 section 4 for names that come twice.
// Threads:  values.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::base {

struct JsonValue {
    enum class Kind : unsigned char { string, number, strings, null, other };
    Kind kind = Kind::other;
    std::string text;                  // string
    double number = 0;                 // number
    std::vector<std::string> strings;  // strings: an array of nothing else
};

class JsonObject {
public:
    // Nothing: `problem` says what is wrong, without any of the text.
    static std::optional<JsonObject> parse(std::string_view text, std::string_view& problem);
    // Null: there is none. A member that is JSON's null counts as absent, as everywhere (json_member).
    const JsonValue* find(std::string_view name) const;
    // Nothing: there is none, or it is no string.
    std::optional<std::string_view> string(std::string_view name) const;

private:
    std::vector<std::pair<std::string, JsonValue>> members_;  // in the order of their names, each once
};

// The object that is a member of an object which parse() takes, as text of its own. Nothing: it is no object. Empty:
// there is none.
std::optional<std::string> object_member(std::string_view text, std::string_view name);

// {"name":"value",...} with everything escaped.
std::string to_json(std::initializer_list<std::pair<std::string_view, std::string_view>> members);

}  // namespace flare::base
