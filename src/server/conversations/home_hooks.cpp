// What hooks are asked on behalf of a conversation, and what becomes of it.
#include "server/conversations/home.hpp"
#include "server/worker/shard.hpp"

#include <utility>

namespace flare::server {
namespace {

HookQuestion question_of(const StoredMessage& message, const im::Command* command) {
    HookQuestion made;
    made.key = message.key;
    made.user = *message.from;
    if (command != nullptr) {
        const auto* const create = std::get_if<im::command::Create>(command);
        made.about = create != nullptr ? HookQuestion::About::conversation : HookQuestion::About::join;
        if (create != nullptr) made.config = create->config;
        return made;
    }
    const im::Send& send = message.send;
    const bool edits = send.kind == model::EntryKind::edit;
    made.about = edits ? HookQuestion::About::update : HookQuestion::About::message;
    made.encoding = message.encoding;
    Message& asked = made.message;
    asked.id = send.id;
    asked.type = message.type;
    asked.payload = message.payload;
    const bool room = message.key.kind() == model::ConversationKind::room;
    asked.to = room ? std::string(model::Target::kConversation) + std::string(message.key.name())
                    : std::string(message.recipient());
    if (edits) {
        made.offset = send.ref;
        return made;
    }
    asked.reply_to = send.ref;
    asked.silent = message.is_silent();
    asked.mentions_all = message.mentions_all();
    if (message.mentioned != nullptr) asked.mentions = message.mentioned->names;
    return made;
}

}  // namespace

void ConversationHome::act_on(const HostedPtr& hosted, const im::effect::AskHook& wanted) {
    const StoredMessage& message = *kept_.of(wanted.token);
    parts_.hooks->ask(question_of(message, wanted.command),
                      [&router = parts_.router, home = index_, key = hosted->append.conversation().key(),
                       ticket = wanted.ticket, token = wanted.token](const HookDecision& verdict) {
                          router.give(home, [key, ticket, token, verdict](Shard& shard) {
                              shard.conversations()->home.hook_answered(key, ticket, token, verdict);
                          });
                      });
}

void ConversationHome::hook_answered(const model::ConversationKey& key, im::Ticket ticket, im::Token token,
                                     const HookDecision& verdict) {
    const HostedPtr hosted = hosted_.get(key);
    const bool waits = hosted->append.hook_answered(ticket, verdict.says);
    if (waits && verdict.altered != nullptr) {
        StoredMessage& message = *kept_.of(token);
        message.type = verdict.altered->type;
        message.payload = verdict.altered->payload;
        message.encoding = model::StoredEncoding::identity;
        message.forms = std::move(verdict.altered->encoded->forms);
    }
    act(hosted);
}

}  // namespace flare::server
