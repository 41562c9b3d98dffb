// A process with a client and a server has one error category and one log: codes and conditions of either compare with
// those of the other, and what the server's builder says of the log holds for the client's lines. run.sh reads these
// from standard error, and sees that they differ where there are two copies.
#include <flare/client.hpp>
#include <flare/server.hpp>

#include <cstdio>

namespace {

int failures = 0;
void expect(bool holds, const char* what) {
    if (holds) return;
    std::printf("one of each: not so: %s\n", what);
    ++failures;
}

// What a caller catches who asks for a value that there is not.
template <typename T>
boost::system::error_code thrown_by(flare::Checked<T> made) {
    try {
        (void)made.value();
    } catch (const boost::system::system_error& error) {
        return error.code();
    }
    return {};
}

}  // namespace

int main() {
    using flare::errc, flare::errcond;
    const auto address = flare::ServerAddresses().with_websocket_url("ws://127.0.0.1:1");
    const auto of_client = thrown_by(flare::ClientBuilder("").server_addresses(address).build());
    const auto of_server = thrown_by(flare::ServerBuilder().websocket_only().websocket_addr("").build());

    expect(of_client == of_server, "a code of the client equals the same code of the server");
    expect(&of_client.category() == &of_server.category(), "both are of one category");
    expect(&of_client.category() == &flare::flare_category(), "which is the program's");
    expect(of_client == errc::invalid_config && of_server == errc::invalid_config, "both equal the program's errc");
    expect(of_client == errcond::config && of_server == errcond::config, "both meet the condition");
    expect(of_client != errcond::retryable && of_server != errcond::retryable, "neither meets another");
    expect(of_client.default_error_condition() == of_server.default_error_condition(), "their conditions are equal");

    // The server says how lines look, and the client writes one: of an address that it cannot use.
    auto server = flare::ServerBuilder()
                      .websocket_only()
                      .websocket_addr("127.0.0.1:0")
                      .log_level(flare::LogLevel::warn)
                      .log_format(flare::LogFormat::json)
                      .build();
    expect(server && server->start(), "the server runs");
    const auto two = flare::ServerAddresses(address).with_websocket_tls_url("wss://127.0.0.1:70000");
    expect(flare::ClientBuilder("ann").server_addresses(two).build().has_value(), "the client is made");
    if (failures == 0) std::puts("one of each: one category, one log");
    return failures == 0 ? 0 : 1;
}
