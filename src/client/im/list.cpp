#include "client/im/list.hpp"

#include "client/im/bodies.hpp"
#include "client/im/message_changes.hpp"
#include "session/planted.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace flare::client {
namespace {

std::size_t cost_of(const ConversationList::Kept& kept) {
    const Entry& entry = kept.packed.entry;
    return sizeof(kept) + entry.payload.size() + entry.type.size() + entry.from.size() +
           entry.reactions.capacity() * sizeof(Reaction) + entry.mentions.capacity() * sizeof(std::string);
}

std::uint64_t offset_of(const ConversationList::Kept& kept) { return kept.packed.entry.offset; }

// Where a row of entries without a hole begins that reaches up to this offset. What is missing below it was told before
// the list had the conversation, and may have changed what stands there.
std::uint64_t whole_from(const std::vector<ConversationList::Kept>& entries, std::uint64_t offset) {
    auto at = std::ranges::lower_bound(entries, offset, {}, offset_of);
    if (at == entries.end() || offset_of(*at) != offset) return 0;
    while (at != entries.begin() && offset_of(*std::prev(at)) + 1 == offset_of(*at)) --at;
    return offset_of(*at);
}

// As unread, for this user: neither silent nor deleted, and of somebody else.
bool counts(const Entry& entry, std::string_view user) {
    return counts_in_log(entry) && !entry.deleted && entry.from != user;
}

bool mentions(const Entry& entry, std::string_view user) {
    return entry.mentions_all || std::ranges::find(entry.mentions, user) != entry.mentions.end();
}

}  // namespace

void ConversationList::State::note_change(const ConversationChange& change, std::uint64_t offset,
                                          std::string_view user) {
    using Kind = ConversationChange::Kind;
    if (change.config) about.config = *change.config;
    std::size_t gone = 0;
    for (const auto& member : change.members) {
        if (member.user == user && member.role != MemberRole::none) about.role = member.role;
        if (member.role != MemberRole::none) continue;
        ++gone;
        marks.on_left(member.user, offset);
    }
    const bool come = change.kind == Kind::joined || change.kind == Kind::added;
    if (come) about.members += static_cast<std::uint32_t>(change.members.size() - gone);
    if (change.kind == Kind::left || change.kind == Kind::removed || change.kind == Kind::banned)
        about.members -= static_cast<std::uint32_t>(std::min<std::size_t>(gone, about.members));
}

// ---- from the server ----

bool ConversationList::name(const wire::im::SyncedConversation& from, wire::Encodings encodings,
                            const std::optional<wire::im::Settings>& settings) {
    Conversation about = conversation_of(*from.about);
    auto found = all_.find(about.name);
    if (found == all_.end()) {
        if (full()) return false;
        found = all_.try_emplace(about.name).first;
    }
    State& state = found->second;
    const std::uint64_t last = about.head.last;
    const bool is_invitation = !about.invited_by.empty();
    if (state.about.head.epoch != about.head.epoch || state.is_invitation() != is_invitation) {
        forget_entries(state);
        const bool changed = state.changed;
        state = State();
        state.changed = changed;
    }
    const bool newest = last >= state.about.head.last;
    if (newest) state.last_time = wire::to_time(from.last_ms);
    about.head.last = std::max(last, state.about.head.last);
    about.head.messages = std::max(about.head.messages, state.about.head.messages);
    state.about = std::move(about);
    state.named = pass_;
    if (settings || from.settings) set(state, settings ? *settings : *from.settings);
    AllUnread others;
    const std::uint64_t first = from.entries.empty() ? last + 1 : from.entries.front().offset;
    if (first > state.heard + 1) forget_below(state, first);  // they may have changed in between
    state.heard = std::max(state.heard, last);
    forget_below(state, state.about.visible_from);
    for (const wire::im::Entry& each : from.entries) {
        Kept kept{packed_of(each, Bytes()), encodings};
        const Entry& entry = kept.packed.entry;
        if (counts(entry, user_)) others.push_back({entry.offset, mentions(entry, user_)});
        // What the page counts is without it.
        if (each.kind == model::EntryKind::removal) state.count_removal(each.offset, each.ref);
        keep(state, std::move(kept));
    }
    // Below what the user may read nothing counts.
    const std::uint64_t known_from = !from.entries.empty() && from.entries.back().offset < last ? last : first - 1;
    if (known_from == last) others.clear();
    ReadMark read;
    if (from.mark) read = {from.mark->offset, from.mark->unread, from.mark->more, 0, from.mark->mentions};
    if (from.mark) state.flag.told = from.mark->unread_from;
    if (from.mark && !state.flag.unsaid) state.flag.from = from.mark->unread_from;
    state.count_page(read, last, known_from, std::move(others));
    state.count_upto(last, from.about->head->messages);
    uncounted_ = uncounted_ || state.count_from != 0;
    // Changes that are newer than the page.
    for (const Kept& each : state.entries) {
        if (offset_of(each) <= last) continue;
        if (is_change(each.packed.entry)) change(state, each);
        if (const auto entry = unpacked(each.packed, each.encodings); entry && entry->change)
            state.note_change(*entry->change, offset_of(each), user_);
    }
    note_changed(found->first, state);
    make_room();
    return true;
}

