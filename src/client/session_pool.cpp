#include <flare/session_pool.hpp>

#include "client/impl.hpp"
#include "client/pool_resources.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace flare {
namespace {

struct PoolMember {
    std::string user;
    std::shared_ptr<client::ClientLoop> loop;
};
using Members = std::shared_ptr<const std::vector<PoolMember>>;
using Done = std::function<void()>;
using Begin = std::function<void(std::size_t index, client::ClientLoop& loop, Done done)>;

// Begins something with every member, on its loop, so many at a time; each tells when it is done. Shared with what is
// under way.
class Round : public std::enable_shared_from_this<Round> {
public:
    Round(Members members, Begin begin) : members_(std::move(members)), begin_(std::move(begin)) {}

    void run(std::size_t at_once) {
        for (std::size_t i = 0; i < at_once; ++i) next();
        std::unique_lock lock(mutex_);
        all_done_.wait(lock, [this] { return done_ == members_->size(); });
    }

private:
    void next() {
        std::size_t index = 0;
        {
            const std::lock_guard lock(mutex_);
            if (begun_ == members_->size()) return;
            index = begun_++;
        }
        const std::shared_ptr<client::ClientLoop>& loop = (*members_)[index].loop;
        boost::asio::post(loop->context(), [self = shared_from_this(), index, loop] {
            self->begin_(index, *loop, [self] {
                {
                    const std::lock_guard lock(self->mutex_);
                    if (++self->done_ == self->members_->size()) self->all_done_.notify_all();
                }
                self->next();
            });
        });
    }

    const Members members_;
    const Begin begin_;
    std::mutex mutex_;
    std::condition_variable all_done_;
    std::size_t begun_ = 0;
    std::size_t done_ = 0;
};

// Waits until all are done; on one of their loops it would wait for ever, and does nothing.
void for_each(const Members& members, std::size_t at_once, Begin begin) {
    const bool here = std::any_of(members->begin(), members->end(), [](const PoolMember& each) {
        return each.loop->context().get_executor().running_in_this_thread();
    });
    if (!here) std::make_shared<Round>(members, std::move(begin))->run(at_once);
}

}  // namespace

class FLARE_HIDDEN SessionPool::Impl {
public:
    explicit Impl(const SessionPoolOptions& given)
        : options(given),
          shared(std::make_shared<client::PoolResources>(std::max(1u, given.io_threads),
                                                         std::max(1u, given.callback_threads))) {}

    Members members() const {
        auto found = std::make_shared<std::vector<PoolMember>>();
        const std::lock_guard lock(mutex);
        for (const auto& [user, client] : clients) found->push_back({user, client->impl_->shared_loop()});
        return found;
    }

    const SessionPoolOptions options;
    const std::shared_ptr<client::PoolResources> shared;
    mutable std::mutex mutex;
    std::map<std::string, std::shared_ptr<Client>> clients;
};

SessionPool::SessionPool(SessionPoolOptions options) : impl_(std::make_unique<Impl>(options)) {}
SessionPool::SessionPool(SessionPool&&) noexcept = default;
SessionPool& SessionPool::operator=(SessionPool&&) noexcept = default;
SessionPool::~SessionPool() = default;

Checked<std::shared_ptr<Client>> SessionPool::add(const ClientBuilder& builder) {
    auto built = builder.build(impl_->shared);
    if (!built) return built.error();
    auto made = std::make_shared<Client>(std::move(*built));
    const std::string& user = builder.user_id();
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->clients.emplace(user, made).second)
        return Failure(errc::invalid_config, "user_id: '" + user + "' has a session in this pool");
    return made;
}

std::shared_ptr<Client> SessionPool::find(const std::string& user_id) const {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->clients.find(user_id);
    return found == impl_->clients.end() ? nullptr : found->second;
}

bool SessionPool::remove(const std::string& user_id) {
    // Destroyed when the lock is gone: that waits for its callback, which may ask the pool.
    decltype(impl_->clients)::node_type removed;
    const std::lock_guard lock(impl_->mutex);
    removed = impl_->clients.extract(user_id);
    return !removed.empty();
}

std::size_t SessionPool::size() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->clients.size();
}

SessionPool::WarmUp SessionPool::warm_up() {
    const auto members = impl_->members();
    const auto results =
        std::make_shared<std::vector<Checked<Protocol>>>(members->size(), Failure(errc::would_deadlock));
    for_each(members, std::max<std::size_t>(1, impl_->options.connecting_at_once),
             [results](std::size_t i, client::ClientLoop& loop, Done done) {
                 const ClientStatus status = loop.snapshot().status;
                 auto told = [results, i, done = std::move(done)](Checked<Protocol> result) {
                     (*results)[i] = std::move(result);
                     done();
                 };
                 if (status == ClientStatus::connected) return told(Protocol::websocket);
                 const bool under_way = status == ClientStatus::connecting || status == ClientStatus::reconnecting;
                 under_way ? loop.reconnect(std::move(told)) : loop.connect(std::move(told));
             });
    WarmUp outcome;
    for (std::size_t i = 0; i < members->size(); ++i) {
        if ((*results)[i]) {
            ++outcome.connected;
        } else {
            outcome.failed.emplace((*members)[i].user, (*results)[i].error());
        }
    }
    return outcome;
}

void SessionPool::disconnect() {
    const auto members = impl_->members();
    for_each(members, members->size(),
             [](std::size_t, client::ClientLoop& loop, Done done) { loop.disconnect(std::move(done)); });
}

}  // namespace flare
