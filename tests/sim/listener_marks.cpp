// How far users have come, as a client says it of its own user and is told it of others (docs/conversations.md, "Marks
// of others"): what its device has received, and what it is told, against what the logs' book knows.
#include "client/im/bodies.hpp"
#include "sim/listener.hpp"

#include <algorithm>

namespace flare::sim {

// ---- the application ----

std::optional<Position> Listener::some_place(Chance& chance, std::string& conversation) const {
    if (heard_.empty()) return std::nullopt;
    const auto chosen = std::next(heard_.begin(), static_cast<std::ptrdiff_t>(chance.below(heard_.size())));
    const Heard& heard = chosen->second;
    if (heard.last == 0) return std::nullopt;
    conversation = chosen->first;
    return Position{heard.epoch, 1 + chance.below(heard.last)};
}

void Listener::read(Chance& chance) {
    if (!client_.keeps_list) return;
    std::string conversation;
    const auto upto = some_place(chance, conversation);
    if (!upto) return;
    world_.trace(client_.name + " reads " + conversation + " up to " + std::to_string(upto->offset));
    book_.says_read(client_.user, {upto->epoch, upto->offset});
    sync_.marks().mark_read(conversation, *upto, [this, conversation, upto](const Checked<ReadMark>& marked) {
        if (!marked) return world_.happened("mark that was refused");
        world_.happened("mark that was answered");
        book_.marked(client_.user, LogBook::key_of(client_.user, conversation), {upto->epoch, upto->offset});
    });
}

void Listener::mark_unread(Chance& chance) {
    if (!client_.keeps_list) return;
    std::string conversation;
    const auto from = some_place(chance, conversation);
    if (!from) return;
    world_.trace(client_.name + " marks " + conversation + " as unread from " + std::to_string(from->offset));
    sync_.marks().mark_unread(conversation, *from, [this](const Checked<ReadMark>& marked) {
        world_.happened(marked ? "unread that was answered" : "unread that was refused");
    });
}

void Listener::ask_readers(Chance& chance) {
    std::string conversation;
    if (!some_place(chance, conversation)) return;
    const model::ConversationKey key = LogBook::key_of(client_.user, conversation);
    const auto message = book_.some_message(key, chance);
    if (!message || book_.role_of(client_.user, key) == model::Role::none) return;
    const auto call = client::readers_call(conversation, {message->epoch, message->offset}, {}, 0);
    ask(*call, [this, key, at = *message](const client::Answer& answer) {
        if (answer.code != errc::ok) {
            const bool readable = book_.is_open_to(client_.user, key, at) && at.offset >= book_.first_of(key);
            const bool later = answer.code == errc::busy || answer.code == errc::recipient_busy;
            world_.require(later || !readable, "whoever may read a message may ask who has");
            return world_.happened("question for readers that was refused");
        }
        const auto page = wire::im::decode<wire::im::ReaderPage>(answer.bodies.front().view());
        world_.require(page.has_value(), "who has read can be read");
        book_.readers(key, at, *page);
        world_.happened("readers");
    });
}

// ---- what comes ----

void Listener::look_at(wire::Verb verb, const std::string& conversation, std::string_view body) {
    if (verb == wire::Verb::subscribe) {
        const auto begun = wire::im::decode<wire::im::Subscribed>(body);
        if (!begun || !begun->head) return;
        if (begun->next != 0) book_.received(client_.user, {begun->head->epoch, begun->next - 1});  // it has said so
        look_at(conversation, begun->head->epoch, begun->others);
    } else if (verb == wire::Verb::read_unmark) {
        if (!lists(conversation)) answered_unlisted_.insert(conversation);
    } else if (verb == wire::Verb::sync) {
        const auto page = wire::im::decode<wire::im::SyncPage>(body);
        if (!page) return;
        for (const wire::im::SyncedConversation& each : page->conversations) look_at(each);
    }
}

void Listener::look_at(const wire::im::SyncedConversation& synced) {
    if (!synced.about || !synced.about->head) return;
    const wire::im::Head& head = *synced.about->head;
    book_.received(client_.user, {head.epoch, head.last});
    look_at(std::string(synced.about->conversation), head.epoch, synced.others);
}

void Listener::look_at(const wire::im::Feed& feed) {
    for (const wire::im::Entry& entry : feed.entries) book_.received_entry(client_.user, entry.id, entry.offset);
    if (feed.reset && feed.reset->next != 0) book_.received(client_.user, {feed.reset->epoch, feed.reset->next - 1});
    if (feed.began) look_at(*feed.began);
    for (const wire::im::ConversationState& state : feed.states)
        look_at(std::string(state.conversation), state.epoch, state.others);
}

void Listener::look_at(const std::string& conversation, std::uint64_t epoch,
                       const std::vector<wire::im::UserMark>& marks) {
    const model::ConversationKey key = LogBook::key_of(client_.user, conversation);
    auto& told = told_marks_[conversation][epoch];
    for (const wire::im::UserMark& each : marks) {
        world_.trace(client_.name + " is told of " + conversation + ": " + std::string(each.user) + " has read " +
                     std::to_string(each.read) + " and has " + std::to_string(each.delivered));
        if (each.user == client_.user) continue;
        book_.told_mark(key, epoch, {std::string(each.user), each.read, each.delivered});
        UserMark& known = told[std::string(each.user)];
        known.read = std::max(known.read, each.read);
        known.delivered = std::max(known.delivered, each.delivered);
    }
}

// An event does not name the log that it is of, which may be one that has ended: of the newest one nothing was told of
// this user yet.
std::uint64_t Listener::epoch_of(const event::MarksChanged& changed) const {
    const std::uint64_t newest = book_.end_of(LogBook::key_of(client_.user, changed.conversation)).epoch;
    const auto known = told_marks_.find(changed.conversation);
    if (known == told_marks_.end()) return newest;
    const auto of_newest = known->second.find(newest);
    if (of_newest != known->second.end() && of_newest->second.contains(changed.user)) return newest;
    const auto other =
        std::ranges::find_if(known->second, [&](const auto& each) { return each.second.contains(changed.user); });
    return other == known->second.end() ? newest : other->first;
}

// The larger of what it knew and what it was told.
void Listener::told(const event::MarksChanged& changed) {
    world_.happened("mark of another");
    UserMark& before = heard_marks_[changed.conversation][epoch_of(changed)][changed.user];
    world_.require(changed.read <= changed.delivered, "whoever has read something has it");
    const bool compared = client_.keeps_list && lists(changed.conversation) && !book_.unknown_copy();
    world_.require(!compared || (changed.read >= before.read && changed.delivered >= before.delivered),
                   "others only come further");
    before = {changed.user, changed.read, changed.delivered};
}

// ---- at rest ----

void Listener::check_mark(const LogBook::MarkOfAnother& known, const LogBook::MarkOfAnother& is) const {
    world_.trace(client_.name + " knows that " + is.user + " has read " + std::to_string(known.read) + " of " +
                 std::to_string(is.read) + " and has " + std::to_string(known.delivered) + " of " +
                 std::to_string(is.delivered));
    world_.require(known.read >= is.read, "everybody knows how far others have read");
    world_.require(known.delivered >= is.delivered, "everybody knows how much others have");
}

void Listener::check_marks(const client::ConversationList::Item& item, const model::ConversationKey& key) const {
    for (const LogBook::MarkOfAnother& is : book_.marks_beside(client_.user, key)) {
        LogBook::MarkOfAnother known{is.user};
        for (const UserMark& each : item.others)
            if (each.user == is.user) known = {each.user, each.read, each.delivered};
        book_.told_mark(key, item.about.head.epoch, {is.user, known.read, known.delivered});
        check_mark(known, is);
        world_.happened("mark of another that is known");
    }
}

void Listener::check_marks(const std::string& conversation, const model::ConversationKey& key) const {
    static const MarksOfLog kNothing;
    const auto of = told_marks_.find(conversation);
    const MarksOfLog& told = of == told_marks_.end() ? kNothing : of->second;
    const auto found = told.find(book_.end_of(key).epoch);
    for (const LogBook::MarkOfAnother& is : book_.marks_beside(client_.user, key)) {
        LogBook::MarkOfAnother known{is.user};
        if (found != told.end()) {
            if (const auto mark = found->second.find(is.user); mark != found->second.end())
                known = {is.user, mark->second.read, mark->second.delivered};
        }
        check_mark(known, is);
    }
}

}  // namespace flare::sim
