// Small files of the operator's, read whole.
//
// Threads: pure functions.
#pragma once

#include <flare/failure.hpp>

#include <string>

namespace flare::auth {

// `what` begins the text of an error: "jwks_file". Errors: file_not_found, file_unreadable; invalid_config: longer than
// max_bytes.
Checked<std::string> read_file(const std::string& path, const std::string& what, std::size_t max_bytes);

}  // namespace flare::auth
