#include "server/conversations/read_marks.hpp"

#include "im/planted.hpp"
#include "server/conversations/moved_marks.hpp"
#include "server/conversations/opened.hpp"
#include "server/conversations/others_reading.hpp"
#include "store/rules.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace flare::server {
namespace {

constexpr std::uint32_t kMarkAgainMs = 1000;  // a store that cannot write at present may be able to then

bool may_pass(errc said) noexcept {
    return said == errc::busy || said == errc::storage_full || said == errc::storage_failed;
}

}  // namespace

struct ConversationMarks::Marking {
    session::PendingRequest pending;
    bool answered = false;  // then it is looked up for the other sessions of the user
    model::ConversationKey key;
    std::string user;
    std::uint64_t epoch = 0;
    store::Mark mark{};        // to be written
    bool few = false;          // members, who hear of it
    bool given = false;        // to the store
    bool moved = false;        // by it, or nobody knows
    store::MemberMarks now{};  // as they are then
    wire::im::ReadMark told{};
    std::uint64_t unread_before = 0;
    Done done{};  // of the application; null: a session asks, by `pending`

    std::string place() const { return OneByOne::place(user, key); }
};

void ConversationMarks::mark(const session::ServerSession& session, const session::PendingRequest& pending,
                             const model::ConversationKey& conversation, const wire::im::MarkRead& body,
                             store::Mark::What what) {
    ++parts_.counters.sync.marks;
    const auto marking = std::make_shared<Marking>(Marking{pending, false, conversation, session.user(), body.epoch});
    marking->mark.offset = body.offset;
    marking->mark.what = what;
    add(marking);
}

void ConversationMarks::mark(const std::string& user, const model::ConversationKey& conversation,
                             const wire::im::MarkRead& body, Done done) {
    ++parts_.counters.sync.marks;
    const auto marking = std::make_shared<Marking>(Marking{{}, false, conversation, user, body.epoch});
    marking->mark.offset = body.offset;
    marking->mark.what = store::Mark::What::read;
    marking->done = std::move(done);
    add(marking);
}

void ConversationMarks::add(const MarkingPtr& marking) {
    parts_.one_by_one.add(marking->place(), [this, marking] { begin(marking); });
}

void ConversationMarks::go_on(const MarkingPtr& marking) { parts_.one_by_one.done(marking->place()); }

void ConversationMarks::begin(const MarkingPtr& marking) {
    parts_.store.read(
        [marking](store::Reader& reader) {
            const auto opened = reading::open(reader, marking->key, marking->user);
            if (!opened) return reading::code_of(opened);
            const model::Head& head = opened->conversation.head;
            if (marking->epoch != head.last.epoch) return errc::epoch_changed;
            const std::uint64_t offset = marking->mark.offset;
            if (marking->mark.what == store::Mark::What::unread &&
                (offset > head.last.offset || offset < opened->floor()))
                return errc::unknown_entry;
            marking->few = reading::has_few_members(opened->conversation);
            marking->mark.conversation = opened->conversation.row;
            marking->mark.user = opened->member.user;
            marking->unread_before = opened->mark.unread_from;
            marking->mark.offset = std::min(marking->mark.offset, head.last.offset);
            return errc::ok;
        },
        [this, marking](errc code) { code == errc::ok ? write(marking) : fail(marking, code); });
}

void ConversationMarks::write(const MarkingPtr& marking) {
    auto batch = std::make_unique<store::WriteBatch>();
    batch->writes.emplace_back().what = marking->mark;
    marking->given = true;
    parts_.store.write(std::move(batch), [this, marking](std::unique_ptr<store::WriteBatch> written, errc code) {
        const store::Outcome& outcome = written->writes.front().outcome;
        if (code == errc::ok) code = outcome.code;
        if (code != errc::ok) return fail(marking, code);
        marking->now = {{outcome.position.offset, outcome.messages, outcome.unread_from}, outcome.delivered};
        // A repeat may be of a commit whose outcome nobody knew, and which the store has done again.
        const bool holds = !outcome.repeat || outcome.position.offset == marking->mark.offset;
        marking->moved |= holds && marking->mark.what == store::Mark::What::read;
        count(marking);
    });
}

