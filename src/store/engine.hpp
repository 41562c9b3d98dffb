// The seam of the durable store: an engine keeps conversations, their logs and their members, and writes groups of
// changes in one transaction each. memory/ and sqlite/ implement it; tests/contract/store holds what each must do.
//
// Threads:  Engine one at a time (the store's writer), but for reader(), which is for any; each Reader one at a time,
//           beside the engine and other readers.
// Owner:    Store (store.hpp); tests and the simulator drive an engine themselves.
#pragma once

#include "model/conversation.hpp"
#include "model/entry.hpp"
#include "model/member.hpp"
#include "store/backend.hpp"
#include "store/check.hpp"

#include <flare/error.hpp>
#include <flare/uuid.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flare::store {

// Numbers that the engine gives: of a conversation, a user. 0: none (as a sender: the server itself).
using Row = std::uint64_t;

// ---- writing ----

// A part of WriteBatch::bytes.
struct Slice {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
};

// An entry to be appended. Its key is (id, conversation, sender): an entry with that key is never appended again, and
// answers with the position that it has.
struct NewEntry {
    Row conversation = 0;
    Row sender = 0;
    Uuid id{};
    model::EntryKind kind = model::EntryKind::message;
    model::StoredEncoding encoding = model::StoredEncoding::identity;
    std::uint8_t flags = 0;
    std::uint64_t ref = 0;            // the offset that it is about; 0: none
    std::uint32_t content = 0;        // hash of what was sent: a repeat has the same, else `duplicate_message_id`
    std::uint64_t first_sent_ms = 0;  // a repeat: when it was first sent, Unix time by the server's clock; 0: none
    Slice type{};
    Slice payload{};              // of a reaction: its key
    std::vector<Row> mentions{};  // of a message: users, at most 50; who is no member is passed over
};

// A conversation is made or changed, its members are: with the entry that tells it, in one transaction.
struct Change {
    Row conversation = 0;  // 0: it is made, under `key`; `conversation_exists` if there is one
    model::ConversationKey key{};
    std::optional<model::Config> config{};
    std::vector<model::Member>
        members{};  // rows as they are to be from now on; others stay. visible_from 0: from the entry of this change on
    std::uint64_t keep_from = 0;      // entries below go, now or in maintain(); 0: none
    bool removed = false;             // the conversation ends: its log goes, a tombstone stays
    std::optional<NewEntry> entry{};  // its `conversation` is filled in
};

struct NewUser {
    std::string name{};  // the row of one who is known already is the answer
};

// How far a user has come. A mark above the end of the log is one at its end.
struct Mark {
    enum class What : std::uint8_t {
        read,       // everything up to `offset`; below the mark that is there it changes nothing. It ends an
                    // unread_from that it reaches
        delivered,  // a device has everything up to it; likewise. It moves no stamp: no list names it
        unread,     // the conversation is to count as unread from there on; 0: it is not any more
    };
    Row conversation = 0;
    Row user = 0;
    std::uint64_t offset = 0;
    What what = What::read;
};

// A user chooses something for a conversation: what is set takes the place of what was. Lists name the conversation
// because of it. Whoever leaves has chosen nothing any more.
struct SettingsChange {
    Row conversation = 0;
    Row user = 0;
    std::optional<model::Notify> notify{};
    std::optional<std::uint64_t> muted_until{};
    std::optional<std::uint64_t> pinned{};
    std::optional<bool> hidden{};  // until the next message that counts as unread
    // Everything up to it; below what was cleared before it changes nothing, and above the end of the log it is the
    // end. It ends an unread_from that it reaches.
    std::uint64_t cleared_to = 0;
};

// A user is being erased: all that they wrote is to be deleted, and their memberships end. That it is, and how far it
// has come, outlives the process; the server does it (server/conversations/erasing.hpp).
struct Erasure {
    Row user = 0;
    Row conversation = 0;  // of those of the user, by row, the last one that is done
    // All of them are: it is forgotten, and so is where the user was mentioned, and what they had chosen.
    bool done = false;

    friend bool operator==(const Erasure&, const Erasure&) = default;
};

// A device of a user takes pushes from now on, in the place of what it was registered as before; or no longer does. A
// user has at most kMostPushDevices (rules.hpp): with one more, the one that was registered first goes. A token of a
// service and an app is of one device: whoever registers it last has it.
struct PushChange {
    Row user = 0;
    std::string device{};   // empty, without a token: every one of the user
    std::string service{};  // the three are as the client gives them
    std::string token{};    // empty: it takes no more
    std::string app{};
};

