#include "server/conversations/sync_reading.hpp"

#include "im/planted.hpp"
#include "model/target.hpp"
#include "server/conversations/entry_writer.hpp"
#include "server/conversations/opened.hpp"
#include "server/conversations/others_reading.hpp"
#include "store/rules.hpp"
#include "wire/sync.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace flare::server::reading {
namespace {

// All that a page has beside entries, if names and titles are as long as they may be: it is a response in any case.
constexpr std::size_t kMostBesideName = 16;
constexpr std::size_t kMostBesideTitle = 256;
static_assert(kSyncEntryBytes +
                      wire::im::kMaxSyncPage * (wire::kMaxNameBytes + wire::im::kMaxTitleBytes + kMostBesideTitle) +
                      wire::im::kMaxSyncFeeds * (wire::kMaxNameBytes + kMostBesideName) +
                      2 * (wire::im::kMaxCursorBytes + kMostBesideName) <=
                  wire::kMaxResponseBytes,
              "a full page is a response");

// That may have changed since somebody became a member of the one that is looked for.
constexpr std::uint32_t kChangedSince = 1000;

class PageReader {
public:
    // newest: may be null.
    PageReader(store::Reader& reader, std::string_view user, wire::Encodings encodings, std::uint32_t entries,
               std::uint64_t live_members, NewestEntries* newest = nullptr)
        : reader_(reader),
          user_(user),
          encodings_(encodings),
          entries_(entries),
          live_members_(live_members),
          newest_(newest),
          names_(reader),
          writer_(reader, encodings, kSyncEntryBytes, false) {}

    // Where a feed of it begins, and whether it does so by itself.
    Synced place(const store::Listed& listed) const {
        const Opened opened{listed.conversation, listed.member};
        Synced made;
        made.key = listed.conversation.key;
        made.name = name_of(made.key, user_);
        made.invitation = listed.is_invitation();
        made.epoch = listed.conversation.head.last.epoch;
        if (made.invitation) return made;
        made.live = made.key.kind() == model::ConversationKind::direct || listed.conversation.members <= live_members_;
        made.few = has_few_members(listed.conversation);
        made.opening.conversation = listed.conversation.row;
        made.opening.user = listed.member.user;
        made.opening.as_of = listed.conversation.head.last.offset;
        made.opening.next = std::max(made.opening.as_of + 1, opened.floor());
        return made;
    }

