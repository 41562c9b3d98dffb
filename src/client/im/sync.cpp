#include "client/im/sync.hpp"

#include "model/target.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {
namespace {

namespace im = wire::im;
using session::kNever;

constexpr std::size_t kMostInflatedItem = 4u << 20;  // of the entries of one that has changed

}  // namespace

Sync::Sync(bool on, const std::string& user, Owner& owner, const std::shared_ptr<Keeper>& keeper, FeedRecord* record)
    : on_(on),
      owner_(owner),
      kept_{keeper},
      feeds_(user, owner, keeper, record, on ? this : nullptr),
      list_(user),
      marks_(
          list_, owner, [this] { tell_changes(); },
          [this](const std::string& conversation, std::uint64_t epoch, const im::ReadMark& said) {
              im::ConversationState state;
              state.epoch = epoch;
              state.mark = said;
              if (on_ && open_) states_.answered(conversation, std::move(state));
          }),
      states_({list_,
               marks_,
               {list_, owner, [this] { tell_changes(); }},
               [this](const std::string& conversation, std::uint64_t epoch, const im::Settings& settings) {
                   (void)take_settings(conversation, epoch, settings);
               },
               [this](const std::string& conversation) { forget(conversation); },
               {list_, owner, keeper, [this](const std::string& conversation) {
                    forget(conversation);
                    tell_changes();
                }}}) {}

// Nothing of it is told: the list has it.
void Sync::restore(const CacheContents& kept) {
    if (!on_) return;
    for (const std::string& bytes : kept.list) {
        const auto listed = im::decode<im::SyncedConversation>(bytes);
        if (!listed || !is_whole(*listed)) continue;
        (void)list_.name(*listed, 0);
        states_.invitations().restore(std::string(listed->about->conversation));
        for (const UserMark& each : marks_of(listed->others))
            (void)list_.on_other(listed->about->conversation, listed->about->head->epoch, each);
    }
    (void)list_.take_changed();
    kept_.earlier = kept.told;
    cursor_ = kept.cursor;
    first_ = cursor_.empty();
}

void Sync::close() {
    ++turn_;
    early_ = Early();
    held_ = Holding();
    feeds_.close();
}

// ---- asking ----

void Sync::begin_session() {
    ++turn_;
    early_ = Early();  // the next page is newer
    open_ = false;
    again_.at = kNever;
    again_.delay = kFirstDelay;
    release_held();
    feeds_.begin_session(on_);
    if (!on_) return;
    states_.begin_session();
    if (doubt_) cursor_ = *std::exchange(doubt_, std::nullopt);
    begin_pass(0);
}

// A mark that could not be said for want of a connection is said now, or behind the sync that goes on.
void Sync::go_on() {
    feeds_.go_on();
    if (!on_) return;
    if (!syncing_) {
        marks_.say_again();
    } else if (pass_.waits) {
        ask_page();
    }
}

void Sync::begin_pass(std::size_t before) {
    syncing_ = true;
    pass_ = {.before = before, .states = states_.taken()};
    list_.begin_pass();
    ask_page();
}

void Sync::ask_page() {
    pass_.waits = !owner_.in_session();  // a new one begins anew
    if (pass_.waits) return;
    open_ = true;
    pass_.ended = false;
    const bool first = pass_.before == 0 && pass_.pages == 0;
    const Call call = sync_call(cursor_, pass_.page, first ? kFirstPage : kPage, first ? kFirstEntries : kEntries);
    owner_.ask(call, [this, turn = turn_](const Answer& answer) {
        if (turn == turn_) on_page(answer);
    });
}

