// When the faults are over: what an application was told, and what its client lists, is what the logs say.
#include "client/im/entries.hpp"
#include "sim/listener.hpp"

#include <algorithm>

namespace flare::sim {

void Listener::check_at_rest() const {
    // Nobody can tell that the log is another one, if the copy has been written to meanwhile.
    if (client_.keeps_list && book_.unknown_copy()) return;
    for (const auto& [conversation, heard] : heard_) {
        if (!heard.subscribed || comes_and_goes(conversation)) continue;
        const auto end = book_.end_for(client_.user, LogBook::key_of(client_.user, conversation));
        world_.require(end.has_value(), "who is subscribed is a member");
        model::Position told{heard.epoch, heard.last};
        // An own message of unknown outcome is a hole, which is told with what comes behind it.
        const model::ConversationKey key = LogBook::key_of(client_.user, conversation);
        const auto needs_nothing = [&](const model::Position& at) {
            const bool is_there = at.offset <= end->offset && at.epoch == end->epoch;
            return book_.is_of(client_.name, key, at) || ever_.contains(book_.id_at(key, at)) ||
                   (is_there && !book_.is_open_to(client_.user, key, at));
        };
        while (needs_nothing({told.epoch, told.offset + 1})) ++told.offset;
        world_.trace(client_.name + " is told " + conversation + " up to " + std::to_string(told.offset) + " of " +
                     std::to_string(end->offset) + ", cleared " +
                     std::to_string(book_.cleared_to(client_.user, key, end->epoch)));
        world_.require(*end == told, "what is subscribed to is told to its end");
        if (heard.can_tell || !book_.unknown_copy()) check_shelf(conversation, heard);
        if (!client_.keeps_list) check_marks(conversation, key);
    }
    if (client_.keeps_list) check_list();
}

void Listener::check_list() const {
    std::set<std::string> listed;
    for (const client::ConversationList::Item& item : sync_.list()) {
        const std::string& name = item.about.name;
        listed.insert(name);
        const model::ConversationKey key = LogBook::key_of(client_.user, name);
        const auto end = book_.end_for(client_.user, key);
        world_.trace(client_.name + " lists " + name + ": " + std::to_string(item.about.head.last) + ", read " +
                     std::to_string(item.mark.offset) + ", unread " + std::to_string(item.mark.unread));
        world_.require(end.has_value(), "who has a conversation in the list is a member");
        world_.trace("of the store: end " + std::to_string(end->offset));
        // But for own messages of unknown outcome.
        model::Position last{item.about.head.epoch, item.about.head.last};
        while (book_.is_of(client_.name, key, {last.epoch, last.offset + 1})) ++last.offset;
        world_.require(last == *end, "the list knows the end of a log");
        const std::uint64_t mark = book_.mark_of(client_.user, key);
        world_.require(item.mark.offset <= mark, "a mark of the list is in the store");
        const bool told = item.mark.offset >= book_.said_of(client_.user, key);
        world_.require(told, "a mark that the store has is in every list of its user");
        const std::uint64_t unread = book_.unread_for(client_.user, key, item.mark.offset);
        world_.trace("of the store: end " + std::to_string(end->offset) + ", unread " + std::to_string(unread));
        // Of a log whose end alone is told, own messages without a receipt are counted until the next count: those of
        // other processes, and those that were given up.
        // Nobody tells that something was removed.
        std::uint64_t most = book_.unread_before_cuts(client_.user, key, item.mark.offset);
        // The application has chosen to hear nothing of what is between, which may be deletions.
        if (item.mark.more) most += book_.deleted_above(client_.user, key, item.mark.offset);
        if (client_.counts_ends)
            most += book_.own_above(client_.user, key, item.mark.offset, settled_) +
                    book_.deleted_above(client_.user, key, item.mark.offset);
        world_.require(
            item.mark.more ? item.mark.unread <= most : item.mark.unread >= unread && item.mark.unread <= most,
            "unread is what a recount says");
        if (item.mark.unread_from != 0)
            world_.trace(client_.name + " shows " + name + " as unread from " + std::to_string(item.mark.unread_from));
        world_.require(
            answered_unlisted_.contains(name) || item.mark.unread_from == book_.unread_from_of(client_.user, key),
            "what is unread by hand is so on all devices");
        if (!client_.counts_ends || !name.starts_with("room:") || asked_for_.contains(name)) check_marks(item, key);
        check_settings(item, key, item.about.head.last == end->offset);
        // Of a log whose end alone is told, it may not have heard of each.
        const std::uint64_t mentions = book_.mentions_for(client_.user, key, item.mark.offset);
        world_.trace("mentions " + std::to_string(item.mark.mentions) + ", of the store " + std::to_string(mentions));
        const bool fewer = item.mark.more || book_.is_erased(client_.user);
        const bool right = (fewer || item.mark.mentions >= mentions) &&
                           item.mark.mentions <= book_.mentions_before_cuts(client_.user, key, item.mark.offset);
        world_.require(client_.counts_ends ? item.mark.mentions <= item.mark.unread : right || item.mark.more,
                       "unread mentions are what a recount says");
        if (!client_.counts_ends || !name.starts_with("room:")) check_entries(item, key);
    }
    std::set<std::string> invited;
    for (const auto& each : sync_.list(true)) {
        invited.insert(each.about.name);
        world_.trace(client_.name + " lists an invitation to " + each.about.name);
    }
    for (const std::string& room : book_.invitations_of(client_.user))
        world_.trace(client_.user + " is invited to " + room);
    world_.require(invited == book_.invitations_of(client_.user), "the list knows the invitations that there are");
    if (!invited.empty()) world_.happened("invitation in a list");
    for (const model::ConversationKey& key : book_.conversations_of(client_.user)) {
        const std::string name = key.kind() == model::ConversationKind::room ? "room:" + std::string(key.name())
                                 : key.first() == client_.user               ? std::string(key.second())
                                                                             : std::string(key.first());
        if (!listed.contains(name)) world_.trace(client_.name + " does not list " + name);
        world_.require(listed.contains(name), "every conversation is in the list");
    }
}

// As it was told them, message by message.
void Listener::check_shelf(const std::string& conversation, const Heard& heard) const {
    const model::ConversationKey key = LogBook::key_of(client_.user, conversation);
    for (const auto& [offset, message] : heard.shelf.messages()) {
        const auto shown = book_.shown(key, {heard.epoch, offset});
        if (!shown) continue;  // it may not be read any more
        // A subscription that begins behind it, where its user may read now, does not notice that the log is another.
        if (book_.unknown_copy() && !book_.is_open_to(client_.user, key, {heard.epoch, offset})) continue;
        world_.trace(client_.name + " keeps " + conversation + " " + std::to_string(offset));
        world_.require(message.id == shown->id && message.payload == shown->payload, "who was told knows the text");
        world_.require(message.deleted == shown->deleted, "who was told knows what is deleted");
        world_.require(message.reactions == shown->reactions, "who was told knows the reactions");
        world_.happened("message that is known to the end");
    }
}

// As its client keeps them in the list.
void Listener::check_entries(const client::ConversationList::Item& item, const model::ConversationKey& key) const {
    const std::uint64_t behind = item.about.head.last + 1;
    const std::uint64_t first = item.entries.empty() ? behind : item.entries.front().packed.entry.offset;
    world_.trace(client_.name + " lists " + item.about.name + ": " + std::to_string(item.entries.size()) +
                 " entries from " + std::to_string(first) + ", the last is " + std::to_string(behind - 1));
    world_.require(item.entries.size() == behind - first, "a list has no hole");
    for (const client::ConversationList::Kept& each : item.entries) {
        const Entry& entry = each.packed.entry;
        if (entry.kind != EntryKind::message || entry.offset < book_.first_of(key)) continue;
        const auto shown = book_.shown(key, {item.about.head.epoch, entry.offset});
        world_.trace(client_.name + " lists " + item.about.name + " " + std::to_string(entry.offset));
        world_.require(shown && shown->id == entry.id, "a list has messages of the log");
        world_.require(entry.payload.view() == shown->payload && entry.deleted == shown->deleted,
                       "a list has the text of a message");
        world_.require(entry.reactions.size() == shown->reactions.size(), "a list has the reactions to a message");
        for (const Reaction& reaction : entry.reactions) {
            const auto found = shown->reactions.find(reaction.key);
            world_.require(found != shown->reactions.end() && reaction.users == found->second.size() &&
                               reaction.own == found->second.contains(client_.user),
                           "a list counts the reactions to a message");
        }
        world_.happened("message of a list");
    }
}

}  // namespace flare::sim
