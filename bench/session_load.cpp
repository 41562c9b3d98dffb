#include "session_load.hpp"

#include "bench.hpp"
#include "transport/url.hpp"
#include "wire/base64.hpp"

#include <boost/asio/post.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace flare::bench {
namespace asio = boost::asio;
namespace quic = transport::quic;
namespace websocket = transport::websocket;

namespace {

constexpr session::CarrierKey kCarrier = 1;
constexpr std::size_t kConnectingAtOnce = 64;
constexpr auto kConnectLimit = std::chrono::seconds(60);
constexpr std::size_t kTicked = 2000;                 // sessions in one tick
constexpr auto kTick = std::chrono::milliseconds(5);  // timers of all sessions: acks that found nothing to ride on

session::TimePoint now() { return std::chrono::steady_clock::now(); }

session::ClientSettings settings_for(const Logins& logins, std::size_t index, bool conversations) {
    session::ClientSettings settings;
    settings.user = logins.user_of(index);
    // Sessions of one user are on devices of their own, and none on one that an earlier load has left behind: until the
    // server knows that this one is alive, messages would go to that one's session.
    settings.device =
        "bench" + std::to_string(::getpid()) + '.' + std::to_string(logins.size() == 0 ? 0 : index / logins.size());
    settings.platform = Platform::server;
    settings.retry_delay = std::chrono::seconds(30);  // a server under full load is slow, not gone
    settings.outbox.messages = 200'000;
    settings.conversations = conversations;
    return settings;
}

}  // namespace

// ---- one client ----

LoadClient::LoadClient(SessionLoad& load, std::size_t index)
    : load_(load),
      index_(index),
      session_(settings_for(load.logins_, index, load.conversing_.on_feed != nullptr), base::system_random(),
               load.budget_, *this) {
    session_.begin_attempt(load_.logins_.token_of(index_));
}

LoadClient::~LoadClient() {
    if (ready_) --load_.ready_;
}

void LoadClient::carry(std::unique_ptr<transport::Carrier> carrier) {
    carrier_ = std::move(carrier);
    carrier_->set_handler(this);
    load_.early_ += carrier_->info().early_data == transport::EarlyData::accepted ? 1u : 0u;
    if (!early_) session_.open(kCarrier, now());
}

void LoadClient::first_flight(wire::Batch& batch) {
    if (!session_.may_go_early()) return;
    early_ = true;
    session_.open(kCarrier, now());
    session_.write(kCarrier, batch, now());
}

void LoadClient::drop() {
    carrier_.reset();
    if (ready_) --load_.ready_;
    ready_ = early_ = false;
    session_.carrier_gone(kCarrier, errc::connection_lost, "dropped", now());
    session_.begin_attempt(load_.logins_.token_of(index_));
}

void LoadClient::on_ready(session::CarrierKey, bool) {
    if (!ready_) ++load_.ready_;
    ready_ = true;
    if (load_.on_ready_) load_.on_ready_(*this);
}

void LoadClient::send(std::string_view type, std::string_view payload, std::string_view to) {
    wire::MessageView message;
    message.id = Uuid::v7();
    message.type = type;
    message.payload = payload;
    message.to = to;
    if (const auto sent = session_.send(message, Priority::normal, now()); !sent) {
        load_.fail(errc::internal, sent.error().message());
    }
}

void LoadClient::ask(wire::Verb verb, std::string_view body, std::string_view conversation) {
    wire::RequestView request;
    request.id = Uuid::v7();
    request.verb = verb;
    request.body = body;
    if (const auto asked = session_.request(request, conversation, now()); !asked)
        load_.fail(errc::internal, asked.error().message());
}

void LoadClient::mark() {
    if (dirty_) return;
    dirty_ = true;
    load_.dirty_.push_back(this);
    load_.post_flush();
}

void LoadClient::stall() {
    stalled_ = comes_back_ = true;
    carrier_->pause_reading(true);
}

void LoadClient::read_again() {
    stalled_ = false;
    carrier_->pause_reading(false);
    mark();
}

// Its connection is of no use any more.
void LoadClient::come_back() {
    if (std::exchange(ready_, false)) --load_.ready_;
    asio::post(load_.context_, [this] {
        carrier_.reset();
        session_.carrier_gone(kCarrier, errc::connection_lost, "ended by the server", now());
        session_.begin_attempt(load_.logins_.token_of(index_));
        attempt_ = load_.dial_(*this);
    });
}

void LoadClient::flush() {
    dirty_ = false;
    if (stalled_ || !carrier_ || !carrier_->writable()) return;
    load_.batch_.clear();
    const bool more = session_.write(kCarrier, load_.batch_, now());
    if (!load_.batch_.empty()) carrier_->send(load_.batch_);
    if (more && carrier_->writable()) mark();
}

void LoadClient::on_batch(std::string_view batch) { session_.on_batch(kCarrier, batch, now()); }

void LoadClient::on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes&, std::uint64_t cost) {
    load_.on_message_(*this, data.message->type, data.message->payload);
    session_.consumed(lane, cost, now());
}

