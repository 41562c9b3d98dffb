// The subscriptions of a client, with a server and an application whose every step is written down.
#include "client/im/feeds.hpp"

#include "wire/requests.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace flare::client {
namespace {

using namespace std::chrono_literals;

class Subscribing : public ::testing::Test, protected Feeds::Owner {
protected:
    // ---- what the server hears and says ----

    struct Request {
        Call call;
        AnswerDone done;
        wire::im::Subscribe subscribe() const { return wire::im::decode<wire::im::Subscribe>(call.body).value(); }
        std::string text() const {
            if (call.verb == wire::Verb::unsubscribe) return "unsubscribe " + call.conversation;
            const auto body = subscribe();
            return "subscribe " + std::string(body.conversation) + " " + std::to_string(body.epoch) + ":" +
                   std::to_string(body.after) + (body.complete ? " complete" : "");
        }
    };
    void ask(const Call& call, AnswerDone done) override {
        if (at_once != errc::ok) return done({at_once, std::string(explain(at_once))});
        requests.push_back({call, std::move(done)});
    }
    std::string asked() const {
        std::string all;
        for (const Request& each : requests) all += (all.empty() ? "" : ", ") + each.text();
        return all;
    }
    Request take_request() {
        EXPECT_FALSE(requests.empty());
        if (requests.empty()) return {};
        Request first = std::move(requests.front());
        requests.erase(requests.begin());
        return first;
    }
    // The last entry that was written is `last`; the feed goes on at `next`.
    void begun(std::uint32_t number, std::uint64_t next, std::uint64_t last,
               std::optional<wire::im::FeedReset> reset = {}, std::uint64_t epoch = 7, std::uint64_t from = 1) {
        wire::im::Subscribed body;
        body.feed = number;
        body.head = wire::im::Head{epoch, 1, last, last};
        body.visible_from = from;
        body.next = next;
        body.reset = reset;
        Answer answer;
        answer.bodies.emplace_back(wire::im::encode(body));
        take_request().done(std::move(answer));
    }
    void ended() {
        Answer answer;
        answer.bodies.emplace_back(wire::im::encode(wire::im::Unsubscribed{}));
        take_request().done(std::move(answer));
    }
    void refused(errc code, std::uint32_t retry_after_ms = 0) {
        Answer answer{code, std::string(explain(code))};
        answer.retry_after_ms = retry_after_ms;
        take_request().done(std::move(answer));
    }
    static Uuid id(std::uint64_t number) {
        Uuid made;
        made.bytes[0] = 1;
        made.bytes[14] = static_cast<std::uint8_t>(number >> 8);
        made.bytes[15] = static_cast<std::uint8_t>(number);
        return made;
    }
    static wire::im::Entry message(std::uint64_t offset, std::string_view from = "bob") {
        wire::im::Entry entry;
        entry.offset = offset;
        entry.kind = model::EntryKind::message;
        entry.id = id(offset);
        entry.from = from;
        entry.time_ms = 1'000;
        entry.type = "text";
        entry.payload = "hello";
        return entry;
    }
    // Returns false while the application has not done with it.
    std::shared_ptr<bool> tell(std::uint32_t number, std::vector<wire::im::Entry> entries,
                               std::optional<wire::im::FeedReset> reset = {}, std::uint64_t removed = 0) {
        auto consumed = std::make_shared<bool>(false);
        const std::shared_ptr<void> taken(nullptr, [consumed](void*) { *consumed = true; });
        const wire::im::Feed frame{std::move(entries), reset, removed, errc::ok, std::nullopt, {}};
        feeds.on_feed(number, frame, {}, 0, taken);
        return consumed;
    }
    static wire::im::FeedReset reset(wire::im::FeedResetReason reason, std::uint64_t next, std::uint64_t epoch = 7) {
        return {reason, 1, next, next, epoch};
    }
    void lose_session() {
        session = false;
        for (Request& each : std::exchange(requests, {})) each.done({errc::connection_lost, "lost"});
    }
    void next_session() {
        session = true;
        feeds.begin_session();
    }

    // ---- what the application asks and hears ----

