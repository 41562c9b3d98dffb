// What the programs of the guide need around their snippets: a way to fail, and to wait for what should happen.
//
// They run in a folder that has certs/ from scripts/generate_certs.sh, and listen on ports that are free.
#pragma once

#include <flare/server.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace trying {

inline void expect(bool held, const char* what) {
    if (held) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::exit(1);
}

// The limit only ends a run that hangs.
template <typename Condition>
void eventually(Condition&& condition, const char* what) {
    for (int i = 0; i < 6000; ++i) {
        if (condition()) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    expect(false, what);
}

// wss:// and quic://, with the default handler.
inline flare::Server server_of_both_protocols() {
    auto server = flare::ServerBuilder()
                      .websocket_addr("127.0.0.1:0")
                      .websocket_tls("certs/server.crt", "certs/server.key")
                      .quic_addr("127.0.0.1:0")
                      .quic_tls("certs/server.crt", "certs/server.key")
                      .build();
    expect(server && server->start(), "a server of both protocols starts");
    return std::move(*server);
}

}  // namespace trying
