// The carriers of a client: reads them, and collects and writes their output once per turn.
//
// Threads: its client's I/O thread.
// Owner:   ClientLoop.
#pragma once

#include "client/loop/link.hpp"
#include "session/client_session.hpp"
#include "wire/batch.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace flare::client {

inline session::TimePoint steady_now() { return std::chrono::steady_clock::now(); }

class Links {
public:
    class Owner {
    public:
        // Is the next batch on this carrier worth on_movement(), once the session has taken it?
        virtual bool counts_as_movement(session::CarrierKey key) const = 0;
        virtual void on_movement(session::CarrierKey key) = 0;
        // find() knows it no more; the session does.
        virtual void on_link_closed(Link& link, const transport::CloseReason& reason) = 0;
        // flush() is to be called, once, from the event loop.
        virtual void post_flush() = 0;
        // Something has happened, and is over.
        virtual void after_turn() = 0;

    protected:
        ~Owner() = default;
    };
    Links(session::ClientSession& session, Owner& owner) : session_(session), owner_(owner) {}

    session::CarrierKey next_key() noexcept { return next_key_++; }
    void add(session::CarrierKey key, std::unique_ptr<transport::Carrier> carrier, std::string unsealed_because);
    Link* find(session::CarrierKey key) const;
    const auto& all() const noexcept { return links_; }

    // There is something to write.
    void output_ready(session::CarrierKey key);
    // In good order, when what is to be written is. False: it is unknown, or closes already.
    bool close(session::CarrierKey key, errc code, const std::string& text);
    // All at once, without a word; the session hears of it.
    void drop_all();
    void flush();
    void clear();

    struct Traffic {
        std::uint64_t bytes_sent = 0;
        std::uint64_t bytes_received = 0;
    };
    // Of carriers that are gone.
    const Traffic& past() const noexcept { return past_; }
    std::chrono::system_clock::time_point last_written() const noexcept { return last_written_; }

private:
    friend class Link;
    void on_batch(Link& link, std::string_view batch);
    void on_unreachable(const Link& link);
    void closed(Link& link, const transport::CloseReason& reason);
    void mark_dirty(Link& link);
    void want_flush();
    void write_dirty();
    void write(Link& link);
    void bury(std::unique_ptr<Link> link);

    session::ClientSession& session_;
    Owner& owner_;
    boost::unordered_flat_map<session::CarrierKey, std::unique_ptr<Link>> links_;
    std::vector<std::unique_ptr<Link>> gone_;  // freed at the end of the turn
    std::vector<session::CarrierKey> dirty_;
    bool flush_posted_ = false;
    wire::Batch batch_;
    session::CarrierKey next_key_ = 1;
    Traffic past_;
    std::chrono::system_clock::time_point last_written_{};
};

}  // namespace flare::client