    // The same as tell(), encoded.
    Result<std::string> encode(const store::Listed& listed, Synced& to) {
        if (to.invitation) return encode_invitation(listed, to.name);
        auto told = about(listed, to.name);
        if (!told) return told.error();
        to.told = sum_of(told->others);
        std::string body = wire::im::encode(*told);
        const NewestEntries::Which which = newest_of(listed.conversation);
        const NewestEntries::Ptr kept = newest_ == nullptr ? nullptr : newest_->find(which);
        const bool fits = kept != nullptr && listed.settings.cleared_to < kept->changes_from;
        if (fits && writer_.take(kept->room)) {
            to.reaches = which.begin <= has_ + 1;
            body += kept->entries;
            return body;
        }
        const std::uint64_t room = writer_.room();
        wire::im::SyncedConversation alone;
        if (const errc code = add_entries(alone.entries); code != errc::ok) return code;
        std::string entries = wire::im::encode(alone);
        body += entries;
        to.reaches = !alone.entries.empty() && alone.entries.front().offset <= has_ + 1 &&
                     alone.entries.back().offset == listed.conversation.head.last.offset;
        // Reactions say whether who asks has given them.
        const bool personal = blanked_ || std::ranges::any_of(alone.entries, [](const wire::im::Entry& each) {
                                  return !each.reactions.empty();
                              });
        const bool complete = !personal && !alone.entries.empty() && alone.entries.front().offset == which.begin &&
                              which.begin + alone.entries.size() == listed.conversation.head.last.offset + 1;
        if (newest_ != nullptr && complete)
            newest_->put({which, std::move(entries), room - writer_.room(), changes_from_});
        return body;
    }
    // What the user is told of it: valid until the next call. An error is the store's.
    Result<wire::im::SyncedConversation> tell(const store::Listed& listed, std::string_view name) {
        auto told = about(listed, name);
        if (!told) return told;
        if (const errc code = add_entries(told->entries); code != errc::ok) return code;
        return told;
    }

private:
    Result<std::string> encode_invitation(const store::Listed& listed, std::string_view name) {
        const auto by = names_.of(listed.member.invited_by);
        if (!by) return by.error();
        const Opened opened{
            listed.conversation, listed.member, {}, {}};  // until `told`, which has views of it, is written
        wire::im::SyncedConversation told;
        told.about = describe_invitation(opened, name, *by);
        told.last_ms = static_cast<std::int64_t>(listed.member.invited_ms);
        return wire::im::encode(told);
    }
    // All but the entries.
    Result<wire::im::SyncedConversation> about(const store::Listed& listed, std::string_view name) {
        opened_ = {listed.conversation, listed.member, listed.mark, listed.settings};
        wire::im::SyncedConversation told;
        told.about = describe(opened_, name);
        told.last_ms = static_cast<std::int64_t>(listed.conversation.head.last_ms);
        const auto unread = reader_.unread(listed, wire::im::kMaxUnread);
        if (!unread) return code_of(unread);
        told.mark = wire::im::ReadMark{listed.mark.offset, unread->count, unread->more};
        told.mark->unread_from = listed.mark.unread_from;
        told.settings = told_of(listed.settings);
        told.mark->mentions = unread->mentions;
        if (const errc code = add_others(listed, name, told.others); code != errc::ok) return code;
        if (im::planted(im::Fault::unread_counts_own)) {
            told.mark->unread = static_cast<std::uint32_t>(listed.conversation.head.messages - listed.mark.messages);
        }
        return told;
    }
    // How far the other one of a direct conversation has come, and its user.
    errc add_others(const store::Listed& listed, std::string_view name, std::vector<wire::im::UserMark>& others) {
        has_ = std::max(listed.mark.offset, opened_.floor() - 1);
        if (!has_few_members(listed.conversation)) return errc::ok;
        const bool direct = listed.conversation.key.kind() == model::ConversationKind::direct;
        const auto marks = direct ? reader_.marks(listed.conversation.row, 0, 2)
                                  : reader_.marks(listed.conversation.row, listed.member.user - 1, 1);
        if (!marks) return code_of(marks);
        for (const store::MemberMark& each : *marks) {
            if (each.user == listed.member.user) {
                has_ = std::max(has_, each.delivered);
            } else if (direct && each.delivered != 0) {
                others.push_back({name, each.read, each.delivered});
            }
        }
        return errc::ok;
    }
    // Those that are asked for, if the page has room.
    NewestEntries::Which newest_of(const store::Conversation& conversation) const {
        const model::Head& head = conversation.head;
        const std::uint64_t wanted = head.last.offset + 1 - std::min<std::uint64_t>(entries_, head.last.offset);
        return {conversation.row, head.last.epoch, head.stamp, std::max({wanted, head.first, opened_.floor()}),
                encodings_};
    }
    // The newest ones, down to where there is no room.
    errc add_entries(std::vector<wire::im::Entry>& entries) {
        blanked_ = false;
        changes_from_ = UINT64_MAX;
        const model::Head& head = opened_.conversation.head;
        if (entries_ == 0 || writer_.room() == 0 || head.last.offset < opened_.floor()) return errc::ok;
        store::PageRequest request;
        request.conversation = opened_.conversation.row;
        request.from = head.last.offset;
        request.limit = entries_;
        request.bytes = static_cast<std::uint32_t>(writer_.room());
        request.floor = opened_.floor();
        request.ceiling = head.last.offset;
        request.reactions = true;
        request.reader = opened_.member.user;
        auto page = reader_.page(request);
        if (!page && code_of(page) == errc::unknown_conversation) return errc::ok;  // it has gone just now
        if (!page) return code_of(page);
        page_ = std::move(*page);
        for (const store::Entry& each : page_.entries) {
            if (store::is_about_another(each.kind)) changes_from_ = std::min(changes_from_, each.ref);
        }
        blanked_ = opened_.blank_cleared(page_.entries);
        for (auto each = page_.entries.rbegin(); each != page_.entries.rend(); ++each) {
            const auto taken = writer_.add(*each, entries);
            if (!taken) return code_of(taken);
            if (!*taken) break;
        }
        std::reverse(entries.begin(), entries.end());
        return errc::ok;
    }

    store::Reader& reader_;
    const std::string_view user_;
    const wire::Encodings encodings_;
    const std::uint32_t entries_;
    const std::uint64_t live_members_;
    NewestEntries* const newest_;
    UserNames names_;
    EntryWriter writer_;
    Opened opened_{};        // of the last one
    std::uint64_t has_ = 0;  // likewise: its user's devices have everything up to there, or will never see it
    store::Page page_{};     // likewise
    bool blanked_ = false;   // likewise: some of its entries are about what its user has cleared
    std::uint64_t changes_from_ = UINT64_MAX;  // likewise: NewestEntries::Encoded::changes_from
};

// A room of that name may have been made again, with the user: then it is not gone to the user.
Result<bool> is_back(store::Reader& reader, const store::Listed& listed) {
    if (!listed.conversation.removed) return false;
    const auto present = reader.conversation(listed.conversation.key);
    if (!present) return code_of(present);
    if (!*present || (*present)->removed || (*present)->row == listed.conversation.row) return false;
    const auto member = reader.member((*present)->row, listed.member.user);
    if (!member) return code_of(member);
    return *member && ((*member)->role != model::Role::none || (*member)->invited());
}

SyncFound failed(errc code) {
    if (code == errc::epoch_changed)
        return {.code = code, .text = "the store was replaced since the page before: sync again from the cursor"};
    return {.code = code, .text = explain(code)};
}

// The list from the place on. A cursor of another store, or of one that has been further: everything is listed.
Result<store::ListPage> list(store::Reader& reader, const SyncQuestion& question, store::Row user, SyncPlace& place) {
    store::ListRequest request;
    request.user = user;
    request.above = place.above;
    request.upto = place.upto;
    request.before_stamp = place.before_stamp;
    request.before_row = place.before_row;
    const std::uint32_t limit = question.limit == 0 ? kUsualSync : question.limit;
    request.limit = static_cast<std::uint32_t>(std::min<std::size_t>(limit, wire::im::kMaxSyncPage));
    request.with_rest = question.most_rest != 0;
    request.most_rest = question.most_rest;
    auto page = reader.list(request);
    if (!page) return page;
    const bool other = place.generation != page->generation;
    if (!place.first_page() && (other || page->whole != (place.above == 0))) return errc::epoch_changed;
    if (place.above != 0 && other) {
        request.above = 0;
        page = reader.list(request);
        if (!page) return page;
    }
    if (page->whole) place.above = 0;
    place.generation = page->generation;
    place.upto = page->upto;
    return page;
}

}  // namespace

