// Reads how far members have come, and who has read an entry.
//
// A page of readers goes through the members in their order, and stops when it is full: of an entry that many have
// read, soon. If 4,096 members have not filled it, few have read the entry, and the index finds them without the
// others.
//
// Protocol: docs/store.md, "Marks".
// Threads:  one at a time.
// Owner:    SqliteReader.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"

#include <cstdint>
#include <vector>

namespace flare::store::sqlite {

class MarkReader {
public:
    Result<> prepare(Database& database);
    // Each in a snapshot of its reader.
    Result<std::vector<MemberMark>> marks(Row conversation, Row after, std::uint32_t limit);
    Result<EntryReaders> readers(const ReadersRequest& request);

private:
    static constexpr std::uint32_t kInOrder = 4096;

    Result<> count(const ReadersRequest& request, EntryReaders& readers);

    Statement marks_, readers_, count_;
};

}  // namespace flare::store::sqlite
