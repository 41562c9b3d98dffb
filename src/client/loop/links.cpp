#include "client/loop/links.hpp"

#include <utility>

namespace flare::client {

// ---- one carrier ----

Link::Link(Links& links, session::CarrierKey key_, std::unique_ptr<transport::Carrier> carrier_,
           std::string unsealed_because_)
    : key(key_), carrier(std::move(carrier_)), unsealed_because(std::move(unsealed_because_)), links_(links) {
    carrier->set_handler(this);
}

void Link::on_batch(std::string_view batch) { links_.on_batch(*this, batch); }
void Link::on_alive() { links_.session_.on_sign(key, session::Sign::lives, steady_now()); }
void Link::on_unreachable() { links_.on_unreachable(*this); }
void Link::on_turn_end() { links_.write_dirty(); }
void Link::on_writable() { links_.mark_dirty(*this); }
void Link::on_closed(const transport::CloseReason& reason) { links_.closed(*this, reason); }

// ---- all of them ----

void Links::add(session::CarrierKey key, std::unique_ptr<transport::Carrier> carrier, std::string unsealed_because) {
    links_.emplace(key, std::make_unique<Link>(*this, key, std::move(carrier), std::move(unsealed_because)));
}

Link* Links::find(session::CarrierKey key) const {
    const auto found = links_.find(key);
    return found == links_.end() ? nullptr : found->second.get();
}

void Links::on_batch(Link& link, std::string_view batch) {
    const session::CarrierKey key = link.key;
    const bool counts = owner_.counts_as_movement(key);
    session_.on_batch(key, batch, steady_now());
    if (counts) owner_.on_movement(key);
    owner_.after_turn();
}

void Links::on_unreachable(const Link& link) {
    session_.on_sign(link.key, session::Sign::unreachable, steady_now());
    owner_.after_turn();
}

void Links::closed(Link& link, const transport::CloseReason& reason) {
    const auto found = links_.find(link.key);
    if (found == links_.end()) return;
    std::unique_ptr<Link> kept = std::move(found->second);
    links_.erase(found);
    Link& gone = *kept;
    bury(std::move(kept));
    owner_.on_link_closed(gone, reason);
    want_flush();
}

void Links::bury(std::unique_ptr<Link> link) {
    past_.bytes_sent += link->carrier->stats().bytes_out;
    past_.bytes_received += link->carrier->stats().bytes_in;
    gone_.push_back(std::move(link));
}

void Links::output_ready(session::CarrierKey key) {
    if (Link* link = find(key)) mark_dirty(*link);
}

bool Links::close(session::CarrierKey key, errc code, const std::string& text) {
    Link* const link = find(key);
    if (link == nullptr || link->close_due) return false;
    link->close_due = Link::Close{code, text};
    mark_dirty(*link);
    return true;
}

void Links::drop_all() {
    for (auto& [key, link] : links_) bury(std::move(link));
    links_.clear();
    for (const auto& link : gone_) {
        link->carrier->set_handler(nullptr);
        session_.carrier_gone(link->key, errc::connection_lost, "dropped", steady_now());
    }
    if (!gone_.empty()) want_flush();
}

void Links::clear() {
    links_.clear();
    gone_.clear();
}

// ---- writing ----

void Links::mark_dirty(Link& link) {
    if (!std::exchange(link.dirty, true)) dirty_.push_back(link.key);
    want_flush();
}

void Links::want_flush() {
    if (!std::exchange(flush_posted_, true)) owner_.post_flush();
}

void Links::flush() {
    flush_posted_ = false;
    write_dirty();
    gone_.clear();
    owner_.after_turn();
}

void Links::write_dirty() {
    const std::vector<session::CarrierKey> keys = std::move(dirty_);
    dirty_.clear();
    for (const session::CarrierKey key : keys) {
        if (Link* link = find(key)) write(*link);
    }
}

void Links::write(Link& link) {
    link.dirty = false;
    if (link.close_done) return;
    bool more = !link.carrier->writable();
    if (!more) {
        batch_.clear();
        more = session_.write(link.key, batch_, steady_now());
        if (!batch_.empty()) {
            link.carrier->send(batch_);
            last_written_ = std::chrono::system_clock::now();
        }
        if (more && link.carrier->writable()) mark_dirty(link);
    }
    if (link.close_due && !more) {
        link.close_done = true;
        link.carrier->close(link.close_due->code, link.close_due->text);
    }
}

}  // namespace flare::client