void ConversationList::add(const Conversation& about) {
    if (about.name.empty()) return;
    const auto known = all_.find(about.name);
    const bool accepts = known != all_.end() && known->second.is_invitation();
    if (known != all_.end() && !accepts) return on_visible_from(about.name, about.head.epoch, about.visible_from);
    if (!accepts && full()) return;
    State& state = all_[about.name];
    if (accepts) {
        const bool changed = state.changed;
        state = State();
        state.changed = changed;
    }
    state.about = about;
    state.about.written.reset();
    if (about.written) state.last_time = about.written->time;
    state.mark = state.has_read = state.said = state.known_from = state.counted = state.heard = about.head.last;
    state.messages = about.head.messages;
    state.named = pass_;
    note_changed(about.name, state);
}

bool ConversationList::remove(std::string_view name, UnlistedOwn* own) {
    const auto found = all_.find(name);
    if (found == all_.end()) return false;
    for (const Kept& each : found->second.entries) {
        const Entry& entry = each.packed.entry;
        const bool mine = entry.kind == EntryKind::message && entry.from == user_;
        if (own == nullptr || !mine || each.packed.encoding != wire::Encoding::none) continue;
        own->keep(found->first, found->second.about.head.epoch, entry);
    }
    forget_entries(found->second);
    note_changed(found->first, found->second);
    all_.erase(found);
    return true;
}

void ConversationList::on_entry(std::string_view name, std::uint64_t epoch, const wire::im::Entry& from,
                                wire::Encodings encodings) {
    State* const state = find(name, epoch);
    if (state == nullptr) return;
    LogHead& head = state->about.head;
    // What is between them was told before the list had the conversation: nothing of it is counted.
    const std::uint64_t known = std::max(head.last, state->counted);
    if (from.offset > known + 1) on_gap(name, {epoch, from.offset - 1}, std::nullopt);
    const bool news = from.offset > head.last;
    state->heard = std::max(state->heard, from.offset);
    // Older ones are those of a subscription that begins further back.
    const bool old = !news && from.offset <= state->counted;
    if (old && (state->entries.empty() || from.offset < offset_of(state->entries.front()))) return;
    Kept kept{packed_of(from, Bytes()), encodings};
    const Entry& entry = kept.packed.entry;
    if (entry.kind == EntryKind::removal) {
        state->count_removal(entry.offset, entry.ref);
        uncounted_ = uncounted_ || state->count_from != 0;
    }
    if (counts(entry, user_)) state->count({entry.offset, mentions(entry, user_)});
    state->count_upto(entry.offset, entry.messages);
    if (news) {
        head.last = entry.offset;
        state->last_time = entry.time;
        state->turn = ++turns_;
        if (entry.kind == EntryKind::membership || entry.kind == EntryKind::config) {
            if (const auto whole = unpacked(kept.packed, encodings); whole && whole->change)
                state->note_change(*whole->change, entry.offset, user_);
        }
    }
    head.messages = std::max(head.messages, entry.messages);
    if (is_change(entry)) change(*state, kept);
    keep(*state, std::move(kept));
    forget_below(*state, whole_from(state->entries, from.offset));
    note_changed(state->about.name, *state);
    make_room();
}

