#include "im/plans.hpp"

#include "im/names.hpp"
#include "im/planted.hpp"
#include "im/rights.hpp"
#include "wire/entries.hpp"

#include <algorithm>

namespace flare::im {
namespace {

using model::Member;
using model::Role;
using wire::ChangeKind;

Refusal not_a_member() {
    return {errc::unknown_target, "this user is no member of the conversation: add the user first"};
}
Refusal not_a_room() {
    return {errc::forbidden, "a direct conversation has two members and no configuration: make a room for that"};
}
Refusal full() {
    return {errc::too_many_members, "the conversation has as many members as it may have: remove some first"};
}
Refusal has_too_many(bool self) {
    return {errc::too_many_conversations,
            self ? std::string_view("you are in as many conversations as allowed: leave some first")
                 : std::string_view("a user is in as many conversations as allowed: that one must leave some first")};
}

// One command on its way to a plan. A step that cannot be taken leaves its reason in refused_; what is not known, in
// missing_.
class Planner {
public:
    Planner(Conversation& conversation, Row actor, std::uint64_t now_ms)
        : conversation_(conversation), actor_(actor), now_ms_(now_ms) {
        plan_.conversation = conversation.row();
    }

    Planned make(const Command& command) {
        if (std::holds_alternative<command::Create>(command)) {
            std::visit(*this, command);
        } else if (!conversation_.present()) {
            refuse({errc::unknown_conversation, "there is no such conversation: correct its name, or create it"});
        } else if (const Member* const self = member(actor_); self != nullptr) {
            self_ = *self;
            const bool of_direct =
                std::holds_alternative<command::Block>(command) || std::holds_alternative<command::Truncate>(command);
            if (conversation_.direct() && !of_direct) {
                refuse(not_a_room());
            } else {
                std::visit(*this, command);
            }
        }
        if (refused_) return *refused_;
        if (!missing_.members.empty() || missing_.leaving != 0) return std::move(missing_);
        plan_.nothing = plan_.members.empty() && !plan_.config && !plan_.removed && plan_.keep_from == 0;
        if (plan_.nothing) plan_.tells.reset();
        if (plan_.tells) plan_.payload = wire::encode(told_);
        return std::move(plan_);
    }

    // ---- each command ----

    void operator()(const command::Create& create) {
        if (conversation_.present())
            return refuse({errc::conversation_exists,
                           "there is a conversation of this name already: join it, or choose another name"});
        if (conversation_.direct()) return refuse(not_a_room());
        if (Refused refused = check_room_name(conversation_.key().name())) return refuse(*refused);
        if (Refused refused = check(create.config)) return refuse(*refused);
        if (create.members.size() > kChangedAtOnce) return refuse(too_many_at_once());
        if (create.conversations >= limits().max_conversations) return refuse(has_too_many(true));
        tell(ChangeKind::created, model::EntryKind::config);
        change_config(create.config);
        if (actor_ != 0) enter({.user = actor_}, Role::owner);
        for (const command::Person& person : create.members) {
            if (named(person.user)) continue;
            if (person.conversations >= limits().max_conversations) return refuse(has_too_many(false));
            enter({.user = person.user}, plan_.members.empty() ? Role::owner : Role::member);
        }
        if (plan_.members.size() > limits().max_members) refuse(full());
    }

    void operator()(const command::Join& join) {
        if (actor_ == 0) return refuse(server_cannot());
        if (self_.role != Role::none) return;
        if (self_.banned_until > now_ms_ && !planted(Fault::ban_lifted_by_return))
            return refuse({errc::banned, "you are banned from this conversation: ask a moderator",
                           time_left_ms(self_.banned_until, now_ms_)});
        // Whoever may not join is not told that the room is there.
        const bool may = conversation_.config().join == model::Join::open || self_.invited();
        if (!may && !planted(Fault::join_without_invitation))
            return refuse({errc::unknown_conversation,
                           "there is no such conversation, or it takes only who is added: ask one of its moderators"});
        if (join.conversations >= limits().max_conversations) return refuse(has_too_many(true));
        if (conversation_.member_count() >= limits().max_members) return refuse(full());
        tell(ChangeKind::joined);
        enter(self_, Role::member);
    }

