// What comes in and what goes out. What the state machines want of the store: store_effects.cpp.
#include "server/conversations/home.hpp"

#include "base/assert.hpp"
#include "im/planted.hpp"
#include "server/dispatch/receipts.hpp"
#include "server/worker/shard.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {
namespace {

constexpr std::size_t kMostHosted = 16'384;  // of which nothing waits; beyond: they are read again when they are needed
constexpr std::chrono::seconds kTick{1};

}  // namespace

im::Now ConversationHome::now() const {
    return {parts_.executor.now(),
            static_cast<std::uint64_t>(std::max<std::int64_t>(unix_ms(parts_.executor.wall_clock()), 0))};
}

// ---- what comes in ----

void ConversationHome::take(Outgoing message) {
    const HostedPtr hosted = host(message->key);
    im::Send send = message->send;
    send.token = keep(std::move(message));
    if (!hosted->append.send(send, now(), effects_)) release(send.token);
    act(hosted);
}

void ConversationHome::change(Outgoing request, im::Command command) {
    const HostedPtr hosted = host(request->key);
    im::Send send = request->send;
    send.token = keep(std::move(request));
    if (!hosted->append.change(send, std::move(command), now(), effects_)) release(send.token);
    act(hosted);
}

void ConversationHome::session_gone(im::SessionKey session) {
    for (const HostedPtr& hosted : busy_) hosted->append.session_gone(session);
}

ConversationHome::HostedPtr ConversationHome::host(const model::ConversationKey& key) {
    if (const auto found = hosted_.find(key.text()); found != hosted_.end()) return found->second;
    if (hosted_.size() >= kMostHosted) make_room();
    return hosted_.emplace(key.text(), std::make_shared<Hosted>(key, limits_, devices_)).first->second;
}

void ConversationHome::make_room() {
    boost::unordered::erase_if(hosted_, [](const auto& each) { return !each.second->busy && !each.second->touched; });
}

im::Token ConversationHome::keep(Outgoing message) {
    if (free_.empty()) {
        kept_.push_back(std::move(message));
        return kept_.size();
    }
    const im::Token token = free_.back();
    free_.pop_back();
    kept_[token - 1] = std::move(message);
    return token;
}

void ConversationHome::release(im::Token token) {
    kept_[token - 1] = nullptr;
    free_.push_back(token);
}

void ConversationHome::check_invariants() const {
    std::size_t waiting = 0;
    for (const auto& [key, hosted] : hosted_) {
        hosted->append.check_invariants();
        waiting += hosted->append.waiting();
    }
    FLARE_INVARIANT(waiting == kept_.size() - free_.size(), "something is kept for nobody, or waits and is not kept");
}

// ---- turns ----

void ConversationHome::act(const HostedPtr& hosted) {
    for (const im::Effect& effect : effects_) {
        std::visit([&](const auto& wanted) { act_on(hosted, wanted); }, effect);
    }
    effects_.clear();
    if (!std::exchange(hosted->touched, true)) touched_.push_back(hosted);
    if (!std::exchange(hosted->busy, true)) {
        if (busy_.empty()) {
            tick_at_ = parts_.executor.now() + kTick;
            parts_.executor.arm_timer();
        }
        busy_.push_back(hosted);
    }
    if (!std::exchange(turn_ends_, true)) parts_.executor.later([this] { end_turn(); });
}

void ConversationHome::end_turn() {
    turn_ends_ = false;
    for (const HostedPtr& hosted : touched_) {
        hosted->touched = false;
        hosted->append.advance(now(), effects_);
        for (const im::Effect& effect : effects_) {
            std::visit([&](const auto& wanted) { act_on(hosted, wanted); }, effect);
        }
        effects_.clear();
    }
    touched_.clear();
    if (group_ != nullptr) {
        auto batch = std::move(group_->batch);
        // std::function wants to be copied.
        parts_.store.write(std::move(batch),
                           [this, group = std::make_shared<std::unique_ptr<Group>>(std::move(group_))](
                               std::unique_ptr<store::WriteBatch> written_batch, errc code) {
                               (*group)->batch = std::move(written_batch);
                               written(std::move(*group), code);
                           });
    }
    for (std::uint32_t worker = 0; worker < answers_.size(); ++worker) {
        if (answers_[worker].empty()) continue;
        parts_.router.give(worker, [answers = std::move(answers_[worker])](Shard& shard) {
            for (const im::effect::Answer& answer : answers) shard.conversations()->awaited.answer(answer);
        });
        answers_[worker].clear();
    }
}

void ConversationHome::on_time() {
    const session::TimePoint at = parts_.executor.now();
    if (at < tick_at_) return;
    tick_at_ = at + kTick;
    directs_.expire(at);
    for (std::size_t i = 0; i < busy_.size();) {
        const HostedPtr hosted = busy_[i];
        hosted->append.tick(now(), effects_);
        if (effects_.empty() && !hosted->touched && hosted->append.idle(now())) {
            hosted->busy = false;
            busy_[i] = std::move(busy_.back());
            busy_.pop_back();
            continue;
        }
        act(hosted);
        ++i;
    }
}

// ---- what goes out ----

void ConversationHome::act_on(const HostedPtr& hosted, const im::effect::Answer& answer) {
    im::observe_answer(hosted->append.conversation().key(), answer);
    if (answer.session == 0) return;  // the server's own
    answers_[worker_of(answer.session)].push_back(answer);
}

void ConversationHome::act_on(const HostedPtr&, const im::effect::Release& wanted) {
    if (wanted.token != 0) release(wanted.token);
}

// To who is connected, without a place in the log: those who know conversations read on from it.
void ConversationHome::pass_on(Hosted& hosted, const Outgoing& message) {
    const im::Conversation& conversation = hosted.append.conversation();
    if (message->recipient() == message->from) return;
    im::Row other = 0;  // when this is the first that its sender writes here: it answers whoever began
    bool& answered = hosted.answered[conversation.key().first() == message->from ? 0 : 1];
    if (!std::exchange(answered, true)) {
        conversation.members().for_each([&](const model::Member& member) {
            if (member.user != message->send.sender) other = member.user;
        });
    }
    parts_.router.give(parts_.router.home_of(message->recipient()), [message, other](Shard& shard) {
        if (other != 0) shard.conversations()->home.answered_direct(message->send.sender, other);
        (void)shard.users().deliver(message->recipient(), message->from, message->forms, Priority::normal);
    });
}

}  // namespace flare::server
