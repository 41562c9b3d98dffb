// Pushes: says by the application's handler for whom messages wait who have no live session, and when they are read.
//
// At the home of a conversation, a message that was committed waits (PushWaiting); then its members are read who have a
// device and have not read it. At the home of each such user, whoever has a session with a live connection is left out,
// and what is left is put together (PushBatches), read again, and told. Nothing is written for a recipient.
//
// A worker asks the store one question of each kind at a time: what comes meanwhile waits, and has a bound.
//
// Protocol: docs/conversations.md, "Push"; docs/server.md, "Push".
// Threads:  its worker's; the store is read on the store's threads, the handler called on the hooks'.
// Owner:    Conversations.
#pragma once

#include "im/conversation.hpp"
#include "server/config.hpp"
#include "server/conversations/outgoing.hpp"
#include "server/conversations/push_batches.hpp"
#include "server/conversations/push_reading.hpp"
#include "server/conversations/push_told.hpp"
#include "server/conversations/push_waiting.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server {

class ConversationPush {
public:
    // Marks whose reader is still to be told of; beyond: they are dropped, and counted.
    static constexpr std::size_t kMostMarks = 4096;

    struct Parts {
        const Config& config;
        Router& router;
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        Counters& counters;
    };
    explicit ConversationPush(const Parts& parts)
        : parts_(parts), times_{parts.config.conversations.push.after}, waiting_(times_), batches_(times_) {}

    // Without a handler nothing is computed.
    bool wanted() const noexcept { return parts_.config.conversations.push.handler != nullptr; }

    // At the home of the conversation: a message is in its log.
    void committed(const im::Conversation& conversation, const StoredMessage& message, std::uint64_t offset);
    // At the home of the user, who has read everything up to there.
    void read(std::string_view user, const model::ConversationKey& key, const Position& upto);

    session::TimePoint next_deadline() const noexcept;
    void on_time();

private:
    // Of the step: for whom it may be.
    struct Looked {
        PushWaiting::Step step;
        std::vector<std::string> users{};
        errc code = errc::ok;
    };
    using LookedPtr = std::shared_ptr<std::vector<Looked>>;
    // A user of this home who may be told.
    struct Candidate {
        std::string user;
        PushItem item;
    };
    struct Asked {
        struct One {
            PushBatches::Batch batch;
            reading::FoundPush found{};
            errc code = errc::ok;
        };
        struct Mark {
            reading::PushReadMark mark;
            PushCleared cleared{};
            errc code = errc::ok;
        };
        std::vector<One> batches{};
        std::vector<Mark> marks{};
    };
    using AskedPtr = std::shared_ptr<Asked>;

    void look(std::vector<Looked> steps);
    void looked(const LookedPtr& steps, errc code);
    void give(const Looked& step);
    void arrived(const std::vector<Candidate>& candidates);
    void ask();
    void asked(const AskedPtr& asked, errc code);
    void tell(Asked::One& one);
    void clear(Asked::Mark& mark);
    bool is_here(std::string_view user) const;
    std::uint64_t now_ms() const;
    // False: it was dropped.
    bool call(std::function<void(PushHandler&)> call);
    void drop(std::size_t count) { parts_.counters.push.dropped += count; }

    const Parts parts_;
    const PushTimes times_;
    PushWaiting waiting_;
    PushBatches batches_;
    PushTold told_;
    std::vector<reading::PushReadMark> marks_;  // to be told
    std::vector<Looked> again_;                 // steps of which the store could not be asked
    bool looking_ = false;                      // the store is asked about steps
    bool asking_ = false;                       // and about users
    session::TimePoint look_at_{};              // not sooner
    session::TimePoint ask_at_{};
};

}  // namespace flare::server