void Sync::on_page(const Answer& answer) {
    open_ = false;
    const auto page = read_page(answer);
    if (!page) {
        early_.frames.clear();
        states_.take_kept();
        tell_changes();
        return on_failed(page.error(), answer.retry_after_ms);
    }
    again_.delay = kFirstDelay;
    if (page->whole && !whole_since_) whole_since_ = list_.pass();
    ++pass_.pages;
    pass_.page = page->next;
    // The next page is asked for when the application has handled this one.
    const auto taken = owner_.when_handled([this, turn = turn_] {
        if (turn == turn_ && syncing_ && !open_) ask_page();
    });
    for (const im::SyncedConversation& each : page->conversations) take(each, 0, answer.encodings, taken);
    for (const std::string_view name : page->gone) take_gone(std::string(name), cursor_);
    for (const im::SyncedFeed& each : page->feeds) {
        const std::string name(each.conversation);
        const auto end = list_.end_of(name);
        if (!end) continue;
        const auto [start, id] = kept_.told_before(name).value_or(ToldUpto{*end, {}});
        feeds_.adopt({name, each.feed, *end, 0, {}, start, id}, answer.encodings, taken);
    }
    tell_changes(taken);
    take_early_frames();
    if (page->next.empty()) end_pass(page->cursor, taken);
}

void Sync::on_failed(const Failure& failure, std::uint32_t retry_after_ms) {
    if (!owner_.in_session()) {  // a new one begins anew
        pass_.waits = true;
        return;
    }
    const errc code = failure.code;
    // The backup of a store has been restored between two pages.
    if (code == errc::epoch_changed && !pass_.page.empty() && pass_.before + 1 < kMostPasses)
        return begin_pass(pass_.before + 1);
    syncing_ = false;
    feeds_.on_sync_over(false);
    release_held();
    if (code == errc::not_supported) {
        if (!std::exchange(told_unavailable_, true))
            owner_.tell(event::CapabilityUnavailable{"sync_conversations", failure.text});
        return;
    }
    const bool may_pass = boost::system::error_code(code) == errcond::retryable;
    if (!may_pass) {
        if (again_.delay == kFirstDelay)
            owner_.tell(event::Error{Failure(code, "the list of conversations: " + failure.text)});
        cursor_.clear();  // which may be what the server cannot read
    }
    again_.at = owner_.now() + std::max<session::Duration>(again_.delay, std::chrono::milliseconds(retry_after_ms));
    again_.delay = std::min(2 * again_.delay, kLongestDelay);
}

// ---- what pages say ----

void Sync::take(const im::SyncedConversation& from, std::uint32_t began, wire::Encodings encodings,
                const std::shared_ptr<void>& taken) {
    if (ListInvitations::is_one(from)) {
        if (began != 0) return;
        if (!states_.invitations().take(from, encodings)) doubt_page();
        missed_ |= pass_.ended;
        return;
    }
    const std::string name(from.about->conversation);
    const auto before = list_.end_of(name);
    const auto [start, start_id] =
        kept_.told_before(name).value_or(ToldUpto{held_.start_of(from, before, began != 0 || !first_), {}});
    const im::Head& head = *from.about->head;
    const auto newer = states_.settings_of(name, head.epoch);
    // They may be those of a membership before this one: the list is asked for once more.
    if (newer && !before) doubt_page();
    const std::uint64_t cleared_before = list_.cleared_to(name, head.epoch);
    if (!list_.name(from, encodings, newer)) {
        return owner_.tell(event::Error{
            Failure(errc::too_many_conversations, "the list of conversations is full: " + name + " is not in it")});
    }
    for (Entry& own : early_.own.take(name, {head.epoch, head.last})) list_.on_own(name, head.epoch, std::move(own));
    const std::uint64_t cleared_to = list_.cleared_to(name, head.epoch);
    if (cleared_to > cleared_before) feeds_.clear(name, {head.epoch, cleared_to});
    feeds_.adopt({name,
                  from.feed,
                  {head.epoch, head.last},
                  from.about->visible_from,
                  from.entries,
                  start,
                  start_id,
                  began,
                  cleared_to},
                 encodings, taken);
    tell_changes(taken);
    states_.take_early(name);  // first: the page may be older
    states_.others().on_told(name, head.epoch, marks_of(from.others));
}

// Nobody knows if it, or what has come in another lane, is newer.
void Sync::doubt_page() {
    if (!syncing_) {
        again_.at = std::min(again_.at, states_.ask_at(owner_.now()));
        return;
    }
    pass_.doubted = missed_ = true;
}

