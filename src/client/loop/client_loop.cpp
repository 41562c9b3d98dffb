// The loop of a client: bytes in, bytes out, time, messages, and what is told.
#include "client/loop/client_loop.hpp"

#include "base/random.hpp"
#include "client/loop/link.hpp"

#include <boost/asio/post.hpp>

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
      events_(std::move(events)),
      shared_budget_(budget_for(config_.session)),
      budget_(shared_budget_, 64 * 1024),
      session_(config_.session, base::system_random(), budget_, *this),
      credential_(config_.token, config_.token_may_change),
      connectivity_(connecting_settings(config_), base::system_random(), credential_, *this, *this, *this),
      memory_(config_),
      recorder_(config_, [this](const Failure& failure) { emit(event::Error{failure}); }),
      timer_(context) {
    for (const Url& url : config_.addresses) metrics_[url.protocol].protocol = url.protocol;
    snapshot_.metrics = metrics_;
}

ClientLoop::~ClientLoop() = default;

// ---- what others may look at ----

void ClientLoop::publish() {
    const std::lock_guard lock(snapshot_mutex_);
    snapshot_.status = connectivity_.status();
    snapshot_.stats = stats_;
    snapshot_.stats.protocol = connectivity_.in_use();
    for (const auto& [key, link] : links_) {
        if (!link->carrier) continue;
        const transport::CarrierStats& of_carrier = link->carrier->stats();
        snapshot_.stats.bytes_sent += of_carrier.bytes_out;
        snapshot_.stats.bytes_received += of_carrier.bytes_in;
        if (key == session_.active()) snapshot_.stats.sealed = link->carrier->sealed();
        if (key != session_.active() || link->carrier->info().protocol != Protocol::quic) continue;
        snapshot_.stats.quic = {of_carrier.smoothed_rtt, of_carrier.congestion_window, of_carrier.bytes_in_flight,
                                of_carrier.migrations};
    }
    snapshot_.stats.rtt = session_.round_trip();
    snapshot_.metrics = metrics_;
    snapshot_.queue_length = session_.queue_length();
    snapshot_.session_id = session_.id() ? session_.id()->value.str() : std::string();
}

Snapshot ClientLoop::snapshot() const {
    Snapshot found;
    {
        const std::lock_guard lock(snapshot_mutex_);
        found = snapshot_;
    }
    // Messages are inflated on the event thread, between what is published: its counters are read as they are now.
    if (config_.session.compression) found.stats.compression = config_.session.compression->stats();
    return found;
}

void ClientLoop::on_status(ClientStatus status) {
    publish();
    if (status == ClientStatus::disconnected || status == ClientStatus::failed)
        complete_refresh(Failure(errc::not_connected));
}

void ClientLoop::emit(Event event, std::function<void()> after) {
    publish();  // what the callback asks must agree with what it is told
    events_->push(std::move(event), std::move(after));
}

// ---- bytes ----

ClientLoop::Link* ClientLoop::find(session::CarrierKey key) {
    const auto found = links_.find(key);
    return found == links_.end() ? nullptr : found->second.get();
}

bool ClientLoop::is_ready(session::CarrierKey key) const {
    const auto found = connectivity_.carriers().find(key);
    return found != connectivity_.carriers().end() && found->second.ready;
}

void ClientLoop::mark_dirty(Link& link) {
    if (!link.dirty) {
        link.dirty = true;
        dirty_.push_back(link.key);
    }
    if (flush_posted_) return;
    flush_posted_ = true;
    asio::post(context_, [self = shared_from_this()] { self->flush(); });
}

void ClientLoop::output_ready(session::CarrierKey key) {
    if (Link* link = find(key)) mark_dirty(*link);
}

void ClientLoop::close_carrier(session::CarrierKey key, errc code, const std::string& text) {
    Link* link = find(key);
    if (link == nullptr || link->close_due) return;
    connectivity_.closing(key);
    if (code != errc::ok) {
        const CarrierState& carrier = connectivity_.carriers().at(key);
        recorder_.add(recorder_.line("closing")
                          .add("carrier", key)
                          .add("protocol", record_name(link->carrier->info().protocol))
                          .add("in_use", carrier.ready && !carrier.standby)
                          .add("code", name(code))
                          .add("text", text));
    }
    link->close_due = Link::Close{code, text};
    mark_dirty(*link);
}

void ClientLoop::flush() {
    flush_posted_ = false;
    write_dirty();
    gone_.clear();
    after_event();
}

