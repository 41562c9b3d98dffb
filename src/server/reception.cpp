// From an accepted socket to an attached session: hello, authentication, the way to the home worker.
#include "server/http_target.hpp"
#include "server/worker.hpp"

#include "auth/json_object.hpp"
#include "base/log.hpp"
#include "wire/seal.hpp"

#include <flare/printable.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <exception>

namespace flare::server {
namespace {

constexpr std::uint32_t kBusyRetryMs = 1000;  // when authentication has no room
// Of payloads that a connection's messages may have inflated on the loop in one turn, and how often that is asked.
constexpr std::size_t kInflatedPerTurn = 256 * 1024;
constexpr std::size_t kFramesPerLook = 8;

// Whatever handler they are of. What is no object is the handler's mistake, which its author finds in the log.
errc what_is_wrong(const std::string& claims) {
    if (claims.size() > kMaxClaimsBytes) return errc::claims_too_large;
    std::string_view problem;
    if (claims.empty() || auth::JsonObject::parse(claims, problem)) return errc::ok;
    base::log().limited(base::LogKind::authentication_threw,
                        "the authentication handler gave claims that nobody can read: the text {}", problem);
    return errc::internal;
}

}  // namespace

// ---- ServerCarrier ----

ServerCarrier::ServerCarrier(Worker& worker_, session::CarrierKey key_, std::unique_ptr<transport::Carrier> carrier_)
    : worker(worker_),
      key(key_),
      carrier(std::move(carrier_)),
      address(carrier->info().peer_address),
      of_proxy(carrier->info().of_proxy),
      protocol(carrier->info().protocol) {
    carrier->set_handler(this);
}

ServerCarrier::~ServerCarrier() {
    worker.give_back(*this);
    if (!counted) return;
    ConnectionLimits& limits = worker.group().limits;
    constexpr auto kStage = ConnectionLimits::Stage::carrier;
    stranger ? limits.release_stranger(kStage) : limits.release(of_proxy ? std::string() : address, protocol, kStage);
}

void ServerCarrier::on_batch(std::string_view batch) {
    switch (state) {
        case State::greeting: return worker.greeted(*this, batch);
        case State::attached: return worker.received(*this, batch);
        case State::early:
        case State::authenticating:
        case State::closing: return;
    }
}

void ServerCarrier::on_confirmed() {
    if (!worker.claim_address(*this)) return;
    if (state == State::early) worker.confirmed(*this);
}

// Before Hello it is worth nothing: hello_timeout runs on.
void ServerCarrier::on_alive() {
    if (state == State::attached) worker.alive(*this);
}

void ServerCarrier::on_turn_end() { worker.turn_ended(*this); }

void ServerCarrier::on_writable() { worker.mark_dirty(*this); }

void ServerCarrier::on_closed(const transport::CloseReason& reason) { worker.closed(*this, reason); }

// ---- sockets ----

bool Worker::on_connection(const std::string& peer_address) {
    return admit(stopping_ ? errc::shutting_down : group_.limits.admit(peer_address, Protocol::websocket, now()));
}

// Only an address that is validated is held to its limit: anybody may write that of somebody else into a packet.
transport::quic::ListenerHandler::Answer Worker::on_handshake(const std::string& peer_address, bool validated) {
    std::optional<errc> admitted = errc::shutting_down;
    if (!stopping_) {
        admitted =
            validated ? group_.limits.admit(peer_address, Protocol::quic, now()) : group_.limits.admit_stranger(now());
    }
    if (!admitted) return Answer::validate;
    return admit(*admitted) ? Answer::admit : Answer::refuse;
}

bool Worker::admit(errc admitted) {
    if (admitted == errc::ok) {
        ++counters_.accepted;
        return true;
    }
    ++counters_.refused;
    count_error(admitted);
    return false;
}

// It was counted in all when it came: only the address is new.
bool Worker::on_client(const std::string& address) {
    const errc counted = group_.limits.count_address(address);
    if (counted == errc::ok) return true;
    --counters_.accepted;
    return admit(counted);
}

void Worker::on_connection_gone(const std::string& peer_address) {
    group_.limits.release(peer_address, Protocol::websocket);
}

void Worker::on_handshake_gone(const std::string& peer_address, bool validated) {
    validated ? group_.limits.release(peer_address, Protocol::quic) : group_.limits.release_stranger();
}

void Worker::on_accept_paused(errc code) {
    base::log().limited(base::LogKind::accept_paused, "accepting pauses: {} ({})", explain(code), name(code));
    count_error(code);
}

transport::websocket::HttpResponse Worker::on_http(const transport::websocket::HttpRequest& request) {
    constexpr const char* kText = "text/plain; charset=utf-8";
    // Below any path, as the upgrade is at any path: a proxy may pass its prefix on.
    const std::string path = path_of(request.target).value_or("");
    const bool is_ready = path.ends_with("/readyz");
    if (is_ready || path.ends_with("/healthz")) {
        if (is_ready && !group_.ready.load(std::memory_order_relaxed)) return {503, kText, "stopping\n"};
        const std::string trouble = group_.health.trouble(now(), index_);
        if (!trouble.empty()) return {503, kText, trouble + "\n"};
        return {200, kText, is_ready ? "ready\n" : "ok\n"};
    }
    return {404, kText, "This port speaks WebSocket, and HTTP on /healthz and /readyz.\n"};
}

ServerCarrier* Worker::find(session::CarrierKey key) {
    const auto found = connections_.find(key);
    return found == connections_.end() ? nullptr : found->second.get();
}

ServerCarrier& Worker::add(std::unique_ptr<transport::Carrier> carrier, bool counted) {
    const session::CarrierKey key = next_key_++;
    auto made = std::make_unique<ServerCarrier>(*this, key, std::move(carrier));
    made->counted = counted;
    ServerCarrier& connection = *made;
    connections_.emplace(key, std::move(made));
    set_deadline(connection, greeting_, group_.config.hello_timeout);
    return connection;
}

void Worker::on_carrier(std::unique_ptr<transport::Carrier> carrier) {
    group_.limits.begun(Protocol::websocket);
    add(std::move(carrier), true);
    arm_timer();
}

void Worker::on_carrier(std::unique_ptr<transport::Carrier> carrier, bool validated) {
    group_.limits.begun(Protocol::quic);
    const bool early = carrier->info().early;
    ServerCarrier& connection = add(std::move(carrier), true);
    connection.stranger = !validated;
    if (!early) claim_address(connection);
    arm_timer();
}

// Its handshake is complete, so its address is its own. False: that one has all the connections that it may have.
bool Worker::claim_address(ServerCarrier& connection) {
    if (!connection.stranger) return true;
    const errc claimed = group_.limits.claim(connection.address);
    if (claimed == errc::ok) {
        connection.stranger = false;
        return true;
    }
    ++counters_.refused;
    count_error(claimed);
    close(connection, claimed, std::string(explain(claimed)));
    return false;
}

void Worker::closed(ServerCarrier& connection, const transport::CloseReason& reason) {
    const session::CarrierKey key = connection.key;
    if (reason.code != errc::ok && !connection.close_due) {
        count_error(reason.code);
        if (reason.code == errc::connection_lost || reason.code == errc::closed_by_peer) {
            base::log().debug("{} {}: {}", connection.address, name(reason.code), reason.text);
        } else {
            base::log().limited(base::LogKind::protocol_error, "{} {}: {}", connection.address, name(reason.code),
                                reason.text);
        }
    }
    const auto found = connections_.find(key);
    if (found == connections_.end()) return;
    if (connection.carrier) {
        counters_.bytes_received += connection.carrier->stats().bytes_in;
        counters_.bytes_sent += connection.carrier->stats().bytes_out;
        counters_.migrations += connection.carrier->stats().migrations;
    }
    note(key, Happened::closed, reason.code, reason.ending);
    give_back(connection);
    connection.gone = true;
    connection.state = ServerCarrier::State::closing;  // what its carrier still brings is nobody's
    gone_.push_back(std::move(found->second));         // it is inside a callback of its own
    connections_.erase(found);
    table_.carrier_gone(key, now());
}

std::size_t Worker::drop_connections(std::string_view user) {
    std::size_t dropped = 0;
    for (const session::ServerSession* session : table_.of_user(user)) {
        for (const session::CarrierKey key : session->carriers()) {
            ServerCarrier* connection = find(key);
            if (connection == nullptr) continue;
            closed(*connection, {errc::connection_lost, "discarded by the server", false});
            ++dropped;
        }
    }
    return dropped;
}

void Worker::alive(ServerCarrier& connection) { table_.on_alive(connection.key, now()); }

void Worker::received(ServerCarrier& connection, std::string_view batch) {
    if (!std::exchange(connection.in_turn, true)) connection.awaited = connection.dirty;
    take(connection, batch);
}

// Hands on as many frames as this turn still has, and reads no more before the next one when there are none left.
void Worker::take(ServerCarrier& connection, std::string_view batch) {
    const std::size_t used = take_front(connection, batch);
    if (used == batch.size() && connection.frames_left != 0) return;
    if (connection.state != ServerCarrier::State::attached || !connection.carrier) return;
    connection.rest = std::make_unique<ServerCarrier::Rest>(ServerCarrier::Rest{std::string(batch.substr(used)), 0});
    connection.carrier->pause_reading(true);
    boost::asio::post(context_, [this, key = connection.key] { go_on(key); });
}

std::size_t Worker::take_front(ServerCarrier& connection, std::string_view batch) {
    // What has to be inflated is looked at a few frames at a time: it may be much more than what came.
    const std::size_t step = group_.config.compression ? kFramesPerLook : ServerCarrier::kFramesPerTurn;
    std::size_t used = 0;
    inflating_ = 0;
    handled_at_ = now();
    taken_at_ = wall_clock();
    do {
        const wire::Front front = wire::front_of(batch.substr(used), std::min(step, connection.frames_left));
        connection.frames_left -= std::min(connection.frames_left, std::max<std::size_t>(front.frames, 1));
        used += front.bytes.size();
        table_.on_batch(connection.key, front.bytes, handled_at_);
        if (inflating_ >= kInflatedPerTurn) connection.frames_left = 0;
    } while (used != batch.size() && connection.frames_left != 0);
    arm_timer();
    return used;
}

void Worker::go_on(session::CarrierKey key) {
    ServerCarrier* connection = find(key);
    if (connection == nullptr || !connection->rest || connection->state != ServerCarrier::State::attached) return;
    connection->frames_left = ServerCarrier::kFramesPerTurn;
    ServerCarrier::Rest& rest = *connection->rest;
    if (rest.used != rest.bytes.size())
        rest.used += take_front(*connection, std::string_view(rest.bytes).substr(rest.used));
    connection = find(key);
    if (connection == nullptr || !connection->carrier || connection->state != ServerCarrier::State::attached) return;
    if (rest.used != rest.bytes.size()) {
        boost::asio::post(context_, [this, key] { go_on(key); });
        return;
    }
    connection->rest.reset();
    charge(*connection);
    if (connection->gone) return;
    connection->frames_left = ServerCarrier::kFramesPerTurn;
    connection->carrier->pause_reading(false);
}

// ---- hello ----

void Worker::greeted(ServerCarrier& connection, std::string_view batch) {
    if (wire::begins_with_seal(batch)) return seal(connection, batch);
    std::string_view rest;
    auto hello = session::read_hello(batch, rest);
    if (!hello) {
        const auto code = static_cast<errc>(hello.error().value());
        base::log().limited(base::LogKind::refused_hello, "{} {} in place of a hello", connection.address, name(code));
        count_error(code);
        wire::Refused refused;
        refused.code = code;
        refused.text = hello.error().message();
        return refuse(connection, refused);
    }
    if (connection.carrier->info().format == transport::WireFormat::json) {  // text for people, and it stays so
        hello->capabilities &= ~wire::Compression::kOffered;
        hello->dictionary.clear();
    }
    if (connection.carrier->info().early) return wait_for_handshake(connection, *hello, batch, rest);
    ++connection.hellos;
    if (hello->resume) return to_home(connection, std::move(*hello), std::string(rest), std::nullopt);
    if (!let_in(connection)) return;
    if (auto identity = proven_by_ticket(connection, *hello))
        return to_home(connection, std::move(*hello), std::string(rest), std::move(*identity));
    look_at_credential(connection, std::move(*hello), std::string(rest));
}

void Worker::look_at_credential(ServerCarrier& connection, wire::Hello hello, std::string rest) {
    const Config& config = group_.config;
    if (config.auth || config.async_auth) return authenticate(connection, std::move(hello), std::move(rest));
    session::SessionCredential anybody{hello.user};
    to_home(connection, std::move(hello), std::move(rest), std::move(anybody));
}

// What came in early data may be a copy. Messages of a session here are acted on; all else waits.
void Worker::wait_for_handshake(ServerCarrier& connection, const wire::Hello& hello, std::string_view batch,
                                std::string_view rest) {
    connection.state = ServerCarrier::State::early;
    connection.waiting = batch;
    connection.carrier->pause_reading(true);
    ++counters_.early_data;
    if (!hello.resume || home_of(hello, hello.user) != index_) return;
    taken_at_ = wall_clock();
    table_.take_early(hello, rest, now());
    arm_timer();
}

void Worker::confirmed(ServerCarrier& connection) {
    connection.state = ServerCarrier::State::greeting;
    const std::string batch = std::move(connection.waiting);
    connection.carrier->pause_reading(false);
    greeted(connection, batch);
}

bool Worker::is_revoked(const session::SessionCredential& identity) const {
    return group_.revocations.size() != 0 &&
           group_.revocations.revoked(identity.user, identity.token_id, std::chrono::system_clock::now());
}

// Asks the handler, wherever it runs; `done` is called on this worker's thread, perhaps at once.
void Worker::verify(AuthRequest request, std::function<void(Checked<Identity>)> done) {
    const Config& config = group_.config;
    if (!config.auth && !config.async_auth) return done(Identity(request.claimed_user));
    const auto failed = [](const std::exception_ptr& thrown) -> Checked<Identity> {
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& error) {
            base::log().limited(base::LogKind::authentication_threw, "the authentication handler threw: {}",
                                error.what());
        } catch (...) {
            base::log().limited(base::LogKind::authentication_threw,
                                "the authentication handler threw something that is no exception");
        }
        return Failure(errc::internal, "authentication is out of order on the server");
    };
    const auto checked = [](Checked<Identity> identity) -> Checked<Identity> {
        if (!identity) return Failure(identity.error().code, printable(identity.error().text, wire::kMaxTextBytes));
        if (identity->expires <= std::chrono::system_clock::now()) return Failure(errc::token_expired);
        if (const errc wrong = what_is_wrong(identity->claims); wrong != errc::ok) return Failure(wrong);
        return identity;
    };
    if (config.async_auth) {
        boost::asio::co_spawn(
            context_, config.async_auth(std::move(request)),
            [failed, checked, done = std::move(done)](const std::exception_ptr& thrown, Checked<Identity> identity) {
                done(thrown ? failed(thrown) : checked(std::move(identity)));
            });
        return;
    }
    // std::function wants to be copied, so what is moved along stands in one shared place.
    auto carried = std::make_shared<std::pair<AuthRequest, std::function<void(Checked<Identity>)>>>(std::move(request),
                                                                                                    std::move(done));
    const bool queued = group_.pool.push([this, failed, checked, carried] {
        Checked<Identity> identity = Failure(errc::internal);
        try {
            identity = checked(group_.config.auth(carried->first));
        } catch (...) {
            identity = failed(std::current_exception());
        }
        post([carried, identity](Worker&) { carried->second(identity); });
    });
    if (!queued) carried->second(Failure(errc::busy));
}

