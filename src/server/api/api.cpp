#include "server/api/api.hpp"

#include "base/crypto.hpp"
#include "base/log.hpp"

#include <flare/printable.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace flare::server::api {
namespace {

using transport::http::Response;
using transport::http::Router;

constexpr std::size_t kMaxConnections = 1024;
constexpr std::size_t kMaxBodyBytes = 8 * 1024 * 1024;
constexpr std::size_t kMaxRequests = 1'000'000;  // of one connection: a back-end keeps its own

Problem of_key(auth::ApiKeys::Wrong wrong) {
    using enum auth::ApiKeys::Wrong;
    switch (wrong) {
        case missing: return problem_of(errc::unauthenticated, "a key is needed: Authorization: Bearer flare_...");
        case malformed:
            return problem_of(errc::unauthenticated, "Authorization is no key: Bearer flare_ID_SECRET is needed");
        case over: return problem_of(errc::token_expired, "the time of this key is over: use its successor");
        case unknown: break;
    }
    return problem_of(errc::unauthenticated, "this key is not known: it may have been revoked");
}

}  // namespace

Api::Api(WorkerGroup& group, const Encoder& encoder, ServerCalls server, std::shared_ptr<const auth::ApiKeys> keys,
         KeptAnswers* kept)
    : keys_(std::move(keys)),
      kept_(kept),
      routes_of_(group, encoder, std::move(server)),
      rate_{group.state.config.backends.api.per_second, group.state.config.backends.api.burst} {
    for (const auto routes :
         {message_routes(), conversation_routes(), member_routes(), user_routes(), system_routes()}) {
        for (const Route& each : routes) {
            router_.add(each.method, each.path, routes_.size());
            routes_.push_back(each);
        }
    }
}

Api::~Api() {
    context_->stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
}

Checked<boost::asio::ip::tcp::endpoint> Api::open(const std::string& address,
                                                  std::shared_ptr<transport::tls::ServerContext> tls) {
    transport::http::ServerOptions options;
    options.max_connections = kMaxConnections;
    options.max_body_bytes = kMaxBodyBytes;
    options.max_requests = kMaxRequests;
    options.idle_timeout = std::chrono::minutes(1);
    auto opened = transport::http::Server::open(*context_, address, std::move(tls), options, *this);
    if (!opened) return Failure(opened.error().code, "api address: " + opened.error().text);
    server_ = std::move(*opened);
    return server_->local_endpoint();
}

void Api::start_thread() {
    thread_ = std::thread([this] { context_->run(); });
}

// ---- who asks, and for what ----

std::optional<Response> Api::not_found(const transport::http::RequestHead& head, const Router::Missed& missed) const {
    switch (missed.why) {
        case Router::Miss::unreadable:
            return response_of(
                malformed("the target cannot be read: it has escapes that are none, a name in its query "
                          "that comes twice, or what is no UTF-8"));
        case Router::Miss::not_found: {
            Problem problem =
                problem_of(errc::not_supported, "this server has no such path: docs/server-api.md has them all");
            problem.status = 404;
            return response_of(problem);
        }
        case Router::Miss::method: break;
    }
    Problem problem = problem_of(errc::not_supported, "this path knows other methods: " + missed.allow);
    problem.status = 405;
    Response response = head.method == "OPTIONS" ? Response{204, "text/plain", {}, {}} : response_of(problem);
    response.fields.add("Allow", missed.allow);
    return response;
}

std::optional<Response> Api::refuse(const transport::http::RequestHead& head, const std::string&) {
    const auto found = router_.find(head.method, head.target);
    if (const auto* const missed = std::get_if<Router::Missed>(&found)) return not_found(head, *missed);
    const Route& route = routes_[std::get<Router::Match>(found).route];
    const auto checked = keys_->check(head.fields.value("Authorization"), std::chrono::system_clock::now());
    if (!checked.key) return response_of(of_key(checked.wrong));
    if (!checked.key->scopes.has(route.group, route.writes())) {
        return response_of(
            problem_of(errc::forbidden, "this key lacks the scope " + auth::scope_name(route.group, route.writes())));
    }
    const auto problem = over_rate(checked.key->id);
    if (!problem) return std::nullopt;
    Response response = response_of(*problem);
    add_rate(checked.key->id, response);
    return response;
}

std::optional<Problem> Api::over_rate(const std::string& key) {
    const auto now = std::chrono::steady_clock::now();
    base::Bucket& bucket = buckets_[key];
    const auto wait = bucket.wait(rate_, 1, now);
    if (wait == std::chrono::nanoseconds(0)) {
        bucket.take(rate_, 1, now);
        return std::nullopt;
    }
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return problem_of(errc::rate_limited, "this key asks too often: ask again after Retry-After",
                      static_cast<std::uint32_t>(ms));
}

// draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4: the quota is the burst, its window the time in which that
// comes back.
void Api::add_rate(const std::string& key, Response& response) {
    if (!rate_.limited()) return;
    const auto now = std::chrono::steady_clock::now();
    const base::Bucket& bucket = buckets_[key];
    const auto seconds = [](std::chrono::nanoseconds time) {
        return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count());
    };
    std::uint64_t left = 0;
    for (std::uint64_t step = std::bit_ceil(rate_.burst); step != 0; step /= 2)
        if (left + step <= rate_.burst && bucket.wait(rate_, left + step, now).count() == 0) left += step;
    response.fields.add("RateLimit-Policy",
                        "\"default\";q=" + std::to_string(rate_.burst) + ";w=" + seconds(rate_.time_of(rate_.burst)));
    response.fields.add(
        "RateLimit", "\"default\";r=" + std::to_string(left) + ";t=" + seconds(bucket.wait(rate_, rate_.burst, now)));
}

std::size_t Api::max_body_bytes(const transport::http::RequestHead& head) {
    const auto found = router_.find(head.method, head.target);
    const auto* const match = std::get_if<Router::Match>(&found);
    return match == nullptr ? 0 : routes_[match->route].max_body_bytes;
}

Response Api::refusal(unsigned status, const std::string& text) {
    const errc code = status == 413   ? errc::message_too_large
                      : status == 503 ? errc::busy
                      : status == 500 ? errc::internal
                                      : errc::malformed_json;
    Problem problem = problem_of(code, text);
    problem.status = status;
    return response_of(problem);
}

// ---- calls ----

// A call that may be done, on its way to its route.
struct Api::Asked {
    transport::http::Request request;
    transport::http::Responder responder;
    Router::Match match;
    auth::ApiKey key;
    Keyed repeat{};
};

void Api::on_request(transport::http::Request request, transport::http::Responder responder) {
    auto found = router_.find(request.head.method, request.head.target);
    auto checked = keys_->check(request.head.fields.value("Authorization"), std::chrono::system_clock::now());
    if (!checked.key) return responder.answer(response_of(of_key(checked.wrong)));  // revoked meanwhile
    const auto asked = std::make_shared<Asked>(Asked{
        std::move(request), std::move(responder), std::move(std::get<Router::Match>(found)), std::move(*checked.key)});
    if (!routes_[asked->match.route].writes()) return perform(asked);
    auto known = repeat_of(asked->request, asked->key.id);
    if (auto* const response = std::get_if<Response>(&known)) return asked->responder.answer(std::move(*response));
    asked->repeat = std::move(std::get<Keyed>(known));
    if (asked->repeat.by.empty() || kept_ == nullptr) return perform(asked);
    kept_->find(asked->repeat.by, asked->repeat.asked,
                [this, asked, context = context_](std::optional<KeptAnswers::Found> kept) {
                    boost::asio::post(*context, [this, asked, kept = std::move(kept)]() mutable {
                        if (!kept) return perform(asked);
                        repeats_.end(asked->repeat.by, asked->repeat.number, std::nullopt);
                        asked->responder.answer(kept->same ? Repeats::repeated(std::move(kept->response))
                                                           : response_of(Repeats::asked_otherwise()));
                    });
                });
}

void Api::perform(const std::shared_ptr<Asked>& asked) {
    const Route& route = routes_[asked->match.route];
    Call::Answered answered = [this, id = asked->key.id](Response& response) { add_rate(id, response); };
    if (route.writes()) {
        answered = [this, &route, repeat = asked->repeat, id = asked->key.id,
                    peer = asked->request.peer_address](Response& response) {
            const bool final = response.status < 500 && response.status != 429;
            if (!repeat.by.empty()) {
                repeats_.end(repeat.by, repeat.number, final ? std::optional(response) : std::nullopt);
                if (final && kept_ != nullptr) kept_->keep(repeat.by, repeat.asked, response);
            }
            add_rate(id, response);  // which is of this answer, and not of a repeat's
            base::log().info("api: {} by the key {} from {}: {}", route.name, id, peer, response.status);
        };
    }
    const auto call = std::make_shared<Call>(context_, std::move(asked->request), std::move(asked->responder),
                                             std::move(asked->match), std::move(asked->key), std::move(answered));
    if (!asked->repeat.by.empty()) call->identify(asked->repeat.by);
    route.handle(routes_of_, call);
}

std::variant<Api::Keyed, Response> Api::repeat_of(const transport::http::Request& request, const std::string& key) {
    const std::string given(request.head.fields.value("Idempotency-Key"));
    if (request.head.fields.count("Idempotency-Key") == 0) return Keyed();
    if (given.empty() || given.size() > Repeats::kMostKeyBytes)
        return response_of(malformed("an Idempotency-Key has 1 to 255 bytes", "Idempotency-Key"));
    Keyed repeat{
        key + '\n' + given,
        std::string(base::view(base::sha256(request.head.method + '\n' + request.head.target + '\n' + request.body)))};
    auto found = repeats_.begin(repeat.by, repeat.asked, Repeats::Clock::now());
    if (auto* const response = std::get_if<Response>(&found)) return std::move(*response);
    if (const auto* const problem = std::get_if<Problem>(&found)) return response_of(*problem);
    repeat.number = std::get<Repeats::Begun>(found).number;
    return repeat;
}

}  // namespace flare::server::api
