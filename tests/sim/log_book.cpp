#include "sim/log_book.hpp"

#include "im/refusal.hpp"
#include "model/target.hpp"
#include "store/rules.hpp"

#include <algorithm>

namespace flare::sim {

using model::EntryKind;
using model::Role;

namespace {

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

// For the trace.
std::string what(const store::NewEntry& entry) {
    switch (entry.kind) {
        case EntryKind::edit: return ": edit of " + std::to_string(entry.ref);
        case EntryKind::removal: return ": removal of " + std::to_string(entry.ref);
        case EntryKind::reaction: return ": reaction to " + std::to_string(entry.ref);
        default: return {};
    }
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
    sent.end_then = end_of(sent.key);
    sent_[{id, text_of(sent.key)}] = std::move(sent);
}

// ---- what the server answers, and what its client hears ----

void LogBook::on_answer(const model::ConversationKey& conversation, const im::effect::Answer& answer) {
    const Key key{answer.id, text_of(conversation)};
    const auto known = sent_.find(key);
    if (known == sent_.end() && cleans_up_) return;  // the server has asked for it itself, and the store never saw it
    world_.require(known != sent_.end(), "only what was sent is answered");
    world_.trace("answers " + known->second.writer + " " + std::to_string(known->second.number) + " in " + key.second +
                 ": " + std::string(name(answer.code)) + " " + answer.id.str().substr(0, 8));
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
        if (known->second.verb == wire::Verb::message_delete) note_deletion(key);
    } else if (const auto before = ever_.find(key);
               destroyed_.contains(key.second) && before != ever_.end() && before->second.contains(answer.position)) {
        world_.happened("repeat of what a deleted room had");
    } else if (state_.pruned.contains(key) && ever_.at(key).contains(answer.position)) {
        world_.happened("answer of what was removed since");
    } else {
        world_.require(known->second.changes, "what is called stored is committed");
        judged_anew_.insert(key);
        answered_without_entry(known->second, log, answer.position);
    }
}

// Mail takes its time: until it has come, feeds may be given what is kept for them.
void LogBook::note_deletion(const Key& key) {
    constexpr Duration kMail = std::chrono::seconds(2);
    world_.after(kMail, [this, key, restores = restores_] {
        if (restores == restores_) deleted_at_.emplace(key, world_.now());
    });
}

// Nothing was to be changed, or the change leaves no entry.
void LogBook::answered_without_entry(const Sent& sent, const Log* log, const model::Position& position) {
    using wire::Verb;
    if (sent.verb == Verb::conversation_delete) {
        const auto owners = destroyed_.find(text_of(sent.key));
        world_.require(owners != destroyed_.end() && owners->second.contains(sent.user),
                       "a room that is deleted was its owner's");
        return world_.happened("deleted room");
    }
    const bool deleted_behind_it = log == nullptr || log->epoch != position.epoch;
    if (deleted_behind_it && destroyed_.contains(text_of(sent.key))) return;
    world_.require(log != nullptr, "what is called stored is committed");
    const model::Position newest{log->epoch, log->entries.size()};
    const bool reacts = sent.verb == Verb::message_react || sent.verb == Verb::message_unreact;
    // What is behind a reaction in its group is committed, and not known to its home yet.
    world_.require(reacts ? position.epoch == newest.epoch && position.offset <= newest.offset : position == newest,
                   "a change that changes nothing names the newest position");
    if (sent.verb == Verb::user_block || sent.verb == Verb::user_unblock) {
        const Membership* const member = membership(*log, sent.user);
        world_.require(member != nullptr && member->blocks == (sent.verb == Verb::user_block),
                       "a block is there when it is answered");
        return world_.happened(member->blocks ? "block" : "end of a block");
    }
    world_.happened(reacts ? "reaction that changes nothing" : "change that changes nothing");
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
    const store::Row row = change == nullptr ? entry->conversation : change->conversation;
    if (const auto log = state_.logs.find(row); log != state_.logs.end())
        return Key{entry->id, text_of(log->second.key)};
    const auto before = gone_.find(row);  // deleted behind it, in the same group
    world_.require(before != gone_.end(), "an entry goes to a conversation that is there");
    return Key{entry->id, before->second};
}

void LogBook::taken(const store::WriteBatch& batch) {
    ++batches_;
    for (const store::Write& write : batch.writes) {
        const auto key = key_of(write);
        if (!key) continue;
        if (cleans_up_ && !sent_.contains(*key)) does_itself(*key, *entry_of(write));
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
            if (const auto log = state_.logs.find(entry->conversation); log != state_.logs.end()) {
                (void)append(*entry, log->second, outcome, reader);
            } else {  // deleted by a commit of which nobody had heard
                world_.require(outcome != nullptr && outcome->code == errc::unknown_conversation,
                               "an entry goes to a conversation that is there");
            }
        } else if (const auto* changed = std::get_if<store::Change>(&write.what)) {
            change(batch, *changed, outcome, reader);
        } else if (const auto* marks = std::get_if<store::Mark>(&write.what)) {
            mark(*marks, outcome, reader);
        } else if (const auto* choice = std::get_if<store::SettingsChange>(&write.what)) {
            choose(*choice, outcome, reader);
        } else if (const auto* user = std::get_if<store::NewUser>(&write.what)) {
            add_user(*user, outcome, reader);
        } else if (const auto* erasure = std::get_if<store::Erasure>(&write.what)) {
            erase(*erasure, reader);
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
    const auto sent = sent_.find(key);
    world_.require(sent != sent_.end(), "only what was sent is stored");
    if (state_.pruned.contains(key) && (outcome == nullptr || outcome->code == errc::ok)) comes_again(key, entry, log);
    if (outcome != nullptr && needs_no_entry(entry, log, key, *outcome)) return false;
    if (outcome != nullptr && outcome->code != errc::ok) {
        world_.require(outcome->code == errc::storage_full, "what is new is refused for want of room alone");
        return false;
    }
    const auto found = *reader.find(entry.id, state_.rows.at(key.second), entry.sender);
    if (!found && outcome == nullptr) {  // there was no room, or nothing to be changed: it is judged anew
        if (store::is_about_another(entry.kind)) judged_anew_.insert(key);
        return false;
    }
    const model::Position next{log.epoch, log.entries.size() + 1};
    const bool deleted_behind_it = !found && reader.conversation(log.key)->value_or(store::Conversation()).removed;
    world_.require(deleted_behind_it || (found && found->position == next), "offsets have no gaps");
    world_.require(outcome == nullptr || (!outcome->repeat && outcome->position == next), "what is new is no repeat");
    world_.require(!refused_heard_.contains(key), "what was refused is never stored");
    world_.trace("commits " + sent->second.writer + " " + std::to_string(sent->second.number) + " in " + key.second +
                 " at " + std::to_string(next.offset) + what(entry));
    // A session judges nothing behind what it had no room for (docs/protocol.md, "Requests").
    if (!judged_anew_.contains(key) && !requests_.found_no_room(key.first)) {
        std::uint64_t& last = log.last_of[sent->second.writer];
        world_.require(sent->second.number > last, "what one sends to a conversation keeps its order");
        // A removal is written also where there is no room for what was sent before it.
        if (entry.kind != EntryKind::removal) last = sent->second.number;
    }
    const store::Row sender = sent->second.user == kServerTarget ? 0 : row_of(sent->second.user);
    world_.require(entry.sender == sender, "a message is stored as its sender's");
    const bool changes_members = entry.kind == EntryKind::membership || entry.kind == EntryKind::config;
    if (!changes_members) check_writer(entry, log, key);
    if (entry.kind == EntryKind::message) world_.require(!sent->second.changes, "a change is not stored as a message");
    if (store::is_about_another(entry.kind)) check_message_change(entry, log, sent->second);
    Entry made{key, entry.kind, entry.ref, found ? found->time_ms : now_ms()};
    if (entry.kind == EntryKind::message) {
        made.flags = sent->second.flags;
        made.mentions = check_about(entry, log, sent->second);
        const bool told = outcome == nullptr ||
                          std::set<store::Row>(outcome->mentions.begin(), outcome->mentions.end()) == made.mentions;
        world_.require(told, "members are mentioned, and nobody else");
        if (!made.mentions.empty()) world_.happened("mention");
        if (entry.ref != 0) world_.happened("reply");
    }
    log.entries.push_back(std::move(made));
    if (store::is_about_another(entry.kind)) log.changes[entry.ref].push_back(next.offset);
    note_text(log, log.entries.back());
    state_.offsets[key] = next.offset;
    note_place(key, next);
    lost_.erase(key);
    ledger_.stored(entry.id);
    return true;
}

void LogBook::note_place(const Key& key, const model::Position& at) {
    ever_[key].insert(at);
    ids_at_[{key.second, at}].insert(key.first);
}

void LogBook::note_text(const Log& log, const Entry& entry) {
    const Sent& sent = sent_.at(entry.key);
    if (entry.kind == EntryKind::message) texts_[entry.key].insert(sent.payload);
    if (entry.kind != EntryKind::edit && entry.kind != EntryKind::removal) return;
    const Key& original = log.entries[entry.ref - 1].key;
    texts_[original].insert(entry.kind == EntryKind::edit ? sent.payload : std::string());
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
    const auto known = state_.logs.find(change.conversation);
    if (!makes && known == state_.logs.end())  // it was deleted by a commit of which nobody had heard
        return world_.require(change.removed && outcome != nullptr && outcome->code == errc::unknown_conversation,
                              "what is changed is there");
    Log* const log = makes ? make(change, outcome, reader) : &known->second;
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
    if (change.removed) return destroy(known->first);
    if (change.keep_from != 0) cut(*log, change.keep_from, outcome, reader);
    if (change.config) log->config = *change.config;
    set_members(change, *log);
}

// With its log.
void LogBook::destroy(store::Row row) {
    const auto log = state_.logs.extract(row);
    const std::string key = text_of(log.mapped().key);
    world_.trace("deletes " + key);
    std::set<std::string>& owners = destroyed_[key];
    for (const auto& [user, of] : state_.users) {
        const auto member = log.mapped().members.find(of);
        if (member != log.mapped().members.end() && member->second.role == Role::owner) owners.insert(user);
    }
    for (const Entry& entry : log.mapped().entries) {
        state_.offsets.erase(entry.key);
        lost_.insert(entry.key);
    }
    state_.rows.erase(key);
    gone_[row] = key;
}

void LogBook::set_members(const store::Change& change, Log& log) {
    const std::uint64_t newest = log.entries.size();
    for (const model::Member& each : change.members) {
        Membership& member = log.members[each.user];
        const std::uint64_t from = log.config.visibility == model::Visibility::all ? 1
                                   : each.visible_from != 0                        ? each.visible_from
                                                                                   : std::max<std::uint64_t>(newest, 1);
        if (member.role == Role::none && each.role != Role::none) {
            world_.require(member.banned_until <= now_ms(), "who is banned does not come back");
            member.may_read.emplace_back(from, UINT64_MAX);
            member.read = change.conversation == 0 ? 0 : newest;
            member.moved = member.came = member.unread_from = 0;
        }
        if ((member.role == Role::none) != (each.role == Role::none)) {
            member.settings = {};
            member.cleared_heard = 0;
        }
        if (member.role != Role::none && each.role == Role::none) member.may_read.back().second = newest;
        member.role = each.role;
        member.muted_until = each.muted_until;
        member.banned_until = each.banned_until;
        member.blocks = each.blocks;
        member.invited = each.invited();
        world_.require(!member.invited || (each.role == Role::none && each.banned_until <= now_ms()),
                       "no member is invited, and nobody who is banned");
        world_.require(!each.blocks || log.key.kind() == model::ConversationKind::direct,
                       "only users block each other");
    }
}

void LogBook::restored(bool new_generation, store::Reader& reader) {
    for (const auto& [key, offset] : state_.offsets) {
        if (!copy_->offsets.contains(key)) lost_.insert(key);
    }
    state_ = *copy_;
    ++restores_;
    deleted_at_.clear();
    unknown_copy_ = unknown_copy_ || !new_generation;
    for (auto& [row, log] : state_.logs) {
        const auto there = *reader.conversation(row);
        world_.require(there && there->key == log.key, "a copy has its conversations");
        const bool other = there->head.last.epoch != log.epoch;
        world_.require(other == new_generation, "positions have another epoch if, and only if, a backup was restored");
        log.epoch = there->head.last.epoch;
        world_.require(there->head.first == log.first, "a copy has what was not removed");
        for (std::uint64_t i = 0; i < log.entries.size(); ++i) note_place(log.entries[i].key, {log.epoch, i + 1});
    }
    copy_ = state_;  // of the generation that is
}

}  // namespace flare::sim
