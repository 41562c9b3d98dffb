#include "server/conversations/erasing.hpp"

#include "im/planted.hpp"
#include "server/conversations/own_changes.hpp"
#include "server/worker/shard.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace flare::server {
namespace {

constexpr std::uint32_t kPage = 200;      // entries
constexpr std::uint32_t kMostPages = 20;  // in one question

bool is_to_go(const store::Entry& entry, store::Row user) {
    if (im::planted(im::Fault::erasure_leaves_some) && entry.offset % 4 == 0) return false;
    return entry.sender == user && entry.kind == model::EntryKind::message && !entry.blank;
}

}  // namespace

// What is next to be done for a user.
struct Erasing::Step {
    store::Erasure erasure;
    std::uint64_t began = 0;
    store::Row conversation = 0;  // 0: there is none any more
    model::ConversationKey key{};
    std::uint64_t from = 1;                // before and after: below it nothing is left
    bool end = false;                      // of the log
    bool is_member = false;                // of a room, or invited to it
    std::vector<store::Row> invited{};     // by the user, who are so still
    std::vector<std::uint64_t> offsets{};  // to be deleted
};

Erasing::Erasing(const Parts& parts, std::uint32_t index) : parts_(parts) {
    if (index == 0) at_ = parts_.executor.now();
}

store::Erasure* Erasing::find(store::Row user) {
    const auto found = std::ranges::find(users_, user, &store::Erasure::user);
    return found == users_.end() ? nullptr : &*found;
}

void Erasing::again(session::Duration after) {
    at_ = users_.empty() && ready_ ? session::kNever : parts_.executor.now() + after;
    parts_.executor.arm_timer();
}

void Erasing::note(const store::Erasure& erasure, std::function<void(errc code)> then) {
    auto batch = std::make_unique<store::WriteBatch>();
    batch->writes.push_back({erasure, {}});
    if (erasure.done) batch->writes.push_back({store::PushChange{.user = erasure.user}, {}});  // all of their devices
    parts_.store.write(std::move(batch), [then = std::move(then)](const auto& written, errc code) {
        then(code == errc::ok ? written->writes.front().outcome.code : code);
    });
}

void Erasing::erase(const std::string& user, std::function<void(errc code)> done) {
    if (users_.size() >= kMostUsers) return done(errc::busy);
    const auto row = std::make_shared<std::optional<store::Row>>();
    parts_.store.read(
        [row, user](store::Reader& reader) {
            const auto found = reader.user(user);
            if (!found) return static_cast<errc>(found.error().value());
            *row = *found;
            return errc::ok;
        },
        [this, row, done = std::move(done)](errc code) {
            if (code != errc::ok) return done(said_of(code));
            if (!*row) return done(errc::unknown_target);
            const store::Erasure erasure{.user = **row};
            ++asked_;
            note(erasure, [this, erasure, done](errc written) {
                --asked_;
                if (written != errc::ok) return done(said_of(written));
                // Again from the beginning, if it is being done: they may have written since, or have come back.
                if (store::Erasure* const known = find(erasure.user)) {
                    *known = erasure;
                    if (known == users_.data()) {
                        in_ = 0;
                        ++began_;
                    }
                } else {
                    users_.push_back(erasure);
                }
                if (!busy_) again({});
                done(errc::ok);
            });
        });
}

void Erasing::on_time() {
    if (busy_ || parts_.executor.now() < at_) return;
    at_ = session::kNever;
    busy_ = true;
    if (!ready_) return read_users();
    if (!users_.empty()) return look();
    busy_ = false;
}

void Erasing::read_users() {
    const auto found = std::make_shared<std::vector<store::Erasure>>();
    parts_.store.read(
        [found](store::Reader& reader) {
            if (im::planted(im::Fault::erasure_forgotten)) return errc::ok;
            auto erasures = reader.erasures(kMostUsers);
            if (!erasures) return static_cast<errc>(erasures.error().value());
            *found = std::move(*erasures);
            return errc::ok;
        },
        [this, found](errc code) {
            busy_ = false;
            ready_ = code == errc::ok;
            if (ready_)
                for (const store::Erasure& each : *found)
                    if (find(each.user) == nullptr) users_.push_back(each);
            again(ready_ ? session::Duration{} : kAfterFailure);
        });
}

