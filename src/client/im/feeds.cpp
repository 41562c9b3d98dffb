#include "client/im/feeds.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace flare::client {
namespace {

namespace im = wire::im;
using session::kNever;

bool may_pass(errc code) { return boost::system::error_code(code) == errcond::retryable; }

// The request has not been sent, so the server has the feeds that it had.
bool stayed_here(errc code) {
    return code == errc::outbox_full || code == errc::not_connected || code == errc::invalid_name ||
           code == errc::not_supported;
}

HistoryGapReason reason_of(im::FeedResetReason reason) { return static_cast<HistoryGapReason>(reason); }

bool is_about_entry(model::EntryKind kind) {
    return kind == model::EntryKind::edit || kind == model::EntryKind::removal || kind == model::EntryKind::reaction;
}

// The offsets on both sides of it are of one log.
bool stays_in_log(const im::FeedReset& reset, std::uint64_t epoch) {
    return reset.epoch == epoch && reset.reason != im::FeedResetReason::diverged;
}

}  // namespace

// ---- from the application ----

void Feeds::subscribe(const std::string& conversation, const SubscribeOptions& options, SubscribeDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (calls_ == kMostCalls) return done(Failure(errc::outbox_full));
    Asked asked;
    asked.options = options;
    if (keeper_ && options.after == Position() && !options.new_only) {
        if (const auto upto = keeper_->told_upto(conversation)) {
            asked.options.with_after(upto->position, upto->id);
            asked.continues = true;
        }
    }
    asked.subscribed = std::move(done);
    add(conversation, std::move(asked));
}

void Feeds::unsubscribe(const std::string& conversation, UnsubscribeDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (calls_ == kMostCalls) return done(Failure(errc::outbox_full));
    Asked asked;
    asked.unsubscribed = std::move(done);
    add(conversation, std::move(asked));
}

void Feeds::close() {
    if (std::exchange(closed_, true)) return;
    note_places();
    All all = std::exchange(all_, {});
    by_number_.clear();
    to_renew_.clear();
    due_ = kNever;
    for (auto& [name, feed] : all) {
        for (const Asked& asked : feed.asked) {
            if (asked.subscribed) asked.subscribed(Failure(errc::client_closed));
            if (asked.unsubscribed) asked.unsubscribed(Failure(errc::client_closed));
        }
    }
}

// ---- what is asked ----

void Feeds::add(const std::string& name, Asked asked) {
    Feed& feed = all_[name];
    // Whatever is asked now, the server forgets the feed that it had before.
    if (!feed.busy && !feed.asked.empty() && !feed.asked.front().is_call()) feed.asked.pop_front();
    feed.asked.push_back(std::move(asked));
    ++calls_;
    go_on(name);
}

void Feeds::go_on(const std::string& name) {
    const auto found = all_.find(name);
    if (found == all_.end() || found->second.busy) return;
    Feed& feed = found->second;
    if (!feed.asked.empty()) {
        if (feed.asked.front().is_call() || owner_.in_session()) ask_first(name, feed);
    } else if (!feed.wanted()) {
        if (syncs_) unfollowed_.keep(name, std::move(feed.cursor));
        all_.erase(found);
    } else if (feed.number == 0 && feed.again_at == kNever && !feed.awaits) {
        renew_soon(name, feed);
    }
}

// The answer may come within the call. What a sync has begun goes on when the application ends its subscription.
void Feeds::ask_first(const std::string& name, Feed& feed) {
    if (feed.synced && feed.asked.front().unsubscribed) {
        const Asked asked = take_first(feed);
        feed.asked_for = feed.complete = false;
        asked.unsubscribed(Checked<>());
        return go_on(name);
    }
    feed.busy = true;
    const Asked& first = feed.asked.front();
    if (first.subscribed) {
        owner_.ask(*subscribe_call(name, first.options),
                   [this, name](const Answer& answer) { on_subscribed(name, answer); });
    } else {
        owner_.ask(*unsubscribe_call(name), [this, name](const Answer& answer) { on_unsubscribed(name, answer); });
    }
}

void Feeds::renew(const std::string& name, Feed& feed) {
    feed.busy = true;
    ++renewing_;
    SubscribeOptions options;
    options.with_after(feed.cursor.position(), feed.cursor.id()).with_complete(feed.complete);
    owner_.ask(*subscribe_call(name, options), [this, name](const Answer& answer) { on_renewed(name, answer); });
}

