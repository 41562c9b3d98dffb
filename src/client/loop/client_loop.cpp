#include "client/loop/client_loop.hpp"

#include "base/random.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace flare::client {
namespace asio = boost::asio;

namespace {

// Small ones and large ones; a session has at most ClientSession::kMaxProbes open on a carrier.
constexpr std::uint32_t kMostProbes = 20;

// Queues, replay and reassembly of one client. The outbox is the real bound; this one only stops a runaway peer.
std::size_t budget_for(const session::ClientSettings& settings) {
    return settings.outbox.bytes + static_cast<std::size_t>(4 * settings.max_message_bytes) + (64u << 20);
}

Connectivity::Settings connecting_settings(const Config& config) {
    Connectivity::Settings all;
    for (const Url& url : config.addresses) all.addresses.push_back(url.protocol);
    all.connection_timeout = config.connection_timeout;
    all.reconnect_delay = config.reconnect_delay;
    all.max_reconnect_attempts = config.max_reconnect_attempts;
    all.auto_reconnect = config.auto_reconnect;
    all.auto_fallback = config.racing.auto_fallback;
    Race::Settings& settings = all.race;
    settings.protocols = config.protocols();
    settings.measures = config.measures && settings.protocols.size() > 1;
    settings.warm_standby = config.racing.warm_standby;
    settings.probes = std::min<std::uint32_t>(config.racing.test_message_count, kMostProbes);
    settings.timeout = config.racing.timeout;
    settings.interval = config.racing.racing_interval;
    return all;
}

}  // namespace

ClientLoop::ClientLoop(asio::io_context& context, Config config, std::shared_ptr<EventQueue> events)
    : context_(context),
      config_(std::move(config)),
      shared_budget_(budget_for(config_.session)),
      budget_(shared_budget_, 64 * 1024),
      session_events_({session_, links_, credential_, waiters_, figures_, notes_, connecting_, connectivity_, messages_,
                       requests_, sync_, signals_},
                      [this](session::LaneIndex lane, std::uint64_t cost) { return when_consumed(lane, cost); }),
      session_(config_.session, base::system_random(), budget_, session_events_),
      links_(session_, *this),
      credential_(config_.token, config_.token_may_change),
      figures_(config_, std::move(events), session_, links_, connectivity_),
      notes_(config_, session_, links_, connectivity_,
             [this](const Failure& failure) { figures_.emit(event::Error{failure}); }),
      telling_(config_, session_, links_, figures_, notes_, waiters_),
      connecting_(context, config_, session_, connectivity_, links_, figures_, notes_, waiters_,
                  [this] { after_turn(); }),
      connectivity_(connecting_settings(config_), base::system_random(), credential_, connecting_, connecting_,
                    telling_),
      messages_(config_, session_, figures_, notes_,
                [this](const std::string& to, const StoredAt& stored, Entry entry) {
                    return sync_.on_stored(to, stored, std::move(entry));
                }),
      requests_(session_),
      sync_(config_.sync_conversations, config_.session.user, *this, config_.cache, &notes_.feeds()),
      timer_{boost::asio::steady_timer(context)} {
    if (!config_.cache) return;
    const CacheContents kept = config_.cache->take_contents();
    sync_.restore(kept);
    messages_.restore(kept.outbox);
    figures_.publish();
}

// ---- what the application asks ----

void ClientLoop::connect(ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (connectivity_.status() != ClientStatus::disconnected && connectivity_.status() != ClientStatus::failed)
        return done(Failure(errc::already_connected));
    waiters_.connect(std::move(done));
    notes_.note("connect_asked");
    connectivity_.connect(steady_now());
    after_turn();
}

void ClientLoop::reconnect(ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    const ClientStatus status = connectivity_.status();
    if (status == ClientStatus::disconnected || status == ClientStatus::failed) return connect(std::move(done));
    waiters_.connect(std::move(done));
    if (status == ClientStatus::connected) {
        notes_.note("reconnect_asked");
        notes_.stands_still();
    }
    connectivity_.reconnect(steady_now());
    after_turn();
}

void ClientLoop::disconnect(std::function<void()> done) {
    if (closed_ || connectivity_.status() == ClientStatus::disconnected) return done();
    waiters_.disconnect(std::move(done));
    notes_.note("disconnect_asked");
    connectivity_.disconnect(steady_now());
    session_.disconnect(steady_now());
    after_turn();
}

void ClientLoop::switch_protocol(Protocol protocol, ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (!config_.has(protocol))
        return done(Failure(errc::protocol_unavailable, "server_addresses has no URL of this protocol"));
    if (connectivity_.status() != ClientStatus::connected) return done(Failure(errc::not_connected));
    if (connectivity_.uses(protocol)) return done(protocol);
    if (connectivity_.is_moving()) return done(Failure(errc::busy, "a connection attempt is already in progress"));
    waiters_.switch_protocol(std::move(done));
    notes_.switch_asked(protocol);
    connectivity_.switch_to(protocol, steady_now());
    after_turn();
}

