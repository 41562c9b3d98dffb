#include "api/answer.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace flare::cli::api {
namespace json = boost::json;

namespace {

std::string text_in(const json::object& object, std::string_view name) {
    const json::value* const found = object.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

bool is_number(std::string_view text) {
    return !text.empty() && text.size() < 10 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Failure no_api(std::string_view url, const std::string& what) {
    return {errc::not_supported, std::string(url) + " " + what};
}

}  // namespace

std::string Refusal::line() const {
    std::string text = code + ": " + detail;
    if (!field.empty()) text += " (field " + field + ")";
    if (!retry_after_s.empty()) text += "; try again after " + retry_after_s + " s";
    return text;
}

Refusal refusal_of(const json::object& problem, unsigned status) {
    Refusal refusal{status, text_in(problem, "errc"), text_in(problem, "detail"), text_in(problem, "field")};
    if (refusal.code.empty()) refusal.code = "status " + std::to_string(status);
    if (refusal.detail.empty()) refusal.detail = text_in(problem, "title");
    return refusal;
}

Checked<Outcome> read_answer(const transport::http::Answer& answer, std::string_view url) {
    const std::string status = std::to_string(answer.status);
    if (answer.status >= 300 && answer.status < 400)
        return no_api(url, "redirects (status " + status + ") to '" + std::string(answer.fields.value("Location")) +
                               "', where the key is not sent: give the address of the API itself with --api");
    const bool good = answer.status >= 200 && answer.status < 300;
    if (good && answer.body.empty()) return Outcome();
    boost::system::error_code error;
    json::value read = json::parse(answer.body, error);
    if (error || !read.is_object())
        return no_api(url, "answers with status " + status +
                               " and no JSON object: this is not the server API; check --api and FLARE_API");
    Outcome outcome;
    if (good) {
        outcome.body = std::move(read.as_object());
        return outcome;
    }
    outcome.refused = refusal_of(read.as_object(), answer.status);
    if (const auto after = answer.fields.value("Retry-After"); is_number(after)) outcome.refused->retry_after_s = after;
    return outcome;
}

std::string next_of(const json::object& body) { return text_in(body, "next"); }

std::size_t failures_in(const json::object& body) {
    const json::value* const results = body.if_contains("results");
    if (results == nullptr || !results->is_array()) return 0;
    std::size_t failures = 0;
    for (const json::value& each : results->as_array()) {
        if (!each.is_object()) continue;
        failures += each.as_object().contains("error") ? 1 : failures_in(each.as_object());
    }
    return failures;
}

}  // namespace flare::cli::api
