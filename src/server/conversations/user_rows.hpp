// The store's rows of users, by name. Who is connected is known, even while the row is on its way to the store.
//
// Protocol: docs/conversations.md, "Errors" (unknown_target).
// Threads:  its worker's.
// Owner:    Conversations.
#pragma once

#include "im/commands.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/router.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace flare::server {

class UserRows {
public:
    UserRows(Router& router, StoreAccess& store, std::uint32_t index) : router_(router), store_(store), index_(index) {}

    // ok: a row for each name, in their order; 0: nobody of this name has ever connected, and behind the first 0 others
    // may be missing. Else why the store could not tell. `then` is not called from inside.
    using Then = std::function<void(const std::vector<im::Row>& rows, errc code)>;
    void find(std::vector<std::string> names, Then then);

private:
    struct Search {
        std::vector<std::string> names;
        std::vector<im::Row> rows;
        Then then;
    };
    using SearchPtr = std::shared_ptr<Search>;
    void find_connected(const SearchPtr& search, std::size_t at);
    void add(const SearchPtr& search, std::size_t at);

    Router& router_;
    StoreAccess& store_;
    const std::uint32_t index_;
};

}  // namespace flare::server
