#include "sim/log_book.hpp"

#include "im/refusal.hpp"
#include "model/target.hpp"
#include "store/rules.hpp"

#include <algorithm>

namespace flare::sim {

using model::EntryKind;
using model::Role;

namespace {

std::string text_of(const model::ConversationKey& key) { return std::string(key.text()); }

// A session says "busy" of what it has no memory for, and that may be in the log since an earlier session; nobody knows
// of the others.
bool is_final(errc code) {
    return code != errc::busy && code != errc::recipient_busy && code != errc::outcome_unknown &&
           code != errc::not_connected;
}

// The entry that a write brings, if it does; nothing of a user's row.
const store::NewEntry* entry_of(const store::Write& write) {
    if (const auto* entry = std::get_if<store::NewEntry>(&write.what)) return entry;
    const auto* change = std::get_if<store::Change>(&write.what);
    return change != nullptr && change->entry ? &*change->entry : nullptr;
}

}  // namespace

LogBook::LogBook(World& world, Ledger& ledger, RequestLedger& requests)
    : world_(world), ledger_(ledger), requests_(requests) {
    im::observer = this;
}

LogBook::~LogBook() { im::observer = nullptr; }

std::uint64_t LogBook::now_ms() const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(world_.now().time_since_epoch()).count());
}

const LogBook::Log* LogBook::log_of(const std::string& key) const {
    const auto row = state_.rows.find(key);
    return row == state_.rows.end() ? nullptr : &state_.logs.at(row->second);
}

store::Row LogBook::row_of(const std::string& user) const {
    const auto found = state_.users.find(user);
    return found == state_.users.end() ? 0 : found->second;
}

const LogBook::Membership* LogBook::membership(const Log& log, const std::string& user) const {
    const auto found = log.members.find(row_of(user));
    return found == log.members.end() ? nullptr : &found->second;
}

// ---- what is sent ----

model::ConversationKey LogBook::key_of(std::string_view user, std::string_view target) {
    const model::Target to = model::Target::of(target);
    return to.kind == model::Target::Kind::user ? model::ConversationKey::direct(user, to.name)
                                                : model::ConversationKey::room(to.name);
}

void LogBook::sends(const Uuid& id, Sent sent) {
    if (sent.changes) sent.writer += '?';  // a client lets requests wait that are more than may be open
    sent.number = ++numbers_[{sent.writer, text_of(sent.key)}];
    sent_[{id, text_of(sent.key)}] = std::move(sent);
}

// ---- what the server answers, and what its client hears ----

void LogBook::on_answer(const model::ConversationKey& conversation, const im::effect::Answer& answer) {
    const Key key{answer.id, text_of(conversation)};
    const auto known = sent_.find(key);
    world_.require(known != sent_.end(), "only what was sent is answered");
    world_.trace("answers " + known->second.writer + " " + std::to_string(known->second.number) + " in " + key.second +
                 ": " + std::string(name(answer.code)));
    if (known->second.changes) requests_.answered(answer.id, im::is_later(answer.code));
    put_off_.erase(key);
    const auto offset = state_.offsets.find(key);
    const Log* const log = log_of(text_of(conversation));
    if (answer.code != errc::ok) {
        const bool not_looked_up = memory_is_short_ && im::is_later(answer.code);
        world_.require(offset == state_.offsets.end() || not_looked_up, "what is in the log is not refused");
        world_.require(!in_store_.contains(key), "nothing is said of what the store may write");
        if (!im::is_later(answer.code)) return refused(key, known->second, answer.code);
        world_.happened("later");
        world_.require(answer.retry_after_ms != 0, "\"later\" says when");
        put_off_.insert(key);
    } else if (offset != state_.offsets.end()) {
        const model::Position there{log->epoch, offset->second};
        world_.require(answer.position == there, "\"stored\" names the position of the entry");
    } else {
        world_.require(known->second.changes && log != nullptr, "what is called stored is committed");
        const model::Position newest{log->epoch, log->entries.size()};
        world_.require(answer.position == newest, "a change that changes nothing names the newest position");
        world_.happened("change that changes nothing");
        judged_anew_.insert(key);
    }
}

