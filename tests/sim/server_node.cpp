#include "sim/server_node.hpp"

#include <map>
#include <optional>
#include <set>

namespace flare::sim {

using namespace std::chrono_literals;
using session::CarrierKey;

namespace {

// The epoch of the first Activate in a batch; 0: there is none.
std::uint64_t activate_in(std::string_view batch) {
    wire::BatchReader reader(batch);
    wire::FrameView frame;
    while (!reader.done() && reader.next(frame)) {
        if (frame.kind == wire::FrameKind::activate) return wire::decode_activate(frame.body)->epoch;
    }
    return 0;
}

}  // namespace

// One carrier on the server's side.
struct ServerNode::Peer {
    CarrierKey key = 0;
    std::shared_ptr<Carrier> carrier;
    Who who = Who::client;
    std::unique_ptr<const session::TicketChallenge> challenge;  // of the Refused before; null: none
    bool attached = false;
    bool busy = false;  // authenticating or being handed over: what arrives waits
    std::vector<std::string> waiting;
    std::size_t home = 0;
    std::uint32_t hellos = 0;
};

// One home worker.
struct ServerNode::Home final : session::SessionTableListener {
    Home(ServerNode& node_, Process& process_, std::size_t index_, const session::TicketKeys* keys)
        : node(node_),
          process(process_),
          index(index_),
          shared_budget(node.budget_bytes_),
          budget(shared_budget, 4096),
          table(node.settings_, static_cast<std::uint32_t>(index_), node.world_.now(), node.world_.chance, budget,
                *this, keys) {}

    void on_session_created(session::ServerSession& session) override {
        node.ledger_.created(node.life_, attempt_of(session.id()), session.id());
        node.world_.trace("created " + session.user());
    }
    void on_session_ended(session::ServerSession& session, errc reason, const std::string&) override {
        node.ledger_.ended(session.id(), reason);
        node.world_.trace("ended " + session.user() + " " + std::string(name(reason)));
    }
    void on_presence(session::ServerSession&) override {}
    void on_carrier_attached(session::ServerSession&, CarrierKey) override {}
    void on_carrier_detached(session::ServerSession&, CarrierKey) override {}
    void on_heartbeat(session::ServerSession&) override {}
    void on_credential(session::ServerSession&, std::string_view) override {}
    void on_message(session::ServerSession& session, session::PendingMessage&& handling, const wire::DataView& data,
                    const Bytes&) override;
    void close_carrier(CarrierKey key, errc, const std::string&) override;
    void output_ready(CarrierKey key) override;
    void on_peer_error(const session::ServerSession*, CarrierKey key, errc code, const std::string& text) override;
    void write(CarrierKey key);
    // A session that replaces another one is made by a Hello and told of when its client is heard.
    Uuid attempt_of(const session::SessionId& id) const;
    void answer(const session::PendingMessage& handling, session::Receipt receipt, const session::Reply* reply);

    ServerNode& node;
    Process& process;
    const std::size_t index;
    session::SharedBudget shared_budget;
    session::Budget budget;
    Uuid attempt_under_way;
    session::SessionTable table;
    TimePoint wake_at = session::kNever;
};

struct ServerNode::Process {
    explicit Process(std::uint64_t number) : life(number), keys(std::string(32, 'k'), {}, process_name(number)) {}

    static std::string process_name(std::uint64_t number) {
        std::string name = std::to_string(number);
        return name.insert(0, session::TicketKeys::kProcessBytes - name.size(), '0');
    }

