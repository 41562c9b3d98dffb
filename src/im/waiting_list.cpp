#include "im/waiting_list.hpp"

#include "base/assert.hpp"

#include <utility>

#include <algorithm>

namespace flare::im {

bool WaitingList::has_room(const Send& send) const noexcept {
    const bool repeat = send.first_sent_ms_ago != 0;
    if (items_.size() >= limits_.waiting + (repeat ? limits_.more_repeats : 0)) return false;
    // A large one alone always fits.
    return live_ == 0 || repeat || bytes_ + send.size <= limits_.waiting_bytes;
}

Waiting& WaitingList::push(const Send& send) {
    if (items_.full()) items_.set_capacity(std::max<std::size_t>(8, items_.capacity() * 2));
    const Ticket ticket = next_ticket();
    items_.push_back();
    Waiting& item = items_.back();
    item.send = send;
    item.ticket = ticket;
    item.askers.push_back({send.session, send.place});
    by_key_.insert_or_assign({send.id, send.sender}, ticket);
    bytes_ += send.size;
    ++live_;
    return item;
}

Waiting* WaitingList::find(Ticket ticket) {
    if (ticket < first_ || ticket >= next_ticket()) return nullptr;
    Waiting& item = items_[ticket - first_];
    return item.state == Waiting::State::done ? nullptr : &item;
}

Waiting* WaitingList::find(const Uuid& id, Row sender) {
    const auto at = by_key_.find(Key{id, sender});
    return at == by_key_.end() ? nullptr : find(at->second);
}

Waiting* WaitingList::front() {
    while (handed_ < items_.size() && items_[handed_].state == Waiting::State::done) ++handed_;
    return handed_ < items_.size() ? &items_[handed_] : nullptr;
}

void WaitingList::hand_over(Waiting& front) {
    FLARE_INVARIANT(&front == &items_[handed_] && front.state == Waiting::State::waiting,
                    "a message goes to the store before its turn");
    front.state = Waiting::State::in_store;
    ++handed_;
    ++in_store_;
}

void WaitingList::resize(Waiting& item, std::uint32_t size) {
    bytes_ += size;
    bytes_ -= std::exchange(item.send.size, size);
}

void WaitingList::finish(Waiting& item) {
    by_key_.erase(Key{item.send.id, item.send.sender});
    bytes_ -= item.send.size;
    --live_;
    if (item.state == Waiting::State::in_store) --in_store_;
    item.state = Waiting::State::done;
    item.command.reset();
}

void WaitingList::pop_done() {
    while (!items_.empty() && items_.front().state == Waiting::State::done) {
        items_.pop_front();
        ++first_;
        if (handed_ != 0) --handed_;
    }
}

void WaitingList::shrink() {
    pop_done();
    if (items_.empty() && next_then_ == next_ticket()) {
        items_.set_capacity(0);
        by_key_ = {};
    }
    next_then_ = next_ticket();
}

void WaitingList::check_invariants() const {
    std::size_t bytes = 0;
    std::size_t live = 0;
    std::size_t in_store = 0;
    for (std::size_t i = 0; i < items_.size(); ++i) {
        const Waiting& item = items_[i];
        FLARE_INVARIANT(item.ticket == first_ + i, "tickets are not in order");
        if (item.state == Waiting::State::done) continue;
        ++live;
        if (item.state == Waiting::State::in_store) ++in_store;
        FLARE_INVARIANT((item.state == Waiting::State::in_store) == (i < handed_), "a message was passed by");
        bytes += item.send.size;
        const auto at = by_key_.find(Key{item.send.id, item.send.sender});
        FLARE_INVARIANT(at != by_key_.end() && at->second == item.ticket, "a message is not found by its key");
        FLARE_INVARIANT(!item.askers.empty() || item.state == Waiting::State::in_store, "nobody waits for a message");
        for (const Asker& asker : item.askers)  // session 0: the server itself
            FLARE_INVARIANT(asker.session == 0 || asker.place != 0, "a session asked at no time");
    }
    FLARE_INVARIANT(live == live_ && live == by_key_.size(), "messages that wait are counted wrong");
    FLARE_INVARIANT(in_store == in_store_ && handed_ <= items_.size(), "what is in the store is counted wrong");
    FLARE_INVARIANT(bytes == bytes_, "bytes that wait are counted wrong");
    FLARE_INVARIANT(items_.size() <= limits_.waiting + limits_.more_repeats, "more messages wait than may");
}

}  // namespace flare::im
