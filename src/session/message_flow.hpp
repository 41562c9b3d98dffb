// The messages of a table's sessions: processed once, answered with a receipt, sent to sessions and users.
//
// Protocol: docs/protocol.md, "Receipts" and "Message ids".
// Threads:  its worker only; no I/O, no clock.
// Owner:    SessionTable.
#pragma once

#include "session/expected.hpp"
#include "session/session_life.hpp"
#include "session/shedding.hpp"

#include <string_view>

namespace flare::session {

class MessageFlow {
public:
    // `started`: when this process began to remember message ids.
    MessageFlow(const Settings& settings, TimePoint started, SessionTableListener& listener, SessionIndex& sessions,
                const Expected& expected, SessionLife& life, Shedding& shedding)
        : settings_(settings),
          started_(started),
          listener_(listener),
          sessions_(sessions),
          expected_(expected),
          life_(life),
          shedding_(shedding) {}

    // `log`: some messages go into a log: SessionTableListener::keeps() says which.
    void offer(const wire::Compression* compression, bool log) noexcept {
        compression_ = compression;
        log_ = log;
    }

    // ---- what comes in ----
    void receive(ServerSession& session, LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                 std::uint64_t cost);
    // One that was not given to anybody: its sender hears why.
    void refuse(ServerSession& session, LaneIndex lane, const Uuid& id, const Receipt& receipt);

    // ---- what goes out: SessionTable says what these do ----
    void finish(const PendingMessage& pending, const Receipt& receipt, const Reply* reply, TimePoint now);
    Result<void> send(ServerSession& session, LaneIndex lane, const wire::Body& body, Priority priority, TimePoint now);
    Result<void> send(ServerSession& session, LaneIndex lane, wire::Forms& forms, Priority priority, TimePoint now);
    Receipt send_to_user(std::string_view user, std::string_view conversation, wire::Forms& forms, Priority priority,
                         TimePoint now, std::size_t* too_large);

private:
    bool is_fresh(ServerSession& session, LaneIndex lane, const wire::DataView& data, std::uint64_t cost);
    void settle_at_once(ServerSession& session, LaneIndex lane, const Uuid& id, std::uint64_t cost,
                        const Receipt& receipt);
    void answer(ServerSession& session, LaneIndex lane, const Uuid& id, const Receipt& receipt, const Reply* reply);
    void answer_repeats(Device& owner, const PendingMessage& pending, const Receipt& receipt, TimePoint now);
    Receipt nobody_took_it(std::string_view user, errc failure, TimePoint now) const;

    const Settings& settings_;
    const TimePoint started_;
    SessionTableListener& listener_;
    SessionIndex& sessions_;
    const Expected& expected_;
    SessionLife& life_;
    Shedding& shedding_;
    const wire::Compression* compression_ = nullptr;
    bool log_ = false;
};

}  // namespace flare::session
