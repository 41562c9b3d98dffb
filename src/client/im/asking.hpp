// Calls of an application that ask the server something: blocking, and for coroutines.
//
// Threads: any; begin() runs on the client's I/O thread.
#pragma once

#include "client/crossing.hpp"

#include <memory>
#include <utility>

namespace flare::client {

// `read` makes the result of an answer, on the thread of whoever asked.
template <typename T, typename Read>
Checked<T> ask(const std::shared_ptr<ClientLoop>& loop, const Checked<Call>& call, const Read& read) {
    if (!call) return call.error();
    Answer answer;
    const bool waited =
        wait_for<Answer>(loop, answer, [&call](ClientLoop& on, auto done) { on.ask(*call, std::move(done)); });
    if (!waited) return Failure(errc::would_deadlock);
    return read(answer);
}

template <typename T, typename Read>
Task<Checked<T>> async_ask(std::shared_ptr<ClientLoop> loop, Checked<Call> call, Read read) {
    if (!call) co_return call.error();
    // Named before it is moved: GCC 12 destroys what is made beside co_await twice.
    auto begin = [asked = std::move(*call)](ClientLoop& on, auto done) { on.ask(asked, std::move(done)); };
    const Answer answer = co_await await<Answer>(std::move(loop), std::move(begin));
    co_return read(answer);
}

// The name is checked before anything crosses to the loop.
template <typename T, typename Begin>
Checked<T> run(const std::shared_ptr<ClientLoop>& loop, const Checked<Call>& checked, Begin begin) {
    if (!checked) return checked.error();
    Checked<T> result = Failure(errc::internal);
    if (!wait_for<Checked<T>>(loop, result, std::move(begin))) return Failure(errc::would_deadlock);
    return result;
}

template <typename T, typename Begin>
Task<Checked<T>> async_run(std::shared_ptr<ClientLoop> loop, Checked<Call> checked, Begin begin) {
    if (!checked) co_return checked.error();
    co_return co_await await<Checked<T>>(std::move(loop), std::move(begin));
}

}  // namespace flare::client
