// A SessionTable and its clients without any transport between them: the caller carries the batches.
//
// Threads: one.
#pragma once

#include "base/random.hpp"
#include "session/client_session.hpp"
#include "session/session_table.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace flare::bench {

inline session::TimePoint clock_now() { return std::chrono::steady_clock::now(); }

// A client that acts on nothing but what the session itself does.
class BareClient final : private session::ClientSessionListener {
public:
    BareClient(std::size_t index, session::Budget& budget)
        : key(index + 1), session_(settings_for(index), base::system_random(), budget, *this) {
        session_.begin_attempt({});
    }
    const session::CarrierKey key;  // the same on both sides
    std::uint64_t received = 0;

    session::ClientSession& session() noexcept { return session_; }
    std::string write() {
        batch_.clear();
        session_.write(key, batch_, clock_now());
        return batch_.str();
    }
    void send(std::string_view payload) {
        wire::MessageView message;
        message.id = Uuid::v7();
        message.type = "bench";
        message.payload = payload;
        message.to = kServerTarget;
        (void)session_.send(message, Priority::normal, clock_now());
    }

private:
    static session::ClientSettings settings_for(std::size_t index) {
        session::ClientSettings settings;
        settings.user = "user" + std::to_string(index);
        settings.device = "bench";
        settings.retry_delay = std::chrono::hours(1);
        return settings;
    }
    void on_ready(session::CarrierKey, bool) override {}
    void on_standby(session::CarrierKey) override {}
    void on_detached(errc, const std::string&) override {}
    void on_refused(session::CarrierKey, errc, const std::string& text, std::uint32_t) override {
        throw std::runtime_error(text);
    }
    void on_ended(errc, const std::string& text, std::uint32_t) override { throw std::runtime_error(text); }
    void on_gap(const session::GapReport&) override {}
    void on_message(session::LaneIndex lane, const wire::DataView&, const Bytes&, std::uint64_t cost) override {
        ++received;
        session_.consumed(lane, cost, clock_now());
    }
    void on_outcome(const session::Outcome&) override {}
    void on_heartbeat(session::CarrierKey, session::Duration) override {}
    void on_suspect(session::CarrierKey) override {}
    void close_carrier(session::CarrierKey, errc, const std::string& text) override { throw std::runtime_error(text); }
    void output_ready(session::CarrierKey) override {}
    void on_disconnected(bool) override {}

    session::ClientSession session_;
    wire::Batch batch_;
};

// The server's half: every message comes back with its receipt.
class Sessions final : private session::SessionTableListener {
public:
    explicit Sessions(std::size_t count)
        : shared_(std::size_t{16} << 30),
          budget_(shared_),
          table(settings(), 0, clock_now(), base::system_random(), budget_, *this) {
        for (std::size_t i = 0; i < count; ++i) {
            clients.push_back(std::make_unique<BareClient>(i, budget_));
            attach(*clients.back());
        }
    }

    // What this client gets now lies in `batch`.
    void write(const BareClient& client) {
        batch.clear();
        table.write(client.key, batch, clock_now());
    }

    wire::Batch batch;
    std::vector<std::unique_ptr<BareClient>> clients;

private:
    static session::Settings settings() {
        session::Settings settings;
        settings.heartbeat_timeout = std::chrono::hours(1);
        return settings;
    }
    void attach(BareClient& client) {
        client.session().open(client.key, clock_now());
        const std::string first = client.write();
        std::string_view rest;
        const auto hello = session::read_hello(first, rest);
        if (!hello || table.attach_new(client.key, *hello, {hello->user}, clock_now()))
            throw std::runtime_error("a hello was refused");
        for (int i = 0; i < 3; ++i) {  // Welcome, Activate, acknowledgements
            write(client);
            client.session().on_batch(client.key, batch.str(), clock_now());
            table.on_batch(client.key, client.write(), clock_now());
        }
    }
    void on_session_created(session::ServerSession&) override {}
    void on_session_ended(session::ServerSession&, errc, const std::string&) override {}
    void on_presence(session::ServerSession&) override {}
    void on_carrier_attached(session::ServerSession&, session::CarrierKey) override {}
    void on_carrier_detached(session::ServerSession&, session::CarrierKey) override {}
    void on_message(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
                    const Bytes&) override {
        session::Reply reply{kServerTarget, *data.message};
        reply.message.to = session.user();
        table.finish(pending, {wire::ReceiptStatus::handled, errc::ok, {}, 0}, &reply, clock_now());
    }
    void on_request(session::ServerSession&, session::PendingRequest&&, const wire::RequestView&,
                    const Bytes&) override {
        throw std::runtime_error("a request that nobody has sent");
    }
    void on_heartbeat(session::ServerSession&) override {}
    void on_credential(session::ServerSession&, std::string_view) override {}
    void close_carrier(session::CarrierKey, errc, const std::string& text) override { throw std::runtime_error(text); }
    void output_ready(session::CarrierKey) override {}
    void on_peer_error(const session::ServerSession*, session::CarrierKey, errc, const std::string& text) override {
        throw std::runtime_error(text);
    }

    session::SharedBudget shared_;
    session::Budget budget_;

public:
    session::SessionTable table;
};

}  // namespace flare::bench
