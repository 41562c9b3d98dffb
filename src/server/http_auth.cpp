// Asking the operator's service who somebody is: docs/auth.md, "A service of your own".
#include "auth/answer_cache.hpp"
#include "base/json/object.hpp"
#include "base/log.hpp"
#include "server/known_auth.hpp"
#include "transport/http/client.hpp"

#include <flare/auth.hpp>
#include <flare/printable.hpp>

#include <atomic>

namespace flare {
namespace {

namespace http = transport::http;

constexpr double kLongestMs = 1e14;  // some 3,000 years; larger is no time
constexpr auto kFar = std::chrono::hours(24 * 36'500);
constexpr std::size_t kMaxTextBytes = 200;
constexpr std::size_t kMaxTokenIdBytes = 256;

// What all questions of one handler share.
struct Hook {
    Hook(HttpAuthOptions options_, http::Endpoint endpoint)
        : options(std::move(options_)),
          client(std::make_shared<http::Client>(std::move(endpoint))),
          cache(options.cache_entries) {}

    const HttpAuthOptions options;
    const std::shared_ptr<http::Client> client;
    auth::AnswerCache cache;
    std::atomic<std::uint32_t> under_way{0};

    // No answer is the service's fault and not the client's, which comes back.
    Failure no_answer(const std::string& why) const {
        base::log().limited(base::LogKind::unanswered_authentication, "http_auth {}: {}", options.url, why);
        return {errc::busy, "authentication is unavailable at the moment; retry later"};
    }
};

class UnderWay {
public:
    explicit UnderWay(std::shared_ptr<Hook> hook)
        : hook_(std::move(hook)), count_(hook_->under_way.fetch_add(1, std::memory_order_relaxed) + 1) {}
    ~UnderWay() { hook_->under_way.fetch_sub(1, std::memory_order_relaxed); }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    bool too_many() const { return count_ > hook_->options.max_requests; }

private:
    const std::shared_ptr<Hook> hook_;
    const std::uint32_t count_;
};

Failure refused(const http::Answer& answer) {
    std::string_view problem;
    const auto object = base::JsonObject::parse(answer.body, problem);
    const auto text = object ? object->string("text") : std::nullopt;
    if (!text || text->empty() || text->size() > kMaxTextBytes) return errc::unauthenticated;
    return {errc::unauthenticated, printable(*text)};
}

// The body of an answer with status 200.
Checked<Identity> accepted(Hook& hook, const http::Answer& answer, std::chrono::system_clock::time_point now) {
    std::string_view problem;
    const auto object = base::JsonObject::parse(answer.body, problem);
    if (!object) return hook.no_answer("the response body " + std::string(problem));
    const auto user = object->string("user");
    if (!user || user->empty()) return hook.no_answer("the response names no user");
    Identity identity{std::string(*user)};
    if (const auto* left = object->find("expires_in_ms")) {
        if (left->kind != base::JsonValue::Kind::number || !(left->number >= 0 && left->number <= kLongestMs))
            return hook.no_answer("expires_in_ms of the response is not a time");
        const auto ms = std::chrono::milliseconds(static_cast<std::int64_t>(left->number));
        identity.expires = now + std::min<std::chrono::milliseconds>(ms, kFar);
    }
    if (object->find("token_id") != nullptr) {
        const auto id = object->string("token_id");
        if (!id || id->size() > kMaxTokenIdBytes)
            return hook.no_answer("token_id of the response is not a string of at most 256 bytes");
        identity.token_id = *id;
    }
    auto claims = base::object_member(answer.body, "claims");
    if (!claims) return hook.no_answer("claims of the response is not an object");
    if (claims->size() > kMaxClaimsBytes) return Failure(errc::claims_too_large);  // and is not kept
    identity.claims = std::move(*claims);
    return identity;
}

Task<Checked<Identity>> ask(std::shared_ptr<Hook> hook, AuthRequest request) {
    const auto asked_at = std::chrono::system_clock::now();
    const bool caches = hook->options.cache_for.count() > 0;
    const std::string key = caches ? auth::AnswerCache::key_of(request.token, request.claimed_user) : std::string();
    if (caches) {
        if (auto known = hook->cache.find(key, asked_at)) co_return Checked<Identity>(std::move(*known));
    }
    const UnderWay counted(hook);
    if (counted.too_many()) co_return Checked<Identity>(hook->no_answer("max_requests are in flight"));
    std::string question = base::to_json({{"token", request.token},
                                          {"user", request.claimed_user},
                                          {"device", request.device},
                                          {"platform", name(request.platform)},
                                          {"address", request.peer_address}});
    Checked<http::Answer> answer = co_await http::Client::post(hook->client, std::move(question));
    if (!answer) co_return Checked<Identity>(hook->no_answer(answer.error().text));
    if (answer->status == 401 || answer->status == 403) co_return Checked<Identity>(refused(*answer));
    if (answer->status != 200)
        co_return Checked<Identity>(hook->no_answer("the response has status " + std::to_string(answer->status)));
    Checked<Identity> identity = accepted(*hook, *answer, asked_at);
    if (identity && caches) hook->cache.put(key, *identity, asked_at + hook->options.cache_for);
    co_return identity;
}

}  // namespace

AsyncAuthHandler http_auth(HttpAuthOptions options) {
    const auto broken = [](const Failure& failure) {
        return server::BrokenAsyncAuth{Failure(failure.code, "http_auth: " + failure.text)};
    };
    const auto wrong = [&](const char* why) { return broken(Failure(errc::invalid_config, why)); };
    auto url = http::parse_url(options.url);
    if (!url) return wrong(("url " + url.error().text).c_str());
    if (options.timeout.count() <= 0) return wrong("timeout must be more than 0");
    if (options.max_answer_bytes == 0) return wrong("max_answer_bytes must be more than 0");
    if (options.max_requests == 0) return wrong("max_requests must be more than 0");
    if (options.cache_for.count() < 0 || options.cache_for > std::chrono::hours(24))
        return wrong("cache_for must be within 0 and 24 hours");
    if (options.authorization.find_first_of("\r\n") != std::string::npos)
        return wrong("authorization must be one line");
    http::Endpoint endpoint = std::move(url->endpoint);
    endpoint.timeout = options.timeout;
    endpoint.max_answer_bytes = options.max_answer_bytes;
    endpoint.repeatable = true;  // who somebody is changes by no question
    endpoint.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    if (!options.authorization.empty()) endpoint.headers.emplace_back("Authorization", options.authorization);
    if (url->secure) {
        std::string text;
        transport::tls::ClientOptions trust;
        trust.ca_file = options.ca_file;
        auto context = transport::tls::ClientContext::load(trust, &text);
        if (!context) return broken(Failure(static_cast<errc>(context.error().value()), text));
        endpoint.tls = std::move(*context);
    }
    auto hook = std::make_shared<Hook>(std::move(options), std::move(endpoint));
    return [hook](AuthRequest request) { return ask(hook, std::move(request)); };
}

}  // namespace flare