    void subscribe(const std::string& name, const SubscribeOptions& options = {}) {
        feeds.subscribe(name, options, [this](const Checked<Subscription>& result) {
            if (result) {
                results += "from " + std::to_string(result->after.offset) + (result->gap ? " with a gap; " : "; ");
            } else {
                results += std::to_string(static_cast<int>(result.error().code)) + "; ";
            }
        });
    }
    void unsubscribe(const std::string& name) {
        feeds.unsubscribe(name, [this](const Checked<>& result) {
            results += result ? "ended; " : std::to_string(static_cast<int>(result.error().code)) + "; ";
        });
    }
    // A subscription with this number; the log ends at offset 10.
    void subscribed(const std::string& name, std::uint32_t number) {
        subscribe(name);
        begun(number, 11, 10);
        results.clear();
    }
    static std::string code(errc of) { return std::to_string(static_cast<int>(of)) + "; "; }

    bool in_session() const override { return session; }
    session::TimePoint now() const override { return time; }
    bool has_seen(std::string_view from, const Uuid& of) const override {
        return seen.contains({std::string(from), of});
    }
    bool settle(const Uuid& of, std::string_view conversation, const StoredAt& stored) override {
        if (!unsettled.erase({std::string(conversation), of})) return false;
        queue.push_back([offset = stored.position.offset]() -> std::optional<Event> {
            return event::MessageSent{id(offset), StoredAt{{7, offset}, {}}};
        });
        return true;
    }
    void tell(Event event) override {
        queue.push_back([event = std::move(event)]() -> std::optional<Event> { return event; });
    }
    void count_message() override { ++messages; }
    void tell_later(std::function<std::optional<Event>()> make) override {
        counted.push_back(messages);
        queue.push_back(std::move(make));
    }

    struct Text {
        std::string operator()(const event::MessageReceived& e) const {
            return e.conversation + " " + std::to_string(e.stored->position.offset) + "; ";
        }
        std::string operator()(const event::OwnMessage& e) const {
            return "own " + std::to_string(e.stored.position.offset) + "; ";
        }
        std::string operator()(const event::MessageSent& e) const {
            return "sent " + std::to_string(e.stored->position.offset) + "; ";
        }
        std::string operator()(const event::EntryReceived& e) const {
            return std::string(name(e.entry.kind)) + " " + std::to_string(e.stored.position.offset) + "; ";
        }
        std::string operator()(const event::HistoryGap& e) const {
            return std::string(name(e.reason)) + " " + std::to_string(e.first) + "-" + std::to_string(e.last) + "; ";
        }
        std::string operator()(const event::SubscriptionEnded& e) const {
            return "ended " + std::to_string(static_cast<int>(e.reason.code)) + " " + std::to_string(e.offset) + "; ";
        }
        std::string operator()(const event::Error& e) const {
            return "error " + std::to_string(static_cast<int>(e.failure.code)) + "; ";
        }
        template <typename Other>
        std::string operator()(const Other&) const {
            return "?; ";
        }
    };
    // The application handles what was told.
    std::string heard() {
        std::string all;
        while (!queue.empty()) {
            auto make = std::move(queue.front());
            queue.pop_front();
            if (const auto event = make()) all += std::visit(Text(), *event);
        }
        return all;
    }

