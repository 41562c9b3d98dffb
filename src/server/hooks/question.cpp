// Questions to a hook as JSON, and its answers.
#include "base/utf8.hpp"
#include "im/limits.hpp"
#include "server/api/body.hpp"
#include "server/api/forms.hpp"
#include "server/conversations/entry_writer.hpp"
#include "server/hooks/batch.hpp"
#include "server/hooks/before_hook.hpp"
#include "wire/base64.hpp"
#include "wire/compression.hpp"

#include <flare/printable.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace flare::server::hooks {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::size_t kMaxTextBytes = 200;
constexpr std::string_view kRefused = "the server's application does not allow this";

// Refusals are told by texts that live as long as the program. Back-ends have few; beyond so many it is the usual one.
std::string_view kept_text(const std::string& text) {
    constexpr std::size_t kMostTexts = 1000;
    static std::mutex mutex;
    static std::set<std::string, std::less<>> all;  // guarded by mutex
    if (text.empty()) return kRefused;
    const std::lock_guard lock(mutex);
    if (const auto found = all.find(text); found != all.end()) return *found;
    return all.size() < kMostTexts ? std::string_view(*all.insert(text).first) : kRefused;
}

std::optional<Bytes> unpacked(const HookQuestion& question) {
    if (question.encoding == model::StoredEncoding::identity) return question.message.payload;
    static const wire::Compression inflater{wire::Compression::Options()};
    wire::MessageView packed;
    packed.payload = question.message.payload.view();
    packed.encoding = reading::encoding_of(question.encoding);
    packed.size = wire::size_said_by(packed.encoding, packed.payload);
    if (packed.size > im::kMaxPayloadBytes) return std::nullopt;
    auto whole = inflater.inflate(packed, wire::set_of(packed.encoding), wire::kDefaultMaxMessageBytes);
    return whole ? std::optional(std::move(*whole)) : std::nullopt;
}

bool has_message(const HookQuestion& question) noexcept {
    return question.about == HookQuestion::About::message || question.about == HookQuestion::About::update;
}

object json_of_message(const HookQuestion& question, const Bytes& payload) {
    const Message& message = question.message;
    object told{{"id", message.id.str()}, {"from", question.user}, {"type", message.type}};
    if (base::is_utf8(payload.view()))
        told["text"] = payload.view();
    else
        told["base64"] = wire::to_base64(payload.view());
    if (question.offset != 0) told["offset"] = api::number_text(question.offset);
    if (message.reply_to != 0) told["reply_to"] = api::number_text(message.reply_to);
    if (message.silent) told["silent"] = true;
    if (message.mentions_all) told["mentions_all"] = true;
    if (!message.mentions.empty()) told["mentions"] = array(message.mentions.begin(), message.mentions.end());
    return told;
}

std::optional<HookDecision> altered(api::Body& body, const HookQuestion& question, const Encoder& encoder) {
    auto made = std::make_shared<HookAlteration>();
    made->type = body.text("type", wire::kMaxNameBytes).value_or(question.message.type);
    auto payload = body.payload(im::kMaxPayloadBytes);
    if (!payload) {
        body.wrong("text", "what is altered has a payload: \"text\", or \"base64\"");
        return std::nullopt;
    }
    made->payload = std::move(*payload);
    Message message = question.message;
    message.type = made->type;
    message.payload = made->payload;
    message.from = question.user;
    if (encoder.what_is_wrong(message) != errc::ok) {
        body.wrong("text", "what is altered is no message that the server takes");
        return std::nullopt;
    }
    made->encoded = encoder.encode(message, message.to, true);
    const auto size = static_cast<std::uint32_t>(made->payload.size());
    return HookDecision{{errc::ok, {}, size}, std::move(made)};
}

}  // namespace

Event event_of(HookQuestion::About about) noexcept {
    switch (about) {
        case HookQuestion::About::message: return Event::before_message;
        case HookQuestion::About::update: return Event::before_update;
        case HookQuestion::About::conversation: return Event::before_conversation;
        case HookQuestion::About::join: break;
    }
    return Event::before_join;
}

std::optional<std::string> body_of(std::string_view hook, const HookQuestion& question, std::uint64_t unix_ms) {
    object data;
    if (question.key.kind() == model::ConversationKind::room)
        data["conversation"] = api::room_name(question.key);
    else
        data["users"] = array{question.key.first(), question.key.second()};
    if (has_message(question)) {
        const auto payload = unpacked(question);
        if (!payload) return std::nullopt;
        data["message"] = json_of_message(question, *payload);
    } else {
        data["user"] = question.user;
    }
    if (question.config) data["config"] = api::json_of(*question.config);
    return boost::json::serialize(object{{"hook", hook},
                                         {"type", name(event_of(question.about))},
                                         {"timestamp", api::time_text(unix_ms)},
                                         {"data", std::move(data)}});
}

std::optional<HookDecision> verdict_of(std::string_view text, const HookQuestion& question, const Encoder& encoder,
                                       std::string& why) {
    const auto parsed = api::parse_body(text);
    if (const auto* const problem = std::get_if<api::Problem>(&parsed)) {
        why = "the response: " + problem->detail;
        return std::nullopt;
    }
    std::optional<api::Problem> problem;
    api::Body body(std::get<object>(parsed), problem);
    std::optional<HookDecision> verdict = HookDecision();
    const std::string action = body.text("action").value_or("accept");
    if (action == "refuse") {
        const std::string said = body.text("text", kMaxTextBytes).value_or(std::string());
        verdict->says = {errc::forbidden, kept_text(printable(said)), {}};
    } else if (action == "alter" && has_message(question)) {
        verdict = altered(body, question, encoder);
    } else if (action != "accept") {
        body.wrong("action", "is one of accept, refuse and, of a message, alter");
    }
    if (!problem && body.finish()) return verdict;
    why = "the response: " + problem->field + ": " + problem->detail;
    return std::nullopt;
}

}  // namespace flare::server::hooks
