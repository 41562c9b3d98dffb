#include "chat_rooms.hpp"

#include "entry_text.hpp"
#include "feed_text.hpp"
#include "phrases.hpp"

namespace flare::cli {

bool ChatRooms::fail(const Failure& failure) {
    view_.note(failure.text);
    return false;
}

bool ChatRooms::join(const std::string& room) {
    if (!shown_.contains(room)) {
        auto page = client_.conversations().history(room, HistoryQuery::before(0, kShown));
        if (!page && page.error().code == errc::unknown_conversation) {
            if (!become_member(room)) return false;
            page = client_.conversations().history(room, HistoryQuery::before(0, kShown));
        }
        if (!page) return fail(page.error());
        for (const Entry& entry : page->entries) show(room, page->head.epoch, entry);
        shown_[room] = {page->head.epoch, page->head.last};
    }
    return listen(room);
}

bool ChatRooms::become_member(const std::string& room) {
    const auto joined = client_.conversations().join(room);
    if (!joined && joined.error().code == errc::unknown_conversation)
        return fail({errc::unknown_conversation,
                     "there is no room of this name that you may join; "
                     "`flare room create` makes one"});
    return joined || fail(joined.error());
}

// What was written since it was shown last comes first.
bool ChatRooms::listen(const std::string& room) {
    const auto begun = client_.conversations().subscribe(room, SubscribeOptions().with_after(shown_[room]));
    if (!begun) {
        shown_.erase(room);
        return fail(begun.error());
    }
    view_.note("you are now in " + room + "; /leave stops listening to it");
    return true;
}

bool ChatRooms::leave(const std::string& room) {
    const auto ended = client_.conversations().unsubscribe(room);
    if (!ended) return fail(ended.error());
    view_.note("you no longer listen to " + room + "; /join " + room + " shows what you have missed");
    return true;
}

void ChatRooms::history(const std::string& conversation, std::uint32_t count) {
    const auto page = client_.conversations().history(conversation, HistoryQuery::before(0, count));
    if (!page) return view_.note(page.error().text);
    for (const Entry& entry : page->entries)
        view_.note(std::to_string(entry.offset) + " " + date_text(entry.time) + " " + entry_summary(entry));
    if (page->entries.empty()) view_.note("nothing has been said yet");
}

bool ChatRooms::event(const Event& event) {
    if (const auto told = entry_in(event)) {
        shown_[told->conversation] = {told->epoch, told->entry.offset};
        if (!said_.contains(told->entry.id)) show(told->conversation, told->epoch, told->entry);
        return true;
    }
    if (const auto* over = std::get_if<event::SubscriptionEnded>(&event)) {
        shown_.erase(over->conversation);
        view_.note(over->conversation + ": " + over->reason.text);
        return true;
    }
    if (!std::holds_alternative<event::HistoryGap>(event)) return false;
    view_.note(to_string(event));
    return true;
}

void ChatRooms::show(const std::string& conversation, std::uint64_t epoch, const Entry& entry) {
    if (entry.kind != EntryKind::message) return view_.note(conversation + ": " + entry_summary(entry));
    view_.heard({entry.from.empty() ? "(somebody)" : entry.from,
                 entry.type,
                 payload_text(entry.payload),
                 conversation,
                 {epoch, entry.offset}});
}

}  // namespace flare::cli
