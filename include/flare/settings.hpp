// The calls of a client for what its user chooses for conversations, on all of their devices: Client::settings().
//
//     client->settings().set("room:lunch", {.notify = flare::NotifyLevel::mentions});
//     client->settings().clear("bob", {listed.about.head.epoch, listed.about.head.last});
//
// What holds is in ListedConversation::settings, and changes are told by ConversationChanged.
//
// Protocol: docs/conversations.md, "Settings of a user"; docs/client.md, "Settings of a conversation".
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
#include <optional>
#include <string>

namespace flare {

namespace client {
class ClientLoop;
}

// What is to be another way; what is not set stays as it is.
struct SettingsChange {
    std::optional<NotifyLevel> notify{};
    // No device is woken before; Conversations::kForever: never; a time that has passed: not muted any more.
    std::optional<std::chrono::system_clock::time_point> muted_until{};
    // The list has those with higher numbers first; 0: not pinned. With the time of the pinning, the last one is first.
    std::optional<std::uint64_t> pinned{};
    // The list leaves the conversation out, until the next message that is not silent.
    std::optional<bool> hidden{};
};

// Calls return when the server has answered, with what holds then. They need a session: nothing is chosen later.
// Errors: those of calls of Conversations that read; not_supported (the server is older).
class FLARE_EXPORT Settings {
public:
    ~Settings();
    Settings(const Settings&) = delete;
    Settings& operator=(const Settings&) = delete;

    Checked<ConversationSettings> set(std::string conversation, SettingsChange change);
    // The user does not want to see this entry and those before it any more: they are not in history(), not in the
    // list, do not count as unread, and this client tells nothing of them from when the call has returned, nor does
    // its cache keep them. Others see them as before, and the user has not read them for others. It cannot be undone.
    // Beyond the end of the log is its end. Errors: epoch_changed (the log has another epoch now).
    Checked<ConversationSettings> clear(std::string conversation, Position upto);

    // ---- the same for coroutines, on any executor ----

    Task<Checked<ConversationSettings>> async_set(std::string conversation, SettingsChange change);
    Task<Checked<ConversationSettings>> async_clear(std::string conversation, Position upto);

private:
    friend class Client;
    explicit Settings(std::shared_ptr<client::ClientLoop> loop);
    std::shared_ptr<client::ClientLoop> loop_;
};

}  // namespace flare
