#include "server/signals/typing.hpp"

#include "im/rights.hpp"
#include "server/conversations/opened.hpp"
#include "server/conversations/sync_reading.hpp"
#include "server/dispatch/receipts.hpp"
#include "server/worker/shard.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace flare::server {
namespace {

struct TypingCheck {
    im::Refused refused{};
    std::uint64_t members = 0;
};

// Whether the user may write in the conversation now.
errc check_typing(store::Reader& reader, const model::ConversationKey& key, std::string_view user, std::uint64_t now_ms,
                  TypingCheck& found) {
    const auto opened = reading::open(reader, key, user);
    if (!opened) return reading::code_of(opened);
    found.members = opened->conversation.members;
    bool blocked = false;
    if (key.kind() == model::ConversationKind::direct) {
        const auto both = reader.members(opened->conversation.row, 0, 2, false);
        if (!both) return reading::code_of(both);
        blocked = std::ranges::any_of(
            *both, [&](const model::Member& each) { return each.user != opened->member.user && each.blocks; });
    }
    found.refused = im::may_write({opened->member, opened->conversation.config, blocked}, im::Capability::send, now_ms);
    return found.refused ? found.refused->code : errc::ok;
}

}  // namespace

void TypingSignals::drop() { ++parts_.counters.signals.typing_dropped; }

void TypingSignals::take(const session::ServerSession& session, const session::PendingRequest& pending,
                         const model::ConversationKey& conversation, bool on) {
    take(session.user(), conversation, on, [this, pending](const im::Refused& refused) {
        if (!refused) return answers_.done(pending);
        answers_.refuse(pending, refused->code, refused->text, refused->retry_after_ms);
    });
}

void TypingSignals::take(const std::string& user, const model::ConversationKey& conversation, bool on, Done done) {
    if (!throttle_.allows(user, conversation.text(), on, parts_.executor.now())) {
        drop();
        return done({});
    }
    const auto found = std::make_shared<TypingCheck>();
    const auto now_ms = static_cast<std::uint64_t>(unix_ms(parts_.executor.wall_clock()));
    parts_.store.read([found, conversation, user, now_ms](
                          store::Reader& reader) { return check_typing(reader, conversation, user, now_ms, *found); },
                      [this, found, done = std::move(done), conversation, user, on](errc code) {
                          if (code != errc::ok) return done(found->refused ? found->refused : im::Refusal{code, {}});
                          done({});
                          if (found->members > kMostMembers) return drop();
                          // To the other one of a direct conversation it has the name of who types.
                          const bool direct = conversation.kind() == model::ConversationKind::direct;
                          const std::string name = direct ? user : reading::name_of(conversation, user);
                          wire::im::Notice notice;
                          notice.typing.push_back({name, user, on});
                          parts_.router.give(parts_.router.home_of(conversation.text()),
                                             [told = Told{conversation, user, wire::im::notice_body(notice)}](
                                                 Shard& home) { home.conversations()->signals.typing.pass_on(told); });
                      });
}

void TypingSignals::pass_on(const Told& told) {
    parts_.watched.for_each(told.conversation, Watcher::feeds, [&](std::uint32_t worker) {
        parts_.router.give(worker, [told](Shard& shard) { shard.conversations()->signals.typing.tell(told); });
    });
}

void TypingSignals::tell(const Told& told) {
    for_each_follower(parts_.feeds, told.conversation, [&](session::ServerSession& session) {
        if (session.user() == told.user) return;
        const bool taken = parts_.table.send_notice(session, told.notice);
        ++(taken ? parts_.counters.signals.notices : parts_.counters.signals.notices_dropped);
    });
}

}  // namespace flare::server
