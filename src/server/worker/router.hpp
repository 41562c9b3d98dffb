// Routes work: to the home of a user, of a ticket, or to every worker. Nothing else gives work to another worker.
//
// Threads: any.
// Owner:   WorkerGroup (and the simulator).
#pragma once

#include "session/session_table.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::server {

class Shard;
struct Arrival;

// The seam between the workers: the server's wakes their threads, the simulator's delays.
class Mailboxes {
public:
    // Runs `task` on that worker's thread, later. Tasks of one sender for one worker keep their order. False: the
    // worker has stopped.
    virtual bool post(std::uint32_t worker, std::function<void(Shard&)> task) = 0;

protected:
    ~Mailboxes() = default;
};

class Router {
public:
    Router(std::uint32_t workers, Mailboxes& mailboxes) : workers_(workers), mailboxes_(mailboxes) {}

    std::uint32_t workers() const noexcept { return workers_; }
    // Every session of a user lives on this worker.
    std::uint32_t home_of(std::string_view user) const noexcept { return session::home_of(user, workers_); }
    // Where a Hello of this user leads: a ticket names its worker.
    std::uint32_t home_of(const wire::Hello& hello, std::string_view user) const noexcept;

    // Gives something to a worker. False: it has stopped.
    bool give(std::uint32_t worker, std::function<void(Shard&)> task) {
        return mailboxes_.post(worker, std::move(task));
    }
    // A connection, to the worker of its user.
    void hand_over(std::uint32_t worker, Arrival arrival);
    // Asks a worker for another one: `question(shard)` there, then `then(shard, answer)` on the thread of the one that
    // asks. If one of them stops before that, nobody hears of it.
    template <typename Question, typename Then>
    void ask(std::uint32_t asking, std::uint32_t worker, Question question, Then then) {
        mailboxes_.post(worker, [this, asking, question, then](Shard& asked) {
            mailboxes_.post(asking,
                            [then, answer = question(asked)](Shard& shard) mutable { then(shard, std::move(answer)); });
        });
    }
    // Asks every worker at the same time. `question(shard, part)` fills in a part of its own on each; they are put
    // together in the order of the workers by `add(sum, part)`, and `done(sum)` is called on the thread of the one that
    // is ready last. A worker that has stopped has an empty part.
    template <typename T, typename Question, typename Add, typename Done>
    void ask_all(Question question, Add add, Done done);

private:
    const std::uint32_t workers_;
    Mailboxes& mailboxes_;
};

template <typename T, typename Question, typename Add, typename Done>
void Router::ask_all(Question question, Add add, Done done) {
    // Each worker writes a part of its own, so none waits for another. The last to count down sees all of them.
    struct Gathering {
        Gathering(std::uint32_t workers, Question&& question_, Add&& add_, Done&& done_)
            : question(std::move(question_)),
              add(std::move(add_)),
              done(std::move(done_)),
              parts(workers),
              missing(workers) {}
        void one_less() {
            if (missing.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
            for (std::size_t i = 1; i < parts.size(); ++i) add(parts.front(), std::move(parts[i]));
            done(std::move(parts.front()));
        }

        Question question;
        Add add;
        Done done;
        std::vector<T> parts;
        std::atomic<std::uint32_t> missing;
    };
    const auto gathering = std::make_shared<Gathering>(workers_, std::move(question), std::move(add), std::move(done));
    for (std::uint32_t worker = 0; worker < workers_; ++worker) {
        const bool posted = mailboxes_.post(worker, [gathering, worker](Shard& shard) {
            gathering->question(shard, gathering->parts[worker]);
            gathering->one_less();
        });
        if (!posted) gathering->one_less();
    }
}

}  // namespace flare::server
