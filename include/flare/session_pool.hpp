// Many sessions in one process, for a back-end that acts for many users. The sessions share threads, and over QUIC also
// sockets.
//
//     flare::SessionPool pool;
//     auto alice = pool.add(flare::ClientBuilder("alice").server_addresses(addresses));
//     auto bob = pool.add(flare::ClientBuilder("bob").server_addresses(addresses));
//     auto warm = pool.warm_up();                 // both are connected
//     (*alice)->send_text_message("bob", "hello");
//
// Threads: a SessionPool may be used from any thread, including its clients' callbacks. It may be destroyed in any
// state.
#pragma once

#include <flare/client.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace flare {

// Resources of a SessionPool.
struct SessionPoolOptions {
    unsigned io_threads = 1;              // each runs its share of the sessions; at least 1
    unsigned callback_threads = 1;        // run the event callbacks, one at a time per session; at least 1
    std::size_t connecting_at_once = 64;  // concurrent connects of warm_up(); at least 1
};

// Clients of many users, one per user, on shared resources.
class FLARE_EXPORT SessionPool {
public:
    explicit SessionPool(SessionPoolOptions options = {});
    SessionPool(SessionPool&&) noexcept;
    SessionPool& operator=(SessionPool&&) noexcept;
    // Clients that the application still holds keep running; the others are destroyed as by ~Client().
    ~SessionPool();

    // Builds a client like ClientBuilder::build(), but on the threads of this pool, which also holds the client. CA and
    // certificate files are read once for all clients with the same paths. Errors: those of build(); invalid_config if
    // the user already has a session here, or if the builder has an io_context().
    Checked<std::shared_ptr<Client>> add(const ClientBuilder& builder);
    // Null: the user has no session here.
    std::shared_ptr<Client> find(const std::string& user_id) const;
    // Releases the pool's hold on the client, which is destroyed when nobody else holds it. False: there is none.
    bool remove(const std::string& user_id);
    std::size_t size() const;

    // The result of warm_up().
    struct WarmUp {
        std::size_t connected = 0;              // sessions that are ready now
        std::map<std::string, Failure> failed;  // the others, by user, and why
    };
    // Connects every client that is not connected, before the first message needs it. Returns when each client has
    // connected or failed, each within its connection_timeout().
    WarmUp warm_up();
    // Disconnects all clients concurrently (Client::disconnect()).
    void disconnect();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace flare
