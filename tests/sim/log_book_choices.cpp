// What users have chosen for their conversations, and what they have cleared.
#include "client/im/bodies.hpp"
#include "sim/log_book.hpp"

#include <algorithm>

namespace flare::sim {

using model::EntryKind;
using model::Role;

// Of a commit whose outcome nobody knows, the store says what became of it. Until when a conversation is hidden, it
// says in any case.
void LogBook::choose(const store::SettingsChange& change, const store::Outcome* outcome, store::Reader& reader) {
    const auto log = state_.logs.find(change.conversation);
    if (log == state_.logs.end())
        return world_.require(outcome == nullptr || outcome->code == errc::unknown_conversation,
                              "of a conversation that was deleted nothing is chosen");
    const auto member = log->second.members.find(change.user);
    const bool is_member = member != log->second.members.end() && member->second.role != Role::none;
    if (outcome != nullptr && outcome->code != errc::ok) {
        const bool for_a_reason =
            outcome->code == errc::storage_full || (outcome->code == errc::unknown_conversation && !is_member);
        return world_.require(for_a_reason, "a choice is refused to who is no member, and for want of room");
    }
    if (!is_member) return world_.require(outcome == nullptr, "only members choose something");
    const auto standing = *reader.standing(change.conversation, change.user);
    world_.require(standing.has_value(), "a member is in the store");
    model::Settings& settings = member->second.settings;
    if (outcome == nullptr) {
        settings = standing->settings;
        member->second.cleared_ever = std::max(member->second.cleared_ever, settings.cleared_to);
        return;
    }
    world_.happened(change.cleared_to > settings.cleared_to ? "clear" : "choice");
    if (change.notify) settings.notify = *change.notify;
    if (change.muted_until) settings.muted_until = *change.muted_until;
    if (change.pinned) settings.pinned = *change.pinned;
    settings.hidden_below = standing->settings.hidden_below;
    const std::uint64_t upto = std::min<std::uint64_t>(change.cleared_to, log->second.entries.size());
    settings.cleared_to = std::max(settings.cleared_to, upto);
    member->second.cleared_ever = std::max(member->second.cleared_ever, settings.cleared_to);
    world_.require(outcome->position == model::Position{log->second.epoch, settings.cleared_to},
                   "what is cleared only grows, and not beyond the log");
}

ConversationSettings LogBook::settings_of(const std::string& user, const model::ConversationKey& key) const {
    const Log& log = *log_of(text_of(key));
    const model::Settings& settings = membership(log, user)->settings;
    const auto counts = [](const Entry& each) {
        return each.kind == EntryKind::message && (each.flags & model::kSilent) == 0;
    };
    const auto messages = static_cast<std::uint64_t>(std::ranges::count_if(log.entries, counts));
    return client::settings_of(
        {settings.notify, settings.muted_until, settings.pinned, settings.hidden_below, settings.cleared_to},
        settings.hides(messages));
}

std::uint64_t LogBook::cleared_to(const std::string& user, const model::ConversationKey& key,
                                  std::uint64_t epoch) const {
    const Log* const log = log_of(text_of(key));
    const Membership* const member = log == nullptr ? nullptr : membership(*log, user);
    return member == nullptr || log->epoch != epoch || member->role == Role::none ? 0 : member->settings.cleared_to;
}

void LogBook::cleared(const std::string& user, const model::ConversationKey& key, const model::Position& upto) {
    const auto row = state_.rows.find(text_of(key));
    if (row == state_.rows.end()) return;
    Log& log = state_.logs.at(row->second);
    const auto member = log.members.find(row_of(user));
    if (log.epoch != upto.epoch || member == log.members.end() || member->second.role == Role::none || unknown_copy_)
        return;
    // Whoever has left meanwhile, and come back, has cleared nothing.
    const bool again = member->second.may_read.size() > 1;
    world_.require(again || member->second.settings.cleared_to >= upto.offset, "what is cleared is in the store");
    const std::uint64_t heard = std::min(upto.offset, member->second.settings.cleared_to);
    member->second.cleared_heard = std::max(member->second.cleared_heard, heard);
}

std::size_t LogBook::memberships(const std::string& user, const model::ConversationKey& key) const {
    const Log* const log = log_of(text_of(key));
    const Membership* const member = log == nullptr ? nullptr : membership(*log, user);
    return member == nullptr ? 0 : member->may_read.size();
}

void LogBook::asks(const std::string& user, const model::ConversationKey& key, Query& query) const {
    query.end_then = end_of(key);
    const Log* const log = log_of(text_of(key));
    const Membership* const member = log == nullptr ? nullptr : membership(*log, user);
    if (member == nullptr) return;
    query.cleared_then = {log->epoch, member->cleared_heard};
    query.memberships_then = memberships(user, key);
}

// Nobody reads what they knew to be cleared when they asked. Whoever has left meanwhile, and come back, begins anew.
void LogBook::check_cleared(const Log& log, const Membership& member, const Query& query,
                            const wire::im::Entry& entry) const {
    if (query.cleared_then.epoch != log.epoch || unknown_copy_) return;
    if (query.memberships_then != member.may_read.size()) return;
    const std::uint64_t upto = std::min(query.cleared_then.offset, member.settings.cleared_to);
    world_.require(entry.offset > upto, "nobody reads what they have cleared");
    const bool changes = entry.kind == EntryKind::edit || entry.kind == EntryKind::reaction;
    world_.require(!changes || entry.ref > upto || entry.payload.empty(), "nobody reads what became of it");
}

bool LogBook::is_blank_for(const Membership& member, const wire::im::Entry& entry) {
    const bool changes = entry.kind == EntryKind::edit || entry.kind == EntryKind::reaction;
    return changes && entry.ref <= member.cleared_ever && entry.payload.empty() && (entry.flags & model::kDeleted) != 0;
}

}  // namespace flare::sim
