#include "sim/administering.hpp"

#include <array>

namespace flare::sim {

using model::Role;
using wire::Verb;

namespace {

Talker::Request whole(Verb verb, const std::string& conversation) {
    Talker::Request request;
    request.verb = verb;
    request.room = conversation;
    wire::im::ConversationRef body;
    body.conversation = request.room;
    request.body = wire::im::encode(body);
    return request;
}

}  // namespace

Talker::Request Administering::think_of(const std::string& room, const std::string& other, std::uint64_t now_ms) {
    Talker::Request request;
    request.room = room;
    switch (chance_.below(8)) {
        case 0:
        case 1:
            request.verb = Verb::member_role;
            request.body = give_role(room, other);
            break;
        case 2:
        case 3:
        case 4:
            request.verb = Verb::member_mute;
            request.body = restrict(room, other, now_ms);
            break;
        case 5:
        case 6:
            request.verb = Verb::member_ban;
            request.body = restrict(room, other, now_ms);
            break;
        default: request.verb = Verb::conversation_update; request.body = configure(room);
    }
    return request;
}

Talker::Request Administering::block(const std::string& other) {
    return whole(chance_.one_in(2) ? Verb::user_block : Verb::user_unblock, other);
}

Talker::Request Administering::end(const std::string& room) { return whole(Verb::conversation_delete, room); }

std::string Administering::give_role(const std::string& room, const std::string& other) {
    constexpr std::array kRoles{Role::reader, Role::member, Role::moderator, Role::moderator, Role::admin, Role::owner};
    wire::im::MemberChange body;
    body.conversation = room;
    body.users = {other};
    body.role = kRoles[chance_.below(kRoles.size())];
    return wire::im::encode(body);
}

// For a while, for ever or no longer; seldom until a time that is over, or almost.
std::string Administering::restrict(const std::string& room, const std::string& other, std::uint64_t now_ms) {
    wire::im::MemberUntil body;
    body.conversation = room;
    body.user = other;
    switch (chance_.below(10)) {
        case 0: body.until_ms = UINT64_MAX; break;
        case 1: body.until_ms = now_ms - chance_.below(1'000); break;
        case 2:
        case 3:
        case 4: break;  // no longer
        default: body.until_ms = now_ms + 50 + chance_.below(chance_.one_in(2) ? 1'000 : 12'000);
    }
    return wire::im::encode(body);
}

std::string Administering::configure(const std::string& room) {
    using Body = wire::im::ConversationUpdate;
    Body body;
    body.conversation = room;
    switch (chance_.below(6)) {
        case 0:
            body.changes = Body::kTitle;
            body.title = chance_.one_in(2) ? "tea" : "cake";
            break;
        case 1:
            body.changes = Body::kJoin;
            body.join = chance_.one_in(4) ? model::Join::invite : model::Join::open;
            break;
        case 2:
            body.changes = Body::kMaxPayloadBytes | Body::kSlowMode;
            body.max_payload_bytes = chance_.one_in(2) ? 64 * 1024 : 500;
            body.slow_mode_ms = chance_.one_in(2) ? 0 : static_cast<std::uint32_t>(10 + chance_.below(90));
            break;
        default: body.changes = Body::kFrozen; body.frozen = chance_.one_in(3);
    }
    return wire::im::encode(body);
}

}  // namespace flare::sim
