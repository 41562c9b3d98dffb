// The store of the simulated server: the engine in memory, behind what stands for the threads of store::Store. It takes
// batches, commits them later in groups, reads beside that, fails, and outlives the server's processes; a copy of it
// may take its place.
#pragma once

#include "server/conversations/store_access.hpp"
#include "sim/log_book.hpp"
#include "sim/world.hpp"
#include "store/memory/memory.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace flare::sim {

class SimStore {
public:
    using Batch = std::unique_ptr<store::WriteBatch>;
    using Done = std::function<void(Batch batch, errc code)>;
    using Question = server::StoreAccess::Question;

    SimStore(World& world, LogBook& book);

    // ---- as store::Store: answers come at any later time, or at once ----

    void write(Batch batch, Done done);
    void read(Question question, std::function<void(errc code)> then);

    // ---- trouble ----

    // The next commit fails. Nobody knows whether it was written, until the engine is open again.
    // slowly: that takes seconds.
    void fail_next(bool slowly = false) {
        fails_next_ = true;
        opens_slowly_ = slowly;
    }
    void fill(bool full);
    // Each commit takes up to so long more.
    void slow_down(Duration by) { slow_ = by; }
    // The process of the server ends at this moment.
    void crash();
    // Not while the outcome of a commit is unknown: then it does nothing.
    void back_up();
    bool has_copy() const noexcept { return has_copy_; }
    // The copy takes the place of what is there, with a new generation or without. The server does not run.
    void restore(bool new_generation);
    void end_trouble();

    void check_at_rest() { book_.check_at_rest(*engine_->reader()); }

private:
    struct Waiting {
        Batch batch;
        Done done;
        TimePoint since;
    };
    using Group = std::vector<Waiting>;
    enum class Outcome : std::uint8_t { none, not_written, written };  // of a commit that has failed

    void later(Duration delay, std::function<void()> run);
    bool trouble(std::uint64_t one_in);
    void begin();
    void commit(bool again);
    void put_off(errc code);
    void fail();
    void reopen();
    void note_committed(bool answered);
    void answer(errc code);
    std::uint64_t now_ms() const;

    World& world_;
    LogBook& book_;
    store::memory::Disk disk_;
    std::unique_ptr<store::Engine> engine_;
    Group waiting_;
    Group group_;  // that is being committed
    Outcome unknown_ = Outcome::none;
    bool committed_ = false;  // the group is, and nobody knows yet
    bool fails_next_ = false;
    bool opens_slowly_ = false;
    bool calm_ = false;
    bool has_copy_ = false;
    Duration slow_{0};
    std::uint64_t life_ = 0;  // of the server's process
};

}  // namespace flare::sim
