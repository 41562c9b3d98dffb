#include "client/connect/connector.hpp"

#include "client/connect/interleave.hpp"
#include "racing/plan.hpp"
#include "transport/address.hpp"
#include "transport/host.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>

namespace flare::client {
namespace asio = boost::asio;
using transport::Carrier;
namespace quic = transport::quic;
namespace websocket = transport::websocket;
using Clock = std::chrono::steady_clock;

namespace {

// How many round trips the handshake of a connection takes: TCP and the upgrade, TLS 1.3 between them; QUIC's one.
int handshake_round_trips(const Url& url) { return url.protocol == Protocol::quic ? 1 : url.secure ? 3 : 2; }

}  // namespace

class Connector::State : public std::enable_shared_from_this<Connector::State> {
public:
    State(asio::io_context& context, const Config& config, Recorder& recorder, std::vector<Start> starts,
          std::function<void(wire::Batch&)> first_flight, std::function<void(Made)> made,
          std::function<void()> exhausted)
        : context_(context),
          config_(config),
          recorder_(recorder),
          first_flight_(std::move(first_flight)),
          made_(std::move(made)),
          exhausted_(std::move(exhausted)),
          resolver_(context) {
        for (const Start& start : starts) lines_.push_back(std::make_unique<Line>(context, start));
    }

    void start() {
        for (const auto& line : lines_) {
            arm(*line, line->after);
            resolve(*line);
        }
    }

    void cancel() {
        finished_ = true;
        resolver_.cancel();
        for (const auto& line : lines_) {
            line->attempts.clear();
            line->timer.cancel();
        }
    }

    std::string failures() const {
        std::string text;
        for (const auto& line : lines_) {
            text += (text.empty() ? "" : "; ") + line->url.text + ": ";
            if (!line->failures.empty()) {
                for (std::size_t i = 0; i < line->failures.size(); ++i)
                    text += (i == 0 ? "" : ", ") + line->failures[i].text;
            } else if (!line->begun) {
                text += "not tried yet";
            } else if (line->url.protocol == Protocol::quic) {
                text += "no answer; is UDP blocked on the path?";
            } else {
                text += "no answer";
            }
        }
        return text;
    }

    void record_unanswered() const {
        for (const auto& line : lines_) {
            if (line->open == 0) continue;
            recorder_.add(recorder_.line("unanswered")
                              .add("address", address_of(line->url))
                              .add("protocol", record_name(line->url.protocol))
                              .ms("tried_ms", Clock::now() - line->began));
        }
    }

    errc code() const {
        for (const auto& line : lines_) {
            if (!line->failures.empty()) return line->failures.front().code;
        }
        return errc::connect_timeout;
    }

    bool pending() const {
        return std::any_of(lines_.begin(), lines_.end(), [](const auto& line) { return !line->settled(); });
    }

    bool failed(Protocol protocol) const {
        return std::all_of(lines_.begin(), lines_.end(), [&](const auto& line) {
            return line->url.protocol != protocol || (line->settled() && !line->made);
        });
    }

private:
    // The addresses of one URL, one after the other.
    struct Line {
        Line(asio::io_context& context, const Start& start) : url(*start.url), after(start.after), timer(context) {}
        // Nothing is left to wait for.
        bool settled() const { return resolved && open == 0 && next == endpoints.size(); }

        const Url& url;
        const std::chrono::milliseconds after;
        asio::steady_timer timer;  // until the next address
        std::vector<asio::ip::tcp::endpoint> endpoints;
        std::size_t next = 0;
        std::size_t open = 0;  // attempts under way
        bool resolved = false;
        bool due = false;  // its head start is over
        bool begun = false;
        Clock::time_point began{};  // the first attempt
        bool made = false;
        std::vector<std::shared_ptr<void>> attempts;  // destroying one cancels it
        std::vector<Failure> failures;
        std::string unsealed_because;  // it is tried without sealing
    };

    struct Attempt {
        asio::ip::tcp::endpoint endpoint;
        Clock::time_point began;
        transport::HandshakeTimes times;
    };

    void arm(Line& line, std::chrono::milliseconds after) {
        if (after.count() == 0) {
            line.due = true;
            return;
        }
        line.timer.expires_after(after);
        line.timer.async_wait([self = shared_from_this(), &line](const boost::system::error_code& error) {
            if (error || self->finished_) return;
            line.due = true;
            self->try_next(line);
        });
    }

