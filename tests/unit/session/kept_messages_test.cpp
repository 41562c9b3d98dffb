// Messages of a client that keeps its outbox: those of an earlier process, and those that outlive a client that gives
// up.
#include "unit/session/support.hpp"

#include <gtest/gtest.h>

namespace flare::session::test {
namespace {

class KeptMessages : public testing::Test {
protected:
    static ClientSettings keeping() {
        ClientSettings settings = Bench::client_settings();
        settings.keeps_posted = true;
        return settings;
    }
    bool restore(std::uint8_t number, const char* text, std::uint64_t ago) {
        return bench.client.session.send(message_of(number, text), Priority::normal, bench.now(), Sending::again(ago))
            .has_value();
    }

    Bench bench{{}, keeping()};
};

TEST_F(KeptMessages, OfAnEarlierProcessGoBeforeNewOnesAndSaySinceWhen) {
    ASSERT_TRUE(restore(1, "sent before", 90'000));
    ASSERT_TRUE(restore(2, "never sent", 0));
    EXPECT_FALSE(restore(2, "twice", 0));
    EXPECT_EQ(bench.client.session.queue_length(), 2u);
    ASSERT_TRUE(bench.send(3, "new"));
    bench.connect(1);
    bench.exchange();
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"sent before", "never sent", "new"}));
    EXPECT_EQ(bench.server.ages, (std::vector<std::uint64_t>{90'000, 0, 0}));
}

TEST_F(KeptMessages, AreToldWhenTheyAreSentFirst) {
    ASSERT_TRUE(restore(1, "sent before", 90'000));
    ASSERT_TRUE(bench.send(2, "new"));
    EXPECT_TRUE(bench.client.first_sent.empty());
    bench.connect(1);
    bench.exchange();
    EXPECT_EQ(bench.client.first_sent, std::vector<Uuid>{id_of(2)});
}

TEST_F(KeptMessages, WaitForTheNextConnectWhenTheClientGivesUp) {
    ASSERT_TRUE(bench.send(1, "posted"));
    ASSERT_TRUE(bench.client.session.send(message_of(2, "awaited"), Priority::normal, bench.now(), true));
    bench.client.session.fail_all(errc::not_connected, "over", bench.now());
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].message_id, id_of(2));
    EXPECT_EQ(bench.client.outcomes[0].error, errc::not_connected);
    bench.client.session.check_invariants();
    bench.connect(1);
    bench.exchange();
    EXPECT_EQ(bench.server.texts, std::vector<std::string>{"posted"});
}

// Some have a number, some have none, and the session may be resumed.
TEST_F(KeptMessages, KeepTheirPlaceInASessionThatIsStillThere) {
    bench.connect(1);
    bench.exchange();
    ASSERT_TRUE(bench.send(1, "numbered"));
    (void)bench.from_client(1);  // it is lost
    ASSERT_TRUE(bench.send(2, "queued"));
    ASSERT_TRUE(bench.client.session.send(message_of(3, "awaited"), Priority::normal, bench.now(), true));
    ASSERT_TRUE(bench.send(4, "queued, too"));
    bench.cut(1);
    bench.client.session.fail_all(errc::not_connected, "over", bench.now());
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].message_id, id_of(3));
    bench.client.session.check_invariants();
    bench.connect(2);
    bench.exchange();
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"numbered", "queued", "queued, too"}));
    EXPECT_EQ(bench.client.session.queue_length(), 0u);
}

}  // namespace
}  // namespace flare::session::test
