#include "contract/store/store_kind.hpp"

#include "contract/store/faulty_vfs.hpp"
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

std::unique_ptr<Place> usual() { return std::make_unique<SqlitePlace>(sqlite::Settings{}); }

// Everything that happens after hundreds of thousands of messages happens after a few.
std::unique_ptr<Place> narrow() {
    sqlite::Settings settings;
    settings.max_heads = 4;
    settings.max_unwritten = 24;
    settings.checkpoint_pages = 12;
    return std::make_unique<SqlitePlace>(settings);
}

}  // namespace

std::vector<EngineKind> engine_kinds() { return {{"Sqlite", usual}, {"SqliteNarrow", narrow}}; }

}  // namespace flare::store::test
