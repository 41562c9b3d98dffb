// The event loop of a worker: mailbox, timer, one flush a turn.
#include "server/worker.hpp"

#include "base/log.hpp"
#include "base/random.hpp"
#include "server/exposure.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace flare::server {
namespace asio = boost::asio;
namespace {

// What one write brings a connection: the rest waits where it is counted, and a slow link acknowledges in small steps.
constexpr std::size_t kWriteBytes = 128 * 1024;
// What a stranger may send before it is known: a Hello with the largest token, and a first flight behind it.
constexpr std::size_t kFirstBatchBytes = wire::kMaxFrameBytes;
// After kCloseLimit: for the transport's own last words.
constexpr std::chrono::milliseconds kLastWordLimit{500};

bool waits_for_hello(const ServerCarrier& connection) { return connection.state == ServerCarrier::State::greeting; }
bool waits_to_close(const ServerCarrier& connection) { return connection.close_due && !connection.close_done; }

}  // namespace

Worker::Worker(WorkerGroup& group, std::uint32_t index)
    : group_(group),
      index_(index),
      budget_(group.budget, group.grain()),
      write_bytes_(std::min(kWriteBytes, session::fill_batch_to(group.config.session.max_batch_bytes))),
      table_(group.config.session, index, group.started, base::system_random(), budget_, *this,
             group.ticket_keys.get()) {
    table_.offer(group.config.compression.get());
}

Worker::~Worker() {
    join();
    // Sessions and carriers go before the context that they stand on.
    listener_.reset();
    quic_listener_.reset();
    connections_.clear();
    gone_.clear();
}

transport::PortUse Worker::port_use() const noexcept {
    using enum transport::PortUse;
    if (group_.workers.size() < 2) return alone;
    return index_ == 0 ? first : sibling;
}

Checked<asio::ip::tcp::endpoint> Worker::listen(const std::string& address,
                                                std::shared_ptr<transport::tls::ServerContext> tls) {
    transport::websocket::Options options;
    options.handshake_timeout = group_.config.hello_timeout;
    options.port_use = port_use();
    options.allowed_origins = group_.config.allowed_origins;
    options.guards_names = group_.config.believes_anybody() && !beyond_loopback(group_.config.websocket_addr);
    options.max_batch_bytes = group_.config.session.max_batch_bytes;
    options.max_first_batch_bytes = kFirstBatchBytes;
    options.deflate = group_.config.websocket_deflate;
    options.proxy = group_.config.proxy;
    std::string text;
    auto opened = transport::websocket::Listener::open(context_, address, std::move(tls), options, *this, &text);
    if (!opened) return Failure(static_cast<errc>(opened.error().value()), text);
    listener_ = std::move(*opened);
    return listener_->local_endpoint();
}

Checked<asio::ip::udp::endpoint> Worker::listen_quic(const std::string& address,
                                                     std::shared_ptr<transport::quic::ServerContext> keys,
                                                     const transport::quic::Secret& secret) {
    transport::quic::Options options;
    options.handshake_timeout = group_.config.hello_timeout;
    options.worker = index_;
    options.workers = static_cast<std::uint32_t>(group_.workers.size());
    options.secret = secret;
    options.port_use = port_use();
    options.max_batch_bytes = group_.config.session.max_batch_bytes;
    options.max_first_batch_bytes = kFirstBatchBytes;
    options.idle_timeout =
        std::chrono::duration_cast<std::chrono::milliseconds>(2 * group_.config.session.heartbeat_timeout);
    options.congestion = group_.config.quic_congestion;
    options.retry_above = group_.config.quic_retry_above;
    options.qlog_folder = group_.config.quic_qlog_folder;
    std::string text;
    auto opened = transport::quic::Listener::open(context_, address, std::move(keys), options, *this, &text);
    if (!opened) return Failure(static_cast<errc>(opened.error().value()), text);
    quic_listener_ = std::move(*opened);
    return quic_listener_->local_endpoint();
}

void Worker::use_certificates(const Certificates& certificates) {
    if (listener_ && certificates.tls) listener_->use(certificates.tls);
    if (quic_listener_ && certificates.quic) quic_listener_->use(certificates.quic);
    sealing_ = certificates.sealing;
}

void Worker::start_thread() {
    thread_ = std::thread([this] {
        const auto work = asio::make_work_guard(context_);
        run();
    });
}

// Output waits while the loop has other work that is ready, which may add to it, but no longer than writing it would
// take: a burst of broadcasts becomes one write for each session, and a wait at most doubles what it delays. What has
// more than one write may take is dirty again behind its flush: the loop does not sleep until it has been written.
void Worker::run() {
    constexpr std::chrono::microseconds kTimeOfAWrite{8};
    while (context_.run_one() != 0) {
        while (!(dirty_.empty() && gone_.empty())) {
            const session::TimePoint began = now();
            while (now() - began < kTimeOfAWrite * dirty_.size() && context_.poll_one() != 0) {
            }
            flush();
            if (context_.stopped()) break;
        }
    }
}

