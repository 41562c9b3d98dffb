#include "flight/record.hpp"

#include "base/json/member.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <cmath>

namespace flare::flight {
namespace json = boost::json;

namespace {

constexpr double kMost = 1e15;  // as a whole number, too

}  // namespace

std::optional<Record> Record::read(std::string_view line, std::string& why) {
    if (line.size() > kMaxLineBytes) {
        why = "exceeds the length of a record";
        return std::nullopt;
    }
    json::parse_options options;
    options.max_depth = 8;
    boost::system::error_code error;
    json::value value = json::parse(line, error, {}, options);
    if (error || !value.is_object()) {
        why = error ? "is not JSON: " + error.message() : "is not a JSON object";
        return std::nullopt;
    }
    Record record(std::move(value.get_object()));
    if (record.event().empty()) {
        why = "has no \"event\"";
        return std::nullopt;
    }
    return record;
}

std::string Record::text(std::string_view key) const {
    const json::value* value = base::json_member(object_, key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool Record::has(std::string_view key) const { return base::json_member(object_, key) != nullptr; }

double Record::number(std::string_view key) const {
    const json::value* value = base::json_member(object_, key);
    if (value == nullptr || !value->is_number()) return 0;
    const double number = value->is_double()  ? value->get_double()
                          : value->is_int64() ? static_cast<double>(value->get_int64())
                                              : static_cast<double>(value->get_uint64());
    return std::isfinite(number) ? std::clamp(number, -kMost, kMost) : 0;
}

bool Record::flag(std::string_view key) const {
    const json::value* value = base::json_member(object_, key);
    return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace flare::flight