void Feeds::renew_soon(const std::string& name, Feed& feed) {
    if (std::exchange(feed.queued, true)) return;
    to_renew_.push_back(name);
    renew_next();
}

void Feeds::renew_later(Feed& feed, std::uint32_t retry_after_ms) {
    feed.again_at = owner_.now() + std::max<session::Duration>(feed.delay, std::chrono::milliseconds(retry_after_ms));
    feed.delay = std::min(2 * feed.delay, kLongestDelay);
    due_ = std::min(due_, feed.again_at);
}

void Feeds::renew_next() {
    if (std::exchange(filling_, true)) return;  // the loop below goes on
    while (renewing_ < kMostAgain && !to_renew_.empty() && owner_.in_session()) {
        const std::string name = std::move(to_renew_.front());
        to_renew_.pop_front();
        const auto found = all_.find(name);
        if (found == all_.end()) continue;
        Feed& feed = found->second;
        feed.queued = false;
        if (feed.wanted() && feed.number == 0 && !feed.busy) renew(name, feed);
    }
    filling_ = false;
}

// ---- what is answered ----

Feeds::Asked Feeds::take_first(Feed& feed) {
    Asked first = std::move(feed.asked.front());
    feed.asked.pop_front();
    if (first.is_call()) --calls_;
    feed.busy = false;
    return first;
}

Checked<Subscribed> Feeds::read(const std::string& name, const Answer& answer) const {
    auto begun = read_subscribed(answer);
    if (!begun) return begun;
    const auto taken = by_number_.find(begun->feed);
    if (taken != by_number_.end() && taken->second != name)
        return Failure(errc::malformed_frame, "the server has given the number of another subscription");
    return begun;
}

void Feeds::on_subscribed(const std::string& name, const Answer& answer) {
    const auto found = all_.find(name);
    if (found == all_.end()) return;  // closed
    Feed& feed = found->second;
    Asked asked = take_first(feed);
    const auto begun = read(name, answer);
    Checked<Subscription> result = Failure(errc::internal);
    if (begun) {
        FeedNote noted;
        ToldUpto before;
        if (feed.wanted()) before = feed.cursor.told_upto();
        noted.before = before.position;
        feed.drop_untold();
        forget_number(feed);
        feed.asked_for = true;
        feed.complete = asked.options.complete;
        feed.cursor = std::move(asked.cursor);
        Position behind = asked.options.after;
        if (behind == Position()) behind = {begun->head.epoch, begun->next - 1};
        // Of another epoch: begin() finds the position in this one.
        // Where it is already, it knows which entry is there, and will notice if that becomes another one.
        const bool stays = asked.options.after_id.is_nil() && behind == before.position;
        if (behind.epoch == begun->head.epoch) feed.cursor.begin(behind, stays ? before.id : asked.options.after_id);
        Subscription subscription;
        subscription.conversation = name;
        subscription.gap = begin(name, feed, *begun);
        subscription.after = {begun->head.epoch, begun->next - 1};
        subscription.last = begun->head.last;
        subscription.visible_from = begun->visible_from;
        subscription.continued = asked.continues;
        feed.renewals = 0;
        noted.last = begun->head.last;
        noted.asked = asked.options.after;
        feed.note(record_, FeedNote::What::subscribed, name, noted);
        if (subscription.gap) {
            tell_gap(feed, *subscription.gap);
        } else {
            // The application may have chosen a later place.
            if (follower_ != nullptr) follower_->on_skipped(name, subscription.after, begun->messages());
            if (keeper_) keeper_->moved(name, feed.cursor.told_upto());
        }
        result = std::move(subscription);
    } else {
        result = begun.error();
        const errc code = begun.error().code;
        if (syncs_ && !stayed_here(code)) closed_feeds_.add(name);
        if (feed.wanted() && !stayed_here(code)) {
            forget_number(feed);  // the server may have ended the feed that there was: go_on() renews it
        } else if (!feed.wanted() && !stayed_here(code) && (may_pass(code) || code == errc::malformed_frame)) {
            feed.tidy_up();
        }
    }
    asked.subscribed(std::move(result));
    go_on(name);
}

