// What a shard of a server with a store has of conversations: both ends of the way to a log.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/conversations/application_calls.hpp"
#include "server/conversations/awaited.hpp"
#include "server/conversations/deliveries.hpp"
#include "server/conversations/erasing.hpp"
#include "server/conversations/feeds.hpp"
#include "server/conversations/home.hpp"
#include "server/conversations/moved_marks.hpp"
#include "server/conversations/others_marks.hpp"
#include "server/conversations/push.hpp"
#include "server/conversations/push_devices.hpp"
#include "server/conversations/read_marks.hpp"
#include "server/conversations/requests.hpp"
#include "server/conversations/retention.hpp"
#include "server/conversations/sends.hpp"
#include "server/conversations/states.hpp"
#include "server/conversations/sync.hpp"
#include "server/conversations/user_rows.hpp"
#include "server/conversations/user_settings.hpp"
#include "server/signals/signals.hpp"

#include <algorithm>

namespace flare::server {

struct Conversations {
    struct Parts {
        ServerState& state;
        Router& router;
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        Answers& answers;
        Users& users;
        WaitingMemory& memory;
        Counters& counters;
        Turn& turn;
    };
    Conversations(const Parts& parts, std::uint32_t index)
        : rows(parts.router, parts.store, index),
          awaited(parts.executor, parts.store, parts.table, parts.answers, parts.memory),
          home({parts.router, parts.executor, parts.store, rows, awaited, parts.users, feeds, states, push,
                parts.state.config.conversations.limits, parts.state.asked_hooks},
               index),
          sends(
              {parts.state, parts.router, parts.executor, parts.store, rows, parts.answers, awaited, home, parts.turn},
              index),
          calls({parts.router, parts.executor, parts.store, awaited, home, parts.state.config.conversations.limits},
                index),
          states({parts.router, parts.executor, parts.store, parts.table, home.watched(), parts.counters,
                  [this](const session::ServerSession& session, const model::ConversationKey& key) {
                      return feeds.gives(session, key, UINT64_MAX);  // whatever comes next
                  }},
                 index),
          moved({parts.router, parts.executor, home.watched()}),
          deliveries({parts.router, parts.executor, parts.store, feeds}),
          others({parts.executor, parts.store, parts.table, feeds}),
          feeds({parts.router, parts.executor, parts.store, parts.table, home.watched(), states, others, parts.counters,
                 parts.state.config.conversations.limits},
                index),
          sync({parts.executor, parts.store, parts.table, feeds, deliveries, others, parts.counters,
                parts.state.config.conversations.limits, parts.state.newest_entries}),
          push({parts.state.config, parts.router, parts.executor, parts.store, parts.table, parts.counters}),
          marks({parts.router, parts.executor, parts.store, parts.table, states, push, one_by_one, parts.counters}),
          settings({parts.executor, parts.store, parts.table, states, push, one_by_one}),
          devices({parts.router, parts.executor, parts.store, rows, parts.table}, index),
          erasing({parts.router, parts.executor, parts.store}, index),
          retention({parts.router, parts.executor, parts.store, parts.state.config.conversations.retention}, index),
          signals{TypingSignals(
                      {parts.router, parts.executor, parts.store, parts.table, home.watched(), feeds, parts.counters}),
                  PresenceSignals({parts.state.config.presence, parts.router, parts.executor, parts.store, parts.table,
                                   parts.counters},
                                  parts.state.started, index),
                  OccupancySignals({parts.router, parts.executor, parts.store, parts.table, sends}, index)},
          requests({parts.state.config, parts.executor, parts.store, parts.table, sends, feeds, sync, marks, settings,
                    devices, signals}) {}

    session::TimePoint next_deadline() const noexcept {
        return std::min({home.next_deadline(), sends.next_deadline(), states.next_deadline(), moved.next_deadline(),
                         deliveries.next_deadline(), others.next_deadline(), feeds.next_deadline(),
                         push.next_deadline(), marks.next_deadline(), settings.next_deadline(), devices.next_deadline(),
                         retention.next_deadline(), erasing.next_deadline(), signals.presence.next_deadline()});
    }
    void on_time() {
        home.on_time();
        sends.on_time();
        states.on_time();
        moved.on_time();
        deliveries.on_time();
        others.on_time();
        feeds.on_time();
        push.on_time();
        marks.on_time();
        settings.on_time();
        retention.on_time();
        erasing.on_time();
        devices.on_time();
        signals.presence.on_time();
    }
    void session_ended(const session::ServerSession& session) {
        sends.session_ended(session);
        states.session_ended(session);
        deliveries.session_ended(session);
        others.session_ended(session);
        feeds.session_ended(session);
        signals.presence.session_ended(session);
    }

    UserRows rows;
    Awaited awaited;
    ConversationHome home;
    ConversationSends sends;
    ApplicationCalls calls;
    ConversationStates states;
    MovedMarks moved;
    Deliveries deliveries;
    OthersMarks others;
    ConversationFeeds feeds;
    ConversationSync sync;
    ConversationPush push;
    OneByOne one_by_one;
    ConversationMarks marks;
    UserSettings settings;
    PushDevices devices;
    Erasing erasing;
    Retention retention;
    ServerSignals signals;
    ConversationRequests requests;
};

}  // namespace flare::server
