// A program with a server and no client.
#include <flare/server.hpp>

#include <cstdio>

int main() {
    auto server =
        flare::ServerBuilder().websocket_only().websocket_addr("127.0.0.1:0").log_level(flare::LogLevel::warn).build();
    if (!server || !server->start()) return 1;
    const auto online = server->online_users();
    server->stop();
    if (!online) return 1;
    std::printf("server only: %zu online\n", online->size());
    return 0;
}
