// Ids of processed messages, so that each is processed once.
//
// Protocol: docs/protocol.md, "Message ids".
// Threads:  its worker only.
// Owner:    SessionTable, one for each device (user, device); it passes from session to session.
#pragma once

#include "base/keyed_hash.hpp"
#include "base/pool.hpp"
#include "session/types.hpp"

#include <boost/circular_buffer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <memory>
#include <string>
#include <utility>

namespace flare::session {

// The answer to a message, kept for repeats of it. Text is bounded by wire::kMaxTextBytes.
struct Receipt {
    wire::ReceiptStatus status = wire::ReceiptStatus::unspecified;
    errc code = errc::ok;
    std::string text;
    std::uint32_t retry_after_ms = 0;
    wire::StoredAt stored{};  // with the status `stored`
};

class DedupeRing {
public:
    // `retention`: how long an entry stays; not less than `window`. A repeat says how old it was when it was queued,
    // and may have waited since then for as long as a session lives without a carrier.
    // `forgotten_upto`: another ring before this one may have forgotten what came until then.
    DedupeRing(std::size_t capacity, Duration window, Duration retention = {},
               TimePoint forgotten_upto = TimePoint::min())
        : capacity_(capacity),
          window_(window),
          retention_(retention > window ? retention : window),
          forgotten_upto_(forgotten_upto) {}

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
    void finish(const Uuid& id, const Receipt& receipt);
    // Forgets an entry that came to nothing (the handler never ran).
    void withdraw(const Uuid& id);
    // Whether check() has taken it, and it is not forgotten.
    bool knows(const Uuid& id) const { return find(id) != nullptr; }
    bool empty() const noexcept { return live_ == 0; }
    std::size_t size() const noexcept { return live_; }
    void expire(TimePoint now);
    void check_invariants() const;

private:
    enum class State : std::uint8_t { in_progress, finished, gone };
    struct Record {
        Uuid id;
        TimePoint at;
        State state = State::in_progress;
        wire::ReceiptStatus status = wire::ReceiptStatus::unspecified;
        bool detailed = false;  // there is more to the receipt than a status: Rare::receipts
    };
    // What most rings never need.
    struct Rare {
        boost::unordered_flat_map<Uuid, Receipt, base::IdHash> receipts;
        // The number of each id's newest record, in use while the ids do not ascend.
        boost::unordered_flat_map<Uuid, std::uint64_t, base::IdHash> index;
    };

    const Record* find(const Uuid& id) const;
    Record* find(const Uuid& id) { return const_cast<Record*>(std::as_const(*this).find(id)); }
    void append(const Uuid& id, TimePoint now);
    void drop(Record& record);
    void pop_front();
    bool forget_oldest();
    void index_all();
    void compact();
    Rare& rare();

    std::size_t capacity_;
    Duration window_;
    Duration retention_;
    // In the order of arrival. Ids are made in that order as a rule (RFC 9562, version 7), and then the ring is its own
    // index: a new id is behind the last one, a repeat is found by halving. No memory while empty.
    boost::circular_buffer<Record, base::PoolAllocator<Record>> records_;
    std::unique_ptr<Rare> rare_;
    std::uint64_t first_ = 0;              // number of records_.front()
    TimePoint oldest_ = TimePoint::min();  // no record is older; the front is cold memory
    std::size_t live_ = 0;                 // records that are not gone
    bool ascending_ = true;                // if not, rare_->index is complete
    TimePoint forgotten_upto_;             // time of the newest entry that was dropped for want of room
};

}  // namespace flare::session
