// The names of what a conversation has, in texts and in JSON.
#include <flare/conversation.hpp>

namespace flare {

std::string_view name(MemberRole role) noexcept {
    switch (role) {
        case MemberRole::none: return "none";
        case MemberRole::reader: return "reader";
        case MemberRole::member: return "member";
        case MemberRole::moderator: return "moderator";
        case MemberRole::admin: return "admin";
        case MemberRole::owner: return "owner";
    }
    return "unknown";
}

std::string_view name(JoinPolicy policy) noexcept { return policy == JoinPolicy::open ? "open" : "invite"; }

std::string_view name(HistoryVisibility visibility) noexcept {
    return visibility == HistoryVisibility::all ? "all" : "since_join";
}

std::string_view name(NotifyLevel level) noexcept {
    switch (level) {
        case NotifyLevel::all: return "all";
        case NotifyLevel::mentions: return "mentions";
        case NotifyLevel::none: break;
    }
    return "none";
}

std::string_view name(EntryKind kind) noexcept {
    switch (kind) {
        case EntryKind::unknown: break;
        case EntryKind::message: return "message";
        case EntryKind::edit: return "edit";
        case EntryKind::removal: return "removal";
        case EntryKind::reaction: return "reaction";
        case EntryKind::membership: return "membership";
        case EntryKind::config: return "config";
        case EntryKind::system: return "system";
    }
    return "unknown";
}

std::string_view name(ConversationChange::Kind kind) noexcept {
    using Kind = ConversationChange::Kind;
    switch (kind) {
        case Kind::unknown: break;
        case Kind::created: return "created";
        case Kind::joined: return "joined";
        case Kind::left: return "left";
        case Kind::added: return "added";
        case Kind::removed: return "removed";
        case Kind::role: return "role";
        case Kind::muted: return "muted";
        case Kind::banned: return "banned";
        case Kind::config: return "config";
        case Kind::invited: return "invited";
    }
    return "unknown";
}

std::string_view name(HistoryGapReason reason) noexcept {
    switch (reason) {
        case HistoryGapReason::unknown: break;
        case HistoryGapReason::too_far_behind: return "too_far_behind";
        case HistoryGapReason::pruned: return "pruned";
        case HistoryGapReason::other_epoch: return "other_epoch";
        case HistoryGapReason::diverged: return "diverged";
        case HistoryGapReason::skipped: return "skipped";
    }
    return "unknown";
}

}  // namespace flare