std::string name_of(const model::ConversationKey& key, std::string_view user) {
    if (key.kind() == model::ConversationKind::direct)
        return std::string(key.first() == user ? key.second() : key.first());
    std::string name(model::Target::kConversation);
    name += key.name();
    return name;
}

SyncFound sync_page(store::Reader& reader, const SyncQuestion& question) {
    const auto user = reader.user(question.user);
    if (!user) return failed(code_of(user));
    SyncPlace place = question.place;
    const auto page = list(reader, question, user->value_or(0), place);
    if (!page) return failed(code_of(page));
    SyncFound found;
    PageReader pages(reader, question.user, question.encodings,
                     static_cast<std::uint32_t>(std::min<std::size_t>(question.entries, wire::im::kMaxSyncEntries)),
                     question.live_members, question.newest.get());
    for (const store::Listed& listed : page->found) {
        if (listed.is_gone()) {
            const auto back = is_back(reader, listed);
            if (!back) return failed(code_of(back));
            if (!*back) found.gone.push_back(name_of(listed.conversation.key, question.user));
            continue;
        }
        Synced synced = pages.place(listed);
        auto body = pages.encode(listed, synced);
        if (!body) return failed(code_of(body));
        synced.body = std::move(*body);
        found.conversations.push_back(std::move(synced));
    }
    for (const store::Listed& listed : page->rest) found.rest.push_back(pages.place(listed));
    found.whole = page->whole;
    found.cursor = cursor_of(place.generation, place.upto + (im::planted(im::Fault::sync_cursor_ahead) ? 3 : 0));
    if (page->more && !page->found.empty()) {
        place.before_stamp = page->found.back().stamp;
        place.before_row = page->found.back().conversation.row;
        found.next = token_of(place);
    }
    return found;
}

std::string encode(const SyncFound& page, std::span<const std::uint32_t> feeds) {
    std::string body;
    std::size_t bytes = 0;
    for (const Synced& each : page.conversations) bytes += each.body.size() + kMostBesideName;
    body.reserve(bytes);
    std::size_t at = 0;
    for (const Synced& each : page.conversations) wire::im::append_synced(body, each.body, feeds[at++]);
    wire::im::SyncPage others;
    others.gone.assign(page.gone.begin(), page.gone.end());
    others.next = page.next;
    others.cursor = page.cursor;
    others.whole = page.whole;
    for (const Synced& each : page.rest) {
        if (const std::uint32_t feed = feeds[at++]; feed != 0) others.feeds.push_back({each.name, feed});
    }
    wire::im::append(body, others);
    return body;
}

BeganFound began(store::Reader& reader, const BeganQuestion& question) {
    const auto user = reader.user(question.user);
    if (!user) return {.code = code_of(user)};
    store::ListRequest request;
    request.user = user->value_or(0);
    request.above = question.stamp == 0 ? 0 : question.stamp - 1;
    request.limit = kChangedSince;
    const auto page = reader.list(request);
    if (!page) return {.code = code_of(page)};
    const auto listed = std::ranges::find_if(page->found, [&](const store::Listed& each) {
        return !each.is_gone() && !each.is_invitation() && each.conversation.key == question.key;
    });
    if (listed == page->found.end()) return {.code = errc::unknown_conversation};
    PageReader pages(reader, question.user, question.encodings, kBeganEntries, question.live_members);
    const Synced synced = pages.place(*listed);
    auto told = pages.tell(*listed, synced.name);
    if (!told) return {.code = code_of(told)};
    BeganFound found{.live = synced.live && question.may_live, .few = synced.few, .opening = synced.opening};
    told->feed = found.live ? question.feed : 0;
    // No answer and no later frame has what the others of a room have come to by now.
    Others others;
    if (found.live && found.few && told->others.empty()) {
        auto read = read_others(reader, listed->conversation, listed->member.user);
        if (!read) return {.code = code_of(read)};
        others = std::move(*read);
        told->others = others.marks;
    }
    wire::im::Feed frame;
    frame.began = std::move(*told);
    found.body = wire::im::feed_body(frame);
    found.body.feed_id = question.feed;
    return found;
}

}  // namespace flare::server::reading
