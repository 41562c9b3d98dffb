// What proxies say of their clients: networks, the PROXY protocol, the headers of HTTP.
#include "transport/proxy/forwarded.hpp"
#include "transport/proxy/header_reader.hpp"
#include "transport/proxy/networks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace flare::transport::proxy {
namespace {

using testing::HasSubstr;

Networks networks(const std::vector<std::string>& all) {
    Networks made;
    for (const auto& each : all) EXPECT_EQ(made.add(each), "");
    return made;
}
bool holds(const Networks& all, const char* address) { return all.contains(boost::asio::ip::make_address(address)); }

TEST(ProxyNetworks, HoldWhatTheirPrefixHolds) {
    const Networks all = networks({"10.0.0.0/8", "192.0.2.7", "2001:db8::/33"});
    EXPECT_TRUE(holds(all, "10.255.0.1"));
    EXPECT_TRUE(holds(all, "::ffff:10.1.2.3"));
    EXPECT_FALSE(holds(all, "11.0.0.0"));
    EXPECT_TRUE(holds(all, "192.0.2.7"));
    EXPECT_FALSE(holds(all, "192.0.2.6"));
    EXPECT_TRUE(holds(all, "2001:db8:7fff::1"));
    EXPECT_FALSE(holds(all, "2001:db8:8000::1"));
    EXPECT_TRUE(holds(networks({"0.0.0.0/0"}), "203.0.113.1"));
    EXPECT_FALSE(holds(networks({"0.0.0.0/0"}), "2001:db8::1"));
}

TEST(ProxyNetworks, SayWhatIsWrong) {
    Networks all;
    for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "example.com", "[::1]",
                            "fe80::1%eth0", "10.0.0/8", "2001:db8::/129", "1.2.3.4:80"})
        EXPECT_THAT(all.add(bad), HasSubstr("is no network")) << bad;
    EXPECT_THAT(all.add("10.1.2.3/8"), HasSubstr("write 10.0.0.0/8"));
    EXPECT_TRUE(all.empty());
}

// ---- the PROXY protocol ----

using State = HeaderReader::State;

std::string binary(char command, char family, const std::string& content) {
    std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
    text += command;
    text += family;
    text += static_cast<char>(content.size() >> 8);
    text += static_cast<char>(content.size() & 0xff);
    return text + content;
}
std::string v4_content() { return std::string("\xcb\x00\x71\x09\xc0\x00\x02\x01\x12\x67\x0f\xa0", 12); }

struct Read {
    State state = State::incomplete;
    std::size_t used = 0;
    std::string source;  // "203.0.113.9 4711"; empty: none
    std::string error;
};
Read read(const std::string& bytes, std::size_t step) {
    HeaderReader reader;
    Read result;
    while (result.state == State::incomplete && result.used < bytes.size()) {
        std::size_t used = 0;
        result.state = reader.feed(std::string_view(bytes).substr(result.used, step), used);
        result.used += used;
    }
    if (const auto& source = reader.source())
        result.source = source->address.to_string() + " " + std::to_string(source->port);
    result.error = reader.error();
    return result;
}

TEST(ProxyHeaderReader, ReadsBothVersionsHoweverTheyAreCut) {
    const std::string v6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01" + std::string(16, '\0') +
                           std::string("\x00\x50\x0f\xa0", 4);
    const struct {
        std::string header;
        const char* source;
    } cases[] = {
        {"PROXY TCP4 203.0.113.9 192.0.2.1 4711 4000\r\n", "203.0.113.9 4711"},
        {"PROXY TCP6 2001:db8::1 2001:db8::2 80 4000\r\n", "2001:db8::1 80"},
        {"PROXY TCP6 ::ffff:203.0.113.9 2001:db8::2 80 4000\r\n", "203.0.113.9 80"},
        {"PROXY UNKNOWN\r\n", ""},
        {"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", ""},
        {binary('\x21', '\x11', v4_content()), "203.0.113.9 4711"},
        {binary('\x21', '\x11', v4_content() + std::string(300, '\x04')), "203.0.113.9 4711"},
        {binary('\x21', '\x21', v6), "2001:db8::1 80"},
        {binary('\x20', '\x00', ""), ""},                      // LOCAL
        {binary('\x20', '\x11', v4_content()), ""},            // LOCAL, whatever it says
        {binary('\x21', '\x00', "whatever"), ""},              // AF_UNSPEC
        {binary('\x21', '\x31', std::string(216, 'x')), ""},   // AF_UNIX
        {binary('\x20', '\x00', std::string(4096, 'x')), ""},  // as long as it may be
    };
    for (const auto& each : cases) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{15}, std::size_t{100'000}}) {
            const Read result = read(each.header + "GET / HTTP/1.1\r\n", step);
            EXPECT_EQ(result.state, State::done) << each.header << result.error;
            EXPECT_EQ(result.used, each.header.size()) << "nothing of what follows is taken";
            EXPECT_EQ(result.source, each.source) << each.header;
        }
    }
}

