#include "server/conversations/requests.hpp"

#include "im/limits.hpp"
#include "im/names.hpp"
#include "model/target.hpp"
#include "server/conversations/others_reading.hpp"
#include "server/conversations/reading.hpp"
#include "server/message_rules.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {
namespace {

using wire::Verb;

}  // namespace

void ConversationRequests::refuse(const session::PendingRequest& pending, errc code, std::string_view text) {
    wire::ResponseView response;
    response.code = code;
    response.text = text;
    (void)parts_.table.respond(pending, response, parts_.executor.now());
}

std::optional<model::ConversationKey> ConversationRequests::key_of(const session::ServerSession& session,
                                                                   const session::PendingRequest& pending,
                                                                   std::string_view name) {
    using Kind = model::Target::Kind;
    const model::Target target = model::Target::of(name);
    if (target.kind == Kind::user) return model::ConversationKey::direct(session.user(), target.name);
    // What the server has written to this user.
    if (target.kind == Kind::server) return model::ConversationKey::direct(session.user(), kServerTarget);
    if (target.kind == Kind::conversation) {
        const auto refused = im::check_room_name(target.name);
        if (!refused) return model::ConversationKey::room(target.name);
        refuse(pending, refused->code, refused->text);
        return std::nullopt;
    }
    refuse(pending, errc::unknown_conversation, explain(errc::unknown_conversation));
    return std::nullopt;
}

