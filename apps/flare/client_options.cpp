#include "client_options.hpp"

#include "api/connection.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "client/connect/url.hpp"
#include "output.hpp"
#include "records.hpp"
#include "token_claims.hpp"
#include "transport/url.hpp"

#include <boost/algorithm/string/case_conv.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace flare::cli {
namespace {

constexpr std::size_t kMaxTokenFileBytes = 64 * 1024;
constexpr const char* kDefaultUrl = "flare://127.0.0.1";

Checked<std::vector<std::string>> expand(const std::string& url) {
    const auto wrong = [&](const char* why) { return Failure(errc::invalid_config, "'" + url + "' " + why); };
    const std::size_t scheme_end = std::min(url.find("://"), url.size());
    const std::string scheme = boost::to_lower_copy(url.substr(0, scheme_end));
    const std::string rest = url.substr(std::min(scheme_end + 3, url.size()));
    if (scheme == "ws" || scheme == "wss" || scheme == "quic") return std::vector{scheme + "://" + rest};
    if (scheme != "flare")
        return wrong("is not a server address: use ws://HOST:PORT, wss://HOST:PORT, quic://HOST:PORT or flare://HOST");
    const auto place = transport::parse_authority(rest);
    if (!place || place->host.empty() || place->port) {
        return wrong(
            "must be flare://HOST and nothing else (an IPv6 address in brackets): it stands for ports 4010 and 4000; "
            "for other ports write quic://HOST:PORT and wss://HOST:PORT");
    }
    const std::string host = transport::in_brackets(place->host);
    const char* const websocket = api::is_this_machine(place->host) ? "ws://" : "wss://";
    return std::vector{"quic://" + host + ":4010", websocket + host + ":4000"};
}

// Without a name: it says nothing in the help.
CLI::Validator not_empty() {
    return CLI::Validator(
        [](std::string& text) {
            return text.empty() ? std::string("is empty: omit it or give a value") : std::string();
        },
        "");
}

}  // namespace

std::shared_ptr<ClientOptions> add_client_options(CLI::App& command, Urls urls) {
    auto options = std::make_shared<ClientOptions>();
    ClientOptions& o = *options;
    const std::size_t own = command.get_options().size();
    command.footer(
        "Addresses: ws://HOST:PORT, wss://HOST:PORT, quic://HOST:PORT; flare://HOST stands for\nquic://HOST:4010 and "
        "wss://HOST:4000 (ws:// on this machine). Given several, the client uses\nthe better one. Default: "
        "flare://127.0.0.1");
    command
        .add_option(urls == Urls::positional ? "url,--url" : "--url", o.urls,
                    "server address; at most one of each kind")
        ->type_name("URL")
        ->allow_extra_args(urls == Urls::positional);  // where it is named, what follows one URL is something else
    command.add_option("--user", o.user, "user id (default: the token's, else your login name)")->envname("FLARE_USER");
    command.add_option("--token", o.token,
                       "credential; visible to other users of this machine in the process list: prefer --token-file or "
                       "the environment");
    command.add_option("--token-file", o.token_file,
                       "file with the credential; read again for every connection attempt");
    command.add_option("--ca-file", o.ca_file, "CA certificates (PEM) to trust, instead of the system's")
        ->envname("FLARE_CA_FILE");
    auto* certificate = command.add_option("--client-cert", o.client_cert, "client certificate (PEM)");
    auto* key = command.add_option("--client-key", o.client_key, "key of the client certificate (PEM)");
    certificate->needs(key);
    key->needs(certificate);
    command.add_option("--server-name", o.server_name,
                       "name that the server's certificate must have (default: the URL's host)");
    command.add_option("--server-key", o.server_key, "the server's public sealing key in base64, for --encrypt");
    command.add_option("--encrypt", o.encrypt, "seal everything between client and server: off, preferred, required")
        ->check(CLI::IsMember({"off", "preferred", "required"}));
    command.add_flag("--record", o.record, "write a flight record where flare explain looks for it");
    command.add_option("--record-folder", o.record_folder, "write the flight record to this folder")
        ->type_name("FOLDER");
    command.add_flag("--compress", o.compress, "compress payloads if the server supports it");
    command.add_option("--device", o.device, "device id (default: a random one)");
    command.add_option("--timeout", o.timeout_seconds, "connection time-out in seconds (default 5)")
        ->check(CLI::Range(0.05, 3600.0));
    command.add_option("--protocol", o.protocol, "protocol: auto (the better one), ws or quic")
        ->check(CLI::IsMember({"auto", "ws", "quic"}));
    command.add_flag("--json", o.json, "print one JSON object per line; the last one is the result");
    // "--token-file $UNSET" would quietly mean something else: nobody, everybody, the default. A command's own options,
    // which come before, may be empty: a text, say.
    const auto all = command.get_options();
    for (std::size_t i = own; i < all.size(); ++i) {
        if (all[i]->get_expected_max() != 0) all[i]->check(not_empty());
    }
    return options;
}

Checked<std::vector<std::string>> urls_of(const ClientOptions& options) {
    std::vector<std::string> urls;
    for (const std::string& url : options.urls.empty() ? std::vector<std::string>{kDefaultUrl} : options.urls) {
        auto expanded = expand(url);
        if (!expanded) return expanded.error();
        urls.insert(urls.end(), expanded->begin(), expanded->end());
    }
    return urls;
}

