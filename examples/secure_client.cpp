// One message over wss://, the server's certificate verified against a CA file.
//
//     ./secure_client wss://127.0.0.1:4000 certs/ca.crt
#include <flare/client.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: secure_client wss://HOST:PORT CA_FILE\n");
        return 2;
    }
    auto client = flare::ClientBuilder("secure_user")
                      .server_addresses(flare::ServerAddresses().with_websocket_tls_url(argv[1]))
                      .tls(true)
                      .ca_file(argv[2])
                      .build();
    if (!client) {
        std::fprintf(stderr, "secure_client: %s\n", client.error().text.c_str());
        return 1;
    }
    if (const auto connected = client->connect(); !connected) {
        std::fprintf(stderr, "secure_client: %s\n", connected.error().text.c_str());
        return 1;
    }
    const flare::SendResult result = client->send_text_message("server", "a word in private");
    std::printf("%s\n", result.success ? "acknowledged over TLS" : result.error_message.c_str());
    client->disconnect();
    return result.success ? 0 : 1;
}
