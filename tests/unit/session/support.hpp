// What the tests of sessions share: chance with a seed, frames by hand, and both halves of a session on a bench where
// the test moves every batch itself.
#pragma once

#include "session/client_session.hpp"
#include "session/session_table.hpp"
#include "wire/feeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace flare::session::test {

using namespace std::chrono_literals;

inline constexpr TimePoint kStart{std::chrono::hours(100)};

// The same bytes in every run.
class Chance final : public base::Random {
public:
    explicit Chance(std::uint64_t seed = 1) : state_(seed) {}
    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& byte : out) {
            state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
            byte = static_cast<std::uint8_t>(state_ >> 56);
        }
    }

private:
    std::uint64_t state_;
};

inline Uuid id_of(std::uint8_t number) {
    Uuid id;
    id.bytes[0] = 0xaa;
    id.bytes[15] = number;
    return id;
}

inline wire::MessageView message_of(std::uint8_t number, std::string_view payload,
                                    std::string_view to = kServerTarget) {
    wire::MessageView message;
    message.id = id_of(number);
    message.type = "chat";
    message.payload = payload;
    message.to = to;
    return message;
}

inline wire::Body data_of(std::uint8_t number, std::string_view payload, std::string_view from = kServerTarget) {
    wire::DataView data;
    data.from = from;
    data.message = message_of(number, payload, "ann");
    return wire::encode(data);
}

// Every frame of a batch. The views point into `batch`.
inline std::vector<wire::FrameView> frames_of(std::string_view batch) {
    std::vector<wire::FrameView> frames;
    wire::BatchReader reader(batch);
    while (!reader.done()) {
        wire::FrameView frame;
        if (!reader.next(frame)) {
            ADD_FAILURE() << "a batch that cannot be read";
            break;
        }
        frames.push_back(frame);
    }
    return frames;
}

inline std::string batch_of(const wire::FrameHeader& header, const wire::Body& body) {
    wire::Batch batch;
    batch.add(header, body);
    return batch.str();
}

inline std::string numbered(LaneIndex lane, Seq seq, const wire::Body& body) {
    wire::FrameHeader header;
    header.lane = lane;
    header.seq = seq;
    return batch_of(header, body);
}

template <typename T>
errc code_of(const Result<T>& result) {
    return result ? errc::ok : static_cast<errc>(result.error().value());
}

struct Closed {
    CarrierKey key = kNoCarrier;
    errc code = errc::ok;
    bool operator==(const Closed&) const = default;
};

// ---- the server's side of the bench ----

class ServerBench final : public SessionTableListener {
public:
    explicit ServerBench(Settings settings, std::size_t budget_bytes = 64u << 20, TimePoint started = kStart - 1h,
                         const TicketKeys* keys = nullptr)
        : shared(budget_bytes), budget(shared, 4096), table(settings, 0, started, chance, budget, *this, keys) {}

    void on_session_created(ServerSession& session) override { created.push_back(session.id()); }
    void on_session_ended(ServerSession& session, errc reason, const std::string&) override {
        ended.emplace_back(session.id(), reason);
    }
    void on_presence(ServerSession& session) override { presence.push_back(session.presence()); }
    void on_carrier_attached(ServerSession&, CarrierKey key) override { attached.push_back(key); }
    void on_carrier_detached(ServerSession&, CarrierKey key) override { detached.push_back(key); }
    void on_message(ServerSession&, PendingMessage&& handling, const wire::DataView& data, const Bytes&) override {
        texts.emplace_back(data.message->payload);
        ages.push_back(data.first_sent_ms_ago);
        handlings.push_back(std::move(handling));
        if (!answers) return;
        table.finish(handlings.back(), {wire::ReceiptStatus::handled, errc::ok, {}, 0}, nullptr, now);
    }
    void on_request(ServerSession&, PendingRequest&& pending, const wire::RequestView& request, const Bytes&) override {
        requests.push_back({std::move(pending), request.verb, std::string(request.body), request.first_sent_ms_ago});
    }
    bool keeps(const wire::DataView&) const override { return into_a_log; }
    void on_room(ServerSession&) override { ++rooms; }
    void on_message_refused(ServerSession&, errc code) override { refused.push_back(code); }
    void on_memory_short() override { ++memory_shorts; }
    void on_heartbeat(ServerSession&) override { ++heartbeats; }
    void on_credential(ServerSession& session, std::string_view token) override {
        credentials.emplace_back(token);
        if (answers) table.renew(session.id(), next_identity, now);
    }
    void close_carrier(CarrierKey key, errc code, const std::string&) override { closed.push_back({key, code}); }
    void output_ready(CarrierKey) override {}
    void on_peer_error(const ServerSession*, CarrierKey, errc code, const std::string&) override {
        errors.push_back(code);
    }

