// Writing answers.
//
// Protocol: RFC 9110 sections 6.6.1, 8.6 and 15; RFC 9112 section 9.
// Threads:  pure functions.
#pragma once

#include "transport/http/request.hpp"

#include <chrono>
#include <string>

namespace flare::transport::http {

enum class After : std::uint8_t { close, keep };  // what becomes of the connection

// A whole answer. `with_body`: not for HEAD. `headers`: more header lines, each with its CRLF.
std::string write_response(const Response& response, After after = After::close, bool with_body = true,
                           std::string_view headers = {});

// An answer says when it was made, by which clients can check their clock. With its CRLF.
std::string date_header(std::chrono::system_clock::time_point now);

}  // namespace flare::transport::http
