// What both sides of the upgrade need to read headers.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <string>
#include <string_view>

namespace flare::transport::websocket {

inline std::string_view to_std(boost::beast::string_view text) noexcept { return {text.data(), text.size()}; }

// All fields of one name as one list: HTTP lets a list be spread over several lines.
template <typename Name>  // http::field, or its text
std::string joined(const boost::beast::http::fields& fields, const Name& name) {
    std::string list;
    const auto range = fields.equal_range(name);
    for (auto at = range.first; at != range.second; ++at) {
        if (!list.empty()) list += ", ";
        list += to_std(at->value());
    }
    return list;
}

inline bool has_token(const std::string& list, std::string_view token) {
    return boost::beast::http::token_list{list}.exists({token.data(), token.size()});
}

// Where the header ends, its empty line included; npos: not yet. `from`: where to look first.
inline std::size_t header_end(std::string_view text, std::size_t from) noexcept {
    const std::size_t at = text.find("\r\n\r\n", from < 3 ? 0 : from - 3);
    return at == std::string_view::npos ? at : at + 4;
}

}  // namespace flare::transport::websocket
