#include "store/memory/backend.hpp"

#include "store/memory/data.hpp"
#include "store/rules.hpp"

#include <algorithm>
#include <utility>

namespace flare::store::memory {
namespace {

bool is_too_old(std::uint64_t made_ms, std::uint64_t now_ms) noexcept { return made_ms + kAnswersKeptMs < now_ms; }

}  // namespace

void Backend::write(Write& write, std::uint64_t now_ms, bool full) {
    if (const auto* hook = std::get_if<HookMark>(&write.what))
        mark(*hook, write.outcome);
    else if (full)
        write.outcome.code = errc::storage_full;
    else
        keep(std::get<KeptAnswer>(write.what), now_ms, write.outcome);
}

void Backend::mark(const HookMark& mark, Outcome& outcome) {
    const auto found = hooks_.find(mark.name);
    const bool known = found != hooks_.end();
    if (mark.removed) {
        outcome.repeat = !known;
        if (known) hooks_.erase(found);
    } else if (!known && hooks_.size() >= kMostHooks) {
        outcome.code = errc::invalid_config;
    } else {
        const std::optional<HookMark> before = known ? std::optional(found->second) : std::nullopt;
        const HookMark now = moved(before, mark);
        outcome.repeat = before == now;
        hooks_[mark.name] = now;
    }
}

void Backend::keep(const KeptAnswer& answer, std::uint64_t now_ms, Outcome& outcome) {
    std::erase_if(answers_, [&](const auto& each) { return is_too_old(each.second.made_ms, now_ms); });
    outcome.repeat = !answers_.try_emplace(answer.key, Answer{answer, now_ms}).second;
}

std::vector<HookMark> Backend::hook_marks() const {
    std::vector<HookMark> found;
    for (const auto& [name, mark] : hooks_) found.push_back(mark);
    return found;
}

std::optional<KeptAnswer> Backend::kept_answer(std::string_view key, std::uint64_t now_ms) const {
    const auto found = answers_.find(key);
    if (found == answers_.end() || is_too_old(found->second.made_ms, now_ms)) return std::nullopt;
    return found->second.answer;
}

LogPart log_part(const Data& data, const LogRequest& request) {
    std::map<std::uint64_t, std::pair<const Log*, const Entry*>> behind;  // by stamp
    for (const auto& [row, log] : data.logs()) {
        for (std::size_t i = 0; i < log.entries.size(); ++i)
            if (log.stamps[i] > request.after) behind.emplace(log.stamps[i], std::pair(&log, &log.entries[i]));
    }
    LogPart part;
    part.newest = data.stamp();
    std::uint64_t bytes = 0;
    for (const auto& [stamp, place] : behind) {
        const auto& [log, entry] = place;
        Entry made = shown(*log, entry->offset);
        bytes += made.payload.size() + made.type.size();
        part.more = !part.entries.empty() && (bytes > request.bytes || part.entries.size() >= request.limit);
        if (part.more) break;
        part.entries.push_back(
            {stamp, log->about.row, log->about.key, log->about.head.last.epoch, false, std::move(made)});
    }
    const std::uint64_t upto = part.more ? part.entries.back().place : UINT64_MAX;
    std::map<std::uint64_t, LoggedEntry> ended;
    for (const auto& [row, log] : data.logs()) {
        const std::uint64_t place = log.about.head.stamp;
        if (!log.about.removed || place <= request.after || place > upto) continue;
        LoggedEntry& made = ended[place];
        made = {place, row, log.about.key, log.about.head.last.epoch, true, {}};
        made.entry.time_ms = log.removed_ms;
    }
    std::vector<LoggedEntry> in_order;
    for (auto& [place, each] : ended) in_order.push_back(std::move(each));
    merge_ended(std::move(in_order), request.limit, part);
    return part;
}

}  // namespace flare::store::memory
