#include "store/memory/data.hpp"

#include "store/planted.hpp"
#include "store/rules.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace flare::store::memory {

using model::EntryKind;

namespace {

// Whom a message mentions: who is a member, and 0 for all. The rows of users begin at 1.
std::set<Row> mentioned_by(const NewEntry& entry, const Log& log) {
    std::set<Row> users;
    if (entry.kind != EntryKind::message) return users;
    for (const Row user : entry.mentions) {
        const auto seat = log.members.find(user);
        const bool is_member = seat != log.members.end() && seat->second.member.role != model::Role::none;
        if (is_member || planted(Fault::mentions_anybody)) users.insert(user);
    }
    if ((entry.flags & model::kMentionAll) != 0) users.insert(0);
    return users;
}

Mentions without(const Mentions& all, Row user) {
    Mentions left;
    for (auto [offset, users] : all) {
        users.erase(user);
        if (!users.empty()) left.emplace(offset, std::move(users));
    }
    return left;
}

}  // namespace

std::vector<Row> mentions_of(const Log& log, std::uint64_t offset) {
    const auto found = log.mentions.find(offset);
    if (found == log.mentions.end()) return {};
    std::vector<Row> users(found->second.begin(), found->second.end());
    std::erase(users, Row{0});
    return users;
}

Entry shown(const Log& log, std::uint64_t offset) {
    Entry entry = *log.entry(offset);
    entry.mentions = mentions_of(log, offset);
    if (entry.kind != EntryKind::edit) return entry;
    const Entry* const original = log.entry(entry.ref);
    entry.blank = original == nullptr || original->blank;
    if (original == nullptr) return entry;
    entry.encoding = original->encoding;
    entry.type = original->type;
    entry.payload = original->payload;
    return entry;
}

Data::Data(const Data& from, std::uint64_t generation)
    : generation_(generation),
      stamp_(from.stamp_),
      forgotten_(from.forgotten_),
      last_conversation_(from.last_conversation_),
      logs_(from.logs_),
      users_(from.users_),
      push_devices_(from.push_devices_),
      ids_(from.ids_),
      erasures_(from.erasures_),
      backend_(from.backend_) {
    if (planted(Fault::copy_keeps_epochs)) return;
    for (auto& [row, log] : logs_) log.about.head.last.epoch = epoch_of(generation_, row);
}

void Data::apply(WriteBatch& batch, std::uint64_t now_ms, bool full) {
    now_ms_ = now_ms;
    full_ = full;
    for (Write& each : batch.writes) {
        each.outcome = {};
        if (const auto* entry = std::get_if<NewEntry>(&each.what))
            append(batch, *entry, each.outcome);
        else if (const auto* changed = std::get_if<Change>(&each.what))
            change(batch, *changed, each.outcome);
        else if (const auto* marked = std::get_if<Mark>(&each.what))
            mark(*marked, each.outcome);
        else if (const auto* chosen = std::get_if<SettingsChange>(&each.what))
            choose(*chosen, each.outcome);
        else if (const auto* erased = std::get_if<Erasure>(&each.what))
            erase(*erased, each.outcome);
        else if (const auto* pushed = std::get_if<PushChange>(&each.what))
            push(*pushed, each.outcome);
        else if (const auto* user = std::get_if<NewUser>(&each.what))
            add_user(*user, each.outcome);
        else {
            undo_.emplace_back([this, before = backend_] { backend_ = before; });
            backend_.write(each, now_ms, full);
        }
    }
}

void Data::undo() {
    for (auto each = undo_.rbegin(); each != undo_.rend(); ++each) (*each)();
    undo_.clear();
}

void Data::give_stamp() {
    undo_.emplace_back([this, before = stamp_] { stamp_ = before; });
    ++stamp_;
}

// ---- entries ----

