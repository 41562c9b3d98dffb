// A message of a session on its way into the log of a conversation, and the answer on its way back.
//
// Threads: made on the worker of its sender, then of the home of its conversation alone.
#pragma once

#include "base/pool.hpp"
#include "im/commands.hpp"
#include "im/effects.hpp"
#include "model/conversation.hpp"
#include "wire/forms.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::server {

// Users whom a message names, but its sender: those whom the store knows, and once it is in the log, those of them who
// are members.
struct Mentioned {
    std::vector<std::string> names{};  // each once
    std::vector<im::Row> rows{};       // one for each; none until they are known
    bool known = false;
};

struct StoredMessage {
    // In memory that is used again: one is made for each message.
    template <typename... Values>
    static std::shared_ptr<StoredMessage> make(Values&&... values) {
        return std::allocate_shared<StoredMessage>(base::PoolAllocator<StoredMessage>(),
                                                   std::forward<Values>(values)...);
    }
    StoredMessage(im::Send send_, model::ConversationKey key_, std::shared_ptr<const std::string> from_,
                  std::string_view type_, wire::Forms forms_)
        : send(send_), key(std::move(key_)), from(std::move(from_)), type(type_), forms(std::move(forms_)) {}

    im::Send send;
    model::ConversationKey key;
    std::shared_ptr<const std::string> from;  // the user who sends it
    base::PooledString type;
    wire::Forms forms;  // as it goes on to who is connected
    // As it is stored.
    Bytes payload{};
    model::StoredEncoding encoding = model::StoredEncoding::identity;
    std::unique_ptr<Mentioned> mentioned{};  // null: it names nobody

    // It is a message, and not a request: others get it as Data, too.
    bool sends() const noexcept { return send.kind == model::EntryKind::message; }
    // Its text goes with it in a feed; of a change of members it is read from the store, where their names are.
    bool tells_itself() const noexcept {
        return send.kind != model::EntryKind::membership && send.kind != model::EntryKind::config;
    }
    // The rows of those whom it names, as far as they are known.
    std::span<const im::Row> mentions() const noexcept {
        return mentioned != nullptr ? std::span<const im::Row>(mentioned->rows) : std::span<const im::Row>();
    }
    bool mentions_all() const noexcept { return (send.flags & model::kMentionAll) != 0; }
    bool is_silent() const noexcept { return (send.flags & model::kSilent) != 0; }
    // Of a direct conversation.
    std::string_view recipient() const noexcept { return key.first() == *from ? key.second() : key.first(); }
};

// On its way to the home of its conversation.
struct Departure {
    std::shared_ptr<StoredMessage> message;
    std::shared_ptr<const im::Command> command;  // of a request; null: a message
};

// A session key says on which worker its session is.
constexpr im::SessionKey make_session_key(std::uint32_t worker, std::uint64_t number) noexcept {
    return (static_cast<std::uint64_t>(worker) + 1) << 48 | number;
}
constexpr std::uint32_t worker_of(im::SessionKey key) noexcept { return static_cast<std::uint32_t>(key >> 48) - 1; }

}  // namespace flare::server
