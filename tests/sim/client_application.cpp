// What the application of a client does: it sends, asks, listens, stops and begins anew.
#include "sim/client_node.hpp"

namespace flare::sim {

using namespace std::chrono_literals;

void ClientNode::send(const std::string& target, std::size_t size) {
    const std::string conversation = name() + ">" + target;
    const std::uint64_t ordinal = ordinals_[conversation] + 1;
    const std::string payload = write_letter(conversation, ordinal, size);
    wire::MessageView message;
    message.id = world_.chance.uuid();
    message.type = "chat";
    message.payload = payload;
    message.to = target;
    const bool goes_into_log = book_ != nullptr && target != kServerTarget;
    LogBook::Sent sent;
    if (goes_into_log) think_of_about(LogBook::key_of(settings_.user, target), sent);
    wire::About says{sent.reply_to, sent.flags, {sent.names.begin(), sent.names.end()}};
    const std::string about = says.says_something() ? wire::encode(says) : std::string();
    message.about = about;
    const auto queued = session_->send(message, Priority::normal, world_.now(), true);
    if (!queued) return world_.happened("outbox refused");
    ordinals_[conversation] = ordinal;
    sent_.insert(message.id);
    targets_[message.id] = target;
    ledger_.client_sends(message.id, conversation, ordinal);
    if (goes_into_log) {
        sent.writer = name();
        sent.user = settings_.user;
        sent.key = LogBook::key_of(settings_.user, target);
        sent.payload = payload;
        book_->sends(message.id, std::move(sent));
    }
    schedule();
}

// Now and then a message answers another one, perhaps one that is not there, names users, members or not, or all; or it
// is silent.
void ClientNode::think_of_about(const model::ConversationKey& key, LogBook::Sent& sent) {
    Chance& chance = world_.chance;
    if (!chance.one_in(4)) return;
    if (chance.one_in(2)) {
        if (const auto message = book_->some_message(key, chance)) sent.reply_to = message->offset;
        if (chance.one_in(8)) sent.reply_to += 1 + chance.below(50);
    }
    if (chance.one_in(4)) sent.flags |= model::kSilent;
    if (chance.one_in(6)) sent.flags |= model::kMentionAll;
    for (std::uint64_t i = chance.below(4); i > 0; --i) {
        if (std::string user = book_->some_user(chance); !user.empty()) sent.names.push_back(std::move(user));
    }
}

void ClientNode::ask(const std::string& conversation, std::size_t size, bool writes) {
    if (!settings_.conversations) return;
    const std::string ordinals = name() + "?";  // of all its requests, whatever they are about
    const std::uint64_t ordinal = ordinals_[ordinals] + 1;
    const std::string body = write_letter(ordinals, ordinal, size);
    wire::RequestView request;
    request.id = world_.chance.uuid();
    request.verb = writes ? wire::Verb::member_add : wire::Verb::history;
    request.body = body;
    const auto asked = session_->request(request, conversation, world_.now());
    if (!asked) return world_.happened("request refused by the client");
    ordinals_[ordinals] = ordinal;
    requests_.client_asks(request, name(), ordinal);
    schedule();
}

void ClientNode::talk(const std::vector<std::string>& rooms, const std::vector<std::string>& others) {
    if (settings_.conversations) talker_->talk(rooms, others);
}

void ClientNode::ask_for(const Uuid& id, const Talker::Request& request) {
    if (settings_.conversations) talker_->ask(id, request);
}

void ClientNode::listen(const std::vector<std::string>& rooms) {
    if (!settings_.conversations || !listener_) return;
    const std::string& room = rooms[world_.chance.below(rooms.size())];
    if (world_.chance.one_in(3)) listener_->read(world_.chance);
    if (world_.chance.one_in(8)) {
        listener_->unsubscribe(room);
    } else {
        std::optional<Listener::Place> after;
        const auto place = places_.find(room);
        if (place != places_.end() && !world_.chance.one_in(4)) after = place->second;
        listener_->subscribe(room, after);
        if (world_.chance.one_in(2)) places_ = listener_->places();
    }
    schedule();
}

void ClientNode::read(Chance& chance) {
    if (!settings_.conversations || !listener_) return;
    listener_->read(chance);
    schedule();
}

void ClientNode::mark_unread(Chance& chance) {
    if (!settings_.conversations || !listener_) return;
    listener_->mark_unread(chance);
    schedule();
}

void ClientNode::ask_readers(Chance& chance) {
    if (!settings_.conversations || !listener_) return;
    listener_->ask_readers(chance);
    schedule();
}

void ClientNode::choose(Chance& chance) {
    if (!settings_.conversations || !listener_) return;
    listener_->choose(chance);
    schedule();
}

bool ClientNode::ask_room(const wire::RequestView& request, const std::string& room) {
    if (!session_->request(request, room, world_.now())) return false;
    requests_.client_asks(request, name(), ++ordinals_[name() + "?"]);
    schedule();
    return true;
}

void ClientNode::stop_consuming(bool stopped) {
    consuming_ = !stopped;
    if (stopped) return;
    const auto held = std::move(held_);
    held_.clear();
    for (const Held& each : held) session_->consumed(each.lane, each.cost, world_.now());
    schedule();
}

void ClientNode::disconnect() {
    if (!wanted_ || !session_->attached()) return;
    world_.happened("client disconnects");
    wanted_ = false;
    lost_carrier_ = false;
    disconnect_at_ = world_.now();
    connectivity_->disconnect(world_.now());
    session_->disconnect(world_.now());
    schedule();
}

void ClientNode::crash_and_restart() {
    world_.happened("client crash");
    ledger_.client_dies(name() + ">");
    requests_.client_dies(name());
    for (auto& [key, open] : carriers_) open.carrier->cut(world_.chance.one_in(3));
    carriers_.clear();
    wanted_ = true;
    make_session();
    gap_told_ = false;
    connect(world_.chance.between(100ms, 3s));
}

}  // namespace flare::sim
