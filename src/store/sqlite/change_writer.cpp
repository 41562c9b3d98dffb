#include "store/sqlite/change_writer.hpp"

#include "store/rules.hpp"

#include <algorithm>
#include <utility>

namespace flare::store::sqlite {
namespace {

std::uint64_t number_of(model::Join join) noexcept { return static_cast<std::uint64_t>(join); }
std::uint64_t number_of(model::Visibility visibility) noexcept { return static_cast<std::uint64_t>(visibility); }
std::uint64_t number_of(model::Role role) noexcept { return static_cast<std::uint64_t>(role); }

}  // namespace

Result<> ChangeWriter::prepare() {
    return sqlite::prepare(
        database_,
        {
            {&find_, "SELECT row FROM conversation WHERE key = ? AND removed_ms = 0"},
            {&create_,
             "INSERT INTO conversation(key, created_ms, title, open_to_join, visibility, max_payload_bytes, "
             "slow_mode_ms, "
             "frozen, members, removed_ms, first, last, messages, first_n, bytes, last_ms, pruned_ms, stamp) "
             "VALUES(?1, ?2, '', 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, max(?3, (SELECT coalesce(max(removed_ms), 0) "
             "FROM conversation WHERE key = ?1 AND removed_ms <> 0)), 0)"},
            {&configure_,
             "UPDATE conversation SET title = ?2, open_to_join = ?3, visibility = ?4, max_payload_bytes = ?5, "
             "slow_mode_ms = ?6, frozen = ?7 WHERE row = ?1"},
            {&remove_, "UPDATE conversation SET removed_ms = ?2 WHERE row = ?1"},
            {&count_members_, "UPDATE conversation SET members = members + ?2 - ?3 WHERE row = ?1"},
            {&role_, "SELECT role FROM member WHERE conversation = ? AND user = ?"},
            {&put_member_,
             "INSERT INTO member(conversation, user, role, joined_at, left_at, visible_from, muted_until, "
             "banned_until, "
             "blocks, stamp, read_offset, read_n, invited_by, invited_ms) "
             "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?15, ?16) "
             "ON CONFLICT(conversation, user) DO UPDATE SET "
             "role = ?3, joined_at = ?4, left_at = ?5, visible_from = ?6, muted_until = ?7, banned_until = ?8, "
             "blocks = ?9, stamp = ?10, read_n = iif(?11 > read_offset, ?12, read_n), "
             "read_offset = max(read_offset, ?11), unread_from = iif(?13, 0, unread_from), "
             "notify = iif(?14, 0, notify), wakes_from = iif(?14, 0, wakes_from), pinned = iif(?14, 0, pinned), "
             "hidden = iif(?14, 0, hidden), cleared_to = iif(?14, 0, cleared_to), "
             "invited_by = ?15, invited_ms = ?16"},
            {&find_marks_,
             "SELECT role, read_offset, read_n, stamp, delivered_offset, unread_from FROM member "
             "WHERE conversation = ? AND user = ?"},
            {&put_mark_,
             "UPDATE member SET read_offset = ?3, read_n = ?4, unread_from = ?5, stamp = ?6 "
             "WHERE conversation = ?1 AND user = ?2"},
            {&put_delivered_, "UPDATE member SET delivered_offset = ?3 WHERE conversation = ?1 AND user = ?2"},
            {&entry_, "SELECT log.time_ms, log.n FROM log WHERE log.row = ?"},
            {&purge_,
             "INSERT INTO purge(conversation, upto, row) VALUES(?1, ?2, ?3) ON CONFLICT(conversation) DO UPDATE SET "
             "upto = ?2, "
             "row = ?3"},
            {&stamp_, "UPDATE meta SET value = ? WHERE name = 'stamp'"},
            {&find_user_, "SELECT row FROM user WHERE name = ?"},
            {&add_user_, "INSERT INTO user(name, created_ms) VALUES(?, ?)"},
        });
}

Result<> ChangeWriter::change(const WriteBatch& batch, const Change& change, Outcome& outcome) {
    outcome = {};
    const auto admitted = admit(change, outcome);
    if (!admitted) return admitted.error();
    if (!*admitted) return {};
    Row conversation = change.conversation;
    if (conversation == 0) {
        const auto made = create(change);
        if (!made) return made.error();
        conversation = *made;
    }
    if (change.entry) {
        NewEntry entry = *change.entry;
        entry.conversation = conversation;
        if (change.conversation == 0) entry.first_sent_ms = 0;  // it is older than the log that it makes
        if (auto good = log_.append(batch, entry, outcome); !good) return good;
        if (outcome.code != errc::ok || outcome.repeat) return {};
    } else if (auto good = next_stamp(); !good) {
        return good;
    }
    if (change.config) {
        if (auto good = configure(conversation, *change.config); !good) return good;
        const auto state = log_.state_of(conversation);  // also of one that was not in memory
        if (!state) return state.error();
        heads_.reshaped(conversation);
    }
    if (auto good = put_members(conversation, change, transaction_.stamp); !good) return good;
    const auto state = log_.state_of(conversation);
    if (!state) return state.error();
    const std::uint64_t keep_from = change.removed ? (*state)->head.last.offset + 1 : change.keep_from;
    outcome.row = conversation;
    outcome.stamp = transaction_.stamp;
    if (!change.entry) outcome.position.epoch = (*state)->head.last.epoch;
    if (auto good = cut(conversation, keep_from); !good) return good;
    return change.removed ? remove(conversation) : Result<>();
}

Result<bool> ChangeWriter::admit(const Change& change, Outcome& outcome) {
    Row conversation = change.conversation;
    if (conversation == 0 && !change.key.empty()) {
        Rows rows = find_.rows(Text{change.key.text()});
        if (rows.next()) conversation = rows.number(0);
        if (auto good = rows.error(); !good) return no_answer(good.error());
    }
    const bool makes_room = change.removed || change.keep_from != 0;
    const bool is_made = conversation == 0 && !change.key.empty();
    if (!is_made) {
        const auto state = log_.state_of(conversation);
        if (!state) return no_answer(state.error());
        outcome.row = *state == nullptr ? 0 : conversation;
        if (*state != nullptr && change.entry) {
            NewEntry entry = *change.entry;
            entry.conversation = conversation;
            const auto known = log_.answer_known(entry, outcome);
            if (!known) return no_answer(known.error());
            if (*known) return false;
        }
        if (*state == nullptr || (*state)->removed)
            outcome.code = errc::unknown_conversation;
        else if (change.conversation == 0)
            outcome.code = errc::conversation_exists;
    }
    if (outcome.code == errc::ok && transaction_.full && !makes_room) outcome.code = errc::storage_full;
    return outcome.code == errc::ok;
}

Result<Row> ChangeWriter::create(const Change& change) {
    if (auto good = create_.run(Text{change.key.text()}, transaction_.now_ms, oldest_remembered(transaction_.now_ms));
        !good)
        return good.error();
    const Row conversation = database_.last_row();
    if (!change.config)
        if (auto good = configure(conversation, {}); !good) return good.error();
    return conversation;
}

Result<> ChangeWriter::configure(Row conversation, const model::Config& config) {
    return configure_.run(conversation, Text{config.title}, number_of(config.join), number_of(config.visibility),
                          std::uint64_t{config.max_payload_bytes}, std::uint64_t{config.slow_mode_ms},
                          std::uint64_t{config.frozen});
}

Result<> ChangeWriter::put_members(Row conversation, const Change& change, std::uint64_t stamp) {
    if (change.members.empty()) return {};
    const auto state = log_.state_of(conversation);
    if (!state) return state.error();
    const model::Head& head = (*state)->head;
    const std::uint64_t from = head.last.offset + (change.entry ? 0 : 1);
    const bool is_made = change.conversation == 0;
    std::uint64_t came = 0;
    std::uint64_t went = 0;
    for (const model::Member& member : change.members) {
        bool was = false;
        {
            Rows rows = role_.rows(conversation, member.user);
            if (rows.next()) was = rows.number(0) != number_of(model::Role::none);
            if (auto good = rows.error(); !good) return good.error();
        }
        const bool is = member.role != model::Role::none;
        came += is && !was;
        went += was && !is;
        const std::uint64_t visible_from = member.visible_from == 0 ? from : member.visible_from;
        const bool joins = is && !was && !is_made;
        if (auto good =
                put_member_.run(conversation, member.user, number_of(member.role), member.joined_at, member.left_at,
                                visible_from, member.muted_until, member.banned_until, std::uint64_t{member.blocks},
                                stamp, joins ? head.last.offset : 0, joins ? head.messages : 0, std::uint64_t{joins},
                                std::uint64_t{is != was}, member.invited_by, member.invited_ms);
            !good)
            return good;
    }
    heads_.reshaped(conversation);
    return count_members_.run(conversation, came, went);
}

Result<> ChangeWriter::mark(const Mark& mark, Outcome& outcome) {
    outcome = {};
    const auto found = log_.state_of(mark.conversation);
    if (!found) return found.error();
    const LogState* const state = *found;
    bool is_member = false;
    MemberMarks before;
    if (state != nullptr && !state->removed) {
        Rows rows = find_marks_.rows(mark.conversation, mark.user);
        if (rows.next()) {
            is_member = rows.number(0) != number_of(model::Role::none);
            before = {{rows.number(1), rows.number(2), rows.number(5)}, rows.number(4)};
            outcome.stamp = rows.number(3);
        }
        if (auto good = rows.error(); !good) return good;
    }
    if (!is_member) {
        outcome = {};
        outcome.code = errc::unknown_conversation;
        return {};
    }
    MemberMarks now = marked(before, mark, state->head.last.offset);
    if (now != before && transaction_.full) {
        outcome = {};
        outcome.code = errc::storage_full;
        return {};
    }
    if (now.read.offset != before.read.offset) {
        const auto messages = messages_at(mark.conversation, *state, now.read.offset);
        if (!messages) return messages.error();
        now.read.messages = *messages;
    }
    outcome.row = mark.conversation;
    outcome.position = {state->head.last.epoch, now.read.offset};
    outcome.messages = now.read.messages;
    outcome.delivered = now.has();
    outcome.unread_from = now.read.unread_from;
    outcome.repeat = now == before;
    if (now.delivered != before.delivered) return put_delivered_.run(mark.conversation, mark.user, now.delivered);
    if (outcome.repeat) return {};
    if (auto good = next_stamp(); !good) return good;
    outcome.stamp = transaction_.stamp;
    return put_mark_.run(mark.conversation, mark.user, now.read.offset, now.read.messages, now.read.unread_from,
                         outcome.stamp);
}

Result<std::uint64_t> ChangeWriter::messages_at(Row conversation, const LogState& state, std::uint64_t offset) {
    if (offset == state.head.last.offset) return state.head.messages;
    if (offset < state.head.first) return state.first_n;
    const auto row = log_.row_of(conversation, state, offset);
    if (!row) return row.error();
    Rows rows = entry_.rows(*row);
    if (rows.next()) return rows.number(1);
    if (auto good = rows.error(); !good) return good.error();
    return errc::store_damaged;
}

Result<> ChangeWriter::cut(Row conversation, std::uint64_t keep_from) {
    const auto found = log_.state_of(conversation);
    if (!found) return found.error();
    LogState& state = **found;
    const std::uint64_t first = std::min(keep_from, state.head.last.offset + 1);
    if (first <= state.head.first) return {};
    const auto row = log_.row_of(conversation, state, first - 1);
    if (!row) return row.error();
    {
        Rows rows = entry_.rows(*row);
        const bool there = rows.next();
        if (auto good = rows.error(); !good) return good.error();
        if (!there) return errc::store_damaged;
        state.pruned_ms = std::max(state.pruned_ms, rows.number(0));
        state.first_n = rows.number(1);
    }
    state.head.first = first;
    heads_.changed(conversation);
    if (auto good = log_.write_state(conversation); !good) return good;
    return purge_.run(conversation, first - 1, *row);
}

Result<> ChangeWriter::remove(Row conversation) {
    const auto state = log_.state_of(conversation);
    if (!state) return state.error();
    (*state)->removed = true;
    (*state)->head.stamp = transaction_.stamp;  // lists tell it, also where no entry does
    heads_.changed(conversation);
    heads_.reshaped(conversation);
    if (auto good = remove_.run(conversation, std::max<std::uint64_t>(transaction_.now_ms, 1)); !good) return good;
    return log_.write_state(conversation);
}

Result<> ChangeWriter::next_stamp() { return stamp_.run(++transaction_.stamp); }

Result<> ChangeWriter::add_user(const NewUser& user, Outcome& outcome) {
    outcome = {};
    {
        Rows rows = find_user_.rows(Text{user.name});
        if (rows.next()) {
            outcome.row = rows.number(0);
            outcome.repeat = true;
        }
        if (auto good = rows.error(); !good) return good.error();
    }
    if (outcome.repeat) return {};
    if (transaction_.full) {
        outcome.code = errc::storage_full;
        return {};
    }
    if (auto good = add_user_.run(Text{user.name}, transaction_.now_ms); !good) return good;
    outcome.row = database_.last_row();
    return {};
}

}  // namespace flare::store::sqlite
