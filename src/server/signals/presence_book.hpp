// Whether the users whose home is one worker are there. Their sessions say what they show now; the book keeps what is
// told: who has lost the last connection stays what it was for a time of grace, so that a move between connections, a
// resumed session and a client that comes back tell nothing. It knows which workers follow whom, and gathers what is
// to be told to each.
//
// Behind a start of the server nobody knows who was there before: for the grace, who has not come is `unknown`.
//
// Protocol: docs/protocol.md, "Signals".
// Threads:  one at a time; time is an argument.
// Owner:    PresenceSignals, of each worker.
#pragma once

#include "base/aging_map.hpp"
#include "base/keyed_hash.hpp"
#include "session/types.hpp"
#include "wire/signals.hpp"

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::server {

// What is told of a user.
struct PresenceNow {
    wire::im::Presence state = wire::im::Presence::unknown;
    std::int64_t last_active_ms = 0;  // Unix time: when the user was last online; 0: not known

    friend bool operator==(const PresenceNow&, const PresenceNow&) = default;
};

// From the home of a user to a worker that follows it.
struct PresenceNews {
    std::string user;
    PresenceNow now;
};

class PresenceBook {
public:
    // What those sessions of a user show that have a connection: the most that one of them does.
    enum class Shown : std::uint8_t { nothing, away, online };
    struct Time {
        session::TimePoint now;
        std::int64_t unix_ms;
    };
    // Of users who are offline and whom nobody follows, when they were last online is remembered in so much memory:
    // some 80,000 of them.
    static constexpr std::size_t kMostRemembered = 4u << 20;
    // Users whose grace ends in one turn of the loop; the others follow in the next.
    static constexpr std::size_t kMostInTurn = 1000;

    PresenceBook(session::Duration grace, session::TimePoint started, std::uint32_t workers)
        : grace_(grace), known_from_(started + grace), news_(workers) {}
    PresenceBook(const PresenceBook&) = delete;
    PresenceBook& operator=(const PresenceBook&) = delete;

    // The sessions of the user show this now.
    void shows(std::string_view user, Shown shown, Time time);

    // The worker is told of every change of this user from now on. Returns what is told now.
    PresenceNow watch(std::string_view user, std::uint32_t worker, Time time);
    void unwatch(std::string_view user, std::uint32_t worker);
    PresenceNow find(std::string_view user, Time time);

    session::TimePoint next_deadline() const noexcept {
        return graces_.empty() ? session::kNever : graces_.begin()->first;
    }
    // Graces end.
    void on_time(Time time);

    // What is to be told to that worker.
    bool has_news() const noexcept { return has_news_; }
    template <typename Each>
    void take_news(const Each& each) {  // each(worker, std::vector<PresenceNews>&&)
        has_news_ = false;
        for (std::uint32_t worker = 0; worker < news_.size(); ++worker) {
            if (!news_[worker].empty()) each(worker, std::exchange(news_[worker], {}));
        }
    }

    // Users who have a connection, are in their grace, or are followed.
    std::size_t size() const noexcept { return people_.size(); }

private:
    struct Person {
        std::string name;
        wire::im::Presence told = wire::im::Presence::unknown;
        Shown shown = Shown::nothing;
        session::TimePoint offline_at = session::kNever;  // the end of the grace; in graces_
        std::int64_t last_active_ms = 0;                  // while it is not online
        boost::container::small_vector<std::uint32_t, 2> watchers{};
    };

    Person* known(std::string_view user);
    Person& make(std::string_view user, session::TimePoint now);
    void change(Person& person, wire::im::Presence state, std::int64_t unix_ms);
    void begin_grace(Person& person, session::TimePoint until);
    void end_grace(Person& person);
    // Nothing has to be kept of it but when it was there.
    void forget_idle(Person& person);
    static PresenceNow now_of(const Person& person, std::int64_t unix_ms) noexcept;

    const session::Duration grace_;
    const session::TimePoint known_from_;
    boost::unordered_flat_map<std::string_view, std::unique_ptr<Person>, base::NameHash, std::equal_to<>> people_;
    std::set<std::pair<session::TimePoint, Person*>> graces_;
    base::AgingMap<std::uint64_t, std::int64_t> last_active_{kMostRemembered};  // by the keyed hash of the name
    std::vector<std::vector<PresenceNews>> news_;                               // by worker
    bool has_news_ = false;
};

}  // namespace flare::server
