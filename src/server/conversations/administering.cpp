// Requests that change what a room is, who is invited to it and what its members may do, blocks between users, and
// devices for pushes.
#include "server/conversations/requests.hpp"

#include <utility>

namespace flare::server {

using wire::Verb;

namespace {

// Whoever asks, and however many conversations they have. A template: GCC 12 warns of what a copy of an im::Command
// would not do.
template <typename Made>
ConversationSends::Change change_by(Made command, std::string_view objection = {}) {
    return {{}, false, objection, [command = std::move(command)](std::uint32_t, std::vector<im::command::Person>) {
                return im::Command(command);
            }};
}

}  // namespace

void ConversationRequests::update(session::ServerSession& session, const session::PendingRequest& pending,
                                  const wire::RequestView& request) {
    using Body = wire::im::ConversationUpdate;
    const auto body = read_body<Body>(pending, request);
    if (!body) return;
    const auto key = key_of(session, pending, body->conversation);
    if (!key) return;
    im::command::Configure command;
    if (body->says(Body::kTitle)) command.title = body->title;
    if (body->says(Body::kJoin)) command.join = body->join;
    if (body->says(Body::kVisibility)) command.visibility = body->visibility;
    if (body->says(Body::kMaxPayloadBytes)) command.max_payload_bytes = body->max_payload_bytes;
    if (body->says(Body::kSlowMode)) command.slow_mode_ms = body->slow_mode_ms;
    if (body->says(Body::kFrozen)) command.frozen = body->frozen;
    // Whoever may not make rooms for everybody does not make one of another.
    const bool opens = command.join == model::Join::open;
    parts_.sends.request(
        session, pending, request, *key, content_of(request),
        change_by(command, opens ? objection_to(session.user(), model::Join::open) : std::string_view()));
}

void ConversationRequests::change_whole(session::ServerSession& session, const session::PendingRequest& pending,
                                        const wire::RequestView& request) {
    const auto body = read_body<wire::im::ConversationRef>(pending, request);
    if (!body) return;
    const auto key = key_of(session, pending, body->conversation);
    if (!key) return;
    const bool deletes = request.verb == Verb::conversation_delete;
    if (deletes && key->kind() == model::ConversationKind::direct)
        return refuse(pending, errc::forbidden,
                      "a direct conversation belongs to two users, and stays: delete messages");
    if (!deletes && key->kind() == model::ConversationKind::direct && key->first() == key->second())
        return refuse(pending, errc::forbidden, "nobody blocks the own notes: name another user");
    if (!deletes && body->conversation == kServerTarget)
        return refuse(pending, errc::forbidden, "nobody blocks the server: mute the conversation with it");
    const bool blocks = request.verb == Verb::user_block;
    if (blocks) parts_.signals.presence.blocks(session.user(), body->conversation);
    parts_.sends.request(session, pending, request, *key, content_of(request),
                         deletes ? change_by(im::command::Destroy{}) : change_by(im::command::Block{blocks}));
}

void ConversationRequests::invite(session::ServerSession& session, const session::PendingRequest& pending,
                                  const wire::RequestView& request) {
    const auto body = read_body<wire::im::MemberChange>(pending, request);
    if (!body || !fits(pending, body->users)) return;
    const auto key = key_of(session, pending, body->conversation);
    if (!key) return;
    if (body->role != model::Role::none && body->role != model::Role::member)
        return refuse(pending, errc::not_supported,
                      "whoever accepts an invitation becomes a member: give another role when that one has joined");
    ConversationSends::Change change;
    change.users = names_of(body->users);
    change.invites = true;
    change.command = [](std::uint32_t, std::vector<im::command::Person> people) {
        return im::Command(im::command::Invite{std::move(people)});
    };
    parts_.sends.request(session, pending, request, *key, content_of(request), std::move(change));
}

void ConversationRequests::set_role(session::ServerSession& session, const session::PendingRequest& pending,
                                    const wire::RequestView& request) {
    const auto body = read_body<wire::im::MemberChange>(pending, request);
    if (!body) return;
    const auto key = key_of(session, pending, body->conversation);
    if (!key) return;
    if (body->users.size() != 1)
        return refuse(pending, errc::not_supported, "one member gets a role at a time: send a request for each");
    parts_.sends.request(session, pending, request, *key, content_of(request),
                         {{std::string(body->users.front())},
                          false,
                          {},
                          [role = body->role](std::uint32_t, std::vector<im::command::Person> people) {
                              return im::Command(im::command::SetRole{people.front().user, role});
                          }});
}

void ConversationRequests::restrict(session::ServerSession& session, const session::PendingRequest& pending,
                                    const wire::RequestView& request) {
    const auto body = read_body<wire::im::MemberUntil>(pending, request);
    if (!body) return;
    const auto key = key_of(session, pending, body->conversation);
    if (!key) return;
    if (body->user.empty()) return refuse(pending, errc::invalid_name, "the change names nobody: name a user");
    const bool mutes = request.verb == Verb::member_mute;
    parts_.sends.request(
        session, pending, request, *key, content_of(request),
        {{std::string(body->user)},
         false,
         {},
         [mutes, until = body->until_ms](std::uint32_t, std::vector<im::command::Person> people) {
             const im::Row user = people.front().user;
             return mutes ? im::Command(im::command::Mute{user, until}) : im::Command(im::command::Ban{user, until});
         }});
}

void ConversationRequests::register_push(session::ServerSession& session, const session::PendingRequest& pending,
                                         const wire::RequestView& request) {
    if (request.verb == Verb::push_unregister) {
        if (read_body<wire::im::PushUnregister>(pending, request)) parts_.devices.set(session, pending, {});
        return;
    }
    const auto body = read_body<wire::im::PushDevice>(pending, request);
    if (!body) return;
    if (body->service.empty() || body->token.empty())
        return refuse(pending, errc::invalid_name, "a device is registered with a service and a token: name both");
    parts_.devices.set(session, pending, *body);
}

}  // namespace flare::server
