#include "store/sqlite/log_writer.hpp"

#include "base/assert.hpp"
#include "store/rules.hpp"

#include <algorithm>
#include <utility>

namespace flare::store::sqlite {
namespace {

using model::EntryKind;

std::uint64_t number(EntryKind kind) noexcept { return static_cast<std::uint64_t>(kind); }

ReactionWriter::Given reaction_of(const WriteBatch& batch, const NewEntry& entry) noexcept {
    return {entry.ref, batch.view(entry.payload), entry.sender, (entry.flags & model::kTakenBack) != 0};
}

}  // namespace

Result<> LogWriter::prepare() {
    if (auto good = mentions_.prepare(); !good) return good;
    if (auto good = reactions_.prepare(); !good) return good;
    return sqlite::prepare(
        database_,
        {
            {&insert_id_, "INSERT OR IGNORE INTO ids(id, conversation, sender, row, content) VALUES(?, ?, ?, ?, ?)"},
            {&find_id_,
             "SELECT ids.content, log.offset, log.time_ms, log.n, log.row FROM ids JOIN log ON log.row = ids.row "
             "WHERE ids.id = ? AND ids.conversation = ? AND ids.sender = ?"},
            {&insert_log_,
             "INSERT INTO log(row, conversation, offset, kind, encoding, flags, ref, rev, n, time_ms, sender, id, "
             "type, "
             "payload) VALUES(?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)"},
            {&original_, "SELECT kind, flags, length(payload) FROM log WHERE row = ?"},
            {&edit_,
             "UPDATE log SET rev = ?2, encoding = ?3, payload = ?4, type = iif(?5 = '', type, ?5), flags = flags + ?6 "
             "WHERE row = ?1"},
            {&blank_, "UPDATE log SET rev = ?2, encoding = 0, payload = x'', flags = flags | ?3 WHERE row = ?1"},
            {&load_,
             "SELECT first, last, messages, first_n, bytes, last_ms, pruned_ms, stamp, removed_ms "
             "FROM conversation WHERE row = ?"},
            {&store_,
             "UPDATE conversation SET first = ?2, last = ?3, messages = ?4, first_n = ?5, bytes = ?6, last_ms = ?7, "
             "pruned_ms = ?8, stamp = ?9 WHERE row = ?1"},
            {&last_block_, "SELECT first, rows FROM block WHERE conversation = ? ORDER BY first DESC LIMIT 1"},
            {&find_block_,
             "SELECT first, rows FROM block WHERE conversation = ? AND first <= ? ORDER BY first DESC LIMIT 1"},
            {&put_block_, "REPLACE INTO block(conversation, first, rows) VALUES(?, ?, ?)"},
        });
}

// ---- appending ----

Result<> LogWriter::append(const WriteBatch& batch, const NewEntry& entry, Outcome& outcome) {
    outcome = {};
    const auto found = state_of(entry.conversation);
    if (!found) return found.error();
    if (*found == nullptr || (*found)->removed) {
        outcome.code = errc::unknown_conversation;
        return {};
    }
    LogState& state = **found;
    outcome.row = entry.conversation;

    const bool repeat = entry.first_sent_ms != 0;
    Original original;
    if (repeat || transaction_.full || is_about_another(entry.kind)) {
        const auto known = answer_known(entry, outcome);
        if (!known) return known.error();
        if (*known) return {};
        if (repeat && entry.first_sent_ms < state.pruned_ms)
            outcome.code = errc::too_old;
        else if (transaction_.full && entry.kind != EntryKind::removal)
            outcome.code = errc::storage_full;
        if (outcome.code != errc::ok) return {};
    }
    if (is_about_another(entry.kind)) {
        const auto admitted = admit(batch, entry, state, original, outcome);
        if (!admitted) return admitted.error();
        if (!*admitted) return {};
    }

    const std::uint64_t row = transaction_.stamp + 1;
    const auto noted = insert_id_.run(entry.id.raw(), entry.conversation, entry.sender, row, entry.content);
    if (!noted) return noted;
    if (database_.changes() == 0) {
        const auto known = answer_known(entry, outcome);
        if (!known) return known.error();
        return *known ? Result<>() : Result<>(errc::store_damaged);  // an id without its row
    }
    transaction_.stamp = row;

    if (auto good = make_room(entry.conversation, state, row); !good) return good;
    model::Head& head = state.head;
    head.last.offset += 1;
    head.last_ms = time_after(head.last_ms, transaction_.now_ms);
    head.stamp = row;
    head.messages += counts(entry);
    state.block.add(row);
    heads_.changed(entry.conversation);
    if (auto good = insert(batch, entry, state, outcome); !good) return good;
    outcome.position = head.last;
    outcome.time_ms = head.last_ms;
    outcome.stamp = row;
    outcome.messages = head.messages;
    if (!changes_another(entry.kind)) {
        head.bytes += entry.payload.size;
        return entry.kind == EntryKind::reaction
                   ? reactions_.apply(reaction_of(batch, entry), entry.conversation, head.last.offset)
                   : Result<>();
    }
    // The bytes of the log changed by what its rows do not tell later: they are written at once.
    head.bytes += entry.kind == EntryKind::edit ? entry.payload.size : 0;
    head.bytes -= std::min(head.bytes, original.bytes);
    if (auto good = change_original(batch, entry, original, head.last.offset); !good) return good;
    return write_state(entry.conversation);
}

Result<bool> LogWriter::answer_known(const NewEntry& entry, Outcome& outcome) {
    {
        Rows rows = find_id_.rows(entry.id.raw(), entry.conversation, entry.sender);
        if (!rows.next()) {
            if (auto good = rows.error(); !good) return no_answer(good.error());
            return false;
        }
        outcome.row = entry.conversation;
        outcome.repeat = true;
        if (rows.number(0) != entry.content) outcome.code = errc::duplicate_message_id;
        outcome.position = {epoch_of(generation_, entry.conversation), rows.number(1)};
        outcome.time_ms = rows.number(2);
        outcome.messages = rows.number(3);
        outcome.stamp = rows.number(4);
    }
    if (auto good = mentions_.read(entry, outcome.position.offset, outcome); !good) return no_answer(good.error());
    return true;
}

Result<> LogWriter::insert(const WriteBatch& batch, const NewEntry& entry, const LogState& state, Outcome& outcome) {
    const bool empty = changes_another(entry.kind);  // their content is in the row that they are about
    const std::string_view type = empty ? std::string_view() : batch.view(entry.type);
    const std::string_view payload = empty ? std::string_view() : batch.view(entry.payload);
    const auto encoding = static_cast<std::uint64_t>(empty ? model::StoredEncoding::identity : entry.encoding);
    const model::Head& head = state.head;
    std::uint64_t flags = std::uint64_t{entry.flags} & ~(kBlank | model::kNamesUsers);
    if (entry.kind == EntryKind::message) {
        if (auto good = mentions_.write(entry, head.last.offset, outcome); !good) return good;
        if (!outcome.mentions.empty()) flags |= model::kNamesUsers;
    }
    return insert_log_.run(head.stamp, entry.conversation, head.last.offset, number(entry.kind), encoding, flags,
                           entry.ref, head.messages, head.last_ms, entry.sender, entry.id.raw(), Text{type}, payload);
}

Result<LogWriter::Original> LogWriter::original_of(const NewEntry& entry, const LogState& state) {
    if (entry.ref < state.head.first || entry.ref > state.head.last.offset) return Original{};
    const auto row = row_of(entry.conversation, state, entry.ref);
    if (!row) return row.error();
    Rows rows = original_.rows(*row);
    const bool there = rows.next();
    if (auto good = rows.error(); !good) return good.error();
    if (!there || is_about_another(static_cast<EntryKind>(rows.number(0)))) return Original{};
    if ((rows.number(1) & kBlank) != 0) return Original{};
    return Original{*row, rows.number(2), rows.number(1) / kEditOnce};
}

Result<bool> LogWriter::admit(const WriteBatch& batch, const NewEntry& entry, const LogState& state, Original& original,
                              Outcome& outcome) {
    const auto found = original_of(entry, state);
    if (!found) return no_answer(found.error());
    original = *found;
    if (original.row == 0) {
        outcome.code = errc::history_pruned;
    } else if (entry.kind == EntryKind::edit && original.edits >= kMostEdits) {
        outcome.code = errc::too_many_edits;
    } else if (entry.kind == EntryKind::reaction) {
        const auto changes = reactions_.changes(reaction_of(batch, entry), entry.conversation);
        if (!changes && changes.error() == errc::too_many_reactions) {
            outcome.code = errc::too_many_reactions;
        } else if (!changes) {
            return no_answer(changes.error());
        } else if (!*changes) {
            const model::Head& head = state.head;
            outcome.repeat = true;
            outcome.position = {head.last.epoch, 0};
            outcome.time_ms = head.last_ms;
            outcome.stamp = head.stamp;
            outcome.messages = head.messages;
            return false;
        }
    }
    return outcome.code == errc::ok;
}

Result<std::uint64_t> LogWriter::row_of(Row conversation, const LogState& state, std::uint64_t offset) {
    if (offset >= state.block.first()) return state.block.row_of(offset);
    Rows rows = find_block_.rows(conversation, offset);
    const bool there = rows.next();
    if (auto good = rows.error(); !good) return good.error();
    Block block;
    if (!there || !Block::decode(rows.number(0), rows.bytes(1), block) || block.row_of(offset) == 0)
        return errc::store_damaged;
    return block.row_of(offset);
}

Result<> LogWriter::change_original(const WriteBatch& batch, const NewEntry& entry, const Original& original,
                                    std::uint64_t offset) {
    if (entry.kind == EntryKind::edit)
        return edit_.run(original.row, offset, static_cast<std::uint64_t>(entry.encoding), batch.view(entry.payload),
                         Text{batch.view(entry.type)}, kEditOnce);
    if (auto good = blank_.run(original.row, offset, kBlank); !good) return good;
    if (auto good = reactions_.forget(entry.conversation, entry.ref); !good) return good;
    return mentions_.forget(entry.conversation, entry.ref);
}

// ---- heads and blocks ----

Result<LogState*> LogWriter::state_of(Row conversation) {
    if (LogState* const known = heads_.work(conversation)) return known;
    LogState state;
    {
        Rows rows = load_.rows(conversation);
        const bool there = rows.next();
        if (auto good = rows.error(); !good) return good.error();
        if (!there) return nullptr;
        state.head.first = rows.number(0);
        state.head.last = {epoch_of(generation_, conversation), rows.number(1)};
        state.head.messages = rows.number(2);
        state.first_n = rows.number(3);
        state.head.bytes = rows.number(4);
        state.head.last_ms = rows.number(5);
        state.pruned_ms = rows.number(6);
        state.head.stamp = rows.number(7);
        state.removed = rows.number(8) != 0;
    }
    const std::uint64_t next = state.head.last.offset + 1;
    state.block = Block(next);
    Rows rows = last_block_.rows(conversation);
    Block block;
    if (rows.next() && !Block::decode(rows.number(0), rows.bytes(1), block)) return errc::store_damaged;
    if (auto good = rows.error(); !good) return good.error();
    if (block.empty() ? state.head.first < next : block.end() != next) return errc::store_damaged;
    if (!block.empty() && !block.is_half_full()) state.block = block;
    return &heads_.load(conversation, state);
}

Result<> LogWriter::make_room(Row conversation, LogState& state, std::uint64_t row) {
    if (!state.block.full_for(row)) return {};
    if (auto good = write_state(conversation); !good) return good;
    state.block = Block(state.block.end());
    return {};
}

Result<> LogWriter::write_state(Row conversation) {
    const auto found = state_of(conversation);
    if (!found) return found.error();
    FLARE_INVARIANT(*found != nullptr, "only a conversation that is known has a state");
    LogState& state = **found;
    const model::Head& head = state.head;
    if (auto good = store_.run(conversation, head.first, head.last.offset, head.messages, state.first_n, head.bytes,
                               head.last_ms, state.pruned_ms, head.stamp);
        !good)
        return good;
    if (!state.block.empty())
        if (auto good = put_block_.run(conversation, state.block.first(), state.block.encode(encoded_)); !good)
            return good;
    if (state.block.is_half_full()) state.block = Block(state.block.end());
    heads_.written(conversation);
    return {};
}

Result<> LogWriter::write_overdue(std::uint64_t upto, std::size_t most) {
    heads_.overdue(upto, most, to_write_);
    for (const Row each : to_write_)
        if (auto good = write_state(each); !good) return good;
    return {};
}

Result<> LogWriter::write_changed() {
    heads_.changed_now(to_write_);
    for (const Row each : to_write_)
        if (auto good = write_state(each); !good) return good;
    return {};
}

Result<> LogWriter::replay(const Logged& logged) {
    const auto found = state_of(logged.conversation);
    if (!found) return found.error();
    if (*found == nullptr) return errc::store_damaged;
    LogState& state = **found;
    if (logged.row <= state.head.stamp) return {};
    if (logged.offset != state.head.last.offset + 1) return errc::store_damaged;
    if (auto good = make_room(logged.conversation, state, logged.row); !good) return good;
    state.block.add(logged.row);
    state.head.last.offset = logged.offset;
    state.head.messages = logged.n;
    state.head.last_ms = logged.time_ms;
    state.head.stamp = logged.row;
    state.head.bytes += logged.bytes;
    heads_.changed(logged.conversation);
    return {};
}

}  // namespace flare::store::sqlite
