// Reactions to messages: who has given which, and how many users there are of each.
//
// Protocol: docs/store.md, "The file"; docs/conversations.md, "Changes".
// Threads:  one at a time.
// Owner:    ReactionWriter: LogWriter and Purge; ReactionReader: SqliteReader.
#pragma once

#include "store/engine.hpp"
#include "store/sqlite/database.hpp"

#include <cstdint>
#include <string_view>

namespace flare::store::sqlite {

// Within a transaction of the engine.
class ReactionWriter {
public:
    struct Given {
        std::uint64_t offset = 0;  // of the message
        std::string_view key{};
        Row user = 0;
        bool taken_back = false;
    };

    explicit ReactionWriter(Database& database) : database_(database) {}

    Result<> prepare();
    // False: it is so already. Errors: too_many_reactions.
    Result<bool> changes(const Given& given, Row conversation);
    // `at`: the offset of its entry. Precondition: changes().
    Result<> apply(const Given& given, Row conversation, std::uint64_t at);
    // All to that message.
    Result<> forget(Row conversation, std::uint64_t offset);

private:
    Database& database_;
    Statement has_, keys_, own_;
    Statement give_, take_, count_up_, count_down_, drop_count_;
    Statement forget_, forget_counts_;
};

class ReactionReader {
public:
    Result<> prepare(Database& database);
    // To the messages of the page; in the snapshot that it was read in.
    Result<> add_to(Page& page, Row conversation, Row reader);

private:
    Statement counts_, own_;
};

}  // namespace flare::store::sqlite