// The server has moved the mark to there, or further, as the user became a member. What is below belongs to an earlier
// membership: its changes are not told any more.
void ConversationList::on_visible_from(std::string_view name, std::uint64_t epoch, std::uint64_t offset) {
    State* const state = find(name, epoch);
    if (state == nullptr) return;
    if (!state->entries.empty() && offset_of(state->entries.front()) < offset) {
        forget_below(*state, offset);
        note_changed(state->about.name, *state);
    }
    if (offset == 0 || offset - 1 <= state->mark) return;
    state->said = std::max(state->said, offset - 1);
    state->move_mark(offset - 1);
    note_changed(state->about.name, *state);
}

void ConversationList::on_gap(std::string_view name, const Position& upto, std::optional<std::uint64_t> messages) {
    State* const state = find(name, upto.epoch);
    if (state == nullptr || upto.offset <= std::min(state->counted, state->about.head.last)) return;
    const bool is_counted = upto.offset <= state->counted;
    if (!is_counted && upto.offset > state->mark) {
        state->mentions_below = state->mentions();
        state->below += state->others.size();
        state->others.clear();
        state->more = true;
        state->known_from = upto.offset;
        // What was deleted there is counted still: the server counts again.
        state->count_from = upto.offset;
        uncounted_ = true;
    }
    if (!is_counted) state->count_upto(upto.offset, messages);
    LogHead& head = state->about.head;
    head.last = std::max(head.last, upto.offset);
    head.messages = std::max(head.messages, messages.value_or(0));
    forget_below(*state, upto.offset + 1);  // an own message may be known above it
    state->heard = std::max(state->heard, upto.offset);
    note_changed(state->about.name, *state);
}

void ConversationList::on_own_passed(std::string_view name, const FeedCursor::Passed& own) {
    const auto end = end_of(name);
    if (!end || end->epoch != own.upto.epoch) return;
    for (std::uint64_t offset = std::max(own.after.offset, end->offset) + 1; offset <= own.upto.offset; ++offset) {
        const bool counts = !std::ranges::binary_search(own.uncounted, offset);
        on_own_at(name, {own.upto.epoch, offset}, counts);
    }
}

void ConversationList::on_own(std::string_view name, std::uint64_t epoch, Entry entry) {
    State* const state = find(name, epoch);
    if (state == nullptr) return;
    LogHead& head = state->about.head;
    const auto known = [&](const Kept& each) { return offset_of(each) == entry.offset; };
    if (entry.offset == state->heard + 1) ++state->heard;
    if (std::any_of(state->entries.begin(), state->entries.end(), known)) return;
    const bool counts = counts_in_log(entry);
    if (counts) state->note_late_receipt(entry.offset);
    state->note_own(entry.offset, counts);
    if (counts && entry.offset == head.last + 1) ++head.messages;
    entry.messages = head.messages;
    if (entry.offset > head.last) {
        head.last = entry.offset;
        state->last_time = entry.time;
        state->turn = ++turns_;
    } else if (state->entries.empty() || entry.offset < offset_of(state->entries.front())) {
        return;
    }
    PackedEntry packed;
    packed.size = entry.payload.size();
    packed.entry = std::move(entry);
    keep(*state, {std::move(packed), 0});
    note_changed(state->about.name, *state);
    make_room();
}

void ConversationList::on_own_at(std::string_view name, const Position& at, bool counts) {
    State* const state = find(name, at.epoch);
    if (state == nullptr) return;
    state->note_own(at.offset, counts);
    if (at.offset == state->heard + 1) ++state->heard;
    LogHead& head = state->about.head;
    if (at.offset <= head.last) return;
    if (counts && at.offset == head.last + 1) ++head.messages;
    head.last = at.offset;
    note_changed(state->about.name, *state);
}

