// Members of rooms, bans and invitations.
#include "server/api/changes.hpp"
#include "server/api/context.hpp"
#include "server/api/forms.hpp"
#include "server/conversations/reading.hpp"

#include <boost/json/array.hpp>

#include <array>
#include <chrono>
#include <utility>

namespace flare::server::api {
namespace {

using boost::json::array;
using boost::json::object;
using People = std::vector<im::command::Person>;

std::uint64_t ms_of(std::chrono::system_clock::time_point time) {
    if (time == std::chrono::system_clock::time_point::max()) return UINT64_MAX;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    return ms > 0 ? static_cast<std::uint64_t>(ms) : 1;
}

// A page of what is listed by the names of users: the cursor is the last one.
template <typename Body_, typename Read, typename Tell>
void list(Context& context, const CallPtr& call, std::string_view field, Read read, Tell tell) {
    const auto key = conversation_of(call);
    if (!key || !check_query(call, {"limit", "cursor"})) return;
    const auto limit = limit_of(call);
    if (!limit) return;
    context.read(call,
                 [key = *key, limit = *limit, after = std::string(call->query("cursor")), field, read,
                  tell](store::Reader& reader) -> Context::Reply {
                     const reading::Found found = read(reader, key, after, limit);
                     if (found.code != errc::ok) return problem_of(found.code, found.text);
                     const auto page = wire::im::decode<Body_>(found.body);
                     if (!page) return problem_of(errc::internal);
                     array all;
                     std::string last;
                     tell(*page, all, last);
                     object told{{field, std::move(all)}};
                     if (page->more) told["next"] = last;
                     return told;
                 });
}

void list_members(Context& context, const CallPtr& call) {
    list<wire::im::MemberPage>(
        context, call, "members",
        [](store::Reader& reader, const model::ConversationKey& key, const std::string& after, std::uint32_t limit) {
            return reading::members(reader, key, kServerTarget, after, limit);
        },
        [](const wire::im::MemberPage& page, array& all, std::string& last) {
            for (const wire::im::Member& each : page.members) all.push_back(json_of(each));
            if (!page.members.empty()) last = page.members.back().user;
        });
}

void list_bans(Context& context, const CallPtr& call) {
    const std::uint64_t now_ms = ms_of(std::chrono::system_clock::now());
    list<wire::im::BanPage>(
        context, call, "bans",
        [now_ms](store::Reader& reader, const model::ConversationKey& key, const std::string& after,
                 std::uint32_t limit) { return reading::bans(reader, key, kServerTarget, after, limit, now_ms); },
        [](const wire::im::BanPage& page, array& all, std::string& last) {
            for (const wire::im::Ban& each : page.bans)
                all.push_back(object{{"user", each.user}, {"until", time_text(each.until_ms)}});
            if (!page.bans.empty()) last = page.bans.back().user;
        });
}

void list_invitations(Context& context, const CallPtr& call) {
    list<wire::im::InvitePage>(
        context, call, "invitations",
        [](store::Reader& reader, const model::ConversationKey& key, const std::string& after, std::uint32_t limit) {
            return reading::invitations(reader, key, kServerTarget, after, limit);
        },
        [](const wire::im::InvitePage& page, array& all, std::string& last) {
            for (const wire::im::Invite& each : page.invites)
                all.push_back(object{{"user", each.user},
                                     {"by", each.by},
                                     {"time", time_text(static_cast<std::uint64_t>(each.time_ms))}});
            if (!page.invites.empty()) last = page.invites.back().user;
        });
}

// ---- changes ----

struct Asked {
    model::ConversationKey key;
    std::string actor{};
    std::vector<std::string> users{};
    bool invites = false;
    bool makes_users = false;
};

void change_members(Context& context, const CallPtr& call, Asked asked, std::function<im::Command(People)> command) {
    ApplicationChange change;
    change.users = std::move(asked.users);
    change.makes_users = asked.makes_users;
    change.invites = asked.invites;
    change.command = [command = std::move(command)](std::uint32_t, People people) {
        return command(std::move(people));
    };
    ApplicationCall made;
    made.key = asked.key;
    made.actor = std::move(asked.actor);
    made.what = std::move(change);
    submit(context, call, std::move(made));
}

void add_members(Context& context, const CallPtr& call) {
    const auto key = conversation_of(call);
    if (!key || !check_query(call, {})) return;
    Asked asked{.key = *key, .makes_users = true};
    model::Role role = model::Role::member;
    const bool good = read_body(call, [&](Body& body) {
        asked.actor = read_actor(body, "by");
        asked.users = read_users(body, "users", 1);
        if (const auto name = body.text("role")) {
            const auto named = role_of(*name);
            if (!named) body.wrong("role", "reader, member, moderator, admin or owner is needed here");
            role = named.value_or(role);
        }
    });
    if (!good) return;
    change_members(context, call, std::move(asked), [role](People people) {
        return im::Command(im::command::Add{std::move(people), role});
    });
}

void invite(Context& context, const CallPtr& call) {
    const auto key = conversation_of(call);
    if (!key || !check_query(call, {})) return;
    Asked asked{.key = *key, .invites = true, .makes_users = true};
    const bool good = read_body(call, [&](Body& body) {
        asked.actor = read_actor(body, "by");
        asked.users = read_users(body, "users", 1);
    });
    if (!good) return;
    change_members(context, call, std::move(asked),
                   [](People people) { return im::Command(im::command::Invite{std::move(people)}); });
}

void update_member(Context& context, const CallPtr& call) {
    const auto key = conversation_of(call);
    const auto user = key ? user_of(call) : std::nullopt;
    if (!user || !check_query(call, {})) return;
    Asked asked{.key = *key, .users = {*user}};
    std::optional<model::Role> role;
    std::optional<std::uint64_t> muted_until_ms;
    const bool good = read_body(call, [&](Body& body) {
        asked.actor = read_actor(body, "by");
        if (const auto name = body.text("role")) {
            role = role_of(*name);
            if (!role) body.wrong("role", "reader, member, moderator, admin or owner is needed here");
        }
        if (const auto until = body.time("muted_until")) muted_until_ms = ms_of(*until);
        if (const auto muted = body.flag("muted")) {
            if (muted_until_ms) body.wrong("muted", "\"muted\" or \"muted_until\" is needed, not both");
            muted_until_ms = *muted ? UINT64_MAX : 0;
        }
        if (role.has_value() == muted_until_ms.has_value())
            body.wrong("role", "one thing is changed at a time: \"role\", \"muted\" or \"muted_until\"");
    });
    if (!good) return;
    change_members(context, call, std::move(asked), [role, muted_until_ms](const People& people) {
        const im::Row row = people.front().user;
        if (role) return im::Command(im::command::SetRole{row, *role});
        return im::Command(im::command::Mute{row, *muted_until_ms});
    });
}

// {user} of the path, and who does it from the query.
std::optional<Asked> asked_in_query(const CallPtr& call) {
    const auto key = conversation_of(call);
    const auto user = key ? user_of(call) : std::nullopt;
    if (!user || !check_query(call, {"by"})) return std::nullopt;
    Asked asked{.key = *key, .actor = std::string(call->query("by")), .users = {*user}};
    if (asked.actor == kServerTarget) asked.actor.clear();
    if (asked.actor.empty() || is_user(asked.actor)) return asked;
    Problem problem = problem_of(errc::invalid_name, "this is no name of a user");
    problem.field = "by";
    call->refuse(problem);
    return std::nullopt;
}

void remove_member(Context& context, const CallPtr& call) {
    if (auto asked = asked_in_query(call)) {
        change_members(context, call, std::move(*asked),
                       [](const People& people) { return im::Command(im::command::Remove{people.front().user}); });
    }
}

void withdraw_invitation(Context& context, const CallPtr& call) {
    if (auto asked = asked_in_query(call)) {
        change_members(context, call, std::move(*asked), [](const People& people) {
            return im::Command(im::command::Remove{people.front().user, true});
        });
    }
}

void ban(Context& context, const CallPtr& call) {
    const auto key = conversation_of(call);
    if (!key || !check_query(call, {})) return;
    Asked asked{.key = *key, .makes_users = true};
    std::uint64_t until_ms = UINT64_MAX;
    const bool good = read_body(call, [&](Body& body) {
        asked.actor = read_actor(body, "by");
        asked.users = {body.required("user")};
        if (!is_user(asked.users.front()))
            body.wrong("user", "this is no name of a user: 1 to 256 bytes of UTF-8", errc::invalid_name);
        if (const auto until = body.time("until")) until_ms = ms_of(*until);
    });
    if (!good) return;
    change_members(context, call, std::move(asked), [until_ms](const People& people) {
        return im::Command(im::command::Ban{people.front().user, until_ms});
    });
}

void unban(Context& context, const CallPtr& call) {
    if (auto asked = asked_in_query(call)) {
        change_members(context, call, std::move(*asked), [](const People& people) {
            return im::Command(im::command::Ban{people.front().user, 0});
        });
    }
}

}  // namespace

std::span<const Route> member_routes() {
    using enum auth::Scopes::Group;
    static constexpr std::array kRoutes{
        Route{"GET", "/v1/conversations/{conversation}/members", "list_members", members, 0, list_members},
        Route{"POST", "/v1/conversations/{conversation}/members", "add_members", members, 64 * 1024, add_members},
        Route{"PATCH", "/v1/conversations/{conversation}/members/{user}", "update_member", members, 4096,
              update_member},
        Route{"DELETE", "/v1/conversations/{conversation}/members/{user}", "remove_member", members, 0, remove_member},
        Route{"GET", "/v1/conversations/{conversation}/bans", "list_bans", members, 0, list_bans},
        Route{"POST", "/v1/conversations/{conversation}/bans", "ban", members, 4096, ban},
        Route{"DELETE", "/v1/conversations/{conversation}/bans/{user}", "unban", members, 0, unban},
        Route{"GET", "/v1/conversations/{conversation}/invitations", "list_invitations", members, 0, list_invitations},
        Route{"POST", "/v1/conversations/{conversation}/invitations", "invite", members, 64 * 1024, invite},
        Route{"DELETE", "/v1/conversations/{conversation}/invitations/{user}", "withdraw_invitation", members, 0,
              withdraw_invitation},
    };
    return kRoutes;
}

}  // namespace flare::server::api