// Expiry in the session's clock, which nobody sets. Beyond ten years it is never.
session::SessionCredential Worker::in_steady_time(Identity identity) {
    constexpr auto kFar = std::chrono::hours(24 * 3650);
    const auto system_now = std::chrono::system_clock::now();
    session::SessionCredential result{std::move(identity.user), session::kNever, std::move(identity.token_id)};
    result.claims = Bytes(identity.claims);
    if (identity.expires < system_now + kFar) {
        const auto unix_ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(identity.expires.time_since_epoch()).count();
        result.expires_unix_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(1, unix_ms));
        result.expires_at = now() + std::chrono::duration_cast<session::Duration>(identity.expires - system_now);
    }
    return result;
}

void Worker::authenticate(ServerCarrier& connection, wire::Hello hello, std::string rest) {
    AuthRequest request;
    request.token = hello.token;
    request.claimed_user = hello.user;
    request.device = hello.device;
    request.platform = hello.platform;
    request.peer_address = connection.address;
    request.peer_certificate = connection.carrier->info().peer_certificate;
    request.encrypted = connection.carrier->info().encrypted || connection.carrier->sealed();
    connection.state = ServerCarrier::State::authenticating;
    connection.carrier->pause_reading(true);
    connection.waiting = std::move(rest);  // counted with it, and goes when it goes
    auto carried = std::make_shared<wire::Hello>(std::move(hello));
    verify(std::move(request), [this, key = connection.key, carried](Checked<Identity> identity) {
        authenticated(key, std::move(*carried), std::move(identity));
    });
}

