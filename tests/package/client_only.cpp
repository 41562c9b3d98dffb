// A program with a client and no server: there is none at the address, and it is told so.
#include <flare/client.hpp>

#include <cstdio>

int main() {
    auto client = flare::ClientBuilder("ann")
                      .server_addresses(flare::ServerAddresses().with_websocket_url("ws://127.0.0.1:1"))
                      .auto_reconnect(false)
                      .build();
    if (!client) return 1;
    const auto connected = client->connect();
    if (connected) return 1;
    const flare::errc code = connected.error().code;
    std::printf("client only: %s\n", std::string(flare::name(code)).c_str());
    return make_error_code(code) == flare::errcond::retryable ? 0 : 1;
}
