// A server with a store, for tests that kill it. It prints the address that it has.
//
//     kept_server ADDRESS FILE
#include <flare/server.hpp>

#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    flare::ServerBuilder builder;
    auto server = builder.websocket_only()
                      .websocket_addr(argv[1])
                      .store(flare::sqlite(argv[2]))
                      .log_level(flare::LogLevel::off)
                      .build();
    if (!server) return 1;
    if (const auto begun = server->start(); !begun) {
        std::fprintf(stderr, "kept_server: %s\n", begun.error().text.c_str());
        return 1;
    }
    std::puts(server->websocket_addr().c_str());
    std::fflush(stdout);
    for (;;) ::pause();
}