void Feeds::on_unsubscribed(const std::string& name, const Answer& answer) {
    const auto found = all_.find(name);
    if (found == all_.end()) return;  // closed
    Feed& feed = found->second;
    const Asked asked = take_first(feed);
    Checked<> result = read_unsubscribed(answer);
    const bool answered = result.has_value();
    if (syncs_ && (answered || !stayed_here(result.error().code))) closed_feeds_.add(name);
    if (answered || !owner_.in_session()) {
        result = Checked<>();
        if (std::exchange(feed.asked_for, false)) feed.note(record_, FeedNote::What::unsubscribed, name);
        if (!syncs_) feed.drop_untold();                    // else the list may go on from there
        if (!answered && feed.number != 0) feed.tidy_up();  // the session may come back
        forget_number(feed);
    } else if (feed.wanted() && !stayed_here(result.error().code)) {
        forget_number(feed);  // the server may have ended it all the same: go_on() renews it
    }
    if (asked.unsubscribed) asked.unsubscribed(std::move(result));
    go_on(name);
}

void Feeds::on_renewed(const std::string& name, const Answer& answer) {
    --renewing_;
    const auto found = all_.find(name);
    if (found == all_.end()) return;  // closed
    Feed& feed = found->second;
    feed.busy = false;
    const auto begun = read(name, answer);
    if (!feed.wanted()) {
        if (begun) feed.tidy_up();
    } else if (begun) {
        auto gap = begin(name, feed, *begun);
        feed.note_renewed(record_, name, begun->head.last, gap.has_value());
        if (gap) {
            tell_gap(feed, std::move(*gap));
        }
    } else if (owner_.in_session()) {  // else the next one, or this one when it can be used again
        if (syncs_ && !stayed_here(begun.error().code)) closed_feeds_.add(name);
        if (may_pass(begun.error().code)) {
            const session::Duration delay = feed.delay;
            renew_later(feed, answer.retry_after_ms);
            if (delay < kLongestDelay) {  // else it has been noted
                const Failure reason = begun.error();
                FeedNote noted;
                noted.reason = &reason;
                noted.retry = feed.again_at - owner_.now();
                feed.note(record_, FeedNote::What::put_off, name, noted);
            }
        } else {
            if (begun.error().code == errc::malformed_frame) feed.tidy_up();
            end(name, feed, begun.error(), 0);
        }
    }
    go_on(name);
    renew_next();
}

// What was left out, if anything.
std::optional<HistoryGap> Feeds::begin(const std::string& name, Feed& feed, const Subscribed& begun) {
    listen(feed, name, begun.feed);
    if (follower_ != nullptr) {
        feed.shown->clear({begun.head.epoch, follower_->cleared_to(name, begun.head.epoch)});
        follower_->on_member(name, begun);
    } else {
        for (const UserMark& each : begun.others)
            owner_.tell(event::MarksChanged{name, each.user, each.read, each.delivered});
    }
    im::FeedReset reset;
    if (begun.reset) {
        reset = *begun.reset;
        reset.epoch = begun.head.epoch;
    } else if (feed.cursor.position().epoch != begun.head.epoch) {
        reset = {im::FeedResetReason::other_epoch, begun.head.first, begun.head.last, begun.next, begun.head.epoch};
    } else {
        // Behind what the user may read now nothing is missing; before the position nothing is told again.
        (void)feed.cursor.skip_to(begun.next - 1);
        feed.pass_own(name, owner_, keeper_);
        return std::nullopt;
    }
    if (stays_in_log(reset, feed.cursor.position().epoch)) feed.pass_own(name, owner_, keeper_);
    auto gap = feed.apply(name, reset, begun.visible_from);
    feed.pass_own(name, owner_, keeper_);
    return gap;
}

// ---- from the session ----

void Feeds::begin_session(bool sync) {
    syncs_ = sync;
    by_number_.clear();
    closed_feeds_.clear();
    to_renew_.clear();
    due_ = kNever;
    std::vector<std::string> names;
    for (auto& [name, feed] : all_) {
        feed.number = 0;
        feed.own_upto = 0;
        feed.cursor.pause();
        feed.awaits = sync && feed.wanted();
        feed.queued = false;
        feed.again_at = kNever;
        feed.delay = kFirstDelay;
        if (!feed.busy && !feed.asked.empty() && !feed.asked.front().is_call()) feed.asked.pop_front();
        names.push_back(name);
    }
    for (const std::string& name : names) go_on(name);
}

void Feeds::go_on() {
    std::vector<std::string> names;
    for (const auto& [name, feed] : all_) {
        if (!feed.busy && !feed.asked.empty()) names.push_back(name);
    }
    for (const std::string& name : names) go_on(name);
    renew_next();
}

