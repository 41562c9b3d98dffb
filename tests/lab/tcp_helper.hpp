// A box in the middle that spoils TCP: on one port it accepts and then says nothing (a stalled TLS handshake), on the
// other it completes TLS and answers every HTTP request with 403. The router redirects connections to it.
//
// Threads: one of its own, in the network namespace of the thread that made it.
// Owner:   lab::Stage.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace flare::lab {

class TcpHelper {
public:
    static constexpr int kStalledPort = 4441;
    static constexpr int kForbiddenPort = 4443;

    TcpHelper(const std::string& certificate_file, const std::string& key_file);
    ~TcpHelper();
    TcpHelper(const TcpHelper&) = delete;
    TcpHelper& operator=(const TcpHelper&) = delete;

private:
    class State;
    std::unique_ptr<State> state_;
    std::thread thread_;
};

}  // namespace flare::lab
