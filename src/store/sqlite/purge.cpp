#include "store/sqlite/purge.hpp"

#include "store/rules.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace flare::store::sqlite {
namespace {

constexpr std::uint64_t kBlocks = 16;  // at a time: 512 entries
constexpr std::uint64_t kTombstonesEveryMs = 60 * 60 * 1000;

}  // namespace

Result<> Purge::prepare() {
    if (auto good = reactions_.prepare(); !good) return good;
    return sqlite::prepare(
        database_,
        {
            {&any_, "SELECT 1 FROM purge LIMIT 1"},
            {&next_, "SELECT conversation, upto, row FROM purge WHERE row <= ? LIMIT 1"},
            {&note_purged_, "UPDATE meta SET value = max(value, ?) WHERE name = 'purged'"},
            {&done_, "DELETE FROM purge WHERE conversation = ?"},
            {&save_stamp_, "UPDATE meta SET value = ? WHERE name = 'stamp'"},
            {&blocks_, "SELECT first, rows FROM block WHERE conversation = ? AND first <= ? ORDER BY first LIMIT ?"},
            {&delete_block_, "DELETE FROM block WHERE conversation = ? AND first = ?"},
            {&entry_, "SELECT sender, length(payload), id FROM log WHERE row = ?"},
            {&delete_entry_, "DELETE FROM log WHERE row = ?"},
            {&delete_id_, "DELETE FROM ids WHERE id = ? AND conversation = ? AND sender = ?"},
            {&delete_mentions_, "DELETE FROM mention WHERE conversation = ? AND offset = ?"},
            {&tombstones_.old,
             "SELECT row, stamp FROM conversation WHERE removed_ms <> 0 AND removed_ms < ? "
             "AND row NOT IN (SELECT conversation FROM purge) LIMIT 1"},
            {&tombstones_.note_forgotten, "UPDATE meta SET value = max(value, ?) WHERE name = 'forgotten'"},
            {&tombstones_.delete_members,
             "DELETE FROM member WHERE conversation = ?1 AND user IN "
             "(SELECT user FROM member WHERE conversation = ?1 LIMIT 500)"},
            {&tombstones_.remove, "DELETE FROM conversation WHERE row = ?"},
        });
}

Result<bool> Purge::entries_due(std::uint64_t now_ms, bool full) {
    {
        Rows rows = any_.rows();
        const bool any = rows.next();
        if (auto good = rows.error(); !good) return no_answer(good.error());
        if (!any) return false;
    }
    upto_row_ = INT64_MAX;
    if (!full) {
        const auto upto = backend_.had_by_hooks(now_ms);
        if (!upto) return no_answer(upto.error());
        upto_row_ = *upto;
    }
    Rows rows = next_.rows(upto_row_);
    const bool due = rows.next();
    if (auto good = rows.error(); !good) return no_answer(good.error());
    return due;
}

Result<bool> Purge::due(std::uint64_t now_ms, bool full) {
    if (const auto entries = entries_due(now_ms, full); !entries || *entries) return entries;
    if (now_ms < look_at_ms_) return false;
    Rows rows = tombstones_.old.rows(now_ms - std::min(now_ms, kTombstoneMs));
    if (rows.next()) return true;
    if (auto good = rows.error(); !good) return no_answer(good.error());
    look_at_ms_ = now_ms + kTombstonesEveryMs;
    return false;
}

Result<> Purge::run_part() {
    Row conversation = 0;
    std::uint64_t upto = 0;
    std::uint64_t row = 0;
    {
        Rows rows = next_.rows(upto_row_);
        if (rows.next()) {
            conversation = rows.number(0);
            upto = rows.number(1);
            row = rows.number(2);
        }
        if (auto good = rows.error(); !good) return good;
    }
    // The newest rows of the log may go: their numbers are never given again.
    if (auto good = save_stamp_.run(transaction_.stamp); !good) return good;
    if (conversation == 0) return tombstone();
    if (auto good = note_purged_.run(row); !good) return good;
    return entries(conversation, upto);
}

Result<> Purge::entries(Row conversation, std::uint64_t upto) {
    std::vector<Block> blocks;
    {
        Rows rows = blocks_.rows(conversation, upto, kBlocks);
        while (rows.next())
            if (!Block::decode(rows.number(0), rows.bytes(1), blocks.emplace_back())) return errc::store_damaged;
        if (auto good = rows.error(); !good) return good;
    }
    std::uint64_t bytes = 0;
    for (const Block& block : blocks) {
        for (std::uint64_t offset = block.first(); offset < block.end() && offset <= upto; ++offset) {
            const auto removed = entry(conversation, offset, block.row_of(offset));
            if (!removed) return removed.error();
            bytes += *removed;
        }
        if (block.end() > upto + 1) continue;
        if (auto good = delete_block_.run(conversation, block.first()); !good) return good;
    }
    const auto state = log_.state_of(conversation);
    if (!state) return state.error();
    if (*state != nullptr) {
        (*state)->head.bytes -= std::min((*state)->head.bytes, bytes);
        Block& newest = (*state)->block;
        if (newest.end() <= upto + 1) newest = Block(newest.end());  // its row is gone
        if (auto good = log_.write_state(conversation); !good) return good;
    }
    return blocks.size() < kBlocks ? done_.run(conversation) : Result<>();
}

Result<std::uint64_t> Purge::entry(Row conversation, std::uint64_t offset, std::uint64_t row) {
    std::uint64_t sender = 0;
    std::uint64_t bytes = 0;
    {
        Rows rows = entry_.rows(row);
        const bool there = rows.next();
        if (auto good = rows.error(); !good) return good.error();
        if (!there) return std::uint64_t{0};
        sender = rows.number(0);
        bytes = rows.number(1);
        id_ = rows.bytes(2);
    }
    if (auto good = delete_id_.run(std::string_view(id_), conversation, sender); !good) return good.error();
    if (auto good = delete_mentions_.run(conversation, offset); !good) return good.error();
    if (auto good = reactions_.forget(conversation, offset); !good) return good.error();
    if (auto good = delete_entry_.run(row); !good) return good.error();
    return bytes;
}

Result<> Purge::tombstone() {
    Row conversation = 0;
    std::uint64_t stamp = 0;
    {
        Rows rows = tombstones_.old.rows(transaction_.now_ms - std::min(transaction_.now_ms, kTombstoneMs));
        if (rows.next()) {
            conversation = rows.number(0);
            stamp = rows.number(1);
        }
        if (auto good = rows.error(); !good) return good;
    }
    if (conversation == 0) return {};
    // Whoever knows less than that hears no more that it is gone.
    if (auto good = tombstones_.note_forgotten.run(stamp); !good) return good;
    if (auto good = tombstones_.delete_members.run(conversation); !good) return good;
    return database_.changes() > 0 ? Result<>() : tombstones_.remove.run(conversation);
}

}  // namespace flare::store::sqlite
