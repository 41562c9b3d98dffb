#include "server/reception/reception.hpp"

#include "base/log.hpp"
#include "session/planted.hpp"
#include "session/ticket.hpp"
#include "wire/seal.hpp"

#include <utility>

namespace flare::server {
namespace {

constexpr std::uint32_t kBusyRetryMs = 1000;   // when authentication has no room
constexpr std::uint32_t kNoParkRetryMs = 100;  // when the connection cannot move
constexpr std::uint32_t kMostHellos = 2;       // on one connection

bool waits_for_hello(const ServerCarrier& carrier) { return carrier.state == ServerCarrier::State::greeting; }

wire::Refused refused_with(errc code, std::string text = {}) {
    wire::Refused refused;
    refused.code = code;
    refused.text = text.empty() ? std::string(explain(code)) : std::move(text);
    return refused;
}

}  // namespace

Reception::Reception(const Parts& parts, std::uint32_t index)
    : parts_(parts), index_(index), tickets_(parts.state, parts.executor, parts.authenticator) {}

// ---- connections ----

void Reception::accept(std::unique_ptr<transport::Carrier> carrier, ServerCarrier::CountedAs counted_as) {
    const bool early = carrier->info().early;
    ServerCarrier& added = parts_.carriers.add(std::move(carrier), counted_as);
    expect_hello(added);
    if (!early) claim_address(added);
    parts_.executor.arm_timer();
}

void Reception::arrive(Arrival arrival) {
    auto resumed = parts_.executor.resume(std::move(arrival.parked));
    ServerCarrier& carrier = parts_.carriers.add(std::move(resumed), arrival.counted_as);
    expect_hello(carrier);
    carrier.greeting->hellos = arrival.hellos;
    attach(carrier, arrival.hello, arrival.rest, arrival.credential);
}

// Its handshake is complete, so its address is its own. False: that one has all the connections that it may have.
bool Reception::claim_address(ServerCarrier& carrier) {
    if (carrier.counted_as != ServerCarrier::CountedAs::stranger) return true;
    const errc claimed = parts_.state.limits.claim(carrier.address);
    if (claimed == errc::ok) {
        carrier.counted_as = ServerCarrier::CountedAs::address;
        return true;
    }
    ++parts_.counters.connections_refused;
    ++parts_.counters.errors[claimed];
    parts_.carriers.close(carrier, claimed, std::string(explain(claimed)));
    return false;
}

// ---- Hello ----

void Reception::greeted(ServerCarrier& carrier, std::string_view batch) {
    if (wire::begins_with_seal(batch)) {
        const auto failed = parts_.sealer.seal(carrier, batch);
        if (!failed) return;
        const wire::Refused refused = refused_with(failed->code, failed->text);
        base::log().limited(base::LogKind::refused_sealing, "{} sealing refused: {}", carrier.address, refused.text);
        return refuse_and_count(carrier, refused);
    }
    std::string_view rest;
    auto hello = session::read_hello(batch, rest);
    if (!hello) {
        const auto code = static_cast<errc>(hello.error().value());
        base::log().limited(base::LogKind::refused_hello, "{} {} in place of a hello", carrier.address, name(code));
        return refuse_and_count(carrier, refused_with(code, hello.error().message()));
    }
    if (carrier.transport->info().format == transport::WireFormat::json) {  // text for people, and it stays so
        hello->capabilities &= ~wire::Compression::kOffered;
        hello->dictionary.clear();
    }
    const bool may_be_a_copy =
        carrier.transport->info().early && !session::planted(session::Fault::early_data_not_held);
    if (may_be_a_copy) return wait_for_handshake(carrier, *hello, batch, rest);
    ++carrier.greeting->hellos;
    if (hello->resume) return to_home(carrier, std::move(*hello), std::string(rest), std::nullopt);
    if (!let_in(carrier)) return;
    if (auto credential = tickets_.proven(carrier, *hello))
        return to_home(carrier, std::move(*hello), std::string(rest), std::move(credential));
    look_at_credential(carrier, std::move(*hello), std::string(rest));
}

// What came in early data may be a copy. Messages of a session here are acted on; all else waits.
void Reception::wait_for_handshake(ServerCarrier& carrier, const wire::Hello& hello, std::string_view batch,
                                   std::string_view rest) {
    carrier.state = ServerCarrier::State::early;
    carrier.greeting->waiting = batch;
    carrier.transport->pause_reading(true);
    ++parts_.counters.quic_early_data;
    if (!hello.resume || parts_.router.home_of(hello, hello.user) != index_) return;
    parts_.turn.taken_at = parts_.executor.wall_clock();
    parts_.table.take_early(hello, rest, parts_.executor.now());
    parts_.executor.arm_timer();
}

void Reception::confirmed(ServerCarrier& carrier) {
    if (!claim_address(carrier) || carrier.state != ServerCarrier::State::early) return;
    carrier.state = ServerCarrier::State::greeting;
    const std::string batch = std::move(carrier.greeting->waiting);
    carrier.transport->pause_reading(false);
    greeted(carrier, batch);
}

// Takes a place at the admission rate for this connection, or refuses it until its slot.
bool Reception::let_in(ServerCarrier& carrier) {
    bool& is_in = carrier.greeting->let_in;
    if (is_in || !parts_.state.admission.on()) return true;
    const auto wait = parts_.state.admission.ask(parts_.executor.now());
    if (!wait) {
        ++parts_.counters.admissions;
        return is_in = true;
    }
    ++parts_.counters.admissions_refused;
    wire::Refused refused = refused_with(errc::rate_limited, "too many new sessions at the moment (admission rate)");
    refused.retry_after_ms = static_cast<std::uint32_t>(wait->count());
    refuse_and_count(carrier, refused);
    return false;
}

// ---- authentication ----

void Reception::look_at_credential(ServerCarrier& carrier, wire::Hello hello, std::string rest) {
    if (!parts_.authenticator.believes_anybody()) return authenticate(carrier, std::move(hello), std::move(rest));
    session::SessionCredential anybody{hello.user};
    to_home(carrier, std::move(hello), std::move(rest), std::move(anybody));
}

void Reception::authenticate(ServerCarrier& carrier, wire::Hello hello, std::string rest) {
    AuthRequest request = request_on(carrier);
    request.token = hello.token;
    request.claimed_user = hello.user;
    request.device = hello.device;
    request.platform = hello.platform;
    carrier.state = ServerCarrier::State::authenticating;
    carrier.transport->pause_reading(true);
    carrier.greeting->waiting = std::move(rest);  // counted with it, and goes when it goes
    auto carried = std::make_shared<wire::Hello>(std::move(hello));
    parts_.authenticator.verify(std::move(request), [this, key = carrier.key, carried](Checked<Identity> identity) {
        authenticated(key, std::move(*carried), std::move(identity));
    });
}

void Reception::authenticated(session::CarrierKey key, wire::Hello hello, Checked<Identity> identity) {
    ServerCarrier* carrier = parts_.carriers.find(key);
    if (carrier == nullptr || carrier->close_due) return;  // it has gone meanwhile
    std::string rest = std::exchange(carrier->greeting->waiting, {});
    parts_.carriers.charge(*carrier);
    if (carrier->gone) return;
    carrier->state = ServerCarrier::State::greeting;
    carrier->transport->pause_reading(false);
    if (!identity || identity->user != hello.user) {
        wire::Refused refused =
            identity ? refused_with(errc::user_mismatch) : refused_with(identity.error().code, identity.error().text);
        if (refused.code == errc::busy) refused.retry_after_ms = kBusyRetryMs;
        base::log().limited(base::LogKind::refused_hello, "{} user {} refused: {}, {}", carrier->address,
                            base::User{hello.user}, name(refused.code), refused.text);
        return refuse_and_count(*carrier, refused);
    }
    to_home(*carrier, std::move(hello), std::move(rest), parts_.authenticator.in_steady_time(std::move(*identity)));
}

// ---- to a session ----

// Every session of a user lives on one worker; a socket that was accepted elsewhere goes there with its hello.
void Reception::to_home(ServerCarrier& carrier, wire::Hello hello, std::string rest,
                        std::optional<session::SessionCredential> credential) {
    const std::uint32_t home = parts_.router.home_of(hello, credential ? credential->user : hello.user);
    // A QUIC connection arrived at its user's home already. A ticket that leads elsewhere is another user's: it is
    // refused here as well as there.
    const bool at_home = home == index_ || (hello.resume && carrier.protocol == Protocol::quic &&
                                            index_ == parts_.router.home_of(hello.user));
    if (at_home || session::planted(session::Fault::hello_not_handed_over))
        return attach(carrier, hello, rest, credential);
    Arrival arrival;
    arrival.hellos = carrier.greeting->hellos;
    arrival.counted_as = carrier.counted_as;
    arrival.parked = parts_.carriers.park(carrier);
    if (!arrival.parked) {
        wire::Refused refused = refused_with(
            errc::busy,
            carrier.protocol == Protocol::quic
                ? "this worker is not the user's home: put the place of the user id into the first connection id"
                : "the connection cannot move to its worker now");
        refused.retry_after_ms = kNoParkRetryMs;
        return refuse(carrier, refused);
    }
    ++parts_.counters.hand_overs;
    arrival.hello = std::move(hello);
    if (!session::planted(session::Fault::rest_lost_in_hand_over)) arrival.rest = std::move(rest);
    arrival.credential = std::move(credential);
    parts_.router.hand_over(home, std::move(arrival));
}

void Reception::attach(ServerCarrier& carrier, const wire::Hello& hello, std::string_view rest,
                       const std::optional<session::SessionCredential>& credential) {
    session::SessionTable& table = parts_.table;
    const session::CarrierKey key = carrier.key;
    const session::TimePoint now = parts_.executor.now();
    const bool by_ticket = credential && credential->ticket_of;
    if (by_ticket && !table.may_honour(*credential->ticket_of, hello))
        return look_at_credential(carrier, hello, std::string(rest));
    if (credential && parts_.authenticator.is_revoked(*credential)) {
        const wire::Refused refused = refused_with(errc::credential_revoked);
        base::log().limited(base::LogKind::refused_hello, "{} user {} refused: {}", carrier.address,
                            base::User{hello.user}, name(refused.code));
        return refuse_and_count(carrier, refused);
    }
    carrier.state = ServerCarrier::State::attached;
    auto refused = credential ? table.attach_new(key, hello, *credential, now) : table.attach_resumed(key, hello, now);
    if (refused) {
        carrier.state = ServerCarrier::State::greeting;
        // A new session comes next, unless this one lives: its client keeps its ticket until there is room for that.
        const bool begins_anew = !credential && session::SessionTable::may_say_hello_again(refused->code) &&
                                 refused->code != errc::ticket_invalid;
        if (begins_anew && !let_in(carrier)) return;
        if (!credential && refused->code == errc::session_unknown) tickets_.ask_for_proof(carrier, hello, *refused);
        const auto named = hello.resume ? session::session_in_ticket(hello.resume->ticket) : std::nullopt;
        if (named) parts_.log.add(FlightLog::entry(*named, Happened::refused, now, refused->code));
        parts_.counters.sessions_refused_busy += refused->code == errc::busy ? 1 : 0;
        return refuse_and_count(carrier, *refused);
    }
    carrier.greeting.reset();
    parts_.counters.tickets_honoured += by_ticket ? 1 : 0;
    if (!credential) {
        ++parts_.counters.sessions_resumed;
        parts_.carriers.note(key, Happened::resumed);
    }
    if (!rest.empty()) parts_.intake.take(carrier, rest);
    parts_.executor.arm_timer();
}

void Reception::refuse_and_count(ServerCarrier& carrier, const wire::Refused& refused) {
    ++parts_.counters.errors[refused.code];
    refuse(carrier, refused);
}

void Reception::refuse(ServerCarrier& carrier, const wire::Refused& refused) {
    if (carrier.transport->writable())
        parts_.carriers.send(carrier, [&](wire::Batch& batch) { session::write_refusal(batch, refused); });
    if (session::SessionTable::may_say_hello_again(refused.code) && carrier.greeting->hellos < kMostHellos)
        return expect_hello(carrier);
    parts_.carriers.close(carrier, refused.code, refused.text);
}

// ---- time ----

void Reception::expect_hello(ServerCarrier& carrier) {
    greeting_.add(carrier, parts_.executor.now() + parts_.state.config.hello_timeout);
}

ServerCarrier* Reception::first_greeting() {
    return greeting_.first([this](session::CarrierKey key) { return parts_.carriers.find(key); }, waits_for_hello);
}

session::TimePoint Reception::next_deadline() {
    if (greeting_.empty()) return session::kNever;
    const ServerCarrier* first = first_greeting();
    return first == nullptr ? session::kNever : first->deadline;
}

void Reception::on_time(session::TimePoint now) {
    for (ServerCarrier* first = nullptr; (first = first_greeting()) != nullptr && first->deadline <= now;) {
        greeting_.pop();
        base::log().limited(base::LogKind::silent_connection, "{}:{} {}", first->address,
                            first->transport->info().peer_port, name(errc::hello_timeout));
        ++parts_.counters.errors[errc::hello_timeout];
        parts_.carriers.close(*first, errc::hello_timeout, std::string(explain(errc::hello_timeout)));
    }
}

void Reception::stop() {
    parts_.carriers.for_each([this](ServerCarrier& carrier) {
        if (carrier.state != ServerCarrier::State::attached)
            parts_.carriers.close(carrier, errc::shutting_down, "the server is shutting down");
    });
}

}  // namespace flare::server
