// Users: their conversations, their sessions, what they have not read; whom they block, their devices.
#include "model/target.hpp"
#include "server/api/changes.hpp"
#include "server/api/context.hpp"
#include "server/api/forms.hpp"
#include "server/conversations/conversations.hpp"
#include "server/conversations/reading.hpp"
#include "server/conversations/sync_reading.hpp"

#include <flare/conversation.hpp>
#include <flare/printable.hpp>

#include <boost/json/array.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace flare::server::api {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::uint32_t kMostListed = 200;  // whose unread messages are counted, the newest
constexpr std::uint32_t kMostUnread = 999;  // of one conversation

Problem store_problem(const std::error_code& error) { return problem_of(static_cast<errc>(error.value())); }
Problem nobody() { return problem_of(errc::unknown_target, "nobody of this name has ever been here"); }

// ---- what they have ----

void list_user_conversations(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    if (!user || !check_query(call, {"limit", "cursor"})) return;
    const auto limit = limit_of(call);
    if (!limit) return;
    std::optional<Problem> problem;
    const auto after = call->query_number("cursor", UINT64_MAX, problem);
    if (problem) return call->refuse(*problem);
    context.read(call,
                 [user = *user, limit = *limit, after = after.value_or(0)](store::Reader& reader) -> Context::Reply {
                     const auto row = reader.user(user);
                     if (!row) return store_problem(row.error());
                     if (!*row) return nobody();
                     const auto found = reader.conversations_of(**row, after, limit);
                     if (!found) return store_problem(found.error());
                     array conversations;
                     for (const store::Membership& each : *found) {
                         const auto conversation = reader.conversation(each.conversation);
                         if (!conversation) return store_problem(conversation.error());
                         if (!*conversation || (*conversation)->removed || each.member.role == model::Role::none)
                             continue;
                         object told = json_of(**conversation);
                         told["conversation"] = reading::name_of((*conversation)->key, user);
                         told["role"] = name(static_cast<MemberRole>(each.member.role));
                         conversations.push_back(std::move(told));
                     }
                     object told{{"conversations", std::move(conversations)}};
                     if (found->size() == limit) told["next"] = std::to_string(found->back().conversation);
                     return told;
                 });
}

void get_unread(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    if (!user || !check_query(call, {})) return;
    context.read(call, [user = *user](store::Reader& reader) -> Context::Reply {
        const auto row = reader.user(user);
        if (!row) return store_problem(row.error());
        if (!*row) return nobody();
        const auto page = reader.list({.user = **row, .limit = kMostListed});
        if (!page) return store_problem(page.error());
        array conversations;
        std::uint64_t total = 0;
        std::uint64_t mentions = 0;
        for (const store::Listed& each : page->found) {
            if (each.is_gone() || each.is_invitation()) continue;
            const auto unread = reader.unread(each, kMostUnread);
            if (!unread) return store_problem(unread.error());
            if (unread->count == 0) continue;
            object told{{"conversation", reading::name_of(each.conversation.key, user)},
                        {"unread", unread->count},
                        {"mentions", unread->mentions}};
            if (unread->more) told["more"] = true;
            conversations.push_back(std::move(told));
            total += unread->count;
            mentions += unread->mentions;
        }
        object told{{"unread", total}, {"mentions", mentions}, {"conversations", std::move(conversations)}};
        if (page->more) told["more"] = true;
        return told;
    });
}

void mark_read(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    std::optional<model::ConversationKey> key;
    wire::im::MarkRead mark;
    const bool good = user && check_query(call, {}) && read_body(call, [&](Body& body) {
                          key = read_conversation(body, *user);
                          const auto offset = body.number("offset");
                          const auto epoch = body.number("epoch");
                          if (!offset)
                              body.wrong("offset", "the offset of the last entry that was read is needed here");
                          if (!epoch) body.wrong("epoch", "the epoch of the log is needed here, as \"head\" has it");
                          mark.offset = offset.value_or(0);
                          mark.epoch = epoch.value_or(0);
                      });
    if (!good) return;
    context.at_home(call, *user, [call, user = *user, key = *key, mark](Conversations& there) {
        there.marks.mark(user, key, mark, [call](errc code, const wire::im::ReadMark& now) {
            if (code != errc::ok) return call->refuse(problem_of(code));
            call->answer(200, object{{"offset", number_text(now.offset)},
                                     {"unread", now.unread},
                                     {"more", now.more},
                                     {"mentions", now.mentions}});
        });
    });
}

void list_blocks(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    if (!user || !check_query(call, {"limit", "cursor"})) return;
    const auto limit = limit_of(call);
    if (!limit) return;
    context.read(call,
                 [user = *user, limit = *limit,
                  after = std::string(call->query("cursor"))](store::Reader& reader) -> Context::Reply {
                     const reading::Found found = reading::blocks(reader, user, after, limit);
                     if (found.code != errc::ok) return problem_of(found.code, found.text);
                     const auto page = wire::im::decode<wire::im::BlockPage>(found.body);
                     if (!page) return problem_of(errc::internal);
                     object told{{"blocks", array(page->users.begin(), page->users.end())}};
                     if (page->more && !page->users.empty()) told["next"] = page->users.back();
                     return told;
                 });
}

void set_block(Context& context, const CallPtr& call, const std::string& user, const std::string& other, bool blocks) {
    change_conversation(context, call, model::ConversationKey::direct(user, other), user, im::command::Block{blocks});
}