void ClientLoop::refresh_token(std::string token, RefreshDone done) {
    waiters_.answer_refresh(Failure(errc::cancelled, "a newer token has replaced this one"));
    if (closed_) return done(Failure(errc::client_closed));
    if (!session_.id()) return done(Failure(errc::not_connected));
    if (const auto usable = Credential::check(token); !usable) return done(usable.error());
    waiters_.refresh(std::move(done));
    credential_.sent(token);
    session_.renew_credential(std::move(token));
}

void ClientLoop::send(Message message, SendDone done, std::chrono::system_clock::time_point queued_at) {
    messages_.send(std::move(message), std::move(done), queued_at, can_be_sent());
    after_turn();
}

void ClientLoop::ask(const Call& call, AnswerDone done) {
    requests_.send(call, sync_.watch(call, std::move(done)), can_be_sent());
    after_turn();
}

std::shared_ptr<void> ClientLoop::when_handled(std::function<void()> then) {
    return {nullptr, [weak = weak_from_this(), then = std::move(then)](void*) {
                const auto self = weak.lock();
                if (!self) return;
                asio::post(self->context_, [self, then] {
                    if (self->closed_) return;
                    then();
                    self->after_turn();
                });
            }};
}

session::TimePoint ClientLoop::now() const { return steady_now(); }

errc ClientLoop::can_be_sent() const noexcept {
    if (closed_) return errc::client_closed;
    const ClientStatus status = connectivity_.status();
    return status == ClientStatus::disconnected || status == ClientStatus::failed ? errc::not_connected : errc::ok;
}

// The server may send more when the application has done with a message.
std::function<void()> ClientLoop::when_consumed(session::LaneIndex lane, std::uint64_t cost) {
    return [weak = weak_from_this(), lane, cost, id = session_.id()] {
        const auto self = weak.lock();
        if (!self) return;
        asio::post(self->context_, [self, lane, cost, id] {
            if (self->closed_ || self->session_.id() != id) return;
            self->session_.consumed(lane, cost, steady_now());
            self->after_turn();
        });
    };
}

std::size_t ClientLoop::clear_queue() {
    const std::size_t cleared = session_.clear_queue(steady_now());
    after_turn();
    return cleared;
}

void ClientLoop::close() {
    if (std::exchange(closed_, true)) return;
    session_events_.close();
    connecting_.stop();
    connectivity_.stop();
    timer_.timer.cancel();
    waiters_.answer_refresh(Failure(errc::client_closed));
    waiters_.answer_connect(Failure(errc::client_closed));
    messages_.close();
    sync_.close();
    requests_.close();
    waiters_.answer_disconnect();
    links_.clear();
}

// ---- links, and time ----

bool ClientLoop::counts_as_movement(session::CarrierKey key) const {
    if (!notes_.still()) return false;
    const auto found = connectivity_.carriers().find(key);
    return found != connectivity_.carriers().end() && found->second.ready;
}

void ClientLoop::on_link_closed(Link& link, const transport::CloseReason& reason) {
    notes_.lost(link, reason);
    // Closed in good order and without a word (1000, a reason of none), where nobody had said goodbye.
    const Failure why(reason.code == errc::ok ? errc::closed_by_peer : reason.code,
                      reason.text.empty() ? std::string(explain(errc::connection_lost)) : reason.text);
    session_.carrier_gone(link.key, why.code, why.text, steady_now());
    connectivity_.gone(link.key, why, steady_now());
}

void ClientLoop::post_flush() {
    asio::post(context_, [self = shared_from_this()] { self->links_.flush(); });
}

void ClientLoop::after_turn() {
    if (closed_) return;
    signals_.sends_on(session_.active());
    figures_.publish();
    const session::TimePoint next = std::min(
        {session_.next_deadline(), connectivity_.next_deadline(), sync_.next_deadline(), signals_.next_deadline()});
    if (next >= timer_.at) return;
    timer_.at = next;
    timer_.timer.expires_at(std::max(next, steady_now()));
    timer_.timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || !self || self->closed_) return;
        self->timer_.at = session::kNever;
        const session::TimePoint now = steady_now();
        if (self->session_.next_deadline() <= now) self->session_.on_time(now);
        if (self->connectivity_.next_deadline() <= now) self->connectivity_.on_time(now);
        if (self->sync_.next_deadline() <= now) self->sync_.on_time();
        if (self->signals_.next_deadline() <= now) self->signals_.on_time();
        self->after_turn();
    });
}

}  // namespace flare::client