// How far an earlier run was told what this one has not named yet: it goes on there.
std::optional<ToldUpto> Sync::Kept::told_before(const std::string& name) {
    auto found = earlier.extract(name);
    return found ? std::optional(found.mapped()) : std::nullopt;
}

// Behind what its entries are told, if none of them has been told.
Position Sync::Holding::start_of(const im::SyncedConversation& from, const std::optional<Position>& before,
                                 bool is_new) const {
    const im::Head& head = *from.about->head;
    const Position end{head.epoch, head.last};
    if (before) return before->epoch == end.epoch ? *before : end;
    if (is_new) {  // since the cursor, or just now
        const std::uint64_t mark = from.mark ? from.mark->offset : 0;
        const std::uint64_t unseen = from.about->visible_from == 0 ? 0 : from.about->visible_from - 1;
        return {end.epoch, std::min(end.offset, std::max(mark, unseen))};
    }
    // What is old is in the list; what has just come as Data is told.
    for (const im::Entry& entry : from.entries) {
        if (entry.from == from.about->conversation && has(entry.from, entry.id)) return {end.epoch, entry.offset - 1};
    }
    return end;
}

// Those of feeds that are known by now.
void Sync::take_early_frames() {
    for (const EarlyFrame& early : std::exchange(early_.frames, {})) {
        const Bytes whole(early.body);
        const auto frame = im::decode<im::Feed>(whole.view());
        if (frame && feeds_.knows(early.number))
            feeds_.on_feed(early.number, *frame, whole, early.encodings, early.taken);
        tell_changes(early.taken);
    }
    states_.take_kept();
    tell_changes();
}

void Sync::end_pass(std::string_view cursor, const std::shared_ptr<void>& taken) {
    if (!pass_.doubted) cursor_ = cursor;
    const auto named = [this](const auto& each) {
        const auto& [name, upto] = each;
        const auto end = list_.end_of(name);
        return end && (end->epoch != upto.epoch || end->offset >= upto.offset);
    };
    const bool lacks = std::exchange(missed_, false) || !std::ranges::all_of(pass_.expected, named);
    if ((pass_.pages == 1 && !lacks) || pass_.before + 1 == kMostPasses) return finish(taken);
    pass_ = {.before = pass_.before + 1, .states = states_.taken()};
    list_.begin_pass();
}

void Sync::finish(const std::shared_ptr<void>& taken) {
    syncing_ = false;
    first_ = false;
    states_.end_sync(pass_.states);
    if (states_.keeps()) again_.at = std::min(again_.at, states_.ask_at(owner_.now()));
    if (whole_since_) {
        for (const std::string& name : list_.unnamed_since(*whole_since_)) take_gone(name, {});
        whole_since_.reset();
        tell_changes(taken);
    }
    owner_.tell_later([taken]() -> std::optional<Event> { return event::ConversationsSynced{}; });
    if (kept_.keeper) {
        // Behind what the pages have said, and what is gone.
        owner_.tell_later([keeper = kept_.keeper, cursor = doubt_.value_or(cursor_)]() -> std::optional<Event> {
            keeper->synced(cursor);
            return std::nullopt;
        });
    }
    feeds_.on_sync_over(true);
    release_held();
    marks_.say_again();
}

void Sync::forget(const std::string& conversation) {
    states_.forget(conversation);
    (void)feeds_.drop(conversation);
    (void)list_.remove(conversation, &early_.own);
}

// No lane waits for another: the user may have come back since the page was read, and what says so may be here already.
// A feed says itself when it is over. What has begun without one is asked for again.
void Sync::take_gone(const std::string& conversation, std::string_view cursor) {
    if (!feeds_.drop(conversation, false)) {
        // No feed tells of an invitation.
        if (ListInvitations::is_one(list_.item(conversation))) (void)list_.remove(conversation);
        if (!doubt_ || cursor.empty()) doubt_ = cursor;
        return;
    }
    if (list_.is_named(conversation)) pass_.expected.try_emplace(conversation);
    (void)list_.remove(conversation);
}

// ---- from the session ----

