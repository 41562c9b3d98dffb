#include "server/conversations/push_waiting.hpp"

#include <utility>

namespace flare::server {

bool PushWaiting::add(const Message& message, session::TimePoint now) {
    if (message.large && message.mentions.empty()) return true;
    const auto found = newest_.find(message.key.text());
    if (found != newest_.end() && !message.large) {
        Step& step = *found->second;
        const bool fits = now < step.due - times_.delay + times_.width();
        if (fits && step.conversation == message.conversation) {
            step.last = message.offset;
            return true;
        }
    }
    if (steps_.size() >= most_) return false;
    Step& step = steps_.emplace_back(
        Step{message.key, message.conversation, message.offset, message.offset, message.large, {}, now + times_.delay});
    step.mentions.assign(message.mentions.begin(), message.mentions.end());
    if (found != newest_.end()) newest_.erase(found);
    // One of a mention stays alone: whoever is mentioned is told of that message.
    if (!message.large) newest_.emplace(step.key.text(), &step);
    return true;
}

std::vector<PushWaiting::Step> PushWaiting::take_due(session::TimePoint now, std::size_t most) {
    std::vector<Step> due;
    while (!steps_.empty() && steps_.front().due <= now && due.size() < most) {
        Step& first = steps_.front();
        const auto found = newest_.find(first.key.text());
        if (found != newest_.end() && found->second == &first) newest_.erase(found);
        due.push_back(std::move(first));
        steps_.pop_front();
    }
    return due;
}

}  // namespace flare::server