void ClientLoop::write_dirty() {
    const std::vector<session::CarrierKey> keys = std::move(dirty_);
    dirty_.clear();
    for (const session::CarrierKey key : keys) {
        if (Link* link = find(key)) write(*link);
    }
}

void ClientLoop::write(Link& link) {
    link.dirty = false;
    if (link.close_done) return;
    bool more = !link.carrier->writable();
    if (!more) {
        batch_.clear();
        more = session_.write(link.key, batch_, now());
        if (!batch_.empty()) {
            link.carrier->send(batch_);
            stats_.last_activity = std::chrono::system_clock::now();
        }
        if (more && link.carrier->writable()) mark_dirty(link);
    }
    if (link.close_due && !more) {
        link.close_done = true;
        link.carrier->close(link.close_due->code, link.close_due->text);
    }
}

void ClientLoop::count_bytes(const transport::Carrier& carrier) {
    stats_.bytes_sent += carrier.stats().bytes_out;
    stats_.bytes_received += carrier.stats().bytes_in;
}

void ClientLoop::closed(session::CarrierKey key, const transport::CloseReason& reason) {
    const auto found = links_.find(key);
    if (found == links_.end()) return;
    count_bytes(*found->second->carrier);
    record_lost(*found->second, reason);
    gone_.push_back(std::move(found->second));
    links_.erase(found);
    // Closed in good order and without a word (1000, a reason of none), where nobody had said goodbye.
    const Failure why(reason.code == errc::ok ? errc::closed_by_peer : reason.code,
                      reason.text.empty() ? std::string(explain(errc::connection_lost)) : reason.text);
    session_.carrier_gone(key, why.code, why.text, now());
    connectivity_.gone(key, why, now());
    if (!flush_posted_) {
        flush_posted_ = true;
        asio::post(context_, [self = shared_from_this()] { self->flush(); });
    }
}

// ---- time ----

void ClientLoop::after_event() {
    if (closed_) return;
    arm_timer();
    publish();
}

void ClientLoop::arm_timer() {
    const session::TimePoint next = std::min(session_.next_deadline(), connectivity_.next_deadline());
    if (next >= timer_at_) return;
    timer_at_ = next;
    timer_.expires_at(std::max(next, now()));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self && !self->closed_) self->on_time();
    });
}

void ClientLoop::on_time() {
    timer_at_ = session::kNever;
    if (session_.next_deadline() <= now()) session_.on_time(now());
    if (connectivity_.next_deadline() <= now()) connectivity_.on_time(now());
    after_event();
}

// ---- messages ----

void ClientLoop::send(Message message, SendDone done, std::chrono::system_clock::time_point queued_at) {
    if (message.id.is_nil()) message.id = Uuid::v7();
    if (message.timestamp == std::chrono::system_clock::time_point{}) message.timestamp = queued_at;
    const auto fail = [&](errc code) {
        SendResult result;
        result.message_id = message.id;
        result.error = code;
        result.error_message = explain(code);
        result.send_time = queued_at;
        ++stats_.error_count;
        if (done) {
            done(std::move(result));
        } else {
            emit(event::MessageFailed{message.id, Failure(code)});
        }
    };
    if (closed_) return fail(errc::client_closed);
    const ClientStatus status = connectivity_.status();
    if (status == ClientStatus::disconnected || status == ClientStatus::failed) return fail(errc::not_connected);
    if (message.to.empty()) return fail(errc::unknown_target);
    if (message.to.starts_with("room:")) return fail(errc::not_supported);
    wire::MessageView view;
    view.id = message.id;
    view.type = message.type;
    view.payload = message.payload.view();
    view.timestamp_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(message.timestamp.time_since_epoch()).count();
    view.to = message.to;
    const auto queued = session_.send(view, message.priority, now(), done != nullptr);
    if (!queued) return fail(static_cast<errc>(queued.error().value()));
    send_waiters_.emplace(message.id, Waiter{std::move(done), queued_at});
    after_event();
}

