// Feeds: what a sync of the list of conversations names.
#include "client/im/feeds.hpp"

#include "session/planted.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {
namespace {

using session::kNever;

// Of a conversation without a feed, whose receipts came before it was in the list.
void tell_own(Feeds::Follower& follower, const Feeds::Named& named, const FeedCursor& known) {
    follower.on_own_passed(named.name, known.own_passed());
    for (const FeedCursor::Own& own : known.own_above(named.end))
        follower.on_own_at(named.name, {named.end.epoch, own.offset}, own.counts);
}

}  // namespace

void Feeds::adopt(const Named& named, wire::Encodings encodings, const std::shared_ptr<void>& taken) {
    if (closed_) return;
    if (named.number == 0) {
        if (named.began != 0) {  // a page may still name it
            closed_feeds_.add(named.name, named.began);
            const auto numbered = by_number_.find(named.began);
            if (numbered != by_number_.end()) forget_number(all_.find(numbered->second)->second);
        }
        const auto found = all_.find(named.name);
        const bool wanted = found != all_.end() && found->second.wanted();
        const FeedCursor* const known = wanted ? &found->second.cursor : unfollowed_.find(named.name);
        if (follower_ != nullptr && known != nullptr) tell_own(*follower_, named, *known);
        (void)drop(named.name);
        return;
    }
    Feed& feed = all_[named.name];
    feed.awaits = false;
    const bool is_new = !feed.wanted();
    if (is_new) {
        if (auto known = unfollowed_.take(named.name)) feed.cursor = std::move(*known);
        // A subscription that has ended may have told more.
        const Position& told = feed.cursor.position();
        if (told.epoch != named.start.epoch || told.offset < named.start.offset)
            feed.cursor.begin(named.start, named.start_id);
        if (keeper_) keeper_->moved(named.name, feed.cursor.told_upto());
    }
    feed.synced = true;
    if (named.cleared_to != 0 && feed.clear({named.end.epoch, named.cleared_to}) && keeper_)
        keeper_->moved(named.name, feed.cursor.told_upto());
    // Receipts of own messages may have come before the conversation was in the list.
    if (follower_ != nullptr) follower_->on_own_passed(named.name, feed.cursor.own_passed());
    // What is asked for takes its place, and when that fails, it is asked for again. So does what has been asked for
    // behind the page: its number is higher. A page may have named the feed before it began.
    const bool begins = named.began != 0 && feed.number == named.number;
    if ((feed.number >= named.number && !begins) || feed.busy) return;
    forget_number(feed);
    if (closed_feeds_.take(named.name, named.number) || !feed.reaches_back(named)) {
        go_on(named.name);
        return;
    }
    listen(feed, named.name, named.number);
    feed.pass_own(named.name, owner_, keeper_);
    if (named.visible_from != 0) (void)feed.cursor.skip_to(named.visible_from - 1);
    if (is_new) {
        FeedNote noted;
        noted.last = named.end.offset;
        feed.note(record_, FeedNote::What::listed, named.name, noted);
    } else if (!begins) {
        feed.note_renewed(record_, named.name, named.end.offset, false);
    }
    const auto origin = std::make_shared<const FeedOrigin>(FeedOrigin{named.name, user_, named.end.epoch, encodings});
    for (const wire::im::Entry& entry : named.entries) tell_entry(feed, entry, Bytes(), origin, taken);
}

bool Feeds::Feed::reaches_back(const Named& named) const {
    const Position& at = cursor.position();
    if (at.epoch != named.end.epoch) return false;
    // Receipts of this session may be newer than the page.
    if (at.offset > named.end.offset) return at.offset <= own_upto && !cursor.paused();
    for (const wire::im::Entry& entry : named.entries) {
        const bool known = entry.offset == at.offset && !cursor.id().is_nil();
        if (known && entry.id != cursor.id()) return false;  // another log
    }
    const std::uint64_t next = std::max(at.offset + 1, named.visible_from);
    if (next > named.end.offset) return true;
    return !named.entries.empty() && named.entries.front().offset <= next &&
           named.entries.back().offset == named.end.offset;
}

void Feeds::clear(const std::string& name, const Position& upto) {
    if (session::planted(session::Fault::cleared_is_told)) return;
    if (keeper_) keeper_->cleared(name, upto);
    const auto found = all_.find(name);
    if (found == all_.end()) return unfollowed_.clear(name, upto);
    Feed& feed = found->second;
    if (feed.clear(upto) && keeper_) keeper_->moved(name, feed.cursor.told_upto());
}

