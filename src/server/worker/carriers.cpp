#include "server/worker/carriers.hpp"

#include "base/log.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <tuple>
#include <utility>

namespace flare::server {
namespace {

// What one write brings a connection: the rest waits where it is counted, and a slow link acknowledges in small steps.
constexpr std::size_t kWriteBytes = 128 * 1024;
// How long the last words to a connection wait for a peer that does not read.
constexpr std::chrono::milliseconds kCloseLimit{2000};
// After kCloseLimit: for the transport's own last words.
constexpr std::chrono::milliseconds kLastWordLimit{500};

bool waits_to_close(const ServerCarrier& carrier) { return carrier.close_due && !carrier.close_done; }

std::array<std::uint8_t, 16> bytes_of(const std::string& address) {
    boost::system::error_code wrong;
    const auto parsed = boost::asio::ip::make_address(address, wrong);
    if (wrong) return {};
    return parsed.is_v6() ? parsed.to_v6().to_bytes()
                          : boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, parsed.to_v4()).to_bytes();
}

}  // namespace

Carriers::Carriers(ServerState& state, Executor& executor, session::SessionTable& table, session::Budget& budget,
                   Counters& counters, FlightLog& log, ServerCarrierListener& listener)
    : state_(state),
      executor_(executor),
      table_(table),
      budget_(budget),
      counters_(counters),
      log_(log),
      listener_(listener),
      write_bytes_(std::min(kWriteBytes, session::fill_batch_to(state.config.session.max_batch_bytes))) {}

Carriers::~Carriers() {
    free_gone();
    for (const auto& [key, carrier] : carriers_) release(*carrier);
}

ServerCarrier& Carriers::add(std::unique_ptr<transport::Carrier> carrier, ServerCarrier::CountedAs counted_as) {
    const session::CarrierKey key = next_key_++;
    auto made = std::make_unique<ServerCarrier>(listener_, key, std::move(carrier));
    made->counted_as = counted_as;
    return *carriers_.emplace(key, std::move(made)).first->second;
}

ServerCarrier* Carriers::find(session::CarrierKey key) {
    const auto found = carriers_.find(key);
    return found == carriers_.end() ? nullptr : found->second.get();
}

// ---- output ----

void Carriers::mark_dirty(ServerCarrier& carrier) {
    if (carrier.dirty) return;
    carrier.dirty = true;
    dirty_.push_back(carrier.key);
}

void Carriers::flush() {
    write_dirty();
    free_gone();
}

void Carriers::write_dirty() {
    if (dirty_.empty()) return;
    flushing_.swap(dirty_);
    const session::TimePoint now = executor_.now();
    for (const session::CarrierKey key : flushing_) {
        if (ServerCarrier* carrier = find(key)) write(*carrier, now);
    }
    flushing_.clear();
}

// Answers go out while the session is in the cache, unless others had something for it before: then more of that may
// come. QUIC writes for all connections of its socket, whose packets the answers may ride in.
void Carriers::write_after_turn(ServerCarrier& carrier, session::TimePoint now) {
    if (!carrier.transport) return;
    if (carrier.protocol == Protocol::quic) return write_dirty();
    if (!carrier.dirty || carrier.awaited || dirty_.back() != carrier.key) return;
    dirty_.pop_back();
    write(carrier, now);
}

void Carriers::write(ServerCarrier& carrier, session::TimePoint now) {
    carrier.dirty = false;
    if (!carrier.transport || carrier.close_done) return;
    bool more = true;  // not writable: on_writable() brings us back
    if (carrier.transport->writable()) {
        batch_.clear();
        more = table_.write(carrier.key, batch_, now, write_bytes_);
        if (!batch_.empty()) carrier.transport->send(batch_);
    }
    if (carrier.close_due && !more) {
        close_now(carrier, kCloseLimit);
    } else if (more && carrier.transport->writable()) {
        mark_dirty(carrier);
    }
}

// ---- ends ----

void Carriers::close(ServerCarrier& carrier, errc code, const std::string& text) {
    if (carrier.close_due) return;
    carrier.close_due = ServerCarrier::Close{code, text};
    carrier.state = ServerCarrier::State::closing;
    closing_.add(carrier, executor_.now() + kCloseLimit);
    mark_dirty(carrier);
}

void Carriers::close_attached(session::CarrierKey key, errc code, const std::string& text) {
    ServerCarrier* carrier = find(key);
    if (carrier == nullptr || carrier->close_due) return;
    if (code != errc::ok) note(key, Happened::closing, code);
    carrier->close_due = ServerCarrier::Close{code, text};
    closing_.add(*carrier, executor_.now() + kCloseLimit);
    mark_dirty(*carrier);
}

void Carriers::close_now(ServerCarrier& carrier, std::chrono::milliseconds limit) {
    carrier.close_done = true;
    carrier.state = ServerCarrier::State::closing;
    carrier.transport->close(carrier.close_due->code, carrier.close_due->text, limit);
}