void ClientLoop::on_outcome(const session::Outcome& outcome) {
    SendResult result;
    result.success = outcome.error == errc::ok;
    result.message_id = outcome.message_id;
    result.error = outcome.error;
    result.partly = outcome.partly;
    result.error_message =
        outcome.error == errc::ok || !outcome.text.empty() ? outcome.text : std::string(explain(outcome.error));
    result.retry_after = std::chrono::milliseconds(outcome.retry_after_ms);
    if (!result.success && outcome.retry_after_ms != 0)
        result.error_message += "; send it again in " + std::to_string(outcome.retry_after_ms) + " ms, under a new id";
    result.retry_count = outcome.retry_count;
    result.latency = now() - outcome.queued_at;
    SendDone done;
    if (const auto found = send_waiters_.find(outcome.message_id); found != send_waiters_.end()) {
        result.send_time = found->second.queued_at;
        done = std::move(found->second.done);
        send_waiters_.erase(found);
    }
    ++(result.success ? stats_.messages_sent : stats_.error_count);
    if (result.error == errc::rate_limited || result.error == errc::busy || result.error == errc::recipient_busy) {
        const std::string code(name(result.error));
        if (const auto times = recorder_.worth_a_line("throttled", code))
            recorder_.add(recorder_.line("throttled")
                              .add("code", code)
                              .add("times", times)
                              .ms("retry_after_ms", result.retry_after));
    }
    if (result.success) {
        emit(event::MessageSent{result.message_id});
    } else {
        emit(event::MessageFailed{result.message_id, Failure(result.error, result.error_message)});
    }
    if (done) done(std::move(result));
}

std::size_t ClientLoop::clear_queue() {
    const std::size_t cleared = session_.clear_queue(now());
    after_event();
    return cleared;
}

void ClientLoop::on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                            std::uint64_t cost) {
    const wire::MessageView& view = *data.message;
    Message message(std::string(view.type), whole.empty() ? Bytes(view.payload) : whole.share(view.payload));
    message.id = view.id;
    message.timestamp = wire::to_time(view.timestamp_ms);
    message.server_time = wire::to_time(data.server_time_ms);
    message.from = std::string(data.from);
    message.to = std::string(view.to);
    ++stats_.messages_received;
    stats_.last_activity = std::chrono::system_clock::now();
    // The server may send more when the application has done with this one.
    const auto done = [weak = weak_from_this(), lane, cost, id = session_.id()] {
        const auto self = weak.lock();
        if (!self) return;
        asio::post(self->context_, [self, lane, cost, id] {
            if (self->closed_ || self->session_.id() != id) return;
            self->session_.consumed(lane, cost, now());
            self->after_event();
        });
    };
    if (view.encoding != wire::Encoding::none) return emit_inflated(std::move(message), view, done);
    emit(event::MessageReceived{std::move(message)}, done);
}

// Inflated on the event thread, when the callback's turn comes: what waits is no larger than the credit that it took,
// and the I/O thread goes on. A message that cannot be inflated is told, and harms nothing else.
void ClientLoop::emit_inflated(Message message, const wire::MessageView& view, std::function<void()> after) {
    publish();
    auto shared = std::make_shared<Message>(std::move(message));
    events_->push(
        [shared, encoding = view.encoding, size = view.size, encodings = session_.encodings(),
         compression = config_.session.compression, most = config_.session.max_message_bytes]() -> Event {
            wire::MessageView compressed;
            compressed.payload = shared->payload.view();
            compressed.encoding = encoding;
            compressed.size = size;
            errc code = errc::compression_unavailable;
            if (compression) {
                if (auto inflated = compression->inflate(compressed, encodings, most)) {
                    shared->payload = std::move(*inflated);
                    return event::MessageReceived{std::move(*shared)};
                } else {
                    code = static_cast<errc>(inflated.error().value());
                }
            }
            return event::Error{Failure(
                code, "message " + shared->id.str() + " from '" + shared->from + "': " + std::string(explain(code)))};
        },
        std::move(after));
}

void ClientLoop::on_heartbeat(session::CarrierKey key, session::Duration round_trip) {
    ++stats_.heartbeat_count;
    if (const Link* link = find(key)) metrics_[link->carrier->info().protocol].rtt = round_trip;
    emit(event::Heartbeat{round_trip});
}

void ClientLoop::on_gap(const session::GapReport& report) {
    record_gap(report);
    event::Gap gap;
    gap.reason = Failure(report.reason, report.text.empty() ? std::string(explain(report.reason)) : report.text);
    for (const auto& lane : report.lanes) {
        gap.lanes.push_back(
            {lane.lane, lane.sent, lane.acked, lane.received, lane.exact, lane.server_sent, lane.server_received});
    }
    gap.resent = report.resent;
    emit(std::move(gap));
}

}  // namespace flare::client
