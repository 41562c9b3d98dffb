#include <flare/server.hpp>

#include <cstdio>

flare::HandlerResult greet(const flare::SessionInfo& sender, const flare::Message& message) {
    return flare::Message("text", "hello " + sender.user + ", you said: " + message.payload.str());
}

int main(int argc, char** argv) {
    const std::string address = argc > 1 ? argv[1] : "127.0.0.1:4000";
    auto server =
        flare::ServerBuilder().websocket_only().websocket_addr(address).on_message_type("text", greet).build();
    if (!server) {
        std::puts(server.error().text.c_str());
        return 1;
    }
    if (auto started = server->start(); !started) {
        std::puts(started.error().text.c_str());
        return 1;
    }
    server->wait();
}
