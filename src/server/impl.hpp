// A server: its workers, started and stopped together.
//
// Threads: start() and stop() one at a time (a lock sees to it); the rest any.
// Owner:   Server.
#pragma once

#include "base/gate.hpp"
#include "server/admin/admin.hpp"
#include "server/admin/watchdog.hpp"
#include "server/api_service.hpp"
#include "server/certificate_watch.hpp"
#include "server/certificates.hpp"
#include "server/encoder.hpp"
#include "server/hooks/hooks.hpp"
#include "server/ticket_key_file.hpp"
#include "server/worker/worker_group.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <condition_variable>
#include <future>
#include <mutex>

namespace flare {

// For Impl::ask_all(): the parts behind one another.
template <typename T>
void append(std::vector<T>& sum, std::vector<T>&& part) {
    sum.insert(sum.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
}

class FLARE_HIDDEN Server::Impl {
public:
    explicit Impl(server::Config config)
        : config_(std::move(config)), revocations_(std::make_unique<auth::Revocations>(config_.max_revocations)) {
        asking_.close();
    }
    ~Impl() { stop(); }

    Checked<> start();
    void stop();
    void wait();
    Checked<> reload_certificates();
    Checked<> reload_api_keys();

    // What is listened on; empty what is not, and while it does not run.
    struct Addresses {
        std::string websocket;
        std::string quic;
        std::string admin;
        std::string api;
    };
    Addresses addresses() const { return running_ ? addresses_ : Addresses(); }
    std::string sealing_public_key();
    server::hooks::Hooks& hooks() noexcept { return hooks_; }

    template <typename T>
    using Done = std::function<void(Checked<T>)>;
    void presence(std::string user, Done<UserPresence> done);
    void sessions(std::string user, Done<std::vector<SessionInfo>> done);
    void online_users(Done<std::vector<std::string>> done);
    void send(std::string user, const Message& message, Done<DeliveryReport> done);
    void send_to_many(std::vector<std::string> users, const Message& message, Done<FanOut> done);
    void broadcast(const Message& message, Done<FanOut> done);
    void disconnect_user(std::string user, std::string text, Done<std::size_t> done);
    void drop_connections(std::string user, Done<std::size_t> done);
    void disconnect_session(const std::string& session_id, std::string text, Done<bool> done);
    void erase(std::string user, Done<void> done);
    void stats(Done<ServerStats> done);
    void revoke(auth::Revocations::Kind kind, std::string name,
                std::optional<std::chrono::system_clock::time_point> until, std::string text, Done<std::size_t> done);
    void revoke_session(const std::string& session_id, std::string text, Done<bool> done);
    Task<Checked<std::size_t>> async_revoke(auth::Revocations::Kind kind, std::string name,
                                            std::optional<std::chrono::system_clock::time_point> until,
                                            std::string text);

    // Asks the home of a user: `question(shard)` there gives the answer to `done`, on that worker's thread. Not
    // running: not_connected at once.
    template <typename T, typename Question>
    void ask_home(std::string_view user, Question question, Done<T> done);
    // Asks every worker at the same time: `question(shard, part)` fills in a part of its own there, `add(sum, part)`
    // puts them together.
    template <typename T, typename Question, typename Add>
    void ask_all(Question question, Add add, Done<T> done);
    template <typename Question>
    void count_all(Question question, Done<std::size_t> done) {
        ask_all<std::size_t>(
            std::move(question), [](std::size_t& sum, std::size_t part) { sum += part; }, std::move(done));
    }

    // Waits for what `begin(done)` brings. would_deadlock on a worker's own thread; busy: nothing came within `limit`.
    template <typename T, typename Begin>
    Checked<T> wait_for(Begin begin, std::optional<std::chrono::milliseconds> limit = {});
    template <typename T, typename Begin>
    static Task<Checked<T>> await(Begin begin);

private:
    Checked<> open();
    Checked<> open_websocket();
    Checked<> open_quic();
    // Whom this process lets go, for the next one, and whom the last one did: returning.cpp
    void keep_returning();
    void expect_returning();
    // What the admin address asks: inspect.cpp
    server::Admin::Questions questions();
    void stats_json(Done<std::string> done);
    void list_sessions(std::string user, Done<std::string> done);
    void session_report(session::SessionId id, Done<std::string> done);
    template <typename MakeTask>
    void for_each_worker(const MakeTask& make_task);
    bool on_worker_thread() const noexcept;
    wire::Encodings encodings_in_use() const;

    const server::Config config_;
    const server::Encoder encoder_{config_};
    const std::unique_ptr<auth::Revocations> revocations_;  // outlives a stop
    std::mutex mutex_;                                      // start and stop
    mutable base::Gate asking_;                             // open while there are workers to ask
    server::hooks::Hooks hooks_{encoder_};
    std::unique_ptr<server::WorkerGroup> group_;
    std::unique_ptr<server::Admin> admin_;
    server::ApiService api_;
    std::unique_ptr<server::Watchdog> watchdog_;
    transport::quic::Secret quic_secret_{};
    server::TicketKeyFile ticket_keys_{};  // of ticket_key_file(); empty: none
    std::mutex certificates_mutex_;        // guards the next two
    bool may_reload_ = false;              // between start() and stop()
    server::Certificates certificates_;
    std::string certificates_seen_;                                // before they were read first
    std::unique_ptr<server::CertificateWatch> certificate_watch_;  // null: off
    Addresses addresses_;
    std::atomic<bool> running_{false};
    std::condition_variable stopped_;
};

template <typename T, typename Question>
void Server::Impl::ask_home(std::string_view user, Question question, Done<T> done) {
    const auto asking = asking_.enter();
    const bool posted = asking && group_->router.give(group_->router.home_of(user),
                                                      [question = std::move(question), done](server::Shard& shard) {
                                                          done(question(shard));
                                                      });
    if (!posted) done(Failure(errc::not_connected, "the server is not running"));
}

template <typename T, typename Question, typename Add>
void Server::Impl::ask_all(Question question, Add add, Done<T> done) {
    const auto asking = asking_.enter();
    if (asking) return group_->router.ask_all<T>(std::move(question), std::move(add), std::move(done));
    done(Failure(errc::not_connected, "the server is not running"));
}

template <typename T, typename Begin>
Checked<T> Server::Impl::wait_for(Begin begin, std::optional<std::chrono::milliseconds> limit) {
    if (on_worker_thread()) return Failure(errc::would_deadlock);
    auto promise = std::make_shared<std::promise<Checked<T>>>();
    auto future = promise->get_future();
    begin([promise](Checked<T> result) { promise->set_value(std::move(result)); });
    if (limit && future.wait_for(*limit) != std::future_status::ready)
        return Failure(errc::busy, "a worker does not answer");
    return future.get();
}

template <typename T, typename Begin>
Task<Checked<T>> Server::Impl::await(Begin begin) {
    co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(Checked<T>)>(
        [](auto handler, Begin start) {
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            const auto executor = boost::asio::get_associated_executor(*shared);
            start([shared, executor](Checked<T> result) {
                boost::asio::post(executor,
                                  [shared, result = std::move(result)]() mutable { (*shared)(std::move(result)); });
            });
        },
        boost::asio::use_awaitable, std::move(begin));
}

}  // namespace flare
