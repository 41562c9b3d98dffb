// What the server removes by itself: the beginnings of logs, by the rules of retention, and what erased users wrote.
#include "sim/log_book.hpp"

#include <algorithm>

namespace flare::sim {

using model::EntryKind;
using model::Role;

// It is known by the time the store gets it. Its order says nothing: what could not be done is asked for anew.
void LogBook::does_itself(const Key& key, const store::NewEntry& entry) {
    world_.require(entry.sender == 0, "only what was sent is stored");
    const Log* const log = log_of(key.second);
    Sent sent;
    sent.writer = "server";
    sent.user = kServerTarget;
    if (log != nullptr) sent.key = log->key;
    sent.changes = true;
    if (entry.kind == EntryKind::removal) sent.verb = wire::Verb::message_delete;
    sent.about.offset = entry.ref;
    sent_[key] = std::move(sent);
    judged_anew_.insert(key);
}

// ---- retention ----

const store::RetentionRules& LogBook::rules_of(const Log& log) const {
    return log.key.kind() == model::ConversationKind::room ? cleans_up_->rooms : cleans_up_->direct;
}

void LogBook::cut(Log& log, std::uint64_t keep_from, const store::Outcome* outcome, store::Reader& reader) {
    const std::uint64_t first = std::min<std::uint64_t>(keep_from, log.entries.size() + 1);
    if (outcome == nullptr && (*reader.conversation(log.key))->head.first < first) return;  // it was not written
    if (first <= log.first) return;
    world_.trace("cuts " + text_of(log.key) + " to " + std::to_string(first));
    world_.happened("log that was cut");
    world_.require(cleans_up_ && is_beyond(log, first), "nothing is removed that is within the rules");
    for (std::uint64_t offset = log.first; offset < first; ++offset) {
        const Key& key = log.entries[offset - 1].key;
        state_.offsets.erase(key);
        state_.pruned.insert(key);
        lost_.insert(key);
    }
    log.first = first;
}

// Of a repeat that has been on its way for long, the server thinks that it was first sent when it was not.
void LogBook::comes_again(const Key& key, const store::NewEntry& entry, const Log& log) {
    const bool old = log.first == 1 || entry.first_sent_ms < log.entries[log.first - 2].time_ms;
    world_.require(!old, "what retention has removed is not stored again");
    world_.happened("repeat of what was removed that is taken for new");
    judged_anew_.insert(key);
    came_again_.insert(key.first);
    ledger_.comes_again(key.first);
}

// All that is before it.
bool LogBook::is_beyond(const Log& log, std::uint64_t first) const {
    const store::RetentionRules& rules = rules_of(log);
    const bool many = rules.entries != 0 && log.entries.size() + 1 - first >= rules.entries;
    return many || (rules.age_ms != 0 && log.entries[first - 2].time_ms + rules.age_ms <= now_ms());
}

void LogBook::check_cuts(const Log& log) const {
    const store::RetentionRules& rules = rules_of(log);
    const std::uint64_t left = log.entries.size() + 1 - log.first;
    world_.require(rules.entries == 0 || left <= rules.entries, "a log is as short as it is to be");
    if (rules.age_ms == 0 || left == 0) return;
    const Duration late = 3 * cleans_up_->interval + std::chrono::seconds(10);
    const auto late_ms =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(late).count());
    world_.require(log.entries[log.first - 1].time_ms + rules.age_ms + late_ms >= now_ms(),
                   "a log is as young as it is to be");
}

std::uint64_t LogBook::first_of(const model::ConversationKey& key) const {
    const Log* const log = log_of(text_of(key));
    return log == nullptr ? 1 : log->first;
}

std::uint64_t LogBook::unread_before_cuts(const std::string& user, const model::ConversationKey& key,
                                          std::uint64_t mark) const {
    return unread_of(*log_of(text_of(key)), user, mark + 1);
}

std::uint64_t LogBook::mentions_before_cuts(const std::string& user, const model::ConversationKey& key,
                                            std::uint64_t mark) const {
    return mentions_of(*log_of(text_of(key)), user, mark + 1);
}

// ---- erased users ----

// That it is to be done is in the store, or done; what is noted on the way says how far it has come.
void LogBook::erase(const store::Erasure& erasure, store::Reader& reader) {
    const auto user = std::ranges::find_if(state_.users, [&](const auto& each) { return each.second == erasure.user; });
    world_.require(user != state_.users.end(), "who is erased is known");
    if (erasure.done) return world_.happened("erasure that is complete");
    if (erasure.conversation != 0) return;
    const auto noted = *reader.erasures(1000);
    const bool is_noted =
        std::ranges::any_of(noted, [&](const store::Erasure& each) { return each.user == erasure.user; });
    if (!is_noted) return;  // of a commit of unknown outcome
    world_.trace("is to erase " + user->first);
    auto& remains = state_.erased[user->first];
    for (const auto& [row, log] : state_.logs) {
        const Membership* const member = membership(log, user->first);
        const bool leaves =
            member != nullptr && member->role != Role::none && log.key.kind() == model::ConversationKind::room;
        remains[row] = {log.entries.size(), leaves ? member->may_read.size() : 0};
    }
}

void LogBook::erasure_answered(const std::string& user) const {
    world_.require(state_.erased.contains(user), "an erasure is in the store when it is answered");
}

void LogBook::check_own_removal(const Shown& message) const {
    world_.require(state_.erased.contains(message.from), "the server deletes only what erased users wrote");
    world_.happened("message of an erased user");
}

void LogBook::check_erased(store::Reader& reader) const {
    world_.require(reader.erasures(1)->empty(), "every erasure comes to its end");
    for (const auto& [user, remains] : state_.erased) {
        for (const auto& [row, of] : remains) {
            const auto found = state_.logs.find(row);
            if (found == state_.logs.end()) continue;
            const Log& log = found->second;
            for (std::uint64_t offset = log.first; offset <= of.end; ++offset) {
                if (!is_message(log, offset) || sent_.at(log.entries[offset - 1].key).user != user) continue;
                world_.require(shown(log, offset, log.entries.size()).deleted, "what an erased user wrote is deleted");
            }
            const Membership* const member = membership(log, user);
            world_.require(
                of.memberships == 0 || member->role == Role::none || member->may_read.size() > of.memberships,
                "an erased user has left all rooms");
        }
    }
}

}  // namespace flare::sim
