// A message of a session on its way into the log of a conversation, and the answer on its way back.
//
// Threads: made on the worker of its sender, then of the home of its conversation alone.
#pragma once

#include "im/effects.hpp"
#include "model/conversation.hpp"
#include "wire/forms.hpp"

#include <string>
#include <utility>

namespace flare::server {

struct StoredMessage {
    StoredMessage(im::Send send_, model::ConversationKey key_, std::string from_, std::string type_, wire::Forms forms_)
        : send(send_), key(std::move(key_)), from(std::move(from_)), type(std::move(type_)), forms(std::move(forms_)) {}

    im::Send send;
    model::ConversationKey key;
    std::string from;  // the user who sends it
    std::string type;
    wire::Forms forms;  // as it goes on to who is connected
    // As it is stored.
    Bytes payload{};
    model::StoredEncoding encoding = model::StoredEncoding::identity;

    // It is a message, and not a request.
    bool sends() const noexcept { return send.kind == model::EntryKind::message; }
    // Of a direct conversation.
    std::string_view recipient() const noexcept { return key.first() == from ? key.second() : key.first(); }
};

// A session key says on which worker its session is.
constexpr im::SessionKey make_session_key(std::uint32_t worker, std::uint64_t number) noexcept {
    return (static_cast<std::uint64_t>(worker) + 1) << 48 | number;
}
constexpr std::uint32_t worker_of(im::SessionKey key) noexcept { return static_cast<std::uint32_t>(key >> 48) - 1; }

}  // namespace flare::server
