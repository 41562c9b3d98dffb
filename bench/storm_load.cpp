#include "storm_load.hpp"

#include "client/connect/backoff.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace flare::bench {
namespace asio = boost::asio;
namespace quic = transport::quic;
namespace websocket = transport::websocket;

namespace {

constexpr std::size_t kPerFleet = 500;  // QUIC clients on one socket
constexpr auto kHandshakeLimit = std::chrono::seconds(5);
constexpr auto kStormTick = std::chrono::milliseconds(5);
constexpr std::size_t kStormTicked = 2000;  // sessions in one tick
constexpr std::uint32_t kTalkers = 10;      // one client of so many talks
constexpr double kMessagesPerTalker = 2;    // a second
const client::Backoff kBackoff{std::chrono::milliseconds(1000)};

session::TimePoint storm_now() { return std::chrono::steady_clock::now(); }

session::ClientSettings settings_for(std::size_t index) {
    session::ClientSettings settings;
    settings.user = StormClient::user_of(index);
    settings.device = "storm";
    settings.platform = Platform::server;
    settings.retry_delay = std::chrono::seconds(30);
    return settings;
}

template <typename T>
T loaded(Result<T> result, const std::string& text) {
    if (!result) throw std::runtime_error(text);
    return std::move(*result);
}

}  // namespace

// ---- one client ----

StormClient::StormClient(StormLoad& load, std::size_t index)
    : load_(load),
      index_(index),
      session_(settings_for(index), base::system_random(), load.budget_, *this),
      timer_(load.context_) {}

void StormClient::come_back(session::Duration delay) {
    waiting_ = true;
    timer_.expires_after(delay);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        waiting_ = false;
        dial();
    });
}

void StormClient::dial() {
    if (carrier_) {
        carrier_->set_handler(nullptr);
        load_.binned_.push_back(std::move(carrier_));
        load_.post_flush();
    }
    close_due_.reset();
    ++key_;
    session_.begin_attempt("storm");
    attempt_ = load_.connect(*this);
}

void StormClient::connected(std::unique_ptr<transport::Carrier> carrier, const std::string& failure) {
    if (!carrier) {
        load_.last_failure_ = failure;
        return failed();
    }
    carrier_ = std::move(carrier);
    carrier_->set_handler(this);
    session_.open(key_, storm_now());
}

void StormClient::failed() {
    ++load_.counts.failed;
    come_back(kBackoff.before(++failures_ + 1, {}, base::system_random().next_u64()));
}

void StormClient::gone() {
    if (ready_) --load_.ready_;
    ready_ = false;
}

void StormClient::on_ready(session::CarrierKey, bool) {
    if (ready_) return;
    ready_ = true;
    failures_ = 0;
    ++load_.ready_;
    load_.counts.arrivals.push_back(now_ns());
}

void StormClient::on_detached(errc, const std::string& text) {
    gone();
    ++load_.counts.lost;
    load_.last_failure_ = text;
    come_back(kBackoff.before(1, {}, base::system_random().next_u64()) / 8);
}

void StormClient::on_refused(session::CarrierKey, errc, const std::string& text, std::uint32_t retry_after_ms) {
    load_.last_failure_ = text;
    if (retry_after_ms == 0) return failed();
    ++load_.counts.refused;
    come_back(std::chrono::milliseconds(retry_after_ms));
}

void StormClient::on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) {
    gone();
    if (code != errc::shutting_down) load_.last_failure_ = text;
    ++load_.counts.ended;
    if (session_.drained()) ++load_.counts.drained;
    come_back(std::chrono::milliseconds(retry_after_ms));
}

void StormClient::send(std::size_t number) {
    wire::MessageView message;
    const std::string payload = std::to_string(number);
    message.id = Uuid::v7();
    message.type = "storm";
    message.payload = payload;
    message.to = kServerTarget;
    if (session_.send(message, Priority::normal, storm_now())) return;
    ++load_.counts.failed_messages;
    ++load_.outcomes_;
}

void StormClient::on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes&, std::uint64_t cost) {
    const std::string_view text = data.message->payload;
    std::size_t number = load_.answers_.size();
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (number < load_.answers_.size()) ++load_.answers_[number];
    session_.consumed(lane, cost, storm_now());
}

void StormClient::on_outcome(const session::Outcome& outcome) {
    ++load_.outcomes_;
    if (outcome.error == errc::ok) return;
    ++load_.counts.failed_messages;
    load_.last_failure_ = outcome.text;
}

void StormClient::close_carrier(session::CarrierKey key, errc code, const std::string& text) {
    if (key != key_ || close_due_) return;
    close_due_ = Close{code, text};
    mark();
}

void StormClient::on_batch(std::string_view batch) {
    session_.on_batch(key_, batch, storm_now());
    mark();
}

