#include "lab/stage.hpp"

#include <cstdlib>
#include <stdexcept>

namespace flare::lab {

using namespace std::chrono_literals;

// ---- events ----

void EventLog::add(const Event& event) {
    const std::lock_guard lock(mutex_);
    events_.emplace_back(Clock::now(), event);
    changed_.notify_all();
}

std::vector<EventLog::Clock::time_point> EventLog::times(std::string_view wanted) const {
    const std::lock_guard lock(mutex_);
    std::vector<Clock::time_point> found;
    for (const auto& [time, event] : events_) {
        if (name(event) == wanted) found.push_back(time);
    }
    return found;
}

std::size_t EventLog::count(std::string_view wanted) const { return times(wanted).size(); }

std::optional<EventLog::Clock::time_point> EventLog::wait_for(std::string_view wanted, Clock::time_point since,
                                                              std::chrono::milliseconds limit) const {
    std::unique_lock lock(mutex_);
    std::optional<Clock::time_point> found;
    changed_.wait_for(lock, limit, [&] {
        for (const auto& [time, event] : events_) {
            if (time >= since && name(event) == wanted) return found = time, true;
        }
        return false;
    });
    return found;
}

std::string EventLog::text() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& [time, event] : events_) text += (text.empty() ? "" : " | ") + to_string(event);
    return text;
}

// ---- the stage ----

Stage::Stage(std::chrono::milliseconds round_trip, bool verbose) {
    network.round_trip(round_trip);
    ServerBuilder builder;
    builder.websocket_addr("0.0.0.0:" + std::to_string(kWebsocketPort))
        .websocket_tls(identity_.certificate_file, identity_.key_file)
        .quic_addr("0.0.0.0:" + std::to_string(kQuicPort))
        .quic_tls(identity_.certificate_file, identity_.key_file)
        .allow_insecure(true)  // nobody else is in these networks
        .worker_threads(1)
        .log_level(verbose ? LogLevel::debug : LogLevel::off)
        .with_event_handler(hooks_)
        .with_message_handler(
            [this](const SessionInfo&, const Message& message) -> HandlerResult {
                at_server.add(std::strtoull(message.payload.str().c_str(), nullptr, 10));
                return {};
            },
            Execution::worker);
    network.on_server([&] {
        auto built = builder.build();
        if (!built) throw std::runtime_error(built.error().text);
        server_ = std::move(*built);
        if (const auto started = server_->start(); !started) throw std::runtime_error(started.error().text);
    });
    network.on_router([&] { helper = std::make_unique<TcpHelper>(identity_.certificate_file, identity_.key_file); });
}

Stage::~Stage() {
    from_client_.reset();
    from_server_.reset();
    client_.reset();
    server_.reset();
}

ClientBuilder Stage::client_builder(Reach reach) {
    const std::string server = Network::kServer;
    ServerAddresses addresses;
    if (reach != Reach::websocket) addresses.with_quic_url("quic://" + server + ":" + std::to_string(kQuicPort));
    if (reach != Reach::quic)
        addresses.with_websocket_tls_url("wss://" + server + ":" + std::to_string(kWebsocketPort));
    ClientBuilder builder("walker");
    builder.server_addresses(addresses)
        .ca_file(authority_.certificate_file)
        .server_name("localhost")
        .with_event_callback([this](const Event& event) {
            if (const auto* received = std::get_if<event::MessageReceived>(&event))
                at_client.add(std::strtoull(received->message.payload.str().c_str(), nullptr, 10));
            else if (name(event) != "Heartbeat" && name(event) != "MessageSent")
                events.add(event);
        });
    return builder;
}

void Stage::make(const ClientBuilder& builder) {
    network.on_client([&] {
        auto built = builder.build();
        if (!built) throw std::runtime_error(built.error().text);
        client_.emplace(std::move(*built));
    });
}

Checked<Protocol> Stage::connect() {
    Checked<Protocol> result = Failure(errc::not_connected);
    network.on_client([&] { result = client_->connect(); });
    return result;
}

void Stage::drop_client() { client_.reset(); }

std::vector<std::string> Stage::serve_command() const {
    return {"/proc/self/exe", "serve", identity_.certificate_file, identity_.key_file};
}

void Stage::start_traffic(double per_second, std::uint64_t large_every, std::size_t large_bytes) {
    const auto message = [large_every, large_bytes](std::uint64_t number) {
        std::string text = std::to_string(number);
        if (large_every != 0 && number % large_every == 0) text.resize(large_bytes, ' ');
        return Message("number", Bytes(std::move(text)));
    };
    from_client_.emplace(per_second, [this, message](std::uint64_t number) {
        if (!client_->post_message("server", message(number))) ++refused_;
    });
    from_server_.emplace(per_second, [this, message](std::uint64_t number) {
        if (!server_->send("walker", message(number))) ++refused_;
    });
}

void Stage::mark() {
    at_server.mark();
    at_client.mark();
}

bool Stage::flows_again(std::uint64_t count) const {
    for (int i = 0; i < 4000; ++i) {
        if (at_server.since_mark() >= count && at_client.since_mark() >= count) return true;
        std::this_thread::sleep_for(5ms);
    }
    return false;
}

std::pair<std::uint64_t, std::uint64_t> Stage::stop_sending() { return {from_client_->stop(), from_server_->stop()}; }

Stage::Outcome Stage::stop_traffic() {
    const auto [sent_up, sent_down] = stop_sending();
    at_server.wait_for(sent_up, 30s);
    at_client.wait_for(sent_down, 30s);
    const Arrivals::Verdict up = at_server.verdict(sent_up);
    const Arrivals::Verdict down = at_client.verdict(sent_down);
    return {up.lost + down.lost, up.repeated + down.repeated, up.reordered + down.reordered, refused_};
}

double Stage::silence_ms() const { return milliseconds(std::max(at_server.silence(), at_client.silence())); }

}  // namespace flare::lab
