// Targets for which the server has no room at present, with the messages that wait for each.
//
// What goes into a log comes back piece by piece: nothing goes while the server owes an answer to what was under way
// when it said "later", or before the time that it has named; then one goes, and more at once with each that is
// answered for good. So a client that is over its rate sends a message about twice, however many wait behind it.
// What waits for a user who is expected back goes all at once, when everything is answered.
//
// Protocol: docs/conversations.md, "Later"; docs/protocol.md, "Receipts".
// Threads:  as ClientSession; time is an argument.
// Owner:    Outgoing.
#pragma once

#include "session/outbox.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace flare::session {

class HeldTargets {
public:
    using Token = Outbox::Token;

    bool empty() const noexcept { return targets_.empty(); }
    bool holds(std::string_view to) const { return targets_.contains(to); }
    bool waits(std::string_view to, Token token) const;
    // Something waits for it that is no younger than `token`.
    bool waits_before(std::string_view to, Token token) const;

    // The server puts this message off until then. `piecewise`: it goes into a log. True: nothing was held for `to`.
    bool put_off(const std::string& to, Token token, TimePoint until, bool piecewise);
    // Waits for a target that is held.
    void add(const std::string& to, Token token);
    // Was under way to it when it came to be held. Its answer lets others go.
    void note_under_way(std::string_view to);
    // The end of one that waited or was under way. Held targets for which nothing is left are held no longer.
    void forget_waiting(std::string_view to, Token token);
    enum class End : std::uint8_t { answered, put_off, given_up };
    void forget_under_way(std::string_view to, End end);

    // Another session: nothing is under way in it.
    void begin_session();

    // What may go now, to `to` or to any target, in order for each. Those that go to a target that is still held are
    // under way to it.
    std::vector<Token> take(std::string_view to, TimePoint now);
    std::vector<Token> take_due(TimePoint now);
    TimePoint next_deadline() const noexcept { return due_; }

    void check_invariants() const;

private:
    static constexpr std::uint32_t kAll = UINT32_MAX;
    static constexpr std::uint32_t kMostAtOnce = 1024;
    struct Held {
        std::set<Token> waiting{};
        TimePoint until{};            // nothing goes before
        std::uint32_t at_once = 1;    // so many may be under way
        std::uint32_t under_way = 0;  // that were noted
        std::uint32_t answered = 0;   // in a row, since at_once was what it is

        bool has_room() const noexcept {
            return !waiting.empty() && (at_once == kAll ? under_way == 0 : under_way < at_once);
        }
    };
    using Targets = std::map<std::string, Held, std::less<>>;
    void take_from(Held& held, std::vector<Token>& taken);
    void settle(Targets::iterator held);

    Targets targets_;         // no more than there are messages
    TimePoint due_ = kNever;  // when the first of them may go, or earlier
};

}  // namespace flare::session