    void resolve(Line& line) {
        std::vector<asio::ip::tcp::endpoint> known;
        for (const auto& address : transport::known_addresses(line.url.host))
            known.emplace_back(address, line.url.port);
        if (!known.empty()) {
            return asio::post(context_, [self = shared_from_this(), &line, known = std::move(known)] {
                if (!self->finished_) self->resolved(line, {}, known);
            });
        }
        resolver_.async_resolve(
            line.url.host, std::to_string(line.url.port), asio::ip::tcp::resolver::numeric_service,
            [self = shared_from_this(), &line](const boost::system::error_code& error, const auto& results) {
                if (self->finished_) return;
                std::vector<asio::ip::tcp::endpoint> found;
                for (const auto& result : results) found.push_back(result.endpoint());
                self->resolved(line, error, found);
            });
    }

    void resolved(Line& line, const boost::system::error_code& error,
                  const std::vector<asio::ip::tcp::endpoint>& found) {
        line.resolved = true;
        if (error) {
            recorder_.add(recorder_.line("failed")
                              .add("address", address_of(line.url))
                              .add("protocol", record_name(line.url.protocol))
                              .add("code", name(errc::host_not_found))
                              .add("text", error.message())
                              .ms("took_ms", Clock::now() - made_at_));
            line.failures.emplace_back(errc::host_not_found, std::string(explain(errc::host_not_found)));
            return hurry(line);
        }
        line.endpoints = interleave(found);
        std::vector<std::string> texts;
        for (const auto& endpoint : line.endpoints) texts.push_back(transport::endpoint_text(endpoint));
        if (line.url.host != line.endpoints.front().address().to_string()) {
            recorder_.add(recorder_.line("resolved")
                              .add("address", address_of(line.url))
                              .add("endpoints", texts)
                              .ms("took_ms", Clock::now() - made_at_));
        }
        try_next(line);
    }

    void try_next(Line& line) {
        if (!line.due || !line.resolved || line.made || line.next == line.endpoints.size()) return;
        const auto endpoint = line.endpoints[line.next++];
        ++line.open;
        if (!line.begun) line.began = Clock::now();
        line.begun = true;
        line.due = false;
        if (line.next < line.endpoints.size()) arm(line, racing::kStagger);
        begin(line, endpoint);
    }

    template <typename Error>
    auto on_ended(Line& line, const asio::ip::tcp::endpoint& endpoint) {
        return [weak = weak_from_this(), &line, attempt = Attempt{endpoint, Clock::now(), {}}](
                   std::unique_ptr<Carrier> carrier, const Error& error) mutable {
            const auto self = weak.lock();
            if (!self || self->finished_) return;
            attempt.times = error.times;
            if (!carrier) return self->failed_at(line, attempt, Failure(error.code, error.text));
            if (self->config_.sealing.mode != Encryption::off && line.unsealed_because.empty())
                return self->seal(line, attempt, std::move(carrier));
            self->ended(line, attempt, std::move(carrier), 0);
        };
    }

    flight::Line told(std::string_view event, const Line& line, const Attempt& attempt) const {
        flight::Line told = recorder_.line(event);
        told.add("address", address_of(line.url))
            .add("endpoint", transport::endpoint_text(attempt.endpoint))
            .add("protocol", record_name(line.url.protocol))
            .ms("took_ms", Clock::now() - attempt.began);
        const auto part = [&](std::string_view key, std::chrono::nanoseconds time) {
            if (time.count() != 0) told.ms(key, time);
        };
        part("connect_ms", attempt.times.connect);
        part("secure_ms", attempt.times.secure);
        part("upgrade_ms", attempt.times.upgrade);
        return told;
    }

    std::string name_of(const Line& line) const {
        return config_.server_name.empty() ? line.url.host : config_.server_name;
    }

    void begin(Line& line, const asio::ip::tcp::endpoint& endpoint) {
        line.url.protocol == Protocol::quic ? begin_quic(line, endpoint) : begin_websocket(line, endpoint);
    }

    void begin_websocket(Line& line, const asio::ip::tcp::endpoint& endpoint) {
        websocket::ConnectTarget target;
        target.endpoint = endpoint;
        target.host_header = line.url.host_header();
        target.path = line.url.path;
        target.server_name = name_of(line);
        target.secure = line.url.secure;
        websocket::Options options;
        options.read_bytes_per_turn = config_.buffer_size;
        options.handshake_timeout = config_.connection_timeout;
        line.attempts.push_back(websocket::connect(context_, std::move(target), config_.tls, options,
                                                   on_ended<websocket::ConnectError>(line, endpoint)));
    }

