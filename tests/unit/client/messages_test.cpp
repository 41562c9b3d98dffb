// Outcomes of messages, by receipts or by their entries in a subscription: each message has one.
#include "client/loop/messages.hpp"

#include "unit/client/connecting_world.hpp"
#include "unit/session/support.hpp"

#include <future>

namespace flare::client {
namespace {

class OutcomesOfMessages : public ::testing::Test, private Links::Owner {
protected:
    Uuid send(const std::string& to) {
        Message message("text", "hello");
        message.to = to;
        message.id = Uuid::v7();
        const Uuid id = message.id;
        messages.send(
            std::move(message), [this](const SendResult& result) { results.push_back(result); },
            std::chrono::system_clock::now(), errc::ok);
        return id;
    }
    void outcome(const Uuid& id, errc error, std::uint64_t offset = 0) {
        session::Outcome outcome;
        outcome.message_id = id;
        outcome.error = error;
        if (offset != 0) outcome.stored = {{7, offset}, 1'000};
        messages.on_outcome(outcome);
    }
    static StoredAt stored(std::uint64_t offset) {
        return {{7, offset}, std::chrono::system_clock::time_point(std::chrono::seconds(1))};
    }
    // Names of the events so far.
    std::string told() {
        std::promise<void> done;
        queue->push([]() -> std::optional<Event> { return std::nullopt; }, [&] { done.set_value(); });
        done.get_future().wait();
        return std::exchange(events, {});
    }

    bool counts_as_movement(session::CarrierKey) const override { return false; }
    void on_movement(session::CarrierKey) override {}
    void on_link_closed(Link&, const transport::CloseReason&) override {}
    void post_flush() override {}
    void after_turn() override {}

    std::string events;
    const std::shared_ptr<EventQueue> queue =
        std::make_shared<EventQueue>([this](const Event& event) { events += std::string(name(event)) + " "; });
    const Config config;
    session::test::Bench bench;
    test::ConnectingWorld world{test::websocket_only()};
    Links links{bench.client.session, *this};
    Figures figures{config, queue, bench.client.session, links, world.connectivity};
    FlightNotes notes{config, bench.client.session, links, world.connectivity, [](const Failure&) {}};
    std::string noted;
    Messages messages{config, bench.client.session, figures, notes,
                      [this](const std::string& to, const StoredAt& at, const Entry&) {
                          noted += to + " " + std::to_string(at.position.offset) + "; ";
                      }};
    std::vector<SendResult> results;
};

TEST_F(OutcomesOfMessages, AReceiptSaysWhereAMessageIs) {
    const Uuid id = send("room:tea");
    outcome(id, errc::ok, 12);
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(results[0].stored, stored(12));
    EXPECT_EQ(noted, "room:tea 12; ");
    EXPECT_EQ(told(), "MessageSent ");
}

TEST_F(OutcomesOfMessages, AnEntryIsTheReceiptThatIsStillToCome) {
    const Uuid id = send("room:tea");
    EXPECT_FALSE(messages.settle(id, "room:soup", stored(12))) << "an id may be used again in another conversation";
    EXPECT_TRUE(messages.settle(id, "room:tea", stored(12)));
    ASSERT_EQ(results.size(), 1u);
    EXPECT_TRUE(results[0].success);
    EXPECT_EQ(results[0].message_id, id);
    EXPECT_EQ(results[0].stored, stored(12));
    EXPECT_LT(results[0].latency, std::chrono::minutes(1));
    EXPECT_EQ(told(), "MessageSent ");
    EXPECT_FALSE(messages.settle(id, "room:tea", stored(12))) << "it waits no longer";
    outcome(id, errc::outcome_unknown);  // as the session sees it
    EXPECT_EQ(results.size(), 1u);
    EXPECT_EQ(told(), "");
    EXPECT_EQ(figures.stats().messages_sent, 1u);
    EXPECT_EQ(figures.stats().error_count, 0u);
}

TEST_F(OutcomesOfMessages, WhatHasAnOutcomeIsNotSettledAgain) {
    const Uuid id = send("room:tea");
    outcome(id, errc::outcome_unknown);
    EXPECT_FALSE(messages.settle(id, "room:tea", stored(12))) << "it is an own message of before";
    EXPECT_EQ(told(), "MessageFailed ");
}

TEST_F(OutcomesOfMessages, ClosingAnswersThoseThatWait) {
    const Uuid settled = send("room:tea");
    (void)send("room:tea");
    EXPECT_TRUE(messages.settle(settled, "room:tea", stored(12)));
    messages.close();
    ASSERT_EQ(results.size(), 2u);
    EXPECT_EQ(results[1].error, errc::client_closed);
}

}  // namespace
}  // namespace flare::client
