#include "server/conversations/summaries.hpp"

#include "base/assert.hpp"
#include "im/planted.hpp"
#include "server/conversations/opened.hpp"
#include "server/conversations/sync_reading.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace flare::server {

static_assert(sizeof(Summary) <= 24 && sizeof(ListFollower::Place) <= 16);

Summaries::Summaries(Parts parts, std::uint32_t index)
    : parts_(std::move(parts)), watching_(parts_.router, parts_.executor, parts_.watched, index, Watcher::states) {}

Summaries::~Summaries() = default;

SummedUp* Summaries::find(const model::ConversationKey& key) {
    const auto found = by_key_.find(key.text());
    return found == by_key_.end() ? nullptr : found->second.get();
}

Summary* Summaries::find(const ListFollower& who, SummedUp& log) {
    const auto place =
        std::ranges::find_if(who.places, [&log](const ListFollower::Place& each) { return each.log == &log; });
    return place == who.places.end() ? nullptr : &log.summaries[place->at];
}

// ---- sessions ----

void Summaries::follow(ListFollower& who, const model::ConversationKey& key, const im::FeedOpening& opening) {
    if (who.target() == nullptr) return;
    SummedUp* log = find(key);
    if (log != nullptr) {
        if (Summary* const present = find(who, *log); present != nullptr) {
            present->told = std::max(present->told, opening.as_of);
            if (opening.conversation != log->row) be_unsure(*log, *present);
            return;
        }
    }
    if (who.places.size() >= kMostOfSession) return;
    if (log == nullptr) {
        auto made = std::make_unique<SummedUp>(key);
        log = made.get();
        by_key_.emplace(log->key.text(), std::move(made));
        log->row = opening.conversation;
    }
    who.user = opening.user;
    who.places.push_back({log, static_cast<std::uint32_t>(log->summaries.size())});
    const auto place = static_cast<std::uint32_t>(who.places.size() - 1);
    Summary& summary = log->summaries.emplace_back(Summary{&who, opening.as_of, place});
    ++size_;
    if (opening.conversation != log->row || (log->registered && log->last > opening.as_of)) be_unsure(*log, summary);
    if (log->generation == 0) watch(*log);
}

void Summaries::session_gone(ListFollower& who) {
    while (!who.places.empty()) {
        SummedUp& log = *who.places.back().log;
        remove(log, who.places.back().at);
        forget_if_unused(log);
    }
}

void Summaries::feed_ended(ListFollower& who, const model::ConversationKey& key) {
    SummedUp* const log = who.places.empty() ? nullptr : find(key);
    Summary* const summary = log == nullptr ? nullptr : find(who, *log);
    if (summary == nullptr) return;
    summary->owed = true;
    if (is_owed(*log, *summary)) become_due(*log);
}

void Summaries::room(ListFollower& who) {
    for (const ListFollower::Place& each : who.places) {
        if (is_owed(*each.log, each.log->summaries[each.at])) become_due(*each.log);
    }
}

void Summaries::be_unsure(SummedUp& log, Summary& summary) {
    if (!std::exchange(summary.unsure, true)) ++log.unsure;
    if (log.registered) become_due(log, parts_.executor.now());
}

void Summaries::remove(SummedUp& log, std::size_t at) {
    Summary& summary = log.summaries[at];
    if (summary.unsure) --log.unsure;
    std::vector<ListFollower::Place>& places = summary.who->places;
    const std::uint32_t place = summary.place;
    places[place] = places.back();
    places[place].log->summaries[places[place].at].place = place;
    places.pop_back();
    if (at + 1 != log.summaries.size()) {
        summary = log.summaries.back();
        summary.who->places[summary.place].at = static_cast<std::uint32_t>(at);
    }
    log.summaries.pop_back();
    --size_;
}

