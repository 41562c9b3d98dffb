// Signals: who types, who is there, and how many: Client::signals(). Nothing of it is kept by the server; it is lost
// with a connection, and told anew.
//
//     auto& signals = client->signals();
//     signals.typing("room:lunch");  // as often as keys are pressed
//     auto now = signals.subscribe_presence({"bob", "eve"});  // what changes is told by event::PresenceChanged
//
// They need a server with a store. Others are told that somebody types if they have subscribed to the conversation, or
// keep a list of theirs, and if it has at most 100 members: event::TypingChanged.
//
// Protocol: docs/protocol.md, "Signals"; docs/client.md, "Typing and presence".
// Threads:  as Client.
// Owner:    Client; the object lives as long as its client, and moves with it.
#pragma once

#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/presence.hpp>
#include <flare/task.hpp>

#include <memory>
#include <string>
#include <vector>

namespace flare {

namespace client {
class ClientLoop;
}

// Errors of the calls that ask the server, beside those that each names: not_supported (the server has no store, or is
// older), not_connected, connection_lost, rate_limited, busy, storage_failed, outbox_full, malformed_frame,
// invalid_name (a name is empty, too long or not UTF-8), cancelled, shutting_down, client_closed, would_deadlock.
class FLARE_EXPORT Signals {
public:
    static constexpr std::size_t kMostUsers = 1000;  // whose presence a client follows at a time

    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    // This user types in the conversation, or (`on` false) has stopped. To be called whenever something is typed: the
    // client sends one in 3 s. It ends by itself 6 s after the last call. Returns at once, and without a session does
    // nothing; whether the server takes it is not told. Errors: invalid_name.
    Checked<> typing(std::string conversation, bool on = true);

    // Nobody looks at this client, or somebody does again. Lasts until the next call: the client says it in each new
    // session. Without a session it returns at once.
    Checked<> set_away(bool away);

    // Follows these users from now on, also in each later session, until unsubscribe_presence(). Returns what they are
    // now; each change after that is told by event::PresenceChanged. Errors: too_many_subscriptions (more than
    // kMostUsers in all; then nobody is added).
    Checked<std::vector<Presence>> subscribe_presence(std::vector<std::string> users);
    // No event of these users begins once it has returned. Without a session it succeeds.
    Checked<> unsubscribe_presence(std::vector<std::string> users);
    // What they are now, in the same order: at most kMostUsers (too_many_subscriptions).
    Checked<std::vector<Presence>> presence(std::vector<std::string> users);
    // Of a conversation of which this user is a member. The server counts at most once a second, large rooms less
    // often. Errors: unknown_conversation.
    Checked<Occupancy> occupancy(std::string conversation);

    // ---- the same for coroutines, on any executor ----

    Task<Checked<>> async_set_away(bool away);
    Task<Checked<std::vector<Presence>>> async_subscribe_presence(std::vector<std::string> users);
    Task<Checked<>> async_unsubscribe_presence(std::vector<std::string> users);
    Task<Checked<std::vector<Presence>>> async_presence(std::vector<std::string> users);
    Task<Checked<Occupancy>> async_occupancy(std::string conversation);

private:
    friend class Client;
    explicit Signals(std::shared_ptr<client::ClientLoop> loop);
    std::shared_ptr<client::ClientLoop> loop_;
};

}  // namespace flare