void LoadClient::on_outcome(const session::Outcome& outcome) {
    if (outcome.error != errc::ok) return load_.fail(outcome.error, outcome.text);
    if (load_.conversing_.on_stored) load_.conversing_.on_stored(*this, outcome);
}

void LoadClient::on_response(session::LaneIndex lane, const wire::ResponseView& response, const Bytes&,
                             std::uint64_t cost) {
    const bool later = load_.conversing_.asks_again && response.code == errc::busy && response.retry_after_ms != 0;
    if (response.code != errc::ok && !later) load_.fail(response.code, std::string(response.text));
    load_.conversing_.on_response(*this, response);
    session_.consumed(lane, cost, now());
}

void LoadClient::on_feed(session::LaneIndex lane, std::uint32_t, const wire::im::Feed& feed, const Bytes&,
                         std::uint64_t cost) {
    load_.conversing_.on_feed(*this, feed);
    session_.consumed(lane, cost, now());
}

void LoadClient::on_notice(std::string_view body) {
    if (load_.conversing_.on_notice) load_.conversing_.on_notice(*this, body);
}

void LoadClient::on_heartbeat(session::CarrierKey, session::Duration) { ++load_.heartbeats_; }

void LoadClient::on_closed(const transport::CloseReason& reason) {
    if (comes_back_) {
        if (ready_) come_back();
        return;
    }
    load_.fail(reason.code, reason.text);
}
void LoadClient::on_detached(errc code, const std::string& text) { load_.last_failure_ = Failure(code, text); }
void LoadClient::on_refused(session::CarrierKey, errc code, const std::string& text, std::uint32_t) {
    load_.fail(code, text);
}
void LoadClient::on_ended(errc code, const std::string& text, std::uint32_t) {
    if (comes_back_) {
        if (ready_) come_back();
        return;
    }
    load_.fail(code, text);
}

// ---- all of them ----

SessionLoad::SessionLoad(OnMessage on_message, Conversing conversing)
    : on_message_(std::move(on_message)),
      conversing_(std::move(conversing)),
      shared_budget_(std::size_t{8} << 30),
      budget_(shared_budget_) {
    tick();
}

SessionLoad::~SessionLoad() = default;

void SessionLoad::fail(errc code, std::string text) {
    ++failures_;
    last_failure_ = Failure(code, std::move(text));
}

void SessionLoad::seal(LoadClient& client, std::unique_ptr<transport::Carrier> carrier,
                       const client::Sealing& sealing) {
    client.sealing_ =
        std::make_shared<client::SealAttempt>(context_, std::move(carrier), sealing, client::SealAttempt::Server{},
                                              kConnectLimit, [this, &client](client::SealAttempt::Outcome outcome) {
                                                  if (outcome.carrier) return client.carry(std::move(outcome.carrier));
                                                  fail(outcome.failure.code, outcome.failure.text);
                                              });
}

// What connects one client to this server.
SessionLoad::Dial SessionLoad::dialer(const ServerOptions& options, std::uint16_t port, bool tickets, bool together) {
    client::Sealing sealing;
    if (options.sealed) {
        std::string line;
        std::getline(std::ifstream("certs/sealing.pub"), line);
        sealing.pinned = base::key_of(wire::from_base64(line).value_or(""));
        if (!sealing.pinned) throw std::runtime_error("certs/sealing.pub: scripts/generate_certs.sh makes it");
    }
    const auto done = [this, sealing](LoadClient& client) {
        return [this, &client, sealing](std::unique_ptr<transport::Carrier> carrier, const auto& error) {
            if (carrier && sealing.pinned) return seal(client, std::move(carrier), sealing);
            if (carrier) return client.carry(std::move(carrier));
            fail(error.code, error.text);
        };
    };
    const auto loaded = [](auto result, const std::string& text) {
        if (!result) throw std::runtime_error(text);
        return std::move(*result);
    };
    transport::tls::ClientOptions trust;
    trust.ca_file = options.running ? options.running->ca_file : "certs/ca.crt";
    const asio::ip::address address =
        options.running ? options.running->address : asio::ip::address(asio::ip::address_v4::loopback());
    const std::string host = options.running ? options.running->host : "127.0.0.1";
    std::string text;
    if (options.transport == "quic") {
        quic::ConnectTarget target;
        target.endpoint = {address, port};
        target.server_name = host;
        quic::Options carrier_options;
        carrier_options.handshake_timeout = kConnectLimit;
        carrier_options.tickets = tickets;
        const auto keys = loaded(quic::ClientContext::load(trust, {quic::kAlpn}, &text), text);
        if (together && !options.sealed) {
            auto fleet = std::make_shared<QuicFleet>(context_, target, keys, carrier_options);
            fleet->begin();
            return [this, fleet](LoadClient& client) {
                fleet->dial(base::place_of(user_of(client.index())),
                            [this, &client](std::unique_ptr<transport::Carrier> carrier, const std::string& failure) {
                                if (carrier) return client.carry(std::move(carrier));
                                fail(errc::connection_lost, failure);
                            });
                return std::shared_ptr<void>(fleet);
            };
        }
        return [this, done, target, carrier_options, keys, sealed = options.sealed](LoadClient& client) mutable {
            target.place = base::place_of(user_of(client.index()));
            if (!sealed) target.first_flight = [&client](wire::Batch& batch) { client.first_flight(batch); };
            return std::shared_ptr<void>(quic::connect(context_, target, keys, carrier_options, done(client)));
        };
    }
    websocket::ConnectTarget target;
    target.endpoint = {address, port};
    target.host_header = transport::in_brackets(host) + ":" + std::to_string(port);
    target.server_name = host;
    target.secure = options.transport == "wss";
    websocket::Options carrier_options;
    carrier_options.handshake_timeout = kConnectLimit;
    std::shared_ptr<transport::tls::ClientContext> tls;
    if (target.secure) tls = loaded(transport::tls::ClientContext::load(trust, &text), text);
    return [this, done, target, carrier_options, tls](LoadClient& client) {
        return std::shared_ptr<void>(websocket::connect(context_, target, tls, carrier_options, done(client)));
    };
}

