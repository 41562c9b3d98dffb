// The calls of a client for invitations to rooms: Client::invitations().
//
//     client->invitations().invite("room:lunch", {"bob"});   // by who may
//
//     for (const Invitation& each : *client->invitations().received())   // by bob
//         client->invitations().accept(each.room);                       // or decline(each.room)
//
// Who is invited is no member: they read nothing of the room until they accept. An invitation stands until it is
// accepted, declined or taken back, its user is banned, or the room ends; also if who has invited leaves the room.
//
// Protocol: docs/conversations.md, "Invitations"; docs/client.md, "Invitations".
// Threads:  as Client.
// Owner:    Client; the object lives as long as its client, and moves with it.
#pragma once

#include <flare/conversation.hpp>
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

// A user who is invited to a room, and has not answered.
struct InvitedUser {
    std::string user;
    std::string by;  // user id, or "server"
    std::chrono::system_clock::time_point time{};
};

// Of Invitations::sent().
struct InvitedPage {
    std::vector<InvitedUser> invited;  // in a fixed order; at most 200
    bool more = false;                 // there are further ones: ask again with `after` set to the last user
};

// Calls return when the server has answered. Errors: those of calls of Conversations; not_supported (the server is
// older).
class FLARE_EXPORT Invitations {
public:
    ~Invitations();
    Invitations(const Invitations&) = delete;
    Invitations& operator=(const Invitations&) = delete;

    // ---- of who invites: moderators and above ----

    // Invites users, at most 100 at once. Whoever is a member, is invited already or blocks this user is passed over;
    // nobody is told of a block. Errors: forbidden, unknown_target (nobody of a name has ever been here: nobody is
    // invited), banned (end the ban first), too_many_members (of the room's open invitations), too_many_conversations
    // (of a user's).
    Checked<StoredAt> invite(std::string room, std::vector<std::string> users);
    // Takes an invitation back, whoever has made it. Of who is not invited nothing changes. A member is removed: see
    // Conversations::remove_member().
    Checked<StoredAt> take_back(std::string room, std::string user);
    // Who is invited to a room and has not answered, in pages. `after`: the last user of the page before; `limit`: more
    // than 200 is 200; 0: 50. Errors: forbidden, unknown_target (`after` has never connected).
    Checked<InvitedPage> sent(std::string room, std::string after = {}, std::uint32_t limit = 0);

    // ---- of who is invited ----

    // The invitations that this user has, newest first, as far as the server has told them: InvitationChanged says when
    // they change. They are not in Conversations::list(). Errors: not_supported (no list is kept:
    // ClientBuilder::sync_conversations()).
    Checked<std::vector<Invitation>> received() const;
    // Becomes a member; the same as Conversations::join(). Errors: unknown_conversation (the invitation is no more),
    // too_many_members, too_many_conversations.
    Checked<Conversation> accept(std::string room);
    // Who may invite hears of it. The same as Conversations::leave(): whoever is a member by now leaves.
    Checked<StoredAt> decline(std::string room);

    // ---- the same for coroutines, on any executor ----

    Task<Checked<StoredAt>> async_invite(std::string room, std::vector<std::string> users);
    Task<Checked<StoredAt>> async_take_back(std::string room, std::string user);
    Task<Checked<InvitedPage>> async_sent(std::string room, std::string after = {}, std::uint32_t limit = 0);
    Task<Checked<Conversation>> async_accept(std::string room);
    Task<Checked<StoredAt>> async_decline(std::string room);

private:
    friend class Client;
    explicit Invitations(std::shared_ptr<client::ClientLoop> loop);
    std::shared_ptr<client::ClientLoop> loop_;
};

}  // namespace flare
