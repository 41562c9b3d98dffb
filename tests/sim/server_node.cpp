#include "sim/server_node.hpp"

#include "session/ticket.hpp"

#include <algorithm>

namespace flare::sim {

using namespace std::chrono_literals;
using session::CarrierKey;

namespace {

constexpr std::size_t kOverheard = 40;

// The epoch of the first Activate in a batch; 0: there is none.
std::uint64_t activate_in(std::string_view batch) {
    wire::BatchReader reader(batch);
    wire::FrameView frame;
    while (!reader.done() && reader.next(frame)) {
        if (frame.kind == wire::FrameKind::activate) return wire::decode_activate(frame.body)->epoch;
    }
    return 0;
}

std::optional<wire::Hello> hello_in(std::string_view batch) {
    std::string_view rest;
    auto hello = session::read_hello(batch, rest);
    return hello ? std::optional(std::move(*hello)) : std::nullopt;
}

std::string process_name(std::uint64_t number) {
    std::string name = std::to_string(number);
    return name.insert(0, session::TicketKeys::kProcessBytes - name.size(), '0');
}

session::SessionId id_of(const SessionInfo& info) { return session::SessionId{*Uuid::parse(info.session_id)}; }

}  // namespace

struct ServerNode::Seen {
    std::map<session::SessionId, Uuid> latest_attempt;
    // That attached something: of which device (as Observer names it), and when last.
    struct Attempt {
        std::string device;
        TimePoint at;
    };
    std::map<Uuid, Attempt> attempts;
    std::set<std::pair<Uuid, std::uint64_t>> taken;                // Hellos that attached something: attempt and epoch
    std::map<session::SessionId, std::uint64_t> highest_taken;     // epoch, of each session
    std::map<session::SessionId, std::uint64_t> activated;         // the highest epoch of an Activate, of each session
    std::map<session::SessionId, session::SessionId> honoured;     // a lost session, and what its ticket has made
    std::array<std::uint64_t, ServerProcess::kWorkers> tickets{};  // honoured, of each worker
    std::vector<session::SessionId> created;                       // told of in the turn that runs
    CarrierKey stale = session::kNoCarrier;                        // says an Activate that must not count, in that turn
};

class ServerNode::Hooks final : public EventHandler {
public:
    explicit Hooks(ServerNode& node) : node_(node) {}
    void on_user_connected(const SessionInfo& info) override {
        node_.world_.trace("created " + info.user);
        node_.seen_->created.push_back(id_of(info));
    }
    void on_user_disconnected(const SessionInfo& info, const Failure& reason) override {
        const session::SessionId id = id_of(info);
        if (std::erase(node_.seen_->created, id) != 0) node_.created(id);
        node_.ledger_.ended(id, reason.code);
        node_.world_.trace("ended " + info.user + " " + std::string(name(reason.code)));
    }

private:
    ServerNode& node_;
};

ServerNode::ServerNode(World& world, Ledger& ledger, RequestLedger& requests, session::Settings settings,
                       std::size_t budget_bytes, bool conversations, std::optional<Kept> kept)
    : world_(world),
      ledger_(ledger),
      requests_(requests),
      conversations_(conversations),
      kept_(kept),
      settings_(settings),
      budget_bytes_(budget_bytes),
      tickets_last_(world.chance.one_in(2)) {
    session::observer = this;
    start();
}

ServerNode::~ServerNode() {
    process_.reset();
    session::observer = nullptr;
}

server::Config ServerNode::config() {
    server::Config config;
    config.worker_threads = ServerProcess::kWorkers;
    if (tells_ends_only()) config.conversations.limits.live_members = 1;
    if (kept_) config.conversations.retention = kept_->retention;
    config.session = settings_;
    config.max_memory_bytes = ServerProcess::kWorkers * budget_bytes_;
    config.auth = [](const AuthRequest& request) -> Checked<Identity> {
        if (request.token != kToken) return Failure(errc::unauthenticated);
        return Identity(request.claimed_user);
    };
    config.events = std::make_shared<Hooks>(*this);
    config.handler.plain = [this](const SessionInfo&, const Message& message) { return handle(message); };
    // At once, in the middle of the batch that brought the message, or in the pool.
    config.handler.where = world_.chance.one_in(3) ? Execution::worker : Execution::pool;
    return config;
}

void ServerNode::crash_and_restart() {
    if (kept_) kept_->store.crash();
    process_.reset();
    ledger_.all_gone();
    start();
}

void ServerNode::restore_and_restart(bool new_generation) {
    kept_->store.crash();
    process_.reset();
    ledger_.all_gone();
    kept_->store.restore(new_generation);
    start();
}

void ServerNode::start() {
    ++life_;
    seen_ = std::make_unique<Seen>();
    std::unique_ptr<const session::TicketKeys> keys;
    if (tickets_last_)
        keys = std::make_unique<const session::TicketKeys>(std::string(32, 'k'), std::string(), process_name(life_));
    process_ = std::make_unique<ServerProcess>(world_, config(), std::move(keys), kept_ ? &kept_->store : nullptr,
                                               [this](SimWorker& worker) { look_at(worker); });
    if (kept_) return;
    for (std::uint32_t i = 0; i < ServerProcess::kWorkers; ++i)
        process_->worker(i).shard().table().offer(nullptr, conversations_);
}

// ---- connections ----

void ServerNode::accept(std::shared_ptr<Carrier> carrier, Who who) {
    if (who == Who::client) {
        if (overheard_.size() == kOverheard) overheard_.erase(overheard_.begin());
        overheard_.push_back(carrier);
    }
    if (process_->stopping()) return carrier->close(Side::server);
    transport::CarrierInfo info;
    info.protocol = carrier->lane_streams() ? Protocol::quic : Protocol::websocket;
    info.peer_address = "sim";
    info.encrypted = true;
    const auto socket = std::make_shared<Socket>(world_, carrier, who, info);
    socket->watch([this](Socket& from, const std::string& bytes) { return look(from, bytes); });
    const bool quic = info.protocol == Protocol::quic;
    socket->entered = !quic;
    carrier->connect(Side::server, {[this, socket, life = life_](std::string_view bytes) {
                                        if (life != life_) return;
                                        // A QUIC connection arrives at the home of the user whom it is for.
                                        if (!std::exchange(socket->entered, true)) enter_quic(socket, bytes);
                                        socket->arrived(bytes);
                                    },
                                    [socket] { socket->writable(); }, [socket] { socket->gone(); }});
    if (!quic) process_->accept(static_cast<std::uint32_t>(world_.chance.below(ServerProcess::kWorkers)), socket);
}

void ServerNode::enter_quic(const std::shared_ptr<Socket>& socket, std::string_view first) {
    const auto hello = hello_in(first);
    std::uint32_t home = static_cast<std::uint32_t>(world_.chance.below(ServerProcess::kWorkers));
    if (hello) home = process_->router().home_of(hello->user);
    if (hello && hello->resume && world_.chance.one_in(2)) {
        // In early data; the handshake of a copy is never completed.
        world_.happened(socket->who != Who::client ? "replayed early data" : "early data");
        socket->begin_early();
        if (socket->who == Who::client)
            world_.after(world_.chance.between(0ms, 60ms), [this, socket, life = life_] {
                if (life == life_) socket->confirm();
            });
    }
    process_->accept(home, socket);
}

// What an intruder may say with success, whatever sessions do: a token that has made nothing in this process lately,
// and a resume that its client has not brought yet. Whoever can read or hold these back needs no replay; TLS is the
// answer (docs/threat-model.md, "Resume tickets").
bool ServerNode::is_credential(const wire::Hello& hello) const {
    const bool taken = seen_->taken.contains({hello.attempt_id, hello.epoch});
    if (!hello.resume) {
        const auto seen = seen_->attempts.find(hello.attempt_id);
        const bool remembered =
            seen != seen_->attempts.end() && world_.now() - seen->second.at < settings_.dedupe_window;
        return hello.token == kToken && !(taken && remembered);
    }
    const auto id = session::session_in_ticket(hello.resume->ticket);
    if (taken || !id) return false;
    const auto highest = seen_->highest_taken.find(*id);
    if (highest == seen_->highest_taken.end()) return false;  // of a process before
    return hello.epoch > highest->second || seen_->latest_attempt.at(*id) == hello.attempt_id;
}

// At what is about to reach a worker.
bool ServerNode::look(Socket& socket, const std::string& bytes) {
    if (socket.attached) {
        if (const std::uint64_t epoch = activate_in(bytes); epoch != 0) expect_activation(socket, epoch);
        return true;
    }
    auto hello = hello_in(bytes);
    if (!hello) {
        world_.require(socket.who != Who::client, "an honest client begins with a hello");
        return true;
    }
    // A copy in early data is held, whatever it says: its handshake is never completed.
    if (socket.who == Who::repeater && !socket.early() && is_credential(*hello)) {
        socket.lose();
        return false;
    }
    world_.trace("hello of " + hello->user + "." + hello->device + (hello->resume ? ", resumes" : ""));
    socket.hello_before = std::exchange(socket.hello, std::move(hello));
    return true;
}

void ServerNode::expect_activation(const Socket& socket, std::uint64_t epoch) {
    const auto* session = process_->worker(socket.worker).shard().table().by_carrier(socket.key);
    if (session == nullptr) return;
    std::uint64_t& highest = seen_->activated[session->id()];
    if (epoch < highest && session->active() != socket.key) seen_->stale = socket.key;
    highest = std::max(highest, epoch);
}

// ---- after every turn of a worker ----

void ServerNode::look_at(SimWorker& worker) {
    server::Shard& shard = worker.shard();
    shard.carriers().for_each([&](server::ServerCarrier& carrier) {
        if (!carrier.transport) return;
        Socket& socket = static_cast<SocketCarrier&>(*carrier.transport).socket();
        const session::ServerSession* session = socket.attached ? nullptr : shard.table().by_carrier(carrier.key);
        if (session == nullptr) return;
        socket.attached = true;
        socket.key = carrier.key;
        socket.worker = shard.index();
        attached(worker, socket, *session);
    });
    for (const session::SessionId& id : std::exchange(seen_->created, {})) created(id);
    if (const CarrierKey stale = std::exchange(seen_->stale, session::kNoCarrier); stale != session::kNoCarrier) {
        const session::ServerSession* session = shard.table().by_carrier(stale);
        world_.require(session == nullptr || session->active() != stale, "a stale activate does not take sending away");
    }
}

void ServerNode::attached(SimWorker& worker, Socket& socket, const session::ServerSession& session) {
    const wire::Hello& hello = *socket.hello;
    const session::SessionId id = session.id();
    world_.require(socket.who == Who::client, "who repeats or forges attaches nothing");
    seen_->attempts[hello.attempt_id] = {hello.user + '\0' + hello.device, world_.now()};
    const auto latest = seen_->latest_attempt.find(id);
    const bool overtaken = latest != seen_->latest_attempt.end() && latest->second != hello.attempt_id &&
                           hello.epoch < seen_->highest_taken[id];
    world_.require(!overtaken, "a hello of an earlier connect attaches nothing");
    seen_->latest_attempt[id] = hello.attempt_id;
    seen_->taken.emplace(hello.attempt_id, hello.epoch);
    std::uint64_t& highest = seen_->highest_taken[id];
    highest = std::max(highest, hello.epoch);
    const std::uint64_t honoured = worker.shard().counters().tickets_honoured;
    if (std::exchange(seen_->tickets[worker.shard().index()], honoured) == honoured) return;
    world_.happened("honoured ticket");
    const bool shown = socket.hello_before && socket.hello_before->resume;
    world_.require(shown, "a ticket is honoured for whom has shown it");
    const auto lost = session::session_in_ticket(socket.hello_before->resume->ticket);
    world_.require(seen_->honoured.try_emplace(*lost, id).first->second == id,
                   "the tickets of a lost session make one session");
}

// A session that replaces another one is made by a Hello and told of when its client is heard.
void ServerNode::created(const session::SessionId& id) {
    const auto known = seen_->latest_attempt.find(id);
    // Its carrier may have gone in the turn that brought it.
    ledger_.created(life_, known == seen_->latest_attempt.end() ? id.value : known->second, id);
}

void ServerNode::on_queued(const session::ServerSession& session, const wire::DataView& data) {
    const Letter letter = read_letter(world_, data.message->payload);
    if (data.from == kServerTarget) return ledger_.session_takes(session.id(), letter);
    if (kept_) kept_->book.delivered(session.user(), data);
    ledger_.forwarded(session.id(), data.message->id, letter);
}

void ServerNode::on_fresh(const session::ServerSession&, const wire::DataView& data) {
    world_.require(data.first_sent_ms_ago > 0 || !ledger_.acted_on(data.message->id),
                   "what was acted on before comes again as a repeat");
}

// Its connects are forgotten, too (docs/server.md, "Memory"): a token of one of them is a credential again.
void ServerNode::on_device_dropped(std::string_view key) {
    world_.happened("dropped device");
    std::erase_if(seen_->attempts, [&](const auto& each) { return each.second.device == key; });
}

// Says everything again, in as many responses as the body asks for, at once or after a while: its client may be away
// then, or in another session.
bool ServerNode::on_request(session::ServerSession& session, const session::PendingRequest& pending,
                            const wire::RequestView& request) {
    world_.trace("is asked by " + session.user() + ": " + request.id.str().substr(0, 8));
    requests_.server_asked(session, request, pending.lane);
    if (kept_) return false;
    answer(process_->router().home_of(session.user()), pending, std::string(request.body), 0);
    return true;
}

void ServerNode::answer(std::uint32_t worker, const session::PendingRequest& pending, const std::string& body,
                        std::size_t number) {
    const Duration takes = world_.chance.between(0ms, world_.chance.one_in(8) ? 6s : 30ms);
    world_.after(takes, [this, life = life_, worker, pending, body, number] {
        if (life != life_) return;
        const std::string piece = RequestLedger::piece(body, number);
        wire::ResponseView response;
        response.body = piece;
        response.more = number + 1 != RequestLedger::pieces_of(body);
        SimWorker& at = process_->worker(worker);
        at.turn([&] {
            const auto sent = at.shard().table().respond(pending, response, world_.now());
            if (sent && response.more) answer(worker, pending, body, number + 1);
        });
    });
}

// ---- what the application of the server does ----

HandlerResult ServerNode::handle(const Message& message) {
    ledger_.server_acts(life_, message.id, read_letter(world_, message.payload.view()));
    if (world_.chance.one_in(40)) {
        world_.happened("failing handler");
        return Failure(errc::handler_failed, "it failed");
    }
    const Letter answer{"reply", ++pushed_};
    return Message("echo", Bytes(write_letter(answer.conversation, answer.ordinal,
                                              std::min<std::size_t>(message.payload.size(), 2'000))));
}

void ServerNode::stop_handling(bool stopped) { process_->stall_pool(stopped); }

void ServerNode::push(const std::string& user) {
    const Letter letter{"push", ++pushed_};
    const std::string payload = write_letter(letter.conversation, letter.ordinal,
                                             world_.chance.one_in(30) ? 90'000 : 20 + world_.chance.below(400));
    wire::DataView view;
    view.from = kServerTarget;
    view.message.emplace();
    view.message->id = world_.chance.uuid();
    view.message->type = "push";
    view.message->payload = payload;
    view.message->to = user;
    const auto forms = std::make_shared<wire::Forms>(wire::encode(view));
    process_->router().give(process_->router().home_of(user), [user, forms](server::Shard& shard) {
        (void)shard.users().deliver(user, kServerTarget, *forms, Priority::normal);
    });
}

// ---- and in conversations ----

void ServerNode::give(const Uuid& id, const std::string& room, std::string payload,
                      std::optional<im::Command> command) {
    LogBook::Sent sent;
    sent.writer = "application." + std::to_string(life_);
    sent.user = kServerTarget;
    sent.key = LogBook::key_of(kServerTarget, room);
    sent.payload = payload;
    sent.changes = command.has_value();
    server::ApplicationCall call;
    call.key = sent.key;
    call.id = id;
    if (command) {
        server::ApplicationChange change;
        change.command = [command = std::move(*command)](std::uint32_t, std::vector<im::command::Person>) {
            return command;
        };
        call.what = std::move(change);
    } else {
        server::ApplicationText text;
        text.message = Message("news", Bytes(payload));
        call.what = std::move(text);
    }
    kept_->book.sends(id, std::move(sent));
    const auto calls = std::make_shared<std::vector<server::ApplicationCall>>();
    calls->push_back(std::move(call));
    // What one worker is given keeps its order.
    const std::uint32_t worker = process_->router().home_of(calls->front().key.text());
    process_->router().give(worker, [this, calls](server::Shard& shard) {
        shard.conversations()->calls.take(std::move(*calls), [this](const std::vector<im::effect::Answer>& answers) {
            const bool stored = answers.front().code == errc::ok;
            world_.happened(stored ? "call of the application" : "call of the application that was refused");
        });
    });
}

std::uint64_t ServerNode::unix_ms() const {
    return static_cast<std::uint64_t>(server::unix_ms(process_->worker(0).wall_clock()));
}

void ServerNode::announce(const std::vector<std::string>& rooms) {
    const Uuid id = world_.chance.uuid();
    for (const std::string& room : rooms) give(id, room, "to everybody in " + room, std::nullopt);
}

void ServerNode::change(const std::string& room, im::Command command) {
    give(world_.chance.uuid(), room, {}, std::move(command));
}

void ServerNode::erase(const std::string& user) {
    world_.trace("the application has " + user + " erased");
    process_->router().give(0, [this, user](server::Shard& shard) {
        shard.conversations()->erasing.erase(user, [this, user](errc code) {
            if (code != errc::ok) return world_.happened("erasure that was refused");
            kept_->book.erasure_answered(user);
            world_.happened("erasure");
        });
    });
}

template <typename Each>
void ServerNode::for_each_session(const Each& each) {
    for (std::uint32_t i = 0; i < ServerProcess::kWorkers; ++i) {
        session::SessionTable& table = process_->worker(i).shard().table();
        std::map<std::string, session::ServerSession*> sorted;  // the table's own order depends on its history
        table.for_each([&](session::ServerSession& session) { sorted[session.id().value.str()] = &session; });
        for (const auto& [id, session] : sorted) each(process_->worker(i), *session);
    }
}

void ServerNode::kick() {
    std::vector<std::pair<SimWorker*, session::ServerSession*>> all;
    for_each_session([&](SimWorker& worker, session::ServerSession& session) { all.emplace_back(&worker, &session); });
    if (all.empty()) return;
    const auto [worker, session] = all[world_.chance.below(all.size())];
    ledger_.cut_short_by_server(session->id());
    worker->turn([&] { worker->shard().table().end(*session, errc::kicked, "thrown out", 0, world_.now()); });
}

void ServerNode::shut_down_and_restart() {
    if (process_->stopping()) return;
    for_each_session([&](SimWorker&, session::ServerSession& session) { ledger_.cut_short_by_server(session.id()); });
    process_->begin_stop();
    world_.after(6s, [this, life = life_] {
        if (life == life_) crash_and_restart();
    });
}

// ---- checks ----

void ServerNode::check_bounds() {
    for_each_session([&](SimWorker&, const session::ServerSession& session) {
        world_.require(session.totals().unacked_frames <= settings_.max_unacked_frames,
                       "unacknowledged frames stay within their bound");
        world_.require(session.carriers().size() <= 8, "a session has at most 8 carriers");
    });
}

void ServerNode::check_at_rest(std::size_t clients) {
    std::size_t sessions = 0;
    for_each_session([&](SimWorker&, session::ServerSession& session) {
        ++sessions;
        world_.require(session.presence() == session::Presence::attached, "every session has its client back");
        const session::SendTotals& totals = session.totals();
        world_.require(totals.queued_frames == 0 && totals.unacked_frames == 0, "every lane is drained");
        ledger_.compare(session.id(), true);
    });
    world_.require(sessions == clients, "one session for each client, no ghosts");
}

void ServerNode::tear_down() {
    for_each_session([&](SimWorker& worker, session::ServerSession& session) {
        worker.turn([&] { worker.shard().table().end(session, errc::kicked, "the end", 0, world_.now()); });
    });
    world_.run_until(world_.now() + 60s);
    for (std::uint32_t i = 0; i < ServerProcess::kWorkers; ++i)
        world_.require(process_->worker(i).shard().table().size() == 0, "ended sessions go");
    // What is left of them counts until it is forgotten.
    world_.run_until(world_.now() + settings_.dedupe_retention() + settings_.tombstone_life + 5min);
    for (std::uint32_t i = 0; i < ServerProcess::kWorkers; ++i)
        world_.require(process_->worker(i).shard().budget().used() == 0, "the server's budget returns to zero");
}

void ServerNode::check_conversations() const {
    if (!kept_) return;
    for (std::uint32_t i = 0; i < ServerProcess::kWorkers; ++i) {
        process_->worker(i).shard().conversations()->home.check_invariants();
        process_->worker(i).shard().conversations()->states.check_invariants();
    }
}

void ServerNode::check_invariants() const {
    for (std::uint32_t i = 0; i < ServerProcess::kWorkers; ++i) {
        auto& shard = process_->worker(i).shard();
        world_.require(shard.table().check_invariants() <= shard.budget().used(), "what is held is in the budget");
    }
}

}  // namespace flare::sim
