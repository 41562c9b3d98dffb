#include "client/im/typing.hpp"

#include "client/im/signal_bodies.hpp"

#include <algorithm>

namespace flare::client {

// Whether the server takes it is nothing to anybody: the next one follows.
void TypingState::say(const std::string& conversation, bool on) {
    if (!owner_.in_session()) return;
    const session::TimePoint now = owner_.now();
    std::erase_if(said_, [now](const auto& each) { return each.second.at + kLasts <= now; });
    const auto found = said_.find(conversation);
    if (on) {
        if (found == said_.end() ? said_.size() == kMostSaid : now < found->second.at + kEvery) return;
        said_[conversation] = {now, true};
    } else {
        if (found == said_.end() || !std::exchange(found->second.on, false)) return;
    }
    if (const auto call = typing_call(conversation, on)) owner_.ask(*call, [](const Answer&) {});
}

void TypingState::on_told(const wire::im::Typing& told) {
    if (told.conversation.empty() || told.user.empty()) return;
    const Who who(told.conversation, told.user);
    const auto found = told_.find(who);
    if (!told.on) {
        if (found == told_.end()) return;
        if (events_.full()) {
            due_ = found->second = owner_.now();  // on_time() tells it when it can
            return;
        }
        told_.erase(found);
        return tell(who, false);
    }
    if (found == told_.end() && (told_.size() == kMostTold || events_.full())) return;
    const session::TimePoint until = owner_.now() + kLasts;
    due_ = std::min(due_, until);
    if (!told_.insert_or_assign(who, until).second) return;
    tell(who, true);
}

void TypingState::on_time() {
    const session::TimePoint now = owner_.now();
    if (now < due_) return;
    due_ = session::kNever;
    for (auto at = told_.begin(); at != told_.end();) {
        // That it is over is told in any case, if not now.
        if (at->second > now || events_.full()) {
            due_ = std::min(due_, std::max(at->second, now + std::chrono::milliseconds(100)));
            ++at;
            continue;
        }
        tell(at->first, false);
        at = told_.erase(at);
    }
}

void TypingState::tell(const Who& who, bool on) { events_.tell(event::TypingChanged{who.first, who.second, on}); }

}  // namespace flare::client
