// What the logs of all conversations hold, as plain lists that follow the store commit by commit, and the promises of
// docs/conversations.md that answers, pages, deliveries and commits are held against.
#pragma once

#include "im/effects.hpp"
#include "im/planted.hpp"
#include "session/outbox.hpp"
#include "sim/ledger.hpp"
#include "sim/requests.hpp"
#include "store/engine.hpp"
#include "store/retention.hpp"
#include "wire/entries.hpp"
#include "wire/requests.hpp"
#include "wire/sync.hpp"

#include <flare/conversation.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::sim {

class LogBook final : private im::Observer {
public:
    LogBook(World& world, Ledger& ledger, RequestLedger& requests);
    ~LogBook();
    LogBook(const LogBook&) = delete;
    LogBook& operator=(const LogBook&) = delete;

    // The server has so little memory that it may put off even what is in the log: there is no room to look it up.
    void memory_is_short() { memory_is_short_ = true; }
    // The server cuts logs by these rules, looks at them that often, and erases users: what it does by itself has no
    // asker.
    struct CleaningUp {
        store::RetentionRules rooms{};
        store::RetentionRules direct{};
        Duration interval{};
    };
    void cleans_up(const CleaningUp& how) { cleans_up_ = how; }

    // ---- what is sent ----

    // A message or a change to a conversation. `writer`: the process that sends it, whose order holds.
    struct Sent {
        std::string writer{};
        std::string user{};  // kServerTarget: the server's application
        model::ConversationKey key{};
        std::string payload{};                      // of a message, and of its edit; of a reaction its key
        bool changes = false;                       // else it is a message
        wire::Verb verb = wire::Verb::unspecified;  // of a change that a client asks for
        model::Position about{};                    // the message that it changes; epoch 0: in whichever log there is
        std::uint64_t reply_to = 0;                 // of a message
        std::uint8_t flags = 0;                     // likewise
        std::vector<std::string> names{};           // likewise: users whom it mentions
        std::uint64_t number = 0;                   // filled in: the how-manieth of its writer there it is
        model::Position end_then{};                 // likewise: where the log ended as it was asked for
    };
    void sends(const Uuid& id, Sent sent);
    static model::ConversationKey key_of(std::string_view user, std::string_view target);

    // ---- what its sender hears ----

    void outcome(const session::Outcome& outcome);
    void response(const Uuid& id, errc code, const std::optional<wire::im::Written>& written);

    // ---- the store ----

    void taken(const store::WriteBatch& batch);
    void given_back(const store::WriteBatch& batch);
    // `answered`: its outcomes are known; else they are what the store holds now.
    void committed(const store::WriteBatch& batch, bool answered, store::Reader& reader);
    // The process has gone, with what the store had not committed.
    void crashed() { in_store_.clear(); }
    void back_up() { copy_ = state_; }
    // The copy is in the place of what was there, in a new generation or in the same.
    void restored(bool new_generation, store::Reader& reader);
    // A copy took the place of the store, and its stamps and epochs do not say so.
    bool unknown_copy() const noexcept { return unknown_copy_; }

    // ---- what others see ----

