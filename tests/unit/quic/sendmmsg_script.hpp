// What sendmmsg() does in this program, where a test says so.
#pragma once

#include <deque>
#include <vector>

namespace flare::transport::quic::test {

// While one lives, each sendmmsg() of its thread takes the next of `results`: so many messages at most, or minus an
// errno; without one, all that the socket takes.
struct SendmmsgScript {
    explicit SendmmsgScript(std::deque<int> results = {});
    ~SendmmsgScript();
    SendmmsgScript(const SendmmsgScript&) = delete;
    SendmmsgScript& operator=(const SendmmsgScript&) = delete;

    std::deque<int> results;
    std::vector<unsigned> offered;  // to each call: messages
};

}  // namespace flare::transport::quic::test
