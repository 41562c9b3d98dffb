// The store of a World: what it commits, and what it does not.
#include "world.hpp"

#include "im/planted.hpp"
#include "support.hpp"

#include <algorithm>

namespace flare::im::test {

// ---- the store ----

bool World::in_store(const Key& key) const {
    return std::any_of(group_.begin(), group_.end(), [&](const Write& write) {
        const Device& device = devices_[write.what.device - 1];
        return write.what.message.number == key.first && device.user == key.second;
    });
}

void World::store_step() {
    if (slow_ && !calm_ && any(30) != 0) return;
    if (unknown_) {  // opened again, and read: now it is known
        if (any(3) != 0) return;
        failed_ = false;
        const Group group = std::exchange(group_, {});
        const auto outcomes = *std::exchange(unknown_, std::nullopt);
        if (outcomes.empty()) return put_off(group, errc::storage_failed);
        return answer(group, outcomes);
    }
    if (group_.empty()) return;
    if (chance(6)) {
        ++counts_.unknown;
        failed_ = true;
        unknown_ = any(2) == 0 ? commit(group_) : std::vector<std::pair<Outcome, errc>>();
        return;
    }
    if (chance(12)) return put_off(std::exchange(group_, {}), any(2) == 0 ? errc::busy : errc::storage_full);
    const auto outcomes = commit(group_);
    answer(std::exchange(group_, {}), outcomes);
}

void World::put_off(const Group& group, errc code) {
    for (const Write& write : group) {
        note("put off", write.what.device, write.what.message.number, name(code));
        append_->put_off(write.ticket, code, now_, out_);
        act();
    }
}

void World::answer(const Group& group, const std::vector<std::pair<Outcome, errc>>& outcomes) {
    for (std::size_t i = 0; i < group.size(); ++i) {
        const auto& [outcome, code] = outcomes[i];
        if (code == errc::ok) {
            append_->committed(group[i].ticket, outcome, out_);
        } else {
            append_->rejected(group[i].ticket, code, now_, out_);
        }
        act();
    }
}

std::uint64_t World::invitations() const {
    return static_cast<std::uint64_t>(
        std::ranges::count_if(members_, [](const auto& each) { return each.second.invited(); }));
}

// Who is invited, and by whom; who joins, and who is still invited then: said once more, and plainly.
void World::check_invitations(const Write& write, std::string_view which) {
    const Row actor = devices_[write.what.device - 1].user;
    const model::Member& self = members_[actor];
    const Command& command = *write.what.message.command;
    const auto wrong = [&](const char* what) { fail(what + std::string(which)); };
    const bool may = actor == 0 || self.role >= model::Role::moderator;
    if (const auto* const invite = std::get_if<command::Invite>(&command)) {
        if (!may) wrong("somebody has invited who may not");
        for (const model::Member& each : write.plan->members) {
            const model::Member& before = members_[each.user];
            const bool blocks = std::ranges::none_of(invite->users, [&](const command::Person& person) {
                return person.user == each.user && !person.blocks;
            });
            if (before.role != model::Role::none || before.invited() || blocks || !each.invited())
                wrong("somebody is invited who is not to be");
            if (before.banned_until > write.handed_ms) wrong("who is banned is invited");
        }
    }
    if (std::holds_alternative<command::Join>(command) && config_.join != model::Join::open && !self.invited())
        wrong("somebody has joined without an invitation");
    const auto* const remove = std::get_if<command::Remove>(&command);
    if (remove != nullptr && members_[remove->user].invited() && !may)
        wrong("an invitation is taken back by who may not");
    for (const model::Member& each : write.plan->members) {
        if (each.invited() && (each.role != model::Role::none || each.banned_until > write.handed_ms))
            wrong("a member, or who is banned, is invited");
    }
}

// Nothing of a member is behind what took its rights away, and nothing of a device before what it sent first.
void World::check_entry(const Write& write) {
    const Device& device = devices_[write.what.device - 1];
    const Message& message = write.what.message;
    const std::string which = " (message " + std::to_string(message.number) + ")";
    if (!left_no_entry_.contains(message.number)) {
        if (message.ordinal <= last_ordinal_[device.number]) fail("a device's messages are out of order" + which);
        last_ordinal_[device.number] = message.ordinal;
    }
    const model::Member& member = members_[device.user];
    if (write.plan) return check_invitations(write, which);
    if (message.edits != 0) {
        const About& about = entries_.at(message.edits - 1);
        if (about.kind != model::EntryKind::message) fail("what is no message was edited" + which);
        if (about.sender != device.user && member.role < model::Role::admin)
            fail("another one's message was edited" + which);
    }
    if (member.role < model::Role::member) fail("appended after its sender was removed" + which);
    if (member.muted_until > write.handed_ms) fail("appended after its sender was muted" + which);
    if (config_.frozen && !can(member.role, Capability::manage)) fail("appended to a frozen conversation" + which);
}

std::vector<std::pair<Outcome, errc>> World::commit(const Group& group) {
    std::vector<std::pair<Outcome, errc>> outcomes;
    for (const Write& write : group) {
        const Device& device = devices_[write.what.device - 1];
        const Key key{write.what.message.number, device.user};
        Outcome outcome{.row = kRoomRow};
        if (const auto known = log_.find(key); known != log_.end()) {
            outcome.repeat = true;
            outcome.position = {Home::kEpoch, known->second.offset};
            outcome.time_ms = known->second.time_ms;
            outcomes.emplace_back(
                outcome, known->second.content == write.what.message.content ? errc::ok : errc::duplicate_message_id);
            continue;
        }
        note("committed", device.number, key.first);
        check_entry(write);
        outcome.position = {Home::kEpoch, ++last_};
        outcome.time_ms = now_.unix_ms;
        log_[key] = {last_, write.what.message.content, now_.unix_ms};
        entries_.push_back({device.user, now_.unix_ms,
                            write.plan                      ? write.plan->tells.value()
                            : write.what.message.edits != 0 ? model::EntryKind::edit
                                                            : model::EntryKind::message});
        if (write.plan) {
            if (write.plan->config) config_ = *write.plan->config;
            for (const model::Member& member : write.plan->members) members_[member.user] = member;
            if (invitations() > limits_.max_invitations) fail("more are invited than may be");
            const bool accepts = std::ranges::any_of(
                write.plan->members, [&](const model::Member& each) { return each.role != model::Role::none; });
            counts_.invited += write.plan->invited > 0;
            counts_.accepted += write.plan->invited < 0 && accepts;
            counts_.ended += write.plan->invited < 0 && !accepts;
        }
        outcomes.emplace_back(outcome, errc::ok);
    }
    return outcomes;
}

}  // namespace flare::im::test