void Sync::on_feed(std::uint32_t number, const im::Feed& frame, const Bytes& whole, wire::Encodings encodings,
                   const std::shared_ptr<void>& taken) {
    const bool began = on_ && frame.began && is_whole(*frame.began);
    if (began) {
        take(*frame.began, number, encodings, taken);
        if (!open_) states_.take_kept();
    }
    bool lacks = false;
    bool invited = false;
    for (const im::ConversationState& each : frame.states) {
        invited |= on_ && each.invited;
        pass_.ended |= each.gone;
        if (on_) {
            lacks |= !states_.take(each, open_);
        } else {
            states_.others().on_told(std::string(each.conversation), each.epoch, marks_of(each.others));
        }
    }
    // What a page says counts, whichever comes first: also of an invitation that is no more.
    missed_ = missed_ || ((lacks || invited) && syncing_);
    if (invited && !syncing_ && again_.delay == kFirstDelay)
        again_.at = std::min(again_.at, states_.invitations().ask_at(owner_.now()));
    // A sync that has failed begins again by itself.
    if (lacks && !syncing_ && again_.at == kNever) again_.at = states_.ask_at(owner_.now());
    if (feeds_.knows(number)) {
        feeds_.on_feed(number, frame, whole, encodings, taken);
    } else if (open_ && !began) {
        early_.frames.push_back({number, im::encode(frame), encodings, taken});
    }
    tell_changes(taken);
}

bool Sync::hold(const std::string& from, const Uuid& id, std::size_t bytes, std::function<void(bool)> decide) {
    if (!on_ || model::Target::of(from).kind != model::Target::Kind::user) return false;
    if (feeds_.leaves_to_feed(from, id)) return decide(false), true;
    if (!syncing_ || held_.all.size() >= kMostHeld || held_.bytes + bytes > kMostHeldBytes) return false;
    if (held_.all.empty()) held_.until = owner_.now() + kLongestHold;
    held_.bytes += bytes;
    held_.all.push_back({from, id, std::move(decide)});
    return true;
}

bool Sync::Holding::has(std::string_view from, const Uuid& id) const {
    return std::any_of(all.begin(), all.end(), [&](const Held& held) { return held.id == id && held.from == from; });
}

void Sync::release_held() {
    const Holding held = std::exchange(held_, Holding());
    for (const Held& each : held.all) each.decide(!feeds_.leaves_to_feed(each.from, each.id));
}

std::optional<ToldUpto> Sync::on_stored(const std::string& conversation, const StoredAt& stored, Entry entry) {
    const auto upto = feeds_.on_stored(conversation, stored, entry.id, counts_in_log(entry));
    if (!on_) return upto;
    entry.offset = stored.position.offset;
    entry.time = stored.time;
    if (const auto end = list_.end_of(conversation); end && end->epoch == stored.position.epoch) {
        list_.on_own(conversation, stored.position.epoch, std::move(entry));
    } else {
        early_.own.keep(conversation, stored.position.epoch, std::move(entry));
    }
    tell_changes();
    return upto;
}

AnswerDone Sync::watch(const Call& call, AnswerDone done) {
    using wire::Verb;
    const bool comes = call.verb == Verb::conversation_create || call.verb == Verb::conversation_join;
    const bool goes = call.verb == Verb::conversation_leave || call.verb == Verb::conversation_delete;
    if (!on_ || (!comes && !goes)) return done;
    return [this, comes, goes, name = call.conversation, done = std::move(done)](Answer answer) {
        if (const auto about = read_conversation(answer, name); comes && about) list_.add(*about);
        if (goes && answer.code == errc::ok) forget(name);
        pass_.ended |= goes;
        tell_changes();
        done(std::move(answer));
    };
}

void Sync::choose(const Call& call, const std::string& conversation, std::uint64_t epoch, SettingsDone done) {
    owner_.ask(call, [this, conversation, epoch, done = std::move(done)](const Answer& answer) {
        const auto said = read_settings(answer);
        if (!said) {
            // The server may have done it all the same: then the list says so.
            const bool unsure = boost::system::error_code(answer.code) == errcond::retryable;
            if (on_ && unsure) again_.at = std::min(again_.at, owner_.now() + ReadMarks::kDelay);
            return done(said.error());
        }
        const auto end = list_.end_of(conversation);
        const std::uint64_t of = epoch == 0 && end ? end->epoch : epoch;
        const ConversationSettings now = take_settings(conversation, of, *said);
        im::ConversationState state;
        state.epoch = of;
        state.settings = *said;
        // What is not in the list may be on its way there, as it was before.
        if (on_ && (open_ || !end)) states_.answered(conversation, std::move(state));
        tell_changes();
        done(now);
    });
}

