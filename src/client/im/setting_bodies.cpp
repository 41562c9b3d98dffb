// What a user chooses for conversations, as requests and answers: bodies.hpp.
#include "client/im/answer_body.hpp"
#include "client/im/bodies.hpp"
#include "client/im/entries.hpp"

#include <algorithm>

namespace flare::client {
namespace {

namespace im = wire::im;

std::uint64_t ms_of(const std::chrono::system_clock::time_point& until) {
    if (until == Conversations::kForever) return UINT64_MAX;
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(until.time_since_epoch()).count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0));
}

}  // namespace

Checked<Call> set_call(const std::string& conversation, const SettingsChange& change) {
    using Body = im::ConversationSet;
    auto call = get_call(conversation);  // for the name
    if (!call) return call;
    Body body;
    body.conversation = conversation;
    if (change.notify) {
        body.changes |= Body::kNotify;
        body.notify = static_cast<model::Notify>(*change.notify);
    }
    if (change.muted_until) {
        body.changes |= Body::kMutedUntil;
        body.muted_until_ms = ms_of(*change.muted_until);
    }
    if (change.pinned) {
        body.changes |= Body::kPinned;
        body.pinned = *change.pinned;
    }
    if (change.hidden) {
        body.changes |= Body::kHidden;
        body.hidden = *change.hidden;
    }
    call->verb = wire::Verb::conversation_set;
    call->body = im::encode(body);
    return call;
}

Checked<Call> clear_call(const std::string& conversation, const Position& upto) {
    auto call = get_call(conversation);  // for the name
    if (!call) return call;
    call->verb = wire::Verb::conversation_clear;
    call->body = im::encode(im::ConversationClear{conversation, upto.epoch, upto.offset});
    return call;
}

Checked<im::Settings> read_settings(const Answer& answer) { return body_of<im::Settings>(answer); }

ConversationSettings settings_of(const im::Settings& settings, bool hidden) {
    ConversationSettings made;
    made.notify = static_cast<NotifyLevel>(settings.notify);
    made.muted_until =
        settings.muted_until_ms == UINT64_MAX ? Conversations::kForever : time_of(settings.muted_until_ms);
    made.pinned = settings.pinned;
    made.hidden = hidden;
    made.cleared_to = settings.cleared_to;
    return made;
}

}  // namespace flare::client