    void begin_quic(Line& line, const asio::ip::tcp::endpoint& endpoint) {
        quic::ConnectTarget target;
        target.endpoint = {endpoint.address(), endpoint.port()};
        target.server_name = name_of(line);
        target.place = base::place_of(config_.session.user);
        target.share_socket = config_.shares_sockets;
        // The handshake of sealing has to come before anything else.
        if (config_.quic_0rtt && config_.sealing.mode == Encryption::off) target.first_flight = first_flight_;
        quic::Options options;
        options.handshake_timeout = config_.connection_timeout;
        options.idle_timeout =
            std::chrono::duration_cast<std::chrono::milliseconds>(2 * config_.session.heartbeat_timeout);
        options.congestion = config_.quic_congestion;
        options.qlog_folder = config_.quic_qlog_folder;
        line.attempts.push_back(quic::connect(context_, std::move(target), config_.quic, options,
                                              on_ended<quic::ConnectError>(line, endpoint)));
    }

    void seal(Line& line, const Attempt& attempt, std::unique_ptr<Carrier> carrier) {
        const std::string address = line.url.host + ":" + std::to_string(line.url.port);
        line.attempts.push_back(std::make_shared<SealAttempt>(
            context_, std::move(carrier), config_.sealing, SealAttempt::Server{name_of(line), address},
            config_.connection_timeout, [weak = weak_from_this(), &line, attempt](SealAttempt::Outcome outcome) {
                const auto self = weak.lock();
                if (self && !self->finished_) self->sealed(line, attempt, std::move(outcome));
            }));
    }

    void sealed(Line& line, const Attempt& attempt, SealAttempt::Outcome outcome) {
        if (outcome.carrier) return ended(line, attempt, std::move(outcome.carrier), outcome.round_trips);
        const errc code = outcome.failure.code;
        if (outcome.again) return begin(line, attempt.endpoint);
        if (config_.sealing.mode == Encryption::preferred &&
            (code == errc::encryption_unavailable || code == errc::certificate_rejected)) {
            line.unsealed_because = outcome.failure.text;
            return begin(line, attempt.endpoint);
        }
        failed_at(line, attempt, std::move(outcome.failure));
    }

    void failed_at(Line& line, const Attempt& attempt, Failure failure) {
        recorder_.add(told("failed", line, attempt).add("code", name(failure.code)).add("text", failure.text));
        --line.open;
        line.failures.push_back(std::move(failure));
        hurry(line);
    }

    void ended(Line& line, const Attempt& attempt, std::unique_ptr<Carrier> carrier, int sealing_round_trips) {
        recorder_.add(told("connected", line, attempt));
        line.made = true;
        line.open = 0;
        line.next = line.endpoints.size();
        line.timer.cancel();
        // The other addresses of this URL have lost; the attempt that has won is inside its own callback.
        for (const auto& other : std::exchange(line.attempts, {})) finished_attempts_.push_back(other);
        asio::post(context_, [self = shared_from_this()] { self->finished_attempts_.clear(); });
        const auto took = Clock::now() - attempt.began;
        made_({std::move(carrier), took, took / (handshake_round_trips(line.url) + sealing_round_trips),
               line.unsealed_because});
    }

    // A failure frees the way for the next address at once, and a URL that has failed for the URL behind it.
    void hurry(Line& failed) {
        if (!failed.settled()) return begin_now(failed);
        for (const auto& line : lines_) {
            if (!line->settled()) return line->begun ? void() : begin_now(*line);
        }
        exhausted_();
    }

    void begin_now(Line& line) {
        line.timer.cancel();
        line.due = true;
        try_next(line);
    }

    asio::io_context& context_;
    const Config& config_;
    Recorder& recorder_;
    const Clock::time_point made_at_ = Clock::now();
    const std::function<void(wire::Batch&)> first_flight_;
    const std::function<void(Made)> made_;
    const std::function<void()> exhausted_;
    asio::ip::tcp::resolver resolver_;
    std::vector<std::unique_ptr<Line>> lines_;
    std::vector<std::shared_ptr<void>> finished_attempts_;
    bool finished_ = false;
};

Connector::Connector(asio::io_context& context, const Config& config, Recorder& recorder, std::vector<Start> starts,
                     std::function<void(wire::Batch&)> first_flight, std::function<void(Made)> made,
                     std::function<void()> exhausted)
    : state_(std::make_shared<State>(context, config, recorder, std::move(starts), std::move(first_flight),
                                     std::move(made), std::move(exhausted))) {
    state_->start();
}

Connector::~Connector() { state_->cancel(); }

std::string Connector::failures() const { return state_->failures(); }

void Connector::record_unanswered() const { state_->record_unanswered(); }

errc Connector::code() const { return state_->code(); }

bool Connector::pending() const { return state_->pending(); }

bool Connector::failed(Protocol protocol) const { return state_->failed(protocol); }

}  // namespace flare::client
