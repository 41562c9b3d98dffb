// Who types: what this client says of itself, not too often, and what it is told of others, which ends by itself.
//
// Protocol: docs/protocol.md, "Signals".
// Threads:  its client's I/O thread.
// Owner:    SignalState.
#pragma once

#include "client/im/signal_events.hpp"
#include "wire/signals.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace flare::client {

class TypingState {
public:
    static constexpr session::Duration kEvery = std::chrono::seconds(3);
    static constexpr session::Duration kLasts = std::chrono::seconds(6);
    static constexpr std::size_t kMostSaid = 64;    // conversations in which this user types; of more it says nothing
    static constexpr std::size_t kMostTold = 1024;  // others who type; of more nothing is told

    TypingState(Feeds::Owner& owner, SignalEvents& events) : owner_(owner), events_(events) {}

    void say(const std::string& conversation, bool on);
    void on_told(const wire::im::Typing& told);

    session::TimePoint next_deadline() const noexcept { return due_; }
    void on_time();

private:
    struct Said {
        session::TimePoint at{};
        bool on = false;  // and not stopped since
    };
    using Who = std::pair<std::string, std::string>;  // conversation, user
    void tell(const Who& who, bool on);

    Feeds::Owner& owner_;
    SignalEvents& events_;
    std::map<std::string, Said, std::less<>> said_;
    std::map<Who, session::TimePoint> told_;    // until when
    session::TimePoint due_ = session::kNever;  // the first of these, or earlier
};

}  // namespace flare::client