void Worker::authenticated(session::CarrierKey key, wire::Hello hello, Checked<Identity> identity) {
    ServerCarrier* connection = find(key);
    if (connection == nullptr || connection->close_due) return;  // it has gone meanwhile
    std::string rest = std::exchange(connection->waiting, {});
    charge(*connection);
    if (connection->gone) return;
    connection->state = ServerCarrier::State::greeting;
    connection->carrier->pause_reading(false);
    if (!identity || identity->user != hello.user) {
        wire::Refused refused;
        refused.code = identity ? errc::user_mismatch : identity.error().code;
        refused.text = identity ? std::string(explain(errc::user_mismatch)) : identity.error().text;
        if (refused.code == errc::busy) refused.retry_after_ms = kBusyRetryMs;
        base::log().limited(base::LogKind::refused_hello, "{} user {} refused: {}, {}", connection->address,
                            base::User{hello.user}, name(refused.code), refused.text);
        count_error(refused.code);
        return refuse(*connection, refused);
    }
    to_home(*connection, std::move(hello), std::move(rest), in_steady_time(std::move(*identity)));
}

void Worker::on_credential(session::ServerSession& session, std::string_view token) {
    AuthRequest request;
    request.token = token;
    request.claimed_user = session.user();
    request.device = session.device();
    request.platform = session.platform();
    if (const ServerCarrier* connection = find(session.active())) {
        request.peer_address = connection->address;
        request.peer_certificate = connection->carrier->info().peer_certificate;
        request.encrypted = connection->carrier->info().encrypted || connection->carrier->sealed();
    }
    verify(std::move(request), [this, id = session.id()](Checked<Identity> identity) {
        Checked<session::SessionCredential> result = Failure(errc::credential_revoked);
        if (!identity) {
            result = identity.error();
        } else if (auto good = in_steady_time(std::move(*identity)); !is_revoked(good)) {
            result = std::move(good);
        }
        if (!result) count_error(result.error().code);
        table_.renew(id, result, now());
        renewed(id);
        arm_timer();
    });
}

