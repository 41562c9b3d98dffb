#include "chat_controller.hpp"

#include "entry_text.hpp"
#include "feed_text.hpp"
#include "phrases.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace flare::cli {
namespace {

std::string score_text(double score) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.0f", score);
    return text.data();
}

bool changes_messages(const std::string& word) {
    return word == "/edit" || word == "/delete" || word == "/react" || word == "/unreact";
}

}  // namespace

ChatController::ChatController(Client& client, ChatView& view, ChatMarks& marks, std::string user, std::string peer,
                               bool tells_typing)
    : client_(client),
      view_(view),
      rooms_(client, view, marks, user),
      invitations_(client, view),
      people_(client, view),
      reading_(client, view),
      settings_(client, view),
      presence_(client, view, user),
      user_(std::move(user)),
      peer_(std::move(peer)),
      tells_typing_(tells_typing) {}

bool ChatController::line(const std::string& text, Clock::time_point now) {
    bool goes_on = true;
    if (text.starts_with("//")) {
        send(text.substr(1));
    } else if (text.starts_with('/')) {
        goes_on = command(text);
    } else if (!text.empty()) {
        send(text);
    }
    noticed_at_.reset();
    if (tells_typing_) presence_.typed(peer_);
    refresh(now, true);
    return goes_on;
}

bool ChatController::command(const std::string& text) {
    const std::size_t space = text.find(' ');
    const std::string word = text.substr(0, space);
    std::string rest = space == text.npos ? "" : text.substr(space + 1);
    while (rest.ends_with(' ')) rest.pop_back();
    if (word == "/quit") return false;
    if (word == "/status") {
        tell_state();
    } else if (word == "/rooms") {
        rooms_.show_list();
    } else if (word == "/help") {
        view_.note(
            "/rooms: list your conversations and what is unread; /open "
            "[NAME]: read the newest unread, or this one");
        view_.note("/to USER: talk to this user ('server' is the server's own handler)");
        view_.note("/join ROOM: enter a room; /leave: close it, and stay a member");
        view_.note("/history [COUNT]: show what was said before; /numbers: the newest messages with their numbers");
        view_.note(
            "/edit N TEXT, /delete N: change message N; /react N KEY, /unreact N "
            "KEY: react to it, with an emoji for example");
        view_.note(
            "/reply N TEXT: answer message N; @NAME in a text names a member, @all all; /silent TEXT wakes nobody");
        invitations_.help();
        people_.help();
        reading_.help();
        settings_.help();
        presence_.help();
        view_.note(
            "/status: show the connection; /quit: exit; //text: send a line "
            "that begins with a slash");
    } else if (ChatInvitations::knows(word)) {
        invitations_.command(word, rest, peer_);
    } else if (ChatPeople::knows(word)) {
        people_.command(word, rest, peer_);
    } else if (ChatPresence::knows(word)) {
        presence_.command(word, peer_);
    } else if (!room_command(word, rest)) {
        view_.note("unknown command " + word + "; /help lists the commands");
    }
    return true;
}

bool ChatController::room_command(const std::string& word, const std::string& rest) {
    if (word == "/to") {
        talk_to(rest);
    } else if (word == "/reply") {
        reply(rest);
    } else if (word == "/silent") {
        if (rest.empty()) return view_.note("/silent TEXT: the text is missing"), true;
        Message message = said_in_chat(rest);
        message.silent = true;
        send(std::move(message));
    } else if (word == "/open") {
        open(rest);
    } else if (word == "/join") {
        join(rest);
    } else if (word != "/leave" && word != "/history" && word != "/numbers" && !changes_messages(word) &&
               !ChatReading::knows(word) && !ChatSettings::knows(word)) {
        return false;
    } else if (client_.get_status() != ClientStatus::connected) {
        // Its calls would wait for the connection, and nothing could be typed meanwhile.
        view_.note("no connection: try again when there is one");
    } else if (word == "/leave") {
        leave();
    } else if (ChatReading::knows(word)) {
        reading_.command(word, rest, peer_, rooms_.epoch_of(peer_));
    } else if (ChatSettings::knows(word)) {
        settings_.command(word, rest, peer_, rooms_.end_of(peer_));
    } else if (changes_messages(word)) {
        change_message(word, rest);
    } else if (word == "/numbers") {
        rooms_.numbers(peer_);
    } else {
        show_history(rest);
    }
    return true;
}

