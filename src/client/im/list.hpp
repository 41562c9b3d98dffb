// The list of a user's conversations as a client knows it: what the pages of a sync have said, and since then entries,
// receipts and marks. Nothing is counted twice, in whatever order pages and entries come: a page may be older than
// entries that have come in another lane.
//
// Unread are messages of others above the mark. Those above `known_from` are known one by one, so that the count is
// exact when the mark moves there; of those below it only their number is known, until the server counts anew. It is
// asked to when one of them may have been deleted. Where only the end of a log is told, unread grows by the messages
// that the log has more, less the own ones among them. Which of them mention the user is known, and counted, likewise;
// where only the end is told, the server says that there is one, and is asked how many there are.
//
// Invitations are in it as conversations that say who has invited the user. Nothing but a page, or what ends them,
// changes them.
//
// Protocol: docs/protocol.md, "Sync"; docs/client.md, "The list of conversations", "Invitations".
// Threads:  its client's I/O thread; listed() any.
// Owner:    Sync.
#pragma once

#include "client/im/entries.hpp"
#include "client/im/feed_cursor.hpp"
#include "client/im/member_marks.hpp"
#include "client/im/unlisted_own.hpp"
#include "wire/sync.hpp"

#include <flare/conversation.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::client {

class ConversationList {
public:
    static constexpr std::size_t kMost = 50'000;          // conversations; beyond it they are not listed
    static constexpr std::size_t kMostEntries = 10;       // of a conversation, the newest
    static constexpr std::size_t kMostBytes = 64u << 20;  // of all entries; those of inactive conversations go first
    static constexpr std::size_t kMostOneByOne = 1'000;   // unread messages of a conversation that are known singly
    static constexpr std::size_t kMostOwn = 256;          // own ones between others that are not known
    static constexpr std::size_t kMostRemovals = 64;      // deletions that a page may be older than

    // `user`: whose messages are own ones.
    explicit ConversationList(std::string user) : user_(std::move(user)) {}

    // An entry with what its session has agreed on for payloads.
    struct Kept {
        PackedEntry packed;
        wire::Encodings encodings = 0;
    };
    // What is known of one, before its payloads are inflated.
    struct Item {
        Conversation about;
        ReadMark mark;
        std::chrono::system_clock::time_point last_time{};
        std::vector<Kept> entries{};
        std::vector<UserMark> others{};
        ConversationSettings settings{};
    };

    // ---- from the server ----

    // A page, or a feed that has begun, names it. `settings`: newer ones than it says. False: the list is full.
    // Precondition: is_whole().
    bool name(const wire::im::SyncedConversation& from, wire::Encodings encodings,
              const std::optional<wire::im::Settings>& settings = std::nullopt);
    // The user is a member now, as the answer to a request says; nothing is known of its entries. If the list has it
    // already, and not as an invitation, that is newer, but for what the user may read.
    void add(const Conversation& about);
    // False: it is not in the list.
    // `own`: takes the own messages of it, which may be newer than the page that brings it back.
    bool remove(std::string_view name, UnlistedOwn* own = nullptr);
    // What of a log comes next; also again, and of other conversations.
    void on_entry(std::string_view name, std::uint64_t epoch, const wire::im::Entry& entry, wire::Encodings encodings);
    // The user may read from this offset on: what is below it does not count, and is not shown.
    void on_visible_from(std::string_view name, std::uint64_t epoch, std::uint64_t offset);
    // Entries up to this one are not told. `messages`: of the log up to there; nothing: that is not known.
    void on_gap(std::string_view name, const Position& upto, std::optional<std::uint64_t> messages = std::nullopt);
    // Own messages, of which the list may not have been told.
    void on_own_passed(std::string_view name, const FeedCursor::Passed& own);
    // An own message is in the log. `entry`: with its offset.
    void on_own(std::string_view name, std::uint64_t epoch, Entry entry);
    // The same, of which nothing else is known. `counts`: it is not silent.
    void on_own_at(std::string_view name, const Position& at, bool counts);
    // The log ends there now, with so many messages.
    struct End {
        Position last{};
        std::uint64_t messages = 0;
        std::chrono::system_clock::time_point time{};
        std::uint64_t mentioned = 0;  // the newest message that mentions the user, as far as it was told
    };
    void on_end(std::string_view name, const End& end);

