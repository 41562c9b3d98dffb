// What the application of a client subscribes to, and its list of conversations, by the client module's own code; and
// the promises of docs/client.md, "Live entries" and "The list of conversations", that what it is told is held against:
// each entry once, in the order of the log, a hole is always told, and the list is what a recount says.
#pragma once

#include "client/im/sync.hpp"
#include "session/client_session.hpp"
#include "sim/log_book.hpp"
#include "sim/shelf.hpp"
#include "sim/world.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace flare::sim {

class Listener final : private client::Sync::Owner {
public:
    // Its client. ask(): false: it takes no more. waits_for_receipt(): this process has sent it, and has no outcome.
    struct Client {
        std::string user{};
        std::string name{};  // of its process
        session::ClientSession* session = nullptr;
        std::function<bool(const wire::RequestView& request, const std::string& conversation)> ask{};
        std::function<bool(const Uuid& id)> waits_for_receipt{};
        std::function<void()> arm_timer{};
        std::function<void(Duration delay, std::function<void()> run)> later{};
        bool keeps_list = false;
        Duration remembers{};      // the ids of what it was given
        bool counts_ends = false;  // of rooms, the server tells only where their logs end
    };
    // What a process may leave to the next one: how far it had come in each conversation.
    struct Place {
        model::Position position{};
        Uuid id{};
    };
    using Places = std::map<std::string, Place>;

