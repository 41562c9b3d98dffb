#include "client/connector.hpp"

#include "client/interleave.hpp"
#include "transport/websocket/address.hpp"

#include <boost/asio/steady_timer.hpp>

namespace flare::client {
namespace asio = boost::asio;
using transport::Carrier;
namespace quic = transport::quic;
namespace websocket = transport::websocket;

namespace {

constexpr std::chrono::milliseconds kStagger{250};

}  // namespace

class Connector::State : public std::enable_shared_from_this<Connector::State> {
public:
    State(asio::io_context& context, const Config& config, std::function<void(wire::Batch&)> first_flight,
          std::function<void(std::unique_ptr<Carrier>, Failure)> done)
        : context_(context),
          config_(config),
          first_flight_(std::move(first_flight)),
          done_(std::move(done)),
          resolver_(context),
          timer_(context) {}

    // All names are resolved at once; the addresses of the first URL that is ready are tried first.
    void start(std::optional<Protocol> only) {
        for (const Url& url : config_.addresses) {
            if (only && url.protocol != *only) continue;
            ++pending_;
            resolver_.async_resolve(
                url.host, std::to_string(url.port), asio::ip::tcp::resolver::numeric_service,
                [self = shared_from_this(), &url](const boost::system::error_code& error, const auto& results) {
                    if (self->finished_) return;
                    self->resolved(url, error, results);
                });
        }
    }

    void cancel() {
        finished_ = true;
        attempts_.clear();
        resolver_.cancel();
        timer_.cancel();
    }

    std::string failures() const {
        std::string text;
        for (const Failure& failure : failures_) text += (text.empty() ? "" : "; ") + failure.text;
        return text;
    }

private:
    struct Candidate {
        const Url* url;
        asio::ip::tcp::endpoint endpoint;
    };

    void resolved(const Url& url, const boost::system::error_code& error,
                  const asio::ip::tcp::resolver::results_type& results) {
        --pending_;
        if (error) {
            failures_.emplace_back(errc::host_not_found, url.text + ": " + std::string(explain(errc::host_not_found)));
            return settle();
        }
        std::vector<asio::ip::tcp::endpoint> endpoints;
        for (const auto& result : results) endpoints.push_back(result.endpoint());
        const bool idle = attempts_.empty() && next_ == candidates_.size();
        for (const auto& endpoint : interleave(endpoints)) candidates_.push_back({&url, endpoint});
        if (idle) try_next();
    }

    void try_next() {
        if (finished_ || next_ == candidates_.size()) return settle();
        const Candidate candidate = candidates_[next_++];
        ++open_;
        if (candidate.url->protocol == Protocol::quic) {
            begin_quic(candidate);
        } else {
            begin_websocket(candidate);
        }
        if (next_ == candidates_.size()) return;
        timer_.expires_after(kStagger);
        timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error && !self->finished_) self->try_next();
        });
    }

    void begin_websocket(const Candidate& candidate) {
        websocket::ConnectTarget target;
        target.endpoint = candidate.endpoint;
        target.host_header = candidate.url->host_header();
        target.path = candidate.url->path;
        target.server_name = config_.server_name.empty() ? candidate.url->host : config_.server_name;
        target.secure = candidate.url->secure;
        websocket::Options options;
        options.read_bytes_per_turn = config_.buffer_size;
        options.handshake_timeout = config_.connection_timeout;
        attempts_.push_back(websocket::connect(
            context_, std::move(target), config_.tls, options,
            [weak = weak_from_this()](std::unique_ptr<Carrier> carrier, const websocket::ConnectError& error) {
                if (const auto self = weak.lock(); self && !self->finished_) self->ended(std::move(carrier), error);
            }));
    }

    void begin_quic(const Candidate& candidate) {
        quic::ConnectTarget target;
        target.endpoint = {candidate.endpoint.address(), candidate.endpoint.port()};
        target.server_name = config_.server_name.empty() ? candidate.url->host : config_.server_name;
        target.home_worker = session::home_byte(config_.session.user);
        if (config_.quic_0rtt) target.first_flight = first_flight_;
        quic::Options options;
        options.handshake_timeout = config_.connection_timeout;
        options.idle_timeout =
            std::chrono::duration_cast<std::chrono::milliseconds>(2 * config_.session.heartbeat_timeout);
        options.congestion = config_.quic_congestion;
        options.qlog_folder = config_.quic_qlog_folder;
        attempts_.push_back(
            quic::connect(context_, std::move(target), config_.quic, options,
                          [weak = weak_from_this()](std::unique_ptr<Carrier> carrier, const quic::ConnectError& error) {
                              if (const auto self = weak.lock(); self && !self->finished_)
                                  self->ended(std::move(carrier), error);
                          }));
    }

    template <typename Error>
    void ended(std::unique_ptr<Carrier> carrier, const Error& error) {
        --open_;
        if (carrier) return finish(std::move(carrier), {});
        failures_.emplace_back(error.code, error.text);
        timer_.cancel();
        try_next();  // a failure frees the way for the next at once
    }

    // Is there nothing left to hope for?
    void settle() {
        if (finished_ || pending_ != 0 || open_ != 0 || next_ != candidates_.size()) return;
        const errc code = failures_.empty() ? errc::not_connected : failures_.front().code;
        finish(nullptr, Failure(code, failures()));
    }

    void finish(std::unique_ptr<Carrier> carrier, const Failure& failure) {
        const auto self = shared_from_this();
        finished_ = true;
        timer_.cancel();
        resolver_.cancel();
        attempts_.clear();  // losers
        const auto done = std::move(done_);
        done(std::move(carrier), failure);
    }

    asio::io_context& context_;
    const Config& config_;
    const std::function<void(wire::Batch&)> first_flight_;
    std::function<void(std::unique_ptr<Carrier>, Failure)> done_;
    asio::ip::tcp::resolver resolver_;
    asio::steady_timer timer_;
    std::vector<Candidate> candidates_;
    std::size_t next_ = 0;
    std::vector<std::shared_ptr<void>> attempts_;  // destroying one cancels it
    std::vector<Failure> failures_;
    std::size_t pending_ = 0;  // names being resolved
    std::size_t open_ = 0;     // attempts under way
    bool finished_ = false;
};

Connector::Connector(asio::io_context& context, const Config& config, std::optional<Protocol> only,
                     std::function<void(wire::Batch&)> first_flight,
                     std::function<void(std::unique_ptr<Carrier>, Failure)> done)
    : state_(std::make_shared<State>(context, config, std::move(first_flight), std::move(done))) {
    state_->start(only);
}

Connector::~Connector() { state_->cancel(); }

std::string Connector::failures() const { return state_->failures(); }

}  // namespace flare::client