    bool session = true;
    errc at_once = errc::ok;
    session::TimePoint time{1h};
    std::set<std::pair<std::string, Uuid>> seen;       // sender, id
    std::set<std::pair<std::string, Uuid>> unsettled;  // conversation, id
    std::vector<Request> requests;
    std::deque<std::function<std::optional<Event>()>> queue;
    std::string results;
    std::size_t messages = 0;
    std::vector<std::size_t> counted;  // when something was told
    Feeds feeds{"ann", *this};
};

// ---- telling ----

TEST_F(Subscribing, TellsEntriesInOrder) {
    subscribe("room:tea");
    EXPECT_EQ(asked(), "subscribe room:tea 0:0") << "from the newest entry on";
    begun(3, 11, 10);
    EXPECT_EQ(results, "from 10; ");
    auto joined = message(12, "eve");
    joined.kind = model::EntryKind::membership;
    (void)tell(3, {message(11), joined, message(13, "ann"), message(14)});
    EXPECT_EQ(heard(), "room:tea 11; membership 12; own 13; room:tea 14; ");
    EXPECT_EQ(counted, (std::vector<std::size_t>{1, 1, 1, 2})) << "messages of others, before they are told";
}

TEST_F(Subscribing, AMessageHasWhatItsEntrySays) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11), message(12, "ann")});
    const Event first = *queue[0]();
    const auto& received = std::get<event::MessageReceived>(first);
    EXPECT_EQ(received.message.id, id(11));
    EXPECT_EQ(received.message.type, "text");
    EXPECT_EQ(received.message.payload, "hello");
    EXPECT_EQ(received.message.from, "bob");
    EXPECT_EQ(received.message.to, "room:tea");
    EXPECT_EQ(received.message.server_time, std::chrono::system_clock::time_point(1s));
    EXPECT_EQ(*received.stored, (StoredAt{{7, 11}, std::chrono::system_clock::time_point(1s)}));
    const Event second = *queue[1]();
    EXPECT_EQ(std::get<event::OwnMessage>(second).message.to, "room:tea");

    subscribed("bob", 4);
    (void)tell(4, {message(11), message(12, "ann")});
    const Event direct = *queue[2]();
    EXPECT_EQ(std::get<event::MessageReceived>(direct).message.to, "ann");
    EXPECT_EQ(std::get<event::MessageReceived>(direct).conversation, "bob");
    const Event own = *queue[3]();
    EXPECT_EQ(std::get<event::OwnMessage>(own).message.to, "bob");
}

TEST_F(Subscribing, TellsNothingTwiceAndNothingOfAnotherFeed) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11), message(12)});
    (void)tell(3, {message(12), message(11), message(13)});
    EXPECT_TRUE(*tell(4, {message(14)})) << "and its credit returns at once";
    EXPECT_EQ(heard(), "room:tea 11; room:tea 12; room:tea 13; ");
}

TEST_F(Subscribing, ReturnsCreditWhenAllOfAFrameHasBeenHandled) {
    subscribed("room:tea", 3);
    const auto consumed = tell(3, {message(11), message(12)});
    EXPECT_FALSE(*consumed);
    (void)queue.front()();
    queue.pop_front();
    EXPECT_FALSE(*consumed);
    (void)heard();
    EXPECT_TRUE(*consumed);
    EXPECT_TRUE(*tell(3, {message(12)})) << "nothing of it is told";
}

TEST_F(Subscribing, SaysWhatTheServerLeavesOut) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(13)});
    (void)tell(3, {message(20)}, reset(wire::im::FeedResetReason::pruned, 20));
    EXPECT_EQ(heard(), "skipped 11-12; room:tea 13; pruned 14-19; room:tea 20; ");
    (void)tell(3, {}, reset(wire::im::FeedResetReason::pruned, 15));
    (void)tell(3, {message(19), message(21)});
    EXPECT_EQ(heard(), "room:tea 21; ") << "the position does not go back";
}

TEST_F(Subscribing, GoesOnInAnotherEpoch) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(3)}, reset(wire::im::FeedResetReason::other_epoch, 3, 8));
    EXPECT_EQ(heard(), "other_epoch 1-2; room:tea 3; ");
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:tea 8:3");
}

TEST_F(Subscribing, WhatCannotBeInflatedIsAnError) {
    subscribed("room:tea", 3);
    auto packed = message(11);
    packed.encoding = wire::Encoding::zstd;
    packed.size = 10;
    (void)tell(3, {packed, message(12)});
    EXPECT_EQ(heard(), "error " + code(errc::compression_unavailable) + "room:tea 12; ");
}

TEST_F(Subscribing, EndsWithTheMembership) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11)}, {}, 12);
    EXPECT_EQ(heard(), "room:tea 11; ended 700 12; ");
    EXPECT_TRUE(*tell(3, {message(13)}));
    EXPECT_EQ(heard(), "");
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "") << "it is over";
}

// ---- own messages ----

