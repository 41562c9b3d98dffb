#include "server/api/problem.hpp"

#include "transport/http/response.hpp"

#include <boost/json/serialize.hpp>

#include <utility>

namespace flare::server::api {

unsigned status_of(errc code) noexcept {
    switch (code) {
        case errc::ok: return 200;
        case errc::malformed_frame:
        case errc::malformed_json:
        case errc::invalid_utf8:
        case errc::invalid_name:
        case errc::invalid_message_id:
        case errc::reserved_name:
        case errc::bad_compression: return 400;
        case errc::unauthenticated:
        case errc::token_expired: return 401;
        case errc::forbidden:
        case errc::muted:
        case errc::banned:
        case errc::conversation_frozen: return 403;
        case errc::unknown_conversation:
        case errc::unknown_target:
        case errc::unknown_entry:
        case errc::unknown_hook:
        case errc::session_unknown:
        case errc::user_offline: return 404;
        case errc::conversation_exists:
        case errc::duplicate_message_id:
        case errc::epoch_changed:
        case errc::too_many_members:
        case errc::too_many_conversations:
        case errc::too_many_edits:
        case errc::too_many_reactions: return 409;
        case errc::history_pruned:
        case errc::too_old: return 410;
        case errc::message_too_large: return 413;
        case errc::rate_limited: return 429;
        case errc::not_supported: return 501;
        case errc::busy:
        case errc::recipient_busy:
        case errc::shutting_down:
        case errc::not_connected:
        case errc::storage_failed:
        case errc::store_damaged: return 503;
        case errc::storage_full: return 507;
        default: return 500;
    }
}

Problem problem_of(errc code, std::string_view text, std::uint32_t retry_after_ms) {
    return {status_of(code), code, std::string(text.empty() ? explain(code) : text), {}, retry_after_ms};
}

Problem malformed(std::string detail, std::string field) {
    return {400, errc::malformed_json, std::move(detail), std::move(field)};
}

namespace {

// Some errors are those of the protocol of sessions, too, and are explained as such.
std::string_view title_of(const Problem& problem) noexcept {
    if (problem.code == errc::malformed_json) return "the request is not what it has to be";
    if (problem.code == errc::not_supported && problem.status < 500) return "there is no such call";
    return explain(problem.code);
}

}  // namespace

boost::json::object json_of(const Problem& problem) {
    const std::string_view code = name(problem.code);
    boost::json::object object{{"type", "urn:flare:error:" + std::string(code)},
                               {"title", title_of(problem)},
                               {"status", problem.status},
                               {"detail", problem.detail},
                               {"errc", code}};
    if (!problem.field.empty()) object["field"] = problem.field;
    if (problem.retry_after_ms != 0) object["retry_after_ms"] = problem.retry_after_ms;
    return object;
}

transport::http::Response response_of(const Problem& problem) {
    transport::http::Response response;
    response.status = problem.status;
    response.content_type = "application/problem+json";
    response.body = boost::json::serialize(json_of(problem)) + "\n";
    if (problem.retry_after_ms != 0)
        response.fields.add("Retry-After", std::to_string((problem.retry_after_ms + 999) / 1000));
    if (problem.status == 401) response.fields.add("WWW-Authenticate", "Bearer realm=\"flare\"");
    return response;
}

}  // namespace flare::server::api