void ConversationMarks::count(const MarkingPtr& marking) {
    parts_.store.read(
        [marking](store::Reader& reader) {
            const auto opened = reading::open(reader, marking->key, marking->user);
            if (!opened) return reading::code_of(opened);
            const model::Head& head = opened->conversation.head;
            if (marking->epoch != head.last.epoch) return errc::epoch_changed;  // another one has its name now
            const auto unread = reader.unread(
                {opened->conversation, opened->member, marking->now.read, opened->settings}, wire::im::kMaxUnread);
            if (!unread) return reading::code_of(unread);
            const model::ReadMark& now = marking->now.read;
            marking->told = {now.offset,    unread->count,   unread->more,    head.last.offset,
                             head.messages, now.unread_from, unread->mentions};
            return errc::ok;
        },
        [this, marking](errc code) {
            if (code != errc::ok) return fail(marking, code);
            parts_.push.read(marking->user, marking->key, {marking->epoch, marking->told.offset});
            const bool asked = !std::exchange(marking->answered, true);
            if (asked) answer(*marking);
            // Whoever has been told that it failed may hear of it, too. What is unread by hand does not only grow, and
            // the state of an earlier change may come behind the answer: the session that asked is told in that order.
            const bool tells_asker = !asked || marking->told.unread_from != marking->unread_before;
            const session::SessionId by = tells_asker ? session::SessionId() : marking->pending.session;
            const bool untold =
                marking->mark.what == store::Mark::What::unread && im::planted(im::Fault::unread_by_hand_untold);
            if (!untold) parts_.states.marked(marking->user, by, marking->key, marking->epoch, marking->told);
            if (marking->few && marking->moved) tell_others(*marking);
            go_on(marking);
        });
}

void ConversationMarks::tell_others(const Marking& marking) {
    MarkNews news{marking.key, marking.epoch};
    news.marks.push_back({marking.mark.user, marking.user, marking.now.read.offset, marking.now.has()});
    std::vector<MarkNews> all;
    all.push_back(std::move(news));
    tell_homes(parts_.router, std::move(all));
}

// Of a mark that may be in the store, the other sessions of the user are told what is there when it can be read again:
// a mark at 0 changes nothing, and its outcome is the present one.
void ConversationMarks::fail(const MarkingPtr& marking, errc code) {
    const session::SessionId by = marking->answered ? session::SessionId() : marking->pending.session;
    if (!std::exchange(marking->answered, true)) refuse(*marking, code);
    const bool hears = marking->few || parts_.states.has_others(marking->user, by);
    if (marking->given && may_pass(said_of(code)) && hears && unsure_.size() < kMostUnsure) {
        marking->mark.offset = 0;
        marking->mark.what = store::Mark::What::read;
        marking->moved = true;
        unsure_.push_back(marking);
        if (again_at_ == session::kNever) {
            again_at_ = parts_.executor.now() + std::chrono::milliseconds(kMarkAgainMs);
            parts_.executor.arm_timer();
        }
    }
    go_on(marking);
}

void ConversationMarks::on_time() {
    if (parts_.executor.now() < again_at_) return;
    again_at_ = session::kNever;
    for (const MarkingPtr& each : std::exchange(unsure_, {})) add(each);
}

// ---- answers ----

void ConversationMarks::answer(const Marking& marking) {
    if (marking.done) return marking.done(errc::ok, marking.told);
    const std::string body = wire::im::encode(marking.told);
    wire::ResponseView response;
    response.body = body;
    (void)parts_.table.respond(marking.pending, response, parts_.executor.now());
}

void ConversationMarks::refuse(const Marking& marking, errc code) {
    if (marking.done) return marking.done(said_of(code), {});
    wire::ResponseView response;
    response.code = said_of(code);
    response.text = explain(response.code);
    if (may_pass(response.code)) response.retry_after_ms = kMarkAgainMs;
    (void)parts_.table.respond(marking.pending, response, parts_.executor.now());
}

}  // namespace flare::server
