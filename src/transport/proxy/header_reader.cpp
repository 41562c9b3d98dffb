#include "transport/proxy/header_reader.hpp"

#include "transport/proxy/networks.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace flare::transport::proxy {

namespace ip = boost::asio::ip;

namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kWord = "PROXY ";
constexpr std::size_t kPrefix = 16;  // signature, version and command, family, length

std::uint8_t byte_at(std::string_view bytes, std::size_t at) noexcept { return static_cast<std::uint8_t>(bytes[at]); }

std::uint16_t number_at(std::string_view bytes, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

template <typename Address>
Address address_at(std::string_view bytes, std::size_t at) {
    typename Address::bytes_type raw;
    std::copy_n(bytes.data() + at, raw.size(), raw.begin());
    return Address(raw);
}

// Decimal, without a sign or zeros in front.
std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    return port;
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at != line.npos;) {
        const std::size_t space = line.find(' ', at);
        words.push_back(line.substr(at, space == line.npos ? space : space - at));
        at = space == line.npos ? space : space + 1;
    }
    return words;
}

}  // namespace

HeaderReader::State HeaderReader::fail(std::string text) {
    error_ = std::move(text);
    return State::bad;
}

HeaderReader::State HeaderReader::feed(std::string_view bytes, std::size_t& used) {
    used = 0;
    if (bytes.empty()) return State::incomplete;
    const char first = buffer_.empty() ? bytes.front() : buffer_.front();
    if (first == kWord.front()) return feed_line(bytes, used);
    if (first == kSignature.front()) return feed_binary(bytes, used);
    return fail("there is no PROXY protocol header");
}

HeaderReader::State HeaderReader::feed_line(std::string_view bytes, std::size_t& used) {
    const std::size_t end = bytes.find('\n');
    const std::size_t wanted = end == bytes.npos ? bytes.size() : end + 1;
    used = std::min(wanted, kMaxLine - buffer_.size());
    buffer_.append(bytes.substr(0, used));
    const std::size_t seen = std::min(buffer_.size(), kWord.size());
    if (std::string_view(buffer_).substr(0, seen) != kWord.substr(0, seen))
        return fail("there is no PROXY protocol header");
    if (buffer_.back() != '\n') {
        if (buffer_.size() < kMaxLine) return State::incomplete;
        return fail("the PROXY protocol header has no end within 107 bytes");
    }
    if (!buffer_.ends_with("\r\n")) return fail("the PROXY protocol header does not end with CR LF");
    return read_line(std::string_view(buffer_).substr(0, buffer_.size() - 2));
}

HeaderReader::State HeaderReader::read_line(std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() > 1 && words[1] == "UNKNOWN") return State::done;  // what is behind it is not to be read
    const bool v4 = words.size() > 1 && words[1] == "TCP4";
    const bool v6 = words.size() > 1 && words[1] == "TCP6";
    if (!v4 && !v6) return fail("the PROXY protocol header names another protocol than TCP4, TCP6 or UNKNOWN");
    if (words.size() != 6) return fail("the PROXY protocol header has not two addresses and two ports");
    // An IPv4-mapped address is TCP6, and is the client's IPv4 address.
    const auto good = [v6](std::string_view text) {
        return parse_address(text) && (text.find(':') != text.npos) == v6;
    };
    const auto port = port_of(words[4]);
    if (!good(words[2]) || !good(words[3]) || !port || !port_of(words[5]))
        return fail("an address or a port of the PROXY protocol header cannot be read");
    source_ = Source{*parse_address(words[2]), *port};
    return State::done;
}

HeaderReader::State HeaderReader::feed_binary(std::string_view bytes, std::size_t& used) {
    const auto take = [&](std::size_t up_to) {
        const std::size_t more = std::min(up_to - std::min(up_to, buffer_.size()), bytes.size() - used);
        buffer_.append(bytes.substr(used, more));
        used += more;
    };
    take(kPrefix);
    const std::size_t seen = std::min(buffer_.size(), kSignature.size());
    if (std::string_view(buffer_).substr(0, seen) != kSignature.substr(0, seen))
        return fail("there is no PROXY protocol header");
    if (buffer_.size() < kPrefix) return State::incomplete;
    if (byte_at(buffer_, 12) >> 4 != 2) return fail("the PROXY protocol header is of another version than 1 or 2");
    const std::size_t content = number_at(buffer_, 14);
    if (content > kMaxContent) return fail("the PROXY protocol header is longer than 4096 bytes");
    take(kPrefix + content);
    return buffer_.size() < kPrefix + content ? State::incomplete : read_binary();
}

HeaderReader::State HeaderReader::read_binary() {
    constexpr std::uint8_t kLocal = 0;
    constexpr std::uint8_t kProxy = 1;
    const std::uint8_t command = byte_at(buffer_, 12) & 0xf;
    if (command == kLocal) return State::done;
    if (command != kProxy) return fail("the PROXY protocol header has another command than LOCAL or PROXY");
    const std::uint8_t family = byte_at(buffer_, 13) >> 4;
    const std::uint8_t transport = byte_at(buffer_, 13) & 0xf;
    if (family > 3 || transport > 2) return fail("the PROXY protocol header names a family that does not exist");
    if ((family != 1 && family != 2) || transport == 0) return State::done;  // AF_UNSPEC, AF_UNIX
    if (transport != 1) return fail("the PROXY protocol header speaks of UDP on a TCP connection");
    const std::size_t address_bytes = family == 1 ? 4 : 16;
    if (buffer_.size() < kPrefix + 2 * address_bytes + 4)
        return fail("the PROXY protocol header is too short for its addresses");
    Source source;
    if (family == 1) {
        source.address = address_at<ip::address_v4>(buffer_, kPrefix);
    } else {
        const auto v6 = address_at<ip::address_v6>(buffer_, kPrefix);
        source.address = v6.is_v4_mapped() ? ip::address(ip::make_address_v4(ip::v4_mapped, v6)) : ip::address(v6);
    }
    source.port = number_at(buffer_, kPrefix + 2 * address_bytes);
    source_ = source;
    return State::done;
}

}  // namespace flare::transport::proxy
