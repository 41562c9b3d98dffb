// The state behind a Client handle: its loop, its threads, and how calls cross to them.
//
// Threads: any.
// Owner:   Client.
#pragma once

#include "client/loop/client_loop.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>
#include <memory>
#include <thread>

namespace flare {

class FLARE_HIDDEN Client::Impl {
public:
    explicit Impl(client::Config config);
    ~Impl();

    client::ClientLoop& loop() const noexcept { return *loop_; }

    // `begin(loop, done)` runs on the I/O thread; the caller waits for `done`. False: that would be for ever.
    template <typename T, typename Begin>
    bool wait_for(T& result, Begin begin) const {
        if (loop_->context().get_executor().running_in_this_thread()) return false;
        auto promise = std::make_shared<std::promise<T>>();
        auto future = promise->get_future();
        boost::asio::post(loop_->context(), [loop = loop_, promise, begin = std::move(begin)]() mutable {
            begin(*loop, [promise](T value) { promise->set_value(std::move(value)); });
        });
        result = future.get();
        return true;
    }

    // The same for a coroutine, which goes on on its own executor.
    template <typename T, typename Begin>
    static Task<T> await(std::shared_ptr<client::ClientLoop> loop, Begin begin) {
        co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(T)>(
            [](auto handler, std::shared_ptr<client::ClientLoop> on, Begin start) {
                auto shared = std::make_shared<decltype(handler)>(std::move(handler));
                const auto executor = boost::asio::get_associated_executor(*shared);
                auto done = [shared, executor](T value) {
                    boost::asio::post(executor,
                                      [shared, value = std::move(value)]() mutable { (*shared)(std::move(value)); });
                };
                client::ClientLoop& target = *on;
                boost::asio::post(target.context(),
                                  [on = std::move(on), start = std::move(start), done = std::move(done)]() mutable {
                                      start(*on, std::move(done));
                                  });
            },
            boost::asio::use_awaitable, std::move(loop), std::move(begin));
    }

    std::shared_ptr<client::ClientLoop> shared_loop() const { return loop_; }
    SendResult send(Message message) const;

private:
    std::shared_ptr<client::PoolResources> shared_;  // null: it is in no SessionPool
    std::unique_ptr<boost::asio::io_context> own_context_;
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
    std::shared_ptr<client::EventQueue> events_;
    std::shared_ptr<client::ClientLoop> loop_;
    std::thread thread_;
};

}  // namespace flare