void Worker::join() {
    if (!thread_.joinable()) return;
    context_.stop();
    thread_.join();
    close_mailbox();
}

// ---- mailbox: one wake-up for all that gathers until the worker looks ----

bool Worker::post(std::function<void(Worker&)> task) {
    bool was_empty = false;
    {
        const std::lock_guard lock(mailbox_mutex_);
        if (mailbox_closed_) return false;
        was_empty = mailbox_.empty();
        mailbox_.push_back(std::move(task));
    }
    if (was_empty) asio::post(context_, [this] { drain_mailbox(); });
    return true;
}

void Worker::close_mailbox() {
    std::vector<std::function<void(Worker&)>> rest;
    {
        const std::lock_guard lock(mailbox_mutex_);
        mailbox_closed_ = true;
        rest.swap(mailbox_);
    }
    for (const auto& task : rest) task(*this);
}

void Worker::drain_mailbox() {
    std::vector<std::function<void(Worker&)>> tasks;
    {
        const std::lock_guard lock(mailbox_mutex_);
        tasks.swap(mailbox_);
    }
    for (const auto& task : tasks) task(*this);
    arm_timer();
}

// ---- output: collected during a turn, written once at its end ----

void Worker::mark_dirty(ServerCarrier& connection) {
    if (connection.dirty) return;
    connection.dirty = true;
    dirty_.push_back(connection.key);
}

void Worker::output_ready(session::CarrierKey key) {
    if (ServerCarrier* connection = find(key)) mark_dirty(*connection);
}

void Worker::close_carrier(session::CarrierKey key, errc code, const std::string& text) {
    ServerCarrier* connection = find(key);
    if (connection == nullptr || connection->close_due) return;
    if (code != errc::ok) note(key, Happened::closing, code);
    connection->close_due = ServerCarrier::Close{code, text};
    set_deadline(*connection, closing_, kCloseLimit);
    mark_dirty(*connection);
}

void Worker::flush() {
    write_dirty();
    gone_.clear();
    arm_timer();
}

// Answers go out while the session is in the cache, unless others had something for it before: then more of that may
// come. QUIC writes for all connections of its socket, whose packets the answers may ride in.
void Worker::turn_ended(ServerCarrier& connection) {
    connection.in_turn = false;
    if (!connection.gone) charge(connection);
    if (connection.gone) return;
    if (!connection.rest) connection.frames_left = ServerCarrier::kFramesPerTurn;
    if (!connection.carrier) return;
    if (connection.protocol == Protocol::quic) return write_dirty();
    if (!connection.dirty || connection.awaited || dirty_.back() != connection.key) return;
    dirty_.pop_back();
    write(connection, handled_at_);
}

void Worker::write_dirty() {
    if (dirty_.empty()) return;
    flushing_.swap(dirty_);
    const session::TimePoint time = now();
    for (const session::CarrierKey key : flushing_) {
        if (ServerCarrier* connection = find(key)) write(*connection, time);
    }
    flushing_.clear();
}

void Worker::write(ServerCarrier& connection, session::TimePoint time) {
    connection.dirty = false;
    if (!connection.carrier || connection.close_done) return;
    bool more = false;
    if (connection.carrier->writable()) {
        batch_.clear();
        more = table_.write(connection.key, batch_, time, write_bytes_);
        if (!batch_.empty()) connection.carrier->send(batch_);
    } else {
        more = true;  // on_writable() brings us back
    }
    if (connection.close_due && !more) {
        close_now(connection, kCloseLimit);
    } else if (more && connection.carrier->writable()) {
        mark_dirty(connection);
    }
}

void Worker::close_now(ServerCarrier& connection, std::chrono::milliseconds limit) {
    connection.close_done = true;
    connection.state = ServerCarrier::State::closing;
    connection.carrier->close(connection.close_due->code, connection.close_due->text, limit);
}

// ---- time ----

void Worker::set_deadline(ServerCarrier& connection, std::deque<session::CarrierKey>& of, session::Duration from_now) {
    connection.deadline = now() + from_now;
    of.push_back(connection.key);
}

// The first that still waits; those before it, which do not, are taken off.
ServerCarrier* Worker::first_of(std::deque<session::CarrierKey>& keys, bool (*waits)(const ServerCarrier&)) {
    for (; !keys.empty(); keys.pop_front()) {
        ServerCarrier* connection = find(keys.front());
        if (connection != nullptr && waits(*connection)) return connection;
    }
    return nullptr;
}

void Worker::arm_timer() {
    session::TimePoint next = table_.next_deadline();
    const auto consider = [&](std::deque<session::CarrierKey>& keys, bool (*waits)(const ServerCarrier&)) {
        if (keys.empty()) return;
        if (const ServerCarrier* first = first_of(keys, waits)) next = std::min(next, first->deadline);
    };
    consider(greeting_, waits_for_hello);
    consider(closing_, waits_to_close);
    if (next >= timer_at_) return;
    timer_at_ = next;
    timer_.expires_at(next);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) on_timer();
    });
}

