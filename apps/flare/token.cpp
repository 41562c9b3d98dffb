// flare token: tokens (JWT) for trying out and for tests. docs/auth.md says what a server makes of them.
#include "auth/base64url.hpp"
#include "auth/jwt.hpp"
#include "auth/key_file.hpp"
#include "base/file.hpp"
#include "base/json/member.hpp"
#include "base/utf8.hpp"
#include "commands.hpp"
#include "keys/key_pair.hpp"
#include "keys/new_file.hpp"
#include "output.hpp"
#include "server_config/value.hpp"
#include "token_claims.hpp"

#include <array>
#include <chrono>
#include <iostream>
#include <memory>
#include <optional>

namespace flare::cli {
namespace {

namespace json = boost::json;
using std::chrono::system_clock;

constexpr std::size_t kMaxKeyFileBytes = 256 * 1024;
constexpr std::size_t kMaxNameBytes = 256;  // of a user, or an id of a token

int fail(const std::string& text) {
    print_problem("token", text);
    return kFailed;
}

int misused(const std::string& text) {
    print_problem("token", text);
    return kUsage;
}

std::int64_t unix_seconds(system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string date(std::int64_t seconds) {
    const std::time_t time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    char text[64];
    if (::gmtime_r(&time, &parts) == nullptr || std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        return "a time outside the calendar";
    return text;
}

// "3 h", for people: the largest unit that there is one of.
std::string span(std::int64_t seconds) {
    constexpr std::array<std::pair<std::int64_t, const char*>, 3> kUnits = {
        {{86'400, " d"}, {3600, " h"}, {60, " min"}}};
    for (const auto& [worth, name] : kUnits) {
        if (seconds >= worth) return std::to_string(seconds / worth) + name;
    }
    return std::to_string(seconds) + " s";
}

// "-5m" is 5 minutes ago.
Checked<system_clock::time_point> from_now(std::string_view text) {
    const bool ago = text.starts_with('-');
    const auto time = server_config::parse_duration(ago ? text.substr(1) : text);
    if (!time) return time.error();
    const auto now = system_clock::now();
    return ago ? now - *time : now + *time;
}

// ---- make ----

struct MakeOptions {
    std::string key, algorithm, user, user_claim = "sub", expires = "1h", not_before, issuer, jti, kid;
    std::vector<std::string> audience;
    bool json = false;
};

// What no server takes is not made. Empty: all is well.
std::string unusable(const MakeOptions& options) {
    const auto bad = [](const char* flag, const std::string& text) -> std::string {
        if (text.empty()) return std::string(flag) + ": is empty; no server accepts such a token";
        if (text.size() > kMaxNameBytes)
            return std::string(flag) + ": is longer than 256 bytes; no server accepts that";
        return base::is_utf8(text) ? std::string() : std::string(flag) + ": is not UTF-8";
    };
    if (std::string why = bad("--user", options.user); !why.empty()) return why;
    if (std::string why = bad("--user-claim", options.user_claim); !why.empty()) return why;
    for (const char* reserved : {"iat", "exp", "nbf", "iss", "aud", "jti"}) {
        if (options.user_claim == reserved) return std::string("--user-claim: ") + reserved + " says otherwise";
    }
    return options.jti.empty() ? std::string() : bad("--jti", options.jti);
}

int make_token(const MakeOptions& options) {
    if (const std::string why = unusable(options); !why.empty()) return misused(why);
    const auto key = KeyPair::read(options.key, algorithm_named(options.algorithm));
    if (!key) return fail(key.error().text);
    const auto expires = from_now(options.expires);
    if (!expires) return misused("--expires: " + expires.error().text);
    json::object header{{"alg", auth::jose_name(key->algorithm())}, {"typ", "JWT"}};
    if (!options.kid.empty()) header["kid"] = options.kid;
    json::object claims{{options.user_claim, options.user},
                        {"iat", unix_seconds(system_clock::now())},
                        {"exp", unix_seconds(*expires)}};
    if (!options.not_before.empty()) {
        const auto begins = from_now(options.not_before);
        if (!begins) return misused("--not-before: " + begins.error().text);
        claims["nbf"] = unix_seconds(*begins);
    }
    if (!options.issuer.empty()) claims["iss"] = options.issuer;
    if (options.audience.size() == 1) claims["aud"] = options.audience.front();
    if (options.audience.size() > 1) claims["aud"] = json::value_from(options.audience);
    if (!options.jti.empty()) claims["jti"] = options.jti;
    const std::string text =
        auth::to_base64url(json::serialize(header)) + "." + auth::to_base64url(json::serialize(claims));
    const std::string token = text + "." + auth::to_base64url(key->sign(text));
    if (options.json) {
        print_json({{"token", token}, {"user", options.user}, {"expires", date(unix_seconds(*expires))}});
    } else {
        std::printf("%s\n", token.c_str());
    }
    return kDone;
}

// ---- show ----

struct ShowOptions {
    std::string token, key, algorithm, issuer;
    std::vector<std::string> audience;
    bool json = false;
};

std::optional<json::object> part(std::string_view text) {
    const auto bytes = auth::from_base64url(text);
    if (!bytes) return std::nullopt;
    boost::system::error_code error;
    const json::value value = json::parse(*bytes, error);
    if (error || !value.is_object()) return std::nullopt;
    return value.as_object();
}

std::optional<std::int64_t> seconds_in(const json::object& claims, std::string_view name) {
    const auto* const value = base::json_member(claims, name);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const double number = value->to_number<double>();
    if (!(number >= 0 && number < 1e11)) return std::nullopt;
    return static_cast<std::int64_t>(number);
}

// What is wrong with it whoever has signed it.
std::vector<std::string> problems_of(const json::object& header, const json::object& claims) {
    std::vector<std::string> problems;
    const std::int64_t now = unix_seconds(system_clock::now());
    const auto* const algorithm = header.if_contains("alg");
    const bool known = algorithm != nullptr && algorithm->is_string() && algorithm_named(algorithm->as_string());
    if (!known)
        problems.emplace_back("its algorithm is not accepted by Flare servers (HS256, RS256, ES256, EdDSA are)");
    const auto expires = seconds_in(claims, "exp");
    const auto begins = seconds_in(claims, "nbf");
    const auto issued = seconds_in(claims, "iat");
    if (base::json_member(claims, "exp") == nullptr) problems.emplace_back("it has no expiry (exp)");
    if (expires && *expires <= now)
        problems.push_back("it expired " + span(now - *expires) + " ago (" + date(*expires) + ")");
    if (begins && *begins > now)
        problems.push_back("it becomes valid in " + span(*begins - now) + " (" + date(*begins) + ")");
    if (issued && *issued > now)
        problems.push_back("it was issued in the future (" + date(*issued) + "); is a clock wrong?");
    return problems;
}

// By the server's own rules. Nothing: it is good.
std::optional<std::string> refusal(const ShowOptions& options, const std::string& token) {
    JwtOptions rules;
    const auto text = base::read_text(options.key, "key", kMaxKeyFileBytes, base::Access::open);
    if (!text) return text.error().text;
    const std::size_t first = text->find_first_not_of(" \t\r\n");
    if (first != text->npos && (*text)[first] == '{') {
        rules.jwks_file = options.key;
    } else {
        rules.key_file = options.key;
        rules.algorithm = algorithm_named(options.algorithm);
        if (!rules.algorithm) return "--key with a single key needs --alg";
    }
    rules.issuer = options.issuer;
    rules.audience = options.audience;
    const auto keys = auth::KeyFile::open(rules);
    if (!keys) return keys.error().text;
    const auto verified = auth::verify_jwt(token, *(*keys)->keys(), rules, system_clock::now());
    if (verified) return std::nullopt;
    return verified.error().text;
}

void print_part(const char* title, const json::object& object) {
    std::printf("%s\n", coloured(Tone::strong, title).c_str());
    for (const auto& [name, value] : object) {
        std::string shown = printable(json::serialize(value));
        const auto time = name == "exp" || name == "nbf" || name == "iat" ? seconds_in(object, name) : std::nullopt;
        if (time) shown += "  " + coloured(Tone::dim, date(*time));
        std::printf("  %-10s %s\n", printable(name).c_str(), shown.c_str());
    }
}

int show_token(const ShowOptions& options) {
    std::string token = options.token;
    if (token == "-") std::getline(std::cin, token);
    const std::size_t first = token.find('.');
    const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
    if (second == token.npos || token.size() > auth::kMaxTokenBytes)
        return fail("this is not a token: it must have three parts separated by dots, and at most 8192 bytes");
    const auto header = part(std::string_view(token).substr(0, first));
    const auto claims = part(std::string_view(token).substr(first + 1, second - first - 1));
    if (!header || !claims)
        return fail(std::string("this is not a token: its ") + (header ? "claims are" : "header is") +
                    " not JSON in base64url");
    std::vector<std::string> problems = problems_of(*header, *claims);
    for (std::string& each : time_faults(token)) problems.push_back(std::move(each));
    if (!options.key.empty()) {
        // The server's words last; they may say the same of a time once more.
        if (const auto refused = refusal(options, token)) problems.push_back("the server refuses it: " + *refused);
    }
    if (options.json) {
        print_json({{"header", *header},
                    {"claims", *claims},
                    {"verified", options.key.empty() ? json::value(nullptr) : json::value(problems.empty())},
                    {"problems", json::value_from(problems)}});
        return problems.empty() ? kDone : kFailed;
    }
    print_part("header", *header);
    print_part("claims", *claims);
    for (const std::string& each : problems)
        std::printf("%s %s\n", coloured(Tone::bad, "wrong:").c_str(), printable(each).c_str());
    if (options.key.empty()) {
        std::printf("%s\n", coloured(Tone::dim, "the signature was not verified: give --key to verify it").c_str());
    } else if (problems.empty()) {
        std::printf("%s\n", coloured(Tone::good, "a server with this key accepts it").c_str());
    }
    return problems.empty() ? kDone : kFailed;
}

// ---- key ----

struct KeyOptions {
    std::string algorithm = "EdDSA", out;
    bool force = false;
    bool json = false;
};

int make_key(const KeyOptions& options) {
    const std::string public_file = options.out + ".pub";
    const auto algorithm = algorithm_named(options.algorithm).value_or(JwtAlgorithm::eddsa);
    const bool secret = algorithm == JwtAlgorithm::hs256;
    for (const std::string& file : {options.out, public_file}) {
        if (const auto free = may_be_made(file, options.force); !free) return fail(free.error().text);
    }
    const auto key = KeyPair::make(algorithm);
    if (!key) return fail(key.error().text);
    auto written = write_new_file(options.out, key->private_text(), false, options.force);
    if (written && !secret) written = write_new_file(public_file, key->public_pem(), true, options.force);
    if (!written) return fail(written.error().text);
    if (options.json) {
        json::object result{{"private", options.out}, {"algorithm", options.algorithm}};
        if (!secret) result["public"] = public_file;
        print_json(result);
    } else if (secret) {
        std::printf("made %s: the secret, for the signer and for the server\n", options.out.c_str());
    } else {
        std::printf("made %s (private, for the signer) and %s (public, for the server)\n", options.out.c_str(),
                    public_file.c_str());
    }
    return kDone;
}

const CLI::IsMember kAlgorithms({"HS256", "RS256", "ES256", "EdDSA"});

}  // namespace

void add_token(CLI::App& app, Run& run) {
    CLI::App* token = app.add_subcommand("token", "Make and inspect tokens (JWT) and their keys");
    token->require_subcommand(1);

    auto making = std::make_shared<MakeOptions>();
    CLI::App* make = token->add_subcommand("make", "Make a token, for testing");
    make->add_option("--key", making->key, "file with the PEM private key, or the HS256 secret")
        ->required()
        ->type_name("FILE");
    make->add_option("--alg", making->algorithm, "signature algorithm (default: the one the key is for)")
        ->check(kAlgorithms)
        ->type_name("NAME");
    make->add_option("--user", making->user, "user id in the token")->required()->type_name("USER");
    make->add_option("--user-claim", making->user_claim, "claim that carries the user id")
        ->capture_default_str()
        ->type_name("NAME");
    make->add_option("--expires", making->expires,
                     "lifetime from now; --expires=-5m makes a token that expired 5 minutes ago")
        ->capture_default_str()
        ->type_name("DURATION");
    make->add_option("--not-before", making->not_before, "time until the token becomes valid")->type_name("DURATION");
    make->add_option("--issuer", making->issuer, "issuer (iss)")->type_name("TEXT");
    make->add_option("--audience", making->audience, "audience (aud); repeatable")->type_name("TEXT");
    make->add_option("--jti", making->jti, "token id (jti), by which it can be revoked")->type_name("TEXT");
    make->add_option("--kid", making->kid, "key id (kid)")->type_name("TEXT");
    make->add_flag("--json", making->json, "print one JSON object");
    make->callback([making, &run] { run = [making] { return make_token(*making); }; });

    auto showing = std::make_shared<ShowOptions>();
    CLI::App* show = token->add_subcommand("show", "Decode a token and report its problems");
    show->add_option("token", showing->token,
                     "the token; -: read one line of standard input, which other users cannot see")
        ->required()
        ->type_name("TOKEN");
    show->add_option("--key", showing->key, "verify the token like a server with this public key, secret or key set")
        ->type_name("FILE");
    show->add_option("--alg", showing->algorithm, "algorithm of a single key")->check(kAlgorithms)->type_name("NAME");
    show->add_option("--issuer", showing->issuer, "issuer that the server requires (iss)")->type_name("TEXT");
    show->add_option("--audience", showing->audience, "audience that the server accepts (aud)")->type_name("TEXT");
    show->add_flag("--json", showing->json, "print one JSON object");
    show->callback([showing, &run] { run = [showing] { return show_token(*showing); }; });

    auto keying = std::make_shared<KeyOptions>();
    CLI::App* key = token->add_subcommand("key", "Make a key for signing tokens");
    key->add_option("--alg", keying->algorithm, "signature algorithm")
        ->capture_default_str()
        ->check(kAlgorithms)
        ->type_name("NAME");
    key->add_option("--out", keying->out, "the private key; the public key is written to FILE.pub")
        ->required()
        ->type_name("FILE");
    key->add_flag("--force", keying->force, "replace existing files");
    key->add_flag("--json", keying->json, "print one JSON object");
    key->callback([keying, &run] { run = [keying] { return make_key(*keying); }; });
}

}  // namespace flare::cli
