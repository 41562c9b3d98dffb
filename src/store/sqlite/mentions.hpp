// Whom messages mention: rows written with a message, within a transaction of the engine; and how they are read.
//
// A message that mentions all has one row, of the user 0: it costs the same however many members there are.
//
// Protocol: docs/store.md, "The file", "Mentions".
// Threads:  MentionWriter: the engine's; MentionReader: its reader's.
// Owner:    LogWriter; SqliteReader.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"

#include <cstdint>
#include <vector>

namespace flare::store::sqlite {

class MentionWriter {
public:
    explicit MentionWriter(Database& database) : database_(database) {}

    Result<> prepare();
    // Of a message at this offset. Outcome::mentions says who is a member.
    Result<> write(const NewEntry& entry, std::uint64_t offset, Outcome& outcome);
    // Of one that is in the log already: the same.
    Result<> read(const NewEntry& entry, std::uint64_t offset, Outcome& outcome);
    // The message is deleted.
    Result<> forget(Row conversation, std::uint64_t offset) { return forget_.run(conversation, offset); }

private:
    Database& database_;
    Statement put_, put_all_, read_, forget_;
};

class MentionReader {
public:
    Result<> prepare(Database& database);
    // Fills in Entry::mentions.
    Result<> add_to(Entry& entry, Row conversation);
    // Offsets from `first` to `last` of what mentions the user or all, the newest first, each once.
    Result<std::vector<std::uint64_t>> of_user(Row user, Row conversation, std::uint64_t first, std::uint64_t last,
                                               std::uint32_t most);

private:
    Statement of_entry_, of_user_;
};

}  // namespace flare::store::sqlite