void ConversationRequests::take(session::ServerSession& session, session::PendingRequest&& pending,
                                const wire::RequestView& request) {
    switch (request.verb) {
        case Verb::conversation_create: return create(session, pending, request);
        case Verb::conversation_update: return update(session, pending, request);
        case Verb::conversation_delete:
        case Verb::user_block:
        case Verb::user_unblock: return change_whole(session, pending, request);
        case Verb::member_role: return set_role(session, pending, request);
        case Verb::member_mute:
        case Verb::member_ban: return restrict(session, pending, request);
        case Verb::member_add:
        case Verb::member_remove: return change_members(session, pending, request);
        case Verb::member_invite: return invite(session, pending, request);
        case Verb::conversation_join:
        case Verb::conversation_leave: {
            const auto body = read_body<wire::im::ConversationRef>(pending, request);
            if (!body) return;
            const auto key = key_of(session, pending, body->conversation);
            if (!key) return;
            const bool joins = request.verb == Verb::conversation_join;
            return parts_.sends.request(session, pending, request, *key, content_of(request),
                                        {{}, joins, {}, [joins](std::uint32_t conversations, auto) {
                                             return joins ? im::Command(im::command::Join{conversations})
                                                          : im::Command(im::command::Leave{});
                                         }});
        }
        case Verb::conversation_get: {
            const auto body = read_body<wire::im::ConversationRef>(pending, request);
            if (!body) return;
            const auto key = key_of(session, pending, body->conversation);
            if (!key) return;
            return answer_by_reading(pending, [key = *key, user = session.user(),
                                               name = std::string(body->conversation)](store::Reader& reader) {
                const auto found = reading::conversation(reader, key, user, name);
                return Found{found.code, found.text, found.body};
            });
        }
        case Verb::member_list: {
            const auto body = read_body<wire::im::MemberQuery>(pending, request);
            if (!body) return;
            const auto key = key_of(session, pending, body->conversation);
            if (!key) return;
            return answer_by_reading(pending, [key = *key, user = session.user(), after = std::string(body->after),
                                               limit = body->limit](store::Reader& reader) {
                const auto found = reading::members(reader, key, user, after, limit);
                return Found{found.code, found.text, found.body};
            });
        }
        case Verb::ban_list: {
            const auto body = read_body<wire::im::MemberQuery>(pending, request);
            if (!body) return;
            const auto key = key_of(session, pending, body->conversation);
            if (!key) return;
            const auto now_ms = static_cast<std::uint64_t>(unix_ms(parts_.executor.wall_clock()));
            return answer_by_reading(pending, [key = *key, user = session.user(), after = std::string(body->after),
                                               limit = body->limit, now_ms](store::Reader& reader) {
                const auto found = reading::bans(reader, key, user, after, limit, now_ms);
                return Found{found.code, found.text, found.body};
            });
        }
        case Verb::invite_list: {
            const auto body = read_body<wire::im::MemberQuery>(pending, request);
            if (!body) return;
            const auto key = key_of(session, pending, body->conversation);
            if (!key) return;
            return answer_by_reading(pending, [key = *key, user = session.user(), after = std::string(body->after),
                                               limit = body->limit](store::Reader& reader) {
                const auto found = reading::invitations(reader, key, user, after, limit);
                return Found{found.code, found.text, found.body};
            });
        }
        case Verb::block_list: {
            const auto body = read_body<wire::im::BlockQuery>(pending, request);
            if (!body) return;
            return answer_by_reading(pending, [user = session.user(), after = std::string(body->after),
                                               limit = body->limit](store::Reader& reader) {
                const auto found = reading::blocks(reader, user, after, limit);
                return Found{found.code, found.text, found.body};
            });
        }
        case Verb::push_register:
        case Verb::push_unregister: return register_push(session, pending, request);
        case Verb::history: {
            const auto body = read_body<wire::im::HistoryQuery>(pending, request);
            if (!body) return;
            const auto key = key_of(session, pending, body->conversation);
            if (!key) return;
            wire::im::HistoryQuery query = *body;
            query.conversation = {};  // a view
            return answer_by_reading(pending, [key = *key, user = session.user(), query,
                                               encodings = session.agreed().encodings](store::Reader& reader) {
                const auto found = reading::history(reader, key, user, query, encodings);
                return Found{found.code, found.text, found.body};
            });
        }
        case Verb::subscribe: return subscribe(session, pending, request);
        case Verb::unsubscribe: {
            const auto body = read_body<wire::im::Unsubscribe>(pending, request);
            if (!body) return;
            const auto key = key_of(session, pending, body->conversation);
            if (!key) return;
            return parts_.feeds.unsubscribe(session, pending, *key);
        }
        case Verb::sync: {
            const auto body = read_body<wire::im::Sync>(pending, request);
            if (!body) return;
            return parts_.sync.sync(session, parts_.sends.session_key(session), pending, *body);
        }
        case Verb::read_mark:
        case Verb::read_unmark: {
            const auto body = read_body<wire::im::MarkRead>(pending, request);
            if (!body) return;
            const auto key = key_of(session, pending, body->conversation);
            if (!key) return;
            using What = store::Mark::What;
            const bool unread = request.verb == Verb::read_unmark;
            return parts_.marks.mark(session, pending, *key, *body, unread ? What::unread : What::read);
        }
        case Verb::conversation_set:
        case Verb::conversation_clear: return choose(session, pending, request);
        case Verb::readers: {
            const auto body = read_body<wire::im::ReaderQuery>(pending, request);
            if (!body) return;
            const auto key = key_of(session, pending, body->conversation);
            if (!key) return;
            wire::im::ReaderQuery query = *body;
            query.conversation = {};  // a view
            query.after = {};         // likewise
            return answer_by_reading(pending, [key = *key, user = session.user(), query,
                                               after = std::string(body->after)](store::Reader& reader) {
                wire::im::ReaderQuery asked = query;
                asked.after = after;
                auto found = reading::readers(reader, key, user, asked);
                return Found{found.code, found.code == errc::ok ? std::string_view() : explain(found.code),
                             std::move(found.body)};
            });
        }
        case Verb::message_edit: return edit(session, pending, request);
        case Verb::message_delete: {
            const auto body = read_body<wire::im::MessageDelete>(pending, request);
            if (!body) return;
            return change_message(session, pending, request, body->conversation,
                                  {.kind = model::EntryKind::removal, .epoch = body->epoch, .offset = body->offset});
        }
        case Verb::message_react:
        case Verb::message_unreact: return react(session, pending, request);
        case Verb::typing:
        case Verb::presence_set:
        case Verb::presence_subscribe:
        case Verb::presence_unsubscribe:
        case Verb::presence_get:
        case Verb::occupancy_get: return signal(session, pending, request);
        case Verb::unspecified: break;
    }
    refuse(pending, errc::not_supported, "this server does not know the request");
}

