// A session with feeds: the way of its blocks into its lanes.
//
// Protocol: docs/protocol.md, "Feeds".
// Threads:  its worker's.
// Owner:    ConversationFeeds.
#pragma once

#include "im/feeds.hpp"
#include "server/conversations/feed_reading.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"
#include "session/session_table.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace flare::server {

class FeedSubscriber final : public im::FeedSession {
public:
    // Frames of a lane without a number; with so many, its feeds wait.
    static constexpr std::size_t kMostWaiting = 16;

    struct Parts {
        Executor& executor;
        session::SessionTable& table;
        Counters& counters;
        std::function<void()> memory_short;  // something was not taken, and is to be offered again in a while
    };
    FeedSubscriber(Parts parts, session::ServerSession& session, im::SessionKey key)
        : FeedSession(key, session.lanes(), session.agreed().encodings),
          parts_(std::move(parts)),
          id_(session.id().value),
          session_(&session) {}

    std::size_t room(im::Lane lane) const override;
    bool give(const im::Feed& feed, const im::BlockPtr& block) override;
    void end(const im::Feed& feed, std::uint64_t offset) override;
    void want_room(bool wanted) override;

    const Uuid& id() const noexcept { return id_; }
    // Null: it has ended.
    session::ServerSession* target() const noexcept { return session_; }
    void session_ended() noexcept { session_ = nullptr; }
    // What it was not told for want of memory.
    void say_again();

    // What was asked of a conversation while its feed was opening.
    struct Asked {
        session::PendingRequest pending;
        std::optional<reading::FeedPlace> place{};  // nothing: to unsubscribe
    };
    struct Opening {
        session::PendingRequest pending;
        reading::FeedPlace place{};
        std::vector<Asked> then{};
    };
    boost::unordered_flat_map<std::uint32_t, Opening> openings;  // by number of the feed

private:
    struct Ended {
        std::uint32_t feed;
        im::Lane lane;
        std::uint64_t offset;
    };
    bool say(const Ended& ended);

    const Parts parts_;
    const Uuid id_;
    session::ServerSession* session_;
    std::vector<Ended> unsaid_;
};

}  // namespace flare::server