    void delivered(const std::string& user, const wire::DataView& data);
    struct Query {
        std::uint64_t after = 0;  // of a page that goes forward
        bool forward = false;
        model::Position end_then{};      // where the log ended as it was asked for
        model::Position cleared_then{};  // up to where its reader had been told that it is cleared
        std::size_t memberships_then{};  // how often its reader had become a member
    };
    // What is known as it is asked for.
    void asks(const std::string& user, const model::ConversationKey& key, Query& query) const;
    void page(const std::string& user, const model::ConversationKey& key, const Query& query,
              const wire::im::HistoryPage& page);
    void head(const model::ConversationKey& key, const wire::im::Head& head);
    // An entry of a subscription.
    struct Told {
        Uuid id{};  // nil: it is not told
        model::EntryKind kind{};
        std::string_view from{};
        std::string_view payload{};  // of a message or an edit; of a reaction its key
        std::uint64_t ref = 0;
        bool taken_back = false;
        TimePoint read_after{};  // nothing of what tells it was read before
    };
    void told(const std::string& user, const model::ConversationKey& key, const model::Position& at, const Told& told);
    // That the log ends there.
    void told_end(const std::string& user, const model::ConversationKey& key, const model::Position& at);
    // The log has it now, and the user may read it.
    bool is_open_to(const std::string& user, const model::ConversationKey& key, const model::Position& at) const;
    // This process has sent what is there.
    bool is_of(const std::string& writer, const model::ConversationKey& key, const model::Position& at) const;
    // Of the entry there; nil: there is none.
    Uuid id_at(const model::ConversationKey& key, const model::Position& at) const;
    // Where the log ends now; nowhere, if there is none.
    model::Position end_of(const model::ConversationKey& key) const;
    // The newest entry; nothing: the user is no member.
    std::optional<model::Position> end_for(const std::string& user, const model::ConversationKey& key) const;
    // Those that the user is a member of.
    std::vector<model::ConversationKey> conversations_of(const std::string& user) const;
    // Those that the user is invited to.
    std::set<std::string> invitations_of(const std::string& user) const;
    // What the log makes of a message, replayed plainly.
    struct Shown {
        Uuid id{};
        std::string from{};
        std::string payload{};
        bool deleted = false;
        std::uint64_t changed_at = 0;  // by an edit or the removal
        std::uint64_t edits = 0;
        TimePoint deleted_at = TimePoint::max();                   // when all parts of the server knew
        std::map<std::string, std::set<std::string>> reactions{};  // by key: the users
    };
    // As the log is now. Nothing: there is no message.
    std::optional<Shown> shown(const model::ConversationKey& key, const model::Position& at) const;
    // One of the newest messages.
    std::optional<model::Position> some_message(const model::ConversationKey& key, Chance& chance) const;
    // Somebody whom the store knows; empty: nobody.
    std::string some_user(Chance& chance) const;
    model::Role role_of(const std::string& user, const model::ConversationKey& key) const;
    // What a client has sent under this id.
    std::string sent_text(const Uuid& id, const model::ConversationKey& key) const;
    bool is_silent(const Uuid& id, const model::ConversationKey& key) const;
    // Messages of others above that offset that the user may read, and that are not deleted.
    std::uint64_t unread_for(const std::string& user, const model::ConversationKey& key, std::uint64_t mark) const;
    // Of these, those that mention the user or all.
    std::uint64_t mentions_for(const std::string& user, const model::ConversationKey& key, std::uint64_t mark) const;
    // Messages of others above that offset that are deleted.
    std::uint64_t deleted_above(const std::string& user, const model::ConversationKey& key, std::uint64_t mark) const;
    // Messages of the user above that offset, but for these.
    std::uint64_t own_above(const std::string& user, const model::ConversationKey& key, std::uint64_t mark,
                            const std::set<Uuid>& known) const;
    // How far the user has read, as the store has it. Precondition: the user is a member.
    std::uint64_t mark_of(const std::string& user, const model::ConversationKey& key) const;
    // How far a session has moved it; a return moves it, too.
    std::uint64_t said_of(const std::string& user, const model::ConversationKey& key) const {
        return membership(*log_of(std::string(key.text())), user)->said;
    }
    // What the user has chosen, as the store has it: as a client shows it. Precondition: the user is a member.
    ConversationSettings settings_of(const std::string& user, const model::ConversationKey& key) const;
    // 0: nothing, or the log has another epoch, or the user is no member.
    std::uint64_t cleared_to(const std::string& user, const model::ConversationKey& key, std::uint64_t epoch) const;
    // How often the user has become a member: what is cleared is so in one membership.
    std::size_t memberships(const std::string& user, const model::ConversationKey& key) const;
    // The user was told that everything up to there is cleared.
    void cleared(const std::string& user, const model::ConversationKey& key, const model::Position& upto);
    // The user was told that this is marked as read.
    void marked(const std::string& user, const model::ConversationKey& key, const model::Position& upto);

