#include "chat_rooms.hpp"

#include "chat_reading.hpp"
#include "connecting.hpp"
#include "entry_text.hpp"
#include "feed_text.hpp"
#include "phrases.hpp"

#include <algorithm>
#include <utility>

namespace flare::cli {
namespace {

constexpr std::uint32_t kKnownBefore = 5;  // entries that are shown before the unread ones

bool is_room(const std::string& conversation) { return conversation.starts_with("room:"); }

}  // namespace

bool ChatRooms::fail(const Failure& failure) {
    view_.note(failure.text);
    return false;
}

// ---- what a person asks for ----

bool ChatRooms::open(const std::string& conversation) {
    if (client_.get_status() != ClientStatus::connected) return open_known(conversation);
    // Without a list, messages of users are shown as they come, whoever they are from.
    if (!is_room(conversation) && !list_.known()) return true;
    const Page page = newest(conversation);
    if (page) return begin(conversation, *page);
    // With a user with whom nobody has talked yet: the first message makes the conversation.
    if (page.error().code == errc::unknown_conversation && !is_room(conversation))
        return shown_.try_emplace(conversation), true;
    if (page.error().code == errc::unknown_conversation)
        return fail({page.error().code, "you are in no room of this name; /join " + conversation + " joins it"});
    return fail(page.error());
}

bool ChatRooms::join(const std::string& room) {
    if (client_.get_status() != ClientStatus::connected) return open_known(room);
    Page page = newest(room);
    if (!page && page.error().code == errc::unknown_conversation) {
        if (!become_member(room)) return false;
        page = newest(room);
    }
    return page ? begin(room, *page) : fail(page.error());
}

bool ChatRooms::leave(const std::string& room) {
    const auto ended = client_.conversations().unsubscribe(room);
    if (!ended) return fail(ended.error());
    view_.note(list_.known() ? room + " is closed: what comes counts as unread, /open " + room + " shows it"
                             : "you no longer listen to " + room + "; /join " + room + " shows what you have missed");
    return true;
}

void ChatRooms::history(const std::string& conversation, std::uint32_t count) {
    const auto before = first_.find(conversation);
    const std::uint64_t offset = before == first_.end() ? 0 : before->second.offset;
    const auto page = offset == 1 ? Page(HistoryPage())
                                  : client_.conversations().history(conversation, HistoryQuery::before(offset, count));
    if (!page) return view_.note(page.error().text);
    for (const Entry& entry : page->entries)
        view_.note(std::to_string(entry.offset) + " " + date_text(entry.time) + " " + entry_summary(entry));
    if (!page->entries.empty()) first_[conversation] = {page->head.epoch, page->entries.front().offset};
    if (page->more) return view_.note("/history shows what was before");
    view_.note(offset == 0 && page->entries.empty() ? "nothing has been said yet"
                                                    : "this is where " + conversation + " begins");
}

void ChatRooms::numbers(const std::string& conversation) {
    const auto page = client_.conversations().history(conversation, HistoryQuery::before(0, kShown));
    if (!page) return view_.note(page.error().text);
    for (const Entry& entry : page->entries) {
        if (entry.kind == EntryKind::message) view_.note(std::to_string(entry.offset) + " " + entry_summary(entry));
    }
}

Position ChatRooms::place(const std::string& conversation, std::uint64_t offset) const {
    const auto shown = shown_.find(conversation);
    return {shown == shown_.end() ? 0 : shown->second.epoch, offset};
}

std::uint64_t ChatRooms::epoch_of(const std::string& conversation) const {
    const ListedConversation* const listed = list_.find(conversation);
    const std::uint64_t shown = place(conversation, 0).epoch;
    return shown == 0 && listed != nullptr ? listed->about.head.epoch : shown;
}

Position ChatRooms::end_of(const std::string& conversation) const {
    const ListedConversation* const listed = list_.find(conversation);
    const auto shown = shown_.find(conversation);
    Position end = shown == shown_.end() ? Position() : shown->second;
    if (listed == nullptr) return end;
    const LogHead& head = listed->about.head;
    return head.epoch == end.epoch ? Position{end.epoch, std::max(end.offset, head.last)}
                                   : Position{head.epoch, head.last};
}

bool ChatRooms::counts(const Message& message, const std::string& current) {
    if (!list_.known() || message.from == kServerTarget) return false;
    if (message.from != current && !view_.shows_all()) return true;
    said_.insert(message.id);  // its entry is not shown as well
    unplaced_.insert(message.id);
    return false;
}

std::string ChatRooms::room_of(const Message& message) const {
    return list_.known() && message.from != kServerTarget ? message.from : std::string();
}

void ChatRooms::show_list() {
    if (!list_.known()) return view_.note("there is no list of your conversations: this server keeps none");
    const auto all = list_.all();
    if (all.empty()) return view_.note("you have no conversations yet: /join ROOM or /to USER begins one");
    view_.listed(all);
}

bool ChatRooms::is_kept(const std::string& conversation) const {
    return conversation != kServerTarget || list_.find(conversation) != nullptr;
}

// ---- opening ----

ChatRooms::Page ChatRooms::newest(const std::string& conversation) const {
    const ListedConversation* const listed = list_.find(conversation);
    const std::uint64_t unread = listed == nullptr ? 0 : std::min<std::uint64_t>(listed->mark.unread, kMostShown);
    const auto count = std::clamp(static_cast<std::uint32_t>(unread) + kKnownBefore, kShown, kMostShown);
    return client_.conversations().history(conversation, HistoryQuery::before(0, count));
}

// Without a connection: the newest entries, which the client has.
bool ChatRooms::open_known(const std::string& conversation) {
    const ListedConversation* const listed = list_.find(conversation);
    if (listed == nullptr && is_room(conversation))
        return fail({errc::not_connected, "no connection: try again when there is one"});
    if (listed == nullptr) return true;
    view_.note("no connection: this is what is known of " + conversation);
    const ListedConversation known = *listed;
    enter(conversation, known.about.head, known.entries);
    return true;
}

bool ChatRooms::become_member(const std::string& room) {
    const auto joined = client_.conversations().join(room);
    if (!joined && joined.error().code == errc::unknown_conversation)
        return fail({errc::unknown_conversation,
                     "there is no room of this name that you may join; "
                     "`flare room create` makes one"});
    return joined || fail(joined.error());
}

bool ChatRooms::begin(const std::string& conversation, const HistoryPage& page) {
    if (is_room(conversation)) view_.note("you are now in " + conversation + "; /leave closes it");
    enter(conversation, page.head, page.entries);
    if (!is_room(conversation)) return true;
    // What is written meanwhile comes as events.
    const auto begun =
        client_.conversations().subscribe(conversation, SubscribeOptions().with_after(shown_[conversation]));
    if (begun) return true;
    shown_.erase(conversation);
    return fail(begun.error());
}

void ChatRooms::enter(const std::string& conversation, const LogHead& head, std::vector<Entry> entries) {
    const auto before = shown_.find(conversation);
    if (before != shown_.end() && before->second.epoch == head.epoch) {
        // What was sent from here has been shown as sent.
        std::erase_if(entries, [&](const Entry& each) {
            return each.offset <= before->second.offset || said_.contains(each.id);
        });
    } else if (!entries.empty()) {
        first_[conversation] = {head.epoch, entries.front().offset};
    }
    const ListedConversation* const listed = list_.find(conversation);
    const auto line = listed == nullptr ? std::nullopt : new_line(entries, listed->mark, user_);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (line && i == line->before) view_.divider(line->text);
        show(conversation, head.epoch, entries[i]);
    }
    const std::uint64_t last = std::max(head.last, entries.empty() ? 0 : entries.back().offset);
    shown_[conversation] = {head.epoch, last};
    if (list_.known()) marks_.read(conversation, {head.epoch, last});
}