void StormClient::on_closed(const transport::CloseReason& reason) {
    const errc code = reason.code == errc::ok ? errc::closed_by_peer : reason.code;
    if (carrier_) load_.binned_.push_back(std::move(carrier_));
    load_.post_flush();
    session_.carrier_gone(key_, code, reason.text, storm_now());
    if (ready_ || waiting_) return;
    load_.last_failure_ = reason.text;
    failed();
}

void StormClient::mark() {
    if (dirty_) return;
    dirty_ = true;
    load_.dirty_.push_back(this);
    load_.post_flush();
}

void StormClient::flush() {
    dirty_ = false;
    if (carrier_ && carrier_->writable()) {
        load_.batch_.clear();
        const bool more = session_.write(key_, load_.batch_, storm_now());
        if (!load_.batch_.empty()) carrier_->send(load_.batch_);
        if (more && carrier_->writable()) mark();
        if (close_due_ && !more) carrier_->close(close_due_->code, close_due_->text);
    }
    live();
}

void StormClient::live() {
    if (const auto time = storm_now(); session_.next_deadline() <= time) session_.on_time(time);
}

// ---- all of them ----

StormLoad::StormLoad(const StormOptions& options)
    : options_(options), shared_budget_(std::size_t{8} << 30), budget_(shared_budget_), answers_(options.messages) {
    transport::tls::ClientOptions trust;
    trust.ca_file = "certs/ca.crt";
    std::string text;
    if (options.where.transport == "quic") quic_ = loaded(quic::ClientContext::load(trust, {quic::kAlpn}, &text), text);
    if (options.where.transport == "wss") tls_ = loaded(transport::tls::ClientContext::load(trust, &text), text);
    tick();
}

StormLoad::~StormLoad() = default;

void StormLoad::begin(std::uint16_t port, double per_second) {
    port_ = port;
    for (std::size_t i = 0; i < options_.sessions; ++i) {
        clients_.push_back(std::make_unique<StormClient>(*this, i));
        clients_.back()->come_back(
            std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * static_cast<double>(i) / per_second)));
    }
}

std::shared_ptr<void> StormLoad::connect(StormClient& client) {
    if (quic_) {
        const std::size_t at = client.index() / kPerFleet;
        if (fleets_.size() <= at) fleets_.resize(at + 1);
        if (!fleets_[at]) {
            quic::ConnectTarget target;
            target.endpoint = {asio::ip::address_v4::loopback(), port_};
            target.server_name = "127.0.0.1";
            quic::Options carrier_options;
            carrier_options.handshake_timeout = kHandshakeLimit;
            carrier_options.tickets = false;
            fleets_[at] = std::make_shared<QuicFleet>(context_, target, quic_, carrier_options);
            fleets_[at]->begin();
        }
        fleets_[at]->dial(base::place_of(StormClient::user_of(client.index())),
                          [&client](std::unique_ptr<transport::Carrier> carrier, const std::string& failure) {
                              client.connected(std::move(carrier), failure);
                          });
        return fleets_[at];
    }
    websocket::ConnectTarget target;
    target.endpoint = {asio::ip::address_v4::loopback(), port_};
    target.host_header = "127.0.0.1:" + std::to_string(port_);
    target.server_name = "127.0.0.1";
    target.secure = options_.where.transport == "wss";
    websocket::Options carrier_options;
    carrier_options.handshake_timeout = kHandshakeLimit;
    return websocket::connect(context_, std::move(target), tls_, carrier_options,
                              [&client](std::unique_ptr<transport::Carrier> carrier, const auto& error) {
                                  client.connected(std::move(carrier), error.text);
                              });
}

void StormLoad::tick() {
    timer_.expires_after(kStormTick);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        for (std::size_t i = 0; i < std::min(kStormTicked, clients_.size()); ++i, ++ticked_)
            clients_[ticked_ % clients_.size()]->live();
        const std::uint64_t time = now_ns();
        const std::size_t talkers = std::max<std::size_t>(1, clients_.size() / kTalkers);
        const double each = 1e9 / (kMessagesPerTalker * static_cast<double>(talkers));
        if (!talking_) talked_at_ = time;
        while (talking_ && static_cast<double>(time - talked_at_) >= each && sent_ < answers_.size()) {
            talked_at_ += static_cast<std::uint64_t>(each);
            clients_[talker_++ % talkers]->send(sent_++);
        }
        tick();
    });
}

void StormLoad::post_flush() {
    if (flush_posted_) return;
    flush_posted_ = true;
    asio::post(context_, [this] { flush(); });
}

void StormLoad::flush() {
    flush_posted_ = false;
    binned_.clear();
    flushing_.swap(dirty_);
    for (StormClient* client : flushing_) client->flush();
    flushing_.clear();
}

bool StormLoad::run_until(const std::function<bool()>& done, std::chrono::nanoseconds limit) {
    const auto deadline = storm_now() + limit;
    while (!done()) {
        if (storm_now() >= deadline) return false;
        context_.run_one_for(std::chrono::milliseconds(10));
    }
    return true;
}

}  // namespace flare::bench
