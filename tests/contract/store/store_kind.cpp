#include "contract/store/store_kind.hpp"

#include "base/random.hpp"
#include "contract/store/faulty_vfs.hpp"
#include "store/memory/memory.hpp"
#include "store/sqlite/sqlite.hpp"
#include "support/folder.hpp"

namespace flare::store::test {
namespace {

class SqlitePlace final : public Place {
public:
    explicit SqlitePlace(sqlite::Settings settings) : settings_(std::move(settings)) {
        settings_.path = folder_.path("flare.db");
        settings_.vfs = vfs_.name();
    }
    Checked<std::unique_ptr<Engine>> open() override { return sqlite::open(settings_); }
    void fail(std::uint64_t n) override { vfs_.plan(n, FaultyVfs::Fault::error); }
    void die(std::uint64_t n) override { vfs_.plan(n, FaultyVfs::Fault::death); }
    bool struck() const override { return vfs_.struck(); }
    void fill(bool full) override {
        if (full)
            vfs_.plan(1, FaultyVfs::Fault::full);
        else
            vfs_.heal();
    }
    void heal() override { vfs_.heal(); }
    void lose_unsynced(std::uint64_t seed) override {
        vfs_.heal();
        vfs_.lose_unsynced(seed);
    }

private:
    flare::test::Folder folder_;
    FaultyVfs vfs_;
    sqlite::Settings settings_;
};

class MemoryPlace final : public Place {
public:
    Checked<std::unique_ptr<Engine>> open() override { return memory::open(disk_); }
    void fail(std::uint64_t n) override { disk_.fail(n); }
    void die(std::uint64_t n) override { disk_.die(n); }
    bool struck() const override { return disk_.struck(); }
    void fill(bool full) override { disk_.fill(full); }
    void heal() override { disk_.heal(); }
    void lose_unsynced(std::uint64_t seed) override { disk_.lose_unsynced(seed % 2 == 0); }

private:
    memory::Disk disk_{base::system_random().next_u64()};
};

std::unique_ptr<Place> memory() { return std::make_unique<MemoryPlace>(); }

std::unique_ptr<Place> usual() {
    sqlite::Settings settings;
    settings.checkpoint_beside = false;
    return std::make_unique<SqlitePlace>(settings);
}

// Everything that happens after hundreds of thousands of messages happens after a few.
std::unique_ptr<Place> narrow() {
    sqlite::Settings settings;
    settings.max_heads = 4;
    settings.max_unwritten = 24;
    settings.checkpoint_pages = 12;
    settings.checkpoint_beside = false;
    return std::make_unique<SqlitePlace>(settings);
}

std::unique_ptr<Place> beside() {
    sqlite::Settings settings;
    settings.checkpoint_pages = 12;
    return std::make_unique<SqlitePlace>(settings);
}

}  // namespace

std::vector<EngineKind> counted_engine_kinds() {
    return {{"Memory", memory}, {"Sqlite", usual}, {"SqliteNarrow", narrow}};
}

EngineKind sqlite_with_threads() { return {"SqliteBeside", beside, false}; }

std::vector<EngineKind> engine_kinds() {
    auto all = counted_engine_kinds();
    all.push_back(sqlite_with_threads());
    return all;
}

}  // namespace flare::store::test