// What became of a write.
struct Outcome {
    // ok; of an entry: duplicate_message_id (another message has its key), too_old (a repeat whose entry may have been
    // removed), unknown_conversation, history_pruned (an edit, a removal or a reaction is about what is not there or is
    // deleted), too_many_edits, too_many_reactions; of a change: those of its entry, conversation_exists (`row` is the
    // one that exists); of a mark, and of what is chosen: unknown_conversation (also if the user has no role in it); of
    // each: storage_full
    // (the disk has hardly any room, and this needs some; what is known already is answered, and removals are done); of
    // a hook's mark: invalid_config (there are kMostHooks)
    errc code = errc::ok;
    // It was in the log already, the mark, the reaction or what is chosen is as it is to be, or no such device took
    // pushes, the hook has come as far, or an answer is kept under the key: nothing was written.
    bool repeat = false;
    Row row = 0;  // of the conversation, or of the user
    // Of the entry, of the mark as it is now, or up to which the conversation is cleared now; offset 0: no entry is
    // needed.
    model::Position position{};
    std::uint64_t time_ms = 0;    // of the entry
    std::uint64_t stamp = 0;      // of a repeated mark, or choice: of the last change of the member
    std::uint64_t messages = 0;   // Head::messages with this entry, or with that of the mark
    std::vector<Row> mentions{};  // of an entry, also of a repeat: who of NewEntry::mentions is a member, each once
    // Of a mark: what holds now beside `position`, up to which everything is read.
    std::uint64_t delivered = 0;  // never below that
    std::uint64_t unread_from = 0;
};

struct Write {
    std::variant<NewEntry, Change, NewUser, Mark, Erasure, PushChange, SettingsChange, HookMark, KeptAnswer> what{};
    Outcome outcome{};
};

// A group of writes in order, with the bytes that they name. Whoever makes one may use it again after it was answered:
// in the long run nothing is allocated for a message.
struct WriteBatch {
    std::vector<Write> writes{};
    std::string bytes{};

    Slice add(std::string_view text) {
        const Slice slice{static_cast<std::uint32_t>(bytes.size()), static_cast<std::uint32_t>(text.size())};
        bytes += text;
        return slice;
    }
    std::string_view view(Slice slice) const noexcept {
        return std::string_view(bytes).substr(slice.begin, slice.size);
    }
    void clear() noexcept {
        writes.clear();
        bytes.clear();
    }
};

// ---- reading ----

struct Conversation {
    Row row = 0;
    model::ConversationKey key{};
    model::Config config{};
    model::Head head{};
    std::uint64_t members = 0;  // with a role
    std::uint64_t created_ms = 0;
    bool removed = false;  // a tombstone
};

// An entry that was found by its key.
struct Found {
    model::Position position{};
    std::uint64_t time_ms = 0;
    std::uint32_t content = 0;
};

// How many users have reacted to a message with one key.
struct Reaction {
    std::string key{};
    std::uint64_t users = 0;
    bool own = false;  // PageRequest::reader is one of them

    friend bool operator==(const Reaction&, const Reaction&) = default;
};

struct Entry {
    std::uint64_t offset = 0;
    std::uint64_t rev = 0;  // offset of its last edit or removal; its own when there was none
    model::EntryKind kind = model::EntryKind::message;
    model::StoredEncoding encoding = model::StoredEncoding::identity;
    std::uint8_t flags = 0;
    bool blank = false;  // deleted or erased: no payload
    std::uint64_t ref = 0;
    Uuid id{};
    Row sender = 0;
    std::uint64_t time_ms = 0;
    std::uint64_t messages = 0;  // Head::messages with this entry
    std::string type{};
    std::string payload{};
    std::vector<Row> mentions{};        // users, by row; none of a message that was deleted
    std::vector<Reaction> reactions{};  // by key; if PageRequest::reactions asks for them
    std::uint64_t reactions_upto = 0;   // entries up to this offset are counted in them; 0: nobody asked, or no message
};

enum class Direction : std::uint8_t { forward, backward };

struct PageRequest {
    Row conversation = 0;
    std::uint64_t from = 0;  // the first offset of the page, in its direction
    Direction direction = Direction::backward;
    std::uint32_t limit = 50;
    std::uint32_t bytes = 1024 * 1024;   // of types and payloads; one entry is given in any case
    std::uint64_t floor = 1;             // nothing below: what the reader may not see
    std::uint64_t ceiling = UINT64_MAX;  // nothing above: what its home has not told yet
    bool reactions = false;              // with the reactions to messages
    Row reader = 0;                      // whose reactions are `own`
};

struct Page {
    std::vector<Entry> entries{};  // ascending, whatever the direction
    model::Head head{};            // as of the page
    bool more = false;             // there is more in this direction, above the floor
};

// How far a member has come.
struct MemberMark {
    Row user = 0;
    std::uint64_t visible_from = 1;
    std::uint64_t read = 0;
    std::uint64_t delivered = 0;  // never below `read`

