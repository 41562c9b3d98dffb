// What others see of logs: pages, subscriptions and deliveries, held against the log, and what lists are compared with.
#include "sim/log_book.hpp"

#include "store/rules.hpp"

#include <algorithm>
#include <iterator>

namespace flare::sim {

using model::EntryKind;
using model::Role;

// ---- messages ----

bool LogBook::is_message(const Log& log, std::uint64_t offset) {
    return offset >= 1 && offset <= log.entries.size() && log.entries[offset - 1].kind == EntryKind::message;
}

LogBook::Shown LogBook::shown(const Log& log, std::uint64_t offset, std::uint64_t upto) const {
    const Entry& entry = log.entries[offset - 1];
    const Sent& sent = sent_.at(entry.key);
    Shown message;
    message.id = entry.key.first;
    message.from = sent.user;
    message.payload = sent.payload;
    const auto changes = log.changes.find(offset);
    if (changes == log.changes.end()) return message;
    for (const std::uint64_t at : changes->second) {
        if (at > upto) break;
        const Entry& change = log.entries[at - 1];
        const Sent& asked = sent_.at(change.key);
        if (change.kind == EntryKind::edit) {
            message.payload = asked.payload;
            message.changed_at = at;
            ++message.edits;
        } else if (change.kind == EntryKind::removal) {
            message.payload.clear();
            message.deleted = true;
            message.changed_at = at;
            if (const auto known = deleted_at_.find(change.key); known != deleted_at_.end())
                message.deleted_at = known->second;
            message.reactions.clear();
        } else if (asked.verb == wire::Verb::message_react) {
            message.reactions[asked.payload].insert(asked.user);
        } else if (const auto known = message.reactions.find(asked.payload); known != message.reactions.end()) {
            known->second.erase(asked.user);
            if (known->second.empty()) message.reactions.erase(known);
        }
    }
    return message;
}

std::optional<LogBook::Shown> LogBook::shown(const model::ConversationKey& key, const model::Position& at) const {
    const Log* const log = log_of(text_of(key));
    if (log == nullptr || log->epoch != at.epoch || !is_there(*log, at.offset)) return std::nullopt;
    return shown(*log, at.offset, log->entries.size());
}

std::optional<model::Position> LogBook::some_message(const model::ConversationKey& key, Chance& chance) const {
    constexpr std::uint64_t kNewest = 12;
    const Log* const log = log_of(text_of(key));
    if (log == nullptr) return std::nullopt;
    std::vector<std::uint64_t> found;
    for (std::uint64_t offset = log->entries.size(); offset != 0 && found.size() < kNewest; --offset)
        if (is_message(*log, offset)) found.push_back(offset);
    if (found.empty()) return std::nullopt;
    return model::Position{log->epoch, found[chance.below(chance.one_in(2) ? 1 + found.size() / 4 : found.size())]};
}

std::string LogBook::some_user(Chance& chance) const {
    if (state_.users.empty()) return {};
    return std::next(state_.users.begin(), static_cast<std::ptrdiff_t>(chance.below(state_.users.size())))->first;
}

std::string LogBook::sent_text(const Uuid& id, const model::ConversationKey& key) const {
    const auto sent = sent_.find({id, text_of(key)});
    return sent == sent_.end() ? std::string() : sent->second.payload;
}

bool LogBook::is_silent(const Uuid& id, const model::ConversationKey& key) const {
    const auto sent = sent_.find({id, text_of(key)});
    return sent != sent_.end() && (sent->second.flags & model::kSilent) != 0;
}

model::Role LogBook::role_of(const std::string& user, const model::ConversationKey& key) const {
    const Log* const log = log_of(text_of(key));
    const Membership* const member = log == nullptr ? nullptr : membership(*log, user);
    return member == nullptr ? Role::none : member->role;
}

// ---- what others see ----

void LogBook::delivered(const std::string& user, const wire::DataView& data) {
    const Key key{data.message->id, text_of(model::ConversationKey::direct(data.from, user))};
    world_.require(state_.offsets.contains(key) || state_.pruned.contains(key),
                   "nothing is delivered before it is committed");
}

void LogBook::head(const model::ConversationKey& key, const wire::im::Head& head) {
    const Log* const log = log_of(text_of(key));
    if (destroyed_.contains(text_of(key)) && (log == nullptr || log->epoch != head.epoch)) return;  // since it was read
    world_.require(log != nullptr && head.epoch == log->epoch, "a log that is read is of this epoch");
    world_.require(head.last <= log->entries.size(), "a head names no entry that is not committed");
    world_.require(head.first >= 1 && head.first <= log->first, "a head knows what was not removed");
}

void LogBook::page(const std::string& user, const model::ConversationKey& key, const Query& query,
                   const wire::im::HistoryPage& page) {
    world_.require(page.head.has_value(), "a page has its head");
    head(key, *page.head);
    const Log* const there = log_of(text_of(key));
    if (there == nullptr || there->epoch != page.head->epoch) return;
    const Log& log = *there;
    const bool known = query.end_then.epoch == log.epoch && !unknown_copy_;
    world_.require(!known || page.head->last >= query.end_then.offset, "a page is not older than the question");
    const Membership* const member = membership(log, user);
    world_.require(member != nullptr && !member->may_read.empty(), "who never was a member reads nothing");
    std::uint64_t last = 0;
    for (const wire::im::Entry& entry : page.entries) {
        world_.require(last == 0 || entry.offset == last + 1, "a page has no holes");
        last = entry.offset;
        world_.require(last >= 1 && last <= log.entries.size(), "nothing is read before it is committed");
        world_.require(entry.offset >= page.head->first, "a page has nothing that was removed");
        check_cleared(log, *member, query, entry);
        if (!is_blank_for(*member, entry)) check_on_page(log, entry, user, *page.head);
        world_.require(may_read(*member, entry.offset),
                       "nobody reads what was written before they came or after they went");
    }
    if (!query.forward || page.entries.empty()) return;
    const std::uint64_t first = page.entries.front().offset;
    const bool begins = std::any_of(member->may_read.begin(), member->may_read.end(),
                                    [&](const auto& each) { return each.first == first; });
    const bool cleared = first > query.after && first <= member->cleared_ever + 1;
    world_.require(first == query.after + 1 || (first > query.after && begins) || cleared,
                   "a page begins where it was asked for");
}

// It shows what the log said when that was its head.
void LogBook::check_on_page(const Log& log, const wire::im::Entry& entry, const std::string& user,
                            const wire::im::Head& head) {
    const std::uint64_t upto = head.last;
    const Entry& there = log.entries[entry.offset - 1];
    world_.require(entry.id == there.key.first && entry.kind == there.kind && entry.ref == there.ref,
                   "a page shows what is in the log");
    const Sent& sent = sent_.at(there.key);
    world_.require(entry.from == sent.user, "an entry is its sender's");
    const bool deleted = (entry.flags & model::kDeleted) != 0;
    if (entry.kind == EntryKind::reaction) {
        const bool taken_back = (entry.flags & model::kTakenBack) != 0;
        return world_.require(entry.payload == sent.payload && taken_back == (sent.verb == wire::Verb::message_unreact),
                              "a reaction is read as it was given");
    }
    if (entry.kind == EntryKind::removal) return world_.require(entry.payload.empty(), "a removal has no payload");
    if (entry.kind == EntryKind::edit) {
        if (entry.ref < head.first)
            return world_.require(deleted && entry.payload.empty(), "an edit of what was removed has no text");
        const Shown message = shown(log, entry.ref, upto);
        return world_.require(deleted == message.deleted && entry.payload == message.payload,
                              "an edit is read as what the message is");
    }
    if (entry.kind != EntryKind::message) return;
    const Shown message = shown(log, entry.offset, upto);
    world_.require(deleted == message.deleted && entry.payload == message.payload, "a message is read as it is");
    world_.require(entry.rev == message.changed_at, "a message says when it was changed");
    std::set<store::Row> mentions;
    for (const std::string_view name : entry.mentions) mentions.insert(row_of(std::string(name)));
    world_.require(are_mentioned(there, deleted, mentions), "a message is read with its mentions");
    constexpr std::uint32_t kSaid = model::kSilent | model::kMentionAll;
    world_.require((entry.flags & kSaid) == there.flags, "a message is read as it was meant");
    world_.require(entry.reactions_upto == upto, "reactions are counted up to the end of the log");
    world_.require(entry.reactions.size() == message.reactions.size(), "a message is read with its reactions");
    for (const wire::im::Reaction& each : entry.reactions) {
        const auto found = message.reactions.find(std::string(each.key));
        world_.require(found != message.reactions.end() && each.users == found->second.size() &&
                           each.own == found->second.contains(user),
                       "reactions are read as they were given");
    }
}

bool LogBook::may_read(const Membership& member, std::uint64_t offset) {
    return std::any_of(member.may_read.begin(), member.may_read.end(),
                       [&](const auto& each) { return each.first <= offset && offset <= each.second; });
}

void LogBook::told(const std::string& user, const model::ConversationKey& key, const model::Position& at,
                   const Told& told) {
    const std::string conversation = text_of(key);
    if (told.id.is_nil()) {
        told_change(conversation, at, told);
    } else {
        const Key sent_as{told.id, conversation};
        const auto where = ever_.find(sent_as);
        world_.require(where != ever_.end() && where->second.contains(at),
                       "a subscription tells what is in the log there");
        const Sent& sent = sent_.at(sent_as);
        world_.require(told.from == sent.user && sent.changes == (told.kind != EntryKind::message),
                       "an entry is told as what it is");
        world_.require(sent.changes || texts_[sent_as].contains(std::string(told.payload)),
                       "a message is told as it has been");
    }
    const Log* const log = log_of(conversation);
    if (log == nullptr || log->epoch != at.epoch || at.offset > log->entries.size()) return;  // before a restore
    const Membership* const member = membership(*log, user);
    world_.require(member != nullptr && may_read(*member, at.offset),
                   "nobody is told what was written before they came or after they went");
    if (!unknown_copy_) check_text(*log, at.offset, told);
}

// Of an edit, a removal or a reaction, whose id is not told.
void LogBook::told_change(const std::string& conversation, const model::Position& at, const Told& told) {
    const auto there = ids_at_.find({conversation, at});
    world_.require(there != ids_at_.end(), "a subscription tells what is in the log there");
    using wire::Verb;
    const Verb verb = told.kind == EntryKind::edit      ? Verb::message_edit
                      : told.kind == EntryKind::removal ? Verb::message_delete
                      : told.taken_back                 ? Verb::message_unreact
                                                        : Verb::message_react;
    const bool known = std::ranges::any_of(there->second, [&](const Uuid& id) {
        const Sent& sent = sent_.at({id, conversation});
        const bool says = told.kind != EntryKind::reaction || told.payload == sent.payload;
        return sent.verb == verb && sent.user == told.from && sent.about.offset == told.ref && says;
    });
    world_.require(known, "a change is told as it was asked for");
}

// The text is one that the message has had since then, and none if it was deleted before anything of it was read.
void LogBook::check_text(const Log& log, std::uint64_t offset, const Told& told) {
    const bool edit = told.kind == EntryKind::edit;
    if (!edit && told.kind != EntryKind::message) return;
    const std::uint64_t of = edit ? told.ref : offset;
    const Shown now = shown(log, of, log.entries.size());
    if (now.deleted && now.deleted_at < told.read_after)
        return world_.require(told.payload.empty(), "a deleted text does not travel again");
    if (edit && of < log.first && told.payload.empty()) return;  // its message was removed
    bool was = now.payload == told.payload || shown(log, of, offset).payload == told.payload;
    const auto changes = log.changes.find(of);
    if (changes != log.changes.end()) {
        for (const std::uint64_t each : changes->second)
            was = was || (each > offset && shown(log, of, each).payload == told.payload);
    }
    world_.require(was, "a message is told as it was then, or later");
}

void LogBook::told_end(const std::string& user, const model::ConversationKey& key, const model::Position& at) {
    const Log* const log = log_of(text_of(key));
    if (log == nullptr || log->epoch != at.epoch || at.offset > log->entries.size()) return;  // before a restore
    const Membership* const member = membership(*log, user);
    world_.require(member != nullptr && may_read(*member, at.offset), "nobody is told the end of a log of others");
}

bool LogBook::is_open_to(const std::string& user, const model::ConversationKey& key, const model::Position& at) const {
    const Log* const log = log_of(text_of(key));
    const Membership* const member = log == nullptr ? nullptr : membership(*log, user);
    if (member == nullptr || member->may_read.empty() || log->epoch != at.epoch) return false;
    const auto& [from, to] = member->may_read.back();  // a membership before is over
    const std::uint64_t cleared_to = member->cleared_ever;
    if (at.offset <= cleared_to) return false;
    if (at.offset <= log->entries.size()) {
        const Entry& there = log->entries[at.offset - 1];
        if (store::is_about_another(there.kind) && there.ref <= cleared_to) return false;
    }
    return from <= at.offset && at.offset <= std::min<std::uint64_t>(to, log->entries.size());
}

bool LogBook::is_of(const std::string& writer, const model::ConversationKey& key, const model::Position& at) const {
    const Log* const log = log_of(text_of(key));
    return log != nullptr && log->epoch == at.epoch && at.offset <= log->entries.size() &&
           sent_.at(log->entries[at.offset - 1].key).writer == writer;
}

Uuid LogBook::id_at(const model::ConversationKey& key, const model::Position& at) const {
    const Log* const log = log_of(text_of(key));
    const bool there = log != nullptr && log->epoch == at.epoch && at.offset <= log->entries.size();
    return there ? log->entries[at.offset - 1].key.first : Uuid();
}

model::Position LogBook::end_of(const model::ConversationKey& key) const {
    const Log* const log = log_of(text_of(key));
    return log == nullptr ? model::Position() : model::Position{log->epoch, log->entries.size()};
}

std::optional<model::Position> LogBook::end_for(const std::string& user, const model::ConversationKey& key) const {
    const Log* const log = log_of(text_of(key));
    const Membership* const member = log == nullptr ? nullptr : membership(*log, user);
    if (member == nullptr || member->role == Role::none) return std::nullopt;
    return model::Position{log->epoch, log->entries.size()};
}

std::vector<model::ConversationKey> LogBook::conversations_of(const std::string& user) const {
    std::vector<model::ConversationKey> keys;
    for (const auto& [row, log] : state_.logs) {
        const Membership* const member = membership(log, user);
        if (member != nullptr && member->role != Role::none) keys.push_back(log.key);
    }
    return keys;
}

std::set<std::string> LogBook::invitations_of(const std::string& user) const {
    std::set<std::string> rooms;
    for (const auto& [row, log] : state_.logs) {
        const Membership* const member = membership(log, user);
        if (member != nullptr && member->invited) rooms.insert("room:" + std::string(log.key.name()));
    }
    return rooms;
}

// Where users were mentioned who have been erased is not kept.
bool LogBook::are_mentioned(const Entry& there, bool deleted, const std::set<store::Row>& told) const {
    std::set<store::Row> mentions;
    if (!deleted) mentions = there.mentions;
    std::set<store::Row> left = told;
    for (const auto& [user, remains] : state_.erased) {
        mentions.erase(row_of(user));
        left.erase(row_of(user));
    }
    return left == mentions;
}

bool LogBook::is_unread(const Log& log, const std::string& user, std::uint64_t offset) const {
    const Entry& entry = log.entries[offset - 1];
    const Membership& member = *membership(log, user);
    return entry.kind == EntryKind::message && (entry.flags & model::kSilent) == 0 &&
           sent_.at(entry.key).user != user && !shown(log, offset, log.entries.size()).deleted &&
           offset >= member.may_read.back().first && offset > member.settings.cleared_to;
}

std::uint64_t LogBook::unread_of(const Log& log, const std::string& user, std::uint64_t from) const {
    std::uint64_t count = 0;
    for (std::uint64_t offset = from; offset <= log.entries.size(); ++offset) count += is_unread(log, user, offset);
    return count;
}

std::uint64_t LogBook::mentions_of(const Log& log, const std::string& user, std::uint64_t from) const {
    std::uint64_t count = 0;
    for (std::uint64_t offset = from; offset <= log.entries.size(); ++offset) {
        const Entry& entry = log.entries[offset - 1];
        const bool names = (entry.flags & model::kMentionAll) != 0 || entry.mentions.contains(row_of(user));
        count += names && is_unread(log, user, offset);
    }
    return count;
}

std::uint64_t LogBook::mentions_for(const std::string& user, const model::ConversationKey& key,
                                    std::uint64_t mark) const {
    const Log& log = *log_of(text_of(key));
    return mentions_of(log, user, std::max(mark + 1, log.first));
}

std::uint64_t LogBook::unread_for(const std::string& user, const model::ConversationKey& key,
                                  std::uint64_t mark) const {
    const Log& log = *log_of(text_of(key));
    return unread_of(log, user, std::max(mark + 1, log.first));
}

std::uint64_t LogBook::deleted_above(const std::string& user, const model::ConversationKey& key,
                                     std::uint64_t mark) const {
    const Log& log = *log_of(text_of(key));
    std::uint64_t count = 0;
    for (std::uint64_t offset = mark + 1; offset <= log.entries.size(); ++offset) {
        if (!is_message(log, offset)) continue;
        const Shown message = shown(log, offset, log.entries.size());
        count += message.deleted && message.from != user;
    }
    return count;
}

std::uint64_t LogBook::own_above(const std::string& user, const model::ConversationKey& key, std::uint64_t mark,
                                 const std::set<Uuid>& known) const {
    const Log& log = *log_of(text_of(key));
    std::uint64_t count = 0;
    for (std::uint64_t offset = mark + 1; offset <= log.entries.size(); ++offset) {
        const Entry& entry = log.entries[offset - 1];
        const bool own = entry.kind == EntryKind::message && sent_.at(entry.key).user == user;
        count += own && !known.contains(entry.key.first);
    }
    return count;
}

}  // namespace flare::sim
