// An established WebSocket connection of either side: the carrier that sessions
// use once the upgrade is done.
//
// Reading is driven by readiness: one read into the thread's large buffer, every frame in it handed on, and
// only an unfinished message kept. An idle connection has no buffers and no timer.
//
// Protocol: RFC 6455; docs/websocket.md.
// Threads:  its io_context's only.
// Owner:    the carrier object; handlers on the event loop hold weak references.
#pragma once

#include "transport/carrier.hpp"
#include "transport/tcp/socket.hpp"
#include "transport/websocket/framer.hpp"
#include "transport/websocket/parser.hpp"
#include "transport/websocket/send_queue.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <span>
#include <string>

namespace flare::transport::websocket {

// Bytes that were read but not yet parsed.
struct Backlog {
    std::string bytes;
    std::size_t used = 0;

    bool empty() const noexcept { return used == bytes.size(); }
};

// What a connection is, apart from its socket.
struct ConnectionParts {
    Parser parser;
    Role role = Role::server;  // this side
    std::size_t read_bytes_per_turn = 0;
    std::size_t max_batch_bytes = 0;  // from the second message on
    CarrierInfo info;
    CarrierStats stats;
    std::string unread;  // read and counted, but not parsed
};

// The carrier begins to read in the next turn of the event loop. `unread`: what came behind the upgrade.
std::unique_ptr<Carrier> start_connection(tcp::Socket socket, Role role, const Options& options, CarrierInfo info,
                                          std::string unread, bool deflate = false);

class Connection final : public std::enable_shared_from_this<Connection>,
                         private Poller::Watcher,
                         private TurnWrites::Writer {
public:
    Connection(tcp::Socket socket, ConnectionParts parts);

    void start();
    void set_handler(CarrierHandler* handler);
    bool writable() const noexcept { return state_ == State::open && queue_.empty() && !broken_; }
    void send(const wire::Batch& batch);
    void pause_reading(bool paused);
    void close(errc code, std::string_view text, std::chrono::milliseconds limit);
    void drop() noexcept;
    std::unique_ptr<ParkedCarrier> park();
    // The socket is known to be dead: on_closed() follows from the event loop.
    void break_off(int error);

    const CarrierInfo& info() const noexcept { return info_; }
    const CarrierStats& stats() const noexcept { return stats_; }
    PathFigures path() const noexcept;
    std::size_t held_bytes() const noexcept {
        return parser_.memory_bytes() + (backlog_.empty() ? 0 : backlog_.bytes.capacity()) + rest_.size();
    }

private:
    enum class State : std::uint8_t {
        open,
        closing,    // our close frame is on its way; the peer's is awaited
        answering,  // the peer's close frame has come; ours is on its way
        ended,      // on_closed() was called or is not wanted any more
    };

    void on_ready(bool readable, bool writable) override;
    void watch();

    // Reading.
    bool reading() const noexcept;
    void resume_reading();
    void wait_read();
    void read_turn();
    void post_backlog();
    void process_backlog();
    std::span<char> process(std::span<char> input);
    void take_message(const Event& event);
    void take_batch(std::string_view payload, bool text);
    void take_close(const Event& event);
    void on_end_of_stream();

    // Writing.
    void write(std::span<const tcp::Piece> pieces);
    bool write_later(std::span<const tcp::Piece> pieces);
    void send_now(std::string_view bytes) override;
    void flush_written();
    void send_close(std::uint16_t code, std::string_view text);
    void queue_pong(std::string_view payload);
    void flush_pongs();
    void wait_write();
    void write_turn();
    void on_drained();

    // Ending.
    void fail(errc code, std::string_view text);
    void set_limit(std::chrono::milliseconds limit);
    void lost(int error);
    void end();

    tcp::Socket socket_;
    Parser parser_;
    SendQueue queue_;
    CarrierHandler* handler_ = nullptr;
    Backlog backlog_;
    std::span<char> rest_;  // during process(): what is not parsed yet
    std::string pongs_;     // during process(): frames not yet written; otherwise the latest ping's
                            // answer, when the socket is full
    std::unique_ptr<boost::asio::steady_timer> limit_;  // while closing or answering
    std::unique_ptr<CloseReason> reason_;               // set when the state leaves open
    CarrierInfo info_;
    CarrierStats stats_;
    std::size_t read_bytes_per_turn_;
    std::size_t max_batch_bytes_;
    std::size_t made_ = 0;  // in this turn, of what came: see process()
    int error_ = 0;         // errno of a write that failed
    const Framer framer_;
    State state_ = State::open;
    bool paused_ = false;
    bool broken_ = false;      // writing has failed
    bool discarding_ = false;  // after a violation: what the peer sends is thrown away
    bool in_turn_ = false;
    bool in_event_ = false;  // watch() follows
    bool waiting_read_ = false;
    bool waiting_write_ = false;
    bool backlog_posted_ = false;
    bool later_ = false;   // something of its own may be in the turn's writes
    bool untold_ = false;  // ended without a handler to tell
};

}  // namespace flare::transport::websocket