void Feeds::on_feed(std::uint32_t number, const im::Feed& frame, const Bytes& whole, wire::Encodings encodings,
                    const std::shared_ptr<void>& taken) {
    const auto numbered = by_number_.find(number);
    if (numbered == by_number_.end()) return;  // of a feed that is not wanted any more
    const std::string name = numbered->second;
    Feed& feed = all_.find(name)->second;
    if (frame.reset && frame.reset->next != 0) {
        im::FeedReset reset = *frame.reset;
        if (reset.epoch == 0) reset.epoch = feed.cursor.position().epoch;  // it does not say
        if (auto gap = feed.apply(name, reset, 0)) tell_gap(feed, std::move(*gap));
    }
    const auto origin =
        std::make_shared<const FeedOrigin>(FeedOrigin{name, user_, feed.cursor.position().epoch, encodings});
    for (const im::Entry& entry : frame.entries) tell_entry(feed, entry, whole, origin, taken);
    if (frame.failed != errc::ok) {  // that of a sync: it is asked for, and says why it cannot begin
        forget_number(feed);
        go_on(name);
    } else if (frame.removed != 0) {
        if (syncs_) closed_feeds_.add(name, number);
        end(name, feed, {errc::unknown_conversation, "the user is no longer a member of " + name}, frame.removed);
        go_on(name);
    }
}

void Feeds::on_feed_refused(std::uint32_t number) {
    const auto numbered = by_number_.find(number);
    if (numbered == by_number_.end()) return;
    Feed& feed = all_.find(numbered->second)->second;
    feed.note(record_, FeedNote::What::refused, numbered->second);
    forget_number(feed);
    renew_later(feed, 0);
}

std::optional<ToldUpto> Feeds::on_stored(const std::string& conversation, const StoredAt& stored, const Uuid& id,
                                         bool counts) {
    const auto found = all_.find(conversation);
    const bool followed = found != all_.end() && found->second.wanted();
    if (syncs_ && !followed) unfollowed_.of(conversation).note_own(stored.position, id, counts);
    if (found == all_.end()) return std::nullopt;
    Feed& feed = found->second;
    feed.own_upto = std::max(feed.own_upto, stored.position.offset);
    for (Asked& asked : feed.asked) {
        if (asked.subscribed) asked.cursor.note_own(stored.position, id, counts);
    }
    if (!followed) return std::nullopt;
    feed.cursor.note_own(stored.position, id, counts);
    const Position& now = feed.cursor.position();
    const bool passed = now.epoch == stored.position.epoch && now.offset >= stored.position.offset;
    return passed ? std::optional(feed.cursor.told_upto()) : std::nullopt;
}

void Feeds::note_places() {
    for (auto& [name, feed] : all_) {
        if (feed.wanted() && feed.delivered != 0) feed.note(record_, FeedNote::What::stands, name);
    }
}

// ---- time ----

void Feeds::on_time() {
    const session::TimePoint now = owner_.now();
    if (due_ > now) return;
    due_ = kNever;
    for (auto& [name, feed] : all_) {
        if (feed.again_at > now) {
            due_ = std::min(due_, feed.again_at);
        } else {
            feed.again_at = kNever;
            if (!std::exchange(feed.queued, true)) to_renew_.push_back(name);
        }
    }
    renew_next();
}

// ---- what is told ----

void Feeds::tell_entry(Feed& feed, const im::Entry& entry, const Bytes& whole,
                       const std::shared_ptr<const FeedOrigin>& origin, const std::shared_ptr<void>& taken) {
    const std::string& name = origin->conversation;
    const FeedCursor::Taken verdict = feed.cursor.take(entry.offset, entry.id);
    if (verdict.missing) {
        const auto& [first, last] = *verdict.missing;
        tell_gap(feed, {name, HistoryGapReason::skipped, origin->epoch, first, last});
    }
    if (!verdict.fresh) return;
    if (follower_ != nullptr) {
        follower_->on_entry(name, origin->epoch, entry, origin->encodings);
        follower_->on_own_passed(name, feed.cursor.own_passed());
    }
    const bool message = entry.kind == model::EntryKind::message;
    const bool own = entry.from == user_;
    const StoredAt stored{{origin->epoch, entry.offset}, wire::to_time(entry.time_ms)};
    if (message && own && owner_.settle(entry.id, name, stored)) return;
    // As Data, which was not kept.
    const bool was_told =
        message && is_direct(name) && !feed.takes_over(entry.id) && owner_.has_seen(entry.from, entry.id);
    if (was_told && !keeper_) return;
    if (message && !own && !was_told) owner_.count_message();
    if (!was_told) ++feed.delivered;
    const std::uint64_t about = is_about_entry(entry.kind) ? entry.ref : 0;
    auto make = [shown = feed.shown, about, was_told, taken, origin, packed = packed_of(entry, whole),
                 kept = Keeping::of(keeper_, name, feed.cursor.told_upto())]() mutable -> std::optional<Event> {
        if (!shown->tells({origin->epoch, packed.entry.offset}, about)) return std::nullopt;
        Event event = event_of(*origin, std::move(packed), kept.get());
        return was_told ? std::nullopt : std::optional(std::move(event));
    };
    owner_.tell_later(std::move(make));
}

