#include "sim/talker.hpp"

#include "im/refusal.hpp"
#include "model/target.hpp"

#include <algorithm>

namespace flare::sim {

using wire::Verb;

namespace {

template <typename Body>
std::string about(const std::string& room) {
    Body body;
    body.conversation = room;
    return wire::im::encode(body);
}

}  // namespace

Talker::Request Talker::think_of(const std::vector<std::string>& rooms, const std::vector<std::string>& others) {
    Request request;
    request.room = rooms[world_.chance.below(rooms.size())];
    const std::string& other = others[world_.chance.below(others.size())];
    switch (world_.chance.below(19)) {
        case 0:
        case 1:
            request.verb = Verb::conversation_create;
            request.body = make(request.room, others);
            break;
        case 2:
        case 3:
            request.verb = Verb::conversation_join;
            request.body = about<wire::im::ConversationRef>(request.room);
            break;
        case 4:
            request.verb = Verb::conversation_leave;
            request.body = about<wire::im::ConversationRef>(request.room);
            break;
        case 5:
        case 6:
        case 7:
            request.verb = Verb::member_add;
            request.body = change_members(request, other);
            break;
        case 8:
            request.verb = Verb::member_remove;
            request.body = change_members(request, other);
            break;
        case 16:
        case 17:
        case 18:
            request.verb = Verb::member_invite;
            request.body = change_members(request, other);
            break;
        case 9:
            request.verb = Verb::conversation_get;
            request.body = about<wire::im::ConversationRef>(request.room);
            break;
        case 10:
            request.verb = Verb::member_list;
            request.body = about<wire::im::MemberQuery>(request.room);
            break;
        default: {
            if (world_.chance.one_in(4)) request.room = other;  // the direct conversation
            request.verb = Verb::history;
            wire::im::HistoryQuery query;
            query.conversation = request.room;
            query.limit = static_cast<std::uint32_t>(1 + world_.chance.below(80));
            query.forward = request.query.forward = world_.chance.one_in(2);
            if (query.forward) query.after = request.query.after = world_.chance.below(40);
            if (!query.forward && world_.chance.one_in(2)) query.before = world_.chance.below(40);
            request.body = wire::im::encode(query);
        }
    }
    return request;
}

std::string Talker::make(const std::string& room, const std::vector<std::string>& others) {
    wire::im::ConversationCreate create;
    create.name = std::string_view(room).substr(model::Target::kConversation.size());
    create.join = world_.chance.one_in(2) ? model::Join::open : model::Join::invite;
    create.visibility = world_.chance.one_in(2) ? model::Visibility::all : model::Visibility::since_join;
    for (const std::string& other : others) {
        if (world_.chance.one_in(2)) create.members.push_back(other);
    }
    return wire::im::encode(create);
}

std::string Talker::change_members(const Request& request, const std::string& other) {
    wire::im::MemberChange change;
    change.conversation = request.room;
    change.users = {other};
    if (request.verb == Verb::member_add && world_.chance.one_in(4))
        change.role = world_.chance.one_in(2) ? model::Role::reader : model::Role::moderator;
    return wire::im::encode(change);
}

void Talker::talk(const std::vector<std::string>& rooms, const std::vector<std::string>& others) {
    Request request = think_of(rooms, others);
    ask(world_.chance.uuid(), std::move(request));
}

void Talker::ask(const Uuid& id, Request request) {
    wire::RequestView view;
    view.id = id;
    view.verb = request.verb;
    view.body = request.body;
    if (!client_.ask(view, request.room)) return world_.happened("request refused by the client");
    if (wire::writes(request.verb)) {
        LogBook::Sent sent;
        sent.writer = client_.writer;
        sent.user = client_.user;
        sent.key = LogBook::key_of(client_.user, request.room);
        sent.changes = true;
        sent.verb = request.verb;
        sent.about = request.about;
        sent.payload = request.text;
        book_.sends(id, std::move(sent));
    } else if (request.verb == Verb::history) {
        book_.asks(client_.user, LogBook::key_of(client_.user, request.room), request.query);
    }
    open_[id] = std::move(request);
}

void Talker::hears(const wire::ResponseView& response) {
    const auto found = open_.find(response.id);
    world_.require(found != open_.end(), "a response answers a request that is open");
    Request request = std::move(found->second);
    open_.erase(found);
    world_.require(!response.more, "these requests have one response each");
    if (im::is_later(response.code) && wire::writes(request.verb) && book_.puts_off(response.id)) {
        // Under the same id: docs/protocol.md, "Requests".
        world_.happened("change that was put off");
        const Duration wait = std::chrono::milliseconds(std::max(response.retry_after_ms, 10u));
        return client_.later(wait, [this, id = response.id, request] { ask(id, request); });
    }
    if (wire::writes(request.verb)) return hears_change(request, response);
    if (response.code == errc::ok) return hears_page(request, response);
    if (response.code == errc::history_pruned) {
        const std::uint64_t first = book_.first_of(LogBook::key_of(client_.user, request.room));
        world_.require(request.query.forward && request.query.after + 1 < first, "what is left can be read");
        return world_.happened("page of what was removed");
    }
    const bool allowed = response.code == errc::unknown_conversation || response.code == errc::storage_failed ||
                         response.code == errc::busy || response.code == errc::recipient_busy;
    world_.require(allowed, "nothing is wrong with what was asked");
    world_.happened("read that was refused");
}

void Talker::hears_page(const Request& request, const wire::ResponseView& response) {
    const model::ConversationKey key = LogBook::key_of(client_.user, request.room);
    if (request.verb == Verb::history) {
        const auto page = wire::im::decode<wire::im::HistoryPage>(response.body);
        world_.require(page.has_value(), "a page can be read");
        if (!page->entries.empty()) world_.happened("page of history");
        book_.page(client_.user, key, request.query, *page);
    } else if (request.verb == Verb::conversation_get) {
        const auto about = wire::im::decode<wire::im::Conversation>(response.body);
        world_.require(about && about->head, "what a conversation is can be read");
        book_.head(key, *about->head);
    } else {
        const auto page = wire::im::decode<wire::im::MemberPage>(response.body);
        world_.require(page && !page->members.empty(), "members can be read");
    }
}

void Talker::hears_change(const Request& request, const wire::ResponseView& response) {
    std::optional<wire::im::Written> written;
    if (response.code == errc::ok) {
        const bool describes = request.verb == Verb::conversation_create || request.verb == Verb::conversation_join;
        if (describes) {
            const auto about = wire::im::decode<wire::im::Conversation>(response.body);
            world_.require(about.has_value(), "what a conversation is can be read");
            written = about->written;
        } else {
            const auto body = wire::im::decode<wire::im::Written>(response.body);
            world_.require(body.has_value(), "where a change is can be read");
            written = *body;
        }
        world_.happened("change");
    } else {
        world_.happened("change that was refused");
    }
    book_.response(response.id, response.code, written);
}

}  // namespace flare::sim
