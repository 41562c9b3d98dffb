#include "chat_invitations.hpp"

#include "entry_text.hpp"

namespace flare::cli {

bool ChatInvitations::knows(std::string_view word) noexcept {
    return word == "/invite" || word == "/invites" || word == "/decline";
}

void ChatInvitations::help() {
    view_.note("/invite USER: invite a user to this room; /invites: to which rooms you are invited; /decline ROOM");
}

void ChatInvitations::command(const std::string& word, const std::string& rest, const std::string& current) {
    if (word == "/invites") return show_all();
    if (rest.empty())
        return view_.note(word == "/invite" ? "/invite USER: the user is missing"
                                            : "/decline ROOM: the room is missing");
    if (!is_connected()) return;
    word == "/invite" ? invite(rest, current) : decline(room_of(rest));
}

// An invitation is an entry of the room, which the chat shows.
void ChatInvitations::invite(const std::string& user, const std::string& current) {
    if (!current.starts_with("room:")) return view_.note("/invite: you are not in a room");
    const auto done = client_.invitations().invite(current, {user});
    if (!done) view_.note("/invite " + user + ": " + done.error().text);
}

void ChatInvitations::decline(const std::string& room) {
    // Whoever is a member would leave.
    const auto about = client_.conversations().get(room);
    if (!about || about->invited_by.empty()) return view_.note("/decline: you are not invited to " + room);
    const auto done = client_.invitations().decline(room);
    view_.note(done ? "declined: " + about->invited_by + "'s invitation to " + room : "/decline: " + done.error().text);
}

bool ChatInvitations::event(const Event& event) {
    if (const auto* change = std::get_if<event::InvitationChanged>(&event)) {
        if (!change->now) {
            shown_.erase(change->room);
        } else if (shown_.insert(change->room).second) {
            show(*change->now);
        }
        return true;
    }
    // Those that an earlier run has kept are no news, and are shown once.
    if (std::holds_alternative<event::ConversationsSynced>(event)) {
        if (const auto all = client_.invitations().received()) {
            for (const Invitation& each : *all) {
                if (shown_.insert(each.room).second) show(each);
            }
        }
    }
    return false;
}

void ChatInvitations::show(const Invitation& invitation) {
    const std::string name = invitation.room.substr(invitation.room.find(':') + 1);
    const std::string title = invitation.config.title.empty() ? "" : "\"" + invitation.config.title + "\", ";
    view_.note(invitation.invited_by + " invites you to " + invitation.room + " (" + title +
               std::to_string(invitation.members) + (invitation.members == 1 ? " member" : " members") + "): /join " +
               name + " or /decline " + name);
}

void ChatInvitations::show_all() {
    const auto all = client_.invitations().received();
    if (!all) return view_.note("/invites: " + all.error().text);
    if (all->empty()) return view_.note("you are invited to no room");
    for (const Invitation& each : *all) show(each);
}

bool ChatInvitations::is_connected() {
    const bool connected = client_.get_status() == ClientStatus::connected;
    if (!connected) view_.note("no connection: try again when there is one");
    return connected;
}

}  // namespace flare::cli
