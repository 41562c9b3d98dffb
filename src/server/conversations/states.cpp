#include "server/conversations/states.hpp"

#include "im/planted.hpp"
#include "server/conversations/sync_reading.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace flare::server {
namespace {

constexpr std::chrono::milliseconds kSendAgain{500};

}  // namespace

// ---- sessions ----

ListFollower* ConversationStates::find(const Uuid& session) {
    const auto found = followers_.find(session);
    return found == followers_.end() ? nullptr : found->second.get();
}

void ConversationStates::follow(session::ServerSession& session) {
    auto& follower = followers_[session.id().value];
    if (follower != nullptr) return;
    follower = std::make_unique<ListFollower>(of_followers_, session);
}

bool ConversationStates::has_others(std::string_view user, const session::SessionId& but) {
    if (followers_.empty()) return false;
    return std::ranges::any_of(parts_.table.of_user(user), [&](const session::ServerSession* each) {
        return each->id() != but && followers_.contains(each->id().value);
    });
}

// It may end while it is told something.
void ConversationStates::session_ended(const session::ServerSession& session) {
    ListFollower* const who = find(session.id().value);
    if (who == nullptr) return;
    who->session_ended();
    parts_.executor.later([this, id = who->id()] {
        const auto found = followers_.find(id);
        summaries_.session_gone(*found->second);
        followers_.erase(found);
    });
}

void ConversationStates::listed(const Uuid& session, const model::ConversationKey& conversation,
                                const im::FeedOpening* opening) {
    ListFollower* const who = find(session);
    if (who == nullptr || who->target() == nullptr) return;
    who->named(reading::name_of(conversation, who->target()->user()));
    if (opening != nullptr) summaries_.follow(*who, conversation, *opening);
}

void ConversationStates::feed_ended(const Uuid& session, const model::ConversationKey& conversation) {
    ListFollower* const who = find(session);
    if (who != nullptr) summaries_.feed_ended(*who, conversation);
}

void ConversationStates::room(const Uuid& session) {
    ListFollower* const who = find(session);
    if (who == nullptr) return;
    const bool was_behind = who->is_behind();
    who->send_waiting();
    if (was_behind) summaries_.room(*who);
}

// ---- marks ----

void ConversationStates::marked(std::string_view user, const session::SessionId& by,
                                const model::ConversationKey& conversation, std::uint64_t epoch,
                                const wire::im::ReadMark& mark) {
    if (followers_.empty() || im::planted(im::Fault::mark_not_told)) return;
    const std::string name = reading::name_of(conversation, user);
    for (const session::ServerSession* const session : parts_.table.of_user(user)) {
        if (session->id() == by) continue;
        if (ListFollower* const who = find(session->id().value); who != nullptr) who->tell_mark(name, epoch, mark);
    }
}

void ConversationStates::chosen(std::string_view user, const model::ConversationKey& conversation, std::uint64_t epoch,
                                const wire::im::Settings& settings, const std::optional<wire::im::ReadMark>& mark) {
    if (followers_.empty()) return;
    const std::string name = reading::name_of(conversation, user);
    for (const session::ServerSession* const session : parts_.table.of_user(user)) {
        ListFollower* const who = find(session->id().value);
        if (who == nullptr) continue;
        if (!im::planted(im::Fault::settings_not_told)) {
            who->tell_settings(name, epoch, settings, mark);
        } else if (mark) {
            who->tell_mark(name, epoch, *mark);
        }
    }
}

// ---- invitations ----

void ConversationStates::invited(const model::ConversationKey& room, std::span<const std::string> users) {
    if (followers_.empty() || im::planted(im::Fault::invitation_not_told)) return;
    for (const std::string& user : users) {
        const std::string name = reading::name_of(room, user);
        for (const session::ServerSession* const session : parts_.table.of_user(user)) {
            if (ListFollower* const who = find(session->id().value); who != nullptr) who->tell_invited(name);
        }
    }
}

void ConversationStates::member_no_more(const Uuid& session, const model::ConversationKey& conversation) {
    ListFollower* const who = find(session);
    if (who == nullptr || who->target() == nullptr || conversation.kind() != model::ConversationKind::room) return;
    who->tell_invited(reading::name_of(conversation, who->target()->user()));
}

// ---- time ----

void ConversationStates::try_again_later() {
    if (again_at_ != session::kNever) return;
    again_at_ = parts_.executor.now() + kSendAgain;
    parts_.executor.arm_timer();
}

void ConversationStates::on_time() {
    summaries_.on_time();
    if (parts_.executor.now() < again_at_) return;
    again_at_ = session::kNever;
    for (const auto& [id, who] : followers_) room(id);
}

}  // namespace flare::server