    void operator()(const command::Leave&) {
        if (actor_ == 0) return refuse(server_cannot());
        if (self_.invited()) return end_invitation(self_);
        if (self_.role == Role::none) return;
        tell(ChangeKind::left);
        go(self_);
    }

    void operator()(const command::Add& add) {
        if (add.users.size() > kChangedAtOnce) return refuse(too_many_at_once());
        if (add.role == Role::none)
            return refuse({errc::forbidden, "who is added needs a role: reader, member, moderator, admin or owner"});
        if (!may(Capability::add, Role::none, add.role)) return;
        tell(ChangeKind::added);
        for (const command::Person& person : add.users) {
            const Member* const present = member(person.user);
            if (present == nullptr || present->role != Role::none || named(person.user)) continue;
            if (present->banned_until > now_ms_)
                return refuse({errc::banned, "a user is banned from this conversation: end the ban first",
                               time_left_ms(present->banned_until, now_ms_)});
            if (person.conversations >= limits().max_conversations) return refuse(has_too_many(false));
            enter(*present, add.role);
        }
        if (conversation_.member_count() + plan_.members.size() > limits().max_members) refuse(full());
    }

    // Whoever is a member, invited already or takes nothing from who invites is passed over: of the last, nobody is
    // told.
    void operator()(const command::Invite& invite) {
        if (invite.users.size() > kChangedAtOnce) return refuse(too_many_at_once());
        if (!may(Capability::invite, Role::none, Role::none)) return;
        tell(ChangeKind::invited);
        for (const command::Person& person : invite.users) {
            const Member* const present = member(person.user);
            if (present == nullptr || present->role != Role::none || present->invited() || named(person.user)) continue;
            if (present->banned_until > now_ms_)
                return refuse({errc::banned, "a user is banned from this conversation: end the ban first",
                               time_left_ms(present->banned_until, now_ms_)});
            if (person.user == 0 || (person.blocks && !planted(Fault::invited_in_spite_of_block))) continue;
            if (person.invitations >= limits().max_invited)
                return refuse({errc::too_many_conversations,
                               "a user has as many open invitations as allowed: that one must accept or decline some"});
            Member other = *present;
            other.invited_by = actor_;
            other.invited_ms = now_ms_;
            ++plan_.invited;
            plan_.invitations.push_back(other.user);
            change(other);
        }
        const bool fits = conversation_.invitation_count() + plan_.members.size() <= limits().max_invitations;
        if (!fits && !plan_.members.empty())
            refuse({errc::too_many_members,
                    "the room has as many open invitations as it may have: take some back, or wait for answers"});
    }

    void operator()(const command::Remove& remove) {
        Member other;
        const Member* const present = member(remove.user);
        const bool invited = present != nullptr && present->invited();
        if (present != nullptr && !invited && remove.only_invitation) return;
        if (!touch(remove.user, invited ? Capability::invite : Capability::remove, other)) return;
        if (invited) return end_invitation(other);
        if (other.role == Role::none) return;
        tell(ChangeKind::removed);
        go(other);
    }

    void operator()(const command::SetRole& set) {
        if (set.role == Role::none)
            return refuse({errc::forbidden, "a role is taken by removing the member: ask for that"});
        if (set.user == actor_) return step_down(set.role);
        Member other;
        if (!touch(set.user, Capability::manage, other, set.role)) return;
        if (other.role == Role::none) return refuse(not_a_member());
        if (other.role == set.role) return;
        tell(ChangeKind::role);
        other.role = set.role;
        change(other);
    }

    void operator()(const command::Mute& mute) {
        Member other;
        if (!touch(mute.user, Capability::mute, other)) return;
        if (other.role == Role::none) return refuse(not_a_member());
        if (other.muted_until == mute.until_ms || is_over(mute.until_ms)) return;
        tell(ChangeKind::muted);
        other.muted_until = mute.until_ms;
        change(other);
    }

    void operator()(const command::Ban& ban) {
        Member other;
        if (!touch(ban.user, Capability::ban, other)) return;
        if (other.banned_until == ban.until_ms && (ban.until_ms == 0 || other.role == Role::none)) return;
        if (is_over(ban.until_ms)) return;
        tell(ChangeKind::banned);
        other.banned_until = ban.until_ms;
        const bool banned = ban.until_ms > now_ms_;
        if (banned && other.role != Role::none) {
            go(other);
        } else if (banned && other.invited() && !planted(Fault::invitation_outlives_ban)) {
            uninvite(other);
            change(other);
        } else {
            change(other);
        }
    }

