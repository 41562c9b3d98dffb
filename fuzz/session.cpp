// Both halves of a session, with a hostile wire between them: batches that nobody would write, and real ones in which
// bytes were changed, cut, repeated or swapped between carriers. Whatever comes, a side closes a carrier or ends a
// session; it never breaks, and in the end it gives back every byte of its budget.
#include "base/random.hpp"
#include "session/client_session.hpp"
#include "session/session_table.hpp"
#include "wire/feeds.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace flare;
using namespace flare::session;

constexpr std::size_t kCarriers = 3;
constexpr std::size_t kMaxSteps = 200;

void require(bool holds) {
    if (!holds) std::abort();
}

// The same input always takes the same course.
class Counting final : public base::Random {
public:
    void fill(std::span<std::uint8_t> out) override {
        for (std::uint8_t& byte : out)
            byte = static_cast<std::uint8_t>((state_ = state_ * 6364136223846793005u + 1) >> 56);
    }

private:
    std::uint64_t state_ = 1;
};

// The steps that the input asks for.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
    bool done() const { return rest_.empty(); }
    std::size_t number() {
        if (rest_.empty()) return 0;
        const auto byte = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return byte;
    }
    std::string_view bytes(std::size_t count) {
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(taken.size());
        return taken;
    }

private:
    std::string_view rest_;
};

class World final : private SessionTableListener, private ClientSessionListener {
public:
    World()
        : shared_(std::size_t{64} << 20),
          server_budget_(shared_, 1024),
          client_budget_(shared_, 1024),
          table_(server_settings(), 0, now_, random_, server_budget_, *this),
          client_(client_settings(), random_, client_budget_, *this) {
        table_.offer(nullptr, true);
        client_.begin_attempt("token");
    }

    void step(Input& input) {
        const std::size_t what = input.number();
        const CarrierKey key = 1 + what / 16 % kCarriers;
        switch (what % 16) {
            case 0:
            case 1: to_server(key, input.bytes(input.number())); break;
            case 2:
            case 3: to_client(key, input.bytes(input.number())); break;
            case 4: to_server(key, changed(from_client(key), input)); break;
            case 5: to_client(key, changed(from_server(key), input)); break;
            case 6: last_[0] = from_client(key); break;  // it is held up, or lost
            case 7: to_server(key, last_[0]); break;     // again, perhaps on another carrier
            case 8: last_[1] = from_server(key); break;
            case 9: to_client(key, last_[1]); break;
            case 10: pass(std::chrono::milliseconds(1u << (input.number() % 18))); break;
            case 11: say(input); break;
            case 12: open(key, input.number() % 2 != 0); break;
            case 13: drop(key); break;
            case 14: tell(input); break;
            default: settle(key); break;
        }
        close_due();
        client_.check_invariants();
    }

    // Nothing is left of what sessions held.
    void end() {
        for (CarrierKey key = 1; key <= kCarriers; ++key) drop(key);
        for (int i = 0; i < 4; ++i) pass(std::chrono::hours(1));
        close_due();
        require(table_.size() == 0);
        require(server_budget_.used() == 0);
        client_.fail_all(errc::cancelled, "the end", now_);
        client_.disconnect(now_);
        pass(std::chrono::hours(1));
    }

private:
    static Settings server_settings() {
        Settings settings;
        settings.session_life = std::chrono::seconds(20);
        settings.max_unacked_frames = 16;
        settings.max_unacked_bytes = 64 * 1024;
        settings.max_message_bytes = 256 * 1024;
        return settings;
    }
    static ClientSettings client_settings() {
        ClientSettings settings;
        settings.user = "ann";
        settings.device = "fuzz";
        settings.conversations = true;
        return settings;
    }

