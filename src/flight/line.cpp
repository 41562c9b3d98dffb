#include "flight/line.hpp"

#include "base/escape.hpp"
#include "wire/utf8.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <cmath>
#include <cstdio>
#include <ctime>

namespace flare::flight {
namespace {

std::string json_text(std::string_view text) {
    std::string shown(text.substr(0, Line::kMaxTextBytes));
    // A character that the cut has halved, or bytes that are no text.
    if (!wire::is_utf8(shown)) {
        for (char& each : shown) {
            if (static_cast<unsigned char>(each) >= 0x80) each = '?';
        }
    }
    return base::harmless_json(boost::json::serialize(boost::json::string(shown)));
}

std::string json_number(double number) {
    if (!std::isfinite(number)) return "null";
    char text[64];
    std::snprintf(text, sizeof text, "%.3f", number);
    return text;
}

}  // namespace

Line::Line(std::string_view event, std::chrono::nanoseconds at) : text_("{") {
    if (event.empty()) return;
    ms("t_ms", at);
    add("event", event);
}

Part::Part() : Line({}, {}) {}

Line& Line::raw(std::string_view key, std::string_view json) {
    if (text_.size() > 1) text_ += ',';
    text_.append(1, '"').append(key).append("\":").append(json);
    return *this;
}

Line& Line::add(std::string_view key, std::string_view text) { return raw(key, json_text(text)); }

Line& Line::add(std::string_view key, const std::vector<std::string>& texts) {
    std::string list = "[";
    for (const std::string& each : texts) list.append(list.size() > 1 ? "," : "").append(json_text(each));
    return raw(key, list + ']');
}

Line& Line::add(std::string_view key, double number) { return raw(key, json_number(number)); }

Line& Line::ms(std::string_view key, std::chrono::nanoseconds time) {
    return raw(key, json_number(std::chrono::duration<double, std::milli>(time).count()));
}

std::string list_of(const std::vector<std::string>& parts) {
    std::string list = "[";
    for (const std::string& part : parts) list.append(list.size() > 1 ? "," : "").append(part);
    return list + ']';
}

std::string utc(std::chrono::system_clock::time_point time) {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
    const auto seconds = static_cast<std::time_t>(since.count() / 1000);
    std::tm broken{};
    gmtime_r(&seconds, &broken);
    char text[64];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &broken);
    std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(since.count() % 1000));
    return text;
}

}  // namespace flare::flight
