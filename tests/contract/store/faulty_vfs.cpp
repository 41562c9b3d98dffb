#include "contract/store/faulty_vfs.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <vector>

#include <sqlite3.h>

namespace flare::store::test {

// A change of a file that was not synced.
struct Unsynced {
    std::int64_t offset = 0;
    std::string before{};  // of the bytes there; shorter where the file ended
    std::string after{};
    std::int64_t size_before = 0;
    bool truncates = false;  // to `offset`
};

struct FaultyVfs::State {
    std::mutex mutex{};
    sqlite3_vfs vfs{};
    sqlite3_vfs* usual = nullptr;
    std::uint64_t operations = 0;
    std::uint64_t at = 0;  // which one strikes
    Fault fault = Fault::none;
    bool struck = false;
    std::atomic<bool> read_only{false};
    std::atomic<int> write_lock_held{0};
    FileSyncs file_syncs = FileSyncs::done;
    std::condition_variable file_syncs_changed{};
    std::map<std::string, std::vector<Unsynced>> unsynced{};

    // What an operation that changes the disk answers instead of being done; SQLITE_OK: it is done.
    int strike(int error, bool writes) {
        ++operations;
        if (fault == Fault::none || operations < at) return SQLITE_OK;
        const bool first = operations == at;
        if (fault == Fault::error && !first) return SQLITE_OK;
        if (fault == Fault::full && !writes) return SQLITE_OK;
        struck = true;
        return fault == Fault::full ? SQLITE_FULL : error;
    }
};

namespace {

using State = FaultyVfs::State;

// The file of the usual file system lies behind it.
struct File {
    sqlite3_file base;
    State* state;
    std::string* path;  // null: a temporary file

