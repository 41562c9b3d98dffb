#include "server_config/value.hpp"

#include "transport/address.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace flare::cli::server_config {
namespace {

using std::chrono::milliseconds;

struct Unit {
    std::string_view name;
    std::uint64_t worth;
};
// The largest that divides a value without a rest writes it.
constexpr std::array<Unit, 5> kTimes = {{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 4> kSizes = {{{"GiB", 1u << 30}, {"MiB", 1u << 20}, {"KiB", 1u << 10}, {"B", 1}}};
constexpr std::uint64_t kMostMs = 100ull * 365 * 86'400'000;  // a hundred years
constexpr std::uint64_t kMostBytes = 1ull << 50;

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

template <std::size_t N>
Checked<std::uint64_t> with_unit(std::string_view text, const std::array<Unit, N>& units, std::uint64_t most,
                                 const std::string& example) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = whole_number(text.substr(0, end));
    const std::string_view name = text.substr(end);
    if (number && name.empty()) return wrong("needs a unit: write " + example + ", not " + std::string(text));
    const auto* const unit =
        std::find_if(units.begin(), units.end(), [&](const Unit& each) { return each.name == name; });
    if (!number || unit == units.end()) {
        std::string names;
        for (const Unit& each : units) names.append(names.empty() ? "" : ", ").append(each.name);
        return wrong("is not a whole number with a unit (" + names + "): write it as " + example);
    }
    if (*number > most / unit->worth) return wrong("is too large");
    return *number * unit->worth;
}

template <std::size_t N>
std::string in_units(std::uint64_t value, const std::array<Unit, N>& units) {
    if (value == 0) return "0" + std::string(units.back().name == "ms" ? "s" : "B");
    for (const Unit& unit : units) {
        if (value % unit.worth == 0) return std::to_string(value / unit.worth) + std::string(unit.name);
    }
    return std::to_string(value);
}

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(at), text.size());
        std::string_view part = text.substr(0, end);
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        if (!part.empty()) parts.emplace_back(part);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::string in_quotes(std::string_view text) {
    constexpr char kHex[] = "0123456789ABCDEF";
    std::string shown = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            shown.append(1, '\\').append(1, c);
        } else if (byte < 0x20 || byte == 0x7f) {
            shown.append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
        } else {
            shown += c;
        }
    }
    return shown + "\"";
}

std::string listed(std::string_view choices) {
    std::string text;
    for (const std::string& each : split(choices, '|')) text.append(text.empty() ? "" : ", ").append(in_quotes(each));
    return text;
}

}  // namespace

Failure wrong(std::string text) { return {errc::invalid_config, std::move(text)}; }

Checked<milliseconds> parse_duration(std::string_view text) {
    const auto time = with_unit(text, kTimes, kMostMs, "\"30s\"");
    if (!time) return time.error();
    return milliseconds(static_cast<std::int64_t>(*time));
}

Checked<Value> parse_value(const Setting& setting, std::string_view text) {
    switch (setting.kind) {
        case Kind::flag:
            if (text == "true" || text == "false") return Value(text == "true");
            return wrong("must be true or false");
        case Kind::count: {
            const auto number = whole_number(text);
            if (number && *number <= std::numeric_limits<std::uint32_t>::max()) return Value(*number);
            return wrong("must be a whole number from 0 to 4294967295, without a unit");
        }
        case Kind::size: {
            const auto bytes = with_unit(text, kSizes, kMostBytes, "\"16MiB\"");
            if (!bytes) return bytes.error();
            return Value(*bytes);
        }
        case Kind::time: {
            const auto time = parse_duration(text);
            if (!time) return time.error();
            return Value(*time);
        }
        case Kind::address:
            if (!text.empty() && !transport::parse_listen_address(text))
                return wrong(in_quotes(text) +
                             " is not an address: write 127.0.0.1:4000, [::1]:4000 or :4000 (all addresses)");
            break;
        case Kind::choice: {
            const auto choices = split(setting.choices, '|');
            if (std::find(choices.begin(), choices.end(), text) == choices.end())
                return wrong(in_quotes(text) + " is not one of " + listed(setting.choices));
            break;
        }
        case Kind::words: return Value(split(text, ','));
        case Kind::text:
        case Kind::wording:
        case Kind::secret:
        case Kind::path: break;
    }
    return Value(std::string(text));
}

std::string to_toml(const Value& value, Kind kind) {
    if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
    if (const auto* number = std::get_if<std::uint64_t>(&value))
        return kind == Kind::size ? in_quotes(in_units(*number, kSizes)) : std::to_string(*number);
    if (const auto* time = std::get_if<milliseconds>(&value))
        return in_quotes(in_units(static_cast<std::uint64_t>(time->count()), kTimes));
    if (const auto* text = std::get_if<std::string>(&value)) return in_quotes(*text);
    std::string list = "[";
    for (const std::string& each : std::get<std::vector<std::string>>(value))
        list.append(list.size() == 1 ? "" : ", ").append(in_quotes(each));
    return list + "]";
}

std::string describe(const Setting& setting) {
    switch (setting.kind) {
        case Kind::flag: return "true or false";
        case Kind::count: return "number";
        case Kind::size: return "size, such as \"16MiB\"";
        case Kind::time: return "duration, such as \"30s\"";
        case Kind::text: return "text";
        case Kind::wording: return "string, may be empty";
        case Kind::secret: return "text, secret";
        case Kind::path: return "path";
        case Kind::address: return "address, such as \"127.0.0.1:4000\"";
        case Kind::words: return "list of strings";
        case Kind::choice: return "one of " + listed(setting.choices);
    }
    return {};
}

}  // namespace flare::cli::server_config