void Data::append(const WriteBatch& batch, const NewEntry& entry, Outcome& outcome) {
    const auto found = logs_.find(entry.conversation);
    if (found == logs_.end() || found->second.about.removed) {
        outcome.code = errc::unknown_conversation;
        return;
    }
    if (answer_known(entry, outcome)) return;
    Log& log = found->second;
    outcome.row = entry.conversation;
    outcome.code = may_append(batch, entry, log);
    if (outcome.code != errc::ok) return;
    if (changes_nothing(batch, entry, log)) {
        const model::Head& head = log.about.head;
        outcome.repeat = true;
        outcome.position = {head.last.epoch, 0};
        outcome.time_ms = head.last_ms;
        outcome.stamp = head.stamp;
        outcome.messages = head.messages;
        return;
    }

    give_stamp();
    model::Head& head = log.about.head;
    undo_.emplace_back([&log, before = head] {
        log.entries.pop_back();
        log.stamps.pop_back();
        log.about.head = before;
    });
    head.last.offset += 1;
    if (planted(Fault::offset_left_out) && head.last.offset == 3) {
        log.entries.emplace_back();
        log.stamps.push_back(stamp_);
        head.last.offset += 1;
    }
    log.stamps.push_back(stamp_);
    head.last_ms = time_after(head.last_ms, now_ms_);
    head.stamp = stamp_;
    head.messages += counts(entry);

    Entry& made = log.entries.emplace_back();
    made.offset = made.rev = head.last.offset;
    made.kind = entry.kind;
    made.flags = entry.flags;
    made.ref = entry.ref;
    made.id = entry.id;
    made.sender = entry.sender;
    made.time_ms = head.last_ms;
    made.messages = head.messages;
    if (changes_another(entry.kind)) {
        change_original(batch, entry, log);
    } else {
        made.encoding = entry.encoding;
        made.type = batch.view(entry.type);
        made.payload = batch.view(entry.payload);
        head.bytes += made.payload.size();
        if (entry.kind == EntryKind::reaction) react(batch, entry, log);
        if (std::set<Row> users = mentioned_by(entry, log); !users.empty()) {
            undo_.emplace_back([&log, offset = made.offset] { log.mentions.erase(offset); });
            log.mentions[made.offset] = std::move(users);
            outcome.mentions = mentions_of(log, made.offset);
            if (!outcome.mentions.empty()) made.flags |= model::kNamesUsers;
        }
    }
    const Key key{entry.id, entry.conversation, entry.sender};
    ids_[key] = {head.last.offset, stamp_, entry.content};
    undo_.emplace_back([this, key] { ids_.erase(key); });
    outcome.position = head.last;
    outcome.time_ms = head.last_ms;
    outcome.stamp = stamp_;
    outcome.messages = head.messages;
}

bool Data::answer_known(const NewEntry& entry, Outcome& outcome) const {
    auto known = ids_.find({entry.id, entry.conversation, entry.sender});
    if (planted(Fault::id_without_conversation)) {
        known = ids_.lower_bound({entry.id, 0, 0});
        if (known != ids_.end() && std::get<0>(known->first) != entry.id) known = ids_.end();
    }
    if (known == ids_.end()) return false;
    const Log* const in = log(std::get<1>(known->first));
    const Entry* const there = in->entry(known->second.offset);
    outcome.repeat = true;
    outcome.code = known->second.content == entry.content ? errc::ok : errc::duplicate_message_id;
    outcome.row = entry.conversation;
    outcome.position = {in->about.head.last.epoch, known->second.offset};
    outcome.time_ms = there->time_ms;
    outcome.messages = there->messages;
    outcome.stamp = known->second.stamp;
    outcome.mentions = mentions_of(*in, known->second.offset);
    return true;
}

errc Data::may_append(const WriteBatch& batch, const NewEntry& entry, const Log& log) const {
    const bool too_old = entry.first_sent_ms != 0 && entry.first_sent_ms < log.pruned_ms;
    if (too_old) return errc::too_old;
    if (full_ && entry.kind != EntryKind::removal) return errc::storage_full;
    if (!is_about_another(entry.kind)) return errc::ok;
    const Entry* const original = log.entry(entry.ref);
    const bool deleted = original != nullptr && original->blank && !planted(Fault::edit_of_deleted);
    if (original == nullptr || is_about_another(original->kind) || deleted) return errc::history_pruned;
    if (entry.kind == EntryKind::edit) {
        const auto edits = log.edits.find(entry.ref);
        return edits != log.edits.end() && edits->second >= kMostEdits ? errc::too_many_edits : errc::ok;
    }
    const auto found = log.reactions.find(entry.ref);
    const bool comes = entry.kind == EntryKind::reaction && (entry.flags & model::kTakenBack) == 0;
    if (!comes || found == log.reactions.end() || changes_nothing(batch, entry, log)) return errc::ok;
    const auto own = std::ranges::count_if(found->second,
                                           [&](const auto& each) { return each.second.users.contains(entry.sender); });
    const bool fresh = !found->second.contains(batch.view(entry.payload));
    const std::uint64_t most = planted(Fault::reactions_not_limited) ? kMostReactionKeys : kMostOwnReactions;
    const bool too_many =
        static_cast<std::uint64_t>(own) >= most || (fresh && found->second.size() >= kMostReactionKeys);
    return too_many ? errc::too_many_reactions : errc::ok;
}

