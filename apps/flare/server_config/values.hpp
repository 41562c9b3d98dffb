// A value for each setting, and where it comes from.
//
// Threads: a value.
#pragma once

#include "server_config/setting.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace flare::cli::server_config {

class Values {
public:
    Values();  // the defaults

    // `where`: "server.toml:12:5", "FLARE_SERVER_LOG_LEVEL", "--log-level". An empty text takes back what was
    // said, but for a wording of the file, which it is.
    void set(const Setting& setting, Value value, std::string where);

    // Somebody said so; false: the default counts.
    bool given(const Setting& setting) const { return !entry(setting).where.empty(); }
    // There is a value: somebody's or a default.
    bool has(const Setting& setting) const { return entry(setting).present; }
    const std::string& where(const Setting& setting) const { return entry(setting).where; }
    const Value& of(const Setting& setting) const { return entry(setting).value; }

    // By key; the key must be in the table. What has no value is empty.
    bool given(std::string_view key) const;
    bool flag(std::string_view key) const;
    std::uint64_t number(std::string_view key) const;
    std::chrono::milliseconds time(std::string_view key) const;
    std::string text(std::string_view key) const;
    std::vector<std::string> words(std::string_view key) const;

private:
    struct Entry {
        Value value;
        bool present = false;
        std::string where;
    };
    static Entry fallback(const Setting& setting);
    const Entry& entry(const Setting& setting) const;
    const Entry& entry(std::string_view key) const;

    std::vector<Entry> entries_;  // as settings()
};

}  // namespace flare::cli::server_config
