#include "client/loop/requests.hpp"

#include <flare/printable.hpp>

#include <utility>

namespace flare::client {
namespace {

constexpr std::string_view kNoStore =
    "this server keeps no conversations: rooms and history need a server with a store";

std::string text_of(errc code, std::string_view said) {
    if (code == errc::not_supported && said.empty()) return std::string(kNoStore);
    return std::string(said.empty() ? explain(code) : said);
}

}  // namespace

void Requests::send(const Call& call, AnswerDone done, errc can_be_sent) {
    wire::RequestView request;
    request.id = Uuid::v7();
    request.verb = call.verb;
    request.body = call.body;
    errc code = can_be_sent;
    if (code == errc::ok) {
        const auto asked = session_.request(request, call.conversation, std::chrono::steady_clock::now());
        if (!asked) code = static_cast<errc>(asked.error().value());
    }
    if (code != errc::ok) return done({code, text_of(code, {})});
    waiting_.emplace(request.id, Waiting{std::move(done)});
}

void Requests::on_response(const wire::ResponseView& response, const Bytes& whole) {
    const auto found = waiting_.find(response.id);
    if (found == waiting_.end()) return;  // the rest of a series that was too long
    if (response.code != errc::ok) {
        std::string text = text_of(response.code, printable(response.text, wire::kMaxTextBytes));
        if (response.retry_after_ms != 0) text += "; ask again in " + std::to_string(response.retry_after_ms) + " ms";
        Answer refused{response.code, std::move(text)};
        refused.retry_after_ms = response.retry_after_ms;
        return answer(response.id, std::move(refused));
    }
    Waiting& waiting = found->second;
    waiting.bytes += response.body.size();
    if (waiting.bytes > kMostBytes || waiting.bodies.size() == kMostResponses)
        return answer(response.id, {errc::message_too_large, "the server's answer is longer than an answer may be"});
    waiting.bodies.push_back(whole.empty() ? Bytes(response.body) : whole.share(response.body));
    if (response.more) return;
    Answer complete;
    complete.bodies = std::move(waiting.bodies);
    complete.encodings = session_.encodings();
    answer(response.id, std::move(complete));
}

void Requests::on_failed(const Uuid& id, errc code, const std::string& text) {
    answer(id, {code, code == errc::not_supported ? std::string(kNoStore) : text_of(code, text)});
}

void Requests::answer(const Uuid& id, Answer answer) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    const AnswerDone done = std::move(found->second.done);
    waiting_.erase(found);
    done(std::move(answer));
}

void Requests::close() {
    const auto waiting = std::exchange(waiting_, {});
    for (const auto& [id, each] : waiting) each.done({errc::client_closed, std::string(explain(errc::client_closed))});
}

}  // namespace flare::client
