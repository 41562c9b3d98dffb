// flare certs: certificates and keys for trying out, and what is in those that there are.
#include "commands.hpp"
#include "keys/certificates.hpp"
#include "output.hpp"

#include <chrono>
#include <ctime>
#include <memory>

namespace flare::cli {
namespace {

namespace json = boost::json;
using std::chrono::system_clock;

constexpr auto kSoon = std::chrono::hours(24 * 30);

int fail(const Failure& failure) {
    print_problem("certs", failure.text);
    return failure.code == errc::invalid_config ? kUsage : kFailed;
}

std::string date(system_clock::time_point time) {
    const std::time_t seconds = system_clock::to_time_t(time);
    std::tm parts{};
    char text[64];
    ::gmtime_r(&seconds, &parts);
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

long long days(system_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::hours>(time).count() / 24;
}

// ---- make ----

int make(CertificateSpec spec, bool as_json) {
    if (spec.names.empty() && spec.addresses.empty()) {
        spec.names = {"localhost"};
        spec.addresses = {"127.0.0.1", "::1"};
    }
    const auto made = make_certificates(spec);
    if (!made) return fail(made.error());
    bool sealing_made = false;
    const auto sealing = sealing_key(spec.folder + "/sealing.key", false, sealing_made);
    if (!sealing) return fail(sealing.error());
    if (as_json) {
        print_json({{"files", json::value_from(*made)}, {"sealing_public_key", *sealing}});
        return kDone;
    }
    for (const std::string& each : *made) std::printf("made %s\n", each.c_str());
    std::printf("%s %s/sealing.key; clients pin %s\n", sealing_made ? "made" : "kept", spec.folder.c_str(),
                sealing->c_str());
    std::printf("clients trust %s/ca.crt\n", spec.folder.c_str());
    return kDone;
}

// ---- show ----

struct Standing {
    std::string text;
    Tone tone;
    bool good;
};

Standing standing_of(const CertificateFacts& facts) {
    const auto now = system_clock::now();
    if (facts.until < now)
        return {"expired " + std::to_string(days(now - facts.until)) + " days ago", Tone::bad, false};
    if (facts.from > now) return {"not valid yet", Tone::bad, false};
    const std::string left = std::to_string(days(facts.until - now)) + " days left";
    return {left, facts.until - now < kSoon ? Tone::warning : Tone::good, true};
}

int show(const std::string& file, const std::string& key_file, bool as_json) {
    const auto all = read_certificates(file);
    if (!all) return fail(all.error());
    bool good = true;
    json::array list;
    for (const CertificateFacts& each : *all) {
        const Standing standing = standing_of(each);
        good = good && standing.good;
        if (as_json) {
            list.push_back(json::object{{"subject", each.subject},
                                        {"issuer", each.issuer},
                                        {"names", json::value_from(each.names)},
                                        {"key", each.key},
                                        {"from", date(each.from)},
                                        {"until", date(each.until)},
                                        {"authority", each.authority},
                                        {"good", standing.good},
                                        {"verdict", standing.text}});
            continue;
        }
        std::string names;
        for (const std::string& name : each.names) names.append(names.empty() ? "" : ", ").append(name);
        std::printf("%s\n", coloured(Tone::strong, printable(each.subject)).c_str());
        std::printf("  issuer   %s\n", printable(each.issuer).c_str());
        if (!names.empty()) std::printf("  names    %s\n", printable(names).c_str());
        std::printf("  key      %s%s\n", printable(each.key).c_str(), each.authority ? "; CA" : "");
        std::printf("  valid    %s to %s: %s\n", date(each.from).c_str(), date(each.until).c_str(),
                    coloured(standing.tone, standing.text).c_str());
    }
    const auto chain = chain_problems(file);
    if (!chain) return fail(chain.error());
    good = good && chain->empty();
    if (!as_json) {
        for (const std::string& each : *chain)
            std::printf("%s %s\n", coloured(Tone::bad, "chain:").c_str(), printable(each).c_str());
    }
    json::object result{{"certificates", list}, {"chain_problems", json::value_from(*chain)}};
    if (!key_file.empty()) {
        const auto mismatch = key_mismatch(file, key_file);
        good = good && !mismatch;
        result["key_matches"] = !mismatch;
        if (mismatch) print_problem("certs", *mismatch);
        if (!as_json && !mismatch) std::printf("  %s is its key\n", key_file.c_str());
    }
    if (as_json) print_json(result);
    return good ? kDone : kFailed;
}

// ---- sealing-key ----

int sealing(const std::string& file, bool force, bool as_json) {
    bool made = false;
    const auto key = sealing_key(file, force, made);
    if (!key) return fail(key.error());
    if (as_json) {
        print_json({{"file", file}, {"public_key", *key}, {"made", made}});
    } else {
        if (made) std::fprintf(stderr, "made %s; clients pin:\n", file.c_str());
        std::printf("%s\n", key->c_str());
    }
    return kDone;
}

}  // namespace

void add_certs(CLI::App& app, Run& run) {
    CLI::App* certs = app.add_subcommand("certs", "Make and inspect certificates and keys");
    certs->require_subcommand(1);

    struct Making {
        CertificateSpec spec;
        bool json = false;
    };
    auto making = std::make_shared<Making>();
    CLI::App* make_command =
        certs->add_subcommand("make", "Make a CA, a server and a client certificate, and a sealing key");
    make_command->add_option("--out", making->spec.folder, "output folder")->capture_default_str()->type_name("FOLDER");
    make_command->add_option("--name", making->spec.names, "of the server; repeatable")->type_name("HOST");
    make_command->add_option("--ip", making->spec.addresses, "of the server; repeatable")->type_name("ADDRESS");
    make_command->add_option("--days", making->spec.days, "how many days the certificates are valid")
        ->capture_default_str()
        ->check(CLI::Range(1, 36500))
        ->type_name("NUMBER");
    make_command->add_flag("--force", making->spec.force, "replace existing files, except the sealing key");
    make_command->add_flag("--json", making->json, "print one JSON object");
    make_command->footer("Without --name and --ip: localhost, 127.0.0.1 and ::1. For testing, not for public servers.");
    make_command->callback([making, &run] { run = [making] { return make(making->spec, making->json); }; });

    struct Showing {
        std::string file, key;
        bool json = false;
    };
    auto showing = std::make_shared<Showing>();
    CLI::App* show_command = certs->add_subcommand(
        "show", "Show what a certificate is for and how long it is valid; fails if it is not valid");
    show_command->add_option("file", showing->file, "file with PEM certificates")->required()->type_name("FILE");
    show_command->add_option("--key", showing->key, "check that this key belongs to the first certificate")
        ->type_name("FILE");
    show_command->add_flag("--json", showing->json, "print one JSON object");
    show_command->callback(
        [showing, &run] { run = [showing] { return show(showing->file, showing->key, showing->json); }; });

    struct Sealing {
        std::string file;
        bool force = false;
        bool json = false;
    };
    auto options = std::make_shared<Sealing>();
    CLI::App* sealing_command = certs->add_subcommand(
        "sealing-key", "Print the public half of a sealing key; makes the key if it does not exist");
    sealing_command->add_option("file", options->file, "the secret key; the public key is written next to it (.pub)")
        ->required()
        ->type_name("FILE");
    sealing_command->add_flag("--force", options->force, "replace an existing key");
    sealing_command->add_flag("--json", options->json, "print one JSON object");
    sealing_command->callback(
        [options, &run] { run = [options] { return sealing(options->file, options->force, options->json); }; });
}

}  // namespace flare::cli
