// Reads what is kept of users beside their memberships: who is banned, invited or blocked, and which devices
// take pushes.
//
// Protocol: docs/store.md, "The file".
// Threads:  one at a time.
// Owner:    SqliteReader.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace flare::store::sqlite {

class PeopleReader {
public:
    Result<> prepare(Database& database);

    // As in Reader; in a snapshot.
    Result<std::vector<model::Member>> bans(Row conversation, Row after, std::uint32_t limit, std::uint64_t now_ms);
    Result<std::vector<model::Member>> invitations(Row conversation, Row after, std::uint32_t limit);
    Result<std::uint32_t> count_invitations(Row user, std::uint32_t most);
    Result<std::vector<Row>> blocks(Row user, Row after, std::uint32_t limit);
    Result<std::vector<PushDevice>> push_devices(Row user);
    // The user, if it does.
    Result<std::optional<Row>> awaits_push(Row conversation, Row user, std::uint64_t offset, std::uint64_t now_ms);
    Result<std::vector<Row>> push_recipients(Row conversation, std::uint64_t offset, std::uint64_t now_ms,
                                             std::uint32_t limit);

private:
    Statement bans_, invited_, invitations_, blocks_, devices_, awaits_, recipients_;
};

}  // namespace flare::store::sqlite
