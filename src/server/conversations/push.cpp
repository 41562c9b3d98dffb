#include "server/conversations/push.hpp"

#include "base/log.hpp"
#include "server/conversations/opened.hpp"
#include "server/worker/shard.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace flare::server {
namespace {

constexpr std::size_t kStepsAtOnce = 32;  // of a question to the store
constexpr std::size_t kUsersAtOnce = 16;
constexpr std::chrono::seconds kAskAgain{1};

// It will not be better.
bool is_lost(errc code) noexcept { return code == errc::store_damaged; }

}  // namespace

std::uint64_t ConversationPush::now_ms() const {
    return static_cast<std::uint64_t>(unix_ms(parts_.executor.wall_clock()));
}

// ---- the home of a conversation ----

void ConversationPush::committed(const im::Conversation& conversation, const StoredMessage& message,
                                 std::uint64_t offset) {
    if (!wanted() || message.is_silent()) return;
    const model::ConversationKey& key = conversation.key();
    const bool to_oneself = conversation.direct() && key.first() == key.second();
    if (to_oneself) return;
    // Of a large conversation only who is named is told: one that names all would wake every member.
    const bool large = conversation.member_count() > parts_.config.conversations.limits.live_members;
    if (!waiting_.add({key, conversation.row(), offset, large, message.mentions()}, parts_.executor.now()))
        return drop(1);
    parts_.executor.arm_timer();
}

void ConversationPush::look(std::vector<Looked> steps) {
    const auto shared = std::make_shared<std::vector<Looked>>(std::move(steps));
    looking_ = true;
    const auto most = static_cast<std::uint32_t>(parts_.config.conversations.limits.live_members);
    parts_.store.read(
        [shared, most, now_ms = now_ms()](store::Reader& reader) {
            for (Looked& each : *shared) {
                auto users = reading::push_recipients(reader, each.step, now_ms, most);
                each.code = users ? errc::ok : reading::code_of(users);
                if (users) each.users = std::move(*users);
            }
            return errc::ok;
        },
        [this, shared](errc code) { looked(shared, code); });
}

void ConversationPush::looked(const LookedPtr& steps, errc code) {
    looking_ = false;
    look_at_ = {};
    for (Looked& each : *steps) {
        const errc said = code == errc::ok ? each.code : code;
        if (said == errc::ok) {
            give(each);
        } else if (is_lost(said)) {
            drop(1);
        } else {
            again_.push_back(std::move(each));
            look_at_ = parts_.executor.now() + kAskAgain;
        }
    }
    parts_.executor.arm_timer();
}

void ConversationPush::give(const Looked& looked) {
    std::vector<std::vector<Candidate>> by_home(parts_.router.workers());
    const PushWaiting::Step& step = looked.step;
    for (const std::string& user : looked.users)
        by_home[parts_.router.home_of(user)].push_back({user, {step.key, step.conversation, step.first, step.last}});
    for (std::uint32_t home = 0; home < by_home.size(); ++home) {
        if (by_home[home].empty()) continue;
        parts_.router.give(home, [candidates = std::move(by_home[home])](Shard& shard) {
            shard.conversations()->push.arrived(candidates);
        });
    }
}

// ---- the home of a user ----

bool ConversationPush::is_here(std::string_view user) const {
    return std::ranges::any_of(parts_.table.of_user(user), [](const session::ServerSession* each) {
        return each->presence() == session::Presence::attached;
    });
}

void ConversationPush::arrived(const std::vector<Candidate>& candidates) {
    for (const Candidate& each : candidates) {
        if (is_here(each.user) || told_.has(each.user, each.item.key, each.item.conversation, each.item.last)) continue;
        if (!batches_.add(each.user, each.item, parts_.executor.now())) drop(1);
    }
    parts_.executor.arm_timer();
}

void ConversationPush::read(std::string_view user, const model::ConversationKey& key, const Position& upto) {
    if (!wanted()) return;
    batches_.read(user, key, upto.offset);
    if (!told_.read(user, key, upto.offset)) return;
    if (marks_.size() >= kMostMarks) return drop(1);
    marks_.push_back({std::string(user), key, upto});
    parts_.executor.arm_timer();
}

