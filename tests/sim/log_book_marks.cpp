// How far users have come: what the store was told of it, and what they are told of each other.
#include "sim/log_book.hpp"

#include <algorithm>

namespace flare::sim {

using model::Role;

namespace {

std::optional<model::ReadMark> stored_mark(const store::Mark& mark, store::Reader& reader) {
    const auto listed = *reader.list({.user = mark.user, .limit = 1000});
    const auto there = std::ranges::find(listed.found, mark.conversation,
                                         [](const store::Listed& each) { return each.conversation.row; });
    return there == listed.found.end() ? std::nullopt : std::optional(there->mark);
}

}  // namespace

// Of a commit whose outcome nobody knows, the store says what became of it.
void LogBook::mark(const store::Mark& mark, const store::Outcome* outcome, store::Reader& reader) {
    using What = store::Mark::What;
    const auto found = state_.logs.find(mark.conversation);
    if (found == state_.logs.end())  // it was deleted since its user was looked up
        return world_.require(outcome == nullptr || outcome->code == errc::unknown_conversation,
                              "a conversation that was deleted has no marks");
    Log& log = found->second;
    const auto known = log.members.find(mark.user);
    const bool is_member = known != log.members.end() && known->second.role != Role::none;
    if (outcome != nullptr && outcome->code != errc::ok) {
        const bool for_a_reason =
            outcome->code == errc::storage_full || (outcome->code == errc::unknown_conversation && !is_member);
        return world_.require(for_a_reason, "a mark is refused to who is no member, and for want of room");
    }
    const std::uint64_t upto = std::min<std::uint64_t>(mark.offset, log.entries.size());
    if (outcome == nullptr) {
        const auto there = stored_mark(mark, reader);
        if (!there || !is_member) return;  // there was no room, or nobody whose mark it is
        known->second.unread_from = there->unread_from;
        if (mark.what == What::delivered) take_mark(mark, upto, known->second);
        if (mark.what != What::read || there->offset < upto) return;
    }
    world_.require(is_member, "only members have marks");
    Membership& member = known->second;
    const bool was_said = mark.what == What::unread || unknown_copy_ || upto <= std::max(member.read, member.asked) ||
                          (mark.what == What::delivered && upto <= has_of(log, mark.user, member));
    if (!was_said)
        world_.trace("the store: user " + std::to_string(mark.user) + " has " + std::to_string(upto) + " of " +
                     text_of(log.key) + "; has received " + std::to_string(member.received));
    world_.require(was_said, mark.what == What::read ? "nobody has read more than they have said"
                                                     : "nothing is delivered that no device has received");
    const bool grows = upto > member.read;
    const bool comes = upto > std::max(member.read, member.delivered);
    take_mark(mark, upto, member);
    if (mark.what != What::delivered)
        world_.trace("marks " + text_of(log.key) + " of " + std::to_string(mark.user) + ": read " +
                     std::to_string(member.read) + ", unread from " + std::to_string(member.unread_from));
    if (mark.what == What::read) {
        world_.happened(grows ? "mark" : "mark that does not grow");
        member.said = std::max(member.said, upto);
    } else {
        if (mark.what == What::delivered && comes) member.came = upto;
        world_.happened(mark.what == What::unread ? "unread by hand" : "mark of what came");
    }
    if (outcome == nullptr) return;
    world_.require(outcome->position == model::Position{log.epoch, member.read},
                   "a mark only grows, and not beyond the log");
    world_.require(outcome->unread_from == member.unread_from, "what is unread by hand is until it is read");
}

void LogBook::take_mark(const store::Mark& mark, std::uint64_t upto, Membership& member) {
    switch (mark.what) {
        case store::Mark::What::read:
            if (upto > member.read) member.read = member.moved = upto;
            if (upto >= member.unread_from) member.unread_from = 0;
            return;
        case store::Mark::What::delivered:
            if (upto > std::max(member.read, member.delivered)) member.delivered = upto;
            return;
        case store::Mark::What::unread: member.unread_from = upto; return;
    }
}

std::uint64_t LogBook::mark_of(const std::string& user, const model::ConversationKey& key) const {
    return membership(*log_of(text_of(key)), user)->read;
}

void LogBook::marked(const std::string& user, const model::ConversationKey& key, const model::Position& upto) {
    const Log* const log = log_of(text_of(key));
    // A copy is in the place of that log.
    if (log == nullptr || log->epoch != upto.epoch || unknown_copy_) return;
    const Membership* const member = membership(*log, user);
    if (member == nullptr || member->role == Role::none) return;  // since then removed
    world_.require(member->read >= std::min<std::uint64_t>(upto.offset, log->entries.size()),
                   "what is marked as read is in the store");
}

// ---- what devices have, and say ----

LogBook::Membership* LogBook::membership_in(const std::string& user, std::uint64_t epoch) {
    const auto log =
        std::ranges::find_if(state_.logs, [epoch](const auto& each) { return each.second.epoch == epoch; });
    if (log == state_.logs.end()) return nullptr;
    const auto member = log->second.members.find(row_of(user));
    return member == log->second.members.end() ? nullptr : &member->second;
}

void LogBook::received(const std::string& user, const model::Position& at) {
    Membership* const member = membership_in(user, at.epoch);
    if (member != nullptr) member->received = std::max(member->received, at.offset);
}

// What devices have received, and behind it what nobody brings them: own entries, and what the user may not read.
std::uint64_t LogBook::has_of(const Log& log, store::Row user, const Membership& member) const {
    std::uint64_t upto = member.received;
    while (upto < log.entries.size()) {
        const auto sent = sent_.find(log.entries[upto].key);
        const bool own = sent != sent_.end() && sent->second.user != kServerTarget && row_of(sent->second.user) == user;
        const std::uint64_t next = upto + 1;
        const bool open = !member.may_read.empty() && member.may_read.back().first <= next &&
                          next <= member.may_read.back().second && next > member.cleared_ever;
        if (open && !own) break;
        upto = next;
    }
    return upto;
}

// One that has the same id in several conversations counts in each of them.
void LogBook::received_entry(const std::string& user, const Uuid& id, std::uint64_t offset) {
    for (auto each = ever_.lower_bound({id, {}}); each != ever_.end() && each->first.first == id; ++each) {
        for (const model::Position& at : each->second)
            if (at.offset == offset) received(user, at);
    }
}

void LogBook::says_read(const std::string& user, const model::Position& upto) {
    Membership* const member = membership_in(user, upto.epoch);
    if (member != nullptr) member->asked = std::max(member->asked, upto.offset);
}

// ---- what others hear ----

void LogBook::told_mark(const model::ConversationKey& key, std::uint64_t epoch, const MarkOfAnother& mark) {
    const Log* const log = log_of(text_of(key));
    if (log == nullptr || log->epoch != epoch || unknown_copy_) return;  // before a restore
    const Membership* const member = membership(*log, mark.user);
    world_.require(member != nullptr, "marks are told of members");
    world_.require(mark.read <= mark.delivered && mark.delivered <= log->entries.size(),
                   "a mark of another is not beyond the log");
    world_.require(mark.read <= member->read, "a mark of another is not beyond what they have said");
    world_.require(mark.delivered <= std::max(member->read, has_of(*log, row_of(mark.user), *member)),
                   "a mark of another is not beyond what they have received");
}

std::vector<LogBook::MarkOfAnother> LogBook::marks_beside(const std::string& user,
                                                          const model::ConversationKey& key) const {
    std::vector<MarkOfAnother> marks;
    const Log& log = *log_of(text_of(key));
    for (const auto& [other, row] : state_.users) {
        const Membership* const member = other == user ? nullptr : membership(log, other);
        if (member == nullptr || member->role == Role::none) continue;
        marks.push_back({other, member->moved, std::max(member->moved, member->came)});
    }
    return marks;
}

void LogBook::readers(const model::ConversationKey& key, const model::Position& message,
                      const wire::im::ReaderPage& page) const {
    const Log* const log = log_of(text_of(key));
    if (log == nullptr || log->epoch != message.epoch || unknown_copy_) return;
    const std::string& sender = sent_.at(log->entries.at(message.offset - 1).key).user;
    std::set<std::string> expected;
    std::uint32_t members = 0;
    std::uint32_t delivered = 0;
    for (const auto& [user, row] : state_.users) {
        const Membership* const member = user == sender ? nullptr : membership(*log, user);
        if (member == nullptr || member->role == Role::none) continue;
        if (log->config.visibility != model::Visibility::all && member->may_read.back().first > message.offset)
            continue;
        ++members;
        delivered += std::max(member->read, member->delivered) >= message.offset;
        if (member->read >= message.offset) expected.insert(user);
    }
    world_.require(page.members == members, "readers are of those who may read it");
    world_.require(page.read == expected.size() && page.delivered == delivered, "readers are counted");
    std::set<std::string> named;
    for (const wire::im::UserMark& each : page.readers) named.emplace(each.user);
    world_.require(page.more || named == expected, "readers are those who have said so");
}

}  // namespace flare::sim
