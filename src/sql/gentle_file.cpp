#include "sql/gentle_file.hpp"

#include <map>
#include <mutex>

#include <sqlite3.h>

namespace flare::sql {
namespace {

// A flush of 128 KiB takes hardly longer than one of 4 KiB; one of 4 MiB, many times as long.
constexpr int kPagesAtOnce = 32;

// A table of functions with one that is different, for the files of a file system. It comes first: a file refers to it,
// and so leads to the usual one.
struct Gentle {
    sqlite3_io_methods methods;
    const sqlite3_io_methods* usual;
};

int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    thread_local int written = 0;
    const sqlite3_io_methods* const usual = reinterpret_cast<const Gentle*>(file->pMethods)->usual;
    const int result = usual->xWrite(file, from, size, offset);
    if (result != SQLITE_OK || ++written < kPagesAtOnce) return result;
    written = 0;
    return usual->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

// One for each of the usual tables, of which a process has one or two. They live as long as files may refer to them.
const sqlite3_io_methods* gentle_methods(const sqlite3_io_methods* usual) {
    static std::mutex mutex;
    static auto& made = *new std::map<const sqlite3_io_methods*, Gentle>;
    const std::lock_guard lock(mutex);
    const auto [place, is_new] = made.try_emplace(usual, Gentle{*usual, usual});
    if (is_new) place->second.methods.xWrite = write;
    return &place->second.methods;
}

}  // namespace

void make_gentle(sqlite3_file& file) { file.pMethods = gentle_methods(file.pMethods); }

}  // namespace flare::sql