// As many as one page has: the others are found when these are gone.
errc Erasing::find_invited(store::Reader& reader, Step& step) {
    store::Row after = 0;
    do {
        const auto page = reader.invitations(step.conversation, after, kPage);
        if (!page) return static_cast<errc>(page.error().value());
        after = page->size() == kPage ? page->back().user : 0;
        for (const model::Member& each : *page) {
            if (each.invited_by == step.erasure.user) step.invited.push_back(each.user);
        }
    } while (after != 0 && step.invited.empty());
    return errc::ok;
}

void Erasing::look() {
    const auto step = std::make_shared<Step>();
    step->erasure = users_.front();
    step->began = began_;
    step->conversation = in_;
    step->from = from_;
    parts_.store.read(
        [step](store::Reader& reader) {
            const store::Row user = step->erasure.user;
            const auto next = reader.conversations_of(user, step->erasure.conversation, 1);
            if (!next) return static_cast<errc>(next.error().value());
            const store::Row row = next->empty() ? 0 : next->front().conversation;
            if (row != step->conversation) step->from = 1;
            step->conversation = row;
            if (row == 0) return errc::ok;
            const auto about = reader.conversation(row);
            if (!about) return static_cast<errc>(about.error().value());
            step->end = !*about || (*about)->removed;
            if (step->end) return errc::ok;
            step->key = (*about)->key;
            const model::Member& self = next->front().member;
            const bool room = step->key.kind() == model::ConversationKind::room;
            step->is_member = room && (self.role != model::Role::none || self.invited());
            if (room) {
                if (const errc code = find_invited(reader, *step); code != errc::ok) return code;
            }
            store::PageRequest request;
            request.conversation = row;
            request.direction = store::Direction::forward;
            request.limit = kPage;
            for (std::uint32_t pages = 0; pages < kMostPages; ++pages) {
                request.from = step->offsets.empty() ? step->from : step->offsets.back() + 1;
                const auto page = reader.page(request);
                if (!page) return static_cast<errc>(page.error().value());
                for (const store::Entry& entry : page->entries) {
                    const bool goes = is_to_go(entry, user);
                    if (goes) step->offsets.push_back(entry.offset);
                    if (step->offsets.empty()) step->from = entry.offset + 1;
                    if (step->offsets.size() == kAtOnce) return errc::ok;
                }
                step->end = !page->more && step->offsets.empty();
                if (!page->more || !step->offsets.empty()) return errc::ok;
            }
            return errc::ok;
        },
        [this, step](errc code) { looked(*step, code); });
}

void Erasing::looked(const Step& step, errc code) {
    busy_ = false;
    // Asked for anew meanwhile: what was read before that is too old, even if it was the beginning, too.
    if (code != errc::ok || began_ != step.began) return again(code == errc::ok ? session::Duration{} : kAfterFailure);
    in_ = step.conversation;
    from_ = step.from;
    const auto to_home = [&](const Departure& departure) {
        parts_.router.give(parts_.router.home_of(step.key.text()), [departure](Shard& shard) {
            shard.conversations()->home.take({&departure, 1});
        });
    };
    for (const std::uint64_t offset : step.offsets) to_home(own_removal(step.key, parts_.executor.new_id(), offset));
    if (!step.end && step.conversation != 0) return again(step.offsets.empty() ? session::Duration{} : kPause);
    // It may come too late for the last of what they wrote before: it is asked for in the order of that, at their home.
    if (step.conversation != 0 && (step.is_member || !step.invited.empty())) {
        if (step.is_member)
            to_home(own_change(step.key, parts_.executor.new_id(), im::command::Remove{step.erasure.user}));
        for (const store::Row user : step.invited)
            to_home(own_change(step.key, parts_.executor.new_id(), im::command::Remove{user}));
        return again(kPause);  // until they are no member, and nobody is invited by them
    }
    // Else the store would have last how far this has come, and not that it begins anew.
    if (asked_ != 0) return again(kPause);
    store::Erasure erasure = step.erasure;
    erasure.conversation = step.conversation;
    erasure.done = step.conversation == 0;
    busy_ = true;
    note(erasure, [this, began = began_, erasure](errc written) {
        busy_ = false;
        if (written == errc::ok && began_ == began) {
            in_ = 0;
            if (erasure.done) {
                users_.erase(users_.begin());
            } else {
                users_.front() = erasure;
            }
        }
        again(written == errc::ok ? session::Duration{} : kAfterFailure);
    });
}

}  // namespace flare::server
