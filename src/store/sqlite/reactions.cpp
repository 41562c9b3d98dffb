#include "store/sqlite/reactions.hpp"

#include "store/rules.hpp"

#include <algorithm>

namespace flare::store::sqlite {
namespace {

Result<std::uint64_t> first_number(Rows rows) {
    const std::uint64_t value = rows.next() ? rows.number(0) : 0;
    if (auto good = rows.error(); !good) return good.error();
    return value;
}

}  // namespace

// ---- writing ----

Result<> ReactionWriter::prepare() {
    return sqlite::prepare(
        database_,
        {
            {&has_, "SELECT count(*) FROM reaction WHERE conversation = ? AND offset = ? AND key = ? AND user = ?"},
            {&keys_,
             "SELECT count(*) FROM reaction_count WHERE conversation = ?1 AND offset = ?2 AND NOT EXISTS (SELECT 1 "
             "FROM reaction_count WHERE conversation = ?1 AND offset = ?2 AND key = ?3)"},
            // By the keys, of which there are few: users may be as many as members.
            {&own_,
             "SELECT count(*) FROM reaction_count AS counted CROSS JOIN reaction ON reaction.conversation = "
             "counted.conversation AND reaction.offset = counted.offset AND reaction.key = counted.key AND "
             "reaction.user = ?3 WHERE counted.conversation = ?1 AND counted.offset = ?2"},
            {&give_, "INSERT INTO reaction(conversation, offset, key, user) VALUES(?, ?, ?, ?)"},
            {&take_, "DELETE FROM reaction WHERE conversation = ? AND offset = ? AND key = ? AND user = ?"},
            {&count_up_,
             "INSERT INTO reaction_count(conversation, offset, key, users, rev) VALUES(?1, ?2, ?3, 1, ?4) ON "
             "CONFLICT(conversation, offset, key) DO UPDATE SET users = users + 1, rev = ?4"},
            {&count_down_,
             "UPDATE reaction_count SET users = users - 1, rev = ?4 WHERE conversation = ?1 AND offset = ?2 AND key = "
             "?3"},
            {&drop_count_,
             "DELETE FROM reaction_count WHERE conversation = ?1 AND offset = ?2 AND key = ?3 AND users = 0"},
            {&forget_, "DELETE FROM reaction WHERE conversation = ? AND offset = ?"},
            {&forget_counts_, "DELETE FROM reaction_count WHERE conversation = ? AND offset = ?"},
        });
}

Result<bool> ReactionWriter::changes(const Given& given, Row conversation) {
    const auto has = first_number(has_.rows(conversation, given.offset, Text{given.key}, given.user));
    if (!has) return no_answer(has.error());
    if (given.taken_back || *has != 0) return given.taken_back == (*has != 0);
    const auto others = first_number(keys_.rows(conversation, given.offset, Text{given.key}));
    if (!others) return no_answer(others.error());
    const auto own = first_number(own_.rows(conversation, given.offset, given.user));
    if (!own) return no_answer(own.error());
    if (*others >= kMostReactionKeys || *own >= kMostOwnReactions)
        return no_answer(make_error_code(errc::too_many_reactions));
    return true;
}

Result<> ReactionWriter::apply(const Given& given, Row conversation, std::uint64_t at) {
    const Text key{given.key};
    if (!given.taken_back) {
        if (auto good = give_.run(conversation, given.offset, key, given.user); !good) return good;
        return count_up_.run(conversation, given.offset, key, at);
    }
    if (auto good = take_.run(conversation, given.offset, key, given.user); !good) return good;
    if (auto good = count_down_.run(conversation, given.offset, key, at); !good) return good;
    return drop_count_.run(conversation, given.offset, key);
}

Result<> ReactionWriter::forget(Row conversation, std::uint64_t offset) {
    if (auto good = forget_counts_.run(conversation, offset); !good) return good;
    return database_.changes() == 0 ? Result<>() : forget_.run(conversation, offset);
}

// ---- reading ----

Result<> ReactionReader::prepare(Database& database) {
    return sqlite::prepare(
        database,
        {
            {&counts_,
             "SELECT offset, key, users, rev FROM reaction_count WHERE conversation = ? AND offset BETWEEN ? AND ? "
             "ORDER BY offset, key"},
            {&own_, "SELECT 1 FROM reaction WHERE conversation = ? AND offset = ? AND key = ? AND user = ?"},
        });
}

Result<> ReactionReader::add_to(Page& page, Row conversation, Row reader) {
    if (page.entries.empty()) return {};
    for (Entry& each : page.entries)
        if (each.kind == model::EntryKind::message) each.reactions_upto = page.head.last.offset;
    auto entry = page.entries.begin();
    {
        Rows rows = counts_.rows(conversation, page.entries.front().offset, page.entries.back().offset);
        while (rows.next()) {
            while (entry != page.entries.end() && entry->offset < rows.number(0)) ++entry;
            if (entry == page.entries.end()) break;
            if (entry->offset != rows.number(0)) continue;  // removed meanwhile
            entry->reactions.push_back({std::string(rows.bytes(1)), rows.number(2), false});
            // The head may be of a moment before.
            entry->reactions_upto = std::max(entry->reactions_upto, rows.number(3));
        }
        if (auto good = rows.error(); !good) return good;
    }
    if (reader == 0) return {};
    for (Entry& each : page.entries) {
        for (Reaction& reaction : each.reactions) {
            Rows rows = own_.rows(conversation, each.offset, Text{reaction.key}, reader);
            reaction.own = rows.next();
            if (auto good = rows.error(); !good) return good;
        }
    }
    return {};
}

}  // namespace flare::store::sqlite
