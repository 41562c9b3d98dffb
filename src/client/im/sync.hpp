// Keeps the list of a user's conversations: asks for what has changed, page after page, in each new session, has what
// the pages name told by feeds, and goes on with what those bring.
//
// A sync is made of passes. The pages of a pass show what was committed when the first one was read; what changes
// meanwhile is on none of them, so that another pass follows until one has a single page. A page travels in another
// lane than the feeds that it names: frames of theirs that come first are kept.
//
// Protocol: docs/protocol.md, "Sync"; docs/client.md, "The list of conversations".
// Threads:  its client's I/O thread.
// Owner:    ClientLoop.
#pragma once

#include "client/cache/changes.hpp"
#include "client/im/feeds.hpp"
#include "client/im/list.hpp"
#include "client/im/marks.hpp"
#include "client/im/states.hpp"
#include "client/im/unlisted_own.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::client {

class Sync : private Feeds::Follower {
public:
    // Of conversations and of entries of each: what is shown at once, then the rest.
    static constexpr std::uint32_t kFirstPage = 20, kFirstEntries = 10, kPage = 200, kEntries = 1;
    static constexpr std::size_t kMostPasses = 8;  // in a row: what changes all the time is followed by then
    static constexpr session::Duration kFirstDelay = std::chrono::seconds(1);  // behind a failure
    static constexpr session::Duration kLongestDelay = std::chrono::seconds(30);
    // Messages that wait for a page, and how long.
    static constexpr std::size_t kMostHeld = 64;
    static constexpr std::size_t kMostHeldBytes = 64 * 1024;
    static constexpr session::Duration kLongestHold = std::chrono::seconds(5);

    class Owner : public Feeds::Owner {
    public:
        // `then` is called on the I/O thread, not within a call, when the last copy is gone.
        virtual std::shared_ptr<void> when_handled(std::function<void()> then) = 0;

    protected:
        ~Owner() = default;
    };
    // `on`: there is a list. Without it, this passes on what the session says to the subscriptions.
    // `keeper`: what keeps list and subscriptions for the next run of the program; null: nothing. `record`: see Feeds.
    Sync(bool on, const std::string& user, Owner& owner, const std::shared_ptr<Keeper>& keeper = nullptr,
         FeedRecord* record = nullptr);
    // What an earlier run has kept; before the first session.
    void restore(const CacheContents& kept);

    bool on() const noexcept { return on_; }
    Feeds& feeds() noexcept { return feeds_; }

    // ---- from the application ----
    std::vector<ConversationList::Item> list(bool invitations = false) const { return list_.items(invitations); }
    ReadMarks& marks() noexcept { return marks_; }
    // conversation.set, or conversation.clear in the log of this epoch; 0: not a clear. `done` hears it when nothing of
    // what is cleared is told any more.
    using SettingsDone = std::function<void(Checked<ConversationSettings>)>;
    void choose(const Call& call, const std::string& conversation, std::uint64_t epoch, SettingsDone done);
    // An answer to such a call may change the list.
    AnswerDone watch(const Call& call, AnswerDone done);
    void close();

    // ---- from the session ----
    void begin_session();
    void go_on();
    void on_feed(std::uint32_t number, const wire::im::Feed& frame, const Bytes& whole, wire::Encodings encodings,
                 const std::shared_ptr<void>& taken);
    // A message of `from` has come as Data. False: tell it now. True: `decide` is called, now or later: true means that
    // it is to be told, false that a feed tells it.
    bool hold(const std::string& from, const Uuid& id, std::size_t bytes, std::function<void(bool)> decide);
    // It is not decided yet: if a feed tells it meanwhile, that is the first time.
    bool holds(std::string_view from, const Uuid& id) const { return held_.has(from, id); }
    // The receipt of an own message has come. `entry`: without offset and time.
    // Returns what Feeds::on_stored() does.
    std::optional<ToldUpto> on_stored(const std::string& conversation, const StoredAt& stored, Entry entry);