void ConversationList::on_end(std::string_view name, const End& end) {
    State* const state = find(name, end.last.epoch);
    if (state == nullptr) return;
    LogHead& head = state->about.head;
    const bool mentions = end.mentioned > state->counted;  // else it was counted
    const bool counted = state->count_end(end.last.offset, end.messages);
    if (mentions) state->count_mention(end.mentioned);
    uncounted_ = uncounted_ || state->count_from != 0;
    const bool news = end.last.offset > head.last;
    if (news) {
        head.last = end.last.offset;
        state->last_time = end.time;
        state->turn = ++turns_;
    }
    head.messages = std::max(head.messages, end.messages);
    if (counted || news) note_changed(state->about.name, *state);
}

// ---- marks ----

std::optional<ReadMark> ConversationList::mark(std::string_view name, const Position& upto) {
    State* const state = find(name, upto.epoch);
    if (state == nullptr) return std::nullopt;
    const std::uint64_t offset = std::min(upto.offset, state->about.head.last);
    const bool ends = state->flag.from != 0 && offset >= state->flag.from;
    if (offset > state->has_read || ends) {
        state->move_mark(offset);
        if (ends) state->set_unread(0);
        note_changed(state->about.name, *state);
    }
    return state->read_mark();
}

std::optional<ReadMark> ConversationList::mark_unread(std::string_view name, const Position& from) {
    State* const state = find(name, from.epoch);
    if (state == nullptr) return std::nullopt;
    state->set_unread(std::min(from.offset, state->about.head.last));
    note_changed(state->about.name, *state);
    return state->read_mark();
}

void ConversationList::State::set_unread(std::uint64_t from) {
    flag.from = from;
    ++flag.number;
    flag.unsaid = true;
}

std::uint64_t ConversationList::said_of(std::string_view name, std::uint64_t epoch) {
    const State* const state = find(name, epoch);
    return state == nullptr ? 0 : state->flag.number;
}

bool ConversationList::on_marked(std::string_view name, std::uint64_t epoch, const wire::im::ReadMark& read,
                                 std::optional<std::uint64_t> answered) {
    State* const state = find(name, epoch);
    if (state == nullptr) return true;
    const ReadMark before = state->read_mark();
    const bool was_hidden = state->is_hidden();
    const bool counted = state->count_answer(read);
    LogHead& head = state->about.head;
    if (read.last <= head.last) head.messages = std::max(head.messages, read.messages);
    state->flag.told = read.unread_from;
    if (answered == state->flag.number) state->flag.unsaid = false;
    if (!state->flag.unsaid) state->flag.from = read.unread_from;
    const ReadMark now = state->read_mark();
    if (before.offset != now.offset || before.unread != now.unread || before.more != now.more ||
        before.unread_from != now.unread_from || before.mentions != now.mentions || was_hidden != state->is_hidden())
        note_changed(state->about.name, *state);
    return counted;
}

void ConversationList::on_mark_refused(std::string_view name, bool unread) {
    const auto found = all_.find(name);
    if (found == all_.end()) return;
    State& state = found->second;
    if (!unread) {
        state.said = state.has_read;
        state.count_from = 0;
    }
    if (!std::exchange(state.flag.unsaid, false) || state.flag.from == state.flag.told) return;
    state.flag.from = state.flag.told;
    note_changed(found->first, state);
}

// A mark that is said again ends what is shown as unread, which is said again behind it.
std::vector<ConversationList::Unsaid> ConversationList::unsaid() {
    std::vector<Unsaid> found;
    for (auto& [name, state] : all_) {
        const std::uint64_t epoch = state.about.head.epoch;
        const bool says_mark =
            state.has_read > state.said || state.count_from != 0 || (state.flag.unsaid && state.flag.from == 0);
        if (says_mark && state.flag.from != 0) state.set_unread(state.flag.from);
        const bool says_unread = state.flag.unsaid && state.flag.from != 0;
        if (says_mark) found.push_back({name, {epoch, state.has_read}, false, says_unread ? 0 : state.flag.number});
        if (says_unread) found.push_back({name, {epoch, state.flag.from}, true, state.flag.number});
    }
    return found;
}

