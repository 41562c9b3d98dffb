// Runs a client: routes the application's calls, what its connections say, and time to the part concerned.
//
// Threads: everything on its io_context, but for the snapshot and the flight record, which any thread may read.
// Owner:   Client::Impl; handlers under way share it.
#pragma once

#include "client/loop/session_events.hpp"
#include "client/loop/telling.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flare::client {

class ClientLoop final : public std::enable_shared_from_this<ClientLoop>, private Links::Owner, private Sync::Owner {
public:
    ClientLoop(boost::asio::io_context& context, Config config, std::shared_ptr<EventQueue> events);

    Snapshot snapshot() const { return figures_.snapshot(); }
    std::string flight_record() const { return notes_.text(); }
    boost::asio::io_context& context() noexcept { return context_; }

    // ---- on the io_context ----

    void connect(ConnectDone done);
    void reconnect(ConnectDone done);
    void disconnect(std::function<void()> done);
    // Opens a connection of that protocol beside the one in use, moves the session there, then drops the old one.
    void switch_protocol(Protocol protocol, ConnectDone done);
    Checked<> migrate(const std::string& local_address) { return connecting_.migrate(local_address); }
    void refresh_token(std::string token, RefreshDone done);
    // `done` may be empty. `queued_at`: when the application called.
    void send(Message message, SendDone done, std::chrono::system_clock::time_point queued_at);
    std::size_t clear_queue();
    // About a conversation, or to make one.
    void ask(const Call& call, AnswerDone done) override;
    // What else is done about conversations: `what(sync)`.
    template <typename What>
    void with_sync(const What& what) {
        what(sync_);
        after_turn();
    }
    // And about signals: `what(signals)`.
    template <typename What>
    void with_signals(const What& what) {
        what(signals_);
        after_turn();
    }
    std::vector<ConversationList::Item> list(bool invitations = false) const { return sync_.list(invitations); }
    const Config& config() const noexcept { return config_; }  // any thread
    // The client is being destroyed: everything that waits completes with client_closed; no events after.
    void close();

private:
    // ok, or why nothing can be sent.
    errc can_be_sent() const noexcept;
    std::function<void()> when_consumed(session::LaneIndex lane, std::uint64_t cost);

    // Links::Owner
    bool counts_as_movement(session::CarrierKey key) const override;
    void on_movement(session::CarrierKey key) override { notes_.moves_again(key); }
    void on_link_closed(Link& link, const transport::CloseReason& reason) override;
    void post_flush() override;
    void after_turn() override;

    // Sync::Owner
    bool in_session() const override { return session_.id() && can_be_sent() == errc::ok; }
    session::TimePoint now() const override;
    bool has_seen(std::string_view from, const Uuid& id) const override {
        return session_.has_seen(from, id) && !sync_.holds(from, id);
    }
    bool settle(const Uuid& id, std::string_view conversation, const StoredAt& stored) override {
        return messages_.settle(id, conversation, stored);
    }
    void tell(Event event) override { figures_.emit(std::move(event)); }
    void count_message() override { ++figures_.stats().messages_received; }
    void tell_later(std::function<std::optional<Event>()> make) override { figures_.emit_later(std::move(make)); }
    std::shared_ptr<void> when_handled(std::function<void()> then) override;

    boost::asio::io_context& context_;
    const Config config_;
    session::SharedBudget shared_budget_;
    session::Budget budget_;
    SessionEvents session_events_;
    session::ClientSession session_;
    Links links_;
    Credential credential_;
    Waiters waiters_;
    Figures figures_;
    FlightNotes notes_;
    Telling telling_;
    Connecting connecting_;
    Connectivity connectivity_;
    Messages messages_;
    Requests requests_;
    Sync sync_;
    SignalState signals_{*this};
    struct {
        boost::asio::steady_timer timer;  // for what has a next_deadline()
        session::TimePoint at = session::kNever;
    } timer_;
    bool closed_ = false;
};

}  // namespace flare::client
