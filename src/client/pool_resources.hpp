// Resources shared by the clients of a SessionPool: threads, and content of files.
//
// Threads: any.
// Owner:   shared by the pool and its clients; the last may be on one of the threads.
#pragma once

#include "client/loop/event_queue.hpp"
#include "transport/quic/quic.hpp"
#include "transport/tls/tls.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <tuple>
#include <vector>

namespace flare::client {

class PoolResources {
public:
    PoolResources(unsigned io_threads, unsigned callback_threads);
    ~PoolResources();
    PoolResources(const PoolResources&) = delete;
    PoolResources& operator=(const PoolResources&) = delete;

    // The next in turn.
    boost::asio::io_context& loop();
    const CallbackThreads& callback_threads() const noexcept { return callback_threads_; }

    // As ClientContext::load() of both; what was loaded once is given again.
    Checked<std::shared_ptr<transport::tls::ClientContext>> tls(const transport::tls::ClientOptions& options);
    Checked<std::shared_ptr<transport::quic::ClientContext>> quic(const transport::tls::ClientOptions& options,
                                                                  const std::string& ticket_file);

private:
    struct Loop {
        std::shared_ptr<boost::asio::io_context> context = std::make_shared<boost::asio::io_context>(1);
        boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context->get_executor()};
        std::thread thread{[context = context] { context->run(); }};
    };
    using Files = std::tuple<std::string, std::string, std::string, std::string>;

    std::vector<Loop> loops_;
    CallbackThreads callback_threads_;
    std::mutex mutex_;
    std::size_t next_ = 0;
    std::map<Files, std::shared_ptr<transport::tls::ClientContext>> tls_;
    std::map<Files, std::shared_ptr<transport::quic::ClientContext>> quic_;
};

// For a client of a pool and for one that stands alone.
Checked<std::shared_ptr<transport::tls::ClientContext>> load_tls(const transport::tls::ClientOptions& options);
Checked<std::shared_ptr<transport::quic::ClientContext>> load_quic(const transport::tls::ClientOptions& options,
                                                                   const std::string& ticket_file);

}  // namespace flare::client