TEST_F(Subscribing, AnOwnMessageIsToldByItsReceipt) {
    subscribed("room:tea", 3);
    feeds.on_stored("room:tea", {{7, 11}, {}}, id(11));
    (void)tell(3, {message(12)});
    feeds.on_stored("room:tea", {{7, 13}, {}}, id(13));
    (void)tell(3, {message(13, "ann"), message(14)});
    EXPECT_EQ(heard(), "room:tea 12; room:tea 14; ");
}

TEST_F(Subscribing, AnEntryIsAsGoodAsAReceiptThatIsStillToCome) {
    subscribed("room:tea", 3);
    unsettled.insert({"room:tea", id(12)});
    unsettled.insert({"room:soup", id(13)});
    (void)tell(3, {message(11), message(12, "ann"), message(13, "ann")});
    EXPECT_EQ(heard(), "room:tea 11; sent 12; own 13; ") << "in the order of the log; 13 is of another conversation";
    feeds.on_stored("room:tea", {{7, 12}, {}}, id(12));
    (void)tell(3, {message(14)});
    EXPECT_EQ(heard(), "room:tea 14; ");
}

TEST_F(Subscribing, ReceiptsWhileItIsAskedForCount) {
    subscribe("room:tea", SubscribeOptions().with_after({7, 8}, id(8)));
    feeds.on_stored("room:tea", {{7, 11}, {}}, id(11));
    begun(3, 9, 10);
    (void)tell(3, {message(9), message(10, "ann"), message(12)});
    EXPECT_EQ(heard(), "room:tea 9; own 10; room:tea 12; ") << "nothing is missing";
}

TEST_F(Subscribing, WhatHasComeWithoutASubscriptionIsToldOnce) {
    subscribed("bob", 3);
    subscribed("room:tea", 4);
    seen.insert({"bob", id(11)});
    (void)tell(3, {message(11), message(12)});
    (void)tell(4, {message(11), message(12)});
    EXPECT_EQ(heard(), "bob 12; room:tea 11; room:tea 12; ") << "an id may be used again in another conversation";
}

// ---- in the next session ----

TEST_F(Subscribing, IsAskedForAgainBehindTheLastEntry) {
    subscribe("room:tea", SubscribeOptions().with_after({7, 5}, id(5)).with_complete());
    EXPECT_EQ(asked(), "subscribe room:tea 7:5 complete");
    EXPECT_EQ(requests[0].subscribe().id, id(5));
    begun(3, 6, 10);
    (void)tell(3, {message(6), message(7)});
    feeds.on_stored("room:tea", {{7, 8}, {}}, id(8));
    lose_session();
    (void)heard();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:tea 7:8 complete");
    EXPECT_EQ(requests[0].subscribe().id, id(8)) << "which shows that the log is the same";
    EXPECT_TRUE(*tell(3, {message(9)})) << "its number is of the session before";
    begun(1, 9, 10);
    (void)tell(1, {message(9)});
    EXPECT_EQ(heard(), "room:tea 9; ");
}

TEST_F(Subscribing, AResumedSessionGoesOnAsItIs) {
    subscribed("room:tea", 3);
    feeds.go_on();
    EXPECT_EQ(asked(), "");
    (void)tell(3, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
}

TEST_F(Subscribing, AGapIsToldBeforeWhatComesBehindIt) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    begun(1, 5'001, 5'050, reset(wire::im::FeedResetReason::too_far_behind, 5'001));
    (void)tell(1, {message(5'001)});
    EXPECT_EQ(heard(), "too_far_behind 11-5000; room:tea 5001; ");
    lose_session();
    next_session();
    begun(1, 41, 40, reset(wire::im::FeedResetReason::diverged, 41));
    (void)tell(1, {message(41)});
    EXPECT_EQ(heard(), "diverged 1-40; room:tea 41; ") << "the log is shorter now";
    lose_session();
    next_session();
    begun(1, 3, 2, {}, 8);
    (void)tell(1, {message(3)});
    EXPECT_EQ(heard(), "other_epoch 1-2; room:tea 3; ") << "although the server did not say so";
}

TEST_F(Subscribing, WhatTheUserMayNotReadIsNotMissing) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    begun(1, 31, 40, {}, 7, 31);  // left, and joined again
    (void)tell(1, {message(31)});
    EXPECT_EQ(heard(), "room:tea 31; ");
}

TEST_F(Subscribing, AServerThatStartsTooEarlyIsNotBelieved) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11)});
    lose_session();
    next_session();
    begun(1, 9, 12);
    (void)tell(1, {message(9), message(10), message(11), message(12)});
    EXPECT_EQ(heard(), "room:tea 11; room:tea 12; ");
}