    sqlite3_file* real() noexcept { return reinterpret_cast<sqlite3_file*>(this + 1); }
    const sqlite3_io_methods& methods() noexcept { return *real()->pMethods; }
};
File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
State& of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }

std::int64_t size_of(File& file) {
    sqlite3_int64 size = 0;
    file.methods().xFileSize(file.real(), &size);
    return size;
}

std::string bytes_of(File& file, std::int64_t begin, std::int64_t end) {
    std::string bytes(static_cast<std::size_t>(std::max<std::int64_t>(end - begin, 0)), '\0');
    if (!bytes.empty()) file.methods().xRead(file.real(), bytes.data(), static_cast<int>(bytes.size()), begin);
    return bytes;
}

int close(sqlite3_file* each) {
    File& file = of(each);
    delete file.path;
    return file.real()->pMethods == nullptr ? SQLITE_OK : file.methods().xClose(file.real());
}
int read(sqlite3_file* each, void* to, int size, sqlite3_int64 offset) {
    File& file = of(each);
    return file.methods().xRead(file.real(), to, size, offset);
}
// False: it has waited for too long.
bool wait_while_held(File& file, std::unique_lock<std::mutex>& lock) {
    State& state = *file.state;
    if (file.path == nullptr || !file.path->ends_with(".db")) return true;
    const auto decided = [&] { return state.file_syncs != FaultyVfs::FileSyncs::held; };
    return state.file_syncs_changed.wait_for(lock, std::chrono::seconds(10), decided);
}

int write(sqlite3_file* each, const void* from, int size, sqlite3_int64 offset) {
    File& file = of(each);
    std::unique_lock lock(file.state->mutex);
    if (!wait_while_held(file, lock)) return SQLITE_IOERR_WRITE;
    if (const int error = file.state->strike(SQLITE_IOERR_WRITE, true); error != SQLITE_OK) return error;
    if (file.path != nullptr) {
        const std::int64_t end = size_of(file);
        file.state->unsynced[*file.path].push_back(
            {offset, bytes_of(file, offset, std::min<std::int64_t>(end, offset + size)),
             std::string(static_cast<const char*>(from), static_cast<std::size_t>(size)), end, false});
    }
    return file.methods().xWrite(file.real(), from, size, offset);
}
int truncate(sqlite3_file* each, sqlite3_int64 size) {
    File& file = of(each);
    const std::lock_guard lock(file.state->mutex);
    if (const int error = file.state->strike(SQLITE_IOERR_TRUNCATE, false); error != SQLITE_OK) return error;
    if (file.path != nullptr) {
        const std::int64_t end = size_of(file);
        file.state->unsynced[*file.path].push_back({size, bytes_of(file, size, end), {}, end, true});
    }
    return file.methods().xTruncate(file.real(), size);
}
int sync(sqlite3_file* each, int /*flags*/) {
    File& file = of(each);
    std::unique_lock lock(file.state->mutex);
    if (!wait_while_held(file, lock)) return SQLITE_IOERR_FSYNC;
    const bool of_database = file.path != nullptr && file.path->ends_with(".db");
    if (of_database && file.state->file_syncs == FaultyVfs::FileSyncs::failing) return SQLITE_IOERR_FSYNC;
    if (const int error = file.state->strike(SQLITE_IOERR_FSYNC, false); error != SQLITE_OK) return error;
    if (file.path != nullptr) file.state->unsynced.erase(*file.path);
    return SQLITE_OK;
}
int file_size(sqlite3_file* each, sqlite3_int64* size) { return of(each).methods().xFileSize(of(each).real(), size); }
int lock(sqlite3_file* each, int kind) { return of(each).methods().xLock(of(each).real(), kind); }
int unlock(sqlite3_file* each, int kind) { return of(each).methods().xUnlock(of(each).real(), kind); }
int check_lock(sqlite3_file* each, int* out) { return of(each).methods().xCheckReservedLock(of(each).real(), out); }
int control(sqlite3_file* each, int what, void* value) {
    return of(each).methods().xFileControl(of(each).real(), what, value);
}
int sector_size(sqlite3_file* each) { return of(each).methods().xSectorSize(of(each).real()); }
int traits(sqlite3_file* each) { return of(each).methods().xDeviceCharacteristics(of(each).real()); }
int shm_map(sqlite3_file* each, int region, int size, int extend, void volatile** out) {
    return of(each).methods().xShmMap(of(each).real(), region, size, extend, out);
}
int shm_lock(sqlite3_file* each, int offset, int count, int flags) {
    const bool to_write = offset == 0 && flags == (SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE);  // WAL_WRITE_LOCK in wal.c
    std::atomic<int>& held = of(each).state->write_lock_held;
    if (to_write && held > 0) {
        --held;
        return SQLITE_BUSY;
    }
    return of(each).methods().xShmLock(of(each).real(), offset, count, flags);
}
void shm_barrier(sqlite3_file* each) { of(each).methods().xShmBarrier(of(each).real()); }
int shm_unmap(sqlite3_file* each, int remove) { return of(each).methods().xShmUnmap(of(each).real(), remove); }

constexpr sqlite3_io_methods kMethods = {2,        close,       read,       write,   truncate,    sync,   file_size,
                                         lock,     unlock,      check_lock, control, sector_size, traits, shm_map,
                                         shm_lock, shm_barrier, shm_unmap,  nullptr, nullptr};

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* each, int flags, int* out) {
    State& state = of(vfs);
    File& file = of(each);
    file.base.pMethods = &kMethods;
    file.state = &state;
    file.path = path == nullptr ? nullptr : new std::string(path);
    if (state.read_only) flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    const int result = state.usual->xOpen(state.usual, path, file.real(), flags, out);
    if (result == SQLITE_OK) return result;
    delete file.path;
    file.base.pMethods = nullptr;
    return result;
}
int remove_file(sqlite3_vfs* vfs, const char* path, int /*sync_folder*/) {
    State& state = of(vfs);
    const std::lock_guard guard(state.mutex);
    if (const int error = state.strike(SQLITE_IOERR_DELETE, false); error != SQLITE_OK) return error;
    state.unsynced.erase(path);
    return state.usual->xDelete(state.usual, path, 0);
}