    Chance chance;
    SharedBudget shared;
    Budget budget;
    bool answers = true;  // handle every message at once
    TimePoint now = kStart;

    std::vector<SessionId> created;
    std::vector<std::pair<SessionId, errc>> ended;
    std::vector<Presence> presence;
    std::vector<CarrierKey> attached;
    std::vector<CarrierKey> detached;
    std::vector<std::string> texts;
    std::vector<std::uint64_t> ages;  // first_sent_ms_ago
    std::vector<PendingMessage> handlings;
    struct Asked {
        PendingRequest pending;
        wire::Verb verb = wire::Verb::unspecified;
        std::string body;
        std::uint64_t first_sent_ms_ago = 0;
    };
    std::vector<Asked> requests;
    std::vector<Closed> closed;
    std::vector<errc> errors;
    std::vector<errc> refused;
    bool into_a_log = false;  // all messages go into a log
    int rooms = 0;
    int memory_shorts = 0;
    int heartbeats = 0;
    TimePoint expires_at = kNever;  // of the credential that a new session comes with
    std::vector<std::string> credentials;
    Checked<SessionCredential> next_identity = SessionCredential{"ann"};  // of any other credential

    SessionTable table;  // last: it must go first
};

// ---- the client's side ----

class ClientBench final : public ClientSessionListener {
public:
    explicit ClientBench(ClientSettings settings, std::uint64_t seed = 2)
        : chance(seed), shared(64u << 20), budget(shared, 4096), session(std::move(settings), chance, budget, *this) {}

    void on_ready(CarrierKey key, bool resumed) override { ready.emplace_back(key, resumed); }
    void on_standby(CarrierKey key) override { standby.push_back(key); }
    void on_detached(errc reason, const std::string&) override { lost.push_back(reason); }
    void on_refused(CarrierKey key, errc code, const std::string&, std::uint32_t) override {
        refused.push_back({key, code});
    }
    void on_ended(errc code, const std::string&, std::uint32_t) override { ended.push_back(code); }
    void on_gap(const GapReport& report) override { gaps.push_back(report); }
    void on_message(LaneIndex lane, const wire::DataView& data, const Bytes&, std::uint64_t cost) override {
        texts.emplace_back(data.message->payload);
        if (consumes) {
            session.consumed(lane, cost, now);
        } else {
            held.emplace_back(lane, cost);
        }
    }
    void on_outcome(const Outcome& outcome) override { outcomes.push_back(outcome); }
    void on_first_sent(const Uuid& id) override { first_sent.push_back(id); }
    void on_response(LaneIndex lane, const wire::ResponseView& response, const Bytes&, std::uint64_t cost) override {
        responses.push_back({response.id, response.code, std::string(response.text), response.retry_after_ms,
                             std::string(response.body), response.more});
        session.consumed(lane, cost, now);
    }
    void on_feed(LaneIndex lane, std::uint32_t feed_id, const wire::im::Feed& feed, const Bytes& whole,
                 std::uint64_t cost) override {
        Fed& each = feeds.emplace_back();
        each.feed_id = feed_id;
        each.lane = lane;
        each.in_pieces = !whole.empty();
        for (const wire::im::Entry& entry : feed.entries) each.payloads.emplace_back(entry.payload);
        if (consumes_feeds) {
            session.consumed(lane, cost, now);
        } else {
            held.emplace_back(lane, cost);
        }
    }
    void on_feed_refused(LaneIndex, std::uint32_t feed_id, errc code) override {
        feeds_refused.emplace_back(feed_id, code);
    }
    void on_request_failed(const Uuid& id, errc code, const std::string&) override { failed.emplace_back(id, code); }
    void on_heartbeat(CarrierKey, Duration round_trip) override { round_trips.push_back(round_trip); }
    void on_suspect(CarrierKey key) override { suspected.push_back(key); }
    void on_recovered(CarrierKey key) override { recovered.push_back(key); }
    void on_slow(CarrierKey, Duration age) override { slow.push_back(age); }
    void on_probe(CarrierKey, std::uint64_t id) override { probes.push_back(id); }
    void on_credential(const wire::CredentialState& state) override { credentials.push_back(state); }
    void close_carrier(CarrierKey key, errc code, const std::string&) override { closed.push_back({key, code}); }
    void output_ready(CarrierKey) override {}
    void on_disconnected(bool drained) override { disconnected.push_back(drained); }