TEST_F(Subscribing, ReceiptsWhileItIsRenewedCount) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    feeds.on_stored("room:tea", {{7, 11}, {}}, id(11));
    begun(1, 11, 11);
    (void)tell(1, {message(11, "ann"), message(12)});
    EXPECT_EQ(heard(), "room:tea 12; ");
}

TEST_F(Subscribing, IsRenewedOnceMoreIfTheSessionIsLostMeanwhile) {
    subscribed("room:tea", 3);
    for (int round = 0; round < 3; ++round) {
        lose_session();
        next_session();
        EXPECT_EQ(asked(), "subscribe room:tea 7:10") << round;
    }
    begun(1, 11, 10);
    (void)tell(1, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
}

TEST_F(Subscribing, ACallWhoseSessionIsLostFailsAndLeavesNothing) {
    subscribe("room:tea");
    lose_session();
    EXPECT_EQ(results, code(errc::connection_lost));
    next_session();
    EXPECT_EQ(asked(), "");
}

TEST_F(Subscribing, WhatIsPutOffIsAskedForLaterAndLater) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    refused(errc::busy);
    EXPECT_EQ(asked(), "");
    EXPECT_EQ(feeds.next_deadline(), time + 1s);
    time += 1s;
    feeds.on_time();
    EXPECT_EQ(asked(), "subscribe room:tea 7:10");
    refused(errc::rate_limited, 10'000);
    EXPECT_EQ(feeds.next_deadline(), time + 10s) << "as the server says";
    for (int i = 0; i < 10; ++i) {
        time = feeds.next_deadline();
        feeds.on_time();
        refused(errc::busy);
    }
    EXPECT_EQ(feeds.next_deadline(), time + Feeds::kLongestDelay);
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:tea 7:10") << "another session may have room";
    EXPECT_EQ(heard(), "");
}

TEST_F(Subscribing, WhatIsRefusedForGoodEnds) {
    subscribed("room:tea", 3);
    subscribed("room:soup", 4);
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "subscribe room:soup 7:10, subscribe room:tea 7:10");
    begun(1, 11, 10);
    refused(errc::unknown_conversation);
    EXPECT_EQ(heard(), "ended 700 0; ");
    (void)tell(1, {message(11)});
    EXPECT_EQ(heard(), "room:soup 11; ");
    EXPECT_EQ(asked(), "");
}

TEST_F(Subscribing, ManyAreRenewedAFewAtATime) {
    for (std::uint32_t i = 1; i <= 100; ++i) subscribed("room:" + std::to_string(i), i);
    lose_session();
    next_session();
    for (std::uint32_t i = 1; i <= 100; ++i) {
        ASSERT_FALSE(requests.empty());
        ASSERT_LE(requests.size(), Feeds::kMostAgain);
        begun(i, 11, 10);
    }
    EXPECT_EQ(asked(), "");
}

TEST_F(Subscribing, ACallThatCannotBeQueuedIsTriedAgain) {
    for (std::uint32_t i = 1; i <= 20; ++i) subscribed("room:" + std::to_string(i), i);
    lose_session();
    at_once = errc::outbox_full;
    next_session();
    EXPECT_EQ(asked(), "");
    at_once = errc::ok;
    time += 1s;
    feeds.on_time();
    EXPECT_EQ(requests.size(), Feeds::kMostAgain);
}

TEST_F(Subscribing, WhatThisProcessHadNoMemoryForIsAskedForAgain) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11)});
    feeds.on_feed_refused(3);
    (void)tell(3, {message(13)});
    EXPECT_EQ(heard(), "room:tea 11; ") << "not with a hole";
    time += 1s;
    feeds.on_time();
    EXPECT_EQ(asked(), "subscribe room:tea 7:11");
    begun(4, 12, 13);
    (void)tell(4, {message(12), message(13)});
    EXPECT_EQ(heard(), "room:tea 12; room:tea 13; ");
}