    friend bool operator==(const MemberMark&, const MemberMark&) = default;
};

// Who has read an entry: a member who may read it, and has not sent it.
struct ReadersRequest {
    Row conversation = 0;
    std::uint64_t offset = 0;
    Row sender = 0;
    bool visible_to_all = false;  // whatever Member::visible_from says
    Row after = 0;                // the last user of the page before
    std::uint32_t limit = 50;     // 1 to 1,000
    bool count = false;           // which costs more than a page: it looks at each member, or each who has read it
};

struct EntryReaders {
    std::vector<MemberMark> found{};  // by row of the user
    bool more = false;
    // If they were to be counted: how many have read it, of how many.
    std::uint64_t read = 0;
    std::uint64_t members = 0;
};

struct Membership {  // of one user
    Row conversation = 0;
    model::Member member{};
};

// A user in a conversation, with what only they know of it.
struct Standing {
    model::Member member{};
    model::ReadMark mark{};
    model::Settings settings{};
};

// ---- the list of a user's conversations ----

// A conversation of a user, or one to which the user is invited. It is gone if it is neither any more, or was removed.
struct Listed {
    Conversation conversation{};
    model::Member member{};
    model::ReadMark mark{};
    model::Settings settings{};
    // Of what changed last: the log, or the member with the mark. Of who has no role: of the member, or of the end of
    // the conversation. What changed after the conversation was chosen may be in the rest already, and comes again in
    // the next list.
    std::uint64_t stamp = 0;

    bool is_invitation() const noexcept { return member.invited() && !conversation.removed; }
    bool is_gone() const noexcept {
        return (member.role == model::Role::none && !member.invited()) || conversation.removed;
    }
};

// A list comes in pages, all with the `upto` that the first one gave. What changes while they are read is above it, and
// belongs to the next list, whose `above` it is.
struct ListRequest {
    Row user = 0;
    // Stamps: what has changed since. 0: everything that there is, and nothing that is gone.
    std::uint64_t above = 0;
    std::uint64_t upto = 0;  // 0: what is committed now
    // The last one of the page before; the first page begins with the newest.
    std::uint64_t before_stamp = UINT64_MAX;
    Row before_row = UINT64_MAX;
    std::uint32_t limit = 20;  // 1 to 1,000
    bool with_rest = false;
    std::uint32_t most_rest = 500;
};

struct ListPage {
    // Newest first, by stamp and row; above < stamp <= upto, on the first page also those that were committed while it
    // was read. With those that are gone, but for a `whole` list.
    std::vector<Listed> found{};
    // With the last page, if it was asked for: of those that have not changed (stamp <= above), are not gone and no
    // invitations, the newest, newest first. Of the member only user, role and visible_from, no mark and no settings.
    std::vector<Listed> rest{};
    std::uint64_t upto = 0;
    std::uint64_t generation = 0;  // stamps of another generation mean nothing in this one
    bool more = false;             // there is another page
    // `above` counted as 0: it was 0, or is of a store that has been further, or something that was removed since is
    // forgotten. What is in none of the pages, nor in the next list, is gone.
    bool whole = false;
};

// Messages that a user has not read.
struct Unread {
    std::uint32_t count = 0;
    bool more = false;           // there may be more than `count`
    std::uint32_t mentions = 0;  // of those, also of further ones: that mention the user, or all members
};

// A device that takes pushes: PushChange.
struct PushDevice {
    std::string device{};
    std::string service{};
    std::string token{};
    std::string app{};
    std::uint64_t stamp = 0;  // of when it was registered

    friend bool operator==(const PushDevice&, const PushDevice&) = default;
};

class BackendReader;  // store/backend_reader.hpp

// Sees what was committed when the call began; its engine must outlive it. An error is the engine's (storage_failed,
// store_damaged); of page(), also unknown_conversation.
class Reader {
public:
    virtual ~Reader() = default;

