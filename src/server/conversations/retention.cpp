#include "server/conversations/retention.hpp"

#include "im/planted.hpp"
#include "server/conversations/own_changes.hpp"
#include "server/worker/shard.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace flare::server {

store::RetentionRules stored_rules(const RetentionRules& rules) {
    constexpr std::chrono::seconds kMost = std::chrono::hours(24) * 365 * 1000;
    return {static_cast<std::uint64_t>(
                std::chrono::milliseconds(std::clamp(rules.age, std::chrono::seconds(0), kMost)).count()),
            rules.entries, rules.bytes};
}

store::RetentionRules RetentionSettings::rules_of(const model::ConversationKey& key) const {
    const bool is_room = key.kind() == model::ConversationKind::room;
    if (policy) {
        const std::string room = is_room ? "room:" + std::string(key.name()) : std::string();
        const auto own = is_room ? policy({room, {}, {}}) : policy({{}, key.first(), key.second()});
        if (own) return stored_rules(*own);
    }
    return is_room ? rooms : direct;
}

// Conversations that are looked at together, and what was found.
struct Retention::Walk {
    struct Cut {
        model::ConversationKey key;
        std::uint64_t keep_from;
        std::uint64_t epoch;
    };
    store::Row after = 0;
    bool more = false;
    std::vector<Cut> cuts{};
};

void Retention::on_time() {
    const session::TimePoint now = parts_.executor.now();
    if (now < at_) return;
    at_ = session::kNever;
    if (after_ == 0) began_ = now;
    const auto walk = std::make_shared<Walk>();
    walk->after = after_;
    const auto now_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(unix_ms(parts_.executor.wall_clock()), 0));
    parts_.store.read(
        [walk, now_ms, &settings = parts_.settings](store::Reader& reader) {
            const auto rows = reader.conversations(walk->after, kAtOnce);
            if (!rows) return static_cast<errc>(rows.error().value());
            for (const store::Row row : *rows) {
                walk->after = row;
                const auto found = reader.conversation(row);
                if (!found) return static_cast<errc>(found.error().value());
                if (!*found || (*found)->removed) continue;
                const auto kept = store::first_kept(reader, **found, settings.rules_of((*found)->key), now_ms);
                if (!kept) return static_cast<errc>(kept.error().value());
                const std::uint64_t more = im::planted(im::Fault::cut_one_more) ? 1 : 0;
                if (*kept != 0) walk->cuts.push_back({(*found)->key, *kept + more, (*found)->head.last.epoch});
            }
            walk->more = rows->size() == kAtOnce;
            return errc::ok;
        },
        [this, walk](errc code) { walked(*walk, code); });
}

void Retention::walked(const Walk& walk, errc code) {
    for (const Walk::Cut& cut : walk.cuts) {
        const Departure departure =
            own_change(cut.key, parts_.executor.new_id(), im::command::Truncate{cut.keep_from, cut.epoch});
        parts_.router.give(parts_.router.home_of(cut.key.text()), [departure](Shard& shard) {
            shard.conversations()->home.take({&departure, 1});
        });
    }
    const session::TimePoint now = parts_.executor.now();
    // A store that cannot be read now is asked again from the same place.
    if (code == errc::ok) after_ = walk.more ? walk.after : 0;
    at_ = now + kPause;
    if (after_ == 0) at_ = std::max(at_, began_ + parts_.settings.interval);
    parts_.executor.arm_timer();
}

}  // namespace flare::server
