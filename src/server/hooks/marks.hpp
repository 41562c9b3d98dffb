// Writes to the store how far hooks have come: what has changed while a write is under way goes with the next one.
//
// Threads: any.
// Owner:   Hooks, until the store has been stopped.
#pragma once

#include "store/store.hpp"

#include <map>
#include <mutex>
#include <string>

namespace flare::server::hooks {

class Marks final : public store::BatchOwner {
public:
    explicit Marks(store::Store& store) : store_(store) {}

    // What could not be written is tried again with the next one, or by flush(). Of a hook, `set` and `paused` stay
    // said until they are written.
    void write(store::HookMark mark);
    void flush();

private:
    void done(std::unique_ptr<store::WriteBatch> batch, const store::Answer& answer) noexcept override;
    // Under the lock.
    void submit();
    void put(store::HookMark mark);

    store::Store& store_;
    std::mutex mutex_;  // of what follows
    std::map<std::string, store::HookMark> waiting_;
    bool under_way_ = false;
};

}  // namespace flare::server::hooks
