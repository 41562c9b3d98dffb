#include "im/rights.hpp"

#include "im/planted.hpp"

namespace flare::im {
namespace {

using model::EntryKind;
using model::Role;

Refusal forbidden(std::string_view text) { return {errc::forbidden, text}; }
Refusal no_such_message() {
    return forbidden("there is no such message in this conversation: name the offset of one that is there");
}

// What a user lacks. Each says who could.
Refusal lacks(Capability capability) {
    switch (capability) {
        case Capability::read:
        case Capability::send:
            return forbidden("readers of this conversation do not write: ask a moderator for a role");
        case Capability::react:
            return forbidden("readers of this conversation do not react: ask a moderator for a role");
        case Capability::edit_own:
        case Capability::delete_own:
            return forbidden("readers of this conversation do not change messages: ask a moderator");
        case Capability::delete_any: return forbidden("only moderators delete what others wrote: ask one");
        case Capability::invite: return forbidden("only moderators invite users: ask one");
        case Capability::add: return forbidden("only moderators add members: ask one");
        case Capability::remove: return forbidden("only moderators remove members: ask one");
        case Capability::mute: return forbidden("only moderators mute members: ask one");
        case Capability::ban: return forbidden("only admins ban users: ask one");
        case Capability::config: return forbidden("only admins change the configuration: ask one");
        case Capability::mention_all: return forbidden("only moderators mention all members: name whom you mean");
        case Capability::manage: break;
    }
    return forbidden("only admins do this: ask one");
}

// Who may not read a message hears nothing of it; it may be one of their own from before they left.
bool may_see(const Writing& writing, const Entry& entry) {
    return writing.config.visibility == model::Visibility::all || entry.ref >= writing.sender.visible_from ||
           entry.about->sender == writing.sender.user;
}

// One that was deleted can be answered: its place stays.
Refused may_reply(const Writing& writing, const Entry& entry) {
    if (entry.ref == 0 || planted(Fault::reply_not_checked)) return {};
    const bool is_there = entry.about != nullptr && entry.about->kind == EntryKind::message && may_see(writing, entry);
    if (is_there) return {};
    return Refusal{errc::unknown_entry,
                   "the message that this one replies to is not in this conversation: name the offset of one that is"};
}

Refused may_edit(const Writing& writing, const About& about, std::uint64_t now_ms) {
    if (about.kind != EntryKind::message) return forbidden("only messages are edited: name the offset of a message");
    if (about.blank) return Refusal{errc::history_pruned, "the message was deleted: send another one"};
    if (can(writing.sender.role, Capability::manage)) return {};
    if (about.sender != writing.sender.user && !planted(Fault::edited_by_anybody))
        return forbidden("only its sender edits a message: send one of your own");
    if (!can(writing.sender.role, Capability::edit_own)) return lacks(Capability::edit_own);
    if (now_ms > about.time_ms && now_ms - about.time_ms > kEditFor)
        return forbidden("the message is older than 24 h and can no longer be edited: send another one");
    return {};
}

Refused may_delete(const Writing& writing, const About& about) {
    if (about.kind != EntryKind::message) return forbidden("only messages are deleted: name the offset of a message");
    if (about.blank) return Refusal{errc::history_pruned, "the message was deleted already: nothing is left to delete"};
    const bool own = about.sender == writing.sender.user;
    const Capability needed = own ? Capability::delete_own : Capability::delete_any;
    if (!can(writing.sender.role, needed) && !planted(Fault::deleted_by_anybody)) return lacks(needed);
    return {};
}

Refused may_react(const Writing& writing, const About& about) {
    if (about.kind != EntryKind::message) return forbidden("reactions are to messages: name the offset of a message");
    if (about.blank) return Refusal{errc::history_pruned, "the message was deleted: react to one that is there"};
    if (!can(writing.sender.role, Capability::react)) return lacks(Capability::react);
    return {};
}

}  // namespace

Refused may_change(Role actor, Capability capability, Role present, Role future) {
    if (!can(actor, capability)) return lacks(capability);
    if (actor == Role::owner || planted(Fault::lower_role_not_heeded)) return {};
    if (present >= actor)
        return forbidden("the other user's role is not below yours: ask an owner of the conversation");
    if (future >= actor) return forbidden("a role is given by those above it: ask an owner of the conversation");
    return {};
}

Refused may_write(const Writing& writing, Capability capability, std::uint64_t now_ms) {
    const model::Member& sender = writing.sender;
    if (sender.banned_until > now_ms)
        return Refusal{errc::banned, "you are banned from this conversation: ask a moderator",
                       time_left_ms(sender.banned_until, now_ms)};
    if (sender.role == Role::none)
        return Refusal{errc::unknown_conversation,
                       "there is no such conversation, or you are not a member of it: correct its name, or join it"};
    if (writing.blocked) return forbidden("the other user takes no messages from you: nothing was sent");
    if (writing.config.frozen && !planted(Fault::freeze_not_heeded) && !can(sender.role, Capability::manage))
        return Refusal{errc::conversation_frozen,
                       "the conversation is frozen: only its admins write until they open it again"};
    if (!can(sender.role, capability)) return lacks(capability);
    if (sender.muted_until > now_ms && !planted(Fault::mute_forgotten))
        return Refusal{errc::muted, "you are muted in this conversation: wait, or ask a moderator",
                       time_left_ms(sender.muted_until, now_ms)};
    return {};
}

Refusal of_another_log() {
    return {errc::epoch_changed,
            "the offset is of an earlier log of the conversation: look the message up in the present one"};
}

Refused may_append(const Writing& writing, const Entry& entry, std::uint64_t now_ms) {
    const Capability needed = entry.kind == EntryKind::reaction  ? Capability::react
                              : entry.kind == EntryKind::edit    ? Capability::edit_own
                              : entry.kind == EntryKind::removal ? Capability::delete_own
                                                                 : Capability::send;
    if (entry.kind == EntryKind::membership || entry.kind == EntryKind::config || entry.kind == EntryKind::system)
        return forbidden("users send messages, edits, removals and reactions: ask for the change itself");
    if (Refused refused = may_write(writing, needed, now_ms)) return refused;
    const bool names_all = (entry.flags & model::kMentionAll) != 0 && !planted(Fault::all_named_by_anybody);
    if (names_all && !can(writing.sender.role, Capability::mention_all)) return lacks(Capability::mention_all);
    if (entry.kind == EntryKind::message) return may_reply(writing, entry);
    if (entry.other_log) return of_another_log();
    if (entry.pruned)
        return Refusal{errc::history_pruned,
                       "the message was removed by the rules of retention: nothing is left of it"};
    if (entry.about == nullptr) return no_such_message();
    if (!may_see(writing, entry)) return no_such_message();
    if (entry.kind == EntryKind::edit) return may_edit(writing, *entry.about, now_ms);
    if (entry.kind == EntryKind::removal) return may_delete(writing, *entry.about);
    return may_react(writing, *entry.about);
}

void HeirSearch::see(const model::Member& member) noexcept {
    if (member.role == Role::none || member.user == leaving_) return;
    if (member.role == Role::owner) ++owners_;
    // Moderators and members are alike here: of them the oldest.
    constexpr auto rank = [](Role role) { return role == Role::moderator ? Role::member : role; };
    const Role present = rank(heir_.role);
    const Role other = rank(member.role);
    const bool older =
        member.joined_at < heir_.joined_at || (member.joined_at == heir_.joined_at && member.user < heir_.user);
    if (other > present || (other == present && older)) heir_ = member;
}

}  // namespace flare::im
