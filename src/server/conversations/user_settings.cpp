#include "server/conversations/user_settings.hpp"

#include "server/conversations/opened.hpp"
#include "wire/sync.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace flare::server {
namespace {

constexpr std::uint32_t kChooseAgainMs = 1000;  // a store that cannot write at present may be able to then

bool may_be_chosen_later(errc said) noexcept {
    return said == errc::busy || said == errc::storage_full || said == errc::storage_failed;
}

}  // namespace

struct UserSettings::Choice {
    session::PendingRequest pending;
    model::ConversationKey key;
    std::string user;
    std::optional<std::uint64_t> epoch{};  // of a clear
    store::SettingsChange change{};
    bool answered = false;  // then it is looked up for the other sessions of the user
    bool given = false;     // to the store
    // As they are then.
    std::uint64_t log = 0;  // its epoch
    wire::im::Settings settings{};
    std::optional<wire::im::ReadMark> mark{};  // of a clear

    std::string place() const { return OneByOne::place(user, key); }
};

void UserSettings::set(const session::ServerSession& session, const session::PendingRequest& pending,
                       const model::ConversationKey& conversation, const wire::im::ConversationSet& body) {
    using Body = wire::im::ConversationSet;
    const auto choice = std::make_shared<Choice>(Choice{pending, conversation, session.user()});
    if (body.says(Body::kNotify)) choice->change.notify = body.notify;
    if (body.says(Body::kMutedUntil)) choice->change.muted_until = body.muted_until_ms;
    if (body.says(Body::kPinned)) choice->change.pinned = body.pinned;
    if (body.says(Body::kHidden)) choice->change.hidden = body.hidden;
    add(choice);
}

void UserSettings::clear(const session::ServerSession& session, const session::PendingRequest& pending,
                         const model::ConversationKey& conversation, const wire::im::ConversationClear& body) {
    const auto choice = std::make_shared<Choice>(Choice{pending, conversation, session.user(), body.epoch});
    choice->change.cleared_to = body.offset;
    add(choice);
}

void UserSettings::add(const ChoicePtr& choice) {
    parts_.one_by_one.add(choice->place(), [this, choice] { begin(choice); });
}

void UserSettings::go_on(const ChoicePtr& choice) { parts_.one_by_one.done(choice->place()); }

void UserSettings::begin(const ChoicePtr& choice) {
    if (choice->answered) return look(choice);  // nothing is written again
    parts_.store.read(
        [choice](store::Reader& reader) {
            const auto opened = reading::open(reader, choice->key, choice->user);
            if (!opened) return reading::code_of(opened);
            const model::Head& head = opened->conversation.head;
            if (choice->epoch && *choice->epoch != head.last.epoch) return errc::epoch_changed;
            choice->change.conversation = opened->conversation.row;
            choice->change.user = opened->member.user;
            return errc::ok;
        },
        [this, choice](errc code) { code == errc::ok ? write(choice) : fail(choice, code); });
}

void UserSettings::write(const ChoicePtr& choice) {
    auto batch = std::make_unique<store::WriteBatch>();
    batch->writes.emplace_back().what = choice->change;
    choice->given = true;
    parts_.store.write(std::move(batch), [this, choice](std::unique_ptr<store::WriteBatch> written, errc code) {
        if (code == errc::ok) code = written->writes.front().outcome.code;
        code == errc::ok ? look(choice) : fail(choice, code);
    });
}

void UserSettings::look(const ChoicePtr& choice) {
    parts_.store.read(
        [choice](store::Reader& reader) {
            const auto opened = reading::open(reader, choice->key, choice->user);
            if (!opened) return reading::code_of(opened);
            const model::Head& head = opened->conversation.head;
            // Another one may have its name now.
            if (choice->epoch.value_or(head.last.epoch) != head.last.epoch) return errc::epoch_changed;
            choice->log = head.last.epoch;
            choice->settings = reading::told_of(opened->settings);
            if (!choice->epoch) return errc::ok;
            const auto unread = reader.unread({opened->conversation, opened->member, opened->mark, opened->settings},
                                              wire::im::kMaxUnread);
            if (!unread) return reading::code_of(unread);
            choice->mark = wire::im::ReadMark{opened->mark.offset, unread->count, unread->more,
                                              head.last.offset,    head.messages, opened->mark.unread_from,
                                              unread->mentions};
            return errc::ok;
        },
        [this, choice](errc code) { code == errc::ok ? tell(choice) : fail(choice, code); });
}

void UserSettings::tell(const ChoicePtr& choice) {
    if (choice->epoch) parts_.push.read(choice->user, choice->key, {choice->log, choice->settings.cleared_to});
    if (!std::exchange(choice->answered, true)) answer(*choice);
    // Whoever has asked hears of it, too: a client that has waited long does not take the answer any more.
    parts_.states.chosen(choice->user, choice->key, choice->log, choice->settings, choice->mark);
    go_on(choice);
}

// Of what may be in the store, all sessions of the user are told what is there when it can be read again.
void UserSettings::fail(const ChoicePtr& choice, errc code) {
    if (!std::exchange(choice->answered, true)) refuse(*choice, code);
    const bool is_unsure = choice->given && may_be_chosen_later(said_of(code));
    if (is_unsure && parts_.states.has_others(choice->user, session::SessionId()) && unsure_.size() < kMostUnsure) {
        unsure_.push_back(choice);
        if (again_at_ == session::kNever) {
            again_at_ = parts_.executor.now() + std::chrono::milliseconds(kChooseAgainMs);
            parts_.executor.arm_timer();
        }
    }
    go_on(choice);
}

void UserSettings::on_time() {
    if (parts_.executor.now() < again_at_) return;
    again_at_ = session::kNever;
    for (const ChoicePtr& each : std::exchange(unsure_, {})) add(each);
}

// ---- answers ----

void UserSettings::answer(const Choice& choice) {
    const std::string body = wire::im::encode(choice.settings);
    wire::ResponseView response;
    response.body = body;
    (void)parts_.table.respond(choice.pending, response, parts_.executor.now());
}

void UserSettings::refuse(const Choice& choice, errc code) {
    wire::ResponseView response;
    response.code = said_of(code);
    response.text = explain(response.code);
    if (may_be_chosen_later(response.code)) response.retry_after_ms = kChooseAgainMs;
    (void)parts_.table.respond(choice.pending, response, parts_.executor.now());
}

}  // namespace flare::server
