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
        send.token = kept_.keep(each.message);
        const bool taken = each.command == nullptr ? hosted->append.send(send, now(), effects_)
                                                   : hosted->append.change(send, *each.command, now(), effects_);
        if (!taken) kept_.release(send.token);
        act(hosted);
    }
}

void ConversationHome::check_invariants() const {
    std::size_t waiting = 0;
    hosted_.check_invariants();
    hosted_.for_each([&](const Hosted& hosted) {
        hosted.append.check_invariants();
        waiting += hosted.append.waiting();
    });
    FLARE_INVARIANT(waiting == kept_.size(), "something is kept for nobody, or waits and is not kept");
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
    turn_is_to_end();
}

void ConversationHome::turn_is_to_end() {
    if (!std::exchange(turn_ends_, true)) parts_.executor.later([this] { end_turn(); });
}

void ConversationHome::end_turn() {
    turn_ends_ = false;
    for (const HostedPtr& hosted : touched_) {
        hosted->touched = false;
        watched_.tell(hosted->append.conversation());
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
    watched_.ask_ends();
    give_mail();
}

void ConversationHome::give_mail() {
    for (std::uint32_t worker = 0; worker < mail_.size(); ++worker) {
        Mail& mail = mail_[worker];
        watched_.take(worker, Watcher::feeds, mail.news);
        watched_.take(worker, Watcher::states, mail.to_states);
        if (mail.empty()) continue;
        if (worker != index_) {
            parts_.router.give(worker, [mail](Shard& shard) {
                Conversations& there = *shard.conversations();
                for (const Delivery& each : mail.deliveries) each.give(there.home, shard.users(), there.feeds);
                for (const auto& each : mail.answers) there.awaited.answer(each);
                for (const FeedNewsPtr& each : mail.news) there.feeds.take(*each);
                for (const FeedNewsPtr& each : mail.to_states) there.states.take(*each);
            });
            mail.deliveries.clear();
            mail.answers.clear();
            mail.news.clear();
            mail.to_states.clear();
        } else {
            give_mail_here();
        }
    }
}

// What it does may add to what is still to be given, or to the mail of the next turn.
void ConversationHome::give_mail_here() {
    Mail& mail = mail_[index_];
    for (std::size_t i = 0; i < mail.deliveries.size(); ++i) {
        const Delivery each = std::move(mail.deliveries[i]);
        each.give(*this, parts_.users, parts_.feeds);
    }
    mail.deliveries.clear();
    for (std::size_t i = 0; i < mail.answers.size(); ++i) {
        const im::effect::Answer each = mail.answers[i];
        parts_.awaited.answer(each);
    }
    mail.answers.clear();
    for (const FeedNewsPtr& each : std::exchange(mail.news, {})) parts_.feeds.take(*each);
    for (const FeedNewsPtr& each : std::exchange(mail.to_states, {})) parts_.states.take(*each);
}

void ConversationHome::on_time() {
    const session::TimePoint at = parts_.executor.now();
    if (at < tick_at_) return;
    tick_at_ = at + kTick;
    directs_.expire(at);
    newcomers_.try_again();
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
    mail_[worker_of(answer.session)].answers.push_back(answer);
}

void ConversationHome::act_on(const HostedPtr&, const im::effect::Release& wanted) {
    if (wanted.token != 0) kept_.release(wanted.token);
}

void ConversationHome::pass_on(Hosted& hosted, const std::shared_ptr<StoredMessage>& message, std::uint64_t offset) {
    const im::Conversation& conversation = hosted.append.conversation();
    if (message->recipient() == *message->from) return;
    im::Row other = 0;
    bool& answered = hosted.answered[conversation.key().first() == *message->from ? 0 : 1];
    if (!std::exchange(answered, true)) {
        conversation.members().for_each([&](const model::Member& member) {
            if (member.user != message->send.sender) other = member.user;
        });
    }
    mail_[parts_.router.home_of(message->recipient())].deliveries.push_back({message, offset, other});
}

void ConversationHome::Delivery::give(ConversationHome& home, Users& users, ConversationFeeds& feeds) const {
    if (answers != 0) home.answered_direct(message->send.sender, answers);
    users.deliver_to(message->recipient(), *message->from, message->forms, [&](const session::ServerSession& session) {
        return !feeds.gives(session, message->key, offset);
    });
}

}  // namespace flare::server
