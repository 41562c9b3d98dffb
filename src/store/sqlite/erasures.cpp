#include "store/sqlite/erasures.hpp"

namespace flare::store::sqlite {

Result<> Erasures::prepare() {
    return sqlite::prepare(database_, {
                                          {&put_,
                                           "INSERT INTO erasure(user, conversation) VALUES(?1, ?2) "
                                           "ON CONFLICT(user) DO UPDATE SET conversation = ?2"},
                                          {&done_, "DELETE FROM erasure WHERE user = ?"},
                                          {&delete_mentions_, "DELETE FROM mention WHERE user = ?"},
                                      });
}

// Also on a full disk: it makes room.
Result<> Erasures::write(const Erasure& erasure, Outcome& outcome) {
    outcome = {};
    outcome.row = erasure.user;
    if (!erasure.done) return put_.run(erasure.user, erasure.conversation);
    if (auto good = delete_mentions_.run(erasure.user); !good) return good;
    return done_.run(erasure.user);
}

}  // namespace flare::store::sqlite
