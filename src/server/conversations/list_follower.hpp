// A session that follows its user's list: what it is still to be told of conversations beside feeds. Of each
// conversation that is one state, the newest; it waits while the session takes nothing.
//
// Protocol: docs/protocol.md, "States".
// Threads:  its worker's.
// Owner:    ConversationStates.
#pragma once

#include "im/limits.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"
#include "session/session_table.hpp"
#include "wire/feeds.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server {

struct SummedUp;

class ListFollower {
public:
    // Conversations whose states wait. With one more, all of them are forgotten, and the session is told to sync.
    static constexpr std::size_t kMostWaiting = 256;

    struct Parts {
        Executor& executor;
        session::SessionTable& table;
        Counters& counters;
        std::function<void()> memory_short;  // something was not taken: send_waiting() is to be called in a while
    };
    // `parts` must outlive it.
    ListFollower(const Parts& parts, session::ServerSession& session)
        : parts_(parts), id_(session.id().value), session_(&session) {}
    ListFollower(const ListFollower&) = delete;
    ListFollower& operator=(const ListFollower&) = delete;

    const Uuid& id() const noexcept { return id_; }
    // Null: it has ended.
    session::ServerSession* target() const noexcept { return session_; }
    void session_ended() noexcept { session_ = nullptr; }

    // `name`: as its user calls the conversation. What is told later is newer.
    void tell_mark(std::string_view name, std::uint64_t epoch, const wire::im::ReadMark& mark);
    // `mark`: if that holds since then, too.
    void tell_settings(std::string_view name, std::uint64_t epoch, const wire::im::Settings& settings,
                       const std::optional<wire::im::ReadMark>& mark);
    // The membership ended with the entry `offset`, or before it. `epoch` 0: nobody knows in which log.
    void tell_gone(std::string_view name, std::uint64_t epoch, std::uint64_t offset);
    // An invitation to it has come or gone: a sync says what is.
    void tell_invited(std::string_view name);
    // It is told anew of the conversation: what waits is older.
    void named(std::string_view name);
    // An end of a log, which is not kept if it is not taken. False: is_behind(), until send_waiting().
    bool give(std::string_view name, const wire::Body& state);
    bool is_behind() const noexcept { return behind_; }
    // Its lanes may take more than before.
    void send_waiting();

    // ---- for Summaries: the ends of logs that it is told ----
    struct Place {
        SummedUp* log;
        std::uint32_t at;  // in SummedUp::summaries
    };
    std::vector<Place> places;
    im::Row user = 0;  // its user's; 0: it has no place

private:
    struct Waiting {
        std::uint64_t epoch = 0;
        std::optional<wire::im::ReadMark> mark{};
        std::optional<std::uint64_t> gone{};  // with this entry of the log; then there is no mark, and no settings
        std::optional<wire::im::Settings> settings{};
        bool invited = false;  // beside the rest

        void add(const Waiting& newer);
    };
    void tell(std::string_view name, const Waiting& state);
    // False: it has no room, or no memory, for it at present.
    bool send(std::string_view name, const Waiting& state);
    bool send(session::LaneIndex lane, wire::Body body);
    void want_room();

    const Parts& parts_;
    const Uuid id_;
    session::ServerSession* session_;
    std::map<std::string, Waiting, std::less<>> waiting_;  // by name
    bool is_to_sync_ = false;                              // and nothing else waits
    bool behind_ = false;                                  // an end of a log was not taken
};

}  // namespace flare::server
