#include "api/connection.hpp"

#include "base/file.hpp"
#include "transport/host.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <cstdlib>

namespace flare::cli::api {
namespace http = transport::http;

namespace {

constexpr std::size_t kMaxKeyFileBytes = 4096;
// A page has at most 200 entries, whose payloads may be large; a smaller --limit helps.
constexpr std::size_t kMaxAnswerBytes = 64 * 1024 * 1024;
constexpr const char* kNoKey =
    "a key is needed: --api-key-file FILE or FLARE_API_KEY; `flare api-key create` makes one";

// "flare_ID_SECRET". Its text is told nobody, whatever is wrong with it.
Checked<std::string> key_of(const ConnectionOptions& options) {
    std::string key;
    if (!options.key_file.empty()) {
        auto read = base::read_text(options.key_file, "--api-key-file", kMaxKeyFileBytes, base::Access::secret);
        if (!read) return read.error();
        key = std::move(*read);
    } else if (const char* given = std::getenv("FLARE_API_KEY"); given != nullptr) {
        key = given;
    }
    while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' ')) key.pop_back();
    if (key.empty()) return Failure(errc::invalid_config, kNoKey);
    const bool printed = std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7f; });
    if (printed && key.starts_with("flare_")) return key;
    return Failure(errc::invalid_config,
                   (options.key_file.empty() ? "FLARE_API_KEY" : options.key_file) +
                       std::string(" has no key: that is one line which begins with \"flare_\"; the file that the "
                                   "server reads has only hashes"));
}

}  // namespace

bool is_this_machine(const std::string& host) {
    const auto known = transport::known_addresses(host);
    return !known.empty() && std::ranges::all_of(known, [](const auto& each) { return each.is_loopback(); });
}

void add_connection_options(CLI::App& command, const std::shared_ptr<ConnectionOptions>& options) {
    ConnectionOptions& o = *options;
    command.add_option("--api", o.url, std::string("address of the server API (default: ") + kDefaultUrl + ")")
        ->type_name("URL")
        ->envname("FLARE_API");
    command.add_option("--api-key-file", o.key_file, "file with the key (default: the variable FLARE_API_KEY)")
        ->type_name("FILE");
    command.add_option("--ca-file", o.ca_file, "CA certificates (PEM) to trust, instead of the system's")
        ->type_name("FILE")
        ->envname("FLARE_CA_FILE");
    auto* certificate =
        command.add_option("--client-cert", o.client_cert, "client certificate (PEM)")->type_name("FILE");
    auto* key =
        command.add_option("--client-key", o.client_key, "key of the client certificate (PEM)")->type_name("FILE");
    certificate->needs(key);
    key->needs(certificate);
    command.add_option("--timeout", o.timeout_seconds, "time for each request, in seconds (default: 30)")
        ->check(CLI::Range(0.05, 3600.0))
        ->type_name("SECONDS");
}

Connection::Connection(std::string url, http::Endpoint endpoint)
    : url_(std::move(url)), base_path_(endpoint.path), client_(std::make_shared<http::Client>(std::move(endpoint))) {
    while (base_path_.ends_with('/')) base_path_.pop_back();
}

Checked<Connection> Connection::open(const ConnectionOptions& options, bool repeatable) {
    auto url = http::parse_url(options.url);
    if (!url) return Failure(errc::invalid_config, "--api: '" + options.url + "' " + url.error().text);
    auto key = key_of(options);
    if (!key) return key.error();
    http::Endpoint& endpoint = url->endpoint;
    if (url->secure) {
        std::string text;
        auto tls =
            transport::tls::ClientContext::load({options.ca_file, options.client_cert, options.client_key}, &text);
        if (!tls) return Failure(static_cast<errc>(tls.error().value()), text);
        endpoint.tls = std::move(*tls);
    } else if (!is_this_machine(endpoint.host)) {
        return Failure(errc::invalid_config,
                       "--api: '" + options.url + "' would send the key over the network unencrypted: use https://");
    }
    endpoint.headers.emplace_back("Authorization", "Bearer " + *key);
    endpoint.headers.emplace_back("Accept", "application/json, application/problem+json");
    endpoint.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout_seconds * 1000));
    endpoint.max_answer_bytes = kMaxAnswerBytes;
    endpoint.most_kept = 1;
    endpoint.repeatable = repeatable;
    return Connection(options.url, std::move(endpoint));
}

Checked<http::Answer> Connection::ask(http::Question question) {
    question.target.insert(0, base_path_);
    boost::asio::io_context loop(1);
    Checked<http::Answer> result = Failure(errc::internal, "asking has failed inside");
    boost::asio::co_spawn(loop, http::Client::ask(client_, std::move(question)),
                          [&](const std::exception_ptr& thrown, Checked<http::Answer> answer) {
                              if (!thrown) result = std::move(answer);
                          });
    loop.run();
    if (result) return result;
    Failure failure = result.error();
    const bool away = failure.code == errc::connection_refused || failure.code == errc::host_not_found;
    failure.text = "the server API at " + url_ + ": " + failure.text;
    if (away) failure.text += ": check that the server is running, that its api.address is this one, and --api";
    if (failure.code == errc::certificate_rejected) failure.text += "; for a private CA give --ca-file FILE";
    return failure;
}

}  // namespace flare::cli::api
