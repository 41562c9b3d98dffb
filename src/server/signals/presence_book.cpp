#include "server/signals/presence_book.hpp"

#include <algorithm>

namespace flare::server {

using wire::im::Presence;

PresenceBook::Person* PresenceBook::known(std::string_view user) {
    const auto found = people_.find(user);
    return found == people_.end() ? nullptr : found->second.get();
}

PresenceBook::Person& PresenceBook::make(std::string_view user, session::TimePoint now) {
    auto made = std::make_unique<Person>();
    Person& person = *made;
    person.name = user;
    if (const std::int64_t* const last = last_active_.find(base::NameHash{}(user)); last != nullptr)
        person.last_active_ms = *last;
    people_.emplace(person.name, std::move(made));
    if (now < known_from_) {
        begin_grace(person, known_from_);
    } else {
        person.told = Presence::offline;
    }
    return person;
}

void PresenceBook::forget_idle(Person& person) {
    if (person.shown != Shown::nothing || person.offline_at != session::kNever || !person.watchers.empty()) return;
    if (person.last_active_ms != 0) last_active_.put(base::NameHash{}(person.name), person.last_active_ms, 0);
    people_.erase(people_.find(person.name));
}

PresenceNow PresenceBook::now_of(const Person& person, std::int64_t unix_ms) noexcept {
    return {person.told, person.shown == Shown::online ? unix_ms : person.last_active_ms};
}

// ---- sessions ----

void PresenceBook::shows(std::string_view user, Shown shown, Time time) {
    Person* person = known(user);
    if (person == nullptr) {
        if (shown == Shown::nothing) return;
        person = &make(user, time.now);
    }
    if (person->shown == shown) return;
    if (std::exchange(person->shown, shown) == Shown::online) person->last_active_ms = time.unix_ms;
    if (shown == Shown::nothing) return begin_grace(*person, time.now + grace_);
    end_grace(*person);
    change(*person, shown == Shown::online ? Presence::online : Presence::away, time.unix_ms);
}

void PresenceBook::change(Person& person, Presence state, std::int64_t unix_ms) {
    if (std::exchange(person.told, state) == state) return;
    for (const std::uint32_t worker : person.watchers) news_[worker].push_back({person.name, now_of(person, unix_ms)});
    has_news_ |= !person.watchers.empty();
}

// ---- time ----

void PresenceBook::begin_grace(Person& person, session::TimePoint until) {
    person.offline_at = until;
    graces_.emplace(until, &person);
}

void PresenceBook::end_grace(Person& person) {
    if (person.offline_at == session::kNever) return;
    graces_.erase({person.offline_at, &person});
    person.offline_at = session::kNever;
}

void PresenceBook::on_time(Time time) {
    for (std::size_t i = 0; i < kMostInTurn && next_deadline() <= time.now; ++i) {
        Person& person = *graces_.begin()->second;
        end_grace(person);
        change(person, Presence::offline, time.unix_ms);
        forget_idle(person);
    }
}

// ---- who follows ----

PresenceNow PresenceBook::watch(std::string_view user, std::uint32_t worker, Time time) {
    Person* const before = known(user);
    Person& person = before == nullptr ? make(user, time.now) : *before;
    if (std::ranges::find(person.watchers, worker) == person.watchers.end()) person.watchers.push_back(worker);
    return now_of(person, time.unix_ms);
}

void PresenceBook::unwatch(std::string_view user, std::uint32_t worker) {
    Person* const person = known(user);
    if (person == nullptr) return;
    const auto found = std::ranges::find(person->watchers, worker);
    if (found == person->watchers.end()) return;
    person->watchers.erase(found);
    forget_idle(*person);
}

PresenceNow PresenceBook::find(std::string_view user, Time time) {
    if (const Person* const person = known(user); person != nullptr) return now_of(*person, time.unix_ms);
    const std::int64_t* const last = last_active_.find(base::NameHash{}(user));
    return {time.now < known_from_ ? Presence::unknown : Presence::offline, last == nullptr ? 0 : *last};
}

}  // namespace flare::server
