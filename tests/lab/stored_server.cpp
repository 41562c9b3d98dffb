#include "lab/stored_server.hpp"

#include <flare/store.hpp>

#include <cstdio>
#include <utility>

namespace flare::lab {

ServerBuilder stored_server(const std::string& address, const std::string& file) {
    ConversationLimits limits;  // what one machine may do is not what this is about
    limits.device_per_second = 0;
    limits.conversation_per_second = 0;
    return ServerBuilder()
        .websocket_addr(address)
        .websocket_only()
        .worker_threads(2)
        .compression(true)
        .store(sqlite(file))
        .conversation_limits(limits)
        .log_level(LogLevel::error);
}

int serve_until_killed(ServerBuilder builder) {
    auto built = builder.build();
    if (!built) {
        std::fprintf(stderr, "lab: %s\n", built.error().text.c_str());
        return 1;
    }
    if (const auto started = built->start(); !started) {
        std::fprintf(stderr, "lab: %s\n", started.error().text.c_str());
        return 1;
    }
    std::puts("serving");
    built->wait();
    return 0;
}

}  // namespace flare::lab