void ConversationRequests::subscribe(session::ServerSession& session, const session::PendingRequest& pending,
                                     const wire::RequestView& request) {
    const auto body = read_body<wire::im::Subscribe>(pending, request);
    if (!body) return;
    const auto key = key_of(session, pending, body->conversation);
    if (!key) return;
    parts_.feeds.subscribe(session, parts_.sends.session_key(session), pending, *key,
                           {body->epoch, body->after, body->id, body->complete});
}

void ConversationRequests::choose(const session::ServerSession& session, const session::PendingRequest& pending,
                                  const wire::RequestView& request) {
    if (request.verb == Verb::conversation_clear) {
        const auto body = read_body<wire::im::ConversationClear>(pending, request);
        const auto key = body ? key_of(session, pending, body->conversation) : std::nullopt;
        if (key) parts_.settings.clear(session, pending, *key, *body);
    } else if (const auto body = read_body<wire::im::ConversationSet>(pending, request)) {
        if (const auto key = key_of(session, pending, body->conversation))
            parts_.settings.set(session, pending, *key, *body);
    }
}

void ConversationRequests::signal(const session::ServerSession& session, const session::PendingRequest& pending,
                                  const wire::RequestView& request) {
    ServerSignals& signals = parts_.signals;
    if (request.verb == Verb::typing) {
        const auto body = read_body<wire::im::Typing>(pending, request);
        const auto key = body ? key_of(session, pending, body->conversation) : std::nullopt;
        if (key) signals.typing.take(session, pending, *key, body->on);
    } else if (request.verb == Verb::occupancy_get) {
        const auto body = read_body<wire::im::ConversationRef>(pending, request);
        const auto key = body ? key_of(session, pending, body->conversation) : std::nullopt;
        if (key) signals.occupancy.get(session, pending, *key);
    } else if (request.verb == Verb::presence_set) {
        const auto body = read_body<wire::im::PresenceSet>(pending, request);
        if (body) signals.presence.set(session, pending, body->state);
    } else if (const auto body = read_body<wire::im::PresenceUsers>(pending, request)) {
        if (request.verb == Verb::presence_unsubscribe)
            return signals.presence.unsubscribe(session, pending, body->users);
        signals.presence.ask(session, pending, body->users, request.verb == Verb::presence_subscribe);
    }
}

// ---- what changes something ----

void ConversationRequests::create(session::ServerSession& session, const session::PendingRequest& pending,
                                  const wire::RequestView& request) {
    const auto body = read_body<wire::im::ConversationCreate>(pending, request);
    if (!body) return;
    if (!body->user.empty())
        return refuse(pending, errc::not_supported, "a direct conversation is made by its first message: send one");
    if (const auto refused = im::check_room_name(body->name)) return refuse(pending, refused->code, refused->text);
    if (const auto refused = im::check_title(body->title)) return refuse(pending, refused->code, refused->text);
    if (body->members.size() > im::kChangedAtOnce)
        return refuse(pending, errc::too_many_members, "a room is made with at most 100 members: add the others later");
    im::command::Create command;
    command.config.title = body->title;
    command.config.join = body->join;
    command.config.visibility = body->visibility;
    command.config.max_payload_bytes = parts_.config.conversations.limits.payload_bytes;
    parts_.sends.request(session, pending, request, model::ConversationKey::room(body->name), content_of(request),
                         {names_of(body->members), true, objection_to(session.user(), body->join),
                          [command](std::uint32_t conversations, std::vector<im::command::Person> people) {
                              im::command::Create with_members = command;
                              with_members.conversations = conversations;
                              with_members.members = std::move(people);
                              return im::Command(std::move(with_members));
                          }});
}

std::string_view ConversationRequests::objection_to(const std::string& user, model::Join join) const {
    if (!fits_one(parts_.config.conversations.room_makers, user))
        return "this server does not let you make rooms: ask its operator, or somebody who may";
    if (join == model::Join::open && !fits_one(parts_.config.conversations.open_room_makers, user))
        return "this server does not let you make rooms that anybody may join: make one that takes who is added";
    return {};
}

