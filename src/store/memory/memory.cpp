#include "store/memory/memory.hpp"

#include "store/listing.hpp"
#include "store/memory/data.hpp"
#include "store/planted.hpp"
#include "store/rules.hpp"

#include <algorithm>

namespace flare::store::memory {

// ---- the disk ----

Disk::Disk(std::uint64_t generation) : data_(std::make_unique<Data>(generation)) {}
Disk::~Disk() = default;

void Disk::fail(std::uint64_t n) {
    const std::lock_guard lock(mutex_);
    fault_ = Fault::once;
    strike_at_ = steps_ + n;
    struck_ = false;
}
void Disk::die(std::uint64_t n) {
    fail(n);
    const std::lock_guard lock(mutex_);
    fault_ = Fault::dead;
}
bool Disk::struck() const {
    const std::lock_guard lock(mutex_);
    return struck_;
}
void Disk::fill(bool full) {
    const std::lock_guard lock(mutex_);
    full_ = full;
}
void Disk::heal() {
    const std::lock_guard lock(mutex_);
    fault_ = Fault::none;
}

void Disk::hold_syncs(bool on) {
    const std::lock_guard lock(mutex_);
    held_ = on;
    if (!on) data_->keep();
}

void Disk::lose_unsynced(bool kept) {
    const std::lock_guard lock(mutex_);
    fault_ = Fault::none;
    data_->undo();
    if (!kept) unknown_.reset();
    recover();
}

void Disk::back_up() {
    const std::lock_guard lock(mutex_);
    if (!held_) data_->keep();
    copy_ = std::make_unique<Data>(*data_, data_->generation());
}

void Disk::restore(std::uint64_t generation) {
    const std::lock_guard lock(mutex_);
    fault_ = Fault::none;
    unknown_.reset();
    data_ = std::make_unique<Data>(*copy_, generation);
}

std::uint64_t Disk::generation() const {
    const std::lock_guard lock(mutex_);
    return data_->generation();
}

bool Disk::strikes() {
    ++steps_;
    const bool now = fault_ == Fault::dead ? steps_ >= strike_at_ : fault_ == Fault::once && steps_ == strike_at_;
    struck_ = struck_ || now;
    return now;
}

Result<> Disk::write(std::span<WriteBatch* const> group, std::uint64_t now_ms) {
    const std::lock_guard lock(mutex_);
    if (strikes()) return errc::storage_failed;
    if (!held_) data_->keep();
    const Row last_conversation = data_->last_conversation();
    for (WriteBatch* const batch : group) data_->apply(*batch, now_ms, full_);
    if (held_) return {};
    if (strikes()) {
        data_->undo();
        Unknown& unknown = unknown_.emplace();
        for (const WriteBatch* const batch : group) unknown.batches.push_back(*batch);
        unknown.now_ms = now_ms;
        unknown.full = full_;
        unknown.last_conversation = last_conversation;
        return errc::storage_failed;
    }
    if (!planted(store::Fault::answered_before_sync)) data_->keep();
    return {};
}

bool Disk::recover() {
    const bool written = unknown_.has_value();
    if (written) {
        data_->go_back(unknown_->last_conversation);
        for (WriteBatch& batch : unknown_->batches) data_->apply(batch, unknown_->now_ms, unknown_->full);
    }
    data_->keep();
    unknown_.reset();
    return written;
}

// ---- the reader ----

class MemoryBackendReader final : public BackendReader {
public:
    explicit MemoryBackendReader(Disk& disk) : disk_(disk) {}

    Result<LogPart> log(const LogRequest& request) override {
        const std::lock_guard lock(disk_.mutex_);
        return log_part(*disk_.data_, request);
    }
    Result<std::vector<HookMark>> hook_marks() override {
        const std::lock_guard lock(disk_.mutex_);
        return disk_.data_->backend().hook_marks();
    }
    Result<std::optional<KeptAnswer>> kept_answer(std::string_view key, std::uint64_t now_ms) override {
        const std::lock_guard lock(disk_.mutex_);
        return disk_.data_->backend().kept_answer(key, now_ms);
    }

private:
    Disk& disk_;
};

class MemoryReader final : public Reader {
public:
    explicit MemoryReader(Disk& disk) : disk_(disk), backend_(disk) {}

