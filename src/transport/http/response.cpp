#include "transport/http/response.hpp"

#include <boost/beast/http/status.hpp>

#include <array>
#include <cstdio>
#include <ctime>

namespace flare::transport::http {

std::string write_response(const Response& response, After after, bool with_body, std::string_view headers) {
    const auto reason = to_std(boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(response.status)));
    std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
    text.append(reason).append("\r\nContent-Type: ").append(response.content_type);
    text.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
    text.append(after == After::keep ? "\r\nConnection: keep-alive\r\n" : "\r\nConnection: close\r\n");
    for (const Field& field : response.fields) text.append(field.name).append(": ").append(field.value).append("\r\n");
    text.append(headers).append("\r\n");
    if (with_body) text += response.body;
    return text;
}

std::string date_header(std::chrono::system_clock::time_point now) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 64> text{};  // not strftime(), which speaks the language of the process
    std::snprintf(text.data(), text.size(), "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", kDays[parts.tm_wday],
                  parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                  parts.tm_sec);
    return text.data();
}

}  // namespace flare::transport::http
