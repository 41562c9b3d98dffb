// The cache of a client: what its conversations and its outbox have for the next run of the program.
//
// A thread of its own reads and writes the file. Whoever has something to keep puts it into memory and goes on; what
// was put there is written together, in one transaction. So the file is behind what the application was told, never
// ahead of it. When the file cannot be written any more, the client goes on without it.
//
// Protocol: docs/client.md, "The cache"; docs/decisions/0036-a-cache-of-one-user.md.
// Threads:  any.
// Owner:    Client::Impl; those that put something into it share it.
#pragma once

#include "client/cache/cache_file.hpp"
#include "client/cache/keeper.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flare::client {

class Cache final : public Keeper {
public:
    // Entries that wait for the disk. Beyond that they are not kept: history() asks a server for them.
    static constexpr std::size_t kMostQueued = 8u << 20;
    static constexpr std::chrono::seconds kLongestClose{5};  // then the disk is not waited for

    using Ticket = std::uint64_t;
    using HistoryDone = std::function<void(Checked<HistoryPage>)>;
    // `on_error` is called once at most, on the cache's thread: cache_failed, cache_damaged. Nothing is written after.
    using OnError = std::function<void(const Failure&)>;

    Cache(CacheFile::Opened opened, std::string user);
    Cache(const Cache&) = delete;
    Cache& operator=(const Cache&) = delete;
    ~Cache();

    // Begins to write. Once.
    void start(OnError on_error);
    // What was put into it is written, unless that takes too long; then the file is closed. `wait`: before this
    // returns. Nothing is kept any more.
    void close(bool wait);

    // Why the file that was there was set aside; and what it has. Once each.
    std::optional<Failure> take_damaged();
    CacheContents take_contents();

    // ---- the outbox ----
    Ticket post(KeptMessage message);
    void sent(const Uuid& id, std::int64_t first_sent_ms);
    // The application has been told the outcome of what was posted with this ticket; 0: in an earlier run. An id may
    // have been posted again meanwhile. `upto`: how far it has been told the conversation by that.
    void settled(const Uuid& id, Ticket ticket, const KeptOutcome& outcome, const std::optional<ToldUpto>& upto);
    Ticket newest() const;
    // What was posted is in the file. False: it is not, and will not be, or that takes longer than `time`.
    bool wait_for(Ticket ticket, std::chrono::milliseconds time);

    // ---- conversations ----
    void told(const std::string& conversation, Entry entry, const ToldUpto& upto) override;
    void left_out(const HistoryGap& gap, const ToldUpto& upto) override;
    void moved(const std::string& conversation, const ToldUpto& upto) override;
    void cleared(const std::string& conversation, const Position& upto) override;
    std::optional<ToldUpto> told_upto(const std::string& conversation) const override;
    void listed(const std::string& conversation, const ListedConversation* now) override;
    void synced(const std::string& cursor) override;
    // A page that a server has given.
    void page(const std::string& conversation, const HistoryPage& page);
    // `done` is called on the cache's thread, or at once.
    void history(const std::string& conversation, const HistoryQuery& query, HistoryDone done);

private:
    struct State;
    const std::shared_ptr<State> state_;
};

}  // namespace flare::client