void Summaries::remove_gone(SummedUp& log, std::size_t at, std::uint64_t epoch, std::uint64_t offset) {
    ListFollower& who = *log.summaries[at].who;
    remove(log, at);
    if (who.target() != nullptr) who.tell_gone(reading::name_of(log.key, who.target()->user()), epoch, offset);
}

// ---- the homes ----

void Summaries::watch(SummedUp& log) {
    log.generation = ++last_generation_;
    watching_.watch(log.key, log.generation);
}

void Summaries::forget_if_unused(SummedUp& log) {
    if (!log.summaries.empty()) return;
    if (log.generation != 0) watching_.unwatch(log.key);
    if (log.due) std::erase(due_, &log);
    by_key_.erase(by_key_.find(log.key.text()));
}

void Summaries::take(const FeedNews& news) {
    using What = FeedNews::What;
    SummedUp* const log = find(news.key);
    if (log == nullptr) return;
    if (news.what == What::registered || news.what == What::not_registered) {
        if (log->registered || log->generation != news.generation) return;
        if (news.what == What::not_registered) {  // it is asked again
            log->generation = 0;
            return become_due(*log, parts_.executor.now() + kInterval);
        }
        log->registered = true;
        const bool other = std::exchange(log->row, news.row) != news.row;
        log->last = news.offset;
        log->end = news.end;
        for (Summary& each : log->summaries) {
            if (other || log->last > each.told) be_unsure(*log, each);
        }
        if (log->unsure != 0) become_due(*log, parts_.executor.now());
        return;
    }
    if (!log->registered) return;  // it was meant for somebody who has gone
    switch (news.what) {
        case What::told:
            log->last = std::max(log->last, news.offset);
            log->row = news.row;
            log->end = news.end;
            if (!news.mentions.empty()) tell_mentioned(*log, news.mentions);
            return become_due(*log);
        case What::removed: return removed(*log, news.user, news.offset);
        default: return destroyed(*log, news.offset);
    }
}

// The end of the log that the entry belongs to is told in a task of its own, behind this.
void Summaries::removed(SummedUp& log, im::Row user, std::uint64_t offset) {
    if (im::planted(im::Fault::state_after_removal)) return;
    if (log.checking) log.removals.push_back({user, offset});
    for (std::size_t at = log.summaries.size(); at-- > 0;) {
        const Summary& each = log.summaries[at];
        if (each.who->user == user && each.told < offset) remove_gone(log, at, log.end.epoch, offset);
    }
    forget_if_unused(log);
}

// What was written just before is told to nobody: its senders know of it all the same.
void Summaries::destroyed(SummedUp& log, std::uint64_t offset) {
    while (!log.summaries.empty())
        remove_gone(log, log.summaries.size() - 1, log.end.epoch, std::max(offset, log.last + 1));
    forget_if_unused(log);
}

// ---- time ----

void Summaries::become_due(SummedUp& log, session::TimePoint at) {
    const session::TimePoint now = parts_.executor.now();
    at = std::max(at, now);
    if (log.due && log.due_at <= at) return;
    log.due_at = at;
    if (!std::exchange(log.due, true)) due_.push_back(&log);
    const bool first = at < due_at_;
    due_at_ = std::min(due_at_, at);
    if (at > now) {
        if (first) parts_.executor.arm_timer();
        return;
    }
    // In a task of its own: what comes with it from the home is known then.
    if (!std::exchange(turn_comes_, true)) parts_.executor.later([this] { on_time(); });
}

void Summaries::on_time() {
    const session::TimePoint now = parts_.executor.now();
    turn_comes_ = false;
    if (now < due_at_) return;
    std::vector<SummedUp*> served;
    std::erase_if(due_, [&](SummedUp* each) {
        const bool is_served = each->due_at <= now;
        if (is_served) served.push_back(each);
        each->due = !is_served;
        return is_served;
    });
    due_at_ = session::kNever;
    for (const SummedUp* const each : due_) due_at_ = std::min(due_at_, each->due_at);
    for (SummedUp* const each : served) serve(*each);
    if (due_at_ != session::kNever) parts_.executor.arm_timer();
}

