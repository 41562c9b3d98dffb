#include "client/im/states.hpp"

#include "client/im/bodies.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {

ListStates::Kept ListStates::kept_of(const wire::im::ConversationState& state) {
    Kept kept;
    kept.epoch = state.epoch;
    if (state.gone) {
        kept.gone = state.last;
        return kept;
    }
    if (state.last != 0)
        kept.end = {{state.epoch, state.last}, state.messages, wire::to_time(state.last_ms), state.mentioned};
    kept.mark = state.mark;
    kept.settings = state.settings;
    kept.others = marks_of(state.others);
    return kept;
}

// They come in one lane: what comes later is newer.
void ListStates::Kept::add(const Kept& newer) {
    if (newer.gone || gone || newer.epoch != epoch) {
        *this = newer;
        return;
    }
    number = newer.number;
    if (newer.end) {
        const std::uint64_t mentioned = end ? end->mentioned : 0;
        end = newer.end;
        end->mentioned = std::max(end->mentioned, mentioned);
    }
    if (newer.mark) mark = newer.mark;
    if (newer.settings) settings = newer.settings;
    for (const UserMark& each : newer.others) {
        const auto known = std::ranges::find(others, each.user, &UserMark::user);
        if (known != others.end()) {
            *known = each;  // marks only grow
        } else if (others.size() < wire::im::kMaxOthers) {
            others.push_back(each);
        }
    }
}

bool ListStates::take(const wire::im::ConversationState& from, bool page_comes) {
    ++taken_;
    if (from.conversation.empty()) return false;  // there is more than the server keeps
    const std::string name(from.conversation);
    Kept state = kept_of(from);
    state.number = taken_;
    const bool listed = parts_.list.end_of(name).has_value();
    // Of a conversation that is only subscribed to there need be nothing in the list.
    if ((listed || state.only_others()) && !page_comes) {
        apply(name, state);
        if (waits_for_log(name, state)) keep_early(name, state);
        return true;
    }
    const auto before = kept_.find(name);
    if (state.gone && !page_comes) {
        forget(name);
        return true;
    }
    if (before != kept_.end()) {
        before->second.add(state);
    } else if (!listed && parts_.list.full()) {
        return true;
    } else if (kept_.size() < kMostKept) {
        kept_.emplace(name, state);
    } else {
        return false;
    }
    return listed || page_comes;
}

void ListStates::answered(const std::string& conversation, wire::im::ConversationState state) {
    if (state.epoch == 0) return;  // nobody has said of which log
    state.conversation = conversation;
    (void)take(state, true);
}

void ListStates::subscribed(const std::string& conversation, std::uint64_t epoch, std::vector<UserMark> others) {
    if (others.empty()) return;
    parts_.others.on_told(conversation, epoch, others);
    Kept state;
    state.epoch = epoch;
    state.others = std::move(others);
    if (!waits_for_log(conversation, state)) return;
    state.number = ++taken_;
    keep_early(conversation, state);
}

bool ListStates::waits_for_log(const std::string& name, const Kept& state) const {
    const auto end = parts_.list.end_of(name);
    return state.only_others() && (!end || end->epoch != state.epoch);
}

void ListStates::keep_early(const std::string& name, const Kept& state) {
    if (const auto before = early_.find(name); before != early_.end()) {
        before->second.add(state);
    } else if (early_.size() < kMostEarly) {
        early_.emplace(name, state);
    }
}

void ListStates::apply(const std::string& name, const Kept& state) {
    if (state.gone) {
        // A member that has come back has read further.
        const auto end = parts_.list.end_of(name);
        const bool newer = end && (state.epoch == 0 || (state.epoch == end->epoch && *state.gone > end->offset));
        if (newer) parts_.gone(name);
        return;
    }
    if (state.end) parts_.list.on_end(name, *state.end);
    if (state.settings) parts_.chosen(name, state.epoch, *state.settings);  // first: a mark may count without them
    if (state.mark) parts_.marks.on_told(name, state.epoch, *state.mark);
    parts_.others.on_told(name, state.epoch, state.others);
}

void ListStates::take_kept() {
    take_listed(early_);
    take_listed(kept_);
}

void ListStates::take_early(const std::string& conversation) {
    const auto early = early_.find(conversation);
    if (early == early_.end() || waits_for_log(conversation, early->second)) return;
    const auto taken = early_.extract(early);
    apply(taken.key(), taken.mapped());
}

void ListStates::take_listed(AllKept& all) {
    for (auto each = all.begin(); each != all.end();) {
        const bool listed = parts_.list.end_of(each->first).has_value();
        const bool waits = waits_for_log(each->first, each->second);
        if ((!listed && !each->second.gone) || (waits && &all == &early_)) {
            ++each;
            continue;
        }
        const auto taken = all.extract(each++);
        if (waits) keep_early(taken.key(), taken.mapped());
        if (listed && !waits) apply(taken.key(), taken.mapped());
    }
}

std::optional<wire::im::Settings> ListStates::settings_of(std::string_view name, std::uint64_t epoch) const {
    const auto found = kept_.find(name);
    return found != kept_.end() && found->second.epoch == epoch ? found->second.settings : std::nullopt;
}

void ListStates::end_sync(std::uint64_t taken) {
    for (AllKept* const all : {&kept_, &early_})
        std::erase_if(*all, [taken](const auto& each) { return each.second.number <= taken; });
}

session::TimePoint ListStates::ask_at(session::TimePoint now) {
    const bool soon = asked_ && now - asked_at_ < kLongestPatience;
    asked_at_ = soon ? asked_at_ + kLongestPatience : now + kPatience;
    asked_ = true;
    return asked_at_;
}

}  // namespace flare::client
