// What a hook is asked before something is written to a conversation, and what it says.
//
// Protocol: docs/hooks.md, "Before-hooks".
// Threads:  values; AskedHooks any.
// Owner:    Hooks has those that are asked.
#pragma once

#include "im/refusal.hpp"
#include "model/conversation.hpp"
#include "model/entry.hpp"
#include "server/encoder.hpp"
#include "server/hooks/event_names.hpp"

#include <flare/message.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace flare::server::hooks {

struct Question {
    Event event = Event::before_message;
    model::ConversationKey key{};
    std::string user{};  // who would do it
    // Of a message and of an edit. Its payload is packed as `encoding` says.
    Message message{};
    model::StoredEncoding encoding = model::StoredEncoding::identity;
    std::uint64_t offset = 0;               // of what would be edited
    std::optional<model::Config> config{};  // of a room that would be made
};

// What is written in the place of what was sent.
struct Altered {
    std::string type{};
    Bytes payload{};
    std::shared_ptr<EncodedMessage> encoded{};  // as it goes to who is connected
};

struct Verdict {
    im::HookVerdict says{};
    std::shared_ptr<Altered> altered{};  // null: as it is
};

class AskedHooks {
public:
    virtual ~AskedHooks() = default;
    virtual bool asks(Event event) const noexcept = 0;
    // `done` is called once, on any thread; or never, if the server is being stopped.
    virtual void ask(Question question, std::function<void(const Verdict&)> done) = 0;
};

}  // namespace flare::server::hooks