    // ---- marks ----

    // Nothing: the conversation is not in the list, or its log has another epoch.
    std::optional<ReadMark> mark(std::string_view name, const Position& upto);
    // It is to show as unread from there on. The same.
    std::optional<ReadMark> mark_unread(std::string_view name, const Position& from);
    // What this client has said of that so far, for on_marked(); 0: it is not in the list, or its log has another
    // epoch.
    std::uint64_t said_of(std::string_view name, std::uint64_t epoch);
    // What the server says, of a mark in this epoch; `answered`: said_of() when that was asked for; nothing: unasked.
    // False: it is older than what is known, and does not say how many are unread; the mark is among those that are to
    // be said.
    bool on_marked(std::string_view name, std::uint64_t epoch, const wire::im::ReadMark& said,
                   std::optional<std::uint64_t> answered = std::nullopt);
    // The server does not take it: it is not said again. `unread`: that of mark_unread().
    void on_mark_refused(std::string_view name, bool unread);
    // What is to be said to the server, in this order: marks that it does not have, or whose answers are to say what is
    // unread.
    struct Unsaid {
        std::string name;
        Position position;
        bool unread = false;     // mark_unread()
        std::uint64_t said = 0;  // said_of(), for the answer
    };
    std::vector<Unsaid> unsaid();
    // There are further ones of the latter since the last call.
    bool take_uncounted() noexcept { return std::exchange(uncounted_, false); }

    // ---- what the user has chosen ----

    // Of a log of this epoch.
    void on_settings(std::string_view name, std::uint64_t epoch, const wire::im::Settings& settings);
    // 0: nothing is cleared, or the log has another epoch.
    std::uint64_t cleared_to(std::string_view name, std::uint64_t epoch) const;

    // ---- marks of others ----

    // Nothing: it is no news. Of a conversation that is not in the list, everything is.
    std::optional<UserMark> on_other(std::string_view name, std::uint64_t epoch, const UserMark& mark);

    // ---- passes: those of a sync are numbered; what none names is found by that ----

    void begin_pass() noexcept { ++pass_; }
    std::uint64_t pass() const noexcept { return pass_; }
    // Since this pass began: by a page, or by what was newer than that.
    bool is_named(std::string_view name) const {
        const auto found = all_.find(name);
        return found != all_.end() && found->second.named == pass_;
    }
    // Those that no pass has named from this one on.
    std::vector<std::string> unnamed_since(std::uint64_t pass) const;

    // ---- what is known ----