void Feeds::tell_gap(Feed& feed, HistoryGap gap) {
    FeedNote noted;
    noted.gap = &gap;
    feed.note(record_, FeedNote::What::gap, gap.conversation, noted);
    // Of one that is skipped, the cursor stands at the entry behind it already, which is still to be told.
    if (follower_ != nullptr && gap.reason != HistoryGapReason::skipped) {
        follower_->on_skipped(gap.conversation, {gap.epoch, gap.last});
        follower_->on_own_passed(gap.conversation, feed.cursor.own_passed());
    }
    auto make = [shown = feed.shown, kept = Keeping::of(keeper_, gap.conversation, feed.cursor.told_upto()),
                 gap = std::move(gap)]() -> std::optional<Event> {
        if (shown->over()) return std::nullopt;
        if (kept) kept->tells(gap);
        return gap;
    };
    owner_.tell_later(std::move(make));
}

std::optional<HistoryGap> Feeds::Feed::apply(const std::string& name, const im::FeedReset& reset,
                                             std::uint64_t visible_from) {
    const Position before = cursor.position();
    HistoryGap gap{name, reason_of(reset.reason), reset.epoch, 0, reset.next - 1};
    if (stays_in_log(reset, before.epoch)) {
        gap.first = std::max(before.offset + 1, visible_from);
        if (!cursor.skip_to(reset.next - 1)) return std::nullopt;
    } else {
        gap.first = std::max<std::uint64_t>({reset.first, visible_from, 1});
        // Own messages may have been in another log, of the same epoch, and what was cleared, too.
        if (reset.reason == im::FeedResetReason::diverged) {
            cursor = FeedCursor();
            shown->forget_cleared();
        }
        cursor.begin({reset.epoch, reset.next - 1}, Uuid());
    }
    return gap;
}

void Feeds::Feed::note(FeedRecord* record, FeedNote::What what, const std::string& name, FeedNote more) {
    more.what = what;
    more.conversation = name;
    more.at = cursor.position();
    more.told = std::exchange(delivered, 0);
    if (record != nullptr) record->write(more);
}

void Feeds::Feed::note_renewed(FeedRecord* record, const std::string& name, std::uint64_t last, bool gap) {
    renewals = delivered != 0 || gap ? 1 : renewals + 1;
    FeedNote noted;
    noted.last = last;
    noted.times = renewals;
    note(record, FeedNote::What::renewed, name, noted);
}

// What waits for its turn is told before. Of a conversation that only a sync has named, the list says that it is gone.
void Feeds::end(const std::string& name, Feed& feed, Failure reason, std::uint64_t offset) {
    const bool no_member = reason.code == errc::unknown_conversation;
    const bool told = feed.asked_for || !no_member;
    feed.asked_for = feed.synced = feed.awaits = false;
    FeedNote noted;
    noted.reason = &reason;
    feed.note(record_, FeedNote::What::ended, name, noted);
    // Receipts overtake feeds: if the user is a member again, they may be of what is told next.
    if (syncs_) unfollowed_.keep(name, std::exchange(feed.cursor, FeedCursor()));
    forget_number(feed);
    if (told) owner_.tell(event::SubscriptionEnded{name, std::move(reason), offset});
    if (no_member && follower_ != nullptr) follower_->on_no_member(name);
}

void Feeds::forget_number(Feed& feed) {
    if (feed.number != 0) by_number_.erase(feed.number);
    feed.number = 0;
}

void Feeds::Feed::drop_untold() {
    const Position cleared = shown->cleared();
    shown->end();
    shown = std::make_shared<FeedShown>();
    shown->clear(cleared);
}

}  // namespace flare::client