ConversationSettings Sync::take_settings(const std::string& conversation, std::uint64_t epoch,
                                         const im::Settings& settings) {
    if (epoch != 0 && settings.cleared_to != 0) feeds_.clear(conversation, {epoch, settings.cleared_to});
    if (on_) list_.on_settings(conversation, epoch, settings);
    const auto item = list_.item(conversation);
    // What has come since may have brought it back.
    return settings_of(settings, settings.hidden_below != 0 && (!item || item->settings.hidden));
}

// ---- from the subscriptions ----

void Sync::on_entry(const std::string& conversation, std::uint64_t epoch, const im::Entry& entry,
                    wire::Encodings encodings) {
    const auto end = list_.end_of(conversation);
    const bool lacks = end ? end->epoch != epoch : !list_.full();
    missed_ = missed_ || (syncing_ && lacks);
    list_.on_entry(conversation, epoch, entry, encodings);
}

// The list is asked for what it lacks.
void Sync::on_member(const std::string& conversation, const Subscribed& begun) {
    if (on_) {
        states_.subscribed(conversation, begun.head.epoch, begun.others);
    } else {
        states_.others().on_told(conversation, begun.head.epoch, begun.others);
    }
    list_.on_visible_from(conversation, begun.head.epoch, begun.visible_from);
    if (list_.end_of(conversation)) return;
    if (syncing_) {
        pass_.expected[conversation] = {begun.head.epoch, begun.next - 1};
    } else if (!first_ && again_.at == kNever) {  // else it is asked for anyway, or the server has no list
        again_.at = owner_.now();
    }
}

void Sync::on_skipped(const std::string& conversation, const Position& upto, std::optional<std::uint64_t> messages) {
    list_.on_gap(conversation, upto, messages);
}

void Sync::on_own_passed(const std::string& conversation, const FeedCursor::Passed& own) {
    list_.on_own_passed(conversation, own);
}

void Sync::on_own_at(const std::string& conversation, const Position& at, bool counts) {
    list_.on_own_at(conversation, at, counts);
}

void Sync::on_no_member(const std::string& conversation) {
    pass_.ended = true;
    // Who is only invited is no member either.
    if (list_.end_of(conversation)) (void)list_.remove(conversation, &early_.own);
    tell_changes();
}

// ---- telling ----

void Sync::tell_changes(const std::shared_ptr<void>& taken) {
    if (list_.take_uncounted()) marks_.say_later();
    for (const std::string& name : list_.take_changed()) {
        const auto item = list_.item(name);
        if (states_.invitations().tell(name, item)) continue;
        auto make = [name, item, taken, keeper = kept_.keeper]() -> std::optional<Event> {
            event::ConversationChanged changed{name, std::nullopt};
            std::size_t most = kMostInflatedItem;
            if (item) changed.now = listed(*item, most);
            if (keeper) keeper->listed(name, changed.now ? &*changed.now : nullptr);
            return changed;
        };
        owner_.tell_later(std::move(make));
    }
}

// ---- time ----

session::TimePoint Sync::next_deadline() const noexcept {
    // What is due while the session cannot be used is asked for when it can be used again.
    const session::TimePoint again = owner_.in_session() ? again_.at : kNever;
    return std::min({feeds_.next_deadline(), marks_.next_deadline(), held_.until, again});
}

void Sync::on_time() {
    const session::TimePoint now = owner_.now();
    if (feeds_.next_deadline() <= now) feeds_.on_time();
    marks_.on_time();
    if (held_.until <= now) release_held();
    if (again_.at > now || !owner_.in_session()) return;
    again_.at = kNever;
    if (syncing_) {  // the pass behind this one is read later
        missed_ = true;
    } else {
        begin_pass(0);
    }
}

}  // namespace flare::client