void SessionLoad::connect(const ServerOptions& options, std::uint16_t port, std::size_t count, bool together) {
    logins_ = options.logins;
    const auto dial = dial_ = dialer(options, port, false, together);
    for (std::size_t i = 0; i < count; ++i) {
        clients_.push_back(std::make_unique<LoadClient>(*this, clients_.size()));
        clients_.back()->attempt_ = dial(*clients_.back());
        const bool pause = clients_.size() % kConnectingAtOnce == 0 || i + 1 == count;
        if (!pause) continue;
        const bool ready = run_until([&] { return failures_ != 0 || ready_ == clients_.size(); }, kConnectLimit);
        if (!ready || failures_ != 0) throw NotConnected(last_failure_);
    }
}

SessionLoad::Dialled SessionLoad::dial_for(const ServerOptions& options, std::uint16_t port, std::size_t at_once,
                                           bool resume, std::chrono::nanoseconds time) {
    logins_ = options.logins;
    std::vector<Dial> dials;  // one each: a ticket is used once
    for (std::size_t i = 0; i < at_once; ++i) dials.push_back(dialer(options, port, resume, false));
    Dialled result;
    bool stopping = false;
    const auto again = [&](std::size_t index) {
        if (stopping) return;
        ++result.connections;
        std::unique_ptr<LoadClient>& client = clients_[index];
        if (resume) {
            client->drop();
        } else {
            client = std::make_unique<LoadClient>(*this, index);
        }
        client->attempt_ = dials[index](*client);
    };
    on_ready_ = [&](LoadClient& client) {
        // A while later, so that the server's ticket has come.
        auto timer = std::make_shared<asio::steady_timer>(context_, std::chrono::milliseconds(resume ? 2 : 0));
        timer->async_wait([&again, timer, index = client.index()](const boost::system::error_code&) { again(index); });
    };
    for (std::size_t i = 0; i < at_once; ++i) {
        clients_.push_back(std::make_unique<LoadClient>(*this, i));
        clients_.back()->attempt_ = dials[i](*clients_.back());
    }
    run_for(time);
    stopping = true;
    on_ready_ = nullptr;
    run_for(std::chrono::milliseconds(50));
    result.early = early_;
    if (failures_ != 0) throw NotConnected(last_failure_);
    return result;
}

void SessionLoad::tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        const session::TimePoint time = now();
        for (std::size_t i = 0; i < std::min(kTicked, clients_.size()); ++i, ++ticked_) {
            session::ClientSession& session = clients_[ticked_ % clients_.size()]->session_;
            if (clients_[ticked_ % clients_.size()]->stalled_) continue;
            if (session.next_deadline() <= time) session.on_time(time);
        }
        tick();
    });
}

void SessionLoad::post_flush() {
    if (flush_posted_) return;
    flush_posted_ = true;
    asio::post(context_, [this] { flush(); });
}

// One write for all that a turn of the loop has made.
void SessionLoad::flush() {
    flush_posted_ = false;
    flushing_.swap(dirty_);
    for (LoadClient* client : flushing_) client->flush();
    flushing_.clear();
}

void SessionLoad::run_for(std::chrono::nanoseconds time) {
    const auto end = now() + time;
    const bool tells = time > std::chrono::seconds(1) && ::isatty(STDERR_FILENO) != 0;
    for (auto next = now(); next < end;) {
        if (tells) std::fprintf(stderr, "\r%4.0f s left  ", std::chrono::duration<double>(end - next).count());
        next = std::min(end, next + std::chrono::seconds(1));
        if (!awake_) {
            context_.run_for(next - now());
        } else {
            while (now() < next) context_.poll();
        }
    }
    if (tells) std::fputs("\r\x1b[K", stderr);
}

bool SessionLoad::run_until(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
    const auto deadline = now() + limit;
    while (!done()) {
        if (now() >= deadline) return false;
        if (awake_) {
            context_.poll_one();
        } else {
            context_.run_one_for(std::chrono::milliseconds(10));
        }
    }
    return true;
}

}  // namespace flare::bench
