#include "server/worker/shard.hpp"

#include <algorithm>

namespace flare::server {

Shard::Shard(ServerState& state, Router& router, Executor& executor, std::uint32_t index)
    : state_(state),
      executor_(executor),
      index_(index),
      budget_(state.budget, state.grain()),
      events_({state, executor, table_, carriers_, authenticator_, dispatch_, shedding_, counters_, log_}),
      table_(state.config.session, index, state.started, executor.random(), budget_, events_, state.ticket_keys.get()),
      carriers_(state, executor, table_, budget_, counters_, log_, *this),
      shedding_(state, router, executor, table_, budget_, counters_, index),
      authenticator_(state, executor),
      sealer_(executor, carriers_),
      intake_(state, executor, table_, carriers_, turn_),
      reception_({state, router, executor, table_, carriers_, intake_, authenticator_, sealer_, counters_, log_, turn_},
                 index),
      dispatch_({state, router, executor, table_, budget_, shedding_, counters_, turn_}, index) {
    StoreAccess* const store = executor.store();
    table_.offer(state.config.compression.get(), store != nullptr);
    if (store != nullptr) {
        conversations_ = std::make_unique<Conversations>(
            Conversations::Parts{state, router, executor, *store, table_, dispatch_.answers(), dispatch_.users(),
                                 dispatch_.memory(), counters_, turn_},
            index);
        dispatch_.offer(conversations_.get());
        events_.offer(conversations_.get());
    }
}

Shard::~Shard() = default;

// ---- carriers ----

void Shard::on_batch(ServerCarrier& carrier, std::string_view batch) {
    switch (carrier.state) {
        case ServerCarrier::State::greeting: return reception_.greeted(carrier, batch);
        case ServerCarrier::State::attached: return intake_.received(carrier, batch);
        case ServerCarrier::State::early:
        case ServerCarrier::State::authenticating:
        case ServerCarrier::State::closing: return;
    }
}

void Shard::on_confirmed(ServerCarrier& carrier) { reception_.confirmed(carrier); }

// Before Hello it is worth nothing: hello_timeout runs on.
void Shard::on_alive(ServerCarrier& carrier) {
    if (carrier.state == ServerCarrier::State::attached) table_.on_alive(carrier.key, executor_.now());
}

void Shard::on_turn_end(ServerCarrier& carrier) { intake_.turn_ended(carrier); }

void Shard::on_writable(ServerCarrier& carrier) { carriers_.mark_dirty(carrier); }

void Shard::on_closed(ServerCarrier& carrier, const transport::CloseReason& reason) {
    carriers_.closed(carrier, reason);
}

// ---- the loop ----

session::TimePoint Shard::next_deadline() {
    const session::TimePoint next =
        std::min({table_.next_deadline(), reception_.next_deadline(), carriers_.next_deadline()});
    return conversations_ == nullptr ? next : std::min(next, conversations_->next_deadline());
}

void Shard::on_time() {
    const session::TimePoint now = executor_.now();
    table_.on_time(now);
    reception_.on_time(now);
    carriers_.on_time(now);
    if (conversations_ != nullptr) conversations_->on_time();
}

void Shard::end_turn() {
    if (stopping_ && carriers_.size() == 0 && table_.size() == 0) stopping_.reset();
}

// ---- the application ----

std::size_t Shard::end_user(std::string_view user, errc code, const std::string& text) {
    const auto sessions = table_.of_user(user);
    for (session::ServerSession* session : sessions) table_.end(*session, code, text, 0, executor_.now());
    return sessions.size();
}

std::size_t Shard::cut_off(const std::function<bool(const session::ServerSession&)>& which, errc code,
                           const std::string& text) {
    std::size_t ended = 0;
    table_.for_each([&](session::ServerSession& session) {
        if (!which(session)) return;
        table_.cut_off(session, code, text, executor_.now());
        ++ended;
    });
    return ended;
}

std::size_t Shard::drop_connections(std::string_view user) {
    std::size_t dropped = 0;
    for (const session::ServerSession* session : table_.of_user(user)) {
        for (const session::CarrierKey key : session->carriers()) {
            ServerCarrier* carrier = carriers_.find(key);
            if (carrier == nullptr) continue;
            carriers_.closed(*carrier, {errc::connection_lost, "discarded by the server", false});
            ++dropped;
        }
    }
    return dropped;
}

// Each session that can hear it gets a slot of its own to come back in. Workers take turns.
// Where tickets last, another process is to come, and its users' friends: who writes to one who has gone already hears
// what the next process would say.
void Shard::begin_stop(base::Gate::Pass pass) {
    stopping_ = std::move(pass);
    std::size_t slot = index_;
    table_.for_each([this, &slot](session::ServerSession& session) {
        const bool attached = session.presence() == session::Presence::attached;
        if (state_.ticket_keys) {
            const session::TimePoint back = executor_.now() + state_.admission.drain_slot(attached ? slot : 0);
            table_.expect(session.user(), back, back + kExpectedLate);
        }
        std::chrono::milliseconds retry_after{0};
        if (attached) {
            retry_after = state_.admission.drain_slot(slot);
            slot += state_.workers;
        }
        table_.end(session, errc::shutting_down, "the server is shutting down",
                   static_cast<std::uint32_t>(retry_after.count()), executor_.now());
    });
    reception_.stop();
}

ServerStats Shard::stats() {
    ServerStats stats = counters_;
    stats.sessions = table_.size();
    stats.users_expected = table_.expected().size();
    stats.memory_bytes = budget_.used();
    if (conversations_ != nullptr) {
        stats.feeds.current = conversations_->feeds.size();
        stats.signals.subscriptions = conversations_->signals.presence.subscriptions();
    }
    table_.for_each([&](const session::ServerSession& session) {
        ++(session.presence() == session::Presence::attached ? stats.sessions_attached : stats.sessions_detached);
    });
    carriers_.for_each([&](const ServerCarrier& carrier) {
        if (!carrier.transport) return;
        ++stats.connections[carrier.protocol];
        const transport::CarrierStats& figures = carrier.transport->stats();
        stats.bytes_received += figures.bytes_in;
        stats.bytes_sent += figures.bytes_out;
        stats.quic_migrations += figures.migrations;
    });
    return stats;
}

}  // namespace flare::server
