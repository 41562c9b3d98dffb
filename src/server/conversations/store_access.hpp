// The store as a shard sees it: nothing waits, and answers come on the shard's thread. The server implements it on
// store::Store; the simulator on an engine in memory that is late, fails and crashes.
//
// Threads: its worker's.
// Owner:   Worker (and the simulator).
#pragma once

#include "store/engine.hpp"

#include <functional>
#include <memory>

namespace flare::server {

// What is said of a store that does not work: it is the same to clients.
constexpr errc said_of(errc code) noexcept {
    return code == errc::store_damaged ? errc::storage_failed : code == errc::shutting_down ? errc::busy : code;
}

class StoreAccess {
public:
    // ok: every write of the batch has its outcome; what is a repeat in it may have been written by a first try of this
    // batch whose outcome was not known. Else nothing of it is in the log, as far as anybody knows, and it may be
    // written again: busy, storage_full, storage_failed, store_damaged, shutting_down.
    using Written = std::function<void(std::unique_ptr<store::WriteBatch> batch, errc code)>;
    using Question = std::function<errc(store::Reader& reader)>;

    // The batch is one group. `then` is not called from inside.
    virtual void write(std::unique_ptr<store::WriteBatch> batch, Written then) = 0;
    // `question` runs on a thread that reads; `then` gets its answer, or why it was not asked.
    virtual void read(Question question, std::function<void(errc code)> then) = 0;

protected:
    ~StoreAccess() = default;
};

}  // namespace flare::server