void LogBook::refused(const Key& key, const Sent& sent, errc code) {
    judged_anew_.insert(key);
    ledger_.may_come_late(key.first);
    world_.happened("refused for good");
    const Log* const log = log_of(key.second);
    const Membership* const member = log == nullptr ? nullptr : membership(*log, sent.user);
    const bool is_member = member != nullptr && member->role != Role::none;
    const bool application = sent.user == kServerTarget;
    switch (code) {
        case errc::unknown_conversation:
            return world_.require(log == nullptr || (!application && !is_member),
                                  "a member is not told that there is no such conversation");
        case errc::muted:
            return world_.require(is_member && member->muted_until > now_ms(), "who is not muted is not told so");
        case errc::conversation_exists:
            return world_.require(log != nullptr, "a conversation exists that is said to exist");
        case errc::unknown_target:
            return world_.require(sent.changes || log == nullptr, "a conversation that is there has its target");
        case errc::forbidden:
            return world_.require(sent.changes || (is_member && member->role == Role::reader),
                                  "who may write is not forbidden to");
        case errc::message_too_large:
            return world_.require(sent.payload.size() > model::Config().max_payload_bytes,
                                  "what is small enough is not called too large");
        default: world_.violated("nobody gives a reason for this refusal: " + std::string(name(code)));
    }
}

bool LogBook::puts_off(const Uuid& id) const {
    const auto found = put_off_.lower_bound({id, {}});
    return found != put_off_.end() && found->first == id;
}

bool LogBook::puts_off(const std::string& writer) const {
    return std::any_of(put_off_.begin(), put_off_.end(),
                       [&](const Key& key) { return sent_.at(key).writer == writer; });
}

void LogBook::outcome(const session::Outcome& outcome) {
    const auto sent = sent_.lower_bound({outcome.message_id, {}});
    if (sent == sent_.end() || sent->first.first != outcome.message_id) return;  // it went to no conversation
    const Key& key = sent->first;
    put_off_.erase(key);
    if (outcome.error == errc::ok) {
        world_.require(outcome.status == wire::ReceiptStatus::stored, "what goes into a log is answered with stored");
        const auto where = ever_.find(key);
        world_.require(where != ever_.end(), "what a client hears to be stored is committed");
        world_.require(outcome.stored.position.epoch == 0 || where->second.contains(outcome.stored.position),
                       "a client hears the position of its message");
        stored_heard_.insert(key);
    } else if (is_final(outcome.error)) {
        world_.require(!state_.offsets.contains(key), "what a client hears to be refused is not in the log");
        refused_heard_.insert(key);
    }
}

void LogBook::response(const Uuid& id, errc code, const std::optional<wire::im::Written>& written) {
    const auto sent = sent_.lower_bound({id, {}});
    world_.require(sent != sent_.end() && sent->first.first == id, "a response answers a change that was asked for");
    const Key& key = sent->first;
    const auto where = ever_.find(key);
    if (code == errc::ok) {
        world_.require(written.has_value(), "a change is answered with its position");
        const model::Position position{written->epoch, written->offset};
        const bool nothing = !state_.offsets.contains(key) && judged_anew_.contains(key);
        world_.require(nothing || (where != ever_.end() && where->second.contains(position)),
                       "a client hears the position of its change");
        if (!nothing) stored_heard_.insert(key);
    } else if (is_final(code)) {
        world_.require(!state_.offsets.contains(key), "a change that is in the log is not refused");
        put_off_.erase(key);  // what was wrong with it may have been found before its conversation saw it
        refused_heard_.insert(key);
    }
}

// ---- the store ----