void Summaries::serve(SummedUp& log) {
    if (log.generation == 0) watch(log);
    if (!log.registered) return;
    if (log.unsure != 0 && !log.checking) check(log);
    const session::TimePoint now = parts_.executor.now();
    if (log.told_at + kInterval > now) {
        if (std::ranges::any_of(log.summaries, [&](const Summary& each) { return is_owed(log, each); }))
            become_due(log);
        return;
    }
    if (!tell(log)) become_due(log);
}

// The end of a log as sessions are told it: encoded once for those who are told the same.
struct Summaries::Telling {
    explicit Telling(const SummedUp& log)
        : is_room(log.key.kind() == model::ConversationKind::room),
          name(is_room ? reading::name_of(log.key, {}) : std::string()) {}
    void encode(const SummedUp& log, const ListFollower& who, std::uint64_t of_mention) {
        if (is_room && encoded && mentioned == of_mention) return;
        if (!is_room) name = reading::name_of(log.key, who.target()->user());
        wire::im::Feed frame;
        wire::im::ConversationState& state = frame.states.emplace_back();
        state.conversation = name;
        state.epoch = log.end.epoch;
        state.last = log.last;
        state.messages = log.end.messages;
        state.last_ms = static_cast<std::int64_t>(log.end.last_ms);
        state.mentioned = mentioned = of_mention;
        body = wire::im::feed_body(frame);
        encoded = true;
    }

    const bool is_room;
    std::string name;
    std::uint64_t mentioned = 0;
    wire::Body body{};
    bool encoded = false;
    std::size_t told = 0;
};

// Sessions may end meanwhile: they go afterwards.
void Summaries::tell_mentioned(SummedUp& log, std::span<const Mention> mentions) {
    // In a task of its own: that one of them is removed by what comes with it is known then.
    const std::vector<im::Row> users = log.mentions.add(mentions, parts_.executor.now(), kInterval);
    if (users.empty()) return;
    parts_.executor.later([this, key = log.key, users] {
        if (SummedUp* const known = find(key)) tell_mentioned(*known, users);
    });
}

void Summaries::tell_mentioned(SummedUp& log, const std::vector<im::Row>& users) {
    Telling telling(log);
    for (std::size_t at = 0; at < log.summaries.size(); ++at) {
        Summary& each = log.summaries[at];
        if (!std::ranges::binary_search(users, each.who->user) || !is_owed(log, each)) continue;
        if (each.who->target() != nullptr) (void)tell(log, each, telling);
    }
}

bool Summaries::tell(SummedUp& log) {
    Telling telling(log);
    const std::size_t count = log.summaries.size();
    bool owes = false;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = (log.turn + i) % count;
        Summary& each = log.summaries[at];
        if (!is_owed(log, each) || each.who->target() == nullptr) continue;
        if (telling.told == kMostAtOnce) {
            log.turn = at;
            log.told_at = parts_.executor.now();
            return false;
        }
        owes |= !tell(log, each, telling);
    }
    const session::TimePoint now = parts_.executor.now();
    if (telling.told != 0) log.told_at = now;
    if (!owes && log.unsure == 0 && !log.mentions.empty()) log.mentions.all_told(now - kInterval);
    return true;
}

bool Summaries::tell(const SummedUp& log, Summary& summary, Telling& telling) const {
    ListFollower& who = *summary.who;
    if (!parts_.has_feed(*who.target(), log.key)) {
        telling.encode(log, who, log.mentions.newest_for(who.user, summary.told));
        if (!who.give(telling.name, telling.body)) return false;
        ++telling.told;
    }
    summary.told = log.last;
    summary.owed = false;
    return true;
}

// ---- memberships ----