// ---- what comes ----

bool ChatRooms::event(const Event& event, const std::string& current) {
    if (const auto told = entry_in(event)) {
        hear(told->conversation, told->epoch, told->entry, current);
    } else if (const auto* over = std::get_if<event::SubscriptionEnded>(&event)) {
        if (shown_.erase(over->conversation) != 0) view_.note(over->conversation + ": " + over->reason.text);
    } else if (const auto* gap = std::get_if<event::HistoryGap>(&event)) {
        if (shown_.contains(gap->conversation)) view_.note(to_string(event));
    } else if (const auto* change = std::get_if<event::ConversationChanged>(&event)) {
        list_.change(*change);
        // A message that was shown before its place was known.
        if (change->now && change->conversation == current && shown_.contains(current) &&
            !change->now->entries.empty() && unplaced_.erase(change->now->entries.back().id) != 0)
            marks_.read(current, {change->now->about.head.epoch, change->now->entries.back().offset});
        if (!change->now && shown_.erase(change->conversation) != 0)
            view_.note("you are no longer a member of " + change->conversation);
    } else if (const auto* none = std::get_if<event::CapabilityUnavailable>(&event)) {
        return is_about_list(*none);  // it is told to whoever asks for the list
    } else if (std::holds_alternative<event::ConversationsSynced>(event)) {
        const bool first = !list_.known();
        if (auto all = client_.conversations().list(true)) list_.complete(std::move(*all));
        // The conversation with which the chat began: what came while nobody was here.
        const bool is_open = shown_.contains(current);
        if (first && !is_open && is_kept(current) && !view_.shows_all()) static_cast<void>(open(current));
    } else {
        return false;
    }
    return true;
}

void ChatRooms::hear(const std::string& conversation, std::uint64_t epoch, const Entry& entry,
                     const std::string& current) {
    const auto shown = shown_.find(conversation);
    const bool opened = shown != shown_.end();
    if (opened && shown->second.epoch == epoch && entry.offset <= shown->second.offset) return;
    if (list_.known() && conversation != current && !view_.shows_all()) return;  // it counts as unread
    if (said_.contains(entry.id)) {
        quotes_.note(conversation, entry.offset, user_, payload_text(entry.payload));
    } else {
        show(conversation, epoch, entry);
    }
    if (!opened) return;
    shown->second = {epoch, entry.offset};
    if (list_.known() && conversation == current) marks_.read(conversation, shown->second);
}

void ChatRooms::show(const std::string& conversation, std::uint64_t epoch, const Entry& entry) {
    if (entry.type == kTypingType) return;
    if (entry.kind != EntryKind::message) return view_.note(conversation + ": " + entry_summary(entry));
    const ListedConversation* const listed = list_.find(conversation);
    const std::string ticks =
        listed != nullptr && entry.from == user_ && !entry.deleted ? " " + ticks_of(*listed, entry.offset) : "";
    HeardLine line{entry.from.empty() ? "(somebody)" : entry.from,
                   entry.type,
                   entry.deleted ? "(deleted)" : payload_text(entry.payload),
                   conversation,
                   {epoch, entry.offset},
                   entry_notes(entry) + ticks};
    line.reply_to = entry.ref;
    if (entry.ref != 0) line.quote = quotes_.of(conversation, entry.ref);
    line.mentions = entry.mentions;
    line.names_user =
        entry.from != user_ && (entry.mentions_all || std::ranges::find(entry.mentions, user_) != entry.mentions.end());
    quotes_.note(conversation, entry.offset, line.from, line.text);
    view_.heard(line);
}

}  // namespace flare::cli
