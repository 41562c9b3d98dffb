// Reads the list of a user's conversations: chooses by stamps alone, which is quick for thousands of conversations, and
// reads the rest of the few that are chosen.
//
// Protocol: docs/store.md, "Listing".
// Threads:  its reader's.
// Owner:    SqliteReader.
#pragma once

#include "store/engine.hpp"
#include "store/listing.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/head_table.hpp"
#include "store/sqlite/shared.hpp"

#include <cstdint>
#include <vector>

namespace flare::store::sqlite {

class Listing {
public:
    explicit Listing(Shared& shared) : shared_(shared) {}

    Result<> prepare(Database& database);
    void close() noexcept;

    // Notes what is ahead of the rows of the user's conversations. The snapshot in which page() reads begins after it:
    // else a head could be written in between, and be neither here nor there.
    Result<> look_ahead(Row user);
    // committed: the last stamp, before look_ahead().
    Result<ListPage> page(const ListRequest& request, std::uint64_t committed);

private:
    Result<> choose(Row user, ListChoice& choice);
    Result<> read_all(Row user, const std::vector<Candidate>& chosen, std::vector<Listed>& to);

    Shared& shared_;
    std::vector<Row> rows_{};                // of look_ahead()
    std::vector<HeadTable::Ahead> ahead_{};  // by row
    Statement conversations_, stamps_, listed_, forgotten_;
};

}  // namespace flare::store::sqlite
