#include "store/sqlite/gentle_vfs.hpp"

#include <mutex>

#include <sqlite3.h>

namespace flare::store::sqlite {
namespace {

// A flush of 128 KiB takes hardly longer than one of 4 KiB; one of 4 MiB, many times as long.
constexpr int kPagesAtOnce = 32;

// Of the first database that is opened; one with others (on a network) is left alone. All that is different in the
// second table is one function.
std::once_flag learned;
const sqlite3_io_methods* usual_methods = nullptr;
sqlite3_io_methods gentle_methods{};

int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    thread_local int written = 0;
    const int result = usual_methods->xWrite(file, from, size, offset);
    if (result != SQLITE_OK || ++written < kPagesAtOnce) return result;
    written = 0;
    return usual_methods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    auto* const usual = static_cast<sqlite3_vfs*>(vfs->pAppData);
    const int result = usual->xOpen(usual, path, file, flags, out_flags);
    if (result != SQLITE_OK || (flags & SQLITE_OPEN_MAIN_DB) == 0) return result;
    std::call_once(learned, [file] {
        usual_methods = file->pMethods;
        gentle_methods = *usual_methods;
        gentle_methods.xWrite = write;
    });
    if (file->pMethods == usual_methods) file->pMethods = &gentle_methods;
    return result;
}

bool make() {
    sqlite3_vfs* const usual = sqlite3_vfs_find(nullptr);
    if (usual == nullptr) return false;
    static sqlite3_vfs vfs = *usual;
    vfs.zName = "flare-gentle";
    vfs.pAppData = usual;
    vfs.xOpen = open;
    return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
}

}  // namespace

const char* gentle_vfs() {
    static const bool made = make();
    return made ? "flare-gentle" : "";
}

}  // namespace flare::store::sqlite
