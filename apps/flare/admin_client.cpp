#include "admin_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>

#include <chrono>
#include <optional>

namespace flare::cli {
namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::chrono::seconds kLimit{5};
constexpr std::uint64_t kMaxBodyBytes = 16 * 1024 * 1024;

struct Place {
    std::string host;
    std::string port;
};

std::optional<Place> place_of(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos || colon + 1 == address.size() || colon == 0) return std::nullopt;
    Place place{address.substr(0, colon), address.substr(colon + 1)};
    if (place.host.front() == '[' && place.host.back() == ']') place.host = place.host.substr(1, place.host.size() - 2);
    if (place.host.empty() || place.port.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    return place;
}

// One request on a connection of its own.
struct Request {
    asio::io_context context;
    asio::ip::tcp::resolver resolver{context};
    boost::beast::tcp_stream stream{context};
    boost::beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    http::response_parser<http::string_body> parser;
    boost::system::error_code error;
    bool resolved = false;
    bool connected = false;

    void run(const Place& place) {
        parser.body_limit(kMaxBodyBytes);
        resolver.async_resolve(
            place.host, place.port, [this](const boost::system::error_code& failed, const auto& found) {
                if ((error = failed)) return;
                resolved = true;
                stream.expires_after(kLimit);
                stream.async_connect(found, [this](const boost::system::error_code& refused, const auto&) {
                    if ((error = refused)) return;
                    connected = true;
                    ask();
                });
            });
        context.run();
    }

    void ask() {
        http::async_write(stream, request, [this](const boost::system::error_code& failed, std::size_t) {
            if ((error = failed)) return;
            http::async_read(stream, buffer, parser,
                             [this](const boost::system::error_code& broke, std::size_t) { error = broke; });
        });
    }
};

}  // namespace

Checked<AdminAnswer> admin_get(const std::string& address, const std::string& target) {
    const auto place = place_of(address);
    if (!place) return Failure(errc::invalid_config, "--admin: '" + address + "' is no HOST:PORT");
    Request request;
    request.request = {http::verb::get, target, 11};
    request.request.set(http::field::host, address);
    request.run(*place);
    if (!request.error) return AdminAnswer{request.parser.get().result_int(), request.parser.get().body()};
    const auto fail = [&](errc code, const std::string& why) {
        return Failure(code, "the admin address " + address + " " + why +
                                 ": is the server running with an admin address, and is it this one?");
    };
    if (!request.resolved) return fail(errc::host_not_found, "is the name of no host");
    if (request.error == boost::beast::error::timeout) return fail(errc::connect_timeout, "does not answer within 5 s");
    if (!request.connected) return fail(errc::connection_refused, "does not answer (" + request.error.message() + ")");
    return fail(errc::connection_lost, "does not answer in HTTP (" + request.error.message() + ")");
}

Checked<boost::json::value> admin_json(const std::string& address, const std::string& target) {
    const auto answer = admin_get(address, target);
    if (!answer) return answer.error();
    if (answer->status == 404 && target != "/stats") return boost::json::value(nullptr);
    boost::system::error_code error;
    boost::json::value value = boost::json::parse(answer->body, error);
    if (answer->status == 200 && !error && value.is_object()) return value;
    return Failure(errc::not_supported, "http://" + address + target + " answers with status " +
                                            std::to_string(answer->status) +
                                            ": that is no admin address of this version of Flare");
}

}  // namespace flare::cli
