// The coroutine type of the library: an Asio awaitable on the executor it is spawned on.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace flare {

template <typename T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace flare