void Carriers::closed(ServerCarrier& carrier, const transport::CloseReason& reason) {
    const session::CarrierKey key = carrier.key;
    if (reason.code != errc::ok && !carrier.close_due) {
        ++counters_.errors[reason.code];
        if (reason.code == errc::connection_lost || reason.code == errc::closed_by_peer) {
            base::log().debug("{} {}: {}", carrier.address, name(reason.code), reason.text);
        } else {
            base::log().limited(base::LogKind::protocol_error, "{} {}: {}", carrier.address, name(reason.code),
                                reason.text);
        }
    }
    if (carrier.gone) return;
    if (carrier.transport) {
        const transport::CarrierStats& stats = carrier.transport->stats();
        counters_.bytes_received += stats.bytes_in;
        counters_.bytes_sent += stats.bytes_out;
        counters_.quic_migrations += stats.migrations;
    }
    note(key, Happened::closed, reason.code, reason.ending);
    forget(carrier);
    table_.carrier_gone(key, executor_.now());
}

std::unique_ptr<transport::ParkedCarrier> Carriers::park(ServerCarrier& carrier) {
    std::unique_ptr<transport::ParkedCarrier> parked = carrier.transport->park();
    if (!parked) return nullptr;
    carrier.counted_as = ServerCarrier::CountedAs::nothing;
    forget(carrier);
    return parked;
}

// It is inside a callback of its own, and what its transport still brings is nobody's: it is freed at the turn's end.
void Carriers::forget(ServerCarrier& carrier) {
    give_back(carrier);
    carrier.gone = true;
    carrier.state = ServerCarrier::State::closing;
    const auto found = carriers_.find(carrier.key);
    gone_.push_back(std::move(found->second));
    carriers_.erase(found);
}

void Carriers::free_gone() {
    for (const auto& carrier : gone_) release(*carrier);
    gone_.clear();
}

void Carriers::release(const ServerCarrier& carrier) noexcept {
    constexpr auto kStage = ConnectionLimits::Stage::carrier;
    using enum ServerCarrier::CountedAs;
    switch (carrier.counted_as) {
        case nothing: return;
        case address: return state_.limits.release(carrier.address, carrier.protocol, kStage);
        case proxy: return state_.limits.release({}, carrier.protocol, kStage);
        case stranger: return state_.limits.release_stranger(kStage);
    }
}

ServerCarrier* Carriers::first_closing() {
    return closing_.first([this](session::CarrierKey key) { return find(key); }, waits_to_close);
}

session::TimePoint Carriers::next_deadline() {
    if (closing_.empty()) return session::kNever;
    const ServerCarrier* first = first_closing();
    return first == nullptr ? session::kNever : first->deadline;
}

void Carriers::on_time(session::TimePoint now) {
    for (ServerCarrier* first = nullptr; (first = first_closing()) != nullptr && first->deadline <= now;) {
        closing_.pop();
        close_now(*first, kLastWordLimit);
    }
}

// ---- memory ----

// A quarter of all memory, each worker its part. Beyond it those go that hold the most, strangers before sessions,
// which come back and have lost nothing.
std::size_t Carriers::most_unread() const noexcept {
    const std::size_t part = state_.budget.limit() / 4 / state_.workers;
    return std::max<std::size_t>(part, 2 * state_.config.session.max_batch_bytes);
}

void Carriers::charge(ServerCarrier& carrier) {
    std::size_t holds = 0;
    if (carrier.greeting && !carrier.greeting->waiting.empty()) holds += carrier.greeting->waiting.capacity();
    if (carrier.transport) holds += carrier.transport->held_bytes();
    if (carrier.rest) holds += carrier.rest->bytes.capacity();
    if (holds == carrier.charged) return;
    const std::size_t before = std::exchange(carrier.charged, holds);
    if (holds < before) {
        budget_.give(before - holds);
        unread_ -= before - holds;
        return;
    }
    budget_.take_anyway(holds - before);
    unread_ += holds - before;
    if (unread_ > most_unread()) shed_unread();
}

void Carriers::give_back(ServerCarrier& carrier) noexcept {
    const std::size_t charged = std::exchange(carrier.charged, 0);
    budget_.give(charged);
    unread_ -= charged;
}

void Carriers::shed_unread() {
    struct Holder {
        bool stranger;
        std::size_t bytes;
        ServerCarrier* carrier;
    };
    std::vector<Holder> holders;
    for (const auto& [key, carrier] : carriers_) {
        if (carrier->charged != 0)
            holders.push_back({carrier->state != ServerCarrier::State::attached, carrier->charged, carrier.get()});
    }
    std::sort(holders.begin(), holders.end(), [](const Holder& a, const Holder& b) {
        return std::tie(a.stranger, a.bytes) > std::tie(b.stranger, b.bytes);
    });
    const std::size_t enough = most_unread() - most_unread() / 8;
    std::size_t dropped = 0;
    for (const Holder& holder : holders) {
        if (unread_ <= enough) break;
        closed(*holder.carrier, {errc::busy, "it held too much incomplete data", false});
        ++dropped;
    }
    base::log().limited(base::LogKind::memory_used_up,
                        "incomplete data has used up a quarter of max_memory_bytes: {} connections were dropped",
                        dropped);
}

void Carriers::note(session::CarrierKey key, Happened what, errc code, transport::Ending ending) {
    const session::ServerSession* session = table_.by_carrier(key);
    const ServerCarrier* carrier = find(key);
    if (session == nullptr || carrier == nullptr) return;
    FlightLog::Entry entry = FlightLog::entry(session->id(), what, executor_.now(), code);
    entry.carrier = static_cast<std::uint32_t>(key);
    entry.protocol = carrier->protocol;
    entry.ending = ending;
    entry.address = bytes_of(carrier->address);
    if (carrier->transport) entry.port = carrier->transport->info().peer_port;
    log_.add(entry);
}

}  // namespace flare::server
