// Targets to which not everything may go at present, with the messages that wait for each: the server has no room, or a
// change of the conversation that was asked for before them has not gone yet (ClientRequests).
//
// What goes into a log comes back piece by piece: after a "later" nothing goes while the server owes an answer to
// anything that is under way, nor before the time that it has named; then one goes, and more at once with each that is
// answered for good. So a client that is over its rate sends a message about twice, however many wait behind it.
// What waits for a user who is expected back goes all at once, when everything is answered.
//
// Protocol: docs/conversations.md, "Later"; docs/protocol.md, "Receipts", "Requests".
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
    static constexpr Token kEverything = UINT64_MAX;

    bool empty() const noexcept { return targets_.empty(); }
    bool holds(std::string_view to) const { return targets_.contains(to); }
    bool waits(std::string_view to, Token token) const;
    // Something waits for it that is no younger than `token`.
    bool waits_before(std::string_view to, Token token) const;
    // What waits for it, in order.
    std::vector<Token> waiting(std::string_view to) const;
    // What is sent to it is under way: its end is to be told.
    bool watches(std::string_view to) const;
    // Of what was noted, something has no answer.
    bool under_way(std::string_view to) const;
    // Since when nothing that goes into this log has been taken. The beginning of time: nothing of it is put off.
    TimePoint stuck_since(std::string_view to) const;

    // The server puts this message off until then. `piecewise`: it goes into a log. True: none to `to` was put off.
    bool put_off(const std::string& to, Token token, TimePoint now, TimePoint until, bool piecewise);
    // Waits for a target that is held.
    void add(const std::string& to, Token token);
    // Is under way to it while others wait, or are about to. Its answer lets them go.
    void note_under_way(const std::string& to);
    // The end of one that waited or was under way. Held targets for which nothing is left are held no longer.
    void forget_waiting(std::string_view to, Token token);
    // answered: taken, or refused for good. A refusal is no proof of room, but lets more go at once all the same: to be
    // wrong costs one attempt in vain, and what waits in a room whose member was removed does not go one by one.
    enum class End : std::uint8_t { answered, put_off, given_up };
    void forget_under_way(std::string_view to, End end);
    // The server has taken one.
    void note_success(std::string_view to, TimePoint now);

    // What is younger than `upto` waits for a change, whatever else it waits for. kEverything: for none.
    void keep_behind(const std::string& to, Token upto);
    Token kept_behind(std::string_view to) const;

    // Another session: nothing is under way in it.
    void begin_session();

    // What may go now, to `to` or to any target, in order for each. Those that go to a target that watches() are under
    // way to it.
    std::vector<Token> take(std::string_view to, TimePoint now);
    std::vector<Token> take_due(TimePoint now);
    TimePoint next_deadline() const noexcept { return due_; }

    void check_invariants() const;

private:
    static constexpr std::uint32_t kAll = UINT32_MAX;
    static constexpr std::uint32_t kMostAtOnce = 1024;
    struct Held {
        std::set<Token> waiting{};
        Token upto = kEverything;  // those behind it wait for a change
        // Of those that the server has put off:
        bool put_off = false;                      // there are some
        bool owed = false;                         // nothing goes while anything is under way
        TimePoint until = TimePoint::min();        // nothing goes before
        TimePoint stuck_since = TimePoint::min();  // of what goes into a log
        std::uint32_t at_once = kAll;              // so many may be under way
        std::uint32_t under_way = 0;               // that were noted
        std::uint32_t answered = 0;                // in a row, since at_once was what it is

        bool may_go() const noexcept { return !waiting.empty() && *waiting.begin() <= upto; }
        bool has_room() const noexcept {
            return may_go() && (owed || at_once == kAll ? under_way == 0 : under_way < at_once);
        }
    };
    using Targets = std::map<std::string, Held, std::less<>>;
    void take_from(Held& held, std::vector<Token>& taken);
    void settle(Targets::iterator found);

    Targets targets_;         // no more than there are messages, and changes that wait
    TimePoint due_ = kNever;  // when the first of them may go, or earlier
};

}  // namespace flare::session
