// Who may do what: what is written was allowed as it was handed to the store, and what is refused has its reason.
#include "sim/log_book.hpp"
#include "store/rules.hpp"

#include <algorithm>

namespace flare::sim {

using model::EntryKind;
using model::Role;

namespace {

std::uint64_t reactions_of(const LogBook::Shown& message, const std::string& user) {
    return static_cast<std::uint64_t>(
        std::ranges::count_if(message.reactions, [&](const auto& each) { return each.second.contains(user); }));
}

bool has_reaction(const LogBook::Shown& message, const std::string& user, const std::string& key) {
    const auto found = message.reactions.find(key);
    return found != message.reactions.end() && found->second.contains(user);
}

bool is_full(const LogBook::Shown& message, const std::string& user, const std::string& key) {
    const bool fresh = !message.reactions.contains(key);
    return reactions_of(message, user) >= store::kMostOwnReactions ||
           (fresh && message.reactions.size() >= store::kMostReactionKeys);
}

}  // namespace

// ---- what is refused ----

void LogBook::refused(const Key& key, const Sent& sent, errc code) {
    judged_anew_.insert(key);
    ledger_.may_come_late(key.first);
    world_.happened("refused for good");
    const Log* const log = log_of(key.second);
    const Membership* const member = log == nullptr ? nullptr : membership(*log, sent.user);
    const bool is_member = member != nullptr && member->role != Role::none;
    const bool application = sent.user == kServerTarget;
    if (refused_by_store_.erase(key) != 0) return;  // as it was then
    switch (code) {
        case errc::unknown_conversation:
            world_.require(sent.verb != wire::Verb::conversation_join || member == nullptr || !member->invited,
                           "who is invited may join");
            return world_.require(log == nullptr || (!application && !is_member),
                                  "a member is not told that there is no such conversation");
        case errc::muted:
            return world_.require(is_member && member->muted_until > now_ms(), "who is not muted is not told so");
        case errc::banned: {
            const auto is_banned = [this](const auto& each) { return each.second.banned_until > now_ms(); };
            // Who was to be added, or invited.
            const bool other =
                sent.verb == wire::Verb::member_add || sent.verb == wire::Verb::member_invite || application;
            world_.require(log != nullptr && (other ? std::ranges::any_of(log->members, is_banned)
                                                    : member != nullptr && member->banned_until > now_ms()),
                           "who is not banned is not told so");
            return world_.happened("banned");
        }
        case errc::conversation_frozen:
            world_.require(is_member && log->config.frozen && member->role < Role::admin,
                           "a conversation that is not frozen is not called so");
            return world_.happened("frozen");
        case errc::conversation_exists:
            return world_.require(log != nullptr, "a conversation exists that is said to exist");
        case errc::unknown_target:
            return world_.require(sent.changes || log == nullptr, "a conversation that is there has its target");
        case errc::forbidden:
            world_.require(log == nullptr || member == nullptr || is_forbidden(*log, *member, sent),
                           "what one may do is not forbidden");
            return world_.happened("forbidden");
        case errc::unknown_entry:
            world_.require(sent.reply_to != 0, "only a reply can be to what is not there");
            return world_.happened("reply to what is not there");
        case errc::message_too_large: {
            const auto most = log == nullptr ? model::Config().max_payload_bytes : log->config.max_payload_bytes;
            return world_.require(sent.payload.size() > most, "what is small enough is not called too large");
        }
        case errc::too_old:
            world_.require(destroyed_.contains(key.second) || (log != nullptr && log->first > 1),
                           "a log of which nothing was removed knows what was in it");
            return world_.happened("too old");
        case errc::epoch_changed:
        case errc::history_pruned:
        case errc::too_many_reactions:
        case errc::too_many_edits:
            world_.require(log != nullptr && sent.about.offset != 0, "only messages are changed");
            return refused_change(*log, sent, code);
        default: world_.violated("nobody gives a reason for this refusal: " + std::string(name(code)));
    }
}

void LogBook::refused_change(const Log& log, const Sent& sent, errc code) {
    if (code == errc::epoch_changed) {
        world_.require(sent.about.epoch != 0 && sent.about.epoch != log.epoch,
                       "the epoch has changed if another one was meant");
        return world_.happened("change of a message in an earlier log");
    }
    const bool there = is_there(log, sent.about.offset);
    const Shown message = there ? shown(log, sent.about.offset, log.entries.size()) : Shown();
    switch (code) {
        case errc::history_pruned:
            world_.require(!there || message.deleted, "a message that is there can be changed");
            return world_.happened("change of a deleted message");
        case errc::too_many_reactions:
            world_.require(is_full(message, sent.user, sent.payload), "there is room for a reaction");
            return world_.happened("too many reactions");
        default: world_.require(message.edits >= store::kMostEdits, "there is room for an edit");
    }
}

// True also where nobody can say what the server has seen: it has read what is changed before its turn has come.
bool LogBook::is_forbidden(const Log& log, const Membership& member, const Sent& sent) const {
    const bool changes_message = sent.about.offset != 0;
    if (sent.changes && !changes_message) return true;
    if (member.role < Role::member || is_blocked(log, row_of(sent.user))) return true;
    if (!sent.changes) return (sent.flags & model::kMentionAll) != 0 && member.role < Role::moderator;
    const std::uint64_t offset = sent.about.offset;
    if (copy_ || log.epoch != sent.end_then.epoch || offset > sent.end_then.offset) return true;
    if (!is_there(log, offset)) return true;
    const Shown message = shown(log, offset, log.entries.size());
    const bool own = message.from == sent.user;
    if (!own && log.config.visibility != model::Visibility::all && offset < member.may_read.back().first) return true;
    switch (sent.verb) {
        case wire::Verb::message_edit: return !own && member.role < Role::admin;
        case wire::Verb::message_delete: return !own && member.role < Role::moderator;
        default: return false;
    }
}

bool LogBook::is_blocked(const Log& log, store::Row user) const {
    return std::ranges::any_of(log.members, [&](const auto& each) { return each.second.blocks && each.first != user; });
}

// ---- what is written ----

// What it was handed over with: since then nothing has changed.
void LogBook::check_writer(const store::NewEntry& entry, const Log& log, const Key& key) {
    if (entry.sender == 0) return;
    const auto member = log.members.find(entry.sender);
    world_.require(member != log.members.end() && member->second.role >= Role::member,
                   "who is no member writes nothing");
    world_.require(member->second.muted_until <= in_store_.at(key).at_ms, "who is muted writes nothing");
    world_.require(!log.config.frozen || member->second.role >= Role::admin, "nothing is written where it is frozen");
    world_.require(!is_blocked(log, entry.sender), "who is blocked writes nothing");
}

std::set<store::Row> LogBook::check_about(const store::NewEntry& entry, const Log& log, const Sent& sent) const {
    world_.require(entry.ref == sent.reply_to && entry.flags == sent.flags, "a message says what it was sent with");
    const bool application = sent.user == kServerTarget;
    const bool names_all = (entry.flags & model::kMentionAll) != 0;
    world_.require(application || !names_all || log.members.at(entry.sender).role >= Role::moderator,
                   "only moderators mention all");
    if (entry.ref != 0 && !application) {
        world_.require(is_message(log, entry.ref), "a reply is to a message");
        const bool own = sent_.at(log.entries[entry.ref - 1].key).user == sent.user;
        world_.require(
            own || log.config.visibility == model::Visibility::all || may_read(log.members.at(entry.sender), entry.ref),
            "a reply is to what its sender may read");
    }
    std::set<store::Row> mentions;
    for (const std::string& name : sent.names) {
        const auto member = log.members.find(row_of(name));
        if (name != sent.user && member != log.members.end() && member->second.role != Role::none)
            mentions.insert(member->first);
    }
    return mentions;
}

void LogBook::check_message_change(const store::NewEntry& entry, const Log& log, const Sent& sent) {
    using wire::Verb;
    const Verb verb = entry.kind == EntryKind::edit            ? Verb::message_edit
                      : entry.kind == EntryKind::removal       ? Verb::message_delete
                      : (entry.flags & model::kTakenBack) != 0 ? Verb::message_unreact
                                                               : Verb::message_react;
    world_.require(sent.verb == verb && entry.ref == sent.about.offset, "a change is written as it was asked for");
    world_.require(sent.about.epoch == 0 || sent.about.epoch == log.epoch, "a change is of the log that was meant");
    world_.require(is_there(log, entry.ref), "only messages that are there are changed");
    const Shown message = shown(log, entry.ref, log.entries.size());
    world_.require(!message.deleted, "what is deleted is not changed");
    if (entry.sender == 0) return check_own_removal(message);
    const bool own = message.from == sent.user;
    const Membership& member = log.members.at(entry.sender);
    world_.require(own || log.config.visibility == model::Visibility::all || may_read(member, entry.ref),
                   "nobody changes what they may not read");
    if (entry.kind == EntryKind::edit) {
        world_.require(own || member.role >= Role::admin, "only admins edit what others wrote");
        world_.require(message.edits < store::kMostEdits, "a message is edited so many times at most");
        return world_.happened(own ? "edit" : "edit of another one's message");
    }
    if (entry.kind == EntryKind::removal) {
        world_.require(own || member.role >= Role::moderator, "only moderators delete what others wrote");
        return world_.happened(own ? "deletion" : "deletion of another one's message");
    }
    const bool comes = verb == Verb::message_react;
    world_.require(has_reaction(message, sent.user, sent.payload) != comes, "a reaction comes once, and goes once");
    world_.require(!comes || !is_full(message, sent.user, sent.payload), "there are so many reactions at most");
    world_.happened(comes ? "reaction" : "reaction that is taken back");
}

// A reaction that is as it is to be, or a change of what is no more: the store sees it as it writes. True: so it is.
bool LogBook::needs_no_entry(const store::NewEntry& entry, const Log& log, const Key& key,
                             const store::Outcome& outcome) {
    const Sent& sent = sent_.at(key);
    switch (outcome.code) {
        case errc::history_pruned:
        case errc::too_many_reactions:
        case errc::too_many_edits:
            refused_change(log, sent, outcome.code);
            refused_by_store_.insert(key);
            return true;
        case errc::too_old:
            world_.require(destroyed_.contains(key.second) || log.first > 1,
                           "a log of which nothing was removed knows what was in it");
            return true;
        default: break;
    }
    if (outcome.code != errc::ok || !outcome.repeat || outcome.position.offset != 0) return false;
    world_.require(entry.kind == EntryKind::reaction && is_there(log, entry.ref), "what is new needs an entry");
    const bool has = has_reaction(shown(log, entry.ref, log.entries.size()), sent.user, sent.payload);
    world_.require(has == (sent.verb == wire::Verb::message_react), "a reaction that is not there is written");
    judged_anew_.insert(key);
    return true;
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
    const bool others = !told->members.empty() && told->members.front().row != entry.sender;
    switch (told->kind) {
        case wire::ChangeKind::created: return world_.require(log.entries.empty(), "a room is made once");
        case wire::ChangeKind::joined:
            world_.require(alone && role == Role::none, "who joins was no member");
            if (log.config.join == model::Join::open) return;
            world_.require(actor != log.members.end() && actor->second.invited, "nobody joins who may not");
            return world_.happened("accepted invitation");
        case wire::ChangeKind::invited: return check_invitation(*told, log, entry.sender);
        case wire::ChangeKind::left: return world_.require(role != Role::none, "who leaves was a member");
        case wire::ChangeKind::config:
            world_.require(role >= Role::admin && told->config.has_value(), "only admins change what a room is");
            return world_.happened(told->config->frozen ? "freeze" : "other configuration");
        case wire::ChangeKind::role:
            if (!others) return check_step_down(*told, log, entry.sender);
            return check_touch(log, entry.sender, Role::admin, told->members.front(), "role");
        case wire::ChangeKind::muted:
            world_.require(others, "nobody mutes themselves");
            return check_touch(log, entry.sender, Role::moderator, told->members.front(), "mute");
        case wire::ChangeKind::banned:
            world_.require(others, "nobody bans themselves");
            return check_touch(log, entry.sender, Role::admin, told->members.front(), "ban");
        case wire::ChangeKind::removed:
            world_.require(others, "nobody removes themselves");
            return check_touch(log, entry.sender, Role::moderator, told->members.front(), "removal");
        case wire::ChangeKind::added:
            for (const wire::ChangedMember& each : told->members)
                check_touch(log, entry.sender, Role::moderator, each, "addition");
            return;
        default: world_.violated("nobody has asked for this change: " + sent.writer);
    }
}

// `needed`: the least role that has the right.
void LogBook::check_touch(const Log& log, store::Row actor, Role needed, const wire::ChangedMember& other,
                          const char* what) {
    const auto self = log.members.find(actor);
    const Role role = self == log.members.end() ? Role::none : self->second.role;
    const auto before = log.members.find(other.row);
    const Role present = before == log.members.end() ? Role::none : before->second.role;
    const bool below = present < role && (other.role < role || other.role == present);
    world_.require(role >= needed && (role == Role::owner || below), "members change members only if they may");
    world_.happened(what);
}

// Made, taken back or declined.
void LogBook::check_invitation(const wire::ConversationChange& told, const Log& log, store::Row actor) {
    const auto self = log.members.find(actor);
    const bool may = self != log.members.end() && self->second.role >= Role::moderator;
    world_.require(!told.members.empty(), "an invitation is somebody's");
    for (const wire::ChangedMember& each : told.members) {
        const auto before = log.members.find(each.row);
        const bool member = before != log.members.end() && before->second.role != Role::none;
        const bool invited = before != log.members.end() && before->second.invited;
        world_.require(!member && each.role == Role::none && invited != each.invited,
                       "who is invited is no member, and is so once");
        world_.require(may || (each.row == actor && !each.invited), "only moderators invite, and take it back");
    }
    const bool made = told.members.front().invited;
    world_.happened(made                                ? "invitation"
                    : told.members.front().row == actor ? "declined invitation"
                                                        : "invitation that is taken back");
}

void LogBook::check_step_down(const wire::ConversationChange& told, const Log& log, store::Row owner) {
    const auto is_other_owner = [&](const auto& each) {
        return each.first != owner && each.second.role == Role::owner;
    };
    const auto self = log.members.find(owner);
    world_.require(told.members.size() == 1 && self != log.members.end() && self->second.role == Role::owner &&
                       std::ranges::any_of(log.members, is_other_owner),
                   "an owner steps down where there is another");
    world_.happened("owner who steps down");
}

}  // namespace flare::sim