    Chance chance;
    SharedBudget shared;
    Budget budget;
    bool consumes = true;
    bool consumes_feeds = true;
    TimePoint now = kStart;

    std::vector<std::pair<CarrierKey, bool>> ready;
    std::vector<CarrierKey> standby;
    std::vector<errc> lost;
    std::vector<Closed> refused;
    std::vector<errc> ended;
    std::vector<GapReport> gaps;
    std::vector<std::string> texts;
    std::vector<std::pair<LaneIndex, std::uint64_t>> held;
    std::vector<Outcome> outcomes;
    std::vector<Uuid> first_sent;
    struct Response {
        Uuid id;
        errc code = errc::ok;
        std::string text;
        std::uint32_t retry_after_ms = 0;
        std::string body;
        bool more = false;
    };
    std::vector<Response> responses;
    struct Fed {
        std::uint32_t feed_id = 0;
        LaneIndex lane = 0;
        bool in_pieces = false;
        std::vector<std::string> payloads;
    };
    std::vector<Fed> feeds;
    std::vector<std::pair<std::uint32_t, errc>> feeds_refused;
    std::vector<std::pair<Uuid, errc>> failed;  // requests
    std::vector<Duration> round_trips;
    std::vector<CarrierKey> suspected;
    std::vector<CarrierKey> recovered;
    std::vector<Duration> slow;
    std::vector<std::uint64_t> probes;
    std::vector<Closed> closed;
    std::vector<bool> disconnected;
    std::vector<wire::CredentialState> credentials;

    ClientSession session;
};

// ---- both, with carriers between them ----

class Bench {
public:
    static ClientSettings client_settings(std::string user = "ann", std::string device = "phone") {
        ClientSettings settings;
        settings.user = std::move(user);
        settings.device = std::move(device);
        return settings;
    }

    explicit Bench(Settings server_settings = {}, ClientSettings settings = client_settings(),
                   std::size_t server_budget = 64u << 20, const TicketKeys* keys = nullptr)
        : server(server_settings, server_budget, kStart - 1h, keys), client(std::move(settings)) {}

    TimePoint now() const { return client.now; }
    // Time passes without anybody noticing.
    void pass(Duration by) { client.now = server.now = client.now + by; }
    // Time passes in steps, timers fire, and what they write arrives on all carriers.
    void live(Duration by, Duration step = 100ms) {
        for (const TimePoint end = now() + by; now() < end;) {
            pass(std::min<Duration>(step, end - now()));
            client.session.on_time(now());
            server.table.on_time(now());
            exchange();
        }
    }

    // ---- one batch at a time ----

