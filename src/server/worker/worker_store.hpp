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
#include <mutex>
#include <vector>

namespace flare::server {

class WorkerStore final : public StoreAccess, private store::BatchOwner {
public:
    // `wake` lets drain() be called on the worker's thread, from any.
    WorkerStore(store::Store& store, std::function<void()> wake) : store_(store), wake_(std::move(wake)) {}

    void write(std::unique_ptr<store::WriteBatch> batch, Written then) override;
    void read(Question question, std::function<void(errc code)> then) override;
    // Passes on what the store has answered.
    void drain();

private:
    struct Answered {
        std::unique_ptr<store::WriteBatch> batch;  // null: of a question
        std::function<void(errc code)> then;       // of a question
        errc code;
    };
    void done(std::unique_ptr<store::WriteBatch> batch, const store::Answer& answer) noexcept override;
    void add(Answered answered);

    store::Store& store_;
    const std::function<void()> wake_;
    std::mutex mutex_;
    std::vector<Answered> answered_;  // under the mutex
    std::vector<Answered> passed_;    // by drain(), which uses its memory again
    // Of those that the store has. They are few: one for each turn of which it has not answered yet.
    boost::unordered_flat_map<const store::WriteBatch*, Written> waiting_;
};

}  // namespace flare::server