void block(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    std::string other;
    const bool good = user && check_query(call, {}) && read_body(call, [&](Body& body) {
                          other = body.required("user");
                          if (!is_user(other) || other == *user)
                              body.wrong("user", "the name of another user is needed here", errc::invalid_name);
                      });
    if (good) set_block(context, call, *user, other, true);
}

void unblock(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    if (!user || !check_query(call, {})) return;
    const std::string& other = call->path("other");
    if (!is_user(other) || other == *user)
        return call->refuse(problem_of(errc::invalid_name, "the path names whom the user is to block no longer"));
    set_block(context, call, *user, other, false);
}

void list_devices(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    if (!user || !check_query(call, {})) return;
    context.read(call, [user = *user](store::Reader& reader) -> Context::Reply {
        const auto row = reader.user(user);
        if (!row) return store_problem(row.error());
        if (!*row) return nobody();
        const auto found = reader.push_devices(**row);
        if (!found) return store_problem(found.error());
        array devices;
        for (const store::PushDevice& each : *found)
            devices.push_back(
                object{{"device", each.device}, {"service", each.service}, {"token", each.token}, {"app", each.app}});
        return object{{"devices", std::move(devices)}};
    });
}

void remove_device(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    if (!user || !check_query(call, {})) return;
    context.at_home(call, *user, [call, user = *user, device = call->path("device")](Conversations& there) {
        there.devices.remove(user, device, [call](errc code) {
            if (code != errc::ok) return call->refuse(problem_of(code));
            call->answer(200, object());
        });
    });
}

// ---- their sessions ----

void list_sessions(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    if (!user || !check_query(call, {})) return;
    context.server().sessions(*user, [call](const Checked<std::vector<SessionInfo>>& found) {
        if (!found) return call->refuse(problem_of(found.error().code, found.error().text));
        array sessions;
        for (const SessionInfo& each : *found)
            sessions.push_back(
                object{{"id", each.session_id}, {"device", each.device}, {"platform", name(each.platform)}});
        call->answer(200, object{{"sessions", std::move(sessions)}});
    });
}

void get_presence(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    if (!user || !check_query(call, {})) return;
    context.server().presence(*user, [call, user = *user](const Checked<UserPresence>& found) {
        if (!found) return call->refuse(problem_of(found.error().code, found.error().text));
        static constexpr std::array<std::string_view, 3> kNames{"offline", "detached", "attached"};
        call->answer(200, object{{"user", user}, {"presence", kNames[static_cast<std::size_t>(*found)]}});
    });
}

void count_answer(const CallPtr& call, const Checked<std::size_t>& ended) {
    if (!ended) return call->refuse(problem_of(ended.error().code, ended.error().text));
    call->answer(200, object{{"sessions_ended", *ended}});
}

void disconnect_user(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    std::string text;
    const bool good = user && check_query(call, {}) &&
                      read_body(call, [&](Body& body) { text = body.text("text").value_or(std::string()); });
    if (!good) return;
    context.server().disconnect_user(*user, text,
                                     [call](const Checked<std::size_t>& ended) { count_answer(call, ended); });
}

void revoke_user(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    std::string text;
    std::optional<std::chrono::system_clock::time_point> until;
    const bool good = user && check_query(call, {}) && read_body(call, [&](Body& body) {
                          text = body.text("text").value_or(std::string());
                          until = body.time("until");
                      });
    if (!good) return;
    context.server().revoke_user(*user, until, text,
                                 [call](const Checked<std::size_t>& ended) { count_answer(call, ended); });
}

void erase_user(Context& context, const CallPtr& call) {
    const auto user = user_of(call);
    if (!user || !check_query(call, {}) || !read_body(call, [](Body&) {})) return;
    context.server().erase(*user, [call](const Checked<>& done) {
        if (!done) return call->refuse(problem_of(done.error().code, done.error().text));
        call->answer(202, object{{"erasing", true}});
    });
}

}  // namespace

std::span<const Route> user_routes() {
    using enum auth::Scopes::Group;
    static constexpr std::array kRoutes{
        Route{"GET", "/v1/users/{user}/conversations", "list_user_conversations", users, 0, list_user_conversations},
        Route{"GET", "/v1/users/{user}/unread", "get_unread", users, 0, get_unread},
        Route{"POST", "/v1/users/{user}/read", "mark_read", users, 4096, mark_read},
        Route{"GET", "/v1/users/{user}/blocks", "list_blocks", users, 0, list_blocks},
        Route{"POST", "/v1/users/{user}/blocks", "block", users, 4096, block},
        Route{"DELETE", "/v1/users/{user}/blocks/{other}", "unblock", users, 0, unblock},
        Route{"GET", "/v1/users/{user}/devices", "list_devices", users, 0, list_devices},
        Route{"DELETE", "/v1/users/{user}/devices/{device}", "remove_device", users, 0, remove_device},
        Route{"GET", "/v1/users/{user}/sessions", "list_sessions", users, 0, list_sessions},
        Route{"GET", "/v1/users/{user}/presence", "get_presence", users, 0, get_presence},
        Route{"POST", "/v1/users/{user}/disconnect", "disconnect_user", users, 4096, disconnect_user},
        Route{"POST", "/v1/users/{user}/revoke", "revoke_user", users, 4096, revoke_user},
        Route{"POST", "/v1/users/{user}/erase", "erase_user", users, 1024, erase_user},
    };
    return kRoutes;
}

}  // namespace flare::server::api
