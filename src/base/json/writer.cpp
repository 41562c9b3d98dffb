#include "base/json/writer.hpp"

#include "base/escape.hpp"
#include "base/utf8.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <cmath>
#include <cstdio>

namespace flare::base {

std::string JsonWriter::text_of(std::string_view text) const {
    std::string shown(text.substr(0, most_text_));
    // A character that the cut has halved, or bytes that are no text.
    if (!is_utf8(shown)) {
        for (char& each : shown) {
            if (static_cast<unsigned char>(each) >= 0x80) each = '?';
        }
    }
    return harmless_json(boost::json::serialize(boost::json::string(shown)));
}

void JsonWriter::add(std::string_view name, std::string_view text) { raw(name, text_of(text)); }

void JsonWriter::add(std::string_view name, const std::vector<std::string>& texts) {
    std::vector<std::string> values;
    values.reserve(texts.size());
    for (const std::string& each : texts) values.push_back(text_of(each));
    raw(name, json_list(values));
}

void JsonWriter::add(std::string_view name, double number) {
    char text[64] = "null";
    if (std::isfinite(number)) std::snprintf(text, sizeof text, "%.3f", number);
    raw(name, text);
}

void JsonWriter::raw(std::string_view name, std::string_view json) {
    members_.append(members_.empty() ? "{\"" : ",\"").append(name).append("\":").append(json);
}

std::string json_list(const std::vector<std::string>& values) {
    std::string list = "[";
    for (const std::string& each : values) list.append(list.size() > 1 ? "," : "").append(each);
    return list + ']';
}

}  // namespace flare::base