    // ---- time ----
    session::TimePoint next_deadline() const noexcept;
    void on_time();

private:
    struct Pass {
        std::string page{};        // of which page is to be asked for; empty: the first one
        std::size_t pages = 0;     // that have come
        std::size_t before = 0;    // passes of this sync
        std::uint64_t states = 0;  // that had come as it began
        bool waits = false;        // until the session can be used: then the page is asked for
        // Said to be the user's, not by a page: which of the two is newer nobody knows. What stands up to the position
        // is told by no feed.
        std::map<std::string, Position> expected{};
        bool doubted = false;  // a page may be older than what is known: what it says is to be said again
        bool ended = false;    // a membership, since a page was asked for: it may name the invitation from before
    };
    // What has come of a feed that nobody knows yet.
    struct EarlyFrame {
        std::uint32_t number = 0;
        std::string body;
        wire::Encodings encodings = 0;
        std::shared_ptr<void> taken;
    };
    // What has come before the page, or the frame, that it belongs to.
    struct Early {
        std::vector<EarlyFrame> frames{};
        UnlistedOwn own{};
    };
    // When the list is asked for again, and how long after the next failure.
    struct Again {
        session::TimePoint at = session::kNever;
        session::Duration delay = kFirstDelay;
    };
    struct Held {
        std::string from;
        Uuid id;
        std::function<void(bool)> decide;
    };
    struct Holding {
        bool has(std::string_view from, const Uuid& id) const;
        // Behind what the entries of a conversation are told, if none of them has been told.
        Position start_of(const wire::im::SyncedConversation& from, const std::optional<Position>& before,
                          bool is_new) const;

        std::vector<Held> all{};
        std::size_t bytes = 0;
        session::TimePoint until = session::kNever;
    };

    // ---- from the subscriptions ----
    void on_entry(const std::string& conversation, std::uint64_t epoch, const wire::im::Entry& entry,
                  wire::Encodings encodings) override;
    void on_member(const std::string& conversation, const Subscribed& begun) override;
    void on_skipped(const std::string& conversation, const Position& upto,
                    std::optional<std::uint64_t> messages) override;
    void on_own_passed(const std::string& conversation, const FeedCursor::Passed& own) override;
    void on_own_at(const std::string& conversation, const Position& at, bool counts) override;
    void on_no_member(const std::string& conversation) override;
    std::uint64_t cleared_to(const std::string& conversation, std::uint64_t epoch) const override {
        return list_.cleared_to(conversation, epoch);
    }

    // `before`: passes of this sync.
    void begin_pass(std::size_t before);
    void ask_page();
    void on_page(const Answer& answer);
    void on_failed(const Failure& failure, std::uint32_t retry_after_ms);
    // `began`: now, unasked, with a frame of this feed; 0: it is of a page.
    void take(const wire::im::SyncedConversation& from, std::uint32_t began, wire::Encodings encodings,
              const std::shared_ptr<void>& taken);
    void doubt_page();
    void take_early_frames();
    void end_pass(std::string_view cursor, const std::shared_ptr<void>& taken);
    void finish(const std::shared_ptr<void>& taken);
    void forget(const std::string& conversation);
    void take_gone(const std::string& conversation, std::string_view cursor);
    void release_held();
    // `epoch` 0: nobody has said of which log what is cleared is.
    ConversationSettings take_settings(const std::string& conversation, std::uint64_t epoch,
                                       const wire::im::Settings& settings);
    void tell_changes(const std::shared_ptr<void>& taken = {});

    const bool on_;
    Owner& owner_;
    struct Kept {
        std::optional<ToldUpto> told_before(const std::string& name);

        std::shared_ptr<Keeper> keeper;
        std::map<std::string, ToldUpto, std::less<>>
            earlier{};  // how far an earlier run was told what is not named yet
    };
    Kept kept_;
    Feeds feeds_;
    ConversationList list_;
    ReadMarks marks_;
    ListStates states_;
    std::string cursor_;  // of the last pass; empty: none was complete
    // What a pass said to be gone, and the feeds have not ended, is to be said again in the next session: from where.
    std::optional<std::string> doubt_;
    Pass pass_;
    std::uint64_t turn_ = 0;  // counts what begins anew: answers and calls of an earlier one are void
    bool syncing_ = false;
    bool open_ = false;  // a page has been asked for
    bool missed_ =
        false;           // an entry has come of a conversation, or a log, that was not in the list: a page may be older
    bool first_ = true;  // no sync is over yet
    bool told_unavailable_ = false;
    std::optional<std::uint64_t> whole_since_;  // what no pass has named from this one on is gone
    Early early_;
    Holding held_;
    Again again_;
};

}  // namespace flare::client
