// What the contract suite needs to know of an engine: how to open the same store again and again, and how to make its
// disk fail. A new engine joins by one more entry in engine_kinds().
#pragma once

#include "store/engine.hpp"

#include <flare/failure.hpp>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace flare::store::test {

// A store and the disk that it is on.
class Place {
public:
    virtual ~Place() = default;

    // At most one engine at a time.
    virtual Checked<std::unique_ptr<Engine>> open() = 0;
    // The n-th operation from now on that changes the disk fails, once.
    virtual void fail(std::uint64_t n) = 0;
    // From the n-th on nothing reaches the disk; the engine is of no use any more.
    virtual void die(std::uint64_t n) = 0;
    // Whether that has happened.
    virtual bool struck() const = 0;
    // From now on there is room for removals only; or for everything.
    virtual void fill(bool full) = 0;
    virtual void heal() = 0;
    // After die(), and without an engine: what was not synced is on disk or not. Then open() works again.
    virtual void lose_unsynced(std::uint64_t seed) = 0;
};

struct EngineKind {
    std::string name;
    std::unique_ptr<Place> (*make)();
    bool counted = true;  // the n-th operation is always the same one: nothing of it has a thread of its own
};

inline void PrintTo(const EngineKind& kind, std::ostream* out) { *out << kind.name; }

std::vector<EngineKind> engine_kinds();
std::vector<EngineKind> counted_engine_kinds();
// As it is shipped, with a small log.
EngineKind sqlite_with_threads();

}  // namespace flare::store::test
