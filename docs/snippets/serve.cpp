// The guide's chapter about running a server: addresses, TLS, starting, stopping.
#include "trying.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

// snippet: fail
int fail(const flare::Failure& failure) {
    std::fprintf(stderr, "%s: %s\n", std::string(flare::name(failure.code)).c_str(), failure.text.c_str());
    return 1;
}
// end

int main() {
    // snippet: start
    auto server = flare::ServerBuilder()
                      .websocket_addr("127.0.0.1:0")  // port 0 picks a free port
                      .quic_addr("[::1]:0")
                      .quic_tls("certs/server.crt", "certs/server.key")
                      .build();
    if (!server) return fail(server.error());                                    // names the invalid field
    if (auto started = server->start(); !started) return fail(started.error());  // names the address or the file
    std::printf("ws://%s quic://%s\n", server->websocket_addr().c_str(), server->quic_addr().c_str());
    // end
    trying::expect(!server->websocket_addr().ends_with(":0"), "the port that was bound is told");

    // snippet: public
    flare::ServerBuilder builder;
    builder.websocket_addr("0.0.0.0:4000")
        .websocket_tls("certs/server.crt", "certs/server.key")  // wss:// instead of ws://
        .quic_addr("0.0.0.0:4010")
        .quic_tls("certs/server.crt", "certs/server.key")
        .quic_alpn({"flare-core"})
        .enable_quic_0rtt(true)
        .watch_certificates(60s)  // reloads changed files
        .allowed_origins({"https://app.example.com"})
        .admin_addr("127.0.0.1:4001")
        .with_auth_handler(flare::static_token_auth({{"a secret of alice's", {"alice"}}}));
    // end
    trying::expect(builder.build().has_value(), "the public server's configuration is good");

    // snippet: mutual-tls
    flare::ServerBuilder mutual;
    mutual.websocket_addr("127.0.0.1:0")
        .websocket_tls("certs/server.crt", "certs/server.key")
        .quic_addr("127.0.0.1:0")
        .quic_tls("certs/server.crt", "certs/server.key")
        .client_ca_file("certs/ca.crt")
        .require_client_cert(true)
        .with_auth_handler([](const flare::AuthRequest& request) -> flare::Checked<flare::Identity> {
            if (request.peer_certificate.find("flare-client") == std::string::npos)
                return flare::Failure(flare::errc::forbidden, "this certificate is for another program");
            return flare::Identity(request.claimed_user);
        });
    // end
    auto closed = mutual.build();
    if (!closed || !closed->start()) return 1;
    // snippet: client-cert
    auto device = flare::ClientBuilder("gate-7")
                      .server_addresses(flare::ServerAddresses()
                                            .with_websocket_tls_url("wss://" + closed->websocket_addr())
                                            .with_quic_url("quic://" + closed->quic_addr()))
                      .ca_file("certs/ca.crt")
                      .client_cert("certs/client.crt", "certs/client.key")
                      .build();
    if (!device) return fail(device.error());
    if (auto connected = device->connect(); !connected) return fail(connected.error());
    // end
    trying::expect(device->send_text_message("server", "open").success, "a client with a certificate is let in");

    // snippet: reload
    if (auto reloaded = closed->reload_certificates(); !reloaded)
        return fail(reloaded.error());  // the old set stays in use
    // end

    // snippet: stop
    server->stop();  // says goodbye, flushes, closes: at most about 6 seconds
    server->wait();  // returns when the server has stopped, whichever thread stopped it
    // end
}
