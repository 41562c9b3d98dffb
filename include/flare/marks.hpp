// The calls of a client for marks of reading beside Conversations::mark_read(): Client::marks().
//
//     auto page = client->marks().readers("room:lunch", sent->stored->position);
//     client->marks().mark_unread("bob", entry_position);
//
// How far others have come is in ListedConversation::others, and changes are told by MarksChanged.
//
// Protocol: docs/conversations.md, "Marks of others"; docs/client.md, "Marks of others".
// Threads:  as Client.
// Owner:    Client; the object lives as long as its client, and moves with it.
#pragma once

#include <flare/conversation.hpp>
#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/task.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace flare {

namespace client {
class ClientLoop;
}

// Calls return when the server has answered. Errors: those of calls of Conversations that read.
class FLARE_EXPORT Marks {
public:
    ~Marks();
    Marks(const Marks&) = delete;
    Marks& operator=(const Marks&) = delete;

    // Who has read a message, in pages. `message`: its position; epoch 0: in the log as it is. `after`: the last user
    // of the page before; `limit`: more than 200 is 200; 0: 50. Errors: unknown_entry (the log has no such message that
    // this user may read), history_pruned (it was removed), epoch_changed, unknown_target (`after` has never
    // connected), not_supported (the server is older).
    Checked<ReaderPage> readers(std::string conversation, Position message, std::string after = {},
                                std::uint32_t limit = 0);
    // The conversation is to show as unread from this entry on, on all devices of the user, until the user has read it
    // (Conversations::mark_read() of that entry or a later one). How far the user has read stays as it is, for others
    // too. With sync_conversations(), the list shows it at once, and the client says it again behind the next sync if
    // the server does not hear of it now. Errors: unknown_entry (the log does not reach so far, or the user may not
    // read it), epoch_changed, not_supported (the server is older).
    Checked<ReadMark> mark_unread(std::string conversation, Position from);

    // ---- the same for coroutines, on any executor ----

    Task<Checked<ReaderPage>> async_readers(std::string conversation, Position message, std::string after = {},
                                            std::uint32_t limit = 0);
    Task<Checked<ReadMark>> async_mark_unread(std::string conversation, Position from);

private:
    friend class Client;
    explicit Marks(std::shared_ptr<client::ClientLoop> loop);
    std::shared_ptr<client::ClientLoop> loop_;
};

}  // namespace flare
