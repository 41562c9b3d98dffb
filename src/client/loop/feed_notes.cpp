#include "client/loop/feed_notes.hpp"

#include <bit>
#include <string>

namespace flare::client {
namespace {

using What = FeedNote::What;

std::string_view name_of(What what) {
    switch (what) {
        case What::subscribed: return "subscribed";
        case What::listed: return "subscription_listed";
        case What::renewed: return "subscription_renewed";
        case What::gap: return "history_gap";
        case What::refused: return "subscription_refused";
        case What::put_off: return "subscription_put_off";
        case What::ended: return "subscription_ended";
        case What::unsubscribed: return "unsubscribed";
        case What::dropped: return "subscription_dropped";
        case What::stands: return "subscription";
    }
    return "subscription";
}

// A number of 64 bits is a text: programs read numbers of JSON with 53.
void add_epoch(flight::Line& line, std::string_view key, std::uint64_t epoch) { line.add(key, std::to_string(epoch)); }

void add_gap(flight::Line& line, const HistoryGap& gap) {
    line.add("reason", name(gap.reason));
    add_epoch(line, "epoch", gap.epoch);
    line.add("first", gap.first).add("last", gap.last);
}

}  // namespace

void FeedNotes::write(const FeedNote& note) {
    if (note.what == What::renewed && !std::has_single_bit(note.times)) return;
    flight::Line line = recorder_.line(name_of(note.what));
    line.add("conversation", note.conversation);
    if (note.gap != nullptr) {
        add_gap(line, *note.gap);
    } else {
        add_epoch(line, "epoch", note.at.epoch);
        line.add("at", note.at.offset);
    }
    if (note.told != 0) line.add("told", note.told);
    if (note.what == What::subscribed || note.what == What::listed || note.what == What::renewed)
        line.add("newest", note.last);
    if (note.what == What::renewed && note.times > 1) line.add("times", note.times);
    if (note.asked != Position()) {
        add_epoch(line, "asked_epoch", note.asked.epoch);
        line.add("asked", note.asked.offset);
    }
    if (note.before != Position() && note.before.epoch == note.at.epoch) line.add("before", note.before.offset);
    if (note.reason != nullptr) line.add("code", name(note.reason->code)).add("text", note.reason->text);
    if (note.retry.count() != 0) line.ms("retry_after_ms", note.retry);
    recorder_.add(line, flight::Ring::Of::conversations);
}

}  // namespace flare::client