    bool full() const noexcept { return all_.size() >= kMost; }
    std::optional<Position> end_of(std::string_view name) const;  // none: it is not in the list, or an invitation
    std::optional<Item> item(std::string_view name) const;
    // Those that are pinned, then the newest activity first; also hidden ones. Or the invitations alone.
    std::vector<Item> items(bool invitations = false) const;
    // Those that have changed since the last call, with those that are gone.
    std::vector<std::string> take_changed();

private:
    // An unread message of somebody else.
    struct Unread {
        std::uint64_t offset = 0;
        bool mentions = false;  // the user, or all members
    };
    using AllUnread = std::deque<Unread>;  // by offset, ascending
    struct State {
        Conversation about{};  // with the head as it is now
        std::chrono::system_clock::time_point last_time{};
        std::uint64_t mark = 0;      // everything up to it is read, or cleared
        std::uint64_t has_read = 0;  // what is read of that
        std::uint64_t said = 0;      // what the server has said
        wire::im::Settings settings{};
        struct Flag {                  // set by mark_unread()
            std::uint64_t from = 0;    // shown as unread from there on; 0: it is not
            std::uint64_t told = 0;    // likewise, as the server has told last
            std::uint64_t number = 1;  // how often this client has said something of it
            bool unsaid = false;       // the last time, the server may not have heard it
        } flag{};
        std::uint64_t below = 0;           // unread ones in (mark, known_from]
        std::uint64_t mentions_below = 0;  // of these, those that mention the user
        bool more = false;                 // or more than that
        std::uint64_t known_from = 0;      // above it every message of others is known, up to `counted`
        std::uint64_t counted = 0;
        std::optional<std::uint64_t> messages{};  // of the log up to `counted`
        // What is between here and known_from was counted by ends of the log, own messages among it.
        std::optional<std::uint64_t> guessed_from{};
        // Deletions that are known: the offset of each, and that of the message; the newest, by offset.
        std::deque<std::pair<std::uint64_t, std::uint64_t>> removals{};
        std::uint64_t count_from = 0;      // unread is to be counted by who knows of the entry there; 0: it is
        std::vector<std::uint64_t> own{};  // offsets of own messages above `counted`, ascending
        AllUnread others{};                // messages of others above mark and known_from
        std::vector<Kept> entries{};
        std::uint64_t heard = 0;  // whatever changes an entry of `entries` up to there is known
        MemberMarks marks{};      // of others
        std::uint64_t named = 0;  // the last pass that named it
        std::uint64_t turn = 0;   // of its newest entry, among those that have come one by one
        bool changed = false;     // in changed_

        bool is_invitation() const noexcept { return !about.invited_by.empty(); }
        std::uint64_t unread() const noexcept { return below + others.size(); }
        std::uint64_t mentions() const noexcept;
        ReadMark read_mark() const noexcept { return {has_read, unread(), more, flag.from, mentions()}; }
        bool is_hidden() const noexcept;
        void set_unread(std::uint64_t from);
        // The user has read so far.
        void move_mark(std::uint64_t offset);
        // Everything up to there is read, or cleared.
        void pass(std::uint64_t offset);
        void clear(std::uint64_t upto);
        void count(const Unread& message);
        // Everything up to there is counted.
        void count_upto(std::uint64_t offset, std::optional<std::uint64_t> log_messages);
        void note_own(std::uint64_t offset, bool is_counted);
        void note_late_receipt(std::uint64_t offset);
        bool count_end(std::uint64_t last, std::uint64_t log_messages);
        void count_mention(std::uint64_t offset);
        void fold();
        void count_page(ReadMark read, std::uint64_t last, std::uint64_t from, AllUnread found);
        bool count_answer(const wire::im::ReadMark& said);
        void count_removal(std::uint64_t offset, std::uint64_t of);
        void doubt_count(std::uint64_t counted_upto) noexcept;
        void note_change(const ConversationChange& change, std::uint64_t offset, std::string_view user);
    };
    using All = std::map<std::string, State, std::less<>>;

    State* find(std::string_view name, std::uint64_t epoch);
    void keep(State& state, Kept entry);
    void set(State& state, const wire::im::Settings& settings);
    void change(State& state, const Kept& change);
    void forget_below(State& state, std::uint64_t offset);
    void forget_entries(State& state);
    void make_room();
    void note_changed(const std::string& name, State& state);
    static Item item_of(const State& state);

    const std::string user_;
    All all_;
    std::size_t bytes_ = 0;  // of all entries
    std::uint64_t pass_ = 0;
    std::uint64_t turns_ = 0;
    std::vector<std::string> changed_;
    bool uncounted_ = false;
};

// What applications get; what is compressed is inflated. Entries that cannot be inflated, or would need more than
// `most`, are left out; `most` becomes what is left of it.
ListedConversation listed(ConversationList::Item item, std::size_t& most);
Invitation invitation_of(const ConversationList::Item& item);

}  // namespace flare::client
