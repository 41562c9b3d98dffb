// What sessions of this worker have received of conversations with few members: their acknowledgements, as marks of
// their users in the store, and told to the others.
//
// A frame of a feed, and a page of a list, is sent with a token that comes back when its client has acknowledged it. Of
// a second, the furthest of each user and conversation is written, all in one batch: a crash may lose what was
// acknowledged since the last one, and the next acknowledgement says it again.
//
// Protocol: docs/conversations.md, "Marks of others".
// Threads:  its worker's.
// Owner:    Conversations.
#pragma once

#include "base/keyed_hash.hpp"
#include "im/feed.hpp"
#include "server/conversations/moved_marks.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"
#include "session/server_session.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::server {

class ConversationFeeds;

class Deliveries {
public:
    static constexpr session::Duration kInterval = std::chrono::seconds(1);
    // Users and conversations whose marks wait; with so many, they are written before their second is over. If the
    // store takes none, later ones are not noted: the next acknowledgement says more.
    static constexpr std::size_t kMost = 4096;
    // Pages of a session without an acknowledgement; those beyond are not counted.
    static constexpr std::size_t kMostPages = 8;

    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        ConversationFeeds& feeds;
    };
    explicit Deliveries(const Parts& parts) : parts_(parts) {}

    // Of a frame of that feed, which ends with the entry `offset`. 0: it is not counted, as there is no room in a token
    // for such a number.
    static std::uint64_t token_of(const im::FeedName& feed, std::uint64_t offset) noexcept {
        return feed.place >> kPlaceBits != 0 || offset >> kOffsetBits != 0
                   ? 0
                   : std::uint64_t{feed.place} << kOffsetBits | offset;
    }
    static std::pair<im::FeedName, std::uint64_t> read_token(std::uint32_t number, std::uint64_t token) noexcept {
        const auto place = static_cast<std::uint32_t>(token >> kOffsetBits);
        return {im::FeedName{number, 0, place}, token & ((std::uint64_t{1} << kOffsetBits) - 1)};
    }

    // A device of the user has everything up to `offset`.
    struct Delivered {
        const model::ConversationKey& key;
        im::Row conversation;
        im::Row user;
        const std::string& name;  // the user's
        std::uint64_t offset;
    };
    void note(const Delivered& delivered);
    // As SessionTableListener::on_acked(), of a frame of that feed.
    void feed_acked(const session::ServerSession& session, std::uint32_t number, std::uint64_t token);

    // ---- pages of lists ----

    // What a page brings its client.
    struct Brought {
        model::ConversationKey key;
        im::Row conversation = 0;
        im::Row user = 0;
        std::uint64_t offset = 0;
    };
    // The token of a page for this session. 0: its acknowledgement says nothing.
    std::uint64_t page(const session::SessionId& session, std::vector<Brought> brought);
    // As SessionTableListener::on_acked(), of a response.
    void page_acked(const session::ServerSession& session, std::uint64_t token);
    void session_ended(const session::ServerSession& session) { pages_.erase(session.id().value); }

    session::TimePoint next_deadline() const noexcept { return due_at_; }
    void on_time();
    std::size_t waiting() const noexcept { return count_; }

private:
    static constexpr std::uint32_t kOffsetBits = 40;
    static constexpr std::uint32_t kPlaceBits = 24;
    struct Page {
        std::uint64_t token = 0;
        std::vector<Brought> brought{};
    };
    using Dirty = boost::unordered_flat_map<im::Row, MarkNews>;  // by row of the conversation; `read` is 0

    void write();
    void written(const Dirty& dirty, const store::WriteBatch& batch, errc code);

    Parts parts_;
    Dirty dirty_;
    std::size_t count_ = 0;  // of marks in it
    bool in_store_ = false;  // some are on their way: the next go behind them
    boost::unordered_flat_map<Uuid, std::vector<Page>, base::IdHash> pages_;  // by session
    std::uint64_t last_token_ = 0;
    session::TimePoint due_at_ = session::kNever;
};

}  // namespace flare::server