// ---- again, in the same session ----

TEST_F(Subscribing, AgainBeginsAnewAndDropsWhatWasNotTold) {
    subscribed("room:tea", 3);
    const auto untold = tell(3, {message(11), message(12)});
    subscribe("room:tea", SubscribeOptions().with_after({7, 9}, id(9)));
    begun(4, 10, 12);
    EXPECT_EQ(results, "from 9; ");
    (void)tell(3, {message(13)});
    (void)tell(4, {message(10), message(11)});
    EXPECT_EQ(heard(), "room:tea 10; room:tea 11; ");
    EXPECT_TRUE(*untold);
}

TEST_F(Subscribing, AgainTellsOwnMessagesOfBefore) {
    subscribed("room:tea", 3);
    feeds.on_stored("room:tea", {{7, 11}, {}}, id(11));
    subscribe("room:tea", SubscribeOptions().with_after({7, 10}));
    begun(4, 11, 11);
    (void)tell(4, {message(11, "ann")});
    EXPECT_EQ(heard(), "own 11; ");
}

TEST_F(Subscribing, IfThatFailsTheEarlierOneGoesOnWhereItWas) {
    subscribed("room:tea", 3);
    (void)tell(3, {message(11)});
    subscribe("room:tea", SubscribeOptions().with_after({7, 2}));
    refused(errc::busy);
    EXPECT_EQ(results, code(errc::busy));
    EXPECT_EQ(asked(), "subscribe room:tea 7:11") << "the server may have ended the feed";
    (void)tell(3, {message(12)});
    begun(5, 12, 12);
    (void)tell(5, {message(12)});
    EXPECT_EQ(heard(), "room:tea 11; room:tea 12; ");
}

