#include "sim/follower.hpp"

#include <utility>

namespace flare::sim {

void Follower::in(const session::SessionId& session) {
    if (session_ == session) return;
    session_ = session;
    feeds_.clear();
    ended_.clear();
}

std::string Follower::subscribe(const std::string& room) {
    wire::im::Subscribe body;
    body.conversation = room;
    const auto end = book_.end_of(LogBook::key_of(user_, room));
    if (end && !world_.chance.one_in(3)) {
        body.epoch = end->epoch;
        body.after = world_.chance.below(end->offset + 1);
        if (body.after != 0 && world_.chance.one_in(2)) body.id = book_.id_at(LogBook::key_of(user_, room), body.after);
    }
    return wire::im::encode(body);
}

void Follower::asks(const std::string& room) {
    const model::ConversationKey key = LogBook::key_of(user_, room);
    std::erase_if(feeds_, [&](const auto& each) { return each.second.key == key; });
}

void Follower::subscribed(const std::string& room, const wire::im::Subscribed& answer) {
    const model::ConversationKey key = LogBook::key_of(user_, room);
    world_.require(answer.feed != 0 && answer.head.has_value(), "a subscription is answered with its feed");
    world_.require(!feeds_.contains(answer.feed) && !ended_.contains(answer.feed), "a feed has a number of its own");
    book_.head(key, *answer.head);
    asks(room);
    feeds_[answer.feed] = {key, answer.next};
    world_.trace(user_ + " has feed " + std::to_string(answer.feed) + " of " + room + " from " +
                 std::to_string(answer.next));
    world_.happened("feed");
    if (answer.next <= answer.head->last) world_.happened("feed that catches up");
}

// The receipts of what its session has sent are the entries, and came before anything above them.
void Follower::pass_over_own(Open& feed, std::uint64_t to) {
    for (; feed.next < to; ++feed.next) {
        const Uuid id = book_.id_at(feed.key, feed.next);
        const bool given_up = given_up_.contains(id);
        world_.require(given_up || stored_.contains(id), "a feed has no holes but what is its own");
        world_.happened(given_up ? "own message of unknown outcome that a feed passes over"
                                 : "own message that a feed passes over");
    }
}

void Follower::hears(std::uint32_t number, const wire::im::Feed& feed) {
    world_.require(!ended_.contains(number), "nothing is told by a feed that has ended");
    const auto found = feeds_.find(number);
    if (found == feeds_.end()) return;
    Open& open = found->second;
    if (!feed.entries.empty()) {
        world_.trace(user_ + " is told " + std::to_string(feed.entries.front().offset) + " to " +
                     std::to_string(feed.entries.back().offset) + " by feed " + std::to_string(number));
    }
    world_.require(!feed.reset.has_value(), "nothing is missing in these logs");
    for (const wire::im::Entry& entry : feed.entries) {
        world_.require(entry.offset >= open.next, "a feed tells an entry once");
        pass_over_own(open, entry.offset);
        book_.told(user_, open.key, entry);
        open.next = entry.offset + 1;
        world_.happened("entry of a feed");
    }
    if (feed.removed == 0) return;
    world_.require(book_.left_with(user_, open.key, feed.removed),
                   "a feed ends with the entry that ends the membership");
    world_.happened("feed that ended with the membership");
    feeds_.erase(found);
    ended_.insert(number);
}

void Follower::check_at_rest() {
    for (auto& [number, open] : feeds_) {
        world_.trace(user_ + " has feed " + std::to_string(number) + " of " + std::string(open.key.text()) + " at " +
                     std::to_string(open.next));
        world_.require(book_.is_member(user_, open.key), "no feed outlives the membership");
        const std::uint64_t end = book_.end_of(open.key)->offset + 1;
        pass_over_own(open, end);
        world_.require(open.next == end, "a feed tells everything");
    }
}

}  // namespace flare::sim
