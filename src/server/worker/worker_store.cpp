#include "server/worker/worker_store.hpp"

#include "base/log.hpp"

#include <exception>
#include <utility>

namespace flare::server {

void WorkerStore::write(std::unique_ptr<store::WriteBatch> batch, Written then) {
    waiting_.emplace(batch.get(), std::move(then));
    const errc code = store_.submit(batch, *this);
    if (code != errc::ok) add({std::move(batch), {}, code});
}

void WorkerStore::done(std::unique_ptr<store::WriteBatch> batch, const store::Answer& answer) noexcept {
    add({std::move(batch), {}, answer.code});
}

void WorkerStore::read(Question question, std::function<void(errc code)> then) {
    const errc taken = store_.read([this, question = std::move(question), then](store::Reader& reader) {
        errc code = errc::internal;
        try {
            code = question(reader);
        } catch (const std::exception& error) {
            base::log().error("reading the store: {}", error.what());
        }
        add({nullptr, then, code});
    });
    if (taken != errc::ok) add({nullptr, std::move(then), taken});
}

void WorkerStore::add(Answered answered) {
    bool was_empty = false;
    {
        const std::lock_guard lock(mutex_);
        was_empty = answered_.empty();
        answered_.push_back(std::move(answered));
    }
    if (was_empty) wake_();
}

void WorkerStore::drain() {
    {
        const std::lock_guard lock(mutex_);
        passed_.swap(answered_);
    }
    for (Answered& each : passed_) {
        if (each.batch == nullptr) {
            each.then(each.code);
            continue;
        }
        const auto found = waiting_.find(each.batch.get());
        const Written then = std::move(found->second);
        waiting_.erase(found);
        then(std::move(each.batch), each.code);
    }
    passed_.clear();
}

}  // namespace flare::server