    void operator()(const command::Configure& configure) {
        if (!may(Capability::config, Role::none, Role::none)) return;
        model::Config config = conversation_.config();
        if (configure.title) config.title = *configure.title;
        if (configure.join) config.join = *configure.join;
        if (configure.visibility) config.visibility = *configure.visibility;
        if (configure.max_payload_bytes) config.max_payload_bytes = *configure.max_payload_bytes;
        if (configure.slow_mode_ms) config.slow_mode_ms = *configure.slow_mode_ms;
        if (configure.frozen) config.frozen = *configure.frozen;
        if (config == conversation_.config()) return;
        if (Refused refused = check(config)) return refuse(*refused);
        tell(ChangeKind::config, model::EntryKind::config);
        change_config(config);
    }

    void operator()(const command::Block& block) {
        if (!conversation_.direct())
            return refuse({errc::forbidden, "a block is between two users: name the other user, not a room"});
        if (self_.role == Role::none) return refuse(not_a_member());
        if (self_.blocks == block.blocks) return;
        self_.blocks = block.blocks;
        plan_.members.push_back(self_);  // nobody is told
    }

    void operator()(const command::Destroy&) {
        if (actor_ != 0 && self_.role != Role::owner)
            return refuse({errc::forbidden, "only an owner of the conversation deletes it: ask one"});
        plan_.removed = true;
    }

    // No entry tells it: whoever asks for what was there hears that it is gone, and every head names the first one.
    void operator()(const command::Truncate& truncate) {
        if (actor_ != 0) return refuse({errc::forbidden, "only the server cuts a log: delete messages instead"});
        const model::Head& head = conversation_.head();
        if (head.last.epoch != truncate.epoch) return;
        const std::uint64_t first = std::min(truncate.keep_from, head.last.offset + 1);
        if (first > head.first) plan_.keep_from = first;
    }

private:
    const Limits& limits() const { return conversation_.limits(); }
    void refuse(const Refusal& refusal) { refused_ = refusal; }
    static Refusal server_cannot() {
        return {errc::forbidden, "the server is no member of a conversation: name a user who is"};
    }
    static Refusal too_many_at_once() {
        return {errc::too_many_members, "a change names at most 100 users: name the others in further ones"};
    }

    // A time that is over is a mistake, perhaps of a clock: whoever wants to end something says 0.
    bool is_over(std::uint64_t until_ms) {
        const bool over = until_ms != 0 && until_ms <= now_ms_;
        if (over) refuse({errc::forbidden, "this time is over already: name one that is to come, or 0 to end it"});
        return over;
    }
    static Refused check(const model::Config& config) {
        if (Refused refused = check_title(config.title)) return refused;
        if (config.max_payload_bytes == 0 || config.max_payload_bytes > kMaxPayloadBytes)
            return Refusal{errc::message_too_large,
                           "messages may be limited to 1 byte to 1 MiB: set a limit in between"};
        if (config.slow_mode_ms > kMaxSlowModeMs)
            return Refusal{errc::forbidden, "slow mode is at most 6 h: choose a shorter time"};
        return {};
    }

    // Null: it must be asked for.
    const Member* member(Row user) {
        static const Member kNobody{};
        if (user == 0) return &kNobody;
        const Member* const found = conversation_.members().find(user);
        if (found == nullptr) missing_.members.push_back(user);
        return found;
    }
    const HeirSearch* heirs_of(Row leaving) {
        const HeirSearch* const heirs = conversation_.heirs(leaving);
        if (heirs == nullptr) missing_.leaving = leaving;
        return heirs;
    }