    Result<std::optional<Conversation>> conversation(const model::ConversationKey& key) override {
        const std::lock_guard lock(disk_.mutex_);
        return about(disk_.data_->log(key));
    }
    Result<std::optional<Conversation>> conversation(Row row) override {
        const std::lock_guard lock(disk_.mutex_);
        return about(disk_.data_->log(row));
    }
    Result<std::optional<Found>> find(const Uuid& id, Row conversation, Row sender) override {
        const std::lock_guard lock(disk_.mutex_);
        return disk_.data_->find(id, conversation, sender);
    }
    Result<Page> page(const PageRequest& request) override;
    Result<std::optional<model::Member>> member(Row conversation, Row user) override;
    Result<std::optional<Standing>> standing(Row conversation, Row user) override;
    Result<std::vector<model::Member>> members(Row conversation, Row after, std::uint32_t limit, bool gone) override;
    Result<std::vector<MemberMark>> marks(Row conversation, Row after, std::uint32_t limit) override;
    Result<EntryReaders> readers(const ReadersRequest& request) override;
    Result<std::vector<Membership>> conversations_of(Row user, Row after, std::uint32_t limit) override;
    Result<std::vector<Row>> conversations(Row after, std::uint32_t limit) override;
    Result<std::vector<Erasure>> erasures(std::uint32_t limit) override;
    Result<std::uint32_t> count_conversations(Row user, std::uint32_t most) override;
    Result<ListPage> list(const ListRequest& request) override;
    Result<Unread> unread(const Listed& of, std::uint32_t most) override;
    Result<std::optional<Row>> user(std::string_view name) override;
    Result<std::optional<std::string>> user_name(Row user) override;
    Result<std::vector<model::Member>> bans(Row conversation, Row after, std::uint32_t limit,
                                            std::uint64_t now_ms) override;
    Result<std::vector<model::Member>> invitations(Row conversation, Row after, std::uint32_t limit) override;
    Result<std::uint32_t> count_invitations(Row user, std::uint32_t most) override;
    Result<std::vector<Row>> blocks(Row user, Row after, std::uint32_t limit) override;
    Result<std::vector<PushDevice>> push_devices(Row user) override;
    Result<bool> awaits_push(Row conversation, Row user, std::uint64_t offset, std::uint64_t now_ms) override;
    Result<std::vector<Row>> push_recipients(Row conversation, std::uint64_t offset, std::uint64_t now_ms,
                                             std::uint32_t limit) override;
    BackendReader& backend() override { return backend_; }

private:
    static std::optional<Conversation> about(const Log* log) {
        return log == nullptr ? std::nullopt : std::optional(log->about);
    }
    static MemberMark mark_of(const std::pair<const Row, Seat>& member) {
        const Seat& seat = member.second;
        return {member.first, seat.member.visible_from, seat.mark.offset, seat.marks().has()};
    }
    static bool is_unread(const Entry& entry) noexcept {
        return counts_as_message(entry.kind, entry.flags) &&
               (!entry.blank || planted(store::Fault::unread_counts_deleted));
    }
    static bool mentions(const std::set<Row>& users, Row user) {
        return users.contains(user) || (users.contains(0) && !planted(store::Fault::mention_all_not_counted));
    }
    // As awaits_push(), of who has a role.
    static bool is_to_be_woken(const Log& log, const Seat& seat, std::uint64_t offset, std::uint64_t now_ms);

