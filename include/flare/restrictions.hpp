// The calls of a client for what is forbidden to others: Client::restrictions(). Conversations::ban() and block() make
// these restrictions, unban() and unblock() end them.
//
// Protocol: docs/conversations.md, "Roles"; docs/client.md, "Conversations".
// Threads:  as Client.
// Owner:    Client; the object lives as long as its client, and moves with it.
#pragma once

#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/task.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace flare {

namespace client {
class ClientLoop;
}

// A user whom nobody lets into a room.
struct Ban {
    std::string user;
    std::chrono::system_clock::time_point until{};  // Conversations::kForever: until unban()
};

// Of Restrictions::bans().
struct BanPage {
    std::vector<Ban> bans;  // at most 200
    bool more = false;      // there are further ones: ask again with `after` set to the last user, who is there
};

// Of Restrictions::blocked().
struct BlockPage {
    std::vector<std::string> users;  // at most 200
    bool more = false;               // as of BanPage
};

// In a fixed order. `after`: the last user of the page before; `limit`: more than 200 is 200; 0: 50. Errors: those of a
// call of Conversations that reads; unknown_target (there is no such user to go on after).
class FLARE_EXPORT Restrictions {
public:
    ~Restrictions();
    Restrictions(const Restrictions&) = delete;
    Restrictions& operator=(const Restrictions&) = delete;

    // Who is banned from a room now, for its admins and owners. Errors: forbidden (for others).
    Checked<BanPage> bans(std::string room, std::string after = {}, std::uint32_t limit = 0);
    // Whom this user blocks.
    Checked<BlockPage> blocked(std::string after = {}, std::uint32_t limit = 0);

    // ---- the same for coroutines, on any executor ----

    Task<Checked<BanPage>> async_bans(std::string room, std::string after = {}, std::uint32_t limit = 0);
    Task<Checked<BlockPage>> async_blocked(std::string after = {}, std::uint32_t limit = 0);

private:
    friend class Client;
    explicit Restrictions(std::shared_ptr<client::ClientLoop> loop);
    std::shared_ptr<client::ClientLoop> loop_;
};

}  // namespace flare
