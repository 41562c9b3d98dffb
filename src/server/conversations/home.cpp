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

constexpr std::chrono::seconds kTick{1};

}  // namespace

im::Now ConversationHome::now() const {
    return {parts_.executor.now(),
            static_cast<std::uint64_t>(std::max<std::int64_t>(unix_ms(parts_.executor.wall_clock()), 0))};
}

// ---- what comes in ----

void ConversationHome::take(std::span<const Departure> arriving) {
    for (const Departure& each : arriving) {
        const HostedPtr hosted = hosted_.get(each.message->key);
        im::Send send = each.message->send;
        send.token = keep(each.message);
        const bool taken = each.command == nullptr ? hosted->append.send(send, now(), effects_)
                                                   : hosted->append.change(send, *each.command, now(), effects_);
        if (!taken) release(send.token);
        act(hosted);
    }
}

im::Token ConversationHome::keep(std::shared_ptr<StoredMessage> message) {
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
    hosted_.check_invariants();
    hosted_.for_each([&](const Hosted& hosted) {
        hosted.append.check_invariants();
        waiting += hosted.append.waiting();
    });
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
        group_->given = batch.get();
        in_store_.push_back(std::move(group_));
        parts_.store.write(std::move(batch), [this](std::unique_ptr<store::WriteBatch> answered, errc code) {
            written(std::move(answered), code);
        });
    }
    give_each(deliveries_,
              [](ConversationHome& home, Awaited&, Users& users, const Delivery& each) { each.give(home, users); });
    give_each(answers_, [](ConversationHome&, Awaited& awaited, Users&, const im::effect::Answer& answer) {
        awaited.answer(answer);
    });
}

template <typename T, typename Give>
void ConversationHome::give_each(std::vector<std::vector<T>>& gathered, Give give) {
    for (std::uint32_t worker = 0; worker < gathered.size(); ++worker) {
        std::vector<T>& all = gathered[worker];
        if (all.empty()) continue;
        if (worker == index_) {
            for (std::size_t i = 0; i < all.size(); ++i) {  // what it does may add to them
                const T each = std::move(all[i]);
                give(*this, parts_.awaited, parts_.users, each);
            }
        } else {
            parts_.router.give(worker, [all, give](Shard& shard) {
                Conversations& there = *shard.conversations();
                for (const T& each : all) give(there.home, there.awaited, shard.users(), each);
            });
        }
        all.clear();
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
        if (hosted->append.held_sessions() == 0) hosted_.let_go(*hosted);
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
    if (im::is_later(answer.code)) hosted_.hold(answer.session, *hosted);
    answers_[worker_of(answer.session)].push_back(answer);
}

void ConversationHome::act_on(const HostedPtr&, const im::effect::Release& wanted) {
    if (wanted.token != 0) release(wanted.token);
}

void ConversationHome::pass_on(Hosted& hosted, const std::shared_ptr<StoredMessage>& message) {
    const im::Conversation& conversation = hosted.append.conversation();
    if (message->recipient() == *message->from) return;
    im::Row other = 0;
    bool& answered = hosted.answered[conversation.key().first() == *message->from ? 0 : 1];
    if (!std::exchange(answered, true)) {
        conversation.members().for_each([&](const model::Member& member) {
            if (member.user != message->send.sender) other = member.user;
        });
    }
    deliveries_[parts_.router.home_of(message->recipient())].push_back({message, other});
}

void ConversationHome::Delivery::give(ConversationHome& home, Users& users) const {
    if (answers != 0) home.answered_direct(message->send.sender, answers);
    (void)users.deliver(message->recipient(), *message->from, message->forms, Priority::normal);
}

}  // namespace flare::server
