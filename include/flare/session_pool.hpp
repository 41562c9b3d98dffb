// Many sessions of one process, for a back-end that speaks for many users: on shared threads, and over QUIC on shared
// sockets.
//
//     flare::SessionPool pool;
//     auto alice = pool.add(flare::ClientBuilder("alice").server_addresses(addresses));
//     auto bob = pool.add(flare::ClientBuilder("bob").server_addresses(addresses));
//     auto warm = pool.warm_up();                 // both are connected
//     (*alice)->send_text_message("bob", "hello");
//
// Threads: a SessionPool may be used from any thread, from the callbacks of its clients too. Destroying it is safe in
// any state.
#pragma once

#include <flare/client.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace flare {

// How much of the machine a SessionPool uses.
struct SessionPoolOptions {
    unsigned io_threads = 1;        // each runs its share of the sessions; at least 1
    unsigned callback_threads = 1;  // run the event callbacks; one session's are never told two at a time; at least 1
    std::size_t connecting_at_once = 64;  // by warm_up(); at least 1
};

// Clients of many users, one for each, on what they share.
class FLARE_EXPORT SessionPool {
public:
    explicit SessionPool(SessionPoolOptions options = {});
    SessionPool(SessionPool&&) noexcept;
    SessionPool& operator=(SessionPool&&) noexcept;
    // Clients that the application still holds go on; the others end as ~Client() says.
    ~SessionPool();

    // As ClientBuilder::build(), on the threads of this pool, which keeps the client too. CA and certificate files are
    // read once for all clients that name the same. Errors: those of build(); invalid_config: the user has a session
    // here, or the builder names an io_context().
    Checked<std::shared_ptr<Client>> add(const ClientBuilder& builder);
    // Null: the user has no session here.
    std::shared_ptr<Client> find(const std::string& user_id) const;
    // The pool keeps it no longer: it ends when nobody holds it. False: there is none.
    bool remove(const std::string& user_id);
    std::size_t size() const;

    // What became of a warm_up().
    struct WarmUp {
        std::size_t connected = 0;              // sessions that are ready now
        std::map<std::string, Failure> failed;  // the others, by user, and why
    };
    // Connects every client that is not connected, and returns when each is, or has failed: each within its
    // connection_timeout(). Before the first message needs it.
    WarmUp warm_up();
    // Client::disconnect() for all, at the same time.
    void disconnect();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace flare
