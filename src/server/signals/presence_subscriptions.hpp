// Whom the sessions of one worker follow, for how long, and what each of them has been told. What changes is gathered:
// a session gets at most one notice a second, and of a user who is back as it was within that second it hears nothing.
//
// Protocol: docs/protocol.md, "Signals".
// Threads:  one at a time; time is an argument.
// Owner:    PresenceSignals, of each worker.
#pragma once

#include "server/signals/presence_book.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::server {

class PresenceSubscriptions {
public:
    static constexpr std::size_t kMostOfSession = 1000;
    // Of all sessions of a worker; one more is `busy`. Each takes some 80 bytes, and each user that is followed on the
    // worker some 150 with the name.
    static constexpr std::size_t kMostOfWorker = 1'000'000;
    static constexpr session::Duration kBetween = std::chrono::seconds(1);  // two notices of a session
    static constexpr std::size_t kMostNoticed = 256;                        // users in a notice
    static constexpr std::size_t kMostNoticedBytes = 12 * 1024;             // of their names, in a notice
    static constexpr session::Duration kHidden = std::chrono::seconds(5);   // by hide(), at least
    static constexpr std::size_t kMostInTurn = 500;  // sessions that get a notice in one turn of the loop

    explicit PresenceSubscriptions(session::Duration lease) : lease_(lease) {}
    PresenceSubscriptions(const PresenceSubscriptions&) = delete;
    PresenceSubscriptions& operator=(const PresenceSubscriptions&) = delete;

    // ---- sessions ----

    struct Wanted {
        std::string user;
        bool hidden = false;  // the session is told that nothing is known, whatever happens
    };
    // The session follows these users for another lease. `to_watch`: users of whom nobody here knows anything yet:
    // learn() is to follow. too_many_subscriptions, busy: then nothing has changed.
    errc follow(const Uuid& session, std::span<const Wanted> users, session::TimePoint now,
                std::vector<std::string>& to_watch);
    // The first answer to follow(), when what was to be learned has been: from here on the session is told what
    // changes. In the order of `users`; of one that it does not follow, nothing is known.
    std::vector<PresenceNow> snapshot(const Uuid& session, std::span<const Wanted> users);
    void unfollow(const Uuid& session, std::span<const std::string_view> users);
    void session_ended(const Uuid& session);
    // The session is not to see that user any more; it is told so. For a while also if follow() says something else: it
    // may have been found out before.
    void hide(const Uuid& session, std::string_view user, session::TimePoint now);

    // ---- from the homes of users ----

    void learn(std::string_view user, const PresenceNow& now_there, session::TimePoint now);

    // ---- time ----

    session::TimePoint next_deadline() const noexcept;
    // Notices are given, and leases end. send(session, states): false: it was not taken, and is tried again in a
    // second. The states are views.
    using Send = std::function<bool(const Uuid& session, std::span<const wire::im::PresenceState> states)>;
    void on_time(session::TimePoint now, const Send& send);

    // Users whom nobody here follows any more: their homes need not tell of them.
    std::vector<std::string> take_unwatched();
    bool has_unwatched() const noexcept { return !unwatched_.empty(); }

    std::size_t size() const noexcept { return size_; }              // sessions times users
    std::size_t observed() const noexcept { return users_.size(); }  // users
    void check_invariants() const;

private:
    struct Subscriber;
    struct Follower {
        Subscriber* who;
        std::uint32_t place;  // in Subscriber::follows
    };
    struct Observed {
        std::string name;
        PresenceNow now{};
        bool known = false;
        std::vector<Follower> followers{};
    };
    struct Follow {
        Observed* of;
        std::uint32_t place;  // in Observed::followers
        wire::im::Presence told = wire::im::Presence::unknown;
        bool begun = false;  // it has had a snapshot
        bool hidden = false;
        bool dirty = false;  // another state than `told` is to be told
        session::TimePoint until{};
        session::TimePoint hidden_until{};
    };
    struct Subscriber {
        Uuid id;
        std::vector<Follow> follows{};
        std::size_t dirty = 0;
        session::TimePoint next_at{};                   // the earliest time of its next notice
        session::TimePoint due_at = session::kNever;    // its notice; in due_
        session::TimePoint lease_at = session::kNever;  // when the first lease may end; in leases_
    };
    // When a session gets its notice; what is not its due_at is out of date, and goes within kBetween.
    using Due = std::pair<session::TimePoint, Uuid>;

    Subscriber* find(const Uuid& session);
    Follow* find(Subscriber& who, std::string_view user);
    Observed& observed(std::string_view user);
    void drop(Subscriber& who, std::size_t at);
    static wire::im::Presence shown(const Follow& follow) noexcept {
        return follow.hidden ? wire::im::Presence::unknown : follow.of->now.state;
    }
    // What is shown may have changed.
    void review(Subscriber& who, Follow& follow, session::TimePoint now);
    void wait_for_notice(Subscriber& who, session::TimePoint at);
    void wait_for_lease(Subscriber& who, session::TimePoint at);
    void give_notice(Subscriber& who, session::TimePoint now, const Send& send);
    void end_leases(Subscriber& who, session::TimePoint now);
    void forget_empty(Subscriber& who);

    const session::Duration lease_;
    boost::unordered_flat_map<std::string_view, std::unique_ptr<Observed>, base::NameHash, std::equal_to<>> users_;
    boost::unordered_flat_map<Uuid, std::unique_ptr<Subscriber>, base::IdHash> sessions_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::set<std::pair<session::TimePoint, Subscriber*>> leases_;
    std::vector<std::string> unwatched_;
    std::vector<wire::im::PresenceState> states_;  // of the notice that is being made
    std::size_t size_ = 0;
};

}  // namespace flare::server
