// How calls cross from an application's threads to a client's loop, and their results back.
//
// Threads: any.
#pragma once

#include "client/loop/client_loop.hpp"

#include <flare/task.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>
#include <memory>
#include <utility>

namespace flare::client {

// `begin(loop, done)` runs on the I/O thread; the caller waits for `done`. False: that would be for ever.
template <typename T, typename Begin>
bool wait_for(const std::shared_ptr<ClientLoop>& loop, T& result, Begin begin) {
    if (loop->context().get_executor().running_in_this_thread()) return false;
    auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    boost::asio::post(loop->context(), [loop, promise, begin = std::move(begin)]() mutable {
        begin(*loop, [promise](T value) { promise->set_value(std::move(value)); });
    });
    result = future.get();
    return true;
}

// The same for a coroutine, which goes on on its own executor.
template <typename T, typename Begin>
Task<T> await(std::shared_ptr<ClientLoop> loop, Begin begin) {
    co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(T)>(
        [](auto handler, std::shared_ptr<ClientLoop> on, Begin start) {
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            const auto executor = boost::asio::get_associated_executor(*shared);
            auto done = [shared, executor](T value) {
                boost::asio::post(executor,
                                  [shared, value = std::move(value)]() mutable { (*shared)(std::move(value)); });
            };
            ClientLoop& target = *on;
            boost::asio::post(target.context(), [on = std::move(on), start = std::move(start),
                                                 done = std::move(done)]() mutable { start(*on, std::move(done)); });
        },
        boost::asio::use_awaitable, std::move(loop), std::move(begin));
}

}  // namespace flare::client