    Disk& disk_;
    MemoryBackendReader backend_;
};

Result<Page> MemoryReader::page(const PageRequest& request) {
    const std::lock_guard lock(disk_.mutex_);
    const Log* const log = disk_.data_->log(request.conversation);
    if (log == nullptr) return errc::unknown_conversation;
    Page page;
    page.head = log->about.head;
    const PageRange range = range_of(request, page.head);
    page.more = range.more;
    const bool forward = request.direction == Direction::forward;
    std::uint64_t bytes = 0;
    for (std::uint64_t i = range.begin; i <= range.last; ++i) {
        Entry entry = shown(*log, forward ? i : range.last - (i - range.begin));
        bytes += entry.type.size() + entry.payload.size();
        if (bytes > request.bytes && !page.entries.empty()) {
            page.more = true;
            break;
        }
        page.entries.push_back(std::move(entry));
    }
    if (!forward) std::reverse(page.entries.begin(), page.entries.end());
    for (Entry& entry : page.entries) {
        if (!request.reactions || entry.kind != model::EntryKind::message) continue;
        entry.reactions_upto = page.head.last.offset;
        const auto found = log->reactions.find(entry.offset);
        if (found == log->reactions.end()) continue;
        for (const auto& [key, reacted] : found->second)
            entry.reactions.push_back(
                {key, reacted.users.size(), request.reader != 0 && reacted.users.contains(request.reader)});
    }
    return page;
}

Result<std::optional<model::Member>> MemoryReader::member(Row conversation, Row user) {
    const std::lock_guard lock(disk_.mutex_);
    const Log* const log = disk_.data_->log(conversation);
    if (log == nullptr) return std::nullopt;
    const auto found = log->members.find(user);
    return found == log->members.end() ? std::nullopt : std::optional(found->second.member);
}

Result<std::optional<Standing>> MemoryReader::standing(Row conversation, Row user) {
    const std::lock_guard lock(disk_.mutex_);
    const Log* const log = disk_.data_->log(conversation);
    if (log == nullptr) return std::nullopt;
    const auto found = log->members.find(user);
    if (found == log->members.end()) return std::nullopt;
    const Seat& seat = found->second;
    return std::optional(Standing{seat.member, seat.mark, seat.settings});
}

Result<std::vector<model::Member>> MemoryReader::members(Row conversation, Row after, std::uint32_t limit, bool gone) {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<model::Member> found;
    const Log* const log = disk_.data_->log(conversation);
    if (log == nullptr) return found;
    for (auto each = log->members.upper_bound(after); each != log->members.end() && found.size() < limit; ++each)
        if (gone || each->second.member.role != model::Role::none) found.push_back(each->second.member);
    return found;
}

Result<std::vector<MemberMark>> MemoryReader::marks(Row conversation, Row after, std::uint32_t limit) {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<MemberMark> found;
    const Log* const log = disk_.data_->log(conversation);
    if (log == nullptr) return found;
    for (auto each = log->members.upper_bound(after); each != log->members.end() && found.size() < limit; ++each)
        if (each->second.member.role != model::Role::none) found.push_back(mark_of(*each));
    return found;
}

Result<EntryReaders> MemoryReader::readers(const ReadersRequest& request) {
    const std::lock_guard lock(disk_.mutex_);
    EntryReaders readers;
    const Log* const log = disk_.data_->log(request.conversation);
    if (log == nullptr) return readers;
    for (const auto& each : log->members) {
        const MemberMark mark = mark_of(each);
        if (each.second.member.role == model::Role::none || !may_read(request, mark.user, mark.visible_from)) continue;
        const bool has_read = mark.read >= request.offset;
        if (request.count) ++readers.members;
        if (request.count) readers.read += has_read;
        if (!has_read || mark.user <= request.after) continue;
        readers.more = readers.found.size() == request.limit;
        if (!readers.more) readers.found.push_back(mark);
        if (readers.more && !request.count) break;
    }
    return readers;
}

Result<std::vector<Membership>> MemoryReader::conversations_of(Row user, Row after, std::uint32_t limit) {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<Membership> found;
    const auto& logs = disk_.data_->logs();
    for (auto each = logs.upper_bound(after); each != logs.end() && found.size() < limit; ++each)
        if (const auto member = each->second.members.find(user); member != each->second.members.end())
            found.push_back({each->first, member->second.member});
    return found;
}

Result<std::vector<Row>> MemoryReader::conversations(Row after, std::uint32_t limit) {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<Row> found;
    const auto& logs = disk_.data_->logs();
    for (auto each = logs.upper_bound(after); each != logs.end() && found.size() < limit; ++each)
        if (!each->second.about.removed) found.push_back(each->first);
    return found;
}

Result<std::vector<Erasure>> MemoryReader::erasures(std::uint32_t limit) {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<Erasure> found;
    for (const auto& [user, conversation] : disk_.data_->erasures())
        if (found.size() < limit) found.push_back({user, conversation});
    return found;
}

Result<std::uint32_t> MemoryReader::count_conversations(Row user, std::uint32_t most) {
    const std::lock_guard lock(disk_.mutex_);
    std::uint32_t found = 0;
    for (const auto& [row, log] : disk_.data_->logs()) {
        const auto member = log.members.find(user);
        const bool counts =
            !log.about.removed && member != log.members.end() && member->second.member.role != model::Role::none;
        if (counts && ++found >= most) break;
    }
    return found;
}

Result<ListPage> MemoryReader::list(const ListRequest& request) {
    const std::lock_guard lock(disk_.mutex_);
    const Data& data = *disk_.data_;
    ListChoice choice(request, data.stamp(), data.forgotten());
    const auto listed = [&](const Log& log, const Seat& seat) {
        const ListedStamps stamps{seat.stamp, log.about.head.stamp, log.about.removed};
        const std::uint64_t stamp = stamp_of(seat.member.role, seat.member.invited(), stamps);
        return Listed{log.about, seat.member, seat.mark, seat.settings, stamp};
    };
    for (const auto& [row, log] : data.logs()) {
        const auto seat = log.members.find(request.user);
        if (seat == log.members.end()) continue;
        const Listed each = listed(log, seat->second);
        const bool was_member = each.member.joined_at + each.member.left_at != 0;
        if (each.member.role != model::Role::none || was_member || each.member.invited())
            choice.see({each.stamp, row, each.is_gone(), each.is_invitation()});
    }
    choice.finish();
    ListPage page;
    page.upto = choice.upto();
    page.generation = data.generation();
    page.more = choice.more();
    page.whole = choice.above() == 0;
    const auto read = [&](const std::vector<Candidate>& chosen, std::vector<Listed>& to) {
        for (const Candidate& each : chosen) {
            const Log& log = *data.log(each.row);
            to.push_back(listed(log, log.members.at(request.user)));
        }
    };
    read(choice.found(), page.found);
    read(choice.rest(), page.rest);
    return page;
}

Result<Unread> MemoryReader::unread(const Listed& of, std::uint32_t most) {
    const std::lock_guard lock(disk_.mutex_);
    UnreadCount count(of, most);
    const Log* const log = disk_.data_->log(of.conversation.row);
    for (std::uint64_t offset = count.newest(); log != nullptr && offset >= count.oldest(); --offset) {
        const Entry* const entry = log->entry(offset);
        if (entry == nullptr) continue;  // removed meanwhile
        const bool counts = counts_as_message(entry->kind, entry->flags);
        const bool mentions = log->mentions.contains(offset);
        if (!count.add({is_unread(*entry), counts, mentions, entry->sender, entry->messages})) break;
    }
    if (log == nullptr || !count.may_have_mentions()) return count.total();
    std::uint32_t looked_at = 0;
    for (auto each = log->mentions.rbegin(); each != log->mentions.rend() && each->first > count.base(); ++each) {
        const auto& [offset, users] = *each;
        const Entry* const entry = log->entry(offset);
        if (offset > count.newest() || entry == nullptr || !mentions(users, of.member.user)) continue;
        const bool counts = counts_as_message(entry->kind, entry->flags);
        if (!count.add_mention({is_unread(*entry), counts, true, entry->sender, entry->messages})) break;
        if (++looked_at == UnreadCount::kMostMentions) break;
    }
    return count.total();
}

Result<std::optional<Row>> MemoryReader::user(std::string_view name) {
    const std::lock_guard lock(disk_.mutex_);
    const auto& users = disk_.data_->users();
    const auto found = users.find(name);
    return found == users.end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<std::string>> MemoryReader::user_name(Row user) {
    const std::lock_guard lock(disk_.mutex_);
    const auto& users = disk_.data_->users();
    const auto found = std::find_if(users.begin(), users.end(), [&](const auto& each) { return each.second == user; });
    return found == users.end() ? std::nullopt : std::optional(found->first);
}

Result<std::vector<model::Member>> MemoryReader::bans(Row conversation, Row after, std::uint32_t limit,
                                                      std::uint64_t now_ms) {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<model::Member> found;
    const Log* const log = disk_.data_->log(conversation);
    if (log == nullptr) return found;
    for (auto each = log->members.upper_bound(after); each != log->members.end() && found.size() < limit; ++each)
        if (each->second.member.banned_until > now_ms) found.push_back(each->second.member);
    return found;
}

Result<std::vector<model::Member>> MemoryReader::invitations(Row conversation, Row after, std::uint32_t limit) {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<model::Member> found;
    const Log* const log = disk_.data_->log(conversation);
    if (log == nullptr) return found;
    for (auto each = log->members.upper_bound(after); each != log->members.end() && found.size() < limit; ++each)
        if (each->second.member.invited()) found.push_back(each->second.member);
    return found;
}

Result<std::uint32_t> MemoryReader::count_invitations(Row user, std::uint32_t most) {
    const std::lock_guard lock(disk_.mutex_);
    std::uint32_t found = 0;
    for (const auto& [row, log] : disk_.data_->logs()) {
        const auto member = log.members.find(user);
        const bool counts = !log.about.removed && member != log.members.end() && member->second.member.invited();
        if (counts && ++found >= most) break;
    }
    return found;
}

Result<std::vector<Row>> MemoryReader::blocks(Row user, Row after, std::uint32_t limit) {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<Row> found;
    const auto& logs = disk_.data_->logs();
    for (auto each = logs.upper_bound(after); each != logs.end() && found.size() < limit; ++each)
        if (const auto member = each->second.members.find(user);
            member != each->second.members.end() && member->second.member.blocks)
            found.push_back(each->first);
    return found;
}

Result<std::vector<PushDevice>> MemoryReader::push_devices(Row user) {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<PushDevice> found;
    const auto* const devices = disk_.data_->push_devices(user);
    if (devices == nullptr) return found;
    for (const auto& [name, device] : *devices) found.push_back(device);
    return found;
}

bool MemoryReader::is_to_be_woken(const Log& log, const Seat& seat, std::uint64_t offset, std::uint64_t now_ms) {
    const std::uint64_t seen = std::max(seat.mark.offset, seat.settings.cleared_to);
    if (seat.member.role == model::Role::none || seen >= offset || seat.settings.muted_until > now_ms) return false;
    if (seat.settings.notify == model::Notify::all) return true;
    return seat.settings.notify == model::Notify::mentions && log.names(seat.member.user, seen, offset);
}

Result<bool> MemoryReader::awaits_push(Row conversation, Row user, std::uint64_t offset, std::uint64_t now_ms) {
    const std::lock_guard lock(disk_.mutex_);
    const Log* const log = disk_.data_->log(conversation);
    const Seat* const seat = log == nullptr ? nullptr : log->seat(user);
    return seat != nullptr && is_to_be_woken(*log, *seat, offset, now_ms);
}

Result<std::vector<Row>> MemoryReader::push_recipients(Row conversation, std::uint64_t offset, std::uint64_t now_ms,
                                                       std::uint32_t limit) {
    const std::lock_guard lock(disk_.mutex_);
    std::vector<Row> found;
    const Log* const log = disk_.data_->log(conversation);
    if (log == nullptr) return found;
    for (auto each = log->members.begin(); each != log->members.end() && found.size() < limit; ++each) {
        const auto& [user, seat] = *each;
        const auto* const devices = disk_.data_->push_devices(user);
        if (devices != nullptr && !devices->empty() && is_to_be_woken(*log, seat, offset, now_ms))
            found.push_back(user);
    }
    return found;
}

// ---- the engine ----

class MemoryEngine final : public Engine {
public:
    explicit MemoryEngine(Disk& disk) : disk_(disk) { (void)reopen(); }

    Result<> commit(std::span<WriteBatch* const> group, std::uint64_t now_ms) override {
        if (failed_) return errc::storage_failed;
        auto done = disk_.write(group, now_ms);
        failed_ = !done;
        return done;
    }
    Result<bool> reopen() override {
        const std::lock_guard lock(disk_.mutex_);
        const bool written = disk_.recover();
        failed_ = false;
        return written;
    }
    Result<bool> maintain(std::uint64_t now_ms) override {
        if (failed_) return errc::storage_failed;
        const std::lock_guard lock(disk_.mutex_);
        if (!disk_.held_) disk_.data_->forget(now_ms);
        return false;
    }
    std::unique_ptr<Reader> reader() override { return std::make_unique<MemoryReader>(disk_); }
    Result<CheckReport> check(std::size_t most_faults) override {
        const std::lock_guard lock(disk_.mutex_);
        return disk_.data_->check(most_faults);
    }
    About about() const override {
        const std::lock_guard lock(disk_.mutex_);
        About about;
        about.engine = "memory";
        about.place = "memory";
        about.generation = disk_.data_->generation();
        about.stamp = disk_.data_->stamp();
        for (const auto& [row, log] : disk_.data_->logs()) about.bytes += log.about.head.bytes;
        return about;
    }

private:
    Disk& disk_;
    bool failed_ = false;
};

std::unique_ptr<Engine> open(Disk& disk) { return std::make_unique<MemoryEngine>(disk); }

}  // namespace flare::store::memory