    bool may(Capability capability, Role present, Role future) {
        if (actor_ == 0) return true;
        if (self_.role == Role::none) {
            refuse({errc::unknown_conversation,
                    "there is no such conversation, or you are not a member of it: correct its name, or join it"});
        } else if (Refused refused = may_change(self_.role, capability, present, future)) {
            refuse(*refused);
        }
        return !refused_;
    }
    // Gives `other` as it is, if the actor may do that to this one. Nobody does it to oneself.
    bool touch(Row user, Capability capability, Member& other, Role future = Role::none) {
        const Member* const present = member(user);
        if (present == nullptr) return false;
        if (user == 0 || user == actor_) {
            refuse({errc::forbidden, "this is done to other users: to go yourself, leave"});
            return false;
        }
        other = *present;
        return may(capability, other.role, future);
    }
    // An owner gives up being one, which another one must be.
    void step_down(Role role) {
        if (self_.role == role) return;
        if (self_.role != Role::owner)
            return refuse({errc::forbidden, "nobody changes the own role but an owner: ask one, or leave"});
        const HeirSearch* const heirs = heirs_of(actor_);
        if (heirs == nullptr) return;
        if (!heirs->other_owners())
            return refuse({errc::forbidden, "you are the only owner: make another member owner first"});
        tell(ChangeKind::role);
        Member self = self_;
        self.role = role;
        change(self);
    }

    bool named(Row user) const {
        return std::any_of(plan_.members.begin(), plan_.members.end(),
                           [&](const Member& each) { return each.user == user; });
    }
    void tell(ChangeKind kind, model::EntryKind entry = model::EntryKind::membership) {
        told_.kind = kind;
        plan_.tells = entry;
    }
    void change_config(const model::Config& config) {
        plan_.config = config;
        told_.config = config;
    }
    void change(const Member& member) {
        plan_.members.push_back(member);
        told_.members.push_back({.row = member.user,
                                 .role = member.role,
                                 .muted_until_ms = member.muted_until,
                                 .banned_until_ms = member.banned_until,
                                 .invited = member.invited()});
    }
    // It is declined or taken back.
    void end_invitation(Member member) {
        tell(ChangeKind::invited);
        uninvite(member);
        change(member);
    }
    // As of who has left: lists name it as gone.
    void uninvite(Member& member) {
        member.invited_by = member.invited_ms = 0;
        member.left_at = now_ms_;
        --plan_.invited;
        plan_.invitations.push_back(member.user);
    }
    // Joining again starts anew, but for the times until which one is muted.
    void enter(const Member& before, Role role) {
        Member member{.user = before.user, .role = role, .joined_at = now_ms_};
        member.muted_until = before.muted_until;
        member.visible_from = 0;
        const model::Config& config = plan_.config ? *plan_.config : conversation_.config();
        if (config.visibility == model::Visibility::all) member.visible_from = 1;
        ++plan_.joined;
        if (before.invited()) --plan_.invited;
        plan_.entering.push_back(member.user);
        change(member);
    }
    // The row stays, so that devices that were away learn of it. A conversation does not stay without an owner.
    void go(Member member) {
        const bool owner = member.role == Role::owner;
        member.role = Role::none;
        member.left_at = now_ms_;
        --plan_.joined;
        change(member);
        const HeirSearch* const heirs = owner ? heirs_of(member.user) : nullptr;
        if (heirs == nullptr || heirs->other_owners() || heirs->heir() == nullptr) return;
        Member heir = *heirs->heir();
        heir.role = Role::owner;
        change(heir);
    }

    Conversation& conversation_;
    const Row actor_;
    const std::uint64_t now_ms_;
    Member self_{};
    Plan plan_{};
    wire::ConversationChange told_{};
    Missing missing_{};
    Refused refused_;
};

}  // namespace

Planned plan(Conversation& conversation, Row actor, const Command& command, std::uint64_t now_ms) {
    return Planner(conversation, actor, now_ms).make(command);
}

Plan plan_direct(Row first, Row second, std::uint64_t now_ms) {
    Plan plan;
    plan.config.emplace();
    plan.config->visibility = model::Visibility::all;
    const bool with_server = first == 0 || second == 0;
    const auto enter = [&](Row user) {
        if (user == 0) return;
        Member member{.user = user, .role = with_server ? Role::reader : Role::member, .joined_at = now_ms};
        plan.members.push_back(member);
        plan.entering.push_back(user);
        ++plan.joined;
    };
    enter(first);
    if (second != first) enter(second);
    return plan;
}

}  // namespace flare::im
