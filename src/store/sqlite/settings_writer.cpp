#include "store/sqlite/settings_writer.hpp"

#include "store/rules.hpp"
#include "store/sqlite/columns.hpp"

#include <optional>

namespace flare::store::sqlite {

Result<> SettingsWriter::prepare() {
    return sqlite::prepare(
        database_,
        {
            {&find_, "SELECT " FLARE_STANDING_COLUMNS ", stamp FROM member WHERE conversation = ? AND user = ?"},
            {&put_,
             "UPDATE member SET notify = ?3, wakes_from = ?4, pinned = ?5, hidden = ?6, cleared_to = ?7, "
             "unread_from = ?8, stamp = ?9 WHERE conversation = ?1 AND user = ?2"},
            {&has_any_,
             "SELECT 1 FROM member INDEXED BY member_user WHERE user = ? AND (notify <> 0 OR wakes_from <> 0 OR "
             "pinned <> 0 OR hidden <> 0 OR cleared_to <> 0) LIMIT 1"},
            {&forget_,
             "UPDATE member SET notify = 0, wakes_from = 0, pinned = 0, hidden = 0, cleared_to = 0, stamp = ?2 WHERE "
             "user = ?1 AND (notify <> 0 OR wakes_from <> 0 OR pinned <> 0 OR hidden <> 0 OR cleared_to <> 0)"},
            {&stamp_, "UPDATE meta SET value = ? WHERE name = 'stamp'"},
        });
}

Result<> SettingsWriter::change(const SettingsChange& change, Outcome& outcome) {
    outcome = {};
    outcome.code = errc::unknown_conversation;
    const auto found = log_.state_of(change.conversation);
    if (!found) return found.error();
    const LogState* const state = *found;
    if (state == nullptr || state->removed) return {};
    Standing before;
    std::uint64_t stamp = 0;
    {
        Rows rows = find_.rows(change.conversation, change.user);
        if (rows.next()) {
            before = standing_of(rows);
            stamp = rows.number(kStandingColumns);
        }
        if (auto good = rows.error(); !good) return good;
    }
    if (before.member.role == model::Role::none) return {};
    const model::Settings settings = chosen(before.settings, change, state->head);
    outcome.repeat = settings == before.settings;
    outcome.code = !outcome.repeat && transaction_.full ? errc::storage_full : errc::ok;
    if (outcome.code != errc::ok) return {};
    if (!outcome.repeat) {
        if (auto good = next_stamp(); !good) return good;
        stamp = transaction_.stamp;
        const bool clears = settings.cleared_to != before.settings.cleared_to;
        const model::ReadMark mark = clears ? cleared(before.mark, settings.cleared_to) : before.mark;
        if (auto good = put_.run(change.conversation, change.user, static_cast<std::uint64_t>(settings.notify),
                                 settings.muted_until, settings.pinned, settings.hidden_below, settings.cleared_to,
                                 mark.unread_from, stamp);
            !good)
            return good;
    }
    outcome.row = change.conversation;
    outcome.position = {state->head.last.epoch, settings.cleared_to};
    outcome.stamp = stamp;
    return {};
}

Result<> SettingsWriter::forget(Row user) {
    {
        Rows rows = has_any_.rows(user);
        const bool any = rows.next();
        if (auto good = rows.error(); !good || !any) return good;
    }
    if (auto good = next_stamp(); !good) return good;
    return forget_.run(user, transaction_.stamp);
}

Result<> SettingsWriter::next_stamp() { return stamp_.run(++transaction_.stamp); }

}  // namespace flare::store::sqlite