struct Summaries::Check {
    struct Asked {
        Uuid session;
        std::string user;
        std::uint64_t told = 0;  // as it was asked
        bool is_member = false;
        im::Row row = 0;  // of the conversation; 0: there is none
        std::uint64_t as_of =
            0;  // the end of its log, read before the membership of a member, and behind that of others
    };
    model::ConversationKey key;
    std::uint64_t generation = 0;
    std::vector<Asked> asked{};
};

void Summaries::check(SummedUp& log) {
    const auto check = std::make_shared<Check>(Check{log.key, log.generation});
    for (const Summary& each : log.summaries) {
        if (!each.unsure || each.who->target() == nullptr) continue;
        check->asked.push_back({each.who->id(), each.who->target()->user(), each.told});
        if (check->asked.size() == kMostAtOnce) break;
    }
    if (check->asked.empty()) return;
    log.checking = true;
    parts_.store.read(
        [check](store::Reader& reader) {
            for (Check::Asked& each : check->asked) {
                const auto opened = reading::open(reader, check->key, each.user);
                each.is_member = opened.has_value();
                if (opened) {
                    each.row = opened->conversation.row;
                    each.as_of = opened->conversation.head.last.offset;
                    continue;
                }
                if (reading::code_of(opened) != errc::unknown_conversation) return reading::code_of(opened);
                const auto now = reader.conversation(check->key);
                if (!now) return reading::code_of(now);
                if (!*now || (*now)->removed) continue;
                each.row = (*now)->row;
                each.as_of = (*now)->head.last.offset;
            }
            return errc::ok;
        },
        [this, check](errc code) { checked(*check, code); });
}

void Summaries::checked(const Check& check, errc code) {
    SummedUp* const log = find(check.key);
    if (log == nullptr || log->generation != check.generation) return;
    log->checking = false;
    const std::vector<SummedUp::Removal> removals = std::exchange(log->removals, {});
    for (const Check::Asked& asked : check.asked) {
        ListFollower* const who = code == errc::ok ? parts_.follower(asked.session) : nullptr;
        if (who == nullptr) continue;
        Summary* const summary = find(*who, *log);
        // A page that was read later may have named the conversation since then: it is read again.
        if (summary == nullptr || !summary->unsure || summary->told != asked.told) continue;
        if (!asked.is_member) {
            const bool same = asked.row != 0 && asked.row == log->row;
            const auto at = static_cast<std::size_t>(summary - log->summaries.data());
            remove_gone(*log, at, same ? log->end.epoch : 0, asked.as_of);
            continue;
        }
        const bool ended = std::ranges::any_of(removals, [&](const SummedUp::Removal& each) {
            return each.user == who->user && each.offset > asked.as_of;
        });
        if (ended || asked.row != log->row) continue;  // it is read again
        summary->unsure = false;
        --log->unsure;
        summary->owed = summary->owed || asked.as_of > summary->told;
        summary->told = std::max(summary->told, asked.as_of);
    }
    if (log->unsure != 0) {
        become_due(*log, parts_.executor.now() + kInterval);
    } else {
        become_due(*log);
    }
    forget_if_unused(*log);
}

void Summaries::check_invariants() const {
    std::size_t all = 0;
    for (const auto& [text, log] : by_key_) {
        FLARE_INVARIANT(!log->summaries.empty(), "a log is watched for nobody");
        std::size_t unsure = 0;
        for (std::size_t at = 0; at < log->summaries.size(); ++at) {
            const Summary& each = log->summaries[at];
            const ListFollower::Place& place = each.who->places.at(each.place);
            FLARE_INVARIANT(place.log == log.get() && place.at == at, "a summary and its session do not agree");
            unsure += each.unsure;
        }
        FLARE_INVARIANT(unsure == log->unsure, "summaries that are to be checked are counted wrong");
        all += log->summaries.size();
    }
    FLARE_INVARIANT(all == size_, "summaries are counted wrong");
}

}  // namespace flare::server