    std::uint64_t life;
    session::TicketKeys keys;
    std::map<CarrierKey, Peer> peers;
    std::array<std::unique_ptr<Home>, 2> homes;
    std::map<session::SessionId, Uuid> latest_attempt;
    std::map<Uuid, TimePoint> attempts;                         // that attached something, and when last
    std::set<std::pair<Uuid, std::uint64_t>> taken;             // Hellos that attached something: attempt and epoch
    std::map<session::SessionId, std::uint64_t> highest_taken;  // epoch, of each session
    std::map<session::SessionId, std::uint64_t> activated;      // the highest epoch of an Activate, of each session
    std::map<session::SessionId, session::SessionId> honoured;  // a lost session, and what its ticket has made
};

ServerNode::ServerNode(World& world, Ledger& ledger, session::Settings settings, std::size_t budget_bytes)
    : world_(world),
      ledger_(ledger),
      settings_(settings),
      budget_bytes_(budget_bytes),
      tickets_last_(world.chance.one_in(2)) {
    crash_and_restart();
}

ServerNode::~ServerNode() = default;

std::uint32_t ServerNode::home_of(const std::string& user) const { return session::home_of(user, 2); }

void ServerNode::crash_and_restart() {
    if (process_) {
        for (auto& [key, peer] : process_->peers) peer.carrier->cut(world_.chance.one_in(4));
        process_.reset();
        ledger_.all_gone();
    }
    process_ = std::make_unique<Process>(++life_);
    const session::TicketKeys* const keys = tickets_last_ ? &process_->keys : nullptr;
    for (std::size_t i = 0; i < 2; ++i) process_->homes[i] = std::make_unique<Home>(*this, *process_, i, keys);
}

// Runs only if the process that planned it still lives then.
void ServerNode::later(Duration delay, std::function<void()> run) {
    world_.after(delay, [this, life = life_, run = std::move(run)] {
        if (life == life_) run();
    });
}

void ServerNode::schedule(Process& process, std::size_t home) {
    Home& at = *process.homes[home];
    const TimePoint next = std::max(at.table.next_deadline(), world_.now());
    if (at.table.next_deadline() == session::kNever || next >= at.wake_at) return;
    at.wake_at = next;
    later(next - world_.now(), [this, home] {
        Home& woken = *process_->homes[home];
        woken.wake_at = session::kNever;
        woken.table.on_time(world_.now());
        schedule(*process_, home);
    });
}

// What an intruder may say with success, whatever sessions do: a token that has made nothing in this process lately,
// and a resume that its client has not brought yet. Whoever can read or hold these back needs no replay; TLS is the
// answer (docs/threat-model.md, "Resume tickets").
bool ServerNode::is_credential(const wire::Hello& hello) const {
    const bool taken = process_->taken.contains({hello.attempt_id, hello.epoch});
    if (!hello.resume) {
        const auto seen = process_->attempts.find(hello.attempt_id);
        const bool remembered =
            seen != process_->attempts.end() && world_.now() - seen->second < settings_.dedupe_window;
        return hello.token == kToken && !(taken && remembered);
    }
    const auto id = session::session_in_ticket(hello.resume->ticket);
    if (taken || !id) return false;
    const auto highest = process_->highest_taken.find(*id);
    if (highest == process_->highest_taken.end()) return false;  // of a process before
    return hello.epoch > highest->second || process_->latest_attempt.at(*id) == hello.attempt_id;
}

void ServerNode::accept(std::shared_ptr<Carrier> carrier, Who who) {
    constexpr std::size_t kOverheard = 40;
    if (who == Who::client) {
        if (overheard_.size() == kOverheard) overheard_.erase(overheard_.begin());
        overheard_.push_back(carrier);
    }
    const CarrierKey key = next_key_++;
    Peer& made = process_->peers[key];
    made.key = key;
    made.carrier = carrier;
    made.who = who;
    const std::uint64_t life = life_;

    // What a peer sends goes to Hello, to its session, or waits.
    const auto receive = [this, life, key](std::string_view bytes, auto&& self) -> void {
        if (life != life_) return;
        const auto found = process_->peers.find(key);
        if (found == process_->peers.end()) return;
        Peer& peer = found->second;
        if (peer.busy) {
            peer.waiting.emplace_back(bytes);
            return;
        }
        if (peer.attached) {
            const std::size_t at = peer.home;
            session::SessionTable& table = process_->homes[at]->table;
            const std::uint64_t epoch = activate_in(bytes);
            const session::ServerSession* const before = epoch == 0 ? nullptr : table.by_carrier(key);
            if (before != nullptr) {
                std::uint64_t& highest = process_->activated[before->id()];
                const bool stale = epoch < highest;
                const bool active = before->active() == key;
                highest = std::max(highest, epoch);
                table.on_batch(key, bytes, world_.now());
                const session::ServerSession* const after = table.by_carrier(key);
                world_.require(!stale || active || after == nullptr || after->active() != key,
                               "a stale activate does not take sending away");
            } else {
                table.on_batch(key, bytes, world_.now());
            }
            return schedule(*process_, at);
        }
        std::string_view rest;
        auto hello = session::read_hello(bytes, rest);
        if (!hello) {
            world_.trace("no hello on carrier " + std::to_string(key));
            world_.require(peer.who != Who::client, "an honest client begins with a hello");
            peer.carrier->close(Side::server);
            process_->peers.erase(found);
            return;
        }
        std::uint32_t home = home_of(hello->user);
        if (hello->resume) {
            if (const auto place = session::place_in_ticket(hello->resume->ticket)) home = base::worker_of(*place, 2);
        }
        if (hello->resume && world_.chance.one_in(3)) {
            // In early data; the handshake of a copy is never completed.
            world_.happened(peer.who != Who::client ? "replayed early data" : "early data");
            process_->homes[home]->table.take_early(*hello, rest, world_.now());
            schedule(*process_, home);
        }
        if (peer.who == Who::repeater && is_credential(*hello)) {
            peer.carrier->close(Side::server);
            process_->peers.erase(found);
            return;
        }
        ++peer.hellos;
        peer.busy = true;
        world_.trace("hello " + std::to_string(peer.hellos) + " of " + hello->user + "." + hello->device +
                     " on carrier " + std::to_string(key) + (hello->resume ? ", resumes" : "") +
                     (rest.empty() ? "" : ", more behind it"));
        later(world_.chance.between(0ms, 30ms), [this, key, home, self, hello = std::move(*hello),
                                                 first_flight = std::string(rest)] {
            const auto again = process_->peers.find(key);
            if (again == process_->peers.end()) return;
            Peer& arrived = again->second;
            Home& at = *process_->homes[home];
            arrived.busy = false;
            arrived.home = home;
            arrived.attached = true;
            at.attempt_under_way = hello.attempt_id;
            session::SessionCredential identity{hello.user};
            auto refused = hello.resume ? resume(at, arrived, hello) : begin(at, arrived, hello, identity);
            if (refused) {
                world_.trace("refused " + hello.user + " " + std::string(name(refused->code)));
                arrived.attached = false;
                wire::Batch batch;
                session::write_refusal(batch, *refused);
                arrived.carrier->send(Side::server, batch.str());
                if (!session::SessionTable::may_say_hello_again(refused->code) || arrived.hellos >= 2) {
                    arrived.carrier->close(Side::server);
                    process_->peers.erase(again);
                    return;
                }
            } else {
                process_->attempts[hello.attempt_id] = world_.now();
                const session::SessionId id = at.table.by_carrier(key)->id();
                world_.require(arrived.who == Who::client, "who repeats or forges attaches nothing");
                const auto latest = process_->latest_attempt.find(id);
                const bool overtaken = latest != process_->latest_attempt.end() && latest->second != hello.attempt_id &&
                                       hello.epoch < process_->highest_taken[id];
                world_.require(!overtaken, "a hello of an earlier connect attaches nothing");
                process_->latest_attempt[id] = hello.attempt_id;
                process_->taken.emplace(hello.attempt_id, hello.epoch);
                std::uint64_t& highest = process_->highest_taken[id];
                highest = std::max(highest, hello.epoch);
                if (identity.ticket_of) {
                    world_.happened("honoured ticket");
                    world_.require(process_->honoured.try_emplace(*identity.ticket_of, id).first->second == id,
                                   "the tickets of a lost session make one session");
                }
                schedule(*process_, home);
                if (!first_flight.empty()) {
                    world_.happened("first flight");
                    self(first_flight, self);
                }
            }
            if (!process_->peers.contains(key)) return;
            const auto waiting = std::move(arrived.waiting);
            arrived.waiting.clear();
            for (const std::string& batch : waiting) self(batch, self);
        });
    };
    carrier->connect(Side::server, {[receive](std::string_view bytes) { receive(bytes, receive); },
                                    [this, life, key] {
                                        if (life != life_) return;
                                        const auto found = process_->peers.find(key);
                                        if (found != process_->peers.end() && found->second.attached)
                                            process_->homes[found->second.home]->write(key);
                                    },
                                    [this, life, key] {
                                        if (life != life_) return;
                                        const auto found = process_->peers.find(key);
                                        if (found == process_->peers.end()) return;
                                        const std::size_t home = found->second.home;
                                        const bool attached = found->second.attached;
                                        process_->peers.erase(found);
                                        if (!attached) return;
                                        process_->homes[home]->table.carrier_gone(key, world_.now());
                                        schedule(*process_, home);
                                    }});
}

std::optional<wire::Refused> ServerNode::resume(Home& home, Peer& peer, const wire::Hello& hello) {
    auto refused = home.table.attach_resumed(peer.key, hello, world_.now());
    if (!refused || refused->code != errc::session_unknown || !tickets_last_) return refused;
    peer.challenge = session::challenge_ticket(process_->keys, hello, world_.chance);
    if (peer.challenge) refused->challenge = peer.challenge->bytes;
    return refused;
}

// With a token, or with the proof of a ticket in its place.
std::optional<wire::Refused> ServerNode::begin(Home& home, Peer& peer, const wire::Hello& hello,
                                               session::SessionCredential& identity) {
    const auto challenge = std::move(peer.challenge);
    if (challenge && session::answers(*challenge, hello) && home.table.may_honour(challenge->identity.session, hello)) {
        identity.ticket_of = challenge->identity.session;
    } else if (hello.token != kToken) {
        wire::Refused refused;
        refused.code = errc::unauthenticated;
        return refused;
    }
    return home.table.attach_new(peer.key, hello, identity, world_.now());
}

// ---- a home worker ----

Uuid ServerNode::Home::attempt_of(const session::SessionId& id) const {
    const auto known = process.latest_attempt.find(id);
    return known == process.latest_attempt.end() ? attempt_under_way : known->second;
}

void ServerNode::Home::output_ready(CarrierKey key) {
    node.world_.after(0ms, [&node_ = node, life = process.life, home = index, key] {
        if (life == node_.life_) node_.process_->homes[home]->write(key);
    });
}

void ServerNode::Home::write(CarrierKey key) {
    const auto found = process.peers.find(key);
    if (found == process.peers.end() || !found->second.carrier->writable(Side::server)) return;
    wire::Batch batch;
    const bool more = table.write(key, batch, node.world_.now(), 8192);
    if (!batch.empty()) found->second.carrier->send(Side::server, batch.str());
    if (more) output_ready(key);
    node.schedule(process, index);
}

void ServerNode::Home::close_carrier(CarrierKey key, errc, const std::string&) {
    node.world_.after(0ms, [&node_ = node, life = process.life, home = index, key] {
        if (life != node_.life_) return;
        Process& process_ = *node_.process_;
        process_.homes[home]->write(key);
        const auto found = process_.peers.find(key);
        if (found == process_.peers.end()) return;
        found->second.carrier->close(Side::server);
        process_.peers.erase(found);
        process_.homes[home]->table.carrier_gone(key, node_.world_.now());
    });
}

void ServerNode::Home::on_peer_error(const session::ServerSession*, CarrierKey key, errc code,
                                     const std::string& text) {
    const auto found = process.peers.find(key);
    const bool intruder = found != process.peers.end() && found->second.who != Who::client;
    if (!intruder && code != errc::stale_carrier) {
        node.world_.violated("two honest sides find no fault with each other: " + std::string(name(code)) + " " + text);
    }
}

void ServerNode::Home::answer(const session::PendingMessage& handling, session::Receipt receipt,
                              const session::Reply* reply) {
    table.finish(handling, std::move(receipt), reply, node.world_.now());
    node.schedule(process, index);
}

void ServerNode::Home::on_message(session::ServerSession& session, session::PendingMessage&& handling,
                                  const wire::DataView& data, const Bytes&) {
    World& world = node.world_;
    const Letter letter = read_letter(world, data.message->payload);
    world.require(data.first_sent_ms_ago > 0 || !node.ledger_.acted_on(handling.message_id),
                  "what was acted on before comes again as a repeat");
    node.ledger_.server_acts(process.life, handling, letter);
    const std::string to(data.message->to);
    const std::uint64_t life = process.life;
    ServerNode& at = node;
    const std::size_t here = index;
    if (to == kServerTarget) {
        // A handler: sometimes slow, sometimes failing; its reply has the size of the question.
        const Duration takes =
            at.handlers_stopped_ ? Duration(20s) : world.chance.between(0ms, world.chance.one_in(20) ? 3000ms : 20ms);
        if (takes > 1s) world.happened("slow handler");
        const bool fails = world.chance.one_in(40);
        if (fails) world.happened("failing handler");
        auto act = [&at, life, here, fails, handling = std::move(handling), size = data.message->payload.size()] {
            if (life != at.life_) return;
            Home& home = *at.process_->homes[here];
            if (fails)
                return home.answer(handling, {wire::ReceiptStatus::refused, errc::handler_failed, "it failed", 0},
                                   nullptr);
            const session::ServerSession* asker = home.table.find(handling.session);
            const bool room = asker != nullptr && at.budget_bytes_ > 1'000'000 &&
                              asker->queued_frames() < at.settings_.max_queued_frames / 2 &&
                              asker->queued_bytes() < at.settings_.max_queued_bytes / 2;
            // Only a reply that surely finds room is promised to arrive.
            if (!room) return home.answer(handling, {wire::ReceiptStatus::handled, errc::ok, {}, 0}, nullptr);
            const Letter answer{"reply" + std::to_string(handling.lane), ++at.pushed_};
            const std::string payload =
                write_letter(answer.conversation, answer.ordinal, std::min<std::size_t>(size, 2'000));
            session::Reply reply{kServerTarget, {}};
            wire::MessageView& view = reply.message;
            view.id = at.world_.chance.uuid();
            view.type = "echo";
            view.payload = payload;
            view.to = handling.user;
            at.ledger_.session_takes(handling.session, answer);
            home.answer(handling, {wire::ReceiptStatus::handled, errc::ok, {}, 0}, &reply);
        };
        if (takes < 2ms) return act();  // in the middle of the batch that brought the message
        world.after(takes, std::move(act));
        return;
    }
    // To a user: by mail to that user's home, and back.
    const std::string payload(data.message->payload);
    const Uuid id = handling.message_id;
    const std::string from = session.user();
    const std::uint32_t home = at.home_of(to);
    const std::string target = to;
    // Mail between two workers keeps its order: one delay for the world's whole life.
    world.after(home == here ? Duration(0) : Duration(2ms), [&at, life, here, home, target, from, payload, id,
                                                             handling = std::move(handling)] {
        if (life != at.life_) return;
        Home& there = *at.process_->homes[home];
        wire::DataView view;
        view.from = from;
        view.message.emplace();
        view.message->id = id;
        view.message->type = "chat";
        view.message->payload = payload;
        view.message->to = target;
        const wire::Body body = wire::encode(view);
        (void)there.table.send_to_user(target, from, body, Priority::normal, at.world_.now());
        at.schedule(*at.process_, home);
        at.world_.after(2ms, [&at, life, here, handling] {
            if (life != at.life_) return;
            at.process_->homes[here]->answer(handling, {wire::ReceiptStatus::delivered, errc::ok, {}, 0}, {});
        });
    });
}

// ---- what the application of the server does ----

void ServerNode::push(const std::string& user) {
    const std::uint32_t home = home_of(user);
    Home& at = *process_->homes[home];
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
    const wire::Body body = wire::encode(view);
    for (session::ServerSession* session : at.table.of_user(user)) {
        if (at.table.send(*session, session::lane_of("push", session->lanes()), body, Priority::normal, world_.now())) {
            ledger_.session_takes(session->id(), letter);
        }
    }
    schedule(*process_, home);
}

void ServerNode::kick() {
    Home& home = *process_->homes[world_.chance.below(2)];
    std::map<std::string, session::ServerSession*> sorted;
    home.table.for_each([&](session::ServerSession& session) { sorted[session.user() + session.device()] = &session; });
    if (sorted.empty()) return;
    const auto chosen = std::next(sorted.begin(), static_cast<std::ptrdiff_t>(world_.chance.below(sorted.size())));
    ledger_.cut_short_by_server(chosen->second->id());
    home.table.end(*chosen->second, errc::kicked, "thrown out", 0, world_.now());
    schedule(*process_, home.index);
}

void ServerNode::shut_down_and_restart() {
    for (const auto& home : process_->homes) {
        home->table.for_each([&](session::ServerSession& session) {
            ledger_.cut_short_by_server(session.id());
            home->table.end(session, errc::shutting_down, "another version", 0, world_.now());
        });
        schedule(*process_, home->index);
    }
    later(6s, [this] { crash_and_restart(); });
}

// ---- checks ----

void ServerNode::check_bounds() {
    for (const auto& home : process_->homes) {
        home->table.for_each([&](const session::ServerSession& session) {
            world_.require(session.unacked_frames() <= settings_.max_unacked_frames,
                           "unacknowledged frames stay within their bound");
            world_.require(session.carriers().size() <= 8, "a session has at most 8 carriers");
        });
    }
}

void ServerNode::check_at_rest(std::size_t clients) {
    std::size_t sessions = 0;
    for (const auto& home : process_->homes) {
        home->table.for_each([&](session::ServerSession& session) {
            ++sessions;
            world_.require(session.presence() == session::Presence::attached, "every session has its client back");
            world_.require(session.queued_frames() == 0 && session.unacked_frames() == 0, "every lane is drained");
            ledger_.compare(session.id(), true);
        });
    }
    world_.require(sessions == clients, "one session for each client, no ghosts");
}

void ServerNode::tear_down() {
    for (const auto& home : process_->homes) {
        home->table.for_each([&](session::ServerSession& session) {
            home->table.end(session, errc::kicked, "the end", 0, world_.now());
        });
    }
    world_.run_until(world_.now() + 60s);
    for (const auto& home : process_->homes) {
        world_.require(home->table.size() == 0, "ended sessions go");
    }
    // What is left of them counts until it is forgotten.
    world_.run_until(world_.now() + settings_.dedupe_retention() + settings_.tombstone_life + 5min);
    for (const auto& home : process_->homes)
        world_.require(home->budget.used() == 0, "the server's budget returns to zero");
}

void ServerNode::check_invariants() const {
    for (const auto& home : process_->homes)
        world_.require(home->table.check_invariants() == home->budget.used(), "the budget is what is held");
}

}  // namespace flare::sim
