// The header fields of one HTTP message, and reading what is in them. Names match whatever their case is.
//
// Protocol: RFC 9110 section 5.
// Threads:  one at a time.
#pragma once

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::transport::http {

struct Field {
    std::string name;  // as it was written
    std::string value;
};

inline boost::beast::string_view to_beast(std::string_view text) noexcept { return {text.data(), text.size()}; }
inline std::string_view to_std(boost::beast::string_view text) noexcept { return {text.data(), text.size()}; }

// Whether a comma-separated list has this token, whatever its case.
inline bool has_token(const std::string& list, std::string_view token) {
    return boost::beast::http::token_list{list}.exists(to_beast(token));
}

// Where a header ends, its empty line included; npos: not yet. `from`: where to look first.
inline std::size_t header_end(std::string_view text, std::size_t from) noexcept {
    const std::size_t at = text.find("\r\n\r\n", from < 3 ? 0 : from - 3);
    return at == std::string_view::npos ? at : at + 4;
}

class Fields {
public:
    Fields() = default;
    Fields(std::initializer_list<Field> fields) : fields_(fields) {}

    void add(std::string_view name, std::string_view value) {
        fields_.push_back({std::string(name), std::string(value)});
    }
    std::size_t count(std::string_view name) const {
        return static_cast<std::size_t>(
            std::count_if(fields_.begin(), fields_.end(), [&](const Field& field) { return is(field, name); }));
    }
    // Of the first of that name; empty: there is none.
    std::string_view value(std::string_view name) const {
        const auto found =
            std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) { return is(field, name); });
        return found == fields_.end() ? std::string_view() : found->value;
    }
    // All of one name as one list: HTTP lets a list be spread over several lines.
    std::string joined(std::string_view name) const {
        std::string list;
        for (const Field& field : fields_) {
            if (!is(field, name)) continue;
            if (!list.empty()) list += ", ";
            list += field.value;
        }
        return list;
    }
    bool has_token(std::string_view name, std::string_view token) const { return http::has_token(joined(name), token); }

    auto begin() const noexcept { return fields_.begin(); }
    auto end() const noexcept { return fields_.end(); }

private:
    static bool is(const Field& field, std::string_view name) noexcept {
        return boost::beast::iequals(to_beast(field.name), to_beast(name));
    }

    std::vector<Field> fields_;
};

}  // namespace flare::transport::http
