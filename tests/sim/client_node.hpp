// A client of the simulation: a session's client half, what connects it (the client module's own), its carriers, an
// application that sends and receives.
#pragma once

#include "client/connect/connectivity.hpp"
#include "racing/memory.hpp"
#include "sim/carrier.hpp"
#include "sim/ledger.hpp"
#include "sim/listener.hpp"
#include "sim/requests.hpp"
#include "sim/server_node.hpp"
#include "sim/talker.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>

namespace flare::sim {

class ClientNode final : private session::ClientSessionListener,
                         private client::Effects,
                         private client::Race::Track,
                         private client::ConnectListener {
public:
    // `book`: of the server's store; null: it has none.
    ClientNode(World& world, Ledger& ledger, RequestLedger& requests, LogBook* book, ServerNode& server,
               session::ClientSettings settings, client::Connectivity::Settings connecting, std::size_t budget_bytes);
    ~ClientNode();

    // ---- the application ----
    void start();
    void send(const std::string& target, std::size_t size);
    // If it asks for conversations.
    void ask(const std::string& conversation, std::size_t size, bool writes);
    // The same of a server that has a store: something of one of these rooms, with one of these users.
    void talk(const std::vector<std::string>& rooms, const std::vector<std::string>& others);
    // If it knows conversations.
    void ask_for(const Uuid& id, const Talker::Request& request);
    // Subscribes to one of these rooms, from a place of its own choice, or gives a subscription up.
    void listen(const std::vector<std::string>& rooms);
    // If it knows conversations: marks something as read or unread, or asks who has read something.
    void read(Chance& chance);
    void mark_unread(Chance& chance);
    void ask_readers(Chance& chance);
    // If it knows conversations: clears one of which it was told, or sets something else for it.
    void choose(Chance& chance);
    void stop_consuming(bool stopped);
    void disconnect();
    void crash_and_restart();

    // ---- trouble ----
    void cut(bool one_sided);
    void cut_before_welcome();  // a coming carrier loses its Welcome, whether or not a Refused comes before it
    void black_hole();
    void open_another(bool standby);
    void activate_any();
    void ask_to_move();     // switch_protocol(), or reconnect()
    void change_address();  // of the machine; a QUIC carrier may move along
    void probe();           // all carriers, with more probes than are allowed
    void late_hello() { delay_next_ = true; }

    void check_at_rest();
    void check_invariants() const;
    void tear_down();
    const std::string& user() const { return settings_.user; }
    // What a listener on the wire has recorded: the batches of each carrier that has gone.
    const std::vector<std::vector<std::string>>& heard() const { return heard_; }

private:
    void think_of_about(const model::ConversationKey& key, LogBook::Sent& sent);
    struct Open {
        std::shared_ptr<Carrier> carrier;
        std::uint64_t batches = 0;     // that came
        std::uint64_t resumed_at = 0;  // the session's epoch when it had said a resume; 0: it said none
        bool closing = false;
    };
    struct Held {  // not yet consumed by the application
        session::LaneIndex lane;
        std::uint64_t cost;
    };

    void on_ready(session::CarrierKey key, bool resumed) override;
    void on_standby(session::CarrierKey key) override;
    void on_detached(errc reason, const std::string& text) override;
    void on_refused(session::CarrierKey key, errc code, const std::string& text, std::uint32_t retry_after_ms) override;
    void on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) override;
    void on_gap(const session::GapReport& report) override;
    void on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                    std::uint64_t cost) override;
    void on_outcome(const session::Outcome& outcome) override;
    void on_response(session::LaneIndex lane, const wire::ResponseView& response, const Bytes& whole,
                     std::uint64_t cost) override;
    void on_request_failed(const Uuid& id, errc code, const std::string& text) override;
    void on_feed(session::LaneIndex lane, std::uint32_t feed_id, const wire::im::Feed& feed, const Bytes& whole,
                 std::uint64_t cost) override;
    void on_feed_refused(session::LaneIndex lane, std::uint32_t feed_id, errc code) override;
    void on_heartbeat(session::CarrierKey, session::Duration) override {}
    void on_suspect(session::CarrierKey key) override;
    void on_recovered(session::CarrierKey key) override;
    void on_slow(session::CarrierKey key, session::Duration age) override;
    void on_probe(session::CarrierKey key, std::uint64_t id) override;
    void close_carrier(session::CarrierKey key, errc code, const std::string& text) override;
    void output_ready(session::CarrierKey key) override;
    void on_disconnected(bool drained) override;

    // client::Effects
    void begin_attempt(std::string token) override { session_->begin_attempt(std::move(token)); }
    std::unique_ptr<client::Dialling> dial(const client::Plan& plan) override;
    void take_back_early() override {}
    void say_hello(session::CarrierKey key, bool standby) override;
    void leave(session::CarrierKey key, const std::string& text) override;
    void drop_carriers() override;
    bool activate(session::CarrierKey key) override { return session_->activate(key, world_.now()).has_value(); }
    session::CarrierKey active() const override { return session_->active(); }
    void fail_all(const std::string& text) override { session_->fail_all(errc::not_connected, text, world_.now()); }
    racing::Entrant standing(Protocol protocol) override;
    void remember_won(Protocol protocol) override;
    void remember_failed(Protocol protocol) override;
    void answer_connect(const Checked<Protocol>&) override {}
    void answer_switch(const Checked<Protocol>&) override {}

    // client::Race::Track
    std::uint64_t send_probe(session::CarrierKey key, std::size_t padding) override;
    double weight(Protocol) override { return 0.5; }
    void on_measured(const std::map<Protocol, client::Race::Result>&, const client::Race::Verdict&) override;
    void on_unreachable(Protocol protocol) override { remember_failed(protocol); }

    // client::ConnectListener
    void on_status(ClientStatus status) override;
    void on_in_use(const client::InUse& in_use) override;
    void on_gave_up(const Failure& failure, bool was_reconnecting) override;

    void make_session();
    void activate_one();
    void later(Duration delay, std::function<void()> run);
    void connect(Duration delay);
    session::CarrierKey open(Protocol protocol);
    bool is_ready(session::CarrierKey key) const;
    void write(session::CarrierKey key);
    void gone(session::CarrierKey key);
    void schedule();
    void remember(const Carrier& carrier);
    std::string name() const;
    bool ask_room(const wire::RequestView& request, const std::string& room);
    // The application has done with what came, at once or when it goes on.
    void consume(session::LaneIndex lane, std::uint64_t cost);
    // The same, when the last copy is gone.
    std::shared_ptr<void> when_consumed(session::LaneIndex lane, std::uint64_t cost);

    World& world_;
    Ledger& ledger_;
    RequestLedger& requests_;
    LogBook* const book_;
    ServerNode& server_;
    session::ClientSettings settings_;
    client::Connectivity::Settings connecting_;
    std::size_t budget_bytes_;
    const bool keeps_list_;  // of its user's conversations
    std::unique_ptr<session::SharedBudget> shared_budget_;
    std::unique_ptr<session::Budget> budget_;
    std::unique_ptr<session::ClientSession> session_;
    std::unique_ptr<client::Credential> credential_;
    std::unique_ptr<client::Connectivity> connectivity_;
    std::unique_ptr<Talker> talker_;
    std::unique_ptr<Listener> listener_;
    Listener::Places places_;  // of the process before, and of some time before
    racing::Memory memory_;
    std::uint64_t incarnation_ = 0;
    std::map<session::CarrierKey, Open> carriers_;
    session::CarrierKey next_key_ = 1;
    std::set<std::pair<session::CarrierKey, std::uint64_t>> probes_;  // not answered yet
    bool wanted_ = true;                                              // false after disconnect()
    std::uint64_t cut_at_batch_ = 0;  // the first carrier to get so many batches and no Welcome is cut; 0: none
    bool delay_next_ = false;
    bool consuming_ = true;
    bool lost_carrier_ = false;  // since disconnect()
    bool gap_told_ = false;
    std::optional<session::SessionId> last_id_;
    TimePoint disconnect_at_{};
    std::vector<Held> held_;
    std::map<std::string, std::uint64_t> ordinals_;
    std::set<Uuid> sent_;                  // ids without an outcome
    std::map<Uuid, std::string> targets_;  // of them
    std::set<Uuid> uncertain_;             // of them, those that a gap has named
    std::vector<std::vector<std::string>> heard_;
    TimePoint wake_at_ = session::kNever;
};

}  // namespace flare::sim
