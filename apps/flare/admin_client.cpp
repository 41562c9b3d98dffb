#include "admin_client.hpp"

#include "transport/host.hpp"
#include "transport/http/interim.hpp"
#include "transport/url.hpp"

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
#include <vector>

namespace flare::cli {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using Endpoint = asio::ip::tcp::endpoint;

namespace {

constexpr std::chrono::seconds kLimit{5};
constexpr std::uint64_t kMaxBodyBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxInterimBytes = 16 * 1024;

// One request on a connection of its own.
struct Request {
    asio::io_context context;
    asio::ip::tcp::resolver resolver{context};
    boost::beast::tcp_stream stream{context};
    boost::beast::flat_buffer buffer;
    http::request<http::empty_body> request;
    std::optional<http::response_parser<http::string_body>> parser;
    transport::http::InterimAnswers interim{kMaxInterimBytes};
    boost::system::error_code error;
    bool resolved = false;
    bool connected = false;

    void run(const transport::Authority& place) {
        std::vector<Endpoint> known;
        for (const auto& address : transport::known_addresses(place.host)) known.emplace_back(address, *place.port);
        if (!known.empty()) {
            connect(known);
        } else {
            resolver.async_resolve(place.host, std::to_string(*place.port), asio::ip::tcp::resolver::numeric_service,
                                   [this](const boost::system::error_code& failed, const auto& found) {
                                       if ((error = failed)) return;
                                       connect({found.begin(), found.end()});
                                   });
        }
        context.run();
    }

    void connect(const std::vector<Endpoint>& found) {
        resolved = true;
        stream.expires_after(kLimit);
        stream.async_connect(found, [this](const boost::system::error_code& refused, const auto&) {
            if ((error = refused)) return;
            connected = true;
            ask();
        });
    }

    void ask() {
        http::async_write(stream, request, [this](const boost::system::error_code& failed, std::size_t) {
            if ((error = failed)) return;
            hear();
        });
    }

    void hear() {
        parser.emplace();
        parser->body_limit(kMaxBodyBytes);
        http::async_read(stream, buffer, *parser, [this](const boost::system::error_code& broke, std::size_t bytes) {
            error = broke;
            if (error || !transport::http::InterimAnswers::is_one(parser->get().result_int())) return;
            if (interim.pass(bytes)) return hear();
            error = http::make_error_code(http::error::header_limit);
        });
    }
};

}  // namespace

Checked<AdminAnswer> admin_get(const std::string& address, const std::string& target) {
    const auto place = transport::parse_authority(address);
    if (!place) return Failure(errc::invalid_config, "--admin: '" + address + "' " + place.error().text);
    if (place->host.empty() || place->port.value_or(0) == 0)
        return Failure(errc::invalid_config, "--admin: '" + address + "' is not of the form HOST:PORT");
    Request request;
    request.request = {http::verb::get, target, 11};
    request.request.set(http::field::host, transport::host_header(place->host, *place->port, "http"));
    request.run(*place);
    if (!request.error) return AdminAnswer{request.parser->get().result_int(), request.parser->get().body()};
    const auto fail = [&](errc code, const std::string& why) {
        return Failure(code, "the admin address " + address + " " + why +
                                 ": check that the server is running, and that its admin_address is this one");
    };
    if (!request.resolved) return fail(errc::host_not_found, "cannot be resolved");
    if (request.error == boost::beast::error::timeout) return fail(errc::connect_timeout, "does not answer within 5 s");
    if (!request.connected)
        return fail(errc::connection_refused, "cannot be reached (" + request.error.message() + ")");
    return fail(errc::connection_lost, "does not speak HTTP (" + request.error.message() + ")");
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
                                            ": this is not the admin address of this version of Flare");
}

}  // namespace flare::cli