// ---- what the user has chosen ----

void ConversationList::on_settings(std::string_view name, std::uint64_t epoch, const wire::im::Settings& settings) {
    State* const state = find(name, epoch);
    if (state == nullptr || state->settings == settings) return;
    set(*state, settings);
    note_changed(state->about.name, *state);
}

std::uint64_t ConversationList::cleared_to(std::string_view name, std::uint64_t epoch) const {
    const auto found = all_.find(name);
    const bool same = found != all_.end() && found->second.about.head.epoch == epoch;
    return same ? found->second.settings.cleared_to : 0;
}

void ConversationList::set(State& state, const wire::im::Settings& settings) {
    const bool clears = settings.cleared_to > state.settings.cleared_to;
    state.settings = settings;
    if (!clears) return;
    const std::uint64_t upto = settings.cleared_to;
    state.clear(upto);
    state.about.head.last = std::max(state.about.head.last, upto);
    for (Kept& each : state.entries) {
        bytes_ -= cost_of(each);
        blank_cleared(each.packed, upto);
        if (offset_of(each) > upto) bytes_ += cost_of(each);
    }
    std::erase_if(state.entries, [upto](const Kept& each) { return offset_of(each) <= upto; });
}

// Own messages behind what is counted may be more than the head says.
bool ConversationList::State::is_hidden() const noexcept {
    const std::uint64_t known = messages ? *messages + own.size() : 0;
    return std::max(about.head.messages, known) < settings.hidden_below;
}

// ---- marks of others ----

std::optional<UserMark> ConversationList::on_other(std::string_view name, std::uint64_t epoch, const UserMark& mark) {
    if (mark.user.empty() || mark.user == user_) return std::nullopt;
    const auto found = all_.find(name);
    if (found == all_.end()) return mark;
    State& state = found->second;
    if (state.about.head.epoch != epoch) return std::nullopt;
    const auto now = state.marks.on_told(mark);
    if (now) note_changed(found->first, state);
    return now;
}

// ---- what is known ----

std::vector<std::string> ConversationList::unnamed_since(std::uint64_t pass) const {
    std::vector<std::string> found;
    for (const auto& [name, state] : all_) {
        if (state.named < pass) found.push_back(name);
    }
    return found;
}

std::optional<Position> ConversationList::end_of(std::string_view name) const {
    const auto found = all_.find(name);
    if (found == all_.end() || found->second.is_invitation()) return std::nullopt;
    const LogHead& head = found->second.about.head;
    return Position{head.epoch, head.last};
}

ConversationList::Item ConversationList::item_of(const State& state) {
    return {state.about,   state.read_mark(), state.last_time,
            state.entries, state.marks.all(), settings_of(state.settings, state.is_hidden())};
}

std::optional<ConversationList::Item> ConversationList::item(std::string_view name) const {
    const auto found = all_.find(name);
    if (found == all_.end()) return std::nullopt;
    return item_of(found->second);
}

std::vector<ConversationList::Item> ConversationList::items(bool invitations) const {
    std::vector<const State*> order;
    for (const auto& [name, state] : all_) {
        if (state.is_invitation() == invitations) order.push_back(&state);
    }
    std::stable_sort(order.begin(), order.end(), [](const State* a, const State* b) {
        return std::tie(a->settings.pinned, a->last_time, a->turn) >
               std::tie(b->settings.pinned, b->last_time, b->turn);
    });
    std::vector<Item> items;
    items.reserve(order.size());
    for (const State* const state : order) items.push_back(item_of(*state));
    return items;
}

ConversationList::State* ConversationList::find(std::string_view name, std::uint64_t epoch) {
    const auto found = all_.find(name);
    const bool there = found != all_.end() && !found->second.is_invitation();
    return !there || found->second.about.head.epoch != epoch ? nullptr : &found->second;
}

