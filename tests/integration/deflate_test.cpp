// permessage-deflate with somebody else's client, over real sockets.
#include "integration/harness.hpp"

#include "transport/websocket/deflate.hpp"
#include "wire/batch.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include <unistd.h>

namespace flare::test {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

std::string prose(std::size_t size) {
    std::string made;
    while (made.size() < size) made += "a line of a chat, number " + std::to_string(made.size()) + " ";
    return made.substr(0, size);
}

// A browser, as far as the wire can tell.
class Browser {
public:
    Browser(const std::string& address, const char* protocol, bool offers) {
        const auto colon = address.rfind(':');
        stream_.next_layer().connect({asio::ip::make_address(address.substr(0, colon)),
                                      static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))});
        beast::websocket::permessage_deflate deflate;
        deflate.client_enable = offers;
        stream_.set_option(deflate);
        stream_.set_option(beast::websocket::stream_base::decorator([&](beast::websocket::request_type& request) {
            request.set(beast::http::field::sec_websocket_protocol, protocol);
        }));
        stream_.handshake(response, address, "/");
    }
    void send(const std::string& message, bool is_text) {
        stream_.text(is_text);
        stream_.write(asio::buffer(message));
    }
    std::string read() {
        beast::flat_buffer buffer;
        stream_.read(buffer, error);
        return beast::buffers_to_string(buffer.data());
    }
    // Everything up to a message that has this in it.
    std::string read_until(const std::string& part) {
        std::string message = read();
        while (!error && message.find(part) == std::string::npos) message = read();
        return message;
    }

    beast::websocket::response_type response;
    beast::error_code error;
    unsigned closed() const { return stream_.reason().code; }
    std::string extension() const { return std::string(response[beast::http::field::sec_websocket_extensions]); }

private:
    asio::io_context context_;
    beast::websocket::stream<tcp::socket> stream_{context_};
};

std::string hello_of(const std::string& user) {
    return R"([{"hello":{"version":1,"user":")" + user + R"(","epoch":"1"}},{"activate":{"epoch":"2"}}])";
}

TEST(Deflate, ABrowserThatOffersItReadsAndWritesCompressedJson) {
    Server server = started(quiet_server().websocket_deflate(true));
    Browser browser(server.websocket_addr(), "flare.v1.json", true);
    EXPECT_EQ(browser.extension(),
              "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15");
    browser.send(hello_of("ann"), true);
    EXPECT_NE(browser.read_until("welcome").find("welcome"), std::string::npos);
    for (int i = 1; i <= 3; ++i) {
        const std::string words = prose(20'000) + std::to_string(i);
        browser.send(R"({"seq":)" + std::to_string(i) + R"(,"data":{"message":{"to":"server","type":"x","text":")" +
                         words + R"("}}})",
                     true);
        EXPECT_NE(browser.read_until("\"text\"").find(words), std::string::npos) << i;
    }
    const ServerStats stats = *server.stats();
    EXPECT_LT(stats.bytes_sent, 30'000u) << "three times 20,000 bytes were compressed";
    EXPECT_LT(stats.bytes_received, 30'000u);
}

TEST(Deflate, BinaryBatchesAreCompressedToo) {
    Server server = started(quiet_server().websocket_deflate(true));
    Browser browser(server.websocket_addr(), "flare.v1", true);
    wire::Hello hello;
    hello.user = "ann";
    hello.attempt_id = Uuid::v7();
    hello.epoch = 1;
    wire::Batch batch;
    batch.add({}, wire::encode(hello));
    batch.add({}, wire::encode(wire::Activate{2}));
    wire::DataView data;
    const std::string words = prose(20'000);
    data.message.emplace();
    data.message->id = Uuid::v7();
    data.message->type = "x";
    data.message->to = "server";
    data.message->payload = words;
    wire::FrameHeader header;
    header.seq = 1;
    batch.add(header, wire::encode(data));
    browser.send(batch.str(), false);
    EXPECT_NE(browser.read_until(words).find(words), std::string::npos);
    EXPECT_LT(server.stats()->bytes_sent, 10'000u);
}

TEST(Deflate, WithoutOfferOrWithoutTheOptionNothingIsCompressed) {
    for (const bool enabled : {true, false}) {
        Server server = started(quiet_server().websocket_deflate(enabled));
        Browser browser(server.websocket_addr(), "flare.v1.json", !enabled);
        EXPECT_EQ(browser.extension(), "");
        browser.send(hello_of("ann"), true);
        EXPECT_NE(browser.read_until("welcome").find("welcome"), std::string::npos);
        const std::string words = prose(5'000);
        browser.send(R"({"seq":1,"data":{"message":{"to":"server","type":"x","text":")" + words + R"("}}})", true);
        EXPECT_NE(browser.read_until("\"text\"").find(words), std::string::npos);
        EXPECT_GT(server.stats()->bytes_sent, 5'000u);
    }
}

TEST(Deflate, ABombEndsItsConnectionAndNothingElse) {
    Server server = started(quiet_server().websocket_deflate(true));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "bob", events));
    Browser browser(server.websocket_addr(), "flare.v1.json", true);
    browser.send(hello_of("ann"), true);
    (void)browser.read_until("welcome");
    browser.send(std::string(64u << 20, ' '), true);
    while (!browser.error) (void)browser.read();
    EXPECT_EQ(browser.closed(), 1009u) << "batch_too_large";
    EXPECT_TRUE(client.send_text_message("server", "still here").success);
}

}  // namespace
}  // namespace flare::test