// Handlers that run keep what they were given; those that come see the claims of the new credential.
void Worker::renewed(const session::SessionId& id) {
    const session::ServerSession* const session = table_.find(id);
    auto* const queue = session == nullptr ? nullptr : static_cast<HandlerQueue*>(session->attachment.get());
    if (queue == nullptr || queue->info->claims == session->claims()) return;
    queue->info = std::make_shared<const SessionInfo>(info_of(*session));
}

std::uint32_t Worker::home_of(const wire::Hello& hello, const std::string& user) const {
    if (hello.resume) {
        if (const auto place = session::place_in_ticket(hello.resume->ticket))
            return base::worker_of(*place, static_cast<std::uint32_t>(group_.workers.size()));
    }
    return group_.home_of(user);
}

// Every session of a user lives on one worker; a socket that was accepted elsewhere goes there with its hello.
void Worker::to_home(ServerCarrier& connection, wire::Hello hello, std::string rest,
                     std::optional<session::SessionCredential> identity) {
    const std::uint32_t home = home_of(hello, identity ? identity->user : hello.user);
    // A QUIC connection arrived at its user's home already. A ticket that leads elsewhere is another user's: it is
    // refused here as well as there.
    const bool at_home = home == index_ || (hello.resume && connection.protocol == Protocol::quic &&
                                            index_ == group_.home_of(hello.user));
    if (at_home) return attach(connection, hello, rest, identity);
    std::unique_ptr<transport::ParkedCarrier> parked = connection.carrier->park();
    if (!parked) {
        wire::Refused refused;
        refused.code = errc::busy;
        refused.text =
            connection.carrier->info().protocol == Protocol::quic
                ? "this worker is not the user's home: put the place of the user id into the first connection id"
                : "the connection cannot move to its worker now";
        refused.retry_after_ms = 100;
        return refuse(connection, refused);
    }
    ++counters_.hand_overs;
    struct Move {
        std::unique_ptr<transport::ParkedCarrier> parked;
        wire::Hello hello;
        std::string rest;
        std::optional<session::SessionCredential> identity;
        std::uint32_t hellos;
        bool counted;
    };
    auto move = std::make_shared<Move>(Move{std::move(parked), std::move(hello), std::move(rest), std::move(identity),
                                            connection.hellos, connection.counted});
    connection.counted = false;
    connection.gone = true;
    connection.state = ServerCarrier::State::closing;
    const auto found = connections_.find(connection.key);
    gone_.push_back(std::move(found->second));
    connections_.erase(found);
    mark_dirty(*gone_.back());  // a turn's end frees it
    group_.workers[home]->post([move](Worker& worker) {
        auto carrier = std::move(*move->parked).resume(worker.context_);
        ServerCarrier& arrived = worker.add(std::move(carrier), move->counted);
        arrived.hellos = move->hellos;
        worker.attach(arrived, move->hello, move->rest, move->identity);
    });
}

