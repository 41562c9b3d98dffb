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
      session_(config_.session, base::system_random(), budget_, *this),
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
      messages_(config_, session_, figures_, notes_),
      timer_(context) {}

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

void ClientLoop::on_disconnected(bool drained) {
    Recorder& recorder = notes_.recorder();
    recorder.add(recorder.line("disconnected").add("drained", drained));
    const bool was_failed = connectivity_.status() == ClientStatus::failed;
    connectivity_.disconnected();
    if (!was_failed) figures_.emit(event::Disconnected{Failure(errc::ok, "disconnect() was called")});
    waiters_.answer_disconnect();
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
    const ClientStatus status = connectivity_.status();
    const bool offline = status == ClientStatus::disconnected || status == ClientStatus::failed;
    messages_.send(std::move(message), std::move(done), queued_at,
                   closed_   ? errc::client_closed
                   : offline ? errc::not_connected
                             : errc::ok);
    after_turn();
}

std::size_t ClientLoop::clear_queue() {
    const std::size_t cleared = session_.clear_queue(steady_now());
    after_turn();
    return cleared;
}

void ClientLoop::close() {
    if (std::exchange(closed_, true)) return;
    connecting_.stop();
    connectivity_.stop();
    timer_.cancel();
    waiters_.answer_refresh(Failure(errc::client_closed));
    waiters_.answer_connect(Failure(errc::client_closed));
    messages_.close();
    waiters_.answer_disconnect();
    links_.clear();
}

// ---- what the session says of its carriers ----

void ClientLoop::on_ready(session::CarrierKey key, bool resumed) {
    connectivity_.welcomed(key, resumed, steady_now());
    connecting_.watch_addresses();
}

void ClientLoop::on_detached(errc reason, const std::string& text) {
    if (closed_) return;
    if (connectivity_.status() == ClientStatus::connected && !waiters_.any_disconnect())
        notes_.failure("detached", Failure(reason, text));
    connectivity_.detached(Failure(reason, text), steady_now());
}

void ClientLoop::on_refused(session::CarrierKey key, errc code, const std::string& text, std::uint32_t retry_after_ms) {
    const Failure failure(code, text.empty() ? std::string(explain(code)) : text);
    const std::chrono::milliseconds retry_after(retry_after_ms);
    notes_.failure("refused", failure, retry_after);
    connectivity_.refused(key, failure, retry_after, steady_now());
}

// A session that is over takes no other token: the next one is asked for its own.
void ClientLoop::on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) {
    const errc why = code == errc::ok ? errc::session_ended : code;
    waiters_.answer_refresh(Failure(why, text));
    const Failure reason(why, text.empty() ? std::string(explain(why)) : text);
    const std::chrono::milliseconds retry_after(retry_after_ms);
    notes_.failure("ended", reason, retry_after);
    if (code == errc::shutting_down) figures_.emit(event::Draining{retry_after, reason.text});
    connectivity_.ended(reason, retry_after, steady_now());
}

void ClientLoop::on_suspect(session::CarrierKey key) {
    if (!closed_) connectivity_.suspected(key, steady_now());
}

void ClientLoop::on_recovered(session::CarrierKey key) {
    if (key != session_.active()) return;
    notes_.recovered(key);
    connectivity_.recovered(key, steady_now());
}

void ClientLoop::on_slow(session::CarrierKey key, session::Duration age) {
    if (const Link* link = links_.find(key)) notes_.slow(*link, age);
    connectivity_.race().slow(age, steady_now());
}

void ClientLoop::on_probe(session::CarrierKey key, std::uint64_t id) {
    connectivity_.race().answered(key, id, steady_now());
}

void ClientLoop::close_carrier(session::CarrierKey key, errc code, const std::string& text) {
    connecting_.close(key, code, text);
}

void ClientLoop::on_heartbeat(session::CarrierKey key, session::Duration round_trip) {
    ++figures_.stats().heartbeat_count;
    if (const Link* link = links_.find(key)) figures_.of(link->protocol()).rtt = round_trip;
    figures_.emit(event::Heartbeat{round_trip});
}

// ---- and of messages, and the credential ----

void ClientLoop::on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                            std::uint64_t cost) {
    // The server may send more when the application has done with this one.
    messages_.on_message(data, whole, [weak = weak_from_this(), lane, cost, id = session_.id()] {
        const auto self = weak.lock();
        if (!self) return;
        asio::post(self->context_, [self, lane, cost, id] {
            if (self->closed_ || self->session_.id() != id) return;
            self->session_.consumed(lane, cost, steady_now());
            self->after_turn();
        });
    });
}

void ClientLoop::on_credential(const wire::CredentialState& state) {
    notes_.credential(state);
    if (state.answer) {
        if (state.code == errc::ok) return waiters_.answer_refresh({});
        const Failure failure(state.code, state.text.empty() ? std::string(explain(state.code)) : state.text);
        if (!waiters_.any_refresh()) figures_.emit(event::Error{failure});  // the provider's
        return waiters_.answer_refresh(failure);
    }
    figures_.emit(event::TokenExpiring{std::chrono::milliseconds(state.expires_in_ms)});
    if (!credential_.has_provider() || waiters_.any_refresh()) return;
    Checked<std::string> token = credential_.provided();
    if (!token) return figures_.emit(event::Error{token.error()});
    if (*token == credential_.last()) return;  // it has nothing newer
    credential_.sent(*token);
    session_.renew_credential(std::move(*token));
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
    figures_.publish();
    const session::TimePoint next = std::min(session_.next_deadline(), connectivity_.next_deadline());
    if (next >= timer_at_) return;
    timer_at_ = next;
    timer_.expires_at(std::max(next, steady_now()));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || !self || self->closed_) return;
        self->timer_at_ = session::kNever;
        const session::TimePoint now = steady_now();
        if (self->session_.next_deadline() <= now) self->session_.on_time(now);
        if (self->connectivity_.next_deadline() <= now) self->connectivity_.on_time(now);
        self->after_turn();
    });
}

}  // namespace flare::client
