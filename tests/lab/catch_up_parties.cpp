// Who takes part in the scenario catch-up.
#include "lab/catch_up.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <thread>

namespace flare::lab {
namespace {

using namespace std::chrono_literals;

constexpr auto kLastOutcomes = 30s;  // for the outcome of what is under way at the end

std::string name_of_host(const char* role) {
    static std::atomic<int> made{0};
    return "flare-lab-" + std::string(role) + "-" + std::to_string(::getpid()) + "-" + std::to_string(++made);
}

}  // namespace

// ---- hosts ----

Hosts::Hosts() : server_(name_of_host("room")), members_(name_of_host("members")) {
    members_.run("ip link add uplink type veth peer name uplink netns " + server_.name());
    members_.run("ip addr add 10.79.0.2/24 dev uplink && ip link set uplink up");
    server_.run("ip addr add " + std::string(kServer) + "/24 dev uplink && ip link set uplink up");
}

// What arrives is dropped, not what leaves: whose packets are dropped on the way out hears of it.
void Hosts::cut() const {
    for (const test::NetworkNamespace* const host : {&server_, &members_})
        host->run(
            "nft -f - <<'END'\n"
            "table inet cut {\n"
            "  chain arriving { type filter hook prerouting priority -300; iifname uplink drop; }\n"
            "}\n"
            "END");
}

void Hosts::mend() const {
    for (const test::NetworkNamespace* const host : {&server_, &members_}) host->run("nft delete table inet cut");
}

// ---- a member ----

std::uint64_t number_in(const Bytes& payload) { return std::strtoull(payload.str().c_str(), nullptr, 10); }

void Member::begin(const Position& after) {
    const std::lock_guard lock(mutex_);
    after_ = after;
}

void Member::hear(const Event& event) {
    const std::lock_guard lock(mutex_);
    if (const auto* received = std::get_if<event::MessageReceived>(&event); received != nullptr && received->stored) {
        tell(received->stored->position, known_as(number_in(received->message.payload)));
    } else if (const auto* entry = std::get_if<event::EntryReceived>(&event)) {
        tell(entry->stored.position, kNoMessage);
    } else if (const auto* gap = std::get_if<event::HistoryGap>(&event)) {
        ++account_.gaps;
        const bool other_log =
            gap->reason == HistoryGapReason::other_epoch || gap->reason == HistoryGapReason::diverged;
        account_.diverged += other_log ? 1 : 0;
    } else if (std::holds_alternative<event::SubscriptionEnded>(event)) {
        account_.ended = true;
    } else if (const auto* back = std::get_if<event::Reconnected>(&event)) {
        account_.resumed |= back->resumed;
    }
}

void Member::tell(const Position& at, std::uint32_t what) {
    auto told = std::ranges::find(told_, at.epoch, &Told::epoch);
    if (told == told_.end()) {
        told_.emplace_back().epoch = at.epoch;
        told = std::prev(told_.end());
    }
    if (at.offset >= told->log.size()) told->log.resize(at.offset + 1);
    if (told->log[at.offset] != 0) {
        ++account_.repeated;
    } else {
        // An epoch that was told before is over.
        account_.reordered += at.offset < told->newest || told != std::prev(told_.end());
        told->log[at.offset] = what;
    }
    told->newest = std::max(told->newest, at.offset);
    if (goal_ && !account_.complete_after && has(*goal_)) account_.complete_after = Clock::now() - goal_since_;
}

bool Member::has(const Position& upto) const {
    return !told_.empty() && told_.back().epoch == upto.epoch && told_.back().newest >= upto.offset;
}

void Member::expect(const Position& goal) {
    const std::lock_guard lock(mutex_);
    goal_ = goal;
    goal_since_ = Clock::now();
    if (has(goal)) account_.complete_after.emplace(0);
}

bool Member::complete() const {
    const std::lock_guard lock(mutex_);
    return account_.complete_after.has_value();
}

bool Member::told(const Position& upto) const {
    const std::lock_guard lock(mutex_);
    return has(upto);
}

Member::Account Member::account(std::uint64_t epoch, const KnownLog& log) const {
    const std::lock_guard lock(mutex_);
    Account account = account_;
    const auto told = std::ranges::find(told_, epoch, &Told::epoch);
    // Of a log that has begun anew it is told everything.
    for (std::size_t at = after_.epoch == epoch ? after_.offset + 1 : 1; at < log.size(); ++at) {
        const bool same = told != told_.end() && at < told->log.size() && told->log[at] == log[at];
        account.lost += same ? 0 : 1;
    }
    return account;
}

// ---- the sender ----

Sender::Sender(const Hosts& hosts, ClientBuilder builder) {
    builder.with_event_callback([this](const Event& event) { hear(event); });
    hosts.on_server([&] {
        auto built = builder.build();
        if (!built) throw std::runtime_error(built.error().text);
        client_.emplace(std::move(*built));
        if (const auto connected = client_->connect(); !connected) throw std::runtime_error(connected.error().text);
    });
}

Sender::~Sender() {
    pacer_.reset();
    client_.reset();
}

void Sender::start(double per_second) {
    pacer_.emplace(per_second, [this](std::uint64_t number) {
        Message message("number", Bytes(std::to_string(number)));
        message.id = Uuid::v7();
        {
            const std::lock_guard lock(mutex_);
            numbers_.emplace(message.id, number);
        }
        if (client_->post_message(kCatchUpRoom, std::move(message))) return;
        const std::lock_guard lock(mutex_);
        ++refused_;
    });
}

void Sender::stop() {
    pacer_->stop();
    const auto until = std::chrono::steady_clock::now() + kLastOutcomes;
    while (client_->get_message_queue_length() != 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(10ms);
}

void Sender::hear(const Event& event) {
    const std::lock_guard lock(mutex_);
    if (const auto* sent = std::get_if<event::MessageSent>(&event); sent != nullptr && sent->stored) {
        const auto known = numbers_.find(sent->message_id);
        if (known == numbers_.end()) return;
        stored_.emplace_back(known->second, sent->stored->position);
        last_ = sent->stored->position;
    } else if (std::holds_alternative<event::MessageFailed>(event)) {
        ++refused_;
    }
}

Position Sender::last() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

void Sender::forget() {
    const std::lock_guard lock(mutex_);
    last_ = Position();
}

std::size_t Sender::stored() const {
    const std::lock_guard lock(mutex_);
    return stored_.size();
}

std::uint64_t Sender::refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
}

std::uint64_t Sender::lost(std::uint64_t epoch, const KnownLog& log, std::size_t kept) const {
    const std::lock_guard lock(mutex_);
    std::uint64_t lost = 0;
    for (std::size_t i = 0; i < stored_.size(); ++i) {
        const auto& [number, position] = stored_[i];
        if (i >= kept && position.epoch != epoch) continue;
        lost += position.offset >= log.size() || log[position.offset] != known_as(number) ? 1 : 0;
    }
    return lost;
}

// ---- what is there ----

std::pair<std::uint64_t, KnownLog> read_log(Client& reader) {
    KnownLog log(1);
    for (;;) {
        const auto page = reader.conversations().history(kCatchUpRoom, HistoryQuery::after(log.size() - 1, 200));
        if (!page) throw std::runtime_error("reading the log: " + page.error().text);
        for (const Entry& entry : page->entries) {
            if (entry.offset != log.size()) throw std::runtime_error("the log has a hole");
            log.push_back(entry.kind == EntryKind::message ? known_as(number_in(entry.payload)) : kNoMessage);
        }
        if (!page->more) return {page->head.epoch, std::move(log)};
    }
}

}  // namespace flare::lab