    virtual Result<std::optional<Conversation>> conversation(const model::ConversationKey& key) = 0;
    virtual Result<std::optional<Conversation>> conversation(Row row) = 0;
    virtual Result<std::optional<Found>> find(const Uuid& id, Row conversation, Row sender) = 0;
    virtual Result<Page> page(const PageRequest& request) = 0;
    virtual Result<std::optional<model::Member>> member(Row conversation, Row user) = 0;
    // The same with mark and settings.
    virtual Result<std::optional<Standing>> standing(Row conversation, Row user) = 0;
    // By row of the user, those after `after`; with those who left if `gone`.
    virtual Result<std::vector<model::Member>> members(Row conversation, Row after, std::uint32_t limit, bool gone) = 0;
    // The same of how far those have come who have a role.
    virtual Result<std::vector<MemberMark>> marks(Row conversation, Row after, std::uint32_t limit) = 0;
    virtual Result<EntryReaders> readers(const ReadersRequest& request) = 0;
    // By row of the conversation, those after `after`.
    virtual Result<std::vector<Membership>> conversations_of(Row user, Row after, std::uint32_t limit) = 0;
    // By row, those after `after`, but for removed ones and those of which rows are being deleted.
    virtual Result<std::vector<Row>> conversations(Row after, std::uint32_t limit) = 0;
    // Those that are not done, by row of the user.
    virtual Result<std::vector<Erasure>> erasures(std::uint32_t limit) = 0;
    // How many there are in which the user has a role, counted up to `most`.
    virtual Result<std::uint32_t> count_conversations(Row user, std::uint32_t most) = 0;
    // Whatever was committed up to ListPage::upto is seen; what is newer may be left out.
    virtual Result<ListPage> list(const ListRequest& request) = 0;
    // Counts up to `most` messages of others above the mark that the user may read, has not cleared, and that are
    // neither silent nor deleted, among the newest 1,000 entries; and up to `most` that mention the user among the
    // newest 1,000 that mention the user or all. `of` is as list() gave it, or as recent.
    virtual Result<Unread> unread(const Listed& of, std::uint32_t most) = 0;
    virtual Result<std::optional<Row>> user(std::string_view name) = 0;
    virtual Result<std::optional<std::string>> user_name(Row user) = 0;
    // Who is banned at `now_ms`, by row of the user, those after `after`.
    virtual Result<std::vector<model::Member>> bans(Row conversation, Row after, std::uint32_t limit,
                                                    std::uint64_t now_ms) = 0;
    // Whose invitation to it is open, by row of the user, those after `after`.
    virtual Result<std::vector<model::Member>> invitations(Row conversation, Row after, std::uint32_t limit) = 0;
    // To how many conversations the user is invited, counted up to `most`.
    virtual Result<std::uint32_t> count_invitations(Row user, std::uint32_t most) = 0;
    // Direct conversations in which `user` takes nothing from the other one, by row, those after `after`.
    virtual Result<std::vector<Row>> blocks(Row user, Row after, std::uint32_t limit) = 0;
    // By name of the device.
    virtual Result<std::vector<PushDevice>> push_devices(Row user) = 0;
    // The user is a member, has neither read nor cleared as far as `offset`, and is to be woken at `now_ms`: does not
    // mute the conversation, and wants to hear of all messages, or of those that name them, one of which is unread.
    virtual Result<bool> awaits_push(Row conversation, Row user, std::uint64_t offset, std::uint64_t now_ms) = 0;
    // Users with a device of whom that is true, by row, `limit` of them.
    virtual Result<std::vector<Row>> push_recipients(Row conversation, std::uint64_t offset, std::uint64_t now_ms,
                                                     std::uint32_t limit) = 0;
    // Lives as long as this.
    virtual BackendReader& backend() = 0;
};

// ---- the engine ----

// What `stored` is worth.
struct About {
    std::string engine{};          // "memory", "sqlite"
    std::string place{};           // the file
    bool durable = false;          // a commit is on disk
    std::string by{};              // how the engine sees to that: "synchronous=FULL"
    std::uint64_t generation = 0;  // drawn when the store was made and when a backup was restored
    std::uint32_t schema = 0;      // version
    std::uint64_t stamp = 0;       // of the last commit
    std::uint64_t bytes = 0;       // on disk or in memory
    std::uint64_t free_bytes = 0;  // on its disk; 0: it has none
};

class Engine {
public:
    virtual ~Engine() = default;

    // Writes all of them in one transaction, in order, and fills in their outcomes. `now_ms`: Unix time of the server's
    // clock. An error: no outcome counts, and
    //   storage_full, busy             nothing of the group was written; another try may succeed
    //   storage_failed, store_damaged  the engine takes nothing until reopen() succeeds; before that it is not known
    //                                  what became of the group
    virtual Result<> commit(std::span<WriteBatch* const> group, std::uint64_t now_ms) = 0;
    // Opens and reads the store again after storage_failed. True: the group whose commit failed was written after all,
    // and its outcomes count. False: nothing of it was, or the file is not the one that it went to; what it wrote is
    // found by its ids.
    virtual Result<bool> reopen() = 0;
    // What may wait until there is nothing else to do, a part at a time. True: there is more.
    virtual Result<bool> maintain(std::uint64_t now_ms) = 0;
    virtual std::unique_ptr<Reader> reader() = 0;
    // Reads everything that is committed and compares it: logs, ids, heads, members. It takes as long as there is much,
    // and changes nothing. most_faults: that are named; all are counted.
    virtual Result<CheckReport> check(std::size_t most_faults) = 0;
    virtual About about() const = 0;
};

}  // namespace flare::store
