// What `flare server` can be told: one table, from which the configuration file, the environment, the flags, what
// --print-config shows, the manual pages and docs/server-configuration.md are all made.
//
// Threads: the table is constant; the functions are pure.
#pragma once

#include <flare/server.hpp>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flare::cli::server_config {

enum class Kind : std::uint8_t {
    flag,     // true, false
    count,    // 0 to 4,294,967,295
    size,     // "16MiB"
    time,     // "30s"
    text,     //
    secret,   // a text that is never printed
    path,     //
    address,  // "127.0.0.1:4000"
    words,    // ["a", "b"]; in the environment and as a flag: a,b
    choice,   // one of Setting::choices
    wording,  // a text that may be empty, which the environment and flags cannot say
};

// flag, count and size, time, words, and a text for all others.
using Value = std::variant<bool, std::uint64_t, std::chrono::milliseconds, std::vector<std::string>, std::string>;

class Values;

struct Setting {
    std::string_view section;  // of the file; empty: above all sections
    std::string_view name;
    Kind kind;
    std::string_view fallback;  // as the environment would have it; empty: none
    std::string_view builder;   // the call of ServerBuilder, or the option of authentication, that it becomes
    std::string_view says;      // a sentence
    // Null: `auth.mode` applies it, or it is the tool's and not the server's.
    void (*apply)(ServerBuilder&, const Values&, const Setting&);
    std::string_view choices = {};  // "many|newest_wins"

    std::string key() const;       // limits.max_connections
    std::string variable() const;  // FLARE_SERVER_LIMITS_MAX_CONNECTIONS
    std::string flag() const;      // --limits-max-connections
};

// In the order in which they are applied and shown.
std::span<const Setting> settings();
// Null: there is none.
const Setting* find_setting(std::string_view key);

}  // namespace flare::cli::server_config