bool ConversationRequests::fits(const session::PendingRequest& pending, const wire::im::Names& users) {
    if (users.empty()) refuse(pending, errc::invalid_name, "the change names nobody: name 1 to 100 users");
    const bool too_many = users.size() > im::kChangedAtOnce;
    if (too_many) refuse(pending, errc::too_many_members, "a change names at most 100 users: send several");
    return !users.empty() && !too_many;
}

void ConversationRequests::change_members(session::ServerSession& session, const session::PendingRequest& pending,
                                          const wire::RequestView& request) {
    const auto body = read_body<wire::im::MemberChange>(pending, request);
    if (!body) return;
    const auto key = key_of(session, pending, body->conversation);
    if (!key) return;
    const bool adds = request.verb == Verb::member_add;
    if (!fits(pending, body->users)) return;
    if (!adds && body->users.size() != 1)
        return refuse(pending, errc::not_supported, "one member is removed at a time: send a request for each");
    const model::Role role = body->role == model::Role::none ? model::Role::member : body->role;
    parts_.sends.request(
        session, pending, request, *key, content_of(request),
        {names_of(body->users), false, {}, [adds, role](std::uint32_t, std::vector<im::command::Person> people) {
             if (adds) return im::Command(im::command::Add{std::move(people), role});
             return im::Command(im::command::Remove{people.front().user});
         }});
}

// ---- what changes a message ----

void ConversationRequests::change_message(const session::ServerSession& session, const session::PendingRequest& pending,
                                          const wire::RequestView& request, std::string_view conversation,
                                          const ConversationSends::MessageChange& change) {
    if (const auto key = key_of(session, pending, conversation))
        parts_.sends.change_message(session, pending, request, *key, content_of(request), change);
}

void ConversationRequests::edit(session::ServerSession& session, const session::PendingRequest& pending,
                                const wire::RequestView& request) {
    const auto body = read_body<wire::im::MessageEdit>(pending, request);
    if (!body) return;
    wire::MessageView content;
    content.id = request.id;
    content.type = body->type;
    content.payload = body->payload;
    content.to = body->conversation;
    content.encoding = body->encoding;
    content.size = body->size;
    errc code = errc::ok;
    if (content.encoding != wire::Encoding::none) {
        const auto& compression = parts_.config.compression;
        code = compression == nullptr ? errc::compression_unavailable
                                      : compression->check(content, session.agreed().encodings, im::kMaxPayloadBytes);
    }
    if (code != errc::ok) return refuse(pending, code, explain(code));
    change_message(session, pending, request, body->conversation,
                   {.kind = model::EntryKind::edit, .epoch = body->epoch, .offset = body->offset, .content = content});
}

void ConversationRequests::react(session::ServerSession& session, const session::PendingRequest& pending,
                                 const wire::RequestView& request) {
    const auto body = read_body<wire::im::MessageReaction>(pending, request);
    if (!body) return;
    if (const auto refused = im::check_reaction(body->key)) return refuse(pending, refused->code, refused->text);
    wire::MessageView content;
    content.payload = body->key;
    const std::uint8_t flags = request.verb == Verb::message_unreact ? model::kTakenBack : std::uint8_t{0};
    change_message(session, pending, request, body->conversation,
                   {.kind = model::EntryKind::reaction,
                    .flags = flags,
                    .epoch = body->epoch,
                    .offset = body->offset,
                    .content = content});
}

// ---- what reads ----

void ConversationRequests::answer_by_reading(const session::PendingRequest& pending, Read read) {
    const auto found = std::make_shared<Found>();
    parts_.store.read(
        [found, read = std::move(read)](store::Reader& reader) {
            *found = read(reader);
            return found->code;
        },
        [this, pending, found](errc code) {
            if (code != errc::ok) {
                const bool said = code == found->code && !found->text.empty();
                return refuse(pending, code, said ? found->text : explain(code));
            }
            wire::ResponseView response;
            response.body = found->body;
            (void)parts_.table.respond(pending, response, parts_.executor.now());
        });
}

}  // namespace flare::server
