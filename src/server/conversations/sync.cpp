#include "server/conversations/sync.hpp"

#include "server/conversations/opened.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace flare::server {
namespace {

constexpr std::uint32_t kAgainMs = 1000;  // a store that cannot write at present may be able to then

}  // namespace

Result<void> ConversationSync::respond(const session::PendingRequest& pending, std::string_view body) {
    wire::ResponseView response;
    response.body = body;
    return parts_.table.respond(pending, response, parts_.executor.now());
}

void ConversationSync::refuse(const session::PendingRequest& pending, errc code, std::string_view text) {
    wire::ResponseView response;
    response.code = said_of(code);
    response.text = text.empty() ? explain(response.code) : text;
    const bool later =
        response.code == errc::busy || response.code == errc::storage_full || response.code == errc::storage_failed;
    if (later) response.retry_after_ms = kAgainMs;
    (void)parts_.table.respond(pending, response, parts_.executor.now());
}

// ---- sync ----

void ConversationSync::sync(session::ServerSession& session, im::SessionKey key, const session::PendingRequest& pending,
                            const wire::im::Sync& body) {
    const auto place = reading::place_of(body.cursor, body.page);
    if (!place)
        return refuse(pending, errc::malformed_frame,
                      "the cursor or the token of the page is not one of this server's: sync without it");
    if (place->first_page()) ++parts_.counters.sync.syncs;
    ++parts_.counters.sync.pages;
    reading::SyncQuestion question;
    question.user = session.user();
    question.place = *place;
    question.limit = body.limit;
    question.entries = body.entries;
    question.encodings = session.agreed().encodings;
    question.newest = parts_.newest;
    if (body.feeds) {
        // Before the list is read: what is new in it meanwhile is told by itself.
        parts_.feeds.follow_list(session, key);
        question.most_rest = wire::im::kMaxSyncFeeds;
    }
    if (asked_.size() >= kMostWaiting) return refuse(pending, errc::busy);
    asked_.push_back({pending, body.feeds, std::move(question)});
    read_next();
}

void ConversationSync::read_next() {
    while (reading_ < kMostReading && !asked_.empty()) {
        Asked next = std::move(asked_.front());
        asked_.pop_front();
        if (parts_.table.find(next.pending.session) != nullptr) read(std::move(next));
    }
}

void ConversationSync::read(Asked asked) {
    const auto page = std::make_shared<reading::SyncFound>();
    parts_.store.read(
        [page, question = std::move(asked.question)](store::Reader& reader) {
            *page = reading::sync_page(reader, question);
            return page->code;
        },
        [this, page, pending = asked.pending, feeds = asked.feeds](errc code) {
            tell_later({pending, feeds, code, page});
        });
    ++reading_;
}

void ConversationSync::tell_later(Read read) {
    read_.push_back(std::move(read));
    if (read_.size() == 1) parts_.executor.later([this] { tell_next(); });
}

void ConversationSync::tell_next() {
    const Read next = std::move(read_.front());
    read_.pop_front();
    if (!read_.empty()) parts_.executor.later([this] { tell_next(); });
    --reading_;
    tell(next);
    read_next();
}

void ConversationSync::tell(const Read& read) {
    const reading::SyncFound& page = *read.page;
    if (read.code != errc::ok)
        return refuse(read.pending, read.code, read.code == page.code ? page.text : std::string_view());
    session::ServerSession* const session = parts_.table.find(read.pending.session);
    if (session == nullptr) return;
    std::vector<std::uint32_t> numbers(page.conversations.size() + page.rest.size());
    if (read.feeds) {
        const auto promise = [&](const reading::Synced& each) { return parts_.feeds.promise(*session, each); };
        std::ranges::transform(page.conversations, numbers.begin(), promise);
        std::ranges::transform(page.rest, numbers.end() - std::ssize(page.rest), promise);
    }
    const bool told = respond(read.pending, reading::encode(page, numbers)).has_value();
    if (!read.feeds) return;
    if (told) {
        parts_.feeds.keep_promises(read.pending.session, read.pending.lane);
    } else {
        parts_.feeds.break_promises(read.pending.session);
    }
}

// ---- read.mark ----

struct ConversationSync::Marking {
    session::PendingRequest pending;
    model::ConversationKey key;
    std::string user;
    std::uint64_t epoch = 0;
    store::Mark mark{};     // to be written
    model::ReadMark now{};  // as it is then
    wire::im::ReadMark told{};
};

void ConversationSync::mark(const session::ServerSession& session, const session::PendingRequest& pending,
                            const model::ConversationKey& conversation, const wire::im::MarkRead& body) {
    ++parts_.counters.sync.marks;
    const auto marking = std::make_shared<Marking>(Marking{pending, conversation, session.user(), body.epoch});
    marking->mark.offset = body.offset;
    parts_.store.read(
        [marking](store::Reader& reader) {
            const auto opened = reading::open(reader, marking->key, marking->user);
            if (!opened) return reading::code_of(opened);
            const model::Head& head = opened->conversation.head;
            if (marking->epoch != head.last.epoch) return errc::epoch_changed;
            marking->mark.conversation = opened->conversation.row;
            marking->mark.user = opened->member.user;
            marking->mark.offset = std::min(marking->mark.offset, head.last.offset);
            return errc::ok;
        },
        [this, marking](errc code) { code == errc::ok ? write(marking) : refuse(marking->pending, code); });
}

void ConversationSync::write(const MarkingPtr& marking) {
    auto batch = std::make_unique<store::WriteBatch>();
    batch->writes.emplace_back().what = marking->mark;
    parts_.store.write(std::move(batch), [this, marking](std::unique_ptr<store::WriteBatch> written, errc code) {
        const store::Outcome& outcome = written->writes.front().outcome;
        if (code == errc::ok) code = outcome.code;
        if (code != errc::ok) return refuse(marking->pending, code);
        marking->now = {outcome.position.offset, outcome.messages};
        count(marking);
    });
}

void ConversationSync::count(const MarkingPtr& marking) {
    parts_.store.read(
        [marking](store::Reader& reader) {
            const auto opened = reading::open(reader, marking->key, marking->user);
            if (!opened) return reading::code_of(opened);
            const auto unread =
                reader.unread({opened->conversation, opened->member, marking->now}, wire::im::kMaxUnread);
            if (!unread) return reading::code_of(unread);
            marking->told = {marking->now.offset, unread->count, unread->more, opened->conversation.head.last.offset};
            return errc::ok;
        },
        [this, marking](errc code) {
            if (code != errc::ok) return refuse(marking->pending, code);
            (void)respond(marking->pending, wire::im::encode(marking->told));
        });
}

}  // namespace flare::server
