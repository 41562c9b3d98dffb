// What a store in memory holds, and the rules of appending and changing on plain maps. Everything that is applied can
// be undone until it is kept.
//
// Protocol: docs/store.md.
// Threads:  one at a time: the lock of its Disk.
// Owner:    Disk.
#pragma once

#include "base/keyed_hash.hpp"
#include "store/engine.hpp"
#include "store/memory/backend.hpp"
#include "store/rules.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace flare::store::memory {

// A member with what it has read and chosen.
struct Seat {
    model::Member member{};
    model::ReadMark mark{};
    model::Settings settings{};
    std::uint64_t delivered = 0;
    std::uint64_t stamp = 0;

    MemberMarks marks() const noexcept { return {mark, delivered}; }
};

// The users who have reacted to a message with one key.
struct Reacted {
    std::set<Row> users{};
    std::uint64_t rev = 0;  // offset of the last one that came or went
};
using Reactions = std::map<std::string, Reacted, std::less<>>;
using Mentions = std::map<std::uint64_t, std::set<Row>>;

struct Log {
    Conversation about{};
    std::vector<Entry> entries{};         // from about.head.first on
    std::vector<std::uint64_t> stamps{};  // of each
    std::map<Row, Seat> members{};
    std::map<std::uint64_t, Reactions> reactions{};  // by the offset of the message
    std::map<std::uint64_t, std::uint64_t> edits{};  // how many, by the offset of the message
    Mentions mentions{};                             // by the offset of the message; 0: all members
    std::uint64_t first_n = 0;                       // Head::messages before about.head.first
    std::uint64_t pruned_ms = 0;                     // what was first sent before may have been removed
    std::uint64_t removed_ms = 0;

    // Null: it is not there.
    const Entry* entry(std::uint64_t offset) const {
        const model::Head& head = about.head;
        return offset >= head.first && offset <= head.last.offset ? &entries[offset - head.first] : nullptr;
    }
    // Of a member with a role; null: the user is none.
    const Seat* seat(Row user) const;
    // One of the entries behind `after`, up to `upto`, names the user.
    bool names(Row user, std::uint64_t after, std::uint64_t upto) const;
    // Head::messages with the entry of that offset, or with those that are gone.
    std::uint64_t messages_at(std::uint64_t offset) const {
        const Entry* const there = entry(offset);
        return there == nullptr ? first_n : there->messages;
    }
};

// The users whom an entry mentions.
std::vector<Row> mentions_of(const Log& log, std::uint64_t offset);
// As readers have it: an edit shows what its message says now. Precondition: the log has it.
Entry shown(const Log& log, std::uint64_t offset);

class Data {
public:
    explicit Data(std::uint64_t generation) : generation_(generation) {}
    Data(const Data&) = delete;
    Data& operator=(const Data&) = delete;
    // As a backup holds it, or one that was restored: of another generation its logs have other epochs.
    // Precondition: everything is kept.
    Data(const Data& from, std::uint64_t generation);

    // Fills in the outcomes. full: only what makes room is written.
    void apply(WriteBatch& batch, std::uint64_t now_ms, bool full);
    // The number of the conversation that was made last, also if that was undone: a number is given once.
    Row last_conversation() const noexcept { return last_conversation_; }
    // What was undone is applied again, with the numbers that it had.
    void go_back(Row last_conversation) noexcept { last_conversation_ = last_conversation; }
    void undo();
    void keep() { undo_.clear(); }
    CheckReport check(std::size_t most_faults) const;
    // Forgets the tombstones that are old enough.
    void forget(std::uint64_t now_ms);

    const Log* log(Row conversation) const;
    // The newest one with that key.
    const Log* log(const model::ConversationKey& key) const;
    std::optional<Found> find(const Uuid& id, Row conversation, Row sender) const;
    const std::map<Row, Log>& logs() const noexcept { return logs_; }
    const std::map<std::string, Row, std::less<>>& users() const noexcept { return users_; }
    // By user: Erasure::conversation.
    const std::map<Row, Row>& erasures() const noexcept { return erasures_; }
    using PushDevices = std::map<std::string, PushDevice>;  // by name
    // Null: none of the user takes pushes.
    const PushDevices* push_devices(Row user) const;
    const Backend& backend() const noexcept { return backend_; }
    std::uint64_t generation() const noexcept { return generation_; }
    std::uint64_t stamp() const noexcept { return stamp_; }
    // That of the newest tombstone that was forgotten.
    std::uint64_t forgotten() const noexcept { return forgotten_; }

private:
    using Key = std::tuple<Uuid, Row, Row>;  // id, conversation, sender
    struct Place {
        std::uint64_t offset, stamp;
        std::uint32_t content;
    };

    void append(const WriteBatch& batch, const NewEntry& entry, Outcome& outcome);
    void change(const WriteBatch& batch, const Change& change, Outcome& outcome);
    void add_user(const NewUser& user, Outcome& outcome);
    void mark(const Mark& mark, Outcome& outcome);
    void choose(const SettingsChange& change, Outcome& outcome);
    void erase(const Erasure& erasure, Outcome& outcome);
    void push(const PushChange& change, Outcome& outcome);
    bool answer_known(const NewEntry& entry, Outcome& outcome) const;
    errc may_append(const WriteBatch& batch, const NewEntry& entry, const Log& log) const;
    static bool changes_nothing(const WriteBatch& batch, const NewEntry& entry, const Log& log);
    bool admit(const Change& change, Outcome& outcome) const;
    void change_original(const WriteBatch& batch, const NewEntry& entry, Log& log);
    void react(const WriteBatch& batch, const NewEntry& entry, Log& log);
    void put_member(model::Member member, const Change& change, Log& log) const;
    void cut(Log& log, std::uint64_t keep_from);
    Log& create(const Change& change);
    void give_stamp();

    std::uint64_t generation_;
    std::uint64_t stamp_ = 0;
    std::uint64_t forgotten_ = 0;
    Row last_conversation_ = 0;
    std::map<Row, Log> logs_;
    std::map<std::string, Row, std::less<>> users_;
    std::map<Row, PushDevices> push_devices_;  // by user
    std::map<Key, Place> ids_;
    std::map<Row, Row> erasures_;
    Backend backend_;
    std::vector<std::function<void()>> undo_;  // in the order of what it undoes
    std::uint64_t now_ms_ = 0;                 // of the group that is being applied
    bool full_ = false;
};

}  // namespace flare::store::memory