Checked<ServerAddresses> addresses_of(const ClientOptions& options) {
    const auto urls = urls_of(options);
    if (!urls) return urls.error();
    ServerAddresses addresses;
    for (const std::string& url : *urls) {
        std::string& place = url.starts_with("quic:")  ? addresses.quic
                             : url.starts_with("wss:") ? addresses.websocket_tls
                                                       : addresses.websocket;
        if (!place.empty())
            return Failure(errc::invalid_config,
                           "'" + place + "' and '" + url + "': give at most one address of each kind");
        // A client would go on with the other address; on a command line every word is meant.
        if (const auto good = client::parse_url(url, url.substr(0, url.find(':'))); !good) return good.error();
        place = url;
    }
    return addresses;
}

Checked<std::string> token_of(const ClientOptions& options) {
    std::string token = options.token;
    if (token.empty() && !options.token_file.empty()) {
        auto read = base::read_text(options.token_file, "--token-file", kMaxTokenFileBytes, base::Access::secret);
        if (!read) return read;
        token = std::move(*read);
    } else if (const char* given = std::getenv("FLARE_TOKEN"); token.empty() && given != nullptr) {
        token = given;
    }
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
    return token;
}

std::string token_or_none(const ClientOptions& options) {
    auto token = token_of(options);
    return token ? std::move(*token) : std::string();
}

std::string user_of(const ClientOptions& options) {
    if (!options.user.empty()) return options.user;
    if (const auto token = token_of(options); token) {
        if (const auto claims = claims_of(*token); claims && !claims->subject.empty()) return claims->subject;
    }
    if (const char* login = std::getenv("USER"); login != nullptr && *login != '\0') return login;
    static const std::string guest = "guest-" + std::to_string(std::random_device{}() % 1'000'000);
    return guest;
}

// A command that runs for others comes to an end, in place of trying for ever.
constexpr std::uint32_t kAttempts = 5;

Checked<ClientBuilder> builder_of(const ClientOptions& options) {
    auto addresses = addresses_of(options);
    if (!addresses) return addresses.error();
    if (const auto token = token_of(options); !token) return token.error();
    // What the library logs, these commands tell by its events and errors.
    base::log().set_level(base::Log::Level::err);
    ClientBuilder builder(user_of(options));
    builder.server_addresses(std::move(*addresses))
        .connection_timeout(options.timeout())
        .compression(options.compress)
        .max_reconnect_attempts(kAttempts)
        .token([options] { return token_or_none(options); });
    if (options.protocol == "ws") builder.protocol_selection_mode(ProtocolSelection::websocket);
    if (options.protocol == "quic") builder.protocol_selection_mode(ProtocolSelection::quic);
    if (!options.ca_file.empty()) builder.ca_file(options.ca_file);
    if (!options.client_cert.empty()) builder.client_cert(options.client_cert, options.client_key);
    if (!options.server_name.empty()) builder.server_name(options.server_name);
    if (!options.server_key.empty()) builder.server_key(options.server_key);
    if (options.record || !options.record_folder.empty()) {
        auto folder = options.record_folder.empty() ? make_record_folder() : options.record_folder;
        if (!folder) return folder.error();
        if (const auto fits = check_record_folder(*folder); !fits) return fits.error();
        builder.flight_recorder(std::move(*folder));
    }
    if (!options.device.empty()) builder.device_id(options.device);
    if (options.encrypt != "off")
        builder.encryption(options.encrypt == "required" ? Encryption::required : Encryption::preferred);
    return builder;
}

EventCallback RecordFault::watch(EventCallback next) {
    return [this, next = std::move(next)](const Event& event) {
        const auto* const error = std::get_if<event::Error>(&event);
        if (error != nullptr && error->failure.text.starts_with("flight record ")) {
            const std::lock_guard lock(mutex_);
            failure_ = error->failure;
        }
        next(event);
    };
}

std::optional<Failure> RecordFault::found() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

int conclude(std::string_view command, const ClientOptions& options, int code) {
    const auto fault = options.record_fault->found();
    if (!fault) return code;
    print_problem(command, printable(fault->text));
    return code == kDone ? static_cast<int>(kFailed) : code;
}

namespace {

// What to do, where the text of a failure cannot know the tool's options. Empty: nothing beyond it.
std::string advice(const ClientOptions& options, errc code) {
    if (code == errc::certificate_rejected) {
        return options.ca_file.empty() ? "For a certificate of a private CA, give --ca-file FILE."
                                       : "Run `flare doctor URL` with the same options to check the certificate.";
    }
    if (code == errc::unauthenticated && token_or_none(options).empty())
        return "The server requires a token: give --token-file FILE or set FLARE_TOKEN.";
    if (exit_code_of(code) == kUnreachable) return "Run `flare doctor URL` to find out why.";
    return {};
}

}  // namespace

int report_failure(std::string_view command, const ClientOptions& options, const Failure& failure) {
    print_problem(command, printable(failure.text));
    if (const std::string more = advice(options, failure.code); !more.empty() && !options.json)
        std::fprintf(stderr, "%s\n", more.c_str());
    if (options.json)
        print_json({{"result", "failed"}, {"code", std::string(name(failure.code))}, {"text", failure.text}});
    return exit_code_of(failure.code);
}

}  // namespace flare::cli
