// flare doctor: examines the way to a server step by step, and says what to do about what is wrong.
#include "client_options.hpp"
#include "commands.hpp"
#include "examination.hpp"
#include "output.hpp"
#include "transport/host.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <csignal>

namespace flare::cli {
namespace {

struct DoctorOptions {
    bool no_echo = false;
};

// All addresses of a host, IPv6 first, as clients try them.
std::vector<boost::asio::ip::address> resolve(Report& report, const client::Url& url) {
    auto found = transport::known_addresses(url.host);
    if (found.size() == 1) return found;  // it is an address
    boost::system::error_code error;
    if (found.empty()) {
        boost::asio::io_context context;
        boost::asio::ip::tcp::resolver resolver(context);
        for (const auto& each : resolver.resolve(url.host, std::to_string(url.port), error)) {
            const auto address = each.endpoint().address();
            if (std::find(found.begin(), found.end(), address) == found.end()) found.push_back(address);
        }
    }
    if (found.empty()) {
        report.add(problem("name", name(errc::host_not_found),
                           "the name " + url.host + " cannot be resolved: " + error.message(),
                           "check its spelling, and this machine's name server (/etc/resolv.conf)"));
        return found;
    }
    std::string text;
    for (const auto& address : found) text += (text.empty() ? "" : ", ") + address.to_string();
    report.add(fine("name", url.host + " is " + text));
    return found;
}

void examine(Report& report, Reached& reached, const ClientOptions& options, const std::string& text, bool echo) {
    report.begin(text);
    auto url = client::parse_url(text, text.substr(0, text.find(':')));
    if (!url) {
        return report.add(problem("address", name(url.error().code), url.error().text, "correct the address"));
    }
    std::string trust_problem;
    auto trust =
        transport::tls::ClientContext::load({options.ca_file, options.client_cert, options.client_key}, &trust_problem);
    if (!trust) {
        return report.add(problem("files", name(static_cast<errc>(trust.error().value())), trust_problem,
                                  "correct --ca-file, --client-cert or --client-key"));
    }
    Examination examination{options, report, reached, std::move(*url), {}, std::move(*trust)};
    examination.addresses = resolve(report, examination.url);
    if (examination.addresses.empty()) return;
    const bool goes_on =
        examination.url.protocol == Protocol::quic ? examine_quic(examination) : examine_websocket(examination);
    if (goes_on) return examine_session(examination, echo);
    report.add(skipped("session", "skipped: fix the problem above first"));
}

int run_doctor(const ClientOptions& given, const DoctorOptions& doctor) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to whoever has hung up
    auto urls = urls_of(given);
    if (!urls) return report_failure("doctor", given, urls.error());
    ClientOptions options = given;
    if (options.user.empty() && token_or_none(options).empty()) options.user = "flare-doctor";
    // QUIC first: whether UDP works tells more about a silent TCP port.
    std::stable_partition(urls->begin(), urls->end(), [](const std::string& url) { return url.starts_with("quic:"); });

    Report report(options.json);
    Reached reached;
    report.begin("token");
    examine_token(report, options);
    for (const std::string& url : *urls) examine(report, reached, options, url, !doctor.no_echo);
    report.finish();
    return report.problems() == 0 ? kDone : kFailed;
}

}  // namespace

void add_doctor(CLI::App& app, Run& run) {
    CLI::App* command = app.add_subcommand("doctor", "Diagnose why a server cannot be reached, and say how to fix it");
    auto options = std::make_shared<DoctorOptions>();
    command->add_flag("--no-echo", options->no_echo,
                      "send no message; by default the server's handler gets one of type flare-doctor");
    auto common = add_client_options(*command, Urls::positional);
    command->callback([common, options, &run] { run = [common, options] { return run_doctor(*common, *options); }; });
}

}  // namespace flare::cli
