// How far users have read: the requests read.mark and read.unmark. The mark is in the store; the other sessions of its
// user are told, and, where members are few, the others.
//
// Protocol: docs/protocol.md, "Sync", "States".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Conversations.
#pragma once

#include "server/conversations/one_by_one.hpp"
#include "server/conversations/push.hpp"
#include "server/conversations/states.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"
#include "wire/sync.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace flare::server {

class ConversationMarks {
public:
    // Marks whose fate is looked up again for other sessions of their users; of more, the next sync of each tells.
    static constexpr std::size_t kMostUnsure = 256;

    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        ConversationStates& states;
        ConversationPush& push;
        OneByOne& one_by_one;
        Counters& counters;
    };
    explicit ConversationMarks(const Parts& parts) : parts_(parts) {}

    // The request is answered. `what`: read or unread.
    void mark(const session::ServerSession& session, const session::PendingRequest& pending,
              const model::ConversationKey& conversation, const wire::im::MarkRead& body, store::Mark::What what);

    // The same of the application, for a user whose home this is. `done` is called once; `now`, with ok: what holds
    // then.
    using Done = std::function<void(errc code, const wire::im::ReadMark& now)>;
    void mark(const std::string& user, const model::ConversationKey& conversation, const wire::im::MarkRead& body,
              Done done);

    session::TimePoint next_deadline() const noexcept { return again_at_; }
    void on_time();

private:
    // A mark on its way into the store and back.
    struct Marking;
    using MarkingPtr = std::shared_ptr<Marking>;

    void add(const MarkingPtr& marking);
    // It is over: the next one of its user and conversation.
    void go_on(const MarkingPtr& marking);
    void begin(const MarkingPtr& marking);
    void write(const MarkingPtr& marking);
    void count(const MarkingPtr& marking);
    void fail(const MarkingPtr& marking, errc code);
    void tell_others(const Marking& marking);
    void answer(const Marking& marking);
    void refuse(const Marking& marking, errc code);

    Parts parts_;
    std::vector<MarkingPtr> unsure_;  // may be in the store, and were not told
    session::TimePoint again_at_ = session::kNever;
};

}  // namespace flare::server