void ChatController::talk_to(const std::string& user) {
    if (user.empty()) return view_.note("/to USER: the user is missing");
    if (user.starts_with("room:")) return join(user);
    peer_ = user;
    view_.note("you are now talking to " + peer_);
    if (rooms_.is_kept(peer_)) static_cast<void>(rooms_.open(peer_));
}

void ChatController::open(const std::string& name) {
    const ListedConversation* const unread = rooms_.list().newest_unread(peer_);
    if (name.empty() && unread == nullptr) return view_.note("nothing is unread; /open NAME opens a conversation");
    const std::string conversation = name.empty() ? unread->about.name : rooms_.list().named(name);
    if (!conversation.starts_with("room:")) return talk_to(conversation);
    if (rooms_.open(conversation)) peer_ = conversation;
}

void ChatController::join(const std::string& name) {
    if (name.empty()) return view_.note("/join ROOM: the room is missing");
    if (rooms_.join(room_of(name))) peer_ = room_of(name);
}

void ChatController::leave() {
    if (!peer_.starts_with("room:")) return view_.note("/leave: you are not in a room");
    if (rooms_.leave(peer_)) peer_ = kServerTarget;
}

void ChatController::show_history(const std::string& count) {
    std::uint32_t wanted = ChatRooms::kShown;
    const char* const end = count.data() + count.size();
    const auto [stop, error] = std::from_chars(count.data(), end, wanted);
    if (!count.empty() && (error != std::errc() || stop != end || wanted == 0 || wanted > ChatRooms::kMostShown))
        return view_.note("/history COUNT: a number from 1 to " + std::to_string(ChatRooms::kMostShown));
    if (!rooms_.is_kept(peer_)) return view_.note("/history: the server's handler has no history; /to or /join first");
    rooms_.history(peer_, wanted);
}

void ChatController::change_message(const std::string& word, const std::string& rest) {
    std::uint64_t offset = 0;
    const char* const end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data(), end, offset);
    const bool deletes = word == "/delete";
    std::string text(stop, end);
    text.erase(0, text.find_first_not_of(' '));
    if (error != std::errc() || offset == 0 || text.empty() != deletes || (!deletes && *stop != ' '))
        return view_.note(word +
                          (deletes           ? " N"
                           : word == "/edit" ? " N TEXT"
                                             : " N KEY") +
                          ": N is the number of a message, as /numbers shows it");
    if (!rooms_.is_kept(peer_)) return view_.note(word + ": the server's handler keeps nothing; /to or /join first");
    Conversations& conversations = client_.conversations();
    const Position at = rooms_.place(peer_, offset);
    const auto done = deletes            ? conversations.delete_message(peer_, at)
                      : word == "/edit"  ? conversations.edit_message(peer_, at, Message(std::string(), Bytes(text)))
                      : word == "/react" ? conversations.react(peer_, at, text)
                                         : conversations.unreact(peer_, at, text);
    if (!done) return view_.note(done.error().text);
    if (!rooms_.is_told(peer_)) view_.note("done");
}

void ChatController::reply(const std::string& rest) {
    std::uint64_t offset = 0;
    const char* const end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data(), end, offset);
    std::string text(stop, end);
    text.erase(0, text.find_first_not_of(' '));
    if (error != std::errc() || offset == 0 || text.empty() || *stop != ' ')
        return view_.note("/reply N TEXT: N is the number of a message, as /numbers shows it");
    if (!rooms_.is_kept(peer_)) return view_.note("/reply: the server's handler keeps nothing; /to or /join first");
    Message message = said_in_chat(text);
    message.reply_to = offset;
    send(std::move(message));
}