bool Data::changes_nothing(const WriteBatch& batch, const NewEntry& entry, const Log& log) {
    if (entry.kind != EntryKind::reaction || planted(Fault::reaction_repeated)) return false;
    bool has = false;
    if (const auto found = log.reactions.find(entry.ref); found != log.reactions.end()) {
        const auto key = found->second.find(batch.view(entry.payload));
        has = key != found->second.end() && key->second.users.contains(entry.sender);
    }
    const bool comes = (entry.flags & model::kTakenBack) == 0;
    return has == comes;
}

void Data::react(const WriteBatch& batch, const NewEntry& entry, Log& log) {
    undo_.emplace_back([&log, before = log.reactions] { log.reactions = before; });
    Reactions& reactions = log.reactions[entry.ref];
    Reacted& reacted = reactions[std::string(batch.view(entry.payload))];
    reacted.rev = log.about.head.last.offset;
    if ((entry.flags & model::kTakenBack) == 0) {
        reacted.users.insert(entry.sender);
    } else {
        reacted.users.erase(entry.sender);
        if (reacted.users.empty()) reactions.erase(reactions.find(batch.view(entry.payload)));
        if (reactions.empty()) log.reactions.erase(entry.ref);
    }
}

void Data::change_original(const WriteBatch& batch, const NewEntry& entry, Log& log) {
    model::Head& head = log.about.head;
    const std::size_t at = entry.ref - head.first;
    Entry& original = log.entries[at];
    undo_.emplace_back([&log, at, before = original] { log.entries[at] = before; });
    head.bytes -= original.payload.size();
    original.rev = head.last.offset;
    if (entry.kind == EntryKind::edit) {
        if (planted(Fault::edit_lost)) return;
        if (entry.type.size != 0) original.type = batch.view(entry.type);
        original.payload = batch.view(entry.payload);
        original.encoding = entry.encoding;
        head.bytes += original.payload.size();
        undo_.emplace_back([&log, before = log.edits] { log.edits = before; });
        ++log.edits[entry.ref];
    } else {
        undo_.emplace_back([&log, before = log.reactions] { log.reactions = before; });
        if (!planted(Fault::reactions_outlive)) log.reactions.erase(entry.ref);
        undo_.emplace_back([&log, before = log.mentions] { log.mentions = before; });
        log.mentions.erase(entry.ref);
        if (!planted(Fault::deleted_text_stays)) original.payload.clear();
        original.encoding = model::StoredEncoding::identity;
        original.blank = true;
    }
}

// ---- conversations and users ----

void Data::change(const WriteBatch& batch, const Change& change, Outcome& outcome) {
    if (!admit(change, outcome)) return;
    const bool is_made = change.conversation == 0;
    Log& log = is_made ? create(change) : logs_.at(change.conversation);
    const Row row = log.about.row;
    if (change.entry) {
        NewEntry entry = *change.entry;
        entry.conversation = row;
        if (is_made) entry.first_sent_ms = 0;  // it is older than the log that it makes
        append(batch, entry, outcome);
        if (outcome.code != errc::ok || outcome.repeat) return;
    } else {
        give_stamp();
        outcome.position.epoch = log.about.head.last.epoch;
    }
    outcome.row = row;
    outcome.stamp = stamp_;
    undo_.emplace_back([&log, before = log] { log = before; });
    if (change.config) log.about.config = *change.config;
    for (const model::Member& member : change.members) put_member(member, change, log);
    const std::uint64_t next = log.about.head.last.offset + 1;
    cut(log, change.removed ? next : std::min(change.keep_from, next));
    if (!change.removed) return;
    log.about.removed = true;
    log.about.head.stamp = stamp_;
    log.removed_ms = now_ms_;
}

void Data::put_member(model::Member member, const Change& change, Log& log) const {
    const model::Head& head = log.about.head;
    if (member.visible_from == 0) member.visible_from = head.last.offset + (change.entry ? 0 : 1);
    Seat& seat = log.members[member.user];
    const bool was = seat.member.role != model::Role::none;
    const bool is = member.role != model::Role::none;
    log.about.members += is - std::uint64_t{was};
    if (is && !was && change.conversation != 0) seat.mark = {head.last.offset, head.messages};
    if (is != was) seat.settings = {};
    seat.member = member;
    seat.stamp = stamp_;
}

