// Pages of history: the server's, or what the cache has.
//
// Protocol: docs/client.md, "The cache".
// Threads:  the client's I/O thread; `done` there, or on the cache's.
#pragma once

#include "client/loop/client_loop.hpp"

#include <functional>
#include <optional>

namespace flare::client {

// What comes of asking for a page.
struct Paged {
    Answer answer{};                               // of the server
    std::optional<Checked<HistoryPage>> cached{};  // in its place
};
using PagedDone = std::function<void(Paged)>;

// Without a connection the cache comes first. What it does not have is asked for, in case a connection comes in time.
void ask_history(ClientLoop& loop, const Call& call, const HistoryQuery& query, PagedDone done);

}  // namespace flare::client