void ChatController::send(Message message) {
    const std::string text = message.payload.str();
    const auto posted = client_.post_message(peer_, std::move(message));
    if (posted) {
        rooms_.said(*posted);
        pending_.push_back({*posted, peer_, text});
    } else {
        view_.sent({peer_, text, "", posted.error().text, std::string(name(posted.error().code))});
    }
}

void ChatController::typing(const std::string& text, Clock::time_point now) {
    if (!tells_typing_ || text.empty() || text.starts_with('/') || peer_ == kServerTarget) return;
    // A message would be an entry of a log.
    if (client_.get_connection_stats().durability != Durability::none) return presence_.typing(peer_);
    if (client_.get_status() != ClientStatus::connected || (noticed_at_ && now - *noticed_at_ < kTypingEvery)) return;
    noticed_at_ = now;
    if (const auto posted = client_.post_message(peer_, Message(std::string(ChatRooms::kTypingType), Bytes())))
        notices_.insert(*posted);
}

void ChatController::settle(const Uuid& id, const Failure* failure, const std::optional<StoredAt>& stored) {
    if (notices_.erase(id) != 0) return;
    const auto found =
        std::find_if(pending_.begin(), pending_.end(), [&](const Pending& each) { return each.id == id; });
    if (found == pending_.end()) return;
    SentLine line{found->to, found->text, id.str(), "", ""};
    if (stored) rooms_.said_at(found->to, stored->position.offset, found->text);
    if (failure != nullptr) {
        line.fault = failure->text;
        line.code = name(failure->code);
    }
    pending_.erase(found);
    view_.sent(line);
}

void ChatController::event(const Event& event, Clock::time_point now) {
    if (const auto told = entry_in(event)) presence_.heard(told->conversation, told->entry.from);
    if (presence_.event(event) || invitations_.event(event)) return;
    if (rooms_.event(event, peer_)) {
        const auto* over = std::get_if<event::SubscriptionEnded>(&event);
        const auto* change = std::get_if<event::ConversationChanged>(&event);
        const bool ended = (over != nullptr && over->conversation == peer_) ||
                           (change != nullptr && !change->now && change->conversation == peer_);
        if (ended) peer_ = kServerTarget;
    } else if (const auto* received = std::get_if<event::MessageReceived>(&event)) {
        const Message& message = received->message;
        if (message.type == ChatRooms::kTypingType) {
            typing_user_ = message.from;
            typing_until_ = now + kTypingLasts;
            return;
        }
        if (rooms_.counts(message, peer_)) return;
        if (typing_user_ == message.from) typing_user_.clear();
        presence_.heard(message.from, message.from);
        view_.heard({message.from, message.type, payload_text(message.payload), rooms_.room_of(message), {}});
    } else if (const auto* done = std::get_if<event::MessageSent>(&event)) {
        settle(done->message_id, nullptr, done->stored);
    } else if (const auto* failed = std::get_if<event::MessageFailed>(&event)) {
        settle(failed->message_id, &failed->error);
    } else if (const auto* moved = std::get_if<event::ProtocolSwitched>(&event)) {
        last_move_ = "moved from " + std::string(spoken(moved->from)) + " to " + std::string(spoken(moved->to)) + ": " +
                     why_moved(moved->from, moved->to);
        view_.note(last_move_);
    } else if (const auto* gone = std::get_if<event::Disconnected>(&event)) {
        if (gone->reason.code == errc::ok) return;
        lost_ = gone->reason.text;
        view_.note("no connection: " + lost_);
        if (client_.get_status() == ClientStatus::disconnected) failure_ = gone->reason;
    } else if (const auto* again = std::get_if<event::Reconnecting>(&event)) {
        lost_ = "reconnecting, attempt " + std::to_string(again->attempt) + " in " + time_text(again->delay);
    } else if (const auto* back = std::get_if<event::Reconnected>(&event)) {
        lost_.clear();
        last_move_ = "reconnected over " + std::string(spoken(back->protocol)) +
                     (back->resumed ? ", nothing was lost" : ", in a new session");
        view_.note(last_move_);
    } else if (const auto* over = std::get_if<event::ReconnectFailed>(&event)) {
        failure_ = over->reason;
    } else if (std::holds_alternative<event::Gap>(event)) {
        // What is kept is told in the new session; the rest may be lost.
        if (!rooms_.list().known()) view_.note(to_string(event));
    } else if (std::holds_alternative<event::Draining>(event) ||
               std::holds_alternative<event::CapabilityUnavailable>(event) ||
               std::holds_alternative<event::TokenExpiring>(event)) {
        view_.note(to_string(event));
    }
}

