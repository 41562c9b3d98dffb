// Reads the store's file over a connection of its own: what is committed, with the heads that are ahead of their rows.
//
// Protocol: docs/store.md, "Reading".
// Threads:  one at a time, beside the engine and other readers.
// Owner:    whoever called Engine::reader(); the engine must outlive it.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/backend_reader.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/entry_reader.hpp"
#include "store/sqlite/listing.hpp"
#include "store/sqlite/member_marks.hpp"
#include "store/sqlite/mentions.hpp"
#include "store/sqlite/people.hpp"
#include "store/sqlite/reactions.hpp"
#include "store/sqlite/reader_caches.hpp"
#include "store/sqlite/shared.hpp"

#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <utility>
#include <vector>

namespace flare::store::sqlite {

class SqliteReader final : public Reader {
public:
    explicit SqliteReader(Shared& shared) : shared_(shared), backend_(shared, *this) { shared_.readers.add(*this); }
    ~SqliteReader() override { shared_.readers.remove(*this); }
    SqliteReader(const SqliteReader&) = delete;
    SqliteReader& operator=(const SqliteReader&) = delete;

    // The next call opens its connection again. Precondition: no call is under way.
    void close() noexcept;

    Result<std::optional<Conversation>> conversation(const model::ConversationKey& key) override;
    Result<std::optional<Conversation>> conversation(Row row) override;
    Result<std::optional<Found>> find(const Uuid& id, Row conversation, Row sender) override;
    Result<Page> page(const PageRequest& request) override;
    Result<std::optional<model::Member>> member(Row conversation, Row user) override;
    Result<std::optional<Standing>> standing(Row conversation, Row user) override;
    Result<std::vector<model::Member>> members(Row conversation, Row after, std::uint32_t limit, bool gone) override;
    Result<std::vector<MemberMark>> marks(Row conversation, Row after, std::uint32_t limit) override;
    Result<EntryReaders> readers(const ReadersRequest& request) override;
    Result<std::vector<Membership>> conversations_of(Row user, Row after, std::uint32_t limit) override;
    Result<std::vector<Row>> conversations(Row after, std::uint32_t limit) override;
    Result<std::vector<Erasure>> erasures(std::uint32_t limit) override;
    Result<std::uint32_t> count_conversations(Row user, std::uint32_t most) override;
    Result<ListPage> list(const ListRequest& request) override;
    Result<Unread> unread(const Listed& of, std::uint32_t most) override;
    Result<std::optional<Row>> user(std::string_view name) override;
    Result<std::optional<std::string>> user_name(Row user) override;
    Result<std::vector<model::Member>> bans(Row conversation, Row after, std::uint32_t limit,
                                            std::uint64_t now_ms) override;
    Result<std::vector<model::Member>> invitations(Row conversation, Row after, std::uint32_t limit) override;
    Result<std::uint32_t> count_invitations(Row user, std::uint32_t most) override;
    Result<std::vector<Row>> blocks(Row user, Row after, std::uint32_t limit) override;
    Result<std::vector<PushDevice>> push_devices(Row user) override;
    Result<bool> awaits_push(Row conversation, Row user, std::uint64_t offset, std::uint64_t now_ms) override;
    Result<std::vector<Row>> push_recipients(Row conversation, std::uint64_t offset, std::uint64_t now_ms,
                                             std::uint32_t limit) override;
    BackendReader& backend() override { return backend_; }

    // In one snapshot of the file, with the connection ready.
    template <typename Work>
    auto in_snapshot(const Work& work) -> decltype(work());
    EntryReader& entries() noexcept { return entries_; }
    MentionReader& mentions() noexcept { return mentions_; }

private:
    Result<> ready();
    // The same, of who is inside the door already and has the connection ready.
    template <typename Work>
    auto snapshot(const Work& work) -> decltype(work());

    Result<std::optional<Conversation>> read_conversation(Row row, const std::optional<LogState>& ahead);
    // In a snapshot.
    Result<Page> read_page(const PageRequest& request);
    // From `last` down, in a snapshot; `tail`, if there is one, knows all above `last`, and learns the rest.
    Result<> count_unread(Row conversation, std::uint64_t last, LogTail* tail, UnreadCount& count);
    Result<std::optional<UnreadCount::Seen>> read_seen(std::uint64_t row);
    // In a snapshot.
    Result<> count_mentions(const Listed& of, UnreadCount& count);

    Shared& shared_;
    bool open_ = false;
    Database database_;
    struct Snapshot {
        Statement begin, end;
    } snapshot_;
    Statement key_, conversation_, find_, unread_;
    struct Members {
        Statement one, standing, all;
    } members_;
    struct Walks {
        Statement conversations, memberships, erasures;
    } walks_;
    struct Users {
        Statement row, name, count;
    } users_;
    EntryReader entries_;
    MentionReader mentions_;
    PeopleReader people_;
    MarkReader marks_;
    ReactionReader reactions_;
    ListStatements list_;
    ReaderCaches caches_;
    SqliteBackendReader backend_;
};

template <typename Work>
auto SqliteReader::in_snapshot(const Work& work) -> decltype(work()) {
    const auto inside = shared_.door.enter();
    if (auto good = ready(); !good) return good.error();
    return snapshot(work);
}

template <typename Work>
auto SqliteReader::snapshot(const Work& work) -> decltype(work()) {
    database_.roll_back();  // the snapshot of a call that an exception ended
    if (auto good = snapshot_.begin.run(); !good) return good.error();
    auto value = work();
    if (auto good = snapshot_.end.run(); !good && value) return good.error();
    database_.roll_back();
    return value;
}

}  // namespace flare::store::sqlite
