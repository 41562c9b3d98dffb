#include "store/sqlite/push_writer.hpp"

#include "store/rules.hpp"

#include <cstdint>

namespace flare::store::sqlite {

Result<> PushWriter::prepare() {
    return sqlite::prepare(
        database_,
        {
            {&stamp_, "UPDATE meta SET value = ? WHERE name = 'stamp'"},
            {&take_, "DELETE FROM push_device WHERE token = ? AND service = ? AND app = ?"},
            {&put_, "REPLACE INTO push_device(user, device, service, token, app, stamp) VALUES(?, ?, ?, ?, ?, ?)"},
            {&drop_first_,
             "DELETE FROM push_device WHERE user = ?1 AND device IN (SELECT device FROM push_device WHERE user = ?1 "
             "ORDER BY stamp DESC LIMIT -1 OFFSET ?2)"},
            {&remove_, "DELETE FROM push_device WHERE user = ? AND device = ?"},
            {&remove_all_, "DELETE FROM push_device WHERE user = ?"},
        });
}

Result<> PushWriter::change(const PushChange& change, Outcome& outcome) {
    outcome = {};
    outcome.row = change.user;
    if (change.token.empty()) return remove(change, outcome);
    if (transaction_.full) {
        outcome.code = errc::storage_full;
        return {};
    }
    if (auto good = stamp_.run(++transaction_.stamp); !good) return good;
    outcome.stamp = transaction_.stamp;
    return put(change);
}

Result<> PushWriter::put(const PushChange& change) {
    const Text device{change.device};
    const Text service{change.service};
    const Text token{change.token};
    const Text app{change.app};
    if (auto good = take_.run(token, service, app); !good) return good;
    if (auto good = put_.run(change.user, device, service, token, app, transaction_.stamp); !good) return good;
    return drop_first_.run(change.user, std::uint64_t{kMostPushDevices});
}

Result<> PushWriter::remove(const PushChange& change, Outcome& outcome) {
    const auto done =
        change.device.empty() ? remove_all_.run(change.user) : remove_.run(change.user, Text{change.device});
    outcome.repeat = database_.changes() == 0;
    return done;
}

}  // namespace flare::store::sqlite