    // ---- how far users have come ----

    // A device of the user has everything up to there: it came on a page of a list, or is said to be left out.
    void received(const std::string& user, const model::Position& at);
    // The same by a feed, which does not say of which conversation it is.
    void received_entry(const std::string& user, const Uuid& id, std::uint64_t offset);
    // A device of the user is about to say that everything up to there is read.
    void says_read(const std::string& user, const model::Position& upto);
    // A member of a conversation of few was told this of another one.
    struct MarkOfAnother {
        std::string user{};
        std::uint64_t read = 0;
        std::uint64_t delivered = 0;
    };
    void told_mark(const model::ConversationKey& key, std::uint64_t epoch, const MarkOfAnother& mark);
    // As the store has them, of all members but the user: `read` only if it was moved by a session.
    std::vector<MarkOfAnother> marks_beside(const std::string& user, const model::ConversationKey& key) const;
    // From where on the user has marked it as unread; 0: it is not. Precondition: the user is a member.
    std::uint64_t unread_from_of(const std::string& user, const model::ConversationKey& key) const {
        return membership(*log_of(text_of(key)), user)->unread_from;
    }
    // The answer to "who has read this", when nothing moves.
    void readers(const model::ConversationKey& key, const model::Position& message,
                 const wire::im::ReaderPage& page) const;

    // ---- what the server removes ----

    // The oldest entry that is left of the log; 1: there is none.
    std::uint64_t first_of(const model::ConversationKey& key) const;
    // Messages of others above that offset that the user could read before some were removed, and that are not deleted.
    std::uint64_t unread_before_cuts(const std::string& user, const model::ConversationKey& key,
                                     std::uint64_t mark) const;
    std::uint64_t mentions_before_cuts(const std::string& user, const model::ConversationKey& key,
                                       std::uint64_t mark) const;
    // It was removed, and taken for new when it was repeated: nobody can tell the two apart.
    bool came_again(const Uuid& id) const { return came_again_.contains(id); }
    // Or is being erased.
    bool is_erased(const std::string& user) const { return state_.erased.contains(user); }
    // The server's application was told that the user will be erased.
    void erasure_answered(const std::string& user) const;

    store::Row row_of(const std::string& user) const;
    // The server has told this writer to send something later, and has not answered it since.
    bool puts_off(const std::string& writer) const;
    bool puts_off(const Uuid& id) const;
    // When the faults are over: the store holds what it should, and nobody was told of more.
    void check_at_rest(store::Reader& reader);

private:
    using Key = std::pair<Uuid, std::string>;  // and the text of the conversation's key
    struct Entry {
        Key key;
        model::EntryKind kind = model::EntryKind::message;
        std::uint64_t ref = 0;
        std::uint64_t time_ms = 0;
        std::uint8_t flags = 0;           // of a message
        std::set<store::Row> mentions{};  // likewise: members whom it names
    };
    struct Membership {
        model::Role role = model::Role::none;
        std::uint64_t muted_until = 0;
        std::uint64_t banned_until = 0;
        bool blocks = false;
        bool invited = false;
        std::uint64_t read = 0;       // the mark
        std::uint64_t said = 0;       // as a session has moved it
        std::uint64_t asked = 0;      // the furthest that a device has said
        std::uint64_t received = 0;   // by a device
        std::uint64_t moved = 0;      // as a session has, since they are a member
        std::uint64_t delivered = 0;  // as the store has it, beside `read`
        std::uint64_t came = 0;       // as a commit whose outcome was known has moved it, since they are a member
        std::uint64_t unread_from = 0;
        std::vector<std::pair<std::uint64_t, std::uint64_t>> may_read;  // offsets, from and to
        model::Settings settings{};
        std::uint64_t cleared_heard = 0;  // as somebody was told
        std::uint64_t cleared_ever = 0;   // in this membership, or in one before: pages may be of then
    };
    struct Log {
        model::ConversationKey key;
        std::uint64_t epoch = 0;
        model::Config config;
        std::vector<Entry> entries;                                   // offset 1 first, also those that were removed
        std::uint64_t first = 1;                                      // the oldest that was not
        std::map<std::uint64_t, std::vector<std::uint64_t>> changes;  // of a message: the offsets of what changes it
        std::map<store::Row, Membership> members;
        std::map<std::string, std::uint64_t> last_of;  // of a writer: the newest number in the log
    };
    // What a copy of the store brings back.
    struct State {
        std::map<store::Row, Log> logs;
        std::map<std::string, store::Row> rows;   // of conversations, by the text of their keys
        std::map<std::string, store::Row> users;  // by name
        std::map<Key, std::uint64_t> offsets;
        std::set<Key> pruned;  // what retention has removed
        // Of users who are erased or have been: for each log that there was, where it ended, and how often they had
        // been a member of it.
        struct Remains {
            std::uint64_t end = 0;
            std::size_t memberships = 0;
        };
        std::map<std::string, std::map<store::Row, Remains>> erased;
    };

