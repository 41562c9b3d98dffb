// What send() does in this program, where a test says so: take less than it is offered, nothing, or fail.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

namespace flare::transport::websocket::test {

// While one lives, each send() of its thread takes the next of `results`: so many bytes at most, or minus an errno;
// without one, all that the socket takes.
struct SendScript {
    explicit SendScript(std::deque<long> results = {});
    ~SendScript();
    SendScript(const SendScript&) = delete;
    SendScript& operator=(const SendScript&) = delete;

    std::deque<long> results;
    std::vector<std::size_t> offered;  // to each call
};

}  // namespace flare::transport::websocket::test