    std::string from_client(CarrierKey key, std::size_t max_bytes = 1u << 20) {
        wire::Batch batch;
        client.session.write(key, batch, now(), max_bytes);
        return batch.str();
    }
    std::string from_server(CarrierKey key, std::size_t max_bytes = 1u << 20) {
        wire::Batch batch;
        server.table.write(key, batch, now(), max_bytes);
        return batch.str();
    }
    void to_client(CarrierKey key, std::string_view batch) {
        if (!batch.empty()) client.session.on_batch(key, batch, now());
    }
    // A Hello goes where the server's reception would bring it; the refusal, if there is one, is returned.
    std::optional<wire::Refused> to_server(CarrierKey key, std::string_view batch) {
        if (batch.empty()) return std::nullopt;
        if (std::count(greeted.begin(), greeted.end(), key) !=
            0) {  // unknown ones are those that the server has closed
            server.table.on_batch(key, batch, now());
            return std::nullopt;
        }
        std::string_view rest;
        const auto hello = read_hello(batch, rest);
        if (!hello) {
            ADD_FAILURE() << "not a hello: " << hello.error().message();
            return std::nullopt;
        }
        const auto refused = hello->resume ? server.table.attach_resumed(key, *hello, now())
                                           : server.table.attach_new(
                                                 key, *hello, SessionCredential{hello->user, server.expires_at}, now());
        if (!refused) greeted.push_back(key);
        if (!refused && !rest.empty()) server.table.on_batch(key, rest, now());
        return refused;
    }

    // ---- as a network would ----

    // Opens carrier `key` of the connect that is under way.
    void open(CarrierKey key, bool standby = false) {
        client.session.open(key, now(), standby);
        carriers.push_back(key);
    }
    // A new connect with one carrier, to the end.
    void connect(CarrierKey key, bool standby = false) {
        client.session.begin_attempt("token");
        open(key, standby);
        exchange();
    }
    // Carries batches both ways on every carrier until nobody has anything to say.
    void exchange() {
        for (bool moved = true; moved;) {
            moved = false;
            for (const CarrierKey key : std::vector<CarrierKey>(carriers)) {
                const std::string up = from_client(key);
                if (const auto refused = to_server(key, up)) {
                    wire::Batch batch;
                    write_refusal(batch, *refused);
                    to_client(key, batch.str());
                }
                const std::string down = from_server(key);
                to_client(key, down);
                moved = moved || !up.empty() || !down.empty();
            }
            moved = carry_closes() || moved;
        }
    }
    // The carrier breaks, and both sides notice.
    void cut(CarrierKey key) {
        std::erase(carriers, key);
        client.session.carrier_gone(key, errc::connection_lost, "cut", now());
        server.table.carrier_gone(key, now());
    }
    // The carrier goes silent, and nobody notices.
    void silence(CarrierKey key) { std::erase(carriers, key); }

    Result<void> send(std::uint8_t number, std::string_view payload, std::string_view to = kServerTarget) {
        return client.session.send(message_of(number, payload, to), Priority::normal, now());
    }
    Result<void> push(std::uint8_t number, std::string_view payload) {
        ServerSession* session = server.table.find(*client.session.id());
        if (session == nullptr) return errc::session_ended;
        const LaneIndex lane = lane_of(kServerTarget, session->lanes());
        return server.table.send(*session, lane, data_of(number, payload), Priority::normal, now());
    }
    ServerSession& session() { return *server.table.find(*client.session.id()); }

private:
    // A carrier that one side has closed is gone for the other.
    bool carry_closes() {
        bool any = false;
        for (; client_closes < client.closed.size(); ++client_closes, any = true) {
            std::erase(carriers, client.closed[client_closes].key);
            server.table.carrier_gone(client.closed[client_closes].key, now());
        }
        for (; server_closes < server.closed.size(); ++server_closes, any = true) {
            const CarrierKey key = server.closed[server_closes].key;
            to_client(key, from_server(key));  // in good order: after what it had to say
            std::erase(carriers, key);
            server.table.carrier_gone(key, now());
            client.session.carrier_gone(key, errc::closed_by_peer, "closed", now());
        }
        return any;
    }
    std::size_t client_closes = 0;  // those that the other side has been told of
    std::size_t server_closes = 0;

public:
    ServerBench server;
    ClientBench client;
    std::vector<CarrierKey> carriers;  // that carry
    std::vector<CarrierKey> greeted;   // whose Hello the server has taken
};

}  // namespace flare::session::test