TEST_F(Subscribing, IfItWasNotSentTheEarlierOneIsUntouched) {
    subscribed("room:tea", 3);
    at_once = errc::outbox_full;
    subscribe("room:tea");
    at_once = errc::ok;
    EXPECT_EQ(results, code(errc::outbox_full));
    EXPECT_EQ(asked(), "");
    (void)tell(3, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
}

TEST_F(Subscribing, AFeedThatNobodyKnowsOfIsEnded) {
    subscribe("room:tea");
    refused(errc::busy);  // or it was never answered
    EXPECT_EQ(results, code(errc::busy));
    EXPECT_EQ(asked(), "unsubscribe room:tea");
    ended();
    EXPECT_EQ(asked(), "");
    subscribe("room:tea");
    refused(errc::unknown_conversation);
    EXPECT_EQ(asked(), "");
}

TEST_F(Subscribing, TheNumberOfAnotherIsRefused) {
    subscribed("room:tea", 3);
    subscribe("room:soup");
    begun(3, 11, 10);
    EXPECT_EQ(results, code(errc::malformed_frame));
    (void)tell(3, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
}

// ---- ending ----

TEST_F(Subscribing, UnsubscribingDropsWhatWasNotTold) {
    subscribed("room:tea", 3);
    const auto untold = tell(3, {message(11)});
    unsubscribe("room:tea");
    EXPECT_EQ(asked(), "unsubscribe room:tea");
    const auto late = tell(3, {message(12)});
    EXPECT_EQ(results, "") << "the server has not answered";
    ended();
    EXPECT_EQ(results, "ended; ");
    EXPECT_TRUE(*tell(3, {message(13)}));
    EXPECT_EQ(heard(), "");
    EXPECT_TRUE(*untold && *late) << "the credit returns";
    lose_session();
    next_session();
    EXPECT_EQ(asked(), "");
}

TEST_F(Subscribing, UntilTheServerAnswersEntriesAreTold) {
    subscribed("room:tea", 3);
    unsubscribe("room:tea");
    (void)tell(3, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
    refused(errc::recipient_busy);
    EXPECT_EQ(results, code(errc::recipient_busy));
    EXPECT_EQ(asked(), "subscribe room:tea 7:11") << "the server may have ended it before there was no room to say so";
    begun(4, 12, 12);
    (void)tell(4, {message(12)});
    EXPECT_EQ(heard(), "room:tea 12; ") << "a call that fails changes nothing";
}

TEST_F(Subscribing, UnsubscribingThatWasNotSentLeavesTheFeedAsItIs) {
    subscribed("room:tea", 3);
    at_once = errc::outbox_full;
    unsubscribe("room:tea");
    EXPECT_EQ(results, code(errc::outbox_full));
    EXPECT_EQ(asked(), "");
    (void)tell(3, {message(11)});
    EXPECT_EQ(heard(), "room:tea 11; ");
}

TEST_F(Subscribing, CallsAboutOneConversationWaitForEachOther) {
    subscribe("room:tea");
    unsubscribe("room:tea");
    subscribe("room:tea");
    unsubscribe("room:soup");
    EXPECT_EQ(asked(), "subscribe room:tea 0:0, unsubscribe room:soup");
    begun(3, 11, 10);
    ended();  // room:soup
    EXPECT_EQ(asked(), "unsubscribe room:tea");
    ended();
    begun(4, 11, 10);
    EXPECT_EQ(results, "from 10; ended; ended; from 10; ");
}

TEST_F(Subscribing, WhileItIsRenewedUnsubscribingWaits) {
    subscribed("room:tea", 3);
    lose_session();
    next_session();
    unsubscribe("room:tea");
    EXPECT_EQ(asked(), "subscribe room:tea 7:10");
    begun(1, 11, 10);
    EXPECT_EQ(asked(), "unsubscribe room:tea");
    ended();
    EXPECT_EQ(results, "ended; ");
}

TEST_F(Subscribing, WithoutASessionUnsubscribingSucceeds) {
    subscribed("room:tea", 3);
    const auto untold = tell(3, {message(11)});
    lose_session();
    at_once = errc::not_connected;
    unsubscribe("room:tea");
    EXPECT_EQ(results, "ended; ");
    at_once = errc::ok;
    next_session();
    EXPECT_EQ(asked(), "");
    EXPECT_EQ(heard(), "");
    EXPECT_TRUE(*untold);
}

TEST_F(Subscribing, IfThatSessionComesBackItsFeedIsEnded) {
    subscribed("room:tea", 3);
    session = false;
    at_once = errc::not_connected;
    unsubscribe("room:tea");
    EXPECT_EQ(results, "ended; ");
    session = true;
    at_once = errc::ok;
    feeds.go_on();
    EXPECT_EQ(asked(), "unsubscribe room:tea");
    ended();
}

TEST_F(Subscribing, ASessionLostWhileItEndsHasEndedIt) {
    subscribed("room:tea", 3);
    unsubscribe("room:tea");
    lose_session();
    EXPECT_EQ(results, "ended; ");
    next_session();
    EXPECT_EQ(asked(), "");
}

TEST_F(Subscribing, ClosingAnswersEveryCall) {
    subscribed("room:soup", 2);
    subscribe("room:tea");
    subscribe("room:tea");
    unsubscribe("room:tea");
    unsubscribe("room:soup");
    feeds.close();
    const std::string closed = code(errc::client_closed);
    EXPECT_EQ(results, closed + closed + closed + closed);
    for (Request& each : std::exchange(requests, {})) each.done({errc::client_closed, "closed"});
    subscribe("room:tea");
    unsubscribe("room:tea");
    EXPECT_EQ(results, closed + closed + closed + closed + closed + closed);
    EXPECT_TRUE(*tell(2, {message(11)}));
    EXPECT_EQ(feeds.next_deadline(), session::kNever);
}

TEST_F(Subscribing, MoreCallsThanMayWaitAreRefused) {
    for (std::size_t i = 0; i < Feeds::kMostCalls; ++i) subscribe("room:" + std::to_string(i));
    subscribe("room:tea");
    unsubscribe("room:tea");
    EXPECT_EQ(results, code(errc::outbox_full) + code(errc::outbox_full));
    begun(1, 11, 10);
    unsubscribe("room:tea");
    EXPECT_EQ(requests.size(), Feeds::kMostCalls);
}

}  // namespace
}  // namespace flare::client
