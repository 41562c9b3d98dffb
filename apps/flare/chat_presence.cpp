#include "chat_presence.hpp"

#include "phrases.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace flare::cli {
namespace {

constexpr std::array<std::string_view, 3> kAboutPresence{"/who", "/away", "/back"};

bool names_a_room(const std::string& conversation) { return conversation.starts_with("room:"); }

std::string presence_text(const Presence& presence) {
    std::string text = presence.user;
    switch (presence.state) {
        case PresenceState::unknown: return text + ": nobody knows whether they are there";
        case PresenceState::online: return text + " is online";
        case PresenceState::away: text += " is away"; break;
        case PresenceState::offline: text += " is offline"; break;
    }
    return presence.last_active ? text + ", last seen " + date_text(*presence.last_active) : text;
}

}  // namespace

bool ChatPresence::knows(std::string_view word) noexcept {
    return std::ranges::find(kAboutPresence, word) != kAboutPresence.end();
}

void ChatPresence::help() { view_.note("/who: who is here; /away: say that you do not look; /back: say that you do"); }

void ChatPresence::command(std::string_view word, const std::string& current) {
    if (word == "/away" || word == "/back") return set_away(word == "/away");
    if (client_.get_status() != ClientStatus::connected)
        return view_.note("no connection: try again when there is one");
    who(current);
}

bool ChatPresence::keeps() const {
    return client_.get_status() == ClientStatus::connected &&
           client_.get_connection_stats().durability != Durability::none;
}

// ---- what a person asks for ----

void ChatPresence::who(const std::string& current) {
    if (current == kServerTarget) return view_.note("/who: the server is always here; /to USER or /join ROOM first");
    if (names_a_room(current)) return who_in(current);
    const auto found = client_.signals().presence({current});
    if (!found) return view_.note("/who: " + found.error().text);
    for (const Presence& each : *found) view_.note(presence_text(each));
}

void ChatPresence::who_in(const std::string& room) {
    const auto count = client_.signals().occupancy(room);
    if (!count) return view_.note("/who: " + count.error().text);
    view_.note(std::to_string(count->online) + " of " + std::to_string(count->members) + " are here");
    const auto page = client_.conversations().members(room, {}, kMostShown);
    if (!page || page->more) return;  // of a large room the number is enough
    std::vector<std::string> users;
    for (const Member& each : page->members) users.push_back(each.user);
    const auto found = client_.signals().presence(users);
    if (!found) return view_.note("/who: " + found.error().text);
    std::string here;
    for (const Presence& each : *found) {
        if (each.state != PresenceState::online && each.state != PresenceState::away) continue;
        here.append(here.empty() ? "" : ", ").append(each.user);
        if (each.state == PresenceState::away) here += " (away)";
    }
    if (!here.empty()) view_.note(here);
}

void ChatPresence::set_away(bool away) {
    const auto done = client_.signals().set_away(away);
    if (!done) return view_.note(done.error().text);
    away_ = away;
    view_.note(away ? "others see you as away; /back ends that" : "others see you as online");
}

// ---- what is shown ----

void ChatPresence::look_at(const std::string& current) {
    if (current == followed_ || !keeps()) return;
    if (!followed_.empty()) (void)client_.signals().unsubscribe_presence({followed_});
    states_.clear();
    followed_ = current;
    if (names_a_room(current) || current == kServerTarget || current == user_) return followed_.clear();
    const auto found = client_.signals().subscribe_presence({current});
    if (!found) return;  // an older server, perhaps
    for (const Presence& each : *found) states_[each.user] = each.state;
}

void ChatPresence::typing(const std::string& conversation) { (void)client_.signals().typing(conversation); }

void ChatPresence::typed(const std::string& conversation) {
    if (conversation != kServerTarget && keeps()) (void)client_.signals().typing(conversation, false);
}

bool ChatPresence::event(const Event& event) {
    if (const auto* changed = std::get_if<event::PresenceChanged>(&event)) {
        if (changed->user == followed_) states_[changed->user] = changed->state;
        return true;
    }
    const auto* types = std::get_if<event::TypingChanged>(&event);
    if (types == nullptr) return false;
    if (types->on) {
        typing_[types->conversation].insert(types->user);
    } else {
        heard(types->conversation, types->user);
    }
    return true;
}

void ChatPresence::heard(const std::string& conversation, const std::string& user) {
    const auto found = typing_.find(conversation);
    if (found == typing_.end()) return;
    found->second.erase(user);
    if (found->second.empty()) typing_.erase(found);
}

std::string ChatPresence::status(const std::string& current) const {
    std::string text = away_ ? "you are away" : "";
    const auto add = [&text](const std::string& more) { text.append(text.empty() ? "" : " \u00b7 ").append(more); };
    const auto state = states_.find(current);
    if (state != states_.end() && state->second != PresenceState::unknown)
        add(current + " is " + std::string(name(state->second)));
    const auto typists = typing_.find(current);
    if (typists == typing_.end()) return text;
    std::string users;
    for (const std::string& user : typists->second) users.append(users.empty() ? "" : ", ").append(user);
    add(users + (typists->second.size() == 1 ? " is typing" : " are typing"));
    return text;
}

}  // namespace flare::cli
