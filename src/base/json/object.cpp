#include "base/json/object.hpp"

#include "base/json/member.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstdint>

namespace flare::base {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 8;

// What the parser tells, sorted into members of the top level. Deeper things only make their member `other`.
struct Collector {
    static constexpr std::size_t max_object_size = 4096;
    static constexpr std::size_t max_array_size = 4096;
    static constexpr std::size_t max_key_size = 4096;
    static constexpr std::size_t max_string_size = 1u << 20;

    using Error = boost::system::error_code;
    using View = json::string_view;

    std::vector<std::pair<std::string, JsonValue>> members;
    std::string text;  // of the key or string under way
    int depth = 0;
    bool is_object = false;

    JsonValue* current() { return members.empty() ? nullptr : &members.back().second; }
    // A value that is neither a string nor a number, or stands too deep.
    bool other() {
        if (depth >= 1 && current() != nullptr) current()->kind = JsonValue::Kind::other;
        return true;
    }
    bool in_array() { return depth == 2 && current() != nullptr && current()->kind == JsonValue::Kind::strings; }
    bool number(double value) {
        if (depth != 1 || current() == nullptr) return other();
        current()->kind = JsonValue::Kind::number;
        current()->number = value;
        return true;
    }

    bool on_document_begin(Error&) { return true; }
    bool on_document_end(Error&) { return true; }
    bool on_object_begin(Error&) {
        if (depth == 0) is_object = true;
        if (depth > 0) other();
        ++depth;
        return true;
    }
    bool on_object_end(std::size_t, Error&) {
        --depth;
        return true;
    }
    bool on_array_begin(Error&) {
        if (depth == 1 && current() != nullptr) {
            current()->kind = JsonValue::Kind::strings;
        } else {
            other();
        }
        ++depth;
        return true;
    }
    bool on_array_end(std::size_t, Error&) {
        --depth;
        return true;
    }
    bool on_key_part(View part, std::size_t, Error&) { return on_string_part(part, 0, unused); }
    bool on_key(View part, std::size_t, Error&) {
        text.append(part.data(), part.size());
        if (depth == 1) members.emplace_back(std::move(text), JsonValue{});
        text.clear();
        return true;
    }
    bool on_string_part(View part, std::size_t, Error&) {
        text.append(part.data(), part.size());
        return true;
    }
    bool on_string(View part, std::size_t, Error&) {
        text.append(part.data(), part.size());
        if (depth == 1 && current() != nullptr) {
            current()->kind = JsonValue::Kind::string;
            current()->text = std::move(text);
        } else if (in_array()) {
            current()->strings.push_back(std::move(text));
        }
        text.clear();
        return true;
    }
    bool on_number_part(View, Error&) { return true; }
    bool on_int64(std::int64_t value, View, Error&) { return number(static_cast<double>(value)); }
    bool on_uint64(std::uint64_t value, View, Error&) { return number(static_cast<double>(value)); }
    bool on_double(double value, View, Error&) { return number(value); }
    bool on_bool(bool, Error&) { return other(); }
    bool on_null(Error&) {
        other();
        if (depth == 1 && current() != nullptr) current()->kind = JsonValue::Kind::null;
        return true;
    }
    bool on_comment_part(View, Error&) { return true; }
    bool on_comment(View, Error&) { return true; }

    Error unused;
};

}  // namespace

std::optional<JsonObject> JsonObject::parse(std::string_view text, std::string_view& problem) {
    json::parse_options options;
    options.max_depth = kMaxDepth;
    json::basic_parser<Collector> parser(options);
    boost::system::error_code error;
    const std::size_t taken = parser.write_some(false, text.data(), text.size(), error);
    if (error || taken != text.size()) return problem = "is not JSON", std::nullopt;
    if (!parser.handler().is_object) return problem = "is not a JSON object", std::nullopt;
    JsonObject object;
    object.members_ = std::move(parser.handler().members);
    std::sort(object.members_.begin(), object.members_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto twice = std::adjacent_find(object.members_.begin(), object.members_.end(),
                                          [](const auto& a, const auto& b) { return a.first == b.first; });
    if (twice != object.members_.end()) return problem = "has a duplicate name", std::nullopt;
    return object;
}

const JsonValue* JsonObject::find(std::string_view name) const {
    const auto found =
        std::lower_bound(members_.begin(), members_.end(), name,
                         [](const auto& member, std::string_view wanted) { return member.first < wanted; });
    const bool absent = found == members_.end() || found->first != name || found->second.kind == JsonValue::Kind::null;
    return absent ? nullptr : &found->second;
}

std::optional<std::string_view> JsonObject::string(std::string_view name) const {
    const JsonValue* value = find(name);
    if (value == nullptr || value->kind != JsonValue::Kind::string) return std::nullopt;
    return value->text;
}

std::optional<std::string> object_member(std::string_view text, std::string_view name) {
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = kMaxDepth;
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
    if (error || !parsed.is_object()) return std::nullopt;
    const json::value* const member = json_member(parsed.get_object(), name);
    if (member == nullptr) return std::string();
    if (!member->is_object()) return std::nullopt;
    return json::serialize(*member);
}

std::string to_json(std::initializer_list<std::pair<std::string_view, std::string_view>> members) {
    json::object object;
    for (const auto& [name, value] : members) {
        object.insert_or_assign(json::string_view(name.data(), name.size()),
                                json::value(json::string_view(value.data(), value.size())));
    }
    return json::serialize(object);
}

}  // namespace flare::base
