#include "server/hooks/event_names.hpp"

#include <array>

namespace flare::server::hooks {
namespace {

constexpr std::array<std::string_view, kEvents> kNames{
    "message.created",
    "message.updated",
    "message.deleted",
    "reaction.added",
    "reaction.removed",
    "conversation.created",
    "conversation.updated",
    "conversation.ended",
    "member.joined",
    "member.left",
    "member.added",
    "member.removed",
    "member.role",
    "member.muted",
    "member.banned",
    "member.invited",
    "push.requested",
    "push.cleared",
    "session.opened",
    "session.closed",
    "user.online",
    "user.offline",
    "message.before_create",
    "message.before_update",
    "conversation.before_create",
    "member.before_join",
};

template <typename Predicate>
EventSet those(const Predicate& predicate) {
    EventSet found;
    for (std::size_t i = 0; i < kEvents; ++i) {
        const auto event = static_cast<Event>(i);
        if (predicate(event)) found.add(event);
    }
    return found;
}

}  // namespace

std::string_view name(Event event) noexcept { return kNames[static_cast<std::size_t>(event)]; }

EventSet EventSet::named(std::string_view wanted) noexcept {
    const bool group = wanted.ends_with(".*");
    const std::string_view prefix = group ? wanted.substr(0, wanted.size() - 1) : wanted;
    return those([&](Event event) {
        return group ? !is_asked(event) && name(event).starts_with(prefix) : name(event) == wanted;
    });
}

EventSet EventSet::of_log() noexcept {
    return those([](Event event) { return is_of_log(event); });
}

bool EventSet::any_asked() const noexcept {
    return (set_ & those([](Event event) { return is_asked(event); }).set_).any();
}
bool EventSet::shares_asked(const EventSet& other) const noexcept {
    EventSet both;
    both.set_ = set_ & other.set_;
    return both.any_asked();
}
bool EventSet::any_told() const noexcept {
    return (set_ & those([](Event event) { return !is_asked(event); }).set_).any();
}
bool EventSet::any_of_log() const noexcept { return (set_ & of_log().set_).any(); }

std::vector<std::string> EventSet::names() const {
    std::vector<std::string> found;
    for (std::size_t i = 0; i < kEvents; ++i)
        if (set_.test(i)) found.emplace_back(kNames[i]);
    return found;
}

}  // namespace flare::server::hooks