    Listener(World& world, LogBook& book, Client client)
        : world_(world), book_(book), client_(std::move(client)), sync_(client_.keeps_list, client_.user, *this) {}
    ~Listener() {
        *alive_ = false;
        sync_.close();
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // ---- the application ----
    void subscribe(const std::string& conversation, const std::optional<Place>& after);
    void unsubscribe(const std::string& conversation);
    Places places() const;
    // Marks something as read, of what it has been told, or as unread.
    void read(Chance& chance);
    void mark_unread(Chance& chance);
    // Asks who has read some message, when nothing moves.
    void ask_readers(Chance& chance);

    // Clears a conversation of which it was told something, or sets something else for it.
    void choose(Chance& chance);

    // ---- from the session ----
    void ready(bool resumed) {
        if (!resumed) {
            session_since_ = world_.now();
            told_marks_.clear();
            heard_marks_.clear();
        }
        resumed ? sync_.go_on() : sync_.begin_session();
    }
    // `taken`: the application has done with what is in it when the last copy is gone.
    void on_feed(std::uint32_t number, const wire::im::Feed& feed, const Bytes& whole,
                 const std::shared_ptr<void>& taken);
    void on_feed_refused(std::uint32_t number) { sync_.feeds().on_feed_refused(number); }
    void on_data(const wire::DataView& data, const std::shared_ptr<void>& taken);
    // False: it has not asked for this.
    bool hears(const wire::ResponseView& response, const Bytes& whole);
    bool gave_up(const Uuid& id, errc code, const std::string& text);
    // A message of this process to `conversation` is in its log.
    void stored(const std::string& conversation, const Uuid& id, const wire::StoredAt& at);

    session::TimePoint next_deadline() const noexcept { return sync_.next_deadline(); }
    void on_time() { sync_.on_time(); }

    // When the faults are over: what is subscribed to has been told to its end, and the list is what a recount says.
    void check_at_rest() const;

private:
    using Own = std::set<model::Position>;
    struct Heard {
        bool subscribed = false;
        std::uint64_t epoch = 0;
        std::uint64_t last = 0;  // up to here all is told, or known to be left out
        Uuid id{};               // of the entry there; nil: not known
        Own own{};               // of this process's messages, above it
        TimePoint since{};       // nothing of what tells it was read before
        Shelf shelf{};           // what it was told of messages without a hole
        bool can_tell = true;    // its client notices if the log is, or becomes, an older copy that went on otherwise
    };

    // client::Sync::Owner
    void ask(const client::Call& call, client::AnswerDone done) override;
    bool in_session() const override { return client_.session->attached(); }
    session::TimePoint now() const override { return world_.now(); }
    bool has_seen(std::string_view, const Uuid& id) const override;
    bool settle(const Uuid& id, std::string_view conversation, const StoredAt& stored) override;
    void tell(Event event) override;
    void count_message() override {}
    void tell_later(std::function<std::optional<Event>()> make) override;
    std::shared_ptr<void> when_handled(std::function<void()> then) override;

    void hear(const Event& event);

    // ---- marks: listener_marks.cpp ----
    // Of these only one that it has been told something of. Nothing: there is none.
    std::optional<Position> some_place(Chance& chance, std::string& conversation) const;
    // Whatever comes in an answer: how far others have come, and what its own device has now.
    void look_at(wire::Verb verb, const std::string& conversation, std::string_view body);
    void look_at(const wire::im::Feed& feed);
    void look_at(const wire::im::SyncedConversation& synced);
    void look_at(const std::string& conversation, std::uint64_t epoch, const std::vector<wire::im::UserMark>& marks);
    void told(const event::MarksChanged& changed);
    std::uint64_t epoch_of(const event::MarksChanged& changed) const;
    void check_marks(const client::ConversationList::Item& item, const model::ConversationKey& key) const;
    void check_marks(const std::string& conversation, const model::ConversationKey& key) const;
    void check_mark(const LogBook::MarkOfAnother& known, const LogBook::MarkOfAnother& is) const;
    // ---- what the user has chosen: listener_choices.cpp ----
    // `memberships`: as in Cleared.
    void chosen(const std::string& conversation, std::uint64_t epoch, std::size_t memberships,
                const Checked<ConversationSettings>& settings);
    void listed(const std::string& conversation, const ListedConversation& now);
    // It is told nothing up to there any more.
    void pass_cleared(const std::string& conversation, const Position& upto);
    // Nothing is told of what this client has been told to be cleared.
    void check_not_cleared(const std::string& conversation, const Position& at, std::uint64_t about) const;
    // `whole`: the list has the end of the log.
    void check_settings(const client::ConversationList::Item& item, const model::ConversationKey& key,
                        bool whole) const;
    // `came`: since when its client remembers it; one that came as Data may have been held since then.
    void told_once(const std::string& conversation, const Uuid& id, TimePoint came);
    void check_list() const;
    void check_shelf(const std::string& conversation, const Heard& heard) const;
    void check_entries(const client::ConversationList::Item& item, const model::ConversationKey& key) const;
    bool lists(const std::string& conversation) const;
    bool comes_and_goes(const std::string& conversation) const;
    // id: of the entry at the position that it has asked for; nil: it has named none.
    void begun(const std::string& conversation, const Subscription& subscription, const Own& own, TimePoint asked,
               const Uuid& id);
    // Its client knows which entry is behind what it was told of.
    void learn_entry(Heard& heard) const;
    void told(const std::string& conversation, const StoredAt& at, LogBook::Told told);
    void told(const event::MessageChanged& changed);
    void put_on_shelf(Heard& heard, std::uint64_t offset, const LogBook::Told& told);
    void left_out(const event::HistoryGap& gap);
    static void pass_own(Heard& heard);

    World& world_;
    LogBook& book_;
    const Client client_;
    client::Sync sync_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    // Messages of direct conversations, of this log, and when they were told.
    std::map<std::string, std::map<Uuid, TimePoint>> directs_;
    std::set<Uuid> ever_;  // and of all
    TimePoint session_since_{};
    struct Asked {
        wire::Verb verb = wire::Verb::unspecified;
        std::string conversation{};
        client::AnswerDone done{};
    };
    std::map<Uuid, Asked> open_;
    using MarksOfLog = std::map<std::uint64_t, std::map<std::string, UserMark>>;  // by epoch and user
    // Marked as unread by an answer that came while it was not in the list: what has listed it again may be older.
    std::set<std::string> answered_unlisted_;
    std::map<std::string, MarksOfLog> told_marks_;   // by conversation: how far others have come, as was told
    std::map<std::string, MarksOfLog> heard_marks_;  // and its application
    std::map<std::string, Heard> heard_;
    std::set<Uuid> settled_;           // own messages whose receipts have come
    std::set<std::string> asked_for_;  // that the application has subscribed to
    struct Cleared {
        Position upto{};
        std::size_t memberships = 0;  // how often the user had become a member as it was asked for
    };
    std::map<std::string, Cleared> cleared_;        // as it was answered
    std::map<std::string, std::deque<Own>> asked_;  // receipts since each call of subscribe() that has no answer
};

}  // namespace flare::sim