std::string ChatController::why_moved(Protocol from, Protocol to) const {
    const ProtocolMetrics left = client_.get_protocol_metrics(from);
    const ProtocolMetrics taken = client_.get_protocol_metrics(to);
    // The race moves for nothing less than 1.2 times the score (docs/racing.md, "When the session moves"); every other
    // move was away from a fault. A score below 1 means answers after a second, or none.
    const bool answers = left.available && left.score.value_or(0) >= 1;
    if (answers && taken.score && *taken.score > 1.2 * *left.score) {
        return "it measures better (score " + score_text(*taken.score) + " against " + score_text(*left.score) + ")";
    }
    return std::string(spoken(from)) + " stopped answering";
}

void ChatController::tell_state() {
    const ConnectionStats stats = client_.get_connection_stats();
    const auto in_use = client_.get_current_protocol();
    view_.note("session " + client_.get_session_id() +
               (in_use ? " over " + std::string(spoken(*in_use)) : ", no connection") +
               (stats.sealed ? ", sealed" : ""));
    view_.note(std::to_string(stats.messages_sent) + " messages sent, " + std::to_string(stats.messages_received) +
               " received, " + std::to_string(stats.reconnect_count) + " reconnects");
    if (!last_move_.empty()) view_.note("last: " + last_move_);
}

std::string ChatController::status(Clock::time_point now) const {
    std::string text;
    if (const auto in_use = client_.get_current_protocol(); in_use && lost_.empty()) {
        text = spoken(*in_use);
        const ConnectionStats stats = client_.get_connection_stats();
        const auto round_trip =
            stats.quic && stats.quic->smoothed_rtt.count() != 0 ? std::optional(stats.quic->smoothed_rtt) : stats.rtt;
        if (round_trip) text += " " + time_text(*round_trip);
    } else {
        text = lost_.empty() ? "no connection" : lost_;
    }
    text += " \u00b7 " + user_;
    if (const std::string unread = rooms_.list().status(peer_); !unread.empty()) text += " \u00b7 " + unread;
    if (const ListedConversation* const here = rooms_.list().find(peer_)) {
        if (const std::string ticks = newest_ticks(*here, user_); !ticks.empty()) text += " \u00b7 " + ticks;
    }
    if (const std::string here = presence_.status(peer_); !here.empty()) text += " \u00b7 " + here;
    if (!typing_user_.empty() && now < typing_until_) text += " \u00b7 " + typing_user_ + " is typing";
    if (!last_move_.empty()) text += " \u00b7 " + last_move_;
    return text;
}

void ChatController::refresh(Clock::time_point now, bool anyway) {
    presence_.look_at(peer_);
    ChatBottom bottom;
    for (const Pending& each : pending_) bottom.pending.push_back(user_ + " \u2192 " + each.to + ": " + each.text);
    bottom.prompt = peer_ + "> ";
    bottom.status = status(now);
    bottom.connected = lost_.empty();
    std::string all = bottom.status + "\n" + bottom.prompt + std::to_string(pending_.size());
    if (!anyway && all == shown_) return;
    shown_ = std::move(all);
    view_.show(bottom);
}

}  // namespace flare::cli
