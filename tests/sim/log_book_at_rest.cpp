// When the faults are over: the store holds what was committed, and lists say what a recount says.
#include "sim/log_book.hpp"

namespace flare::sim {

using model::EntryKind;

void LogBook::check_at_rest(store::Reader& reader) {
    for (const auto& [row, log] : state_.logs) check_log(row, log, reader);
    for (const Key& key : stored_heard_) {
        world_.require(state_.offsets.contains(key) || lost_.contains(key), "what was called stored is in the log");
    }
    for (const Key& key : refused_heard_) {
        world_.require(!state_.offsets.contains(key), "what was refused is not in the log");
    }
    world_.require(in_store_.empty(), "the store answers everything");
    check_erased(reader);
    for (const auto& [user, row] : state_.users) check_list(user, row, reader);
}

// In small pages.
void LogBook::check_list(const std::string& user, store::Row row, store::Reader& reader) {
    std::vector<model::ConversationKey> missing = conversations_of(user);
    std::set<std::string> invitations = invitations_of(user);
    store::ListRequest request{.user = row, .limit = 2};
    for (bool more = true; more;) {
        const auto page = reader.list(request);
        world_.require(page.has_value(), "the store lists conversations");
        for (const store::Listed& each : page->found) {
            request.before_stamp = each.stamp;
            request.before_row = each.conversation.row;
            if (each.is_invitation()) {
                const bool known = invitations.erase("room:" + std::string(each.conversation.key.name())) == 1;
                world_.require(known, "each invitation is listed once");
                continue;
            }
            world_.require(std::erase(missing, each.conversation.key) == 1, "each conversation is listed once");
            const Log& log = *log_of(std::string(each.conversation.key.text()));
            world_.require(each.conversation.head.last == model::Position{log.epoch, log.entries.size()},
                           "a list knows the end of a log");
            const Membership& member = *membership(log, user);
            world_.require(each.mark.offset == member.read && each.mark.unread_from == member.unread_from,
                           "marks are as they were set");
            world_.require(each.settings == member.settings, "choices are as they were made");
            const auto unread = reader.unread(each, 999);
            const std::uint64_t from = std::max(each.mark.offset + 1, log.first);
            world_.require(unread && unread->count == unread_of(log, user, from) && !unread->more,
                           "unread is what a recount says");
            const std::uint64_t mentions = mentions_of(log, user, from);
            world_.require(unread->mentions == mentions || (is_erased(user) && unread->mentions < mentions),
                           "unread mentions are what a recount says");
        }
        request.upto = page->upto;
        more = page->more;
    }
    world_.require(missing.empty() && invitations.empty(), "every conversation and every invitation is listed");
}

void LogBook::check_log(store::Row row, const Log& log, store::Reader& reader) {
    if (cleans_up_) check_cuts(log);
    std::uint64_t last = log.first - 1;
    for (bool more = true; more;) {
        store::PageRequest request;
        request.conversation = row;
        request.from = last + 1;
        request.direction = store::Direction::forward;
        request.limit = 1000;
        request.bytes = UINT32_MAX;
        request.reactions = true;
        const auto page = reader.page(request);
        world_.require(page.has_value(), "a conversation is in the store");
        for (const store::Entry& entry : page->entries) {
            world_.require(entry.offset == ++last, "offsets have no gaps");
            world_.require(last <= log.entries.size() && entry.id == log.entries[last - 1].key.first,
                           "the log holds what was committed");
            check_entry(log, entry);
        }
        more = page->more;
    }
    world_.require(last == log.entries.size(), "the log holds all that was committed");
    for (const auto& [user, member] : log.members) {
        const auto there = *reader.member(row, user);
        world_.require(there && there->role == member.role && there->muted_until == member.muted_until &&
                           there->banned_until == member.banned_until && there->blocks == member.blocks &&
                           there->invited() == member.invited,
                       "members are as they were changed");
    }
}

void LogBook::check_entry(const Log& log, const store::Entry& entry) {
    const Entry& there = log.entries[entry.offset - 1];
    const Sent& sent = sent_.at(there.key);
    const store::Row sender = sent.user == kServerTarget ? 0 : row_of(sent.user);
    world_.require(entry.kind == there.kind && entry.ref == there.ref && entry.sender == sender,
                   "an entry is what was asked for");
    const bool edit = entry.kind == EntryKind::edit;
    if (entry.kind == EntryKind::removal) return world_.require(entry.payload.empty(), "a removal has no payload");
    if (entry.kind == EntryKind::reaction)
        return world_.require(entry.payload == sent.payload, "a reaction is as it was given");
    if (!edit && entry.kind != EntryKind::message) return;
    if (edit && entry.ref < log.first)
        return world_.require(entry.payload.empty() && entry.blank, "an edit of what was removed has no text");
    const Shown message = shown(log, edit ? entry.ref : entry.offset, log.entries.size());
    world_.require(entry.payload == message.payload && entry.blank == message.deleted,
                   "a message is as it was changed");
    if (edit) return;
    const std::set<store::Row> mentions(entry.mentions.begin(), entry.mentions.end());
    world_.require(
        are_mentioned(there, message.deleted, mentions) && (entry.flags & ~model::kNamesUsers) == there.flags,
        "a message has the mentions and flags that it was sent with");
    const std::uint64_t rev = message.changed_at == 0 ? entry.offset : message.changed_at;
    world_.require(entry.rev == rev && entry.reactions.size() == message.reactions.size(),
                   "a message has the changes that it has had");
    for (const store::Reaction& each : entry.reactions) {
        const auto found = message.reactions.find(each.key);
        world_.require(found != message.reactions.end() && each.users == found->second.size(),
                       "a message has the reactions that it was given");
    }
}

}  // namespace flare::sim