bool Feeds::Feed::clear(const Position& upto) {
    shown->clear(upto);
    return wanted() && cursor.position().epoch == upto.epoch && cursor.skip_to(upto.offset);
}

void Feeds::on_sync_over(bool complete) {
    std::vector<std::string> names;
    for (auto& [name, feed] : all_) {
        if (!std::exchange(feed.awaits, false)) continue;
        if (complete) unfollowed_.keep(name, feed.let_go(record_, name));
        names.push_back(name);
    }
    for (const std::string& name : names) go_on(name);
}

bool Feeds::drop(const std::string& name, bool certain) {
    const auto found = all_.find(name);
    if (found == all_.end()) return true;
    Feed& feed = found->second;
    const bool renews = feed.busy && feed.asked.empty();
    if (!certain && feed.wanted() && (feed.number != 0 || renews)) return false;
    feed.awaits = false;
    unfollowed_.keep(name, feed.let_go(record_, name));
    if (!feed.asked_for) forget_number(feed);
    go_on(name);  // what the application has subscribed to is asked for, and ends if that is refused
    return true;
}

FeedCursor Feeds::Feed::let_go(FeedRecord* record, const std::string& name) {
    if (!std::exchange(synced, false) || asked_for) return {};
    note(record, FeedNote::What::dropped, name);
    return std::exchange(cursor, FeedCursor());
}

bool Feeds::leaves_to_feed(const std::string& from, const Uuid& id) {
    const auto found = all_.find(from);
    if (found == all_.end() || !found->second.synced) return false;
    Feed& feed = found->second;
    if (std::find(feed.told.begin(), feed.told.end(), id) != feed.told.end()) return true;
    if (feed.left.size() >= kMostLeft) return false;
    feed.left.insert(id);
    return true;
}

bool Feeds::Feed::takes_over(const Uuid& id) {
    if (!synced) return false;
    if (told.size() < kMostTold) {
        told.push_back(id);
    } else {
        told[told_at++ % kMostTold] = id;
    }
    return left.erase(id) != 0;
}

void Feeds::ClosedFeeds::add(const std::string& name, std::uint32_t upto) {
    const auto known = find(name);
    if (known != all_.end()) {
        known->second = std::max(known->second, upto);
        return;
    }
    if (all_.size() == kMost) all_.pop_front();
    all_.emplace_back(name, upto);
}

bool Feeds::ClosedFeeds::take(const std::string& name, std::uint32_t number) {
    const auto found = find(name);
    if (found == all_.end()) return false;
    if (number > found->second) {
        all_.erase(found);
        return false;
    }
    found->second = number;  // it will be asked for: so will not what was there before
    return true;
}

std::deque<std::pair<std::string, std::uint32_t>>::iterator Feeds::ClosedFeeds::find(const std::string& name) {
    return std::ranges::find(all_, name, [](const auto& each) { return each.first; });
}

FeedCursor& Feeds::Unfollowed::of(const std::string& name) {
    if (all.size() >= kMostUnfollowed && !all.contains(name)) all.erase(all.begin());
    return all[name];
}

void Feeds::Unfollowed::clear(const std::string& name, const Position& upto) {
    const auto known = all.find(name);
    if (known != all.end() && known->second.position().epoch == upto.epoch) (void)known->second.skip_to(upto.offset);
}

const FeedCursor* Feeds::Unfollowed::find(const std::string& name) const {
    const auto known = all.find(name);
    return known == all.end() ? nullptr : &known->second;
}

void Feeds::Unfollowed::keep(const std::string& name, FeedCursor left) {
    if (left.knows_anything()) of(name) = std::move(left);
}

std::optional<FeedCursor> Feeds::Unfollowed::take(const std::string& name) {
    auto known = all.extract(name);
    return known ? std::optional(std::move(known.mapped())) : std::nullopt;
}

void Feeds::Feed::pass_own(const std::string& name, Owner& owner, const std::shared_ptr<Keeper>& keeper) {
    if (!cursor.go_on() || !keeper) return;
    owner.tell_later([keeper, told = shown, name, upto = cursor.told_upto()] {
        if (!told->over()) keeper->moved(name, upto);
        return std::optional<Event>();
    });
}

void Feeds::listen(Feed& feed, const std::string& name, std::uint32_t number) {
    feed.number = number;
    by_number_[number] = name;
    feed.again_at = kNever;
    feed.delay = kFirstDelay;
}

}  // namespace flare::client
