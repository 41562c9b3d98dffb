#include "server_config/values.hpp"

#include "server_config/value.hpp"

#include <stdexcept>
#include <utility>

namespace flare::cli::server_config {
namespace {

Value nothing(Kind kind) {
    switch (kind) {
        case Kind::flag: return false;
        case Kind::count:
        case Kind::size: return std::uint64_t{0};
        case Kind::time: return std::chrono::milliseconds(0);
        case Kind::words: return std::vector<std::string>();
        default: return std::string();
    }
}

bool empty(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return text->empty();
    return false;
}

std::size_t index_of(const Setting& setting) { return static_cast<std::size_t>(&setting - settings().data()); }

}  // namespace

Values::Values() {
    for (const Setting& setting : settings()) entries_.push_back(fallback(setting));
}

Values::Entry Values::fallback(const Setting& setting) {
    if (setting.fallback.empty()) return {nothing(setting.kind), false, {}};
    auto value = parse_value(setting, setting.fallback);
    if (!value) throw std::logic_error(setting.key() + ": its default " + value.error().text);
    return {std::move(*value), true, {}};
}

void Values::set(const Setting& setting, Value value, std::string where) {
    Entry& entry = entries_[index_of(setting)];
    const bool taken_back = empty(value) && (setting.kind != Kind::wording || where.empty());
    entry = taken_back ? fallback(setting) : Entry{std::move(value), true, std::move(where)};
}

const Values::Entry& Values::entry(const Setting& setting) const { return entries_[index_of(setting)]; }

const Values::Entry& Values::entry(std::string_view key) const {
    const Setting* const setting = find_setting(key);
    if (setting == nullptr) throw std::logic_error("there is no setting " + std::string(key));
    return entry(*setting);
}

bool Values::given(std::string_view key) const { return !entry(key).where.empty(); }
bool Values::flag(std::string_view key) const { return std::get<bool>(entry(key).value); }
std::uint64_t Values::number(std::string_view key) const { return std::get<std::uint64_t>(entry(key).value); }
std::chrono::milliseconds Values::time(std::string_view key) const {
    return std::get<std::chrono::milliseconds>(entry(key).value);
}
std::string Values::text(std::string_view key) const { return std::get<std::string>(entry(key).value); }
std::vector<std::string> Values::words(std::string_view key) const {
    return std::get<std::vector<std::string>>(entry(key).value);
}

}  // namespace flare::cli::server_config
