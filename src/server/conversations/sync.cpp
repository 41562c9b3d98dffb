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
    if (body.feeds) {
        // Before the list is read: what is new in it meanwhile is told by itself.
        parts_.feeds.follow_list(session, key);
        question.most_rest = wire::im::kMaxSyncFeeds;
    }
    const auto page = std::make_shared<reading::SyncFound>();
    parts_.store.read(
        [page, question = std::move(question)](store::Reader& reader) {
            *page = reading::sync_page(reader, question);
            return page->code;
        },
        [this, page, pending, feeds = body.feeds](errc code) {
            if (code != errc::ok) return refuse(pending, code, code == page->code ? page->text : std::string_view());
            page_read(pending, feeds, *page);
        });
}

void ConversationSync::page_read(const session::PendingRequest& pending, bool feeds, const reading::SyncFound& page) {
    session::ServerSession* const session = parts_.table.find(pending.session);
    if (session == nullptr) return;
    std::vector<std::uint32_t> numbers(page.conversations.size() + page.rest.size());
    if (feeds) {
        const auto promise = [&](const reading::Synced& each) { return parts_.feeds.promise(*session, each); };
        std::ranges::transform(page.conversations, numbers.begin(), promise);
        std::ranges::transform(page.rest, numbers.end() - std::ssize(page.rest), promise);
    }
    const bool told = respond(pending, reading::encode(page, numbers)).has_value();
    if (!feeds) return;
    if (told) {
        parts_.feeds.keep_promises(pending.session, pending.lane);
    } else {
        parts_.feeds.break_promises(pending.session);
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