void Data::mark(const Mark& mark, Outcome& outcome) {
    const auto found = logs_.find(mark.conversation);
    outcome.code = errc::unknown_conversation;
    if (found == logs_.end() || found->second.about.removed) return;
    Log& log = found->second;
    const auto member = log.members.find(mark.user);
    if (member == log.members.end() || member->second.member.role == model::Role::none) return;
    Seat& seat = member->second;
    MemberMarks now = marked(seat.marks(), mark, log.about.head.last.offset);
    if (planted(Fault::unread_outlives_reading) && mark.what == Mark::What::read)
        now.read.unread_from = seat.mark.unread_from;
    outcome.repeat = now == seat.marks();
    outcome.code = !outcome.repeat && full_ ? errc::storage_full : errc::ok;
    if (outcome.code != errc::ok) return;
    if (!outcome.repeat) {
        if (now.read.offset != seat.mark.offset) now.read.messages = log.messages_at(now.read.offset);
        const bool is_listed = now.read != seat.mark;
        if (is_listed) give_stamp();
        undo_.emplace_back([this, mark, before = seat] { logs_.at(mark.conversation).members.at(mark.user) = before; });
        seat.mark = now.read;
        seat.delivered = now.delivered;
        if (is_listed) seat.stamp = stamp_;
    }
    outcome.row = mark.conversation;
    outcome.position = {log.about.head.last.epoch, seat.mark.offset};
    outcome.messages = seat.mark.messages;
    outcome.stamp = seat.stamp;
    outcome.delivered = now.has();
    outcome.unread_from = seat.mark.unread_from;
}

void Data::erase(const Erasure& erasure, Outcome& outcome) {
    outcome.row = erasure.user;
    undo_.emplace_back([this, before = erasures_] { erasures_ = before; });
    if (erasure.done) {
        erasures_.erase(erasure.user);
        // And what they had chosen.
        bool any = false;
        for (auto& [row, log] : logs_) {
            Mentions before = std::exchange(log.mentions, without(log.mentions, erasure.user));
            undo_.emplace_back([&kept = log, before = std::move(before)] { kept.mentions = before; });
            const auto found = log.members.find(erasure.user);
            if (found == log.members.end() || found->second.settings == model::Settings()) continue;
            if (!std::exchange(any, true)) give_stamp();
            undo_.emplace_back(
                [this, row = row, user = erasure.user, was = found->second] { logs_.at(row).members.at(user) = was; });
            found->second.settings = {};
            found->second.stamp = stamp_;
        }
    } else {
        erasures_[erasure.user] = erasure.conversation;
    }
}

bool Data::admit(const Change& change, Outcome& outcome) const {
    const Log* known = log(change.conversation);
    if (change.conversation == 0 && !change.key.empty()) {
        known = log(change.key);
        if (known != nullptr && known->about.removed) known = nullptr;
    }
    if (known != nullptr) {
        outcome.row = known->about.row;
        if (change.entry) {
            NewEntry entry = *change.entry;
            entry.conversation = outcome.row;
            if (answer_known(entry, outcome)) return false;
        }
    }
    const bool is_made = known == nullptr && change.conversation == 0 && !change.key.empty();
    if (!is_made && (known == nullptr || known->about.removed))
        outcome.code = errc::unknown_conversation;
    else if (!is_made && change.conversation == 0)
        outcome.code = errc::conversation_exists;
    else if (full_ && !change.removed && change.keep_from == 0)
        outcome.code = errc::storage_full;
    return outcome.code == errc::ok;
}

Log& Data::create(const Change& change) {
    std::uint64_t pruned_ms = oldest_remembered(now_ms_);
    for (const auto& [row, log] : logs_) {
        if (log.about.key == change.key) pruned_ms = std::max(pruned_ms, log.removed_ms);
    }
    const Row row = ++last_conversation_;  // is not undone
    undo_.emplace_back([this, row] { logs_.erase(row); });
    Log& log = logs_[row];
    log.about.row = row;
    log.about.key = change.key;
    log.about.created_ms = now_ms_;
    log.pruned_ms = pruned_ms;
    log.about.head.last.epoch = epoch_of(generation_, row);
    return log;
}

void Data::cut(Log& log, std::uint64_t keep_from) {
    model::Head& head = log.about.head;
    if (keep_from <= head.first) return;
    const auto end = log.entries.begin() + static_cast<std::ptrdiff_t>(keep_from - head.first);
    std::for_each(log.entries.begin(), end, [&](const Entry& each) {
        const Key key{each.id, log.about.row, each.sender};
        undo_.emplace_back([this, key, place = ids_.at(key)] { ids_[key] = place; });
        ids_.erase(key);
        head.bytes -= each.payload.size();
        log.pruned_ms = std::max(log.pruned_ms, each.time_ms);
    });
    log.first_n = std::prev(end)->messages;
    log.stamps.erase(log.stamps.begin(), log.stamps.begin() + (end - log.entries.begin()));
    log.entries.erase(log.entries.begin(), end);
    log.reactions.erase(log.reactions.begin(), log.reactions.lower_bound(keep_from));
    log.edits.erase(log.edits.begin(), log.edits.lower_bound(keep_from));
    log.mentions.erase(log.mentions.begin(), log.mentions.lower_bound(keep_from));
    head.first = keep_from;
}