    // on_answer(): nothing is answered that has not happened.
    void on_answer(const model::ConversationKey& conversation, const im::effect::Answer& answer) override;
    void answered_without_entry(const Sent& sent, const Log* log, const model::Position& position);
    void note_deletion(const Key& key);
    void refused(const Key& key, const Sent& sent, errc code);
    void refused_change(const Log& log, const Sent& sent, errc code);
    bool is_forbidden(const Log& log, const Membership& member, const Sent& sent) const;

    bool append(const store::NewEntry& entry, Log& log, const store::Outcome* outcome, store::Reader& reader);
    void change(const store::WriteBatch& batch, const store::Change& change, const store::Outcome* outcome,
                store::Reader& reader);
    Log* make(const store::Change& change, const store::Outcome* outcome, store::Reader& reader);
    void add_user(const store::NewUser& user, const store::Outcome* outcome, store::Reader& reader);
    void set_members(const store::Change& change, Log& log);
    void mark(const store::Mark& mark, const store::Outcome* outcome, store::Reader& reader);
    // Null: there is no log of that epoch, or the user never was a member.
    Membership* membership_in(const std::string& user, std::uint64_t epoch);
    static void take_mark(const store::Mark& mark, std::uint64_t upto, Membership& member);
    // The server, unasked.
    void does_itself(const Key& key, const store::NewEntry& entry);
    void cut(Log& log, std::uint64_t keep_from, const store::Outcome* outcome, store::Reader& reader);
    void comes_again(const Key& key, const store::NewEntry& entry, const Log& log);
    bool is_beyond(const Log& log, std::uint64_t first) const;
    const store::RetentionRules& rules_of(const Log& log) const;
    void erase(const store::Erasure& erasure, store::Reader& reader);
    void check_own_removal(const Shown& message) const;
    void check_cuts(const Log& log) const;
    void check_erased(store::Reader& reader) const;
    static bool is_there(const Log& log, std::uint64_t offset) {
        return is_message(log, offset) && offset >= log.first;
    }
    // ---- log_book_choices.cpp ----
    void choose(const store::SettingsChange& change, const store::Outcome* outcome, store::Reader& reader);
    void check_cleared(const Log& log, const Membership& member, const Query& query,
                       const wire::im::Entry& entry) const;
    // It says nothing to a reader who has cleared what it is about.
    static bool is_blank_for(const Membership& member, const wire::im::Entry& entry);
    bool needs_no_entry(const store::NewEntry& entry, const Log& log, const Key& key, const store::Outcome& outcome);
    void destroy(store::Row row);
    void note_place(const Key& key, const model::Position& at);
    void note_text(const Log& log, const Entry& entry);
    void check_writer(const store::NewEntry& entry, const Log& log, const Key& key);
    // Of a message: what it says beside its payload. Whom it mentions.
    std::set<store::Row> check_about(const store::NewEntry& entry, const Log& log, const Sent& sent) const;
    void check_message_change(const store::NewEntry& entry, const Log& log, const Sent& sent);
    void check_change(const store::WriteBatch& batch, const store::NewEntry& entry, const Log& log, const Sent& sent);
    void check_touch(const Log& log, store::Row actor, model::Role needed, const wire::ChangedMember& other,
                     const char* what);
    void check_invitation(const wire::ConversationChange& told, const Log& log, store::Row actor);
    void check_step_down(const wire::ConversationChange& told, const Log& log, store::Row owner);
    void check_log(store::Row row, const Log& log, store::Reader& reader);
    void check_entry(const Log& log, const store::Entry& entry);
    void check_list(const std::string& user, store::Row row, store::Reader& reader);

