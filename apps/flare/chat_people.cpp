#include "chat_people.hpp"

#include "phrases.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace flare::cli {
namespace {

constexpr std::array<std::string_view, 5> kInRooms{"/kick", "/mute", "/unmute", "/ban", "/unban"};
constexpr std::array<std::string_view, 2> kBetweenUsers{"/block", "/unblock"};
constexpr std::array<std::string_view, 2> kPeopleLists{"/bans", "/blocks"};

bool is_one_of(const auto& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

}  // namespace

bool ChatPeople::knows(std::string_view word) noexcept {
    return is_one_of(kInRooms, word) || is_one_of(kBetweenUsers, word) || is_one_of(kPeopleLists, word);
}

void ChatPeople::help() {
    view_.note("/kick USER, /mute USER [10m], /ban USER [2h], /unmute, /unban: for who may do that in this room");
    view_.note("/block USER: take no messages from this user; /unblock USER; /blocks lists them, /bans who is banned");
}

void ChatPeople::command(const std::string& word, const std::string& rest, const std::string& current) {
    if (is_one_of(kPeopleLists, word)) return show_list(word, current);
    const std::size_t space = rest.find(' ');
    const std::string user = rest.substr(0, space);
    const std::string lasts = space == rest.npos ? "" : rest.substr(rest.find_first_not_of(' ', space));
    if (user.empty()) return view_.note(word + " USER: the user is missing");
    if (!is_connected()) return;
    if (is_one_of(kBetweenUsers, word)) return between_users(word, user);
    if (!current.starts_with("room:")) return view_.note(word + ": you are not in a room");
    in_room(word, user, lasts, current);
}

void ChatPeople::in_room(const std::string& word, const std::string& user, const std::string& lasts,
                         const std::string& room) {
    const auto time = span_of(lasts);
    if (!lasts.empty() && !time) return view_.note(word + " USER TIME: a time is 30s, 10m, 2h or 7d");
    const auto until = time ? std::chrono::system_clock::now() + *time : Conversations::kForever;
    Conversations& rooms = client_.conversations();
    const auto done = word == "/kick"     ? rooms.remove_member(room, user)
                      : word == "/mute"   ? rooms.mute(room, user, until)
                      : word == "/unmute" ? rooms.unmute(room, user)
                      : word == "/ban"    ? rooms.ban(room, user, until)
                                          : rooms.unban(room, user);
    if (!done) view_.note(word + " " + user + ": " + done.error().text);
}

void ChatPeople::between_users(const std::string& word, const std::string& user) {
    const bool blocks = word == "/block";
    const auto done = blocks ? client_.conversations().block(user) : client_.conversations().unblock(user);
    if (!done) return view_.note(word + " " + user + ": " + done.error().text);
    view_.note(blocks ? user + " cannot write to you any more; /unblock " + user + " ends that"
                      : user + " can write to you again");
}

bool ChatPeople::is_connected() {
    const bool connected = client_.get_status() == ClientStatus::connected;
    if (!connected) view_.note("no connection: try again when there is one");
    return connected;
}

// The first page: a person reads no more in a chat.
void ChatPeople::show_list(const std::string& word, const std::string& current) {
    if (word == "/bans" && !current.starts_with("room:")) return view_.note("/bans: you are not in a room");
    if (!is_connected()) return;
    if (word == "/bans") {
        const auto page = client_.restrictions().bans(current);
        if (!page) return view_.note("/bans: " + page.error().text);
        if (page->bans.empty()) return view_.note("nobody is banned from " + current);
        for (const Ban& each : page->bans) {
            const bool ends = each.until != Conversations::kForever;
            view_.note(each.user + " is banned until " + (ends ? date_text(each.until) : "/unban " + each.user));
        }
        if (page->more) view_.note("there are more: `flare room bans " + current + "` lists all");
        return;
    }
    const auto page = client_.restrictions().blocked();
    if (!page) return view_.note("/blocks: " + page.error().text);
    if (page->users.empty()) return view_.note("you block nobody");
    for (const std::string& user : page->users) view_.note(user + " is blocked; /unblock " + user + " ends that");
    if (page->more) view_.note("there are more");
}

}  // namespace flare::cli