void Data::add_user(const NewUser& user, Outcome& outcome) {
    const auto found = users_.find(user.name);
    outcome.repeat = found != users_.end();
    if (outcome.repeat) {
        outcome.row = found->second;
    } else if (full_) {
        outcome.code = errc::storage_full;
    } else {
        outcome.row = users_.size() + 1;
        users_[user.name] = outcome.row;
        undo_.emplace_back([this, name = user.name] { users_.erase(name); });
    }
}

void Data::forget(std::uint64_t now_ms) {
    std::erase_if(logs_, [&](const auto& each) {
        const Log& log = each.second;
        const bool old = log.about.removed && log.removed_ms + kTombstoneMs < now_ms;
        if (old) forgotten_ = std::max(forgotten_, log.about.head.stamp);
        return old;
    });
}

// ---- checking ----

CheckReport Data::check(std::size_t most) const {
    CheckReport report;
    report.users = users_.size();
    report.conversations = logs_.size();
    std::size_t entries = 0;
    for (const auto& [row, log] : logs_) {
        const std::string where = "conversation " + std::to_string(row);
        const model::Head& head = log.about.head;
        if (log.entries.size() != head.last.offset + 1 - head.first)
            report.add(where, "its head does not fit the length of its log", most);
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < log.entries.size(); ++i) {
            const Entry& entry = log.entries[i];
            bytes += entry.payload.size();
            if (entry.offset != head.first + i) report.add(where, "its offsets have a gap", most);
            const auto known = ids_.find({entry.id, row, entry.sender});
            if (known == ids_.end() || known->second.offset != entry.offset)
                report.add(where, "the id of an entry is not in the table of ids", most);
        }
        if (bytes != head.bytes) report.add(where, "its head does not fit the bytes of its log", most);
        for (const auto& [offset, reactions] : log.reactions) {
            const Entry* const to = log.entry(offset);
            const bool fits =
                std::ranges::none_of(reactions, [](const auto& each) { return each.second.users.empty(); });
            if (to == nullptr || to->blank || reactions.empty() || !fits)
                report.add(where, "reactions are to what is not there, or of nobody", most);
        }
        for (const auto& [offset, users] : log.mentions) {
            const Entry* const by = log.entry(offset);
            if (by == nullptr || by->blank || users.empty())
                report.add(where, "somebody is mentioned by what is not there, or nobody is", most);
        }
        std::uint64_t with_role = 0;
        for (const auto& [user, seat] : log.members) {
            with_role += seat.member.role != model::Role::none;
            if (seat.member.invited() && seat.member.role != model::Role::none)
                report.add(where, "a member is invited", most);
            const model::ReadMark& mark = seat.mark;
            const bool fits =
                mark.offset < head.first ? mark.messages <= log.first_n : mark.messages == log.messages_at(mark.offset);
            const std::uint64_t furthest =
                std::max({mark.offset, mark.unread_from, seat.delivered, seat.settings.cleared_to});
            if (furthest > head.last.offset || !fits)
                report.add(where, "the mark of a member does not fit its log", most);
        }
        if (log.about.members != with_role) report.add(where, "its number of members is not that of the members", most);
        report.members += log.members.size();
        entries += log.entries.size();
    }
    if (ids_.size() != entries) report.add("ids", "there is not one for each entry", most);
    report.entries = entries;
    return report;
}

// ---- reading ----

const Log* Data::log(Row conversation) const {
    const auto found = logs_.find(conversation);
    return found == logs_.end() ? nullptr : &found->second;
}

const Log* Data::log(const model::ConversationKey& key) const {
    const auto found =
        std::find_if(logs_.rbegin(), logs_.rend(), [&](const auto& each) { return each.second.about.key == key; });
    return found == logs_.rend() ? nullptr : &found->second;
}

std::optional<Found> Data::find(const Uuid& id, Row conversation, Row sender) const {
    const auto known = ids_.find({id, conversation, sender});
    if (known == ids_.end()) return std::nullopt;
    const Log* const in = log(conversation);
    const Entry* const there = in->entry(known->second.offset);
    return Found{{in->about.head.last.epoch, known->second.offset}, there->time_ms, known->second.content};
}

}  // namespace flare::store::memory
