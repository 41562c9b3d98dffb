#include "client/im/list_invitations.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {

bool ListInvitations::take(const wire::im::SyncedConversation& from, wire::Encodings encodings) {
    const std::string room(from.about->conversation);
    const bool is_member = list_.end_of(room).has_value();
    if (is_member && list_.is_named(room)) return false;
    if (is_member) ends_(room);
    if (!list_.name(from, encodings))
        owner_.tell(
            event::Error{Failure(errc::too_many_conversations,
                                 "the list of conversations is full: the invitation to " + room + " is not in it")});
    return true;
}

void ListInvitations::restore(const std::string& room) {
    if (is_one(list_.item(room))) told_.insert(room);
}

session::TimePoint ListInvitations::ask_at(session::TimePoint now) {
    if (asked_at_ <= now) asked_at_ = std::max(now, asked_at_ + kPause);
    return asked_at_;
}

bool ListInvitations::tell(const std::string& room, const std::optional<ConversationList::Item>& item) {
    const bool invited = is_one(item);
    const bool was = told_.erase(room) != 0;
    if (!invited && !was) return false;
    if (invited) told_.insert(room);
    owner_.tell_later([room, item, invited, keeper = keeper_]() -> std::optional<Event> {
        event::InvitationChanged changed{room, std::nullopt};
        std::size_t nothing = 0;  // there are no payloads
        const auto kept = invited ? std::optional(listed(*item, nothing)) : std::nullopt;
        if (keeper && (invited || !item)) keeper->listed(room, kept ? &*kept : nullptr);
        if (invited) changed.now = invitation_of(*item);
        return changed;
    });
    return invited || !item;
}

}  // namespace flare::client
