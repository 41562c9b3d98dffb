// What a hook is asked before something is written to a conversation, and what it says.
//
// Protocol: docs/hooks.md, "Before-hooks".
// Threads:  values; AskedHooks any.
// Owner:    values; AskedHooks: Server::Impl.
#pragma once

#include "im/refusal.hpp"
#include "model/conversation.hpp"
#include "model/entry.hpp"
#include "server/encoder.hpp"

#include <flare/message.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace flare::server {

struct HookQuestion {
    enum class About : std::uint8_t {
        message,       // it would be stored
        update,        // an edit would be
        conversation,  // a room would be made
        join,          // a user would become a member of one
    };
    About about = About::message;
    model::ConversationKey key{};
    std::string user{};  // who would do it
    // Of a message and of an edit. Its payload is packed as `encoding` says.
    Message message{};
    model::StoredEncoding encoding = model::StoredEncoding::identity;
    std::uint64_t offset = 0;               // of what would be edited
    std::optional<model::Config> config{};  // of a room that would be made
};

// What is written in the place of what was sent.
struct HookAlteration {
    std::string type{};
    Bytes payload{};
    std::shared_ptr<EncodedMessage> encoded{};  // as it goes to who is connected
};

struct HookDecision {
    im::HookVerdict says{};
    std::shared_ptr<HookAlteration> altered{};  // null: as it is
};

class AskedHooks {
public:
    virtual ~AskedHooks() = default;
    virtual bool asks(HookQuestion::About about) const noexcept = 0;
    // `done` is called once, on any thread; or never, if the server is being stopped.
    virtual void ask(HookQuestion question, std::function<void(const HookDecision&)> done) = 0;
};

}  // namespace flare::server
