// Message ids that were acted on, so that each is acted on once.
//
// Protocol: docs/protocol.md, "Message ids".
// Threads:  its worker only.
// Owner:    SessionTable, one for each device (user, device); it passes from session to session.
#pragma once

#include "session/types.hpp"

#include <boost/circular_buffer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace flare::session {

// The answer to a message, kept for repeats of it. Text is bounded by wire::kMaxTextBytes.
struct Receipt {
    wire::ReceiptStatus status = wire::ReceiptStatus::unspecified;
    errc code = errc::ok;
    std::string text;
    std::uint32_t retry_after_ms = 0;
};

class DedupeRing {
public:
    // `retention`: how long an entry stays; not less than `window`. A repeat says how old it was when it was queued,
    // and may have waited since then for as long as a session lives without a carrier.
    DedupeRing(std::size_t capacity, Duration window, Duration retention = {})
        : capacity_(capacity), window_(window), retention_(retention > window ? retention : window) {}

    enum class Verdict {
        fresh,        // act on it; finish() later
        in_progress,  // being handled: the receipt will follow
        finished,     // acted on; `receipt` of this result is the answer
        too_old,      // a repeat of something that this ring may have forgotten
    };
    struct Check {
        Verdict verdict = Verdict::fresh;
        const Receipt* receipt = nullptr;
    };
    // `first_sent_ago`: 0 for a message sent the first time. `started`: since when this process remembers at
    // all: a message first sent before it is taken as fresh, until what this process did could be forgotten too.
    Check check(const Uuid& id, Duration first_sent_ago, TimePoint started, TimePoint now);
    void finish(const Uuid& id, Receipt receipt);
    // Forgets an entry that came to nothing (the handler never ran).
    void withdraw(const Uuid& id);
    bool empty() const noexcept { return entries_.size() == 0; }
    std::size_t size() const noexcept { return entries_.size(); }
    void expire(TimePoint now);

private:
    // Small, because there are thousands of them: nearly every receipt is a status and nothing else.
    struct Entry {
        TimePoint at;
        std::unique_ptr<Receipt> detailed;  // when there is more to it than a status
        wire::ReceiptStatus status = wire::ReceiptStatus::unspecified;
        bool finished = false;
    };
    struct Order {
        Uuid id;
        TimePoint at;  // with Entry::at it tells a withdrawn id from the same id seen again
    };
    // By id. Most devices have a few at a time, and the smallest hash table takes more than a kilobyte.
    class Entries {
    public:
        Entry* find(const Uuid& id);
        Entry& add(const Uuid& id);  // precondition: it is not there
        void erase(const Uuid& id);
        std::size_t size() const noexcept { return few_.size() + many_.size(); }
        void release() noexcept {  // precondition: size() == 0
            few_ = decltype(few_)();
            many_ = decltype(many_)();
        }

    private:
        static constexpr std::size_t kFew = 8;
        std::vector<std::pair<Uuid, Entry>> few_;  // invariant: few_ or many_ is empty
        boost::unordered_flat_map<Uuid, Entry, std::hash<Uuid>> many_;
    };
    bool forget_oldest();

    std::size_t capacity_;
    Duration window_;
    Duration retention_;
    boost::circular_buffer<Order> order_;  // oldest first; may hold ids that were withdrawn; no memory while empty
    Entries entries_;
    TimePoint forgotten_upto_ = TimePoint::min();  // time of the newest entry that was dropped for want of room
};

}  // namespace flare::session
