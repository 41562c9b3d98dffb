// Bodies of signals as tables: one field a line, as in proto/flare/im/v1/signals.proto.
//
// Protocol: docs/wire.md, "Notice", "Bodies of requests".
// Threads:  constants.
#pragma once

#include "wire/request_tables.hpp"
#include "wire/signals.hpp"

namespace flare::wire {

namespace im {
inline constexpr std::string_view kPresences[] = {"PRESENCE_UNKNOWN", "PRESENCE_OFFLINE", "PRESENCE_AWAY",
                                                  "PRESENCE_ONLINE"};
}  // namespace im

template <>
struct Table<im::Typing> {
    using T = im::Typing;
    static constexpr std::string_view kName = "Typing";
    static constexpr std::tuple kLines{
        text(1, "conversation", &T::conversation, kMaxNameBytes),
        text(2, "user", &T::user, kMaxNameBytes),
        number(3, "on", &T::on),
    };
};

template <>
struct Table<im::PresenceSet> {
    static constexpr std::string_view kName = "PresenceSet";
    static constexpr std::tuple kLines{choice(1, "state", &im::PresenceSet::state, im::kPresences)};
};

template <>
struct Table<im::PresenceUsers> {
    static constexpr std::string_view kName = "PresenceUsers";
    static constexpr std::tuple kLines{names(1, "users", &im::PresenceUsers::users, im::kMaxPresenceUsers)};
};

template <>
struct Table<im::PresenceState> {
    using T = im::PresenceState;
    static constexpr std::string_view kName = "PresenceState";
    static constexpr std::tuple kLines{
        text(1, "user", &T::user, kMaxNameBytes),
        choice(2, "state", &T::state, im::kPresences),
        number(3, "last_active_ms", &T::last_active_ms),
    };
};

template <>
struct Table<im::PresenceSnapshot> {
    using T = im::PresenceSnapshot;
    static constexpr std::string_view kName = "PresenceSnapshot";
    static constexpr std::tuple kLines{
        list<im::PresenceState>(1, "states", &T::states, im::kMaxPresenceUsers),
        number(2, "lease_ms", &T::lease_ms),
    };
};

template <>
struct Table<im::Occupancy> {
    using T = im::Occupancy;
    static constexpr std::string_view kName = "Occupancy";
    static constexpr std::tuple kLines{
        number(1, "online", &T::online),
        number(2, "members", &T::members),
    };
};

template <>
struct Table<im::Notice> {
    using T = im::Notice;
    static constexpr std::string_view kName = "Notice";
    static constexpr std::tuple kLines{
        list<im::Typing>(1, "typing", &T::typing, im::kMaxNoticed),
        list<im::PresenceState>(2, "presence", &T::presence, im::kMaxNoticed),
    };
};

}  // namespace flare::wire
