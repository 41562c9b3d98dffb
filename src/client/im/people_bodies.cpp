#include "client/im/people_bodies.hpp"

#include "base/utf8.hpp"
#include "client/im/answer_body.hpp"
#include "client/im/bodies.hpp"

#include <flare/conversations.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace flare::client {
namespace {

Failure bad_name(std::string text) { return {errc::invalid_name, std::move(text)}; }

Failure bad_after() { return bad_name("after: a user id has at most 256 bytes of UTF-8"); }

std::uint32_t people_limit(std::uint32_t limit) { return std::min<std::uint32_t>(limit, wire::im::kMaxPage); }

bool is_text(const std::string& text, std::size_t most) { return text.size() <= most && base::is_utf8(text); }

std::chrono::system_clock::time_point end_of_ban(std::uint64_t until_ms) {
    if (until_ms == std::numeric_limits<std::uint64_t>::max()) return Conversations::kForever;
    constexpr std::uint64_t kLast = std::numeric_limits<std::int64_t>::max();
    return wire::to_time(static_cast<std::int64_t>(std::min(until_ms, kLast)));
}

// A page of users of a room.
Checked<Call> users_call(wire::Verb verb, const std::string& room, const std::string& after, std::uint32_t limit) {
    auto call = room_call(verb, room);  // for the name
    if (!call) return call;
    if (!wire::is_name(after)) return bad_after();
    call->body = wire::im::encode(wire::im::MemberQuery{room, after, people_limit(limit)});
    return call;
}

}  // namespace

// ---- what is asked ----

Checked<Call> bans_call(const std::string& room, const std::string& after, std::uint32_t limit) {
    return users_call(wire::Verb::ban_list, room, after, limit);
}

Checked<Call> invited_call(const std::string& room, const std::string& after, std::uint32_t limit) {
    return users_call(wire::Verb::invite_list, room, after, limit);
}

Checked<Call> blocks_call(const std::string& after, std::uint32_t limit) {
    if (!wire::is_name(after)) return bad_after();
    return Call{wire::Verb::block_list, {}, wire::im::encode(wire::im::BlockQuery{after, people_limit(limit)})};
}

Checked<Call> register_call(const std::string& service, const std::string& token, const std::string& app) {
    if (service.empty() || !is_text(service, wire::im::kMaxPushServiceBytes))
        return bad_name("the push service has 1 to 64 bytes of UTF-8: call it fcm, apns or webpush, for example");
    if (token.empty() || !is_text(token, wire::im::kMaxPushTokenBytes))
        return bad_name("the token has 1 to 4096 bytes of UTF-8: give what the push service calls this device");
    if (!wire::is_name(app)) return bad_name("the name of the app has at most 256 bytes of UTF-8");
    return Call{wire::Verb::push_register, {}, wire::im::encode(wire::im::PushDevice{service, token, app})};
}

Call unregister_call() { return {wire::Verb::push_unregister, {}, wire::im::encode(wire::im::PushUnregister{})}; }

// ---- what is answered ----

Checked<BanPage> read_bans(const Answer& answer) {
    const auto body = body_of<wire::im::BanPage>(answer);
    if (!body) return body.error();
    BanPage page;
    for (const wire::im::Ban& from : body->bans)
        page.bans.push_back({std::string(from.user), end_of_ban(from.until_ms)});
    page.more = body->more;
    if (page.more && page.bans.empty()) return unreadable();
    return page;
}

Checked<InvitedPage> read_invited(const Answer& answer) {
    const auto body = body_of<wire::im::InvitePage>(answer);
    if (!body) return body.error();
    InvitedPage page;
    for (const wire::im::Invite& from : body->invites)
        page.invited.push_back({std::string(from.user), std::string(from.by), wire::to_time(from.time_ms)});
    page.more = body->more;
    if (page.more && page.invited.empty()) return unreadable();
    return page;
}

Checked<BlockPage> read_blocks(const Answer& answer) {
    const auto body = body_of<wire::im::BlockPage>(answer);
    if (!body) return body.error();
    BlockPage page;
    page.users.assign(body->users.begin(), body->users.end());
    page.more = body->more;
    if (page.more && page.users.empty()) return unreadable();
    return page;
}

Checked<> read_registered(const Answer& answer) {
    const auto body = body_of<wire::im::Done>(answer);
    if (!body) return body.error();
    return {};
}

}  // namespace flare::client
