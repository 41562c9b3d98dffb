// The client's messages until their receipts. It outlives sessions: what has no
// receipt when a session is lost is sent again in the next one.
//
// Protocol: docs/protocol.md, "Receipts", "Message ids".
// Threads:  its client's thread only.
// Owner:    ClientSession.
#pragma once

#include "session/types.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace flare::session {

// What became of a message.
struct Outcome {
    Uuid message_id;
    errc error = errc::ok;                                          // ok: acknowledged by a receipt
    wire::ReceiptStatus status = wire::ReceiptStatus::unspecified;  // of the receipt, when there was one
    std::string text;
    errc partly = errc::ok;         // ok, but not for every device of the recipient
    wire::StoredAt stored{};        // with the status `stored`, if the server says where
    std::uint32_t retry_count = 0;  // times sent again
    std::uint32_t retry_after_ms = 0;
    bool forgotten = false;  // the server remembers nothing of it: it may be sent again under the same id
    TimePoint queued_at{};
    TimePoint first_sent_at = kNever;  // kNever: never written to a carrier
};

class Outbox {
public:
    struct Limits {
        std::size_t messages = 10'000;
        std::size_t bytes = 64ull << 20;  // payloads
    };
    explicit Outbox(Limits limits) : limits_(limits) {}

    struct Entry {
        Uuid id;
        std::string to;
        Bytes message;  // encoded flare.v1.Message
        std::size_t payload_bytes = 0;
        Priority priority = Priority::normal;
        TimePoint queued_at{};
        TimePoint first_sent_at = kNever;
        std::uint32_t retries = 0;       // times sent again for want of an acknowledgement
        std::uint32_t put_offs = 0;      // times sent again because the server had no room
        bool acked = false;              // the server has it; the receipt is still to come
        TimePoint waits_since = kNever;  // for its target: it, or one before it, was put off first
        bool awaited = false;            // a call waits for its outcome, so that it does not wait for ever
        bool parked = false;     // it is in no lane: it, or one before it to the same target, is to be sent later
        bool watched = false;    // it is under way to a target for which others wait
        bool uncertain = false;  // a session was left in which it was sent: a server may have acted on it
    };
    using Token = std::uint64_t;  // order of arrival; never 0

    // Errors: outbox_full, duplicate_message_id (still waiting for its receipt).
    Result<Token> add(Entry entry);
    Entry* find(Token token);
    Entry* find(const Uuid& id, Token* token = nullptr);
    void erase(Token token);
    std::size_t size() const noexcept { return entries_.size(); }
    std::size_t bytes() const noexcept { return bytes_; }
    // The last token that was given.
    Token newest() const noexcept { return next_ - 1; }
    // In order of arrival. `each` must not change the outbox.
    void for_each(const std::function<void(Token, Entry&)>& each);
    void for_each(const std::function<void(Token, const Entry&)>& each) const;
    void check_invariants() const;

private:
    Limits limits_;
    std::map<Token, Entry> entries_;
    boost::unordered_flat_map<Uuid, Token, std::hash<Uuid>> by_id_;
    std::size_t bytes_ = 0;
    Token next_ = 1;
};

}  // namespace flare::session