TEST(ProxyHeaderReader, RefusesAllElse) {
    const std::string bad[] = {
        "GET / HTTP/1.1\r\n",
        "PROXX TCP4 203.0.113.9 192.0.2.1 4711 4000\r\n",
        "POST / HTTP/1.1\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 4711 4000\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 4711\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 4711 4000 5\r\n",
        "PROXY TCP4  203.0.113.9 192.0.2.1 4711 4000\r\n",
        "PROXY TCP4 2001:db8::1 2001:db8::2 4711 4000\r\n",
        "PROXY TCP6 203.0.113.9 192.0.2.1 4711 4000\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 65536 4000\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 -1 4000\r\n",
        "PROXY TCP4 203.0.113.9 192.0.2.1 047 4000\r\n",
        "PROXY UDP4 203.0.113.9 192.0.2.1 4711 4000\r\n",
        "PROXY \r\n",
        "PROXY UNKNOWN " + std::string(94, 'x') + "\r\n",
        "\x16\x03\x01",
        binary('\x31', '\x11', v4_content()),
        binary('\x22', '\x11', v4_content()),
        binary('\x21', '\x41', v4_content()),
        binary('\x21', '\x13', v4_content()),
        binary('\x21', '\x12', v4_content()),
        binary('\x21', '\x11', v4_content().substr(1)),
        binary('\x21', '\x21', v4_content()),
        binary('\x20', '\x00', std::string(4097, 'x')),
        std::string("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\0", 16),
    };
    for (const std::string& each : bad) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{100'000}}) {
            const Read result = read(each, step);
            EXPECT_EQ(result.state, State::bad) << each;
            EXPECT_EQ(result.source, "") << each;
            EXPECT_FALSE(result.error.empty());
        }
    }
}

// ---- headers of HTTP ----

std::string client(ForwardedHeader header, const std::string& list) {
    const Client found = client_of(header, list, networks({"10.0.0.0/8", "2001:db8:1::/48"}));
    if (!found.readable) return "unreadable";
    if (!found.source) return "nobody";
    return found.source->address.to_string() + " " + std::to_string(found.source->port);
}
std::string xff(const std::string& list) { return client(ForwardedHeader::x_forwarded_for, list); }
std::string forwarded(const std::string& list) { return client(ForwardedHeader::forwarded, list); }

TEST(ForwardedFor, IsReadFromItsEndToTheFirstThatIsNotTrusted) {
    EXPECT_EQ(xff("203.0.113.9"), "203.0.113.9 0");
    EXPECT_EQ(xff("203.0.113.9, 10.0.0.1"), "203.0.113.9 0");
    EXPECT_EQ(xff("198.51.100.1, 203.0.113.9, 10.0.0.1,10.0.0.2"), "203.0.113.9 0") << "what a client says of itself";
    EXPECT_EQ(xff("nonsense \" here\" , 203.0.113.9"), "203.0.113.9 0");
    EXPECT_EQ(xff("10.0.0.3, 10.0.0.2"), "10.0.0.3 0") << "all are trusted: the first";
    EXPECT_EQ(xff("2001:db8::9"), "2001:db8::9 0");
    EXPECT_EQ(xff("[2001:db8::9]:4711"), "2001:db8::9 4711");
    EXPECT_EQ(xff("203.0.113.9:4711"), "203.0.113.9 4711");
    EXPECT_EQ(xff("::ffff:203.0.113.9"), "203.0.113.9 0");
    EXPECT_EQ(xff("203.0.113.9, ,"), "203.0.113.9 0");
    EXPECT_EQ(xff(""), "nobody");
    EXPECT_EQ(xff("203.0.113.9, unknown"), "nobody");
    EXPECT_EQ(xff("unknown, 10.0.0.2"), "10.0.0.2 0");
}

TEST(ForwardedFor, ReadsTheFormOfRfc7239) {
    EXPECT_EQ(forwarded("for=203.0.113.9;proto=https;by=10.0.0.1"), "203.0.113.9 0");
    EXPECT_EQ(forwarded("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17 4711");
    EXPECT_EQ(forwarded("for=198.51.100.1, proto=http; FOR=\"203.0.113.9:80\", for=10.0.0.1"), "203.0.113.9 80");
    EXPECT_EQ(forwarded("for=\"203.0.113\\.9\""), "203.0.113.9 0");
    EXPECT_EQ(forwarded("for=203.0.113.9;host=\"a,b;for=1.2.3.4\""), "203.0.113.9 0")
        << "what is quoted is no separator";
    EXPECT_EQ(forwarded("for=unknown"), "nobody");
    EXPECT_EQ(forwarded("for=_gazonk"), "nobody");
    EXPECT_EQ(forwarded("for=\"203.0.113.9:_port\""), "203.0.113.9 0");
    EXPECT_EQ(forwarded("for=203.0.113.9, proto=https"), "nobody") << "the last proxy names nobody";
}

TEST(ForwardedFor, RefusesWhatCannotBeRead) {
    for (const char* bad : {"203.0.113.9, nonsense", "203.0.113.9:99999", "[2001:db8::9", "[203.0.113.9]:80", "1.2.3",
                            "203.0.113.9:", "fe80::1%eth0", "\"", "\", 203.0.113.9", "<script>"})
        EXPECT_EQ(xff(bad), "unreadable") << bad;
    for (const char* bad : {"for=\"a, for=203.0.113.9", "for=\"a\\, for=\"[2001:db8::9]\"", "203.0.113.9", "for",
                            "for=203.0.113.9;for=203.0.113.10", "for=203\"0\"", "for=\"203.0.113.9\"x"})
        EXPECT_EQ(forwarded(bad), "unreadable") << bad;
}

TEST(ForwardedFor, ThousandsOfEntriesAreNothing) {
    std::string list = "203.0.113.9";
    for (int i = 0; i < 5000; ++i) list += ",10.0.0.1";
    EXPECT_EQ(xff(list), "203.0.113.9 0");
    EXPECT_EQ(forwarded(std::string(100'000, ',')), "nobody");
    EXPECT_EQ(forwarded(std::string(100'001, '"')), "unreadable");
}

}  // namespace
}  // namespace flare::transport::proxy
