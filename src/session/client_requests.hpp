// A client's requests from the call to the last response: in the lanes of a session, or waiting for their turn.
//
// One that changes something outlives its session: it is sent again in the next one, under the same id, and says how
// long ago it was sent first. It is itself sent again when the server says "later". It keeps its place among the
// messages to its conversation: it waits for those before it that wait because the server has no room, and while it
// waits, for whatever reason, those behind it wait for it. One that only reads is failed when its session is lost;
// whoever wants to know asks again. Whatever the server leaves without an answer is given up in the end, but for pages
// of lists, which are waited for as long as their session lives.
//
// Protocol: docs/protocol.md, "Requests".
// Threads:  as ClientSession; time is an argument.
// Owner:    ClientSession.
#pragma once

#include "session/client_goodbye.hpp"
#include "session/client_session_listener.hpp"
#include "session/client_settings.hpp"
#include "session/outgoing.hpp"

#include <deque>
#include <functional>
#include <string>

namespace flare::session {

class ClientRequests {
public:
    // With those that are sent; above it send() refuses. Each has at most wire::kMaxRequestBytes.
    static constexpr std::size_t kMost = 64;

    // The listener may call in again.
    ClientRequests(const ClientSettings& settings, const ClientAgreement& agreed, const ClientGoodbye& goodbye,
                   Outgoing& outgoing, ClientSessionListener& listener)
        : settings_(settings), agreed_(agreed), goodbye_(goodbye), outgoing_(outgoing), listener_(listener) {}

    // Errors: ClientSession::request().
    Result<void> send(const wire::RequestView& request, std::string_view conversation, TimePoint now);
    std::size_t size() const noexcept { return all_.size(); }
    // Gives up everything.
    void fail_all(errc never_sent, const std::string& text);

    // ---- from the lanes ----
    // Its token: that of no message.
    static bool owns(std::uint64_t token) noexcept { return (token & kToken) != 0; }
    void on_response(LaneIndex lane, const wire::ResponseView& response, const Bytes& whole, std::uint64_t cost,
                     TimePoint now);
    // This process had no memory for the response.
    void on_refused(const Uuid& id, errc code, TimePoint now);
    void on_numbered_first(std::uint64_t token, TimePoint now);
    void on_acked(std::uint64_t token);

    // ---- from the session: as Outgoing ----
    void begin_session(TimePoint now);
    void unsend();
    // It is lost, or has ended; there are no lanes any more.
    void leave_session();

    // Messages to its conversation may wait no longer.
    void go_on(TimePoint now) {
        if (all_.empty()) return;
        watch();
        if (open_ != all_.size()) fill_lanes(now);
    }

    // ---- time ----
    TimePoint next_deadline() const noexcept;
    void on_time(TimePoint now);

    void check_invariants(const std::function<bool(std::uint64_t)>& in_a_lane) const;

private:
    static constexpr std::uint64_t kToken = std::uint64_t{1} << 63;
    struct Entry {
        std::uint64_t token = 0;
        Uuid id;
        wire::Verb verb = wire::Verb::unspecified;
        std::string conversation;  // its lane is that of it; empty: lane 0
        Bytes body;
        Outbox::Token behind = 0;  // messages up to this one go before it
        TimePoint queued_at{};
        // In this session, it got a place or a number in its lane; or the last response came that is not the last.
        TimePoint asked_at{};
        TimePoint again_at = TimePoint::min();  // the server has put it off until then
        TimePoint waits_since = kNever;         // it, or a change of its conversation before it, was put off first
        TimePoint first_sent_at = kNever;
        bool watched = false;      // messages to its conversation wait for its answer
        bool was_put_off = false;  // since it was given to the lanes last
        bool in_session = false;   // it was given to the lanes of the session that there is
        bool acked = false;        // the server has it; the response is still to come
        bool uncertain = false;    // a session was left in which it was sent: a server may have acted on it
    };
    using All = std::deque<Entry>;  // in the order of the calls

    All::iterator find(const Uuid& id);
    All::iterator find(std::uint64_t token);
    LaneIndex lane_of(const Entry& entry) const noexcept;
    // As many as may be open at a time. None while this side says goodbye: it has said how many frames there are.
    void fill_lanes(TimePoint now);
    const Entry* next_to_send(TimePoint now) const;
    bool is_held(All::const_iterator entry, TimePoint now) const;
    // It changes this conversation, and waits.
    static bool waits_for(const Entry& entry, std::string_view conversation) noexcept;
    // Lets messages to it go up to the first change of it that waits.
    void keep_place_in(const std::string& conversation);
    // Changes that are under way to a conversation of which messages were put off: these go again when the changes are
    // answered. The server puts them off, too, and would let in what is behind them once it has the messages again.
    void watch();
    void answered(Entry& entry, HeldTargets::End end);
    bool put_off(Entry& entry, TimePoint again, TimePoint now);
    void restart_clocks(std::string_view conversation) noexcept;
    void give_up_behind(const std::string& conversation, errc code, TimePoint again);
    void enqueue(Entry& entry, TimePoint now);
    void fail(const Uuid& id, errc error, const std::string& text);
    TimePoint waits_until(const Entry& entry) const noexcept;
    void give_up_waiting(TimePoint now);

    const ClientSettings& settings_;
    const ClientAgreement& agreed_;
    const ClientGoodbye& goodbye_;
    Outgoing& outgoing_;
    ClientSessionListener& listener_;
    All all_;
    std::size_t open_ = 0;  // in the session
    std::uint64_t next_token_ = kToken | 1;
};

}  // namespace flare::session