// What the synced bytes become when chance has written some of the changes.
void apply(std::string& bytes, const Unsynced& change) {
    const auto offset = static_cast<std::size_t>(change.offset);
    if (change.truncates) {
        if (bytes.size() > offset) bytes.resize(offset);
        return;
    }
    if (bytes.size() < offset + change.after.size()) bytes.resize(offset + change.after.size());
    bytes.replace(offset, change.after.size(), change.after);
}
void undo(std::string& bytes, const Unsynced& change) {
    bytes.resize(static_cast<std::size_t>(change.size_before));
    bytes.replace(static_cast<std::size_t>(change.offset), change.before.size(), change.before);
}

}  // namespace

FaultyVfs::FaultyVfs() : state_(std::make_unique<State>()) {
    State& state = *state_;
    state.usual = sqlite3_vfs_find(nullptr);
    state.vfs = *state.usual;
    state.vfs.iVersion = 1;
    state.vfs.szOsFile = static_cast<int>(sizeof(File)) + state.usual->szOsFile;
    state.vfs.pNext = nullptr;
    state.vfs.zName = name();
    state.vfs.pAppData = &state;
    state.vfs.xOpen = open_file;
    state.vfs.xDelete = remove_file;
    // These take the file system that they are called for, and nothing of it.
    state.vfs.xAccess = [](sqlite3_vfs* vfs, const char* path, int flags, int* out) {
        return of(vfs).usual->xAccess(of(vfs).usual, path, flags, out);
    };
    state.vfs.xFullPathname = [](sqlite3_vfs* vfs, const char* path, int size, char* out) {
        return of(vfs).usual->xFullPathname(of(vfs).usual, path, size, out);
    };
    sqlite3_vfs_register(&state.vfs, 0);
}

FaultyVfs::~FaultyVfs() { sqlite3_vfs_unregister(&state_->vfs); }

void FaultyVfs::plan(std::uint64_t n, Fault fault) {
    const std::lock_guard guard(state_->mutex);
    state_->at = state_->operations + n;
    state_->fault = fault;
    state_->struck = false;
}

void FaultyVfs::heal() {
    const std::lock_guard guard(state_->mutex);
    state_->fault = Fault::none;
}

bool FaultyVfs::struck() const {
    const std::lock_guard guard(state_->mutex);
    return state_->struck;
}
std::uint64_t FaultyVfs::operations() const {
    const std::lock_guard guard(state_->mutex);
    return state_->operations;
}
bool FaultyVfs::has_unsynced(const std::string& path) const {
    const std::lock_guard guard(state_->mutex);
    const auto found = state_->unsynced.find(path);
    return found != state_->unsynced.end() && !found->second.empty();
}
void FaultyVfs::set_file_syncs(FileSyncs how) {
    const std::lock_guard lock(state_->mutex);
    state_->file_syncs = how;
    state_->file_syncs_changed.notify_all();
}
void FaultyVfs::hold_write_lock(int times) { state_->write_lock_held = times; }
int FaultyVfs::write_lock_held() const { return state_->write_lock_held; }
void FaultyVfs::refuse_writing(bool on) { state_->read_only = on; }

void FaultyVfs::lose_unsynced(std::uint64_t seed) {
    std::mt19937_64 chance(seed);
    for (const auto& [path, changes] : state_->unsynced) {
        if (path.ends_with("-shm") || !std::filesystem::exists(path)) continue;
        std::string bytes;
        {
            std::ifstream in(path, std::ios::binary);
            bytes.assign(std::istreambuf_iterator<char>(in), {});
        }
        std::for_each(changes.rbegin(), changes.rend(), [&](const Unsynced& change) { undo(bytes, change); });
        for (const Unsynced& change : changes)
            if (chance() % 2 == 0) apply(bytes, change);
        std::ofstream out(path, std::ios::binary | std::ios::trunc);
        out << bytes;
    }
    state_->unsynced.clear();
}

}  // namespace flare::store::test
