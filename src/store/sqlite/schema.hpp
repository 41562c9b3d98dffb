// The tables of the store's file, and how an older file becomes one of today's.
//
// Protocol: docs/store.md, "The file".
// Threads:  the engine's.
#pragma once

#include "store/sqlite/database.hpp"

#include <cstdint>
#include <string>

namespace flare::store::sqlite {

inline constexpr std::uint32_t kSchemaVersion = 9;
inline constexpr std::uint32_t kApplicationId = 0x464c5231;  // "FLR1"

// May the file be used, without changing it?
// Errors: store_too_new; invalid_config: a database of something else; those of Database.
Checked<> examine(Database& database, const std::string& path);
// Of a new store, or one that was restored: positive as SQLite's integers are, and never 0.
std::uint64_t new_generation();
// Makes the tables of a new file, or runs the migrations that an older one lacks, each in a transaction.
// Errors: those of Database.
Checked<> bring_up_to_date(Database& database, const std::string& path);

// Rows of the table meta.
namespace meta {
inline constexpr const char* kGeneration = "generation";
inline constexpr const char* kLowWater = "low_water";   // rows of the log up to there are in conversation and block
inline constexpr const char* kStamp = "stamp";          // the last one given, if no row of the log says so
inline constexpr const char* kForgotten = "forgotten";  // stamp of the newest tombstone that was deleted; 0: none was
inline constexpr const char* kPurged = "purged";        // the highest row of the log that was deleted; 0: none was
}  // namespace meta

Result<std::uint64_t> read_meta(Database& database, const char* name);
Result<> write_meta(Database& database, const char* name, std::uint64_t value);

}  // namespace flare::store::sqlite