void Worker::on_timer() {
    timer_at_ = session::kNever;
    const session::TimePoint time = now();
    table_.on_time(time);
    for (ServerCarrier* first = nullptr; (first = first_of(greeting_, waits_for_hello)) && first->deadline <= time;) {
        greeting_.pop_front();
        base::log().limited(base::LogKind::silent_connection, "{}:{} {}", first->address,
                            first->carrier->info().peer_port, name(errc::hello_timeout));
        count_error(errc::hello_timeout);
        close(*first, errc::hello_timeout, std::string(explain(errc::hello_timeout)));
    }
    // Whoever does not read is not waited for any longer.
    for (ServerCarrier* first = nullptr; (first = first_of(closing_, waits_to_close)) && first->deadline <= time;) {
        closing_.pop_front();
        close_now(*first, kLastWordLimit);
    }
    arm_timer();
}

// ---- stopping ----

void Worker::begin_stop() {
    stopping_ = true;
    if (listener_) listener_->stop_accepting();
    if (quic_listener_) quic_listener_->stop_accepting();
    // Each session that can hear it gets a slot of its own to come back in. Workers take turns.
    // Where tickets last, another process is to come, and its users' friends: who writes to one who has gone already
    // hears what the next process would say.
    std::size_t slot = index_;
    table_.for_each([this, &slot](session::ServerSession& session) {
        if (group_.ticket_keys) {
            const bool attached = session.presence() == session::Presence::attached;
            const session::TimePoint back = now() + group_.admission.drain_slot(attached ? slot : 0);
            table_.expect(session.user(), back, back + kExpectedLate);
        }
        std::chrono::milliseconds retry_after{0};
        if (session.presence() == session::Presence::attached) {
            retry_after = group_.admission.drain_slot(slot);
            slot += group_.workers.size();
        }
        table_.end(session, errc::shutting_down, "the server is shutting down",
                   static_cast<std::uint32_t>(retry_after.count()), now());
    });
    for (const auto& [key, connection] : connections_) {
        if (connection->state != ServerCarrier::State::attached)
            close(*connection, errc::shutting_down, "the server is shutting down");
    }
}

void Worker::finish_stop() {
    close_mailbox();
    context_.stop();
}

void Worker::add_to(ServerStats& stats) const {
    stats.sessions += table_.size();
    stats.users_expected += table_.expected().size();
    const_cast<session::SessionTable&>(table_).for_each([&](const session::ServerSession& session) {
        ++(session.presence() == session::Presence::attached ? stats.sessions_attached : stats.sessions_detached);
    });
    if (listener_) stats.connections.try_emplace(Protocol::websocket);
    if (quic_listener_) stats.connections.try_emplace(Protocol::quic);
    for (const auto& [key, connection] : connections_) {
        if (connection->carrier) ++stats.connections[connection->carrier->info().protocol];
    }
    if (quic_listener_) stats.quic_misrouted += quic_listener_->misrouted();
    stats.connections_accepted += counters_.accepted;
    stats.connections_refused += counters_.refused;
    stats.admissions += counters_.admissions;
    stats.admissions_refused += counters_.admissions_refused;
    stats.tickets_honoured += counters_.tickets_honoured;
    stats.sessions_created += counters_.sessions_created;
    stats.sessions_resumed += counters_.sessions_resumed;
    stats.hand_overs += counters_.hand_overs;
    stats.quic_early_data += counters_.early_data;
    stats.quic_migrations += counters_.migrations;
    stats.memory_bytes += budget_.used();
    stats.sessions_refused_busy += counters_.sessions_refused_busy;
    stats.sessions_shed_detached += counters_.sessions_shed_detached;
    stats.sessions_shed_stalled += counters_.sessions_shed_stalled;
    stats.messages_received += counters_.messages_received;
    stats.messages_sent += counters_.messages_sent;
    stats.messages_refused += counters_.messages_refused;
    stats.bytes_received += counters_.bytes_received;
    stats.bytes_sent += counters_.bytes_sent;
    for (const auto& [key, connection] : connections_) {
        if (!connection->carrier) continue;
        const transport::CarrierStats& of_carrier = connection->carrier->stats();
        stats.bytes_received += of_carrier.bytes_in;
        stats.bytes_sent += of_carrier.bytes_out;
        stats.quic_migrations += of_carrier.migrations;
    }
    stats.heartbeats += counters_.heartbeats;
    stats.handler_runs += counters_.handler_runs;
    stats.handler_time_total += counters_.handler_time;
    for (const auto& [code, count] : counters_.errors) stats.errors[code] += count;
}

}  // namespace flare::server