    std::string from_client(CarrierKey key) {
        wire::Batch batch;
        client_.write(key, batch, now_);
        return batch.str();
    }
    std::string from_server(CarrierKey key) {
        wire::Batch batch;
        table_.write(key, batch, now_);
        return batch.str();
    }
    // As the server does: the first batch of a carrier is a Hello.
    void to_server(CarrierKey key, std::string_view bytes) {
        if (bytes.empty()) return;
        if (table_.by_carrier(key) != nullptr) return table_.on_batch(key, bytes, now_);
        std::string_view rest;
        const auto hello = read_hello(bytes, rest);
        if (!hello) return;
        if (hello->resume && early_) table_.take_early(*hello, rest, now_);
        early_ = !early_;
        const auto refused = hello->resume ? table_.attach_resumed(key, *hello, now_)
                                           : table_.attach_new(key, *hello, SessionCredential{hello->user}, now_);
        if (!refused) {
            if (!rest.empty()) table_.on_batch(key, rest, now_);
            return;
        }
        wire::Batch batch;
        write_refusal(batch, *refused);
        to_client(key, batch.str());
    }
    void to_client(CarrierKey key, std::string_view bytes) {
        if (!bytes.empty()) client_.on_batch(key, bytes, now_);
    }
    static std::string changed(std::string batch, Input& input) {
        const std::size_t changes = input.number() % 4;
        for (std::size_t i = 0; i < changes && !batch.empty(); ++i) {
            const std::size_t at = (input.number() << 8 | input.number()) % batch.size();
            batch[at] = static_cast<char>(static_cast<std::uint8_t>(batch[at]) ^ input.number());
        }
        if (input.number() % 8 == 7) batch.resize(batch.size() / 2);
        return batch;
    }
    void settle(CarrierKey key) {
        for (int i = 0; i < 4; ++i) {
            to_server(key, from_client(key));
            to_client(key, from_server(key));
            close_due();
        }
    }
    void pass(Duration time) {
        now_ += time;
        for (const PendingRequest& pending : std::exchange(asked_, {})) (void)table_.respond(pending, {}, now_);
        table_.on_time(now_);
        client_.on_time(now_);
        close_due();
    }
    void say(Input& input) {
        const std::string payload(input.number() << (input.number() % 12), 'p');
        wire::MessageView message;
        message.id = random_.uuid();
        message.type = "fuzz";
        message.payload = payload;
        const std::size_t what = input.number();
        message.to = what % 2 == 0 ? std::string_view("server") : std::string_view("ann");
        if (what % 4 >= 2) {
            const wire::RequestView request{message.id, static_cast<wire::Verb>(what / 4 % 11), payload, 0};
            (void)client_.request(request, message.to, now_);
            return;
        }
        (void)client_.send(message, static_cast<Priority>(input.number() % 4), now_);
    }
    void tell(Input& input) {
        const std::string payload(input.number() << (input.number() % 12), 'q');
        wire::DataView data;
        data.from = "server";
        data.message.emplace();
        data.message->id = random_.uuid();
        data.message->payload = payload;
        if (payload.size() % 3 == 1) return feed(payload);
        const wire::Body body = wire::encode(data);
        (void)table_.send_to_user("ann", "server", body, Priority::normal, now_);
    }
    // The same bytes to all sessions, whatever they know of this feed.
    void feed(const std::string& payload) {
        wire::im::Feed feed;
        wire::im::Entry& entry = feed.entries.emplace_back();
        entry.offset = payload.size();
        entry.from = "bob";
        entry.payload = payload;
        wire::Body body = wire::im::feed_body(feed);
        body.feed_id = static_cast<std::uint32_t>(payload.size() % 5);
        std::vector<ServerSession*> sessions;
        table_.for_each([&](ServerSession& session) {
            if (session.agreed().conversations) sessions.push_back(&session);
        });
        for (ServerSession* const session : sessions) {
            session->room().want(payload.size() % 2 == 0);
            const auto lane = static_cast<LaneIndex>(payload.size() % session->lanes());
            const std::size_t before = session->lane_set().waiting(lane);
            const auto sent = table_.send_feed(*session, lane, body, now_);
            require(session->lane_set().waiting(lane) == before + (sent ? 1 : 0));
        }
    }
    // A key names one carrier at a time.
    void open(CarrierKey key, bool standby) {
        if (client_.heard_at(key) == kNever) client_.open(key, now_, standby);
    }
    void drop(CarrierKey key) {
        table_.carrier_gone(key, now_);
        client_.carrier_gone(key, errc::connection_lost, "cut", now_);
    }
    // What one side closes is gone for both.
    void close_due() {
        while (!closing_.empty()) {
            const CarrierKey key = closing_.back();
            closing_.pop_back();
            drop(key);
        }
    }

