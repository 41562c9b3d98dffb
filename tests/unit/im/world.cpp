#include "world.hpp"

#include "im/planted.hpp"
#include "support.hpp"

#include <algorithm>
#include <cstdio>

namespace flare::im::test {
World::Counts& World::Counts::operator+=(const Counts& other) {
    stored += other.stored, refused += other.refused, put_off += other.put_off, repeats += other.repeats;
    joined += other.joined, crashes += other.crashes, unknown += other.unknown, changes += other.changes;
    held += other.held, dropped += other.dropped;
    invited += other.invited, accepted += other.accepted, ended += other.ended;
    return *this;
}

World::World(std::uint64_t seed, bool trace) : random_(seed), trace_(trace) {
    now_ = {std::chrono::steady_clock::time_point(100h), kUnixNow};
    limits_.device = {2 + any(20), 3 + any(20)};
    limits_.conversation = {10 + any(50), 6 + any(60)};
    limits_.waiting = 4 + any(40);
    limits_.more_repeats = 4096;  // a repeat that finds no room would hear "busy" of what may be in the log
    limits_.group = 1 + any(8);
    limits_.listed_members = any(2) == 0 ? 256 : 2;
    limits_.looked_up_members = 8;
    limits_.max_invitations = 2;
    limits_.max_invited = 1;
    limits_.held_for = 1h;
    const std::uint64_t users = 3 + any(3);
    for (Row user = 1; user <= users; ++user)
        members_[user] = {.user = user,
                          .role = user == 1   ? model::Role::owner
                                  : user == 2 ? model::Role::admin
                                              : model::Role::member,
                          .joined_at = user};
    if (any(4) == 0) config_.slow_mode_ms = 300;
    for (std::uint64_t n = 1; n <= users + 2; ++n) devices_.push_back({.number = n, .user = 1 + (n - 1) % users});
    devices_.push_back({.number = users + 3});  // the server's application, which changes the room now and then
    start();
}

void World::fail(std::string what) {
    if (violation_.empty()) violation_ = std::move(what);
}

void World::note(const char* what, std::uint64_t device, std::uint64_t number, std::string_view more) const {
    if (!trace_) return;
    std::printf("%6llu %s: device %llu, message %llu %.*s\n", static_cast<unsigned long long>(now_.unix_ms - kUnixNow),
                what, static_cast<unsigned long long>(device), static_cast<unsigned long long>(number),
                static_cast<int>(more.size()), more.data());
}

std::string World::live(int steps) {
    const int most = steps + 20'000;
    for (int step = 0; step < most && violation_.empty(); ++step) {
        if (step == steps) {
            calm_ = true;
            failed_ = failed_ && unknown_.has_value();
        }
        if (calm_ && all_answered()) return violation_;
        const auto passes = std::chrono::milliseconds(any(calm_ ? 60 : 25));
        now_.steady += passes;
        now_.unix_ms += static_cast<std::uint64_t>(passes.count());
        if (any(100) == 0) slow_ = !calm_ && !slow_;
        switch (any(4)) {
            case 0: store_step(); break;
            case 1: answer_read(); break;
            case 2: turn(); break;
            default:
                for (Device& device = devices_[any(devices_.size())]; any(3) != 0;) device_step(device);
        }
        if (chance(1) && any(4) == 0) crash();
        if (planted_fault == Fault::none) append_->check_invariants();
    }
    if (violation_.empty()) fail("something is never answered");
    return violation_;
}

bool World::all_answered() const {
    return group_.empty() &&
           std::all_of(devices_.begin(), devices_.end(), [](const Device& device) { return device.outbox.empty(); });
}

// ---- devices ----

World::Message* World::find(Device& device, std::uint64_t number) {
    const auto at = std::find_if(device.outbox.begin(), device.outbox.end(),
                                 [&](const Message& each) { return each.number == number; });
    return at == device.outbox.end() ? nullptr : &*at;
}

void World::device_step(Device& device) {
    if (device.session == 0) {
        if (device.connect_at_ms > now_.unix_ms) return;
        device.session = ++sessions_;
        device_of_[device.session] = device.number;
        for (Message& message : device.outbox) {
            message.uncertain |= message.state == Message::sent;
            message.state = Message::queued;
        }
        device.wait_until_ms = 0;
    }
    switch (any(5)) {
        case 0: write(device); break;
        case 1: send_what_may_go(device); break;
        case 2: hear(device); break;
        case 3: deliver(device); break;
        default:
            if (chance(10)) disconnect(device);
    }
}

void World::write(Device& device) {
    if (calm_ || device.outbox.size() > 12) return;
    for (std::uint64_t n = 1 + any(4); n > 0; --n) {
        Message message;
        message.number = ++numbers_;
        message.ordinal = ++device.ordinals;
        message.content = static_cast<std::uint32_t>(random_());
        message.size = static_cast<std::uint32_t>(any(2000));
        if (device.user == 0 || any(device.user <= 2 ? 4 : 12) == 0) {
            message.command = a_command();
        } else if (any(8) == 0) {
            message.edits = any(last_ + 2);
        }
        device.outbox.push_back(message);
    }
}

Command World::a_command() {
    const auto invited = std::ranges::find_if(members_, [](const auto& each) { return each.second.invited(); });
    const Row user = invited != members_.end() && any(2) == 0 ? invited->first : 1 + any(6);
    if (invited != members_.end() && any(4) != 0) {
        if (any(2) == 0) return command::Remove{invited->first};
        return command::Ban{invited->first, now_.unix_ms + any(1000)};
    }
    switch (any(16)) {
        case 0: return command::Mute{user, now_.unix_ms + any(2000)};
        case 1: return command::Remove{user};
        case 2: return command::SetRole{user, any(2) == 0 ? model::Role::reader : model::Role::member};
        case 3: return command::Ban{user, now_.unix_ms + any(1000)};
        case 4: return command::Configure{.slow_mode_ms = static_cast<std::uint32_t>(any(2) * 300)};
        case 5: return command::Configure{.frozen = any(3) == 0};
        case 6: return command::Leave{};
        case 7: return command::SetRole{user, any(2) == 0 ? model::Role::admin : model::Role::owner};
        case 8: return command::Join{};
        case 9:
        case 10: return command::Invite{.users = {{.user = user}, {.user = 1 + any(6), .blocks = any(4) == 0}}};
        case 11: return command::Invite{.users = {{.user = user, .invitations = static_cast<std::uint32_t>(any(2))}}};
        default: return command::Add{.users = {{user}, {1 + any(6)}}};
    }
}

// After a "later" a client waits until everything that it has sent is answered, and sends all again in order.
void World::send_what_may_go(Device& device) {
    if (device.wait_until_ms != 0) {
        if (std::any_of(device.outbox.begin(), device.outbox.end(),
                        [](const Message& each) { return each.state == Message::sent; }))
            return;
        if (now_.unix_ms < device.wait_until_ms) return;
        device.wait_until_ms = 0;
        // Its user loses patience with some.
        std::erase_if(device.outbox, [&](const Message& each) {
            if (each.state != Message::put_off || each.uncertain || !chance(10)) return false;
            note("is given up", device.number, each.number);
            return true;
        });
        for (Message& message : device.outbox) message.state = Message::queued;
    }
    std::uint64_t may_be_sent = 1 + any(6);
    for (Message& message : device.outbox) {
        if (message.state != Message::queued) continue;
        if (may_be_sent-- == 0) break;
        message.state = Message::sent;
        device.to_server.emplace_back(message.number, message.uncertain);
        if (message.first_sent_ms == 0) message.first_sent_ms = now_.unix_ms - 1;
    }
}

void World::hear(Device& device) {
    for (std::uint64_t n = 1 + any(4); n > 0 && !device.to_client.empty(); --n) {
        const effect::Answer answer = device.to_client.front();
        device.to_client.pop_front();
        Message* const message = find(device, number_of(answer.id));
        if (message == nullptr) continue;
        if (is_later(answer.code)) {
            if (answer.retry_after_ms == 0) fail("\"later\" does not say when");
            message->state = Message::put_off;
            device.wait_until_ms = std::max(device.wait_until_ms, now_.unix_ms + answer.retry_after_ms);
        } else {
            std::erase_if(device.outbox, [&](const Message& each) { return each.number == number_of(answer.id); });
        }
    }
}

void World::disconnect(Device& device) {
    note("disconnects", device.number, 0);
    gone_.push_back(device.session);
    device.session = 0;
    device.to_server.clear();
    device.to_client.clear();
    device.connect_at_ms = now_.unix_ms + any(2) * any(200);
}

// What has arrived is given to the home.
void World::deliver(Device& device) {
    for (std::uint64_t n = 1 + any(4); n > 0 && !device.to_server.empty(); --n) {
        const auto [number, repeat] = device.to_server.front();
        device.to_server.pop_front();
        const Message* const message = find(device, number);
        if (message == nullptr) continue;
        Send send;
        send.session = device.session;
        send.place = ++places_;
        send.device = device.number;
        send.sender = device.user;
        send.id = id_of(number);
        send.token = ++tokens_;
        send.content = message->content;
        send.size = message->size;
        send.ref = message->edits;
        if (send.ref != 0) send.kind = model::EntryKind::edit;
        send.asks = number % 3 == 0;
        if (repeat) send.first_sent_ms_ago = now_.unix_ms - message->first_sent_ms;
        counts_.repeats += repeat;
        const bool unread = append_->conversation().state() == Conversation::State::unknown;
        kept_[send.token] = {*message, device.number, unread ? now_.unix_ms : 0, repeat};
        const std::size_t waiting = append_->waiting();
        const bool kept =
            message->command ? append_->change(send, *message->command, now_, out_) : append_->send(send, now_, out_);
        if (!kept) kept_.erase(send.token);
        note(repeat ? "comes again" : "comes", device.number, number, kept ? "" : "(not kept)");
        counts_.joined += !kept && out_.empty();
        if (!kept && append_->waiting() != waiting) fail("what is not kept waits");
        act();
    }
    if (chance(10)) lie();
    std::erase_if(gone_, [&](SessionKey session) {
        if (any(4) != 0) return false;
        note("session is gone", 0, session);
        append_->session_gone(session);
        act();
        return true;
    });
}

// Somebody sends something else under the id of what is in the store.
void World::lie() {
    if (group_.empty()) return;
    const Write& write = group_[any(group_.size())];
    Send send;
    send.session = ++sessions_;
    send.place = ++places_;
    send.sender = devices_[write.what.device - 1].user;
    send.id = id_of(write.what.message.number);
    send.token = ++tokens_;
    send.content = write.what.message.content + 1;
    strangers_.insert(send.session);
    if (append_->send(send, now_, out_)) kept_[send.token] = write.what;
    gone_.push_back(send.session);
    act();
}

// ---- the server's process ----

void World::start() {
    rates_ = std::make_unique<DeviceRates>(limits_.device);
    append_ = std::make_unique<Append>(model::ConversationKey::room("lobby"), limits_, *rates_);
    handed_in_life_.clear();
}

// What was not committed is lost; what was committed and not answered is not.
void World::crash() {
    ++counts_.crashes;
    note("crash", 0, 0);
    if (!unknown_ && !group_.empty() && any(2) == 0) commit(group_);
    group_.clear();
    unknown_.reset();
    failed_ = false;
    out_.clear();
    kept_.clear();
    reads_.clear();
    for (Device& device : devices_) disconnect(device);
    gone_.clear();
    start();
}

void World::act() {
    Group group;
    for (std::size_t i = 0; i < out_.size(); ++i) {
        const Effect effect = out_[i];
        if (const auto* answer = std::get_if<effect::Answer>(&effect)) {
            on(*answer);
        } else if (const auto* entry = std::get_if<effect::AppendEntry>(&effect)) {
            group.push_back({entry->ticket, kept_.at(entry->token), {}, now_.unix_ms});
        } else if (const auto* change = std::get_if<effect::AppendChange>(&effect)) {
            group.push_back({change->ticket, kept_.at(change->token), *change->plan, now_.unix_ms});
            ++counts_.changes;
        } else if (const auto* release = std::get_if<effect::Release>(&effect)) {
            if (kept_.erase(release->token) == 0) fail("something is released twice");
        } else {
            reads_.emplace_back(effect, any(2) == 0);
        }
    }
    out_.clear();
    if (group.empty()) return;
    if (!group_.empty() && planted_fault != Fault::group_not_waited_for) fail("two groups are in the store");
    for (const Write& write : group) {
        if (devices_[write.what.device - 1].user != 0) check_rate(write);
    }
    // Without the promise of the machine the store would have two transactions: whichever it likes first fails.
    if (group_.empty()) {
        group_ = std::move(group);
    } else if (any(2) == 0) {
        answer(group, commit(group));
    } else {
        put_off(group, errc::busy);
    }
}

// In no stretch of time more than the burst and what its rate gives; of repeats that come before the room is read, a
// burst more is looked up.
void World::check_rate(const Write& write) {
    auto& handed = handed_in_life_[write.what.device];
    const bool unread = write.what.counted_ms != 0;
    const Counted counted{unread ? write.what.counted_ms : now_.unix_ms, unread && write.what.repeat};
    const auto later = [](const Counted& one, const Counted& other) { return one.at_ms < other.at_ms; };
    handed.insert(std::upper_bound(handed.begin(), handed.end(), counted, later), counted);
    std::uint64_t repeats = 0;
    for (std::size_t i = handed.size(); i-- > 0;) {
        repeats += handed[i].unread_repeat;
        const std::uint64_t allowed = limits_.device.burst + std::min(repeats, limits_.device.burst) +
                                      (now_.unix_ms - handed[i].at_ms) * limits_.device.per_second / 1000 + 1;
        if (handed.size() - i > allowed) fail("a device sends faster than it may");
    }
}

void World::on(const effect::Answer& answer) {
    const std::uint64_t number = number_of(answer.id);
    if (strangers_.contains(answer.session)) {
        if (answer.code != errc::duplicate_message_id) fail("other content under the same id is taken for a repeat");
        return;
    }
    Device* const device = &devices_[device_of_.at(answer.session) - 1];
    note("answer", device->number, number, name(answer.code));
    const Key key{number, device->user};
    const auto entry = log_.find(key);
    const std::string which = " (message " + std::to_string(number) + ", " + std::string(name(answer.code)) + ")";
    if (answer.code == errc::ok) {
        ++counts_.stored;
        // A change that changes nothing has the position of the newest entry.
        const Message* const message = find(*device, number);
        const bool nothing = message != nullptr && message->command && entry == log_.end();
        if (nothing) left_no_entry_.insert(number);
        if (nothing && answer.position.offset > last_) fail("a position is not in the log" + which);
        if (!nothing && entry == log_.end()) fail("stored, and not in the log" + which);
        if (entry != log_.end() && entry->second.offset != answer.position.offset)
            fail("stored at another position" + which);
    } else {
        // Before the room is read, nobody knows of a repeat; and it may be more than its device may send.
        const bool unread = answer.code == errc::rate_limited && !append_->conversation().present();
        if (entry != log_.end() && !unread) fail("what is in the log is refused" + which);
        if (in_store(key)) fail("what may be committed is refused" + which);
        if (!is_later(answer.code)) left_no_entry_.insert(number);
        counts_.put_off += is_later(answer.code);
        counts_.refused += !is_later(answer.code);
        counts_.held += answer.text.starts_with("a message that was sent before");
        const model::Member& member = members_[device->user];
        if (answer.code == errc::unknown_conversation && member.role != model::Role::none)
            fail("a member is told that it is none" + which);
        const Message* const message = find(*device, number);
        const bool joins =
            message != nullptr && message->command && std::holds_alternative<command::Join>(*message->command);
        if (joins && answer.code == errc::unknown_conversation && member.invited())
            fail("who is invited is told that there is no such room" + which);
        if (answer.code == errc::muted && member.muted_until <= now_.unix_ms) fail("nobody is muted" + which);
    }
    // Else it is gone, and the server does not know yet.
    if (device->session == answer.session) device->to_client.push_back(answer);
}

void World::answer_read() {
    if (reads_.empty()) return;
    const std::size_t at = any(reads_.size());
    const auto [effect, early] = reads_[at];
    reads_.erase(reads_.begin() + static_cast<std::ptrdiff_t>(at));
    read(effect);
    act();
}

void World::read(const Effect& effect) {
    const bool fails = (failed_ && !calm_) || chance(3);
    const errc code = any(2) == 0 ? errc::storage_failed : errc::busy;
    if (std::holds_alternative<effect::LoadConversation>(effect)) {
        if (fails) return append_->not_loaded(code, now_, out_);
        Conversation::Stored stored{.row = kRoomRow, .config = config_};
        stored.head.last = {Home::kEpoch, last_};
        std::vector<model::Member> listed;
        for (const auto& [user, member] : members_) {
            if (member.role != model::Role::none) listed.push_back(member);
        }
        stored.members = listed.size();
        stored.invitations = invitations();
        if (listed.size() > limits_.listed_members) listed.clear();
        append_->loaded(stored, listed, out_);
    } else if (const auto* load = std::get_if<effect::LoadMember>(&effect)) {
        if (fails) return append_->member_not_loaded(load->user, code, now_, out_);
        members_[load->user].user = load->user;
        append_->member_loaded(members_[load->user]);
    } else if (const auto* heirs = std::get_if<effect::FindHeirs>(&effect)) {
        if (fails) return append_->not_looked_up(heirs->ticket, code, now_, out_);
        HeirSearch search(heirs->leaving);
        for (const auto& [user, member] : members_) search.see(member);
        append_->heirs_found(heirs->ticket, heirs->leaving, search);
    } else if (const auto* ref = std::get_if<effect::ReadRef>(&effect)) {
        if (fails) return append_->not_looked_up(ref->ticket, code, now_, out_);
        append_->ref_read(ref->ticket,
                          ref->offset > last_ ? std::optional<About>() : std::optional(entries_[ref->offset - 1]));
    } else if (const auto* look_up = std::get_if<effect::LookUp>(&effect)) {
        if (fails) return append_->not_looked_up(look_up->ticket, code, now_, out_);
        const auto found = log_.find({number_of(look_up->id), look_up->sender});
        std::optional<Append::Found> answer;
        if (found != log_.end())
            answer = {{Home::kEpoch, found->second.offset}, found->second.time_ms, found->second.content};
        append_->looked_up(look_up->ticket, answer, out_);
    } else if (const auto* ask = std::get_if<effect::AskHook>(&effect)) {
        ++counts_.asked;
        const errc says = fails ? errc::busy : any(8) == 0 ? errc::forbidden : errc::ok;
        append_->hook_answered(ask->ticket, {says, "a hook says no", {}});
    }
}

void World::turn() {
    if (group_.empty() && append_->conversation().present() &&
        append_->conversation().invitation_count() != invitations())
        fail("invitations are counted wrong");
    append_->advance(now_, out_);
    if (any(8) == 0) append_->tick(now_, out_);
    act();
}

}  // namespace flare::im::test