    static std::string text_of(const model::ConversationKey& key) { return std::string(key.text()); }
    // Of the entry that it brings; nothing: none.
    std::optional<Key> key_of(const store::Write& write) const;
    const Log* log_of(const std::string& key) const;
    std::uint64_t has_of(const Log& log, store::Row user, const Membership& member) const;
    const Membership* membership(const Log& log, const std::string& user) const;
    bool is_blocked(const Log& log, store::Row user) const;
    // As the log was when `upto` was its last entry. Precondition: a message is there.
    Shown shown(const Log& log, std::uint64_t offset, std::uint64_t upto) const;
    static bool is_message(const Log& log, std::uint64_t offset);
    void check_on_page(const Log& log, const wire::im::Entry& entry, const std::string& user,
                       const wire::im::Head& head);
    void check_text(const Log& log, std::uint64_t offset, const Told& told);
    void told_change(const std::string& conversation, const model::Position& at, const Told& told);
    // Messages of others from there on.
    std::uint64_t unread_of(const Log& log, const std::string& user, std::uint64_t from) const;
    std::uint64_t mentions_of(const Log& log, const std::string& user, std::uint64_t from) const;
    bool is_unread(const Log& log, const std::string& user, std::uint64_t offset) const;
    bool are_mentioned(const Entry& there, bool deleted, const std::set<store::Row>& told) const;
    static bool may_read(const Membership& member, std::uint64_t offset);
    std::uint64_t now_ms() const;

    World& world_;
    Ledger& ledger_;
    RequestLedger& requests_;
    std::map<Key, Sent> sent_;
    std::map<std::pair<std::string, std::string>, std::uint64_t> numbers_;  // by writer and conversation
    State state_;
    bool memory_is_short_ = false;
    std::optional<CleaningUp> cleans_up_;
    std::set<Uuid> came_again_;
    bool unknown_copy_ = false;
    std::optional<State> copy_;
    struct Given {
        std::uint64_t batch = 0;
        std::uint64_t at_ms = 0;
    };
    std::map<Key, Given> in_store_;  // what it was asked to write
    std::uint64_t batches_ = 0;
    std::map<Key, std::set<model::Position>> ever_;  // where an entry is, and where it was before a restore
    std::map<std::pair<std::string, model::Position>, std::set<Uuid>> ids_at_;  // the same, by place
    std::map<Key, TimePoint> deleted_at_;  // by the request, when all parts of the server knew
    std::uint64_t restores_ = 0;
    std::map<Key, std::set<std::string>> texts_;              // that a message has ever had; "": it was deleted
    std::map<std::string, std::set<std::string>> destroyed_;  // conversations that were, and who owned them then
    std::map<store::Row, std::string> gone_;                  // of these: by row
    std::set<Key> lost_;                                      // by a restore, or with its conversation
    std::set<Key> stored_heard_;                              // whose sender has heard so
    std::set<Key> refused_heard_;                             // likewise, and forgets it
    // It was refused for good, or changed nothing, and no entry says so: if the answer was lost, it is judged anew, and
    // may stand behind what was sent later.
    std::set<Key> judged_anew_;
    std::set<Key> put_off_;
    std::set<Key> refused_by_store_;  // and not answered yet
};

}  // namespace flare::sim
