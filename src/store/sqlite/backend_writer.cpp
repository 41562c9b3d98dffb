#include "store/sqlite/backend_writer.hpp"

#include "store/rules.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace flare::store::sqlite {
namespace {

// Of a statement whose only row has one number. Nothing: it has no row.
Result<std::optional<std::uint64_t>> number_of(Rows rows) {
    std::optional<std::uint64_t> value;
    if (rows.next()) value = rows.number(0);
    if (auto good = rows.error(); !good) return good.error();
    return value;
}

std::uint64_t too_old(std::uint64_t now_ms) noexcept { return now_ms - std::min(now_ms, kAnswersKeptMs); }

}  // namespace

Result<> BackendWriter::prepare() {
    return sqlite::prepare(
        database_,
        {
            {&place_, "SELECT place, paused FROM hook WHERE name = ?"},
            {&put_, "REPLACE INTO hook(name, place, paused) VALUES(?, ?, ?)"},
            {&hooks_, "SELECT count(*) FROM hook"},
            {&remove_, "DELETE FROM hook WHERE name = ?"},
            {&places_, "SELECT place FROM hook"},
            {&time_, "SELECT time_ms FROM log WHERE row > ? ORDER BY row LIMIT 1"},
            {&forget_, "DELETE FROM kept_answer WHERE key = ? AND made_ms < ?"},
            {&keep_,
             "INSERT OR IGNORE INTO kept_answer(key, asked, status, content_type, body, made_ms) VALUES(?, ?, ?, ?, ?, "
             "?)"},
            {&drop_beyond_, "DELETE FROM kept_answer WHERE row <= (SELECT max(row) FROM kept_answer) - ?"},
            {&oldest_, "SELECT made_ms FROM kept_answer ORDER BY row LIMIT 1"},
            {&drop_old_,
             "DELETE FROM kept_answer WHERE row IN (SELECT row FROM kept_answer ORDER BY row LIMIT 500) AND made_ms < "
             "?"},
        });
}

Result<> BackendWriter::write(const HookMark& mark, Outcome& outcome) {
    outcome = {};
    if (mark.removed) {
        const auto done = remove_.run(Text{mark.name});
        outcome.repeat = database_.changes() == 0;
        return done;
    }
    std::optional<HookMark> before;
    {
        Rows rows = place_.rows(Text{mark.name});
        if (rows.next()) before = HookMark{mark.name, rows.number(0), false, false, rows.number(1) != 0};
        if (auto good = rows.error(); !good) return good;
    }
    if (!before) {
        const auto hooks = number_of(hooks_.rows());
        if (!hooks) return hooks.error();
        if (**hooks >= kMostHooks) outcome.code = errc::invalid_config;
        if (outcome.code != errc::ok) return {};
    }
    const HookMark now = moved(before, mark);
    outcome.repeat = before == now;
    return outcome.repeat ? Result<>() : put_.run(Text{mark.name}, now.place, std::uint64_t{*now.paused});
}

Result<> BackendWriter::write(const KeptAnswer& answer, Outcome& outcome) {
    outcome = {};
    if (transaction_.full) {
        outcome.code = errc::storage_full;
        return {};
    }
    // One that is too old is none.
    if (auto good = forget_.run(std::string_view(answer.key), too_old(transaction_.now_ms)); !good) return good;
    const auto kept =
        keep_.run(std::string_view(answer.key), std::string_view(answer.asked), std::uint64_t{answer.status},
                  Text{answer.content_type}, std::string_view(answer.body), transaction_.now_ms);
    outcome.repeat = database_.changes() == 0;
    if (!kept || outcome.repeat) return kept;
    return drop_beyond_.run(kMostKeptAnswers);
}

Result<std::uint64_t> BackendWriter::had_by_hooks(std::uint64_t now_ms) {
    std::vector<std::uint64_t> places;
    {
        Rows rows = places_.rows();
        while (rows.next()) places.push_back(rows.number(0));
        if (auto good = rows.error(); !good) return good.error();
    }
    std::uint64_t upto = INT64_MAX;
    for (const std::uint64_t place : places) {
        if (place >= upto) continue;
        const auto time = number_of(time_.rows(place));
        if (!time) return time.error();
        if (*time && **time + kHeldForHooksMs >= now_ms) upto = place;
    }
    return upto;
}

Result<bool> BackendWriter::due(std::uint64_t now_ms) {
    const auto oldest = number_of(oldest_.rows());
    if (!oldest) return no_answer(oldest.error());
    return *oldest && **oldest < too_old(now_ms);
}

Result<> BackendWriter::drop_old_answers() { return drop_old_.run(too_old(transaction_.now_ms)); }

}  // namespace flare::store::sqlite