// ---- entries ----

// By offset; one that is there already takes its new form.
void ConversationList::keep(State& state, Kept entry) {
    auto& entries = state.entries;
    if (offset_of(entry) <= state.settings.cleared_to) return;
    blank_cleared(entry.packed, state.settings.cleared_to);
    const auto at = std::lower_bound(entries.begin(), entries.end(), offset_of(entry),
                                     [](const Kept& each, std::uint64_t offset) { return offset_of(each) < offset; });
    if (at != entries.end() && offset_of(*at) == offset_of(entry)) {
        bytes_ -= cost_of(*at);
        const bool newer = entry.packed.entry.changed_at >= at->packed.entry.changed_at;
        take_newer(at->packed, std::move(entry.packed));
        if (newer) at->encodings = entry.encodings;
        bytes_ += cost_of(*at);
    } else {
        bytes_ += cost_of(entry);
        entries.insert(at, std::move(entry));
    }
    if (entries.size() <= kMostEntries) return;
    bytes_ -= cost_of(entries.front());
    entries.erase(entries.begin());
}

// What an edit, a removal or a reaction makes of its message, if that is kept.
void ConversationList::change(State& state, const Kept& change) {
    for (Kept& each : state.entries) {
        if (offset_of(each) != change.packed.entry.ref) continue;
        bytes_ -= cost_of(each);
        const bool edits = change.packed.entry.kind == EntryKind::edit;
        if (edits && session::planted(session::Fault::list_keeps_old_text)) continue;
        if (apply_change(each.packed, change.packed, user_) && edits) each.encodings = change.encodings;
        bytes_ += cost_of(each);
    }
}

void ConversationList::forget_below(State& state, std::uint64_t offset) {
    const auto end =
        std::ranges::find_if(state.entries, [offset](const Kept& each) { return offset_of(each) >= offset; });
    for (auto each = state.entries.begin(); each != end; ++each) bytes_ -= cost_of(*each);
    state.entries.erase(state.entries.begin(), end);
}

void ConversationList::forget_entries(State& state) {
    for (const Kept& each : state.entries) bytes_ -= cost_of(each);
    state.entries = {};
}

// The conversations without activity for the longest time lose their entries, until a quarter is free.
void ConversationList::make_room() {
    if (bytes_ <= kMostBytes) return;
    std::vector<State*> order;
    for (auto& [name, state] : all_) {
        if (!state.entries.empty()) order.push_back(&state);
    }
    std::sort(order.begin(), order.end(), [](const State* a, const State* b) { return a->last_time < b->last_time; });
    for (State* const state : order) {
        if (bytes_ <= kMostBytes / 4 * 3) return;
        forget_entries(*state);
    }
}

std::vector<std::string> ConversationList::take_changed() {
    for (const std::string& name : changed_) {
        if (const auto found = all_.find(name); found != all_.end()) found->second.changed = false;
    }
    return std::exchange(changed_, {});
}

void ConversationList::note_changed(const std::string& name, State& state) {
    if (!std::exchange(state.changed, true)) changed_.push_back(name);
}

// ---- for applications ----

ListedConversation listed(ConversationList::Item item, std::size_t& most) {
    ListedConversation made{std::move(item.about),  item.mark,    item.last_time, {},
                            std::move(item.others), item.settings};
    // The newest first: what is left out is the oldest.
    for (auto each = item.entries.rbegin(); each != item.entries.rend(); ++each) {
        if (each->packed.encoding != wire::Encoding::none && each->packed.size > most) break;
        auto entry = unpacked(std::move(each->packed), each->encodings);
        if (!entry) break;
        most -= std::min(most, entry->payload.size());
        made.entries.push_back(std::move(*entry));
    }
    std::reverse(made.entries.begin(), made.entries.end());
    return made;
}

Invitation invitation_of(const ConversationList::Item& item) {
    const Conversation& about = item.about;
    return {about.name, about.invited_by, about.config, about.members, item.last_time};
}

}  // namespace flare::client
