#include "server/worker/worker_store.hpp"

#include "base/log.hpp"

#include <exception>
#include <utility>

namespace flare::server {
namespace {

// std::function wants to be copied, so what is moved along stands in one shared place.
using Carried = std::shared_ptr<std::unique_ptr<store::WriteBatch>>;
Carried carried(std::unique_ptr<store::WriteBatch> batch) {
    return std::make_shared<std::unique_ptr<store::WriteBatch>>(std::move(batch));
}

}  // namespace

void WorkerStore::write(std::unique_ptr<store::WriteBatch> batch, Written then) {
    waiting_.emplace(batch.get(), std::move(then));
    const errc code = store_.submit(batch, *this);
    if (code == errc::ok) return;
    post_([this, refused = carried(std::move(batch)), code] { finish(std::move(*refused), code); });
}

void WorkerStore::done(std::unique_ptr<store::WriteBatch> batch, const store::Answer& answer) noexcept {
    post_([this, written = carried(std::move(batch)), code = answer.code] { finish(std::move(*written), code); });
}

void WorkerStore::finish(std::unique_ptr<store::WriteBatch> batch, errc code) {
    const auto found = waiting_.find(batch.get());
    const Written then = std::move(found->second);
    waiting_.erase(found);
    then(std::move(batch), code);
}

void WorkerStore::read(Question question, std::function<void(errc code)> then) {
    const errc taken = store_.read([post = post_, question = std::move(question), then](store::Reader& reader) {
        errc code = errc::internal;
        try {
            code = question(reader);
        } catch (const std::exception& error) {
            base::log().error("reading the store: {}", error.what());
        }
        post([then, code] { then(code); });
    });
    if (taken != errc::ok) post_([then = std::move(then), taken] { then(taken); });
}

}  // namespace flare::server