void Worker::attach(ServerCarrier& connection, const wire::Hello& hello, std::string_view rest,
                    const std::optional<session::SessionCredential>& identity) {
    const session::CarrierKey key = connection.key;
    const bool by_ticket = identity && identity->ticket_of;
    if (by_ticket && !table_.may_honour(*identity->ticket_of, hello))
        return look_at_credential(connection, hello, std::string(rest));
    if (identity && is_revoked(*identity)) {
        wire::Refused refused;
        refused.code = errc::credential_revoked;
        refused.text = explain(errc::credential_revoked);
        base::log().limited(base::LogKind::refused_hello, "{} user {} refused: {}", connection.address,
                            base::User{hello.user}, name(refused.code));
        count_error(refused.code);
        return refuse(connection, refused);
    }
    connection.state = ServerCarrier::State::attached;
    auto refused =
        identity ? table_.attach_new(key, hello, *identity, now()) : table_.attach_resumed(key, hello, now());
    if (refused) {
        connection.state = ServerCarrier::State::greeting;
        // A new session comes next, unless this one lives: its client keeps its ticket until there is room for that.
        const bool begins_anew = !identity && session::SessionTable::may_say_hello_again(refused->code) &&
                                 refused->code != errc::ticket_invalid;
        if (begins_anew && !let_in(connection)) return;
        if (!identity && refused->code == errc::session_unknown) ask_for_proof(connection, hello, *refused);
        count_error(refused->code);
        const auto named = hello.resume ? session::session_in_ticket(hello.resume->ticket) : std::nullopt;
        if (named) log_.add(FlightLog::entry(*named, Happened::refused, now(), refused->code));
        counters_.sessions_refused_busy += refused->code == errc::busy ? 1 : 0;
        return refuse(connection, *refused);
    }
    counters_.tickets_honoured += by_ticket ? 1 : 0;
    if (!identity) {
        ++counters_.sessions_resumed;
        note(key, Happened::resumed);
    }
    if (!rest.empty()) take(connection, rest);
    arm_timer();
}

void Worker::refuse(ServerCarrier& connection, const wire::Refused& refused) {
    if (connection.carrier->writable()) {
        batch_.clear();
        session::write_refusal(batch_, refused);
        connection.carrier->send(batch_);
    }
    if (session::SessionTable::may_say_hello_again(refused.code) && connection.hellos < 2) {
        set_deadline(connection, greeting_, group_.config.hello_timeout);
        return;
    }
    close(connection, refused.code, refused.text);
}

void Worker::close(ServerCarrier& connection, errc code, const std::string& text) {
    if (connection.close_due) return;
    connection.close_due = ServerCarrier::Close{code, text};
    connection.state = ServerCarrier::State::closing;
    set_deadline(connection, closing_, kCloseLimit);
    mark_dirty(connection);
}

}  // namespace flare::server
