// Sends and changes of one conversation in the order of their arrival, until they are answered. Each has a ticket, by
// which answers of the store find it; and its key, by which a repeat does.
//
// Threads:  one at a time.
// Owner:    Append.
#pragma once

#include "base/keyed_hash.hpp"
#include "im/commands.hpp"
#include "im/effects.hpp"
#include "im/limits.hpp"
#include "im/refusal.hpp"
#include "im/rights.hpp"

#include <boost/circular_buffer.hpp>
#include <boost/container/static_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace flare::im {

// A session that waits for the answer, and when it asked: Send::place.
struct Asker {
    SessionKey session = 0;
    std::uint64_t place = 0;
};

struct Waiting {
    enum class State : std::uint8_t { waiting, in_store, done };

    Send send{};
    Ticket ticket = 0;
    std::uint64_t first_sent_ms = 0;
    // More sessions than these ask only when copies of a device do; then the one that asked first hears nothing.
    boost::container::static_vector<Asker, 4> askers{};
    std::unique_ptr<Command> command{};  // of a change
    std::optional<About> about{};        // of the entry that it refers to
    Row ref_of = 0;                      // the conversation in which that is looked for; 0: in none
    State state = State::waiting;
    bool begun = false;       // what must be looked up was asked for
    bool looking_up = false;  // whether it is in the log already
    bool reading_ref = false;
    bool asking = false;                   // a hook
    std::optional<HookVerdict> verdict{};  // which it has given
    bool held = false;                     // behind one that was put off: so is this, unless it is in the log already
    bool counted = false;                  // it has taken what its device may send, or is found to cost nothing
    bool slow = false;                     // it counts in slow mode, and slow_before is what did before
    std::uint64_t slow_before = 0;

    bool ready() const noexcept { return !looking_up && !reading_ref && !asking; }
    bool is_to_ask() const noexcept { return send.asks && !asking && !verdict; }
};

class WaitingList {
public:
    explicit WaitingList(const Limits& limits) : limits_(limits) {}

    // False: there is no room for this one.
    bool has_room(const Send& send) const noexcept;
    // Precondition: has_room(), and no other one has its key.
    Waiting& push(const Send& send);

    // Null: it is answered.
    Waiting* find(Ticket ticket);
    Waiting* find(const Uuid& id, Row sender);

    bool empty() const noexcept { return live_ == 0; }
    std::size_t size() const noexcept { return live_; }  // that are not answered
    std::size_t in_store() const noexcept { return in_store_; }

    // The first that is not in the store; null: there is none.
    Waiting* front();
    // It goes to the store. Precondition: it is the front.
    void hand_over(Waiting& front);
    // Its payload is another one.
    void resize(Waiting& item, std::uint32_t size);
    // It is answered: those before it may still wait.
    void finish(Waiting& item);
    // Of those that are not answered, in their order. `each` may finish the one that it is shown.
    template <typename Each>
    void for_each(Each each) {
        for (Waiting& item : items_) {
            if (item.state != Waiting::State::done) each(item);
        }
    }
    template <typename Each>
    void for_each(Each each) const {
        for (const Waiting& item : items_) {
            if (item.state != Waiting::State::done) each(item);
        }
    }
    // Takes away what is answered and has nothing before it that is not. No reference to an item outlives it.
    void pop_done();
    // Gives memory back when nothing has waited since the last time.
    void shrink();
    void check_invariants() const;

private:
    Ticket next_ticket() const noexcept { return first_ + items_.size(); }
    struct Key {
        Uuid id;
        Row sender;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        using is_avalanching = std::true_type;
        std::size_t operator()(const Key& key) const noexcept {
            return base::IdHash{}(key.id) ^ static_cast<std::size_t>(key.sender * 0x9E3779B97F4A7C15ull);
        }
    };

    const Limits& limits_;
    boost::circular_buffer<Waiting> items_;
    boost::unordered_flat_map<Key, Ticket, KeyHash> by_key_;
    Ticket next_then_ = 0;      // next_ticket() at the last shrink()
    Ticket first_ = 1;          // of items_.front()
    std::size_t handed_ = 0;    // so many from the first on are in the store or answered
    std::size_t in_store_ = 0;  // of those
    std::size_t live_ = 0;      // that are not answered
    std::size_t bytes_ = 0;     // of these
};

}  // namespace flare::im
