#include "server/conversations/sync.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace flare::server {
namespace {

constexpr std::uint32_t kAgainMs = 1000;  // a store that cannot write at present may be able to then

}  // namespace

Result<void> ConversationSync::respond(const session::PendingRequest& pending, std::string_view body,
                                       std::uint64_t token) {
    wire::ResponseView response;
    response.body = body;
    return parts_.table.respond(pending, response, parts_.executor.now(), token);
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
    question.live_members = parts_.limits.live_members;
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
    const std::uint64_t token = read.feeds ? token_of(read.pending, page) : 0;
    const bool told = respond(read.pending, reading::encode(page, numbers), token).has_value();
    if (!read.feeds) return;
    if (told) {
        parts_.feeds.keep_promises(read.pending.session, read.pending.lane);
        owe_marks(read.pending, page);
    } else {
        parts_.feeds.break_promises(read.pending.session);
    }
}

std::uint64_t ConversationSync::token_of(const session::PendingRequest& pending, const reading::SyncFound& page) {
    std::vector<Deliveries::Brought> brought;
    for (const reading::Synced& each : page.conversations) {
        if (!each.few || !each.reaches) continue;
        brought.push_back({each.key, each.opening.conversation, each.opening.user, each.opening.as_of});
    }
    return parts_.deliveries.page(pending.session, std::move(brought));
}

// What has moved since the page was read, or, of what it only names, since the client was here, is read when the feeds
// have begun: from then on the homes tell.
void ConversationSync::owe_marks(const session::PendingRequest& pending, const reading::SyncFound& page) {
    std::size_t left = OthersMarks::kOfList;
    for (const auto* const part : {&page.conversations, &page.rest}) {
        for (const reading::Synced& each : *part) {
            if (left == 0) return;
            if (!each.few || !each.live) continue;
            parts_.others.owe(pending.session.value, each.key, each.told);
            --left;
        }
    }
}

}  // namespace flare::server
