// A back-end that asks a server over HTTP/1.1, on connections that are kept, one request at a time on each.
//
// Threads: the one that made it.
#pragma once

#include "stats.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::bench {

// Requests of one kind, sent in turn.
struct ApiCalls {
    std::string path;
    std::vector<std::string> bodies;  // JSON; at least one
    std::size_t connections = 1;
    // Of a body that came with status 200: was it done? A null one takes any.
    std::function<bool(std::string_view)> accepted;
};

class ApiCaller;

// An answer that is not 200, or not accepted, ends the benchmark: each function throws std::runtime_error.
class ApiLoad {
public:
    // fields: lines of the head of each request, "Authorization: ...\r\n"; may be empty.
    ApiLoad(std::uint16_t port, std::string fields);
    ~ApiLoad();
    ApiLoad(const ApiLoad&) = delete;
    ApiLoad& operator=(const ApiLoad&) = delete;

    // Each of the bodies once.
    void once(const ApiCalls& calls);
    // Each connection asks again when it is answered. Returns requests a second.
    double at_once(const ApiCalls& calls, std::chrono::nanoseconds time);
    // So many a second, on schedule whether earlier ones were answered or not; latencies count from when each was due.
    void at_rate(const ApiCalls& calls, std::size_t rate, std::chrono::seconds time, Latencies& latencies);

    // Requests of at_once() and at_rate(), so far.
    std::uint64_t answered() const noexcept { return answered_; }

private:
    void connect(std::size_t count);
    const std::string& next_of(const ApiCalls& calls) { return calls.bodies[next_++ % calls.bodies.size()]; }
    std::size_t while_wanted(const ApiCalls& calls, const std::function<bool()>& wanted);

    const std::uint16_t port_;
    const std::string fields_;
    boost::asio::io_context context_{1};
    const boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
    std::vector<std::unique_ptr<ApiCaller>> callers_;
    std::size_t next_ = 0;
    std::uint64_t answered_ = 0;
};

}  // namespace flare::bench
