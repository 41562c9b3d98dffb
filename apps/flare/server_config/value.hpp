// Values as text: how they are read from the environment and from flags, and how a configuration file has them.
//
// Threads: pure functions.
#pragma once

#include "server_config/setting.hpp"

#include <flare/failure.hpp>

namespace flare::cli::server_config {

// Errors: invalid_config; the text says what such a value looks like.
Checked<Value> parse_value(const Setting& setting, std::string_view text);
// What is wrong with a value or a file, as invalid_config.
Failure wrong(std::string text);
// "500ms", "30s", "2m", "1h", "7d". Errors as parse_value().
Checked<std::chrono::milliseconds> parse_duration(std::string_view text);
// As TOML: "30s" with its quotation marks.
std::string to_toml(const Value& value, Kind kind);
// What a value of this kind looks like, for people: `duration, such as "30s"`.
std::string describe(const Setting& setting);

}  // namespace flare::cli::server_config