std::optional<LogBook::Key> LogBook::key_of(const store::Write& write) const {
    const store::NewEntry* const entry = entry_of(write);
    if (entry == nullptr) return std::nullopt;
    const auto* change = std::get_if<store::Change>(&write.what);
    if (change != nullptr && change->conversation == 0) return Key{entry->id, text_of(change->key)};
    const auto log = state_.logs.find(change == nullptr ? entry->conversation : change->conversation);
    world_.require(log != state_.logs.end(), "an entry goes to a conversation that is there");
    return Key{entry->id, text_of(log->second.key)};
}

void LogBook::taken(const store::WriteBatch& batch) {
    ++batches_;
    for (const store::Write& write : batch.writes) {
        const auto key = key_of(write);
        if (!key) continue;
        world_.require(in_store_.emplace(*key, Given{batches_, now_ms()}).second, "the store is asked once at a time");
        for (const auto& [other, given] : in_store_) {
            world_.require(other.second != key->second || given.batch == batches_,
                           "a conversation has one group in the store");
        }
    }
}

void LogBook::given_back(const store::WriteBatch& batch) {
    for (const store::Write& write : batch.writes) {
        if (const auto key = key_of(write)) in_store_.erase(*key);
    }
}

void LogBook::committed(const store::WriteBatch& batch, bool answered, store::Reader& reader) {
    for (const store::Write& write : batch.writes) {
        const store::Outcome* const outcome = answered ? &write.outcome : nullptr;
        if (const auto* entry = std::get_if<store::NewEntry>(&write.what)) {
            (void)append(*entry, state_.logs.at(entry->conversation), outcome, reader);
        } else if (const auto* changed = std::get_if<store::Change>(&write.what)) {
            change(batch, *changed, outcome, reader);
        } else if (const auto* marks = std::get_if<store::Mark>(&write.what)) {
            if (marks->what == store::Mark::What::read) mark(*marks, outcome, reader);
        } else if (const auto* user = std::get_if<store::NewUser>(&write.what)) {
            add_user(*user, outcome, reader);
        }
    }
}

void LogBook::add_user(const store::NewUser& user, const store::Outcome* outcome, store::Reader& reader) {
    const auto row = *reader.user(user.name);
    if (outcome != nullptr && outcome->code != errc::ok)
        return world_.require(outcome->code == errc::storage_full && !row, "a user is refused for want of room alone");
    if (!row) return;
    const auto [known, fresh] = state_.users.emplace(user.name, *row);
    world_.require(known->second == *row && (outcome == nullptr || (outcome->row == *row && outcome->repeat == !fresh)),
                   "a user has one row");
}

// True: it is appended.
bool LogBook::append(const store::NewEntry& entry, Log& log, const store::Outcome* outcome, store::Reader& reader) {
    const Key key{entry.id, text_of(log.key)};
    if (const auto offset = state_.offsets.find(key); offset != state_.offsets.end()) {
        world_.happened("repeat that the store knows");
        const bool same = outcome == nullptr || (outcome->code == errc::ok && outcome->repeat &&
                                                 outcome->position == model::Position{log.epoch, offset->second});
        world_.require(same, "a repeat answers with the position that it has");
        return false;
    }
    if (outcome != nullptr && outcome->code != errc::ok) {
        world_.require(outcome->code == errc::storage_full, "what is new is refused for want of room alone");
        return false;
    }
    const auto found = *reader.find(entry.id, state_.rows.at(key.second), entry.sender);
    if (!found && outcome == nullptr) return false;  // there was no room
    const model::Position next{log.epoch, log.entries.size() + 1};
    world_.require(found && found->position == next, "offsets have no gaps");
    world_.require(outcome == nullptr || (!outcome->repeat && outcome->position == next), "what is new is no repeat");
    const auto sent = sent_.find(key);
    world_.require(sent != sent_.end(), "only what was sent is stored");
    world_.require(!refused_heard_.contains(key), "what was refused is never stored");
    world_.trace("commits " + sent->second.writer + " " + std::to_string(sent->second.number) + " in " + key.second +
                 " at " + std::to_string(next.offset));
    if (!judged_anew_.contains(key)) {
        std::uint64_t& last = log.last_of[sent->second.writer];
        world_.require(sent->second.number > last, "what one sends to a conversation keeps its order");
        last = sent->second.number;
    }
    const store::Row sender = sent->second.user == kServerTarget ? 0 : row_of(sent->second.user);
    world_.require(entry.sender == sender, "a message is stored as its sender's");
    if (entry.kind == EntryKind::message) check_message(entry, log, key, sent->second);
    log.entries.push_back({key, entry.kind});
    state_.offsets[key] = next.offset;
    ever_[key].insert(next);
    lost_.erase(key);
    ledger_.stored(entry.id);
    return true;
}

