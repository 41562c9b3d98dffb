// The store as a worker's shard sees it: what is asked goes to the store's threads, and answers come by the mailbox.
//
// Threads: its worker's; done() the store's.
// Owner:   Worker. The store has been stopped before it goes.
#pragma once

#include "server/conversations/store_access.hpp"
#include "store/store.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <memory>

namespace flare::server {

class WorkerStore final : public StoreAccess, private store::BatchOwner {
public:
    // `post` runs a task on the worker's thread, from any.
    WorkerStore(store::Store& store, std::function<void(std::function<void()>)> post)
        : store_(store), post_(std::move(post)) {}

    void write(std::unique_ptr<store::WriteBatch> batch, Written then) override;
    void read(Question question, std::function<void(errc code)> then) override;

private:
    void done(std::unique_ptr<store::WriteBatch> batch, const store::Answer& answer) noexcept override;
    void finish(std::unique_ptr<store::WriteBatch> batch, errc code);

    store::Store& store_;
    const std::function<void(std::function<void()>)> post_;
    // Of those that the store has. They are few: one for each turn of which it has not answered yet.
    boost::unordered_flat_map<const store::WriteBatch*, Written> waiting_;
};

}  // namespace flare::server
