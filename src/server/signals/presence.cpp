#include "server/signals/presence.hpp"

#include "base/log.hpp"
#include "model/conversation.hpp"
#include "server/conversations/opened.hpp"
#include "server/dispatch/receipts.hpp"
#include "server/worker/shard.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

namespace flare::server {
namespace {

using wire::im::Presence;

// Whether the user takes nothing from the one whose row is given: the block is in their direct conversation.
Result<bool> is_blocked_by(store::Reader& reader, const std::string& user, const std::string& asks, store::Row row) {
    const auto conversation = reader.conversation(model::ConversationKey::direct(user, asks));
    if (!conversation) return reading::code_of(conversation);
    if (!*conversation || (*conversation)->removed) return false;
    const auto both = reader.members((*conversation)->row, 0, 2, false);
    if (!both) return reading::code_of(both);
    return std::ranges::any_of(*both, [&](const model::Member& each) { return each.user != row && each.blocks; });
}

}  // namespace

struct PresenceSignals::Asked {
    session::PendingRequest pending;
    std::string user;  // who asks
    bool subscribes = false;
    std::vector<PresenceSubscriptions::Wanted> users{};
    std::vector<PresenceNow> found{};  // of presence.get, in the same order
    std::size_t missing = 0;           // homes that have not answered yet
};

PresenceBook::Time PresenceSignals::time() const {
    return {parts_.executor.now(), unix_ms(parts_.executor.wall_clock())};
}

// ---- sessions ----

PresenceBook::Shown PresenceSignals::shown(std::string_view user) {
    using Shown = PresenceBook::Shown;
    Shown most = Shown::nothing;
    for (const session::ServerSession* const each : parts_.table.of_user(user)) {
        if (each->presence() != session::Presence::attached || each->attachments().unconfirmed()) continue;
        most = std::max(most, away_.contains(each->id().value) ? Shown::away : Shown::online);
    }
    return most;
}

void PresenceSignals::changed(std::string_view user) {
    book_.shows(user, shown(user), time());
    pass_on();
    parts_.executor.arm_timer();
}

void PresenceSignals::session_ended(const session::ServerSession& session) {
    away_.erase(session.id().value);
    subscriptions_.session_ended(session.id().value);
    changed(session.user());
}

void PresenceSignals::blocks(std::string_view user, std::string_view whom) {
    parts_.router.give(parts_.router.home_of(whom), [user = std::string(user), whom = std::string(whom)](Shard& shard) {
        shard.conversations()->signals.presence.hide(whom, user);
    });
}

void PresenceSignals::hide(std::string_view from, std::string_view user) {
    for (const session::ServerSession* const each : parts_.table.of_user(from))
        subscriptions_.hide(each->id().value, user, parts_.executor.now());
    parts_.executor.arm_timer();
}

// ---- requests ----

void PresenceSignals::set(const session::ServerSession& session, const session::PendingRequest& pending,
                          Presence state) {
    if (state != Presence::away && state != Presence::online)
        return answers_.refuse(pending, errc::malformed_frame, "a client says that it is away or online, nothing else");
    if (state == Presence::away) {
        away_.insert(session.id().value);
    } else {
        away_.erase(session.id().value);
    }
    changed(session.user());
    answers_.done(pending);
}

bool PresenceSignals::allows(const session::ServerSession& session, const std::string& user) const {
    if (!parts_.config.policy) return true;
    const HandlerQueue* const queue = queue_of(session);
    try {
        return queue != nullptr && parts_.config.policy(*queue->info, user);
    } catch (const std::exception& error) {
        base::log().limited(base::LogKind::policy_threw, "the presence policy threw: {}", error.what());
    }
    return false;
}

void PresenceSignals::ask(const session::ServerSession& session, const session::PendingRequest& pending,
                          const wire::im::Names& users, bool subscribes) {
    if (users.size() > PresenceSubscriptions::kMostOfSession)
        return answers_.refuse(pending, errc::too_many_subscriptions,
                               "a request names at most 1,000 users: name fewer");
    const auto asked = std::make_shared<Asked>(Asked{pending, session.user(), subscribes});
    asked->users.reserve(users.size());
    for (const std::string_view user : users) {
        auto& wanted = asked->users.emplace_back(std::string(user));
        wanted.hidden = !allows(session, wanted.user);
    }
    parts_.store.read(
        [asked](store::Reader& reader) {
            const auto row = reader.user(asked->user);
            if (!row) return reading::code_of(row);
            if (!*row) return errc::ok;  // it has just come for the first time: nobody knows it
            for (auto& each : asked->users) {
                if (each.hidden || each.user == asked->user) continue;
                const auto blocked = is_blocked_by(reader, each.user, asked->user, **row);
                if (!blocked) return reading::code_of(blocked);
                each.hidden = *blocked;
            }
            return errc::ok;
        },
        [this, asked](errc code) {
            if (code != errc::ok) return answers_.refuse(asked->pending, code);
            blocks_read(asked);
        });
}

void PresenceSignals::blocks_read(const AskedPtr& asked) {
    if (parts_.table.find(asked->pending.session) == nullptr) return;
    std::vector<std::string> to_ask;
    if (asked->subscribes) {
        const errc code =
            subscriptions_.follow(asked->pending.session.value, asked->users, parts_.executor.now(), to_ask);
        if (code != errc::ok) return answers_.refuse(asked->pending, code);
        parts_.executor.arm_timer();
    } else {
        asked->found.resize(asked->users.size());
        for (const auto& each : asked->users) {
            if (!each.hidden) to_ask.push_back(each.user);
        }
    }
    ask_homes(asked, to_ask);
}

// Each home is asked once, for all its users.
void PresenceSignals::ask_homes(const AskedPtr& asked, const std::vector<std::string>& users) {
    std::map<std::uint32_t, std::vector<std::string>> by_home;
    for (const std::string& user : users) by_home[parts_.router.home_of(user)].push_back(user);
    asked->missing = by_home.size();
    if (by_home.empty()) return answer(*asked);
    for (auto& [home, theirs] : by_home) {
        parts_.router.ask(
            index_, home,
            [names = std::move(theirs), subscribes = asked->subscribes, index = index_](Shard& shard) {
                PresenceSignals& there = shard.conversations()->signals.presence;
                std::vector<PresenceNews> found;
                found.reserve(names.size());
                for (const std::string& name : names)
                    found.push_back({name, subscribes ? there.watch(name, index) : there.find(name)});
                there.parts_.executor.arm_timer();
                return found;
            },
            [this, asked](Shard&, const std::vector<PresenceNews>& found) {
                if (asked->subscribes) {
                    learn(found);
                } else {
                    // Those of one home are in the order in which they were asked for.
                    std::size_t at = 0;
                    for (std::size_t i = 0; i < asked->users.size() && at < found.size(); ++i) {
                        if (asked->users[i].hidden || asked->users[i].user != found[at].user) continue;
                        asked->found[i] = found[at++].now;
                    }
                }
                if (--asked->missing == 0) answer(*asked);
            });
    }
}

void PresenceSignals::answer(const Asked& asked) {
    const std::vector<PresenceNow> found =
        asked.subscribes ? subscriptions_.snapshot(asked.pending.session.value, asked.users) : asked.found;
    wire::im::PresenceSnapshot snapshot;
    snapshot.states.reserve(found.size());
    for (std::size_t i = 0; i < found.size(); ++i)
        snapshot.states.push_back({asked.users[i].user, found[i].state, found[i].last_active_ms});
    if (asked.subscribes) {
        const auto lease = std::chrono::duration_cast<std::chrono::milliseconds>(parts_.config.lease);
        snapshot.lease_ms = static_cast<std::uint32_t>(lease.count());
    }
    answers_.give(asked.pending, snapshot);
    pass_on();  // whom a session that has ended meanwhile did follow
}

void PresenceSignals::unsubscribe(const session::ServerSession& session, const session::PendingRequest& pending,
                                  const wire::im::Names& users) {
    subscriptions_.unfollow(session.id().value, users);
    pass_on();
    answers_.done(pending);
}

// ---- what is told ----

void PresenceSignals::learn(std::span<const PresenceNews> news) {
    const session::TimePoint now = parts_.executor.now();
    for (const PresenceNews& each : news) subscriptions_.learn(each.user, each.now, now);
    parts_.executor.arm_timer();
}

bool PresenceSignals::send(const Uuid& session, std::span<const wire::im::PresenceState> states) {
    session::ServerSession* const to = parts_.table.find(session::SessionId{session});
    if (to == nullptr || to->active() == session::kNoCarrier) return false;  // it is told when it is back
    wire::im::Notice notice;
    notice.presence.assign(states.begin(), states.end());
    const bool taken = parts_.table.send_notice(*to, wire::im::notice_body(notice));
    ++(taken ? parts_.counters.signals.notices : parts_.counters.signals.notices_dropped);
    return taken;
}

void PresenceSignals::on_time() {
    book_.on_time(time());
    pass_on();
    subscriptions_.on_time(parts_.executor.now(),
                           [this](const Uuid& session, const auto& states) { return send(session, states); });
    pass_on();
}

// At the end of the turn: of 10,000 sessions that are lost at once, each worker is told at once.
void PresenceSignals::pass_on() {
    if (turn_ends_ || (!book_.has_news() && !subscriptions_.has_unwatched())) return;
    turn_ends_ = true;
    parts_.executor.later([this] {
        turn_ends_ = false;
        book_.take_news([&](std::uint32_t worker, std::vector<PresenceNews> news) {
            parts_.router.give(worker, [news = std::move(news)](Shard& shard) {
                shard.conversations()->signals.presence.learn(news);
            });
        });
        std::map<std::uint32_t, std::vector<std::string>> by_home;
        for (std::string& user : subscriptions_.take_unwatched())
            by_home[parts_.router.home_of(user)].push_back(std::move(user));
        for (auto& [home, users] : by_home) {
            parts_.router.give(home, [users = std::move(users), index = index_](Shard& shard) {
                for (const std::string& user : users) shard.conversations()->signals.presence.unwatch(user, index);
            });
        }
    });
}

}  // namespace flare::server