    // SessionTableListener
    void on_session_created(ServerSession&) override { ++created_; }
    void on_session_ended(ServerSession&, errc, const std::string&) override { require(created_-- > 0); }
    void on_presence(ServerSession&) override {}
    void on_carrier_attached(ServerSession&, CarrierKey) override {}
    void on_carrier_detached(ServerSession&, CarrierKey) override {}
    // To users: they go into a log, which has no room for some of them at first, or ever.
    bool keeps(const wire::DataView& data) const override { return data.message->to != kServerTarget; }
    void on_message(ServerSession&, PendingMessage&& handling, const wire::DataView& data, const Bytes&) override {
        const std::size_t size = data.message->payload.size();
        if (handling.kept && (size % 7 == 3 || (size % 5 == 1 && data.first_sent_ms_ago == 0 && ++put_off_ % 4 != 0))) {
            const auto wait = static_cast<std::uint32_t>(1 + size % 3'000);
            return table_.finish(handling, {wire::ReceiptStatus::refused, errc::rate_limited, "later", wait}, nullptr,
                                 now_);
        }
        if (data.message->payload.size() % 3 == 0) {
            Reply reply{kServerTarget, *data.message};
            return table_.finish(handling, {wire::ReceiptStatus::handled, errc::ok, {}, 0}, &reply, now_);
        }
        table_.finish(handling, {wire::ReceiptStatus::handled, errc::ok, {}, 0}, nullptr, now_);
    }
    // In one response or two, some of them later or never.
    void on_request(ServerSession& session, PendingRequest&& pending, const wire::RequestView& request,
                    const Bytes&) override {
        require(session.work().requests() <= wire::kMaxOpenRequests);
        wire::ResponseView response;
        response.body = request.body;
        response.more = request.body.size() % 2 == 1;
        if (request.body.size() % 6 == 4) {
            response.code = errc::storage_full;
            response.retry_after_ms = static_cast<std::uint32_t>(1 + request.body.size() % 3'000);
        }
        if (table_.respond(pending, response, now_) && response.more) asked_.push_back(std::move(pending));
    }
    void on_room(ServerSession& session) override { require(session.room().wanted()); }
    void on_heartbeat(ServerSession&) override {}
    void on_credential(ServerSession& session, std::string_view token) override {
        table_.renew(session.id(), SessionCredential{session.user(), now_ + std::chrono::seconds(token.size())}, now_);
    }
    void on_peer_error(const ServerSession*, CarrierKey, errc code, const std::string&) override {
        require(code != errc::ok);
    }
    // Of both.
    void close_carrier(CarrierKey key, errc, const std::string&) override { closing_.push_back(key); }
    void output_ready(CarrierKey) override {}

    // ClientSessionListener
    void on_ready(CarrierKey, bool) override {}
    void on_standby(CarrierKey) override {}
    void on_detached(errc, const std::string&) override {}
    void on_refused(CarrierKey, errc, const std::string&, std::uint32_t) override {}
    void on_ended(errc, const std::string&, std::uint32_t) override {}
    void on_gap(const GapReport&) override {}
    void on_message(LaneIndex lane, const wire::DataView&, const Bytes&, std::uint64_t cost) override {
        client_.consumed(lane, cost, now_);
    }
    void on_outcome(const Outcome&) override {}
    void on_response(LaneIndex lane, const wire::ResponseView&, const Bytes&, std::uint64_t cost) override {
        client_.consumed(lane, cost, now_);
    }
    void on_feed(LaneIndex lane, std::uint32_t, const wire::im::Feed&, const Bytes&, std::uint64_t cost) override {
        client_.consumed(lane, cost, now_);
    }
    void on_heartbeat(CarrierKey, Duration) override {}
    void on_suspect(CarrierKey) override {}
    void on_credential(const wire::CredentialState&) override {}
    void on_disconnected(bool) override {}

    TimePoint now_{std::chrono::hours(1)};
    Counting random_;
    SharedBudget shared_;
    Budget server_budget_;
    Budget client_budget_;
    std::vector<CarrierKey> closing_;
    std::array<std::string, 2> last_;
    std::vector<PendingRequest> asked_;  // that have no last response
    int created_ = 0;
    std::size_t put_off_ = 0;
    bool early_ = false;
    SessionTable table_;
    ClientSession client_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    World world;
    Input input(data, size);
    for (std::size_t i = 0; i < kMaxSteps && !input.done(); ++i) world.step(input);
    world.end();
    return 0;
}
