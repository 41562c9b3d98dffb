#include "sim/listener.hpp"

#include <algorithm>
#include <utility>

namespace flare::sim {
namespace {

model::EntryKind kind_of(const Entry& entry) {
    switch (entry.kind) {
        case EntryKind::membership: return model::EntryKind::membership;
        case EntryKind::config: return model::EntryKind::config;
        default: return model::EntryKind{};
    }
}

}  // namespace

// ---- the application ----

void Listener::subscribe(const std::string& conversation, const std::optional<Place>& after) {
    SubscribeOptions options;
    if (after) options.with_after({after->position.epoch, after->position.offset}, after->id);
    world_.trace(client_.name + " subscribes to " + conversation +
                 (after ? " after " + std::to_string(after->position.offset) : std::string()));
    asked_[conversation].emplace_back();
    sync_.feeds().subscribe(
        conversation, options,
        [this, conversation, asked_at = world_.now(),
         id = after ? after->id : Uuid()](const Checked<Subscription>& begun) {
            std::deque<Own>& asked = asked_[conversation];
            const Own own = std::move(asked.front());
            asked.pop_front();
            if (begun) return this->begun(conversation, *begun, own, asked_at, id);
            world_.happened("subscription that was refused");
            const errc code = begun.error().code;
            world_.require(code != errc::malformed_frame && code != errc::invalid_name && code != errc::too_many_feeds,
                           "nothing is wrong with a subscription");
        });
}

void Listener::unsubscribe(const std::string& conversation) {
    world_.trace(client_.name + " unsubscribes from " + conversation);
    sync_.feeds().unsubscribe(conversation, [this, conversation](const Checked<>& done) {
        world_.trace(client_.name + " has unsubscribed from " + conversation + ": " +
                     std::string(flare::name(done ? errc::ok : done.error().code)));
        if (!done) return;
        world_.happened("subscription that was given up");
        asked_for_.erase(conversation);
        // What is in the list goes on.
        const bool goes_on = client_.keeps_list && lists(conversation);
        if (!goes_on) heard_[conversation].subscribed = false;
    });
}

Listener::Places Listener::places() const {
    Places places;
    for (const auto& [conversation, heard] : heard_) {
        if (heard.epoch != 0) places[conversation] = {{heard.epoch, heard.last}, heard.id};
    }
    return places;
}

// What was told before stands: it is told from a place of the application's choice.
void Listener::begun(const std::string& conversation, const Subscription& subscription, const Own& own, TimePoint asked,
                     const Uuid& id) {
    world_.happened("subscription");
    asked_for_.insert(conversation);
    world_.trace(client_.name + " is told " + conversation + " after " + std::to_string(subscription.after.offset));
    Heard& heard = heard_[conversation];
    // A client that does not know which entry is there cannot know that the log is another one.
    const model::Position after{subscription.after.epoch, subscription.after.offset};
    const bool stays = heard.subscribed && heard.can_tell && model::Position{heard.epoch, heard.last} == after;
    const bool knows = !id.is_nil() || (stays && !book_.unknown_copy());
    const bool other = !knows && book_.unknown_copy();
    const bool skips = heard.epoch != subscription.after.epoch || subscription.after.offset > heard.last || other;
    heard = {true,
             subscription.after.epoch,
             subscription.after.offset,
             Uuid(),
             own,
             asked,
             skips || subscription.gap ? Shelf() : std::move(heard.shelf),
             knows || book_.unknown_copy()};
    if (subscription.gap && subscription.gap->reason == HistoryGapReason::diverged) heard.own.clear();
    pass_own(heard);
}

// ---- from the session ----

void Listener::ask(const client::Call& call, client::AnswerDone done) {
    wire::RequestView request;
    request.id = world_.chance.uuid();
    request.verb = call.verb;
    request.body = call.body;
    if (!client_.ask(request, call.conversation)) {
        client::Answer refused;
        refused.code = client_.session->attached() ? errc::outbox_full : errc::not_connected;
        return done(std::move(refused));
    }
    open_[request.id] = {call.verb, call.conversation, std::move(done)};
}

bool Listener::hears(const wire::ResponseView& response, const Bytes& whole) {
    auto asked = open_.extract(response.id);
    if (asked.empty()) return false;
    if (response.code == errc::ok) look_at(asked.mapped().verb, asked.mapped().conversation, response.body);
    client::Answer answer;
    answer.code = response.code;
    answer.text = response.text;
    answer.retry_after_ms = response.retry_after_ms;
    answer.bodies.push_back(whole.empty() ? Bytes(response.body) : whole.share(response.body));
    answer.encodings = client_.session->encodings();
    asked.mapped().done(std::move(answer));
    client_.arm_timer();
    return true;
}

bool Listener::gave_up(const Uuid& id, errc code, const std::string& text) {
    auto asked = open_.extract(id);
    if (asked.empty()) return false;
    client::Answer answer;
    answer.code = code;
    answer.text = text;
    asked.mapped().done(std::move(answer));
    client_.arm_timer();
    return true;
}

void Listener::on_feed(std::uint32_t number, const wire::im::Feed& feed, const Bytes& whole,
                       const std::shared_ptr<void>& taken) {
    for (const wire::im::ConversationState& state : feed.states) {
        const bool of_others = !state.others.empty();  // whoever has a feed is told these
        world_.require((client_.keeps_list || of_others) && number == 0,
                       "states are told to who follows a list, and belong to no feed");
        const std::string name(state.conversation);
        const model::ConversationKey key = LogBook::key_of(client_.user, name);
        world_.happened(state.gone   ? "state: gone"
                        : state.mark ? "state: a mark"
                        : of_others  ? "state: marks of others"
                                     : "state: the end of a log");
        world_.trace(client_.name + " is told a state of " + name + ": " + std::to_string(state.last) +
                     (state.gone   ? ", gone"
                      : state.mark ? ", read " + std::to_string(state.mark->offset) + ", unread from " +
                                         std::to_string(state.mark->unread_from)
                                   : ""));
        if (name.empty() || state.gone || book_.unknown_copy()) continue;
        if (state.last != 0) book_.told_end(client_.user, key, {state.epoch, state.last});
    }
    look_at(feed);
    sync_.on_feed(number, feed, whole, client_.session->encodings(), taken);
}

void Listener::on_data(const wire::DataView& data, const std::shared_ptr<void>& taken) {
    if (!client_.keeps_list) return;
    const std::string from(data.from);
    const auto decide = [this, from, id = data.message->id, came = world_.now(), taken](bool tells) {
        world_.happened(tells ? "message as data" : "message as data that a feed tells");
        ever_.insert(id);  // also if the list has it since before the first sync
        if (tells) told_once(from, id, came);
    };
    if (!sync_.hold(from, data.message->id, data.message->payload.size(), decide)) decide(true);
}

void Listener::stored(const std::string& conversation, const Uuid& id, const wire::StoredAt& at) {
    const StoredAt stored{{at.position.epoch, at.position.offset}, {}};
    if (!settle(id, conversation, stored)) return;
    flare::Entry entry;
    entry.kind = EntryKind::message;
    entry.id = id;
    entry.from = client_.user;
    const model::ConversationKey key = LogBook::key_of(client_.user, conversation);
    entry.payload = Bytes(book_.sent_text(id, key));
    entry.silent = book_.is_silent(id, key);
    sync_.on_stored(conversation, stored, std::move(entry));
}

// ---- client::Feeds::Owner ----

bool Listener::has_seen(std::string_view from, const Uuid& id) const {
    return client_.session->has_seen(from, id) && !sync_.holds(from, id);
}

bool Listener::settle(const Uuid& id, std::string_view to, const StoredAt& stored) {
    if (!client_.waits_for_receipt(id)) return false;
    settled_.insert(id);
    const std::string conversation(to);
    const model::Position at{stored.position.epoch, stored.position.offset};
    world_.trace(client_.name + " has its own " + conversation + " " + std::to_string(at.offset));
    for (Own& own : asked_[conversation]) own.insert(at);
    const auto found = client_.keeps_list ? heard_.try_emplace(conversation).first : heard_.find(conversation);
    if (found == heard_.end()) return true;
    Heard& heard = found->second;
    if (at.epoch == heard.epoch && at.offset == heard.last + 1) learn_entry(heard);
    if (at.epoch == heard.epoch && at.offset > heard.last)
        heard.shelf.put(at.offset, id, book_.sent_text(id, LogBook::key_of(client_.user, conversation)));
    heard.own.insert(at);
    pass_own(heard);
    return true;
}

void Listener::learn_entry(Heard& heard) const {
    if (!std::exchange(heard.can_tell, true) && book_.unknown_copy()) heard.shelf.forget();
}

void Listener::pass_own(Heard& heard) {
    while (heard.own.contains({heard.epoch, heard.last + 1})) {
        ++heard.last;
        heard.id = Uuid();
    }
}

std::shared_ptr<void> Listener::when_handled(std::function<void()> then) {
    return {nullptr, [this, alive = alive_, then = std::move(then)](void*) {
                if (!*alive) return;
                client_.later(world_.chance.between(Duration(0), std::chrono::milliseconds(20)), [this, alive, then] {
                    if (!*alive) return;
                    then();
                    client_.arm_timer();
                });
            }};
}

void Listener::tell(Event event) { hear(event); }

// What is told beside the entries.
void Listener::hear(const Event& event) {
    if (const auto* changed = std::get_if<event::ConversationChanged>(&event)) {
        world_.happened(changed->now ? "change of the list" : "conversation that has gone");
        if (!changed->now) world_.trace(client_.name + " is told that " + changed->conversation + " is gone");
        if (changed->now)
            world_.trace(client_.name + " has " + changed->conversation + " up to " +
                         std::to_string(changed->now->about.head.last) + ", read " +
                         std::to_string(changed->now->mark.offset) + ", unread " +
                         std::to_string(changed->now->mark.unread) + " from " +
                         std::to_string(changed->now->mark.unread_from));
        if (changed->now) listed(changed->conversation, *changed->now);
        if (!changed->now) {
            cleared_.erase(changed->conversation);
            heard_[changed->conversation].subscribed = false;
            directs_.erase(changed->conversation);  // if it comes again, it is another log
        }
        return;
    }
    if (std::holds_alternative<event::ConversationsSynced>(event)) return world_.happened("list that is complete");
    if (const auto* marks = std::get_if<event::MarksChanged>(&event)) return told(*marks);
    if (const auto* invited = std::get_if<event::InvitationChanged>(&event)) {
        world_.trace(client_.name + (invited->now ? " is invited to " : " is not invited any more to ") +
                     invited->room);
        return world_.happened(invited->now ? "invitation that is told" : "invitation that is over");
    }
    const auto* ended = std::get_if<event::SubscriptionEnded>(&event);
    world_.require(ended != nullptr, "nothing else is told beside the entries");
    world_.happened("subscription that has ended");
    asked_for_.erase(ended->conversation);
    world_.trace(client_.name + " is told " + ended->conversation +
                 " no more: " + std::string(flare::name(ended->reason.code)));
    heard_[ended->conversation].subscribed = false;
}

void Listener::tell_later(std::function<std::optional<Event>()> make) {
    const std::optional<Event> event = make();
    if (!event) return;
    if (const auto* gap = std::get_if<event::HistoryGap>(&*event)) return left_out(*gap);
    if (const auto* changed = std::get_if<event::MessageChanged>(&*event)) return told(*changed);
    if (const auto* message = std::get_if<event::MessageReceived>(&*event)) {
        world_.require(message->stored.has_value(), "an entry is told with its position");
        return told(message->conversation, *message->stored,
                    {.id = message->message.id,
                     .kind = model::EntryKind::message,
                     .from = message->message.from,
                     .payload = message->message.payload.view()});
    }
    if (const auto* message = std::get_if<event::OwnMessage>(&*event)) {
        world_.happened("own message of another process");
        return told(message->conversation, message->stored,
                    {.id = message->message.id,
                     .kind = model::EntryKind::message,
                     .from = client_.user,
                     .payload = message->message.payload.view()});
    }
    const auto* other = std::get_if<event::EntryReceived>(&*event);
    if (other == nullptr) return hear(*event);
    told(other->conversation, other->stored,
         {.id = other->entry.id, .kind = kind_of(other->entry), .from = other->entry.from});
}

void Listener::told(const event::MessageChanged& changed) {
    using What = event::MessageChanged::What;
    LogBook::Told told;
    told.from = changed.by;
    told.ref = changed.offset;
    switch (changed.what) {
        case What::edited:
            told.kind = model::EntryKind::edit;
            told.payload = changed.payload.view();
            world_.require(!changed.deleted || told.payload.empty(), "what is deleted has no text");
            break;
        case What::deleted: told.kind = model::EntryKind::removal; break;
        default:
            told.kind = model::EntryKind::reaction;
            told.payload = changed.reaction;
            told.taken_back = changed.what == What::reaction_removed;
    }
    world_.happened("change of a message that is told");
    this->told(changed.conversation, changed.stored, told);
}

void Listener::told(const std::string& conversation, const StoredAt& at, LogBook::Told told) {
    world_.trace(client_.name + " is told " + conversation + " " + std::to_string(at.position.offset));
    world_.happened("entry of a subscription");
    Heard& heard = heard_[conversation];
    if (comes_and_goes(conversation)) heard.subscribed = false;
    // What the list has brought is told from anywhere on.
    if (client_.keeps_list && !std::exchange(heard.subscribed, true)) {
        if (heard.epoch != at.position.epoch || heard.last + 1 != at.position.offset) heard.shelf.forget();
        heard.epoch = at.position.epoch;
        heard.last = at.position.offset - 1;
    }
    // A client that asks for no position cannot know that the log is another one.
    if (client_.keeps_list && book_.unknown_copy()) {
        heard.last = std::max(heard.last, at.position.offset);
        return;
    }
    world_.require(heard.subscribed && heard.epoch == at.position.epoch, "only what is subscribed to is told");
    learn_entry(heard);
    check_not_cleared(conversation, at.position, told.ref);
    if (told.kind == model::EntryKind::message) told_once(conversation, told.id, world_.now());
    world_.require(at.position.offset > heard.last, "each entry is told once, and in order");
    const model::Position position{at.position.epoch, at.position.offset};
    const model::ConversationKey key = LogBook::key_of(client_.user, conversation);
    for (std::uint64_t offset = heard.last + 1; offset < position.offset; ++offset) {
        const model::Position between{position.epoch, offset};
        if (heard.own.contains(between)) continue;
        // A message that has come as data, or stood in a log before, is not told again.
        // Nor what was cleared in a log of which this one is an older copy.
        const bool known =
            ever_.contains(book_.id_at(key, between)) || (book_.unknown_copy() && cleared_.contains(conversation));
        if (!known) heard.shelf.forget();
        world_.require(known || !book_.is_open_to(client_.user, key, between), "a hole is told");
    }
    told.read_after = std::max(session_since_, heard.since);
    book_.told(client_.user, key, position, told);
    put_on_shelf(heard, position.offset, told);
    heard.last = at.position.offset;
    heard.id = told.id;
    pass_own(heard);
}

void Listener::put_on_shelf(Heard& heard, std::uint64_t offset, const LogBook::Told& told) {
    const std::string from(told.from);
    switch (told.kind) {
        case model::EntryKind::message: return heard.shelf.put(offset, told.id, told.payload);
        case model::EntryKind::edit: return heard.shelf.edit(told.ref, told.payload);
        case model::EntryKind::removal: return heard.shelf.remove(told.ref);
        case model::EntryKind::reaction:
            return heard.shelf.react(told.ref, std::string(told.payload), from, told.taken_back);
        default: return;
    }
}

// Whichever way it comes.
void Listener::told_once(const std::string& conversation, const Uuid& id, TimePoint came) {
    if (!client_.keeps_list || conversation.starts_with("room:") || book_.came_again(id)) return;
    const auto [told, first] = directs_[conversation].try_emplace(id, came);
    const Duration remembers = client_.remembers - client::Sync::kLongestHold - std::chrono::seconds(1);
    world_.require(first || world_.now() - told->second > remembers, "a direct message is told once");
    told->second = came;
    ever_.insert(id);
}

// Own messages may stand before it and in it.
void Listener::left_out(const event::HistoryGap& gap) {
    world_.happened("hole that was told");
    world_.trace(client_.name + " is told of a hole in " + gap.conversation + " up to " + std::to_string(gap.last) +
                 " because of " + std::to_string(static_cast<int>(gap.reason)));
    Heard& heard = heard_[gap.conversation];
    if (client_.keeps_list) heard.subscribed = true;
    const bool knows_log = !client_.keeps_list || !book_.unknown_copy();
    if (gap.reason == HistoryGapReason::skipped && knows_log) {
        const model::ConversationKey key = LogBook::key_of(client_.user, gap.conversation);
        // The receipt of an own message is its entry, also where the application was told before that its outcome is
        // unknown.
        for (std::uint64_t offset = gap.first; offset <= gap.last; ++offset)
            world_.require(book_.is_of(client_.name, key, {gap.epoch, offset}), "only own messages are left out");
    }
    if (gap.reason == HistoryGapReason::pruned) {
        const model::ConversationKey key = LogBook::key_of(client_.user, gap.conversation);
        const bool present = book_.end_of(key).epoch == gap.epoch && !book_.unknown_copy();
        world_.require(!present || gap.first < book_.first_of(key), "what is called removed was");
        world_.happened("hole of what was removed");
    }
    if (gap.reason == HistoryGapReason::other_epoch || gap.reason == HistoryGapReason::diverged)
        directs_.erase(gap.conversation);  // what is in that log is told
    const bool same = heard.epoch == gap.epoch && gap.reason != HistoryGapReason::diverged;
    const bool begins = !asked_[gap.conversation].empty();  // anywhere
    if (gap.reason != HistoryGapReason::skipped || !same) heard.shelf.forget();
    world_.require(!same || begins || gap.last >= heard.last, "a subscription goes on, and not back");
    if (gap.reason == HistoryGapReason::diverged) heard.own.clear();  // of another log
    heard.epoch = gap.epoch;
    heard.last = gap.last;
    heard.id = Uuid();
    heard.can_tell = book_.unknown_copy();
    pass_own(heard);
}

// A room that the list brings as long as it is small, and that the application has not asked for.
bool Listener::comes_and_goes(const std::string& conversation) const {
    return client_.keeps_list && client_.counts_ends && conversation.starts_with("room:") &&
           !asked_for_.contains(conversation);
}

bool Listener::lists(const std::string& conversation) const {
    const auto list = sync_.list();
    return std::ranges::any_of(list, [&](const auto& item) { return item.about.name == conversation; });
}

}  // namespace flare::sim