// What it was handed over with: since then nothing has changed.
void LogBook::check_message(const store::NewEntry& entry, const Log& log, const Key& key, const Sent& sent) {
    if (entry.sender == 0) return;
    const auto member = log.members.find(entry.sender);
    world_.require(member != log.members.end() && member->second.role >= Role::member,
                   "who is no member writes nothing");
    world_.require(member->second.muted_until <= in_store_.at(key).at_ms, "who is muted writes nothing");
    world_.require(!sent.changes, "a change is not stored as a message");
}

// Whoever may not do it has not done it.
void LogBook::check_change(const store::WriteBatch& batch, const store::NewEntry& entry, const Log& log,
                           const Sent& sent) {
    const auto told = wire::decode_conversation_change(batch.view(entry.payload));
    world_.require(told.has_value(), "a change can be read");
    if (entry.sender == 0) return;
    const auto actor = log.members.find(entry.sender);
    const Role role = actor == log.members.end() ? Role::none : actor->second.role;
    const bool alone = told->members.size() == 1 && told->members.front().row == entry.sender;
    switch (told->kind) {
        case wire::ChangeKind::created: return world_.require(log.entries.empty(), "a room is made once");
        case wire::ChangeKind::joined:
            return world_.require(alone && role == Role::none && log.config.join == model::Join::open,
                                  "nobody joins who may not");
        case wire::ChangeKind::left: return world_.require(role != Role::none, "who leaves was a member");
        case wire::ChangeKind::added:
        case wire::ChangeKind::removed:
            return world_.require(role >= Role::moderator, "members change members only if they may");
        default: world_.violated("nobody has asked for this change: " + sent.writer);
    }
}

LogBook::Log* LogBook::make(const store::Change& change, const store::Outcome* outcome, store::Reader& reader) {
    if (const auto row = state_.rows.find(text_of(change.key)); row != state_.rows.end()) {
        Log& log = state_.logs.at(row->second);
        const bool exists = outcome == nullptr || outcome->code == errc::conversation_exists ||
                            (outcome->code == errc::ok && outcome->repeat);
        world_.require(exists, "a conversation is made once");
        return &log;
    }
    if (outcome != nullptr && outcome->code != errc::ok) {
        world_.require(outcome->code == errc::storage_full, "a new conversation is refused for want of room alone");
        return nullptr;
    }
    const auto there = *reader.conversation(change.key);
    if (!there && outcome == nullptr) return nullptr;  // there was no room
    world_.require(there.has_value(), "a conversation that was made is there");
    state_.rows[text_of(change.key)] = there->row;
    Log& log = state_.logs[there->row];
    log.key = change.key;
    log.epoch = there->head.last.epoch;
    return &log;
}

