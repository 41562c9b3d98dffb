// What an application chooses for its conversations: nothing that it has cleared is told or listed again, and in the
// end its list has what the store has.
#include "sim/listener.hpp"

#include <algorithm>
#include <iterator>

namespace flare::sim {

void Listener::choose(Chance& chance) {
    if (heard_.empty()) return;
    const auto at = std::next(heard_.begin(), static_cast<std::ptrdiff_t>(chance.below(heard_.size())));
    const std::string conversation = at->first;
    const Heard& heard = at->second;
    const std::size_t memberships = book_.memberships(client_.user, LogBook::key_of(client_.user, conversation));
    const auto then = [this, conversation, memberships](std::uint64_t epoch) {
        return [this, conversation, epoch, memberships](const Checked<ConversationSettings>& settings) {
            chosen(conversation, epoch, memberships, settings);
        };
    };
    if (heard.epoch != 0 && chance.one_in(3)) {
        // Mostly something that is there.
        const Position upto{heard.epoch, chance.below(heard.last + (chance.one_in(4) ? 20 : 1))};
        world_.trace(client_.name + " clears " + conversation + " up to " + std::to_string(upto.offset));
        return sync_.choose(*client::clear_call(conversation, upto), conversation, upto.epoch, then(upto.epoch));
    }
    SettingsChange change;
    if (chance.one_in(3)) change.notify = static_cast<NotifyLevel>(chance.below(3));
    if (chance.one_in(3))
        change.muted_until = std::chrono::system_clock::time_point(std::chrono::hours(chance.below(3)));
    if (chance.one_in(3)) change.pinned = chance.below(4);
    if (chance.one_in(2)) change.hidden = !chance.one_in(3);
    world_.trace(client_.name + " chooses for " + conversation);
    sync_.choose(*client::set_call(conversation, change), conversation, 0, then(0));
}

void Listener::chosen(const std::string& conversation, std::uint64_t epoch, std::size_t memberships,
                      const Checked<ConversationSettings>& settings) {
    if (!settings) return world_.happened("choice that was refused");
    world_.happened(epoch == 0 ? "choice that was answered" : "clear that was answered");
    const model::ConversationKey key = LogBook::key_of(client_.user, conversation);
    if (epoch == 0) return;
    book_.cleared(client_.user, key, {epoch, settings->cleared_to});
    cleared_[conversation] = {{epoch, settings->cleared_to}, memberships};
    pass_cleared(conversation, {epoch, settings->cleared_to});
}

void Listener::pass_cleared(const std::string& conversation, const Position& upto) {
    Heard& heard = heard_[conversation];
    if (heard.epoch != upto.epoch) return;
    heard.shelf.forget();
    if (upto.offset <= heard.last) return;
    heard.last = upto.offset;
    heard.id = Uuid();
    pass_own(heard);
}

void Listener::listed(const std::string& conversation, const ListedConversation& now) {
    const std::uint64_t cleared_to = now.settings.cleared_to;
    for (const Entry& each : now.entries) {
        world_.require(each.offset > cleared_to, "a list has nothing that was cleared");
        check_not_cleared(conversation, {now.about.head.epoch, each.offset}, 0);
    }
    if (cleared_to != 0) pass_cleared(conversation, {now.about.head.epoch, cleared_to});
}

// Whoever has left since, and come back, begins anew.
void Listener::check_not_cleared(const std::string& conversation, const Position& at, std::uint64_t about) const {
    const auto cleared = cleared_.find(conversation);
    if (cleared == cleared_.end() || cleared->second.upto.epoch != at.epoch || book_.unknown_copy()) return;
    const model::ConversationKey key = LogBook::key_of(client_.user, conversation);
    if (cleared->second.memberships != book_.memberships(client_.user, key)) return;
    const std::uint64_t upto = std::min(cleared->second.upto.offset, book_.cleared_to(client_.user, key, at.epoch));
    // Without the list a subscription that begins does not know what was cleared before.
    const bool heeds = about == 0 || about > upto || !client_.keeps_list;
    world_.require(at.offset > upto && heeds, "nothing that was cleared is told");
}

void Listener::check_settings(const client::ConversationList::Item& item, const model::ConversationKey& key,
                              bool whole) const {
    ConversationSettings wanted = book_.settings_of(client_.user, key);
    world_.trace(client_.name + " has cleared " + item.about.name + " up to " +
                 std::to_string(item.settings.cleared_to) + " of " + std::to_string(wanted.cleared_to) +
                 (item.settings.hidden ? ", hidden" : "") + (wanted.hidden ? ", hidden in the store" : "") +
                 ", messages " + std::to_string(item.about.head.messages) + ", pinned " +
                 std::to_string(item.settings.pinned) + " of " + std::to_string(wanted.pinned));
    // What an own message of unknown outcome has brought back is hidden in a list that does not know of it.
    if (!whole && item.settings.hidden) wanted.hidden = true;
    world_.require(item.settings == wanted, "what a user has chosen is so on all devices");
    for (const client::ConversationList::Kept& each : item.entries)
        world_.require(each.packed.entry.offset > wanted.cleared_to, "a list has nothing that was cleared");
}

}  // namespace flare::sim
