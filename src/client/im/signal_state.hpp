// Signals of a client: who types, who is there, and what it has said of itself.
//
// Protocol: docs/protocol.md, "Signals"; docs/client.md, "Typing and presence".
// Threads:  its client's I/O thread.
// Owner:    ClientLoop.
#pragma once

#include "client/im/presence.hpp"
#include "client/im/typing.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace flare::client {

class SignalState {
public:
    explicit SignalState(Feeds::Owner& owner) : owner_(owner), events_(owner) {}
    SignalState(const SignalState&) = delete;
    SignalState& operator=(const SignalState&) = delete;

    TypingState& typing() noexcept { return typing_; }
    PresenceList& presence() noexcept { return presence_; }
    void set_away(bool away, SignalDone done);

    // ---- from the session ----
    void begin_session();
    void go_on() { presence_.begin(); }
    // It sends on that carrier now.
    void sends_on(session::CarrierKey carrier);
    // One that cannot be read is passed over.
    void on_notice(std::string_view body);
    std::uint64_t unreadable() const noexcept { return unreadable_; }

    session::TimePoint next_deadline() const noexcept {
        return std::min(typing_.next_deadline(), presence_.next_deadline());
    }
    void on_time();

private:
    Feeds::Owner& owner_;
    SignalEvents events_;
    TypingState typing_{owner_, events_};
    PresenceList presence_{owner_, events_};
    bool away_ = false;
    session::CarrierKey carrier_ = session::kNoCarrier;
    std::uint64_t unreadable_ = 0;
};

}  // namespace flare::client
