// Writing answers.
#include "transport/http/response.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::transport::http {
namespace {

TEST(HttpResponse, IsAWholeHttpMessage) {
    Response response;
    response.status = 503;
    response.body = "draining\n";
    EXPECT_EQ(write_response(response),
              "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 9\r\n"
              "Connection: close\r\n\r\ndraining\n");
    EXPECT_THAT(write_response(response, After::close, false), ::testing::EndsWith("Connection: close\r\n\r\n"));
    response.fields = {{"Allow", "GET"}};
    EXPECT_THAT(write_response(response, After::keep),
                ::testing::EndsWith("Connection: keep-alive\r\nAllow: GET\r\n\r\ndraining\n"));
}

TEST(HttpResponse, ItsDateIsWrittenAsHttpWantsIt) {
    // The example of RFC 9110 section 5.6.7.
    EXPECT_EQ(date_header(std::chrono::system_clock::time_point(std::chrono::seconds(784111777))),
              "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
}

}  // namespace
}  // namespace flare::transport::http