void LogBook::change(const store::WriteBatch& batch, const store::Change& change, const store::Outcome* outcome,
                     store::Reader& reader) {
    const bool makes = change.conversation == 0;
    Log* const log = makes ? make(change, outcome, reader) : &state_.logs.at(change.conversation);
    if (log == nullptr) return;
    if (makes && !log->members.empty()) {
        if (change.entry && outcome != nullptr && outcome->repeat) {
            store::NewEntry entry = *change.entry;
            (void)append(entry, *log, outcome, reader);
        }
        return;
    }
    if (change.entry) {
        if (const auto sent = sent_.find({change.entry->id, text_of(log->key)});
            sent != sent_.end() && !state_.offsets.contains(sent->first))
            check_change(batch, *change.entry, *log, sent->second);
        if (!append(*change.entry, *log, outcome, reader)) return;
    } else if (outcome != nullptr && outcome->code != errc::ok) {
        return;
    }
    if (change.config) log->config = *change.config;
    set_members(change, *log);
}

void LogBook::set_members(const store::Change& change, Log& log) {
    const std::uint64_t newest = log.entries.size();
    for (const model::Member& each : change.members) {
        Membership& member = log.members[each.user];
        const std::uint64_t from = log.config.visibility == model::Visibility::all ? 1
                                   : each.visible_from != 0                        ? each.visible_from
                                                                                   : std::max<std::uint64_t>(newest, 1);
        if (member.role == Role::none && each.role != Role::none) {
            member.may_read.emplace_back(from, UINT64_MAX);
            member.read = change.conversation == 0 ? 0 : newest;
        }
        if (member.role != Role::none && each.role == Role::none) member.may_read.back().second = newest;
        member.role = each.role;
        member.muted_until = each.muted_until;
    }
}

// Of a commit whose outcome nobody knows, the store says what became of it.
void LogBook::mark(const store::Mark& mark, const store::Outcome* outcome, store::Reader& reader) {
    const auto log = state_.logs.find(mark.conversation);
    const auto member = log->second.members.find(mark.user);
    const bool is_member = member != log->second.members.end() && member->second.role != Role::none;
    if (outcome != nullptr && outcome->code != errc::ok) {
        const bool for_a_reason =
            outcome->code == errc::storage_full || (outcome->code == errc::unknown_conversation && !is_member);
        return world_.require(for_a_reason, "a mark is refused to who is no member, and for want of room");
    }
    const std::uint64_t upto = std::min<std::uint64_t>(mark.offset, log->second.entries.size());
    if (outcome == nullptr) {
        const auto listed = *reader.list({.user = mark.user, .limit = 1000});
        const auto there = std::ranges::find(listed.found, mark.conversation,
                                             [](const store::Listed& each) { return each.conversation.row; });
        if (there == listed.found.end() || there->mark.offset < upto) return;  // there was no room
    }
    world_.require(is_member, "only members have marks");
    world_.happened(upto > member->second.read ? "mark" : "mark that does not grow");
    member->second.read = std::max(member->second.read, upto);
    member->second.said = std::max(member->second.said, upto);
    world_.require(outcome == nullptr || outcome->position == model::Position{log->second.epoch, member->second.read},
                   "a mark only grows, and not beyond the log");
}

void LogBook::restored(bool new_generation, store::Reader& reader) {
    for (const auto& [key, offset] : state_.offsets) {
        if (!copy_->offsets.contains(key)) lost_.insert(key);
    }
    state_ = *copy_;
    unknown_copy_ = unknown_copy_ || !new_generation;
    for (auto& [row, log] : state_.logs) {
        const auto there = *reader.conversation(row);
        world_.require(there && there->key == log.key, "a copy has its conversations");
        const bool other = there->head.last.epoch != log.epoch;
        world_.require(other == new_generation, "positions have another epoch if, and only if, a backup was restored");
        log.epoch = there->head.last.epoch;
        for (std::uint64_t i = 0; i < log.entries.size(); ++i) ever_[log.entries[i].key].insert({log.epoch, i + 1});
    }
    copy_ = state_;  // of the generation that is
}

// ---- what others see ----