void ConversationPush::ask() {
    const auto question = std::make_shared<Asked>();
    for (PushBatches::Batch& each : batches_.take_due(parts_.executor.now(), kUsersAtOnce))
        question->batches.push_back({std::move(each)});
    const auto end = marks_.begin() + static_cast<std::ptrdiff_t>(std::min(marks_.size(), kUsersAtOnce));
    for (auto each = marks_.begin(); each != end; ++each) question->marks.push_back({std::move(*each)});
    marks_.erase(marks_.begin(), end);
    if (question->batches.empty() && question->marks.empty()) return;
    asking_ = true;
    parts_.store.read(
        [question, now_ms = now_ms()](store::Reader& reader) {
            for (Asked::Mark& each : question->marks) {
                auto cleared = reading::cleared_of(reader, each.mark);
                each.code = cleared ? errc::ok : reading::code_of(cleared);
                if (cleared) each.cleared = std::move(*cleared);
            }
            for (Asked::One& each : question->batches) {
                auto found = reading::push_of(reader, each.batch, now_ms);
                each.code = found ? errc::ok : reading::code_of(found);
                if (found) each.found = std::move(*found);
            }
            return errc::ok;
        },
        [this, question](errc code) { asked(question, code); });
}

// What was read is told before what has come since.
void ConversationPush::asked(const AskedPtr& asked, errc code) {
    asking_ = false;
    ask_at_ = {};
    for (Asked::Mark& each : asked->marks) {
        if (code != errc::ok) each.code = code;
        clear(each);
    }
    for (Asked::One& each : asked->batches) {
        if (code != errc::ok) each.code = code;
        tell(each);
    }
    parts_.executor.arm_timer();
}

void ConversationPush::clear(Asked::Mark& mark) {
    if (is_lost(mark.code)) return drop(1);
    if (mark.code != errc::ok) {
        ask_at_ = parts_.executor.now() + kAskAgain;
        marks_.insert(marks_.begin(), std::move(mark.mark));
        return;
    }
    if (mark.cleared.devices.empty()) return;
    if (!call([cleared = std::move(mark.cleared)](PushHandler& handler) { handler.on_push_cleared(cleared); }))
        return drop(1);
    ++parts_.counters.push.cleared;
}

void ConversationPush::tell(Asked::One& one) {
    const session::TimePoint now = parts_.executor.now();
    const std::string& user = one.batch.user;
    if (is_lost(one.code)) {
        drop(one.batch.items.size());
        return batches_.done(user, false, now);
    }
    if (one.code != errc::ok) return batches_.try_again(user, now);
    PushRequest& request = one.found.request;
    std::vector<PushItem> items;
    std::vector<PushedMessage> messages;
    for (std::size_t i = 0; i < one.found.items.size(); ++i) {
        if (batches_.is_read(user, one.found.items[i])) continue;
        items.push_back(std::move(one.found.items[i]));
        messages.push_back(std::move(request.messages[i]));
    }
    if (items.empty() || is_here(user)) return batches_.done(user, false, now);
    request.messages = std::move(messages);
    batches_.done(user, true, now);
    if (!call([told = std::move(request)](PushHandler& handler) { handler.on_push_requested(told); }))
        return drop(items.size());
    ++parts_.counters.push.requested;
    for (const PushItem& each : items)
        if (!told_.tell(user, each.key, each.conversation, each.last)) drop(1);
}

bool ConversationPush::call(std::function<void(PushHandler&)> call) {
    const bool queued =
        parts_.executor.in_hooks([handler = parts_.config.conversations.push.handler, call = std::move(call)] {
            try {
                call(*handler);
            } catch (const std::exception& error) {
                base::log().limited(base::LogKind::event_handler_threw, "a push handler threw: {}", error.what());
            } catch (...) {
                base::log().limited(base::LogKind::event_handler_threw,
                                    "a push handler threw something that is not an exception");
            }
        });
    if (!queued)
        base::log().limited(base::LogKind::dropped_event,
                            "a push was dropped: the push handler is too slow or has stopped");
    return queued;
}

// ---- time ----

session::TimePoint ConversationPush::next_deadline() const noexcept {
    session::TimePoint next = session::kNever;
    if (!looking_) next = again_.empty() ? waiting_.next_deadline() : look_at_;
    if (!asking_) {
        const session::TimePoint ready = marks_.empty() ? batches_.next_deadline() : session::TimePoint();
        if (ready != session::kNever) next = std::min(next, std::max(ready, ask_at_));
    }
    return next;
}

void ConversationPush::on_time() {
    const session::TimePoint now = parts_.executor.now();
    if (!looking_ && now >= look_at_) {
        std::vector<Looked> steps = std::exchange(again_, {});
        if (steps.empty()) {
            for (PushWaiting::Step& each : waiting_.take_due(now, kStepsAtOnce)) steps.push_back({std::move(each)});
        }
        if (!steps.empty()) look(std::move(steps));
    }
    if (!asking_ && now >= ask_at_) ask();
}

}  // namespace flare::server
