// Reads the list of a user's conversations: chooses by stamps alone, which is quick for thousands of conversations, and
// reads the rest of the few that are chosen.
//
// Protocol: docs/store.md, "Listing".
// Threads:  its reader's.
// Owner:    SqliteReader, for one call.
#pragma once

#include "store/engine.hpp"
#include "store/listing.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/head_table.hpp"
#include "store/sqlite/shared.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace flare::store::sqlite {

struct ListStatements {
    Result<> prepare(Database& database);

    Statement members, log, conversation, member, forgotten;
};

// Its functions are called in this order, each read_...() in a snapshot of its own: what is in memory is looked up
// before the snapshot begins in which the rows are read that it may be ahead of. Else a head could be written in
// between and be neither here nor there.
class Listing {
public:
    // committed: the last stamp.
    Listing(Shared& shared, ListStatements& statements, const ListRequest& request, std::uint64_t committed)
        : shared_(shared), statements_(statements), request_(request), committed_(committed) {}

    Result<> read_members();
    // True: read_logs() has something to do.
    bool look_up_logs();
    Result<> read_logs();
    // True: the page has to be read; else everything of it is in memory.
    bool choose();
    Result<ListPage> read_page();

private:
    struct Membership {
        std::uint64_t stamp = 0;
        model::Role role = model::Role::none;
        bool invited = false;
        std::uint64_t visible_from = 0;  // if the rest was asked for
    };

    Result<> read_found(std::vector<Listed>& to);
    Result<> read_rest(ListPage& page);
    bool has_moved_on(const model::Head& head) const noexcept;
    // False: there is none.
    Result<bool> read_member(Row conversation, Listed& to);
    // The n-th of those that are chosen. False: its row is no more.
    Result<bool> read_conversation(std::size_t nth, const Candidate& chosen, Conversation& to);

    Shared& shared_;
    ListStatements& statements_;
    const ListRequest& request_;
    const std::uint64_t committed_;
    std::uint64_t forgotten_ = 0;
    // Of the conversations of the user, each at the same place.
    std::vector<Row> rows_{};
    std::vector<Membership> members_{};
    std::vector<LogStamp> logs_{};
    std::optional<ListChoice> choice_{};
    std::vector<HeadTable::Known> known_{};  // of those that are chosen
};

}  // namespace flare::store::sqlite