void LogBook::delivered(const std::string& user, const wire::DataView& data) {
    const Key key{data.message->id, text_of(model::ConversationKey::direct(data.from, user))};
    world_.require(state_.offsets.contains(key), "nothing is delivered before it is committed");
}

void LogBook::head(const model::ConversationKey& key, const wire::im::Head& head) {
    const Log* const log = log_of(text_of(key));
    world_.require(log != nullptr && head.epoch == log->epoch, "a log that is read is of this epoch");
    world_.require(head.first == 1 && head.last <= log->entries.size(), "a head names no entry that is not committed");
}

void LogBook::page(const std::string& user, const model::ConversationKey& key, std::uint64_t after, bool forward,
                   const wire::im::HistoryPage& page) {
    world_.require(page.head.has_value(), "a page has its head");
    head(key, *page.head);
    const Log& log = *log_of(text_of(key));
    const Membership* const member = membership(log, user);
    world_.require(member != nullptr, "who never was a member reads nothing");
    std::uint64_t last = 0;
    for (const wire::im::Entry& entry : page.entries) {
        world_.require(last == 0 || entry.offset == last + 1, "a page has no holes");
        last = entry.offset;
        world_.require(last >= 1 && last <= log.entries.size(), "nothing is read before it is committed");
        const Entry& there = log.entries[last - 1];
        world_.require(entry.id == there.key.first && entry.kind == there.kind, "a page shows what is in the log");
        const Sent& sent = sent_.at(there.key);
        world_.require(entry.from == sent.user && (sent.changes || entry.payload == sent.payload),
                       "a message is read as it was sent");
        world_.require(may_read(*member, entry.offset),
                       "nobody reads what was written before they came or after they went");
    }
    if (!forward || page.entries.empty()) return;
    const std::uint64_t first = page.entries.front().offset;
    const bool begins = std::any_of(member->may_read.begin(), member->may_read.end(),
                                    [&](const auto& each) { return each.first == first; });
    world_.require(first == after + 1 || (first > after && begins), "a page begins where it was asked for");
}

bool LogBook::may_read(const Membership& member, std::uint64_t offset) {
    return std::any_of(member.may_read.begin(), member.may_read.end(),
                       [&](const auto& each) { return each.first <= offset && offset <= each.second; });
}

void LogBook::told(const std::string& user, const model::ConversationKey& key, const model::Position& at,
                   const Told& told) {
    const Key sent_as{told.id, text_of(key)};
    const auto where = ever_.find(sent_as);
    world_.require(where != ever_.end() && where->second.contains(at), "a subscription tells what is in the log there");
    const Sent& sent = sent_.at(sent_as);
    world_.require(told.from == sent.user && sent.changes == (told.kind != EntryKind::message),
                   "an entry is told as what it is");
    world_.require(sent.changes || told.payload == sent.payload, "a message is told as it was sent");
    const Log* const log = log_of(sent_as.second);
    if (log == nullptr || log->epoch != at.epoch || at.offset > log->entries.size()) return;  // before a restore
    const Membership* const member = membership(*log, user);
    world_.require(member != nullptr && may_read(*member, at.offset),
                   "nobody is told what was written before they came or after they went");
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

std::uint64_t LogBook::unread_of(const Log& log, const std::string& user, std::uint64_t mark) const {
    const Membership& member = *membership(log, user);
    std::uint64_t count = 0;
    for (std::uint64_t offset = mark + 1; offset <= log.entries.size(); ++offset) {
        const Entry& entry = log.entries[offset - 1];
        const bool counts = entry.kind == EntryKind::message && sent_.at(entry.key).user != user;
        count += counts && offset >= member.may_read.back().first;
    }
    return count;
}

std::uint64_t LogBook::unread_for(const std::string& user, const model::ConversationKey& key,
                                  std::uint64_t mark) const {
    return unread_of(*log_of(text_of(key)), user, mark);
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

}  // namespace flare::sim
