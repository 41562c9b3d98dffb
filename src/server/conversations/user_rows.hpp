// The store's rows of users, by name. Whoever has connected is known, even while the row is on its way to the store.
//
// Protocol: docs/conversations.md, "Errors" (unknown_target).
// Threads:  its worker's.
// Owner:    Conversations.
#pragma once

#include "im/commands.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/router.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server {

class UserRows {
public:
    UserRows(Router& router, StoreAccess& store, std::uint32_t index) : router_(router), store_(store), index_(index) {}

    // ok: a row for each name, in their order; 0: nobody of this name has ever connected, and behind the first 0 others
    // may be missing. Else why the store could not tell. `then` is not called from inside.
    using Then = std::function<void(const std::vector<im::Row>& rows, errc code)>;
    void find(std::vector<std::string> names, Then then);

    // Of who connects here: the row, which is written if there is none. Not ok: why the store could not tell; `is_new`:
    // and nothing of this user is in it. `then` is not called from inside.
    using Made = std::function<void(im::Row row, errc code, bool is_new)>;
    void make(std::shared_ptr<const std::string> name, Made then);

private:
    struct Search {
        std::vector<std::string> names;
        std::vector<im::Row> rows;
        Then then;
    };
    using SearchPtr = std::shared_ptr<Search>;
    void write(const std::string& name, Made then);
    bool is_coming(std::string_view name) const;
    void find_connected(const SearchPtr& search, std::size_t at);
    void add(const SearchPtr& search, std::size_t at);
    void look_again(const SearchPtr& search, std::size_t at);

    Router& router_;
    StoreAccess& store_;
    const std::uint32_t index_;
    boost::unordered_flat_set<std::shared_ptr<const std::string>> coming_;  // who connected: make() is not done
};

}  // namespace flare::server
