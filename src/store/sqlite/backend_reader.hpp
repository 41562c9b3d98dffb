// Reads what the store's file has for back-ends.
//
// Protocol: docs/store.md, "For back-ends".
// Threads:  its reader's.
// Owner:    SqliteReader, whose connection it uses.
#pragma once

#include "store/backend_reader.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/shared.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace flare::store::sqlite {

class SqliteBackendReader final : public BackendReader {
public:
    SqliteBackendReader(Shared& shared, SqliteReader& reader) : shared_(shared), reader_(reader) {}

    Result<> prepare(Database& database);
    void close() noexcept {
        for (Statement* const each : {&log_, &ended_, &removed_, &marks_, &answer_}) *each = Statement();
    }

    Result<LogPart> log(const LogRequest& request) override;
    Result<std::vector<HookMark>> hook_marks() override;
    Result<std::optional<KeptAnswer>> kept_answer(std::string_view key, std::uint64_t now_ms) override;

private:
    Result<LogPart> read_part(const LogRequest& request);
    // Puts the ends of conversations that belong into the part where they do.
    Result<> add_ended(const LogRequest& request, LogPart& part);
    // As a page has it.
    Result<> complete(LoggedEntry& entry);

    Shared& shared_;
    SqliteReader& reader_;
    Statement log_, ended_, removed_, marks_, answer_;
};

}  // namespace flare::store::sqlite
