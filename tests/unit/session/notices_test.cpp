// Hints to a client: they are written behind what is queued, lost with their carrier, and left out when there is no
// room for them.
#include "support.hpp"

#include "wire/signals.hpp"

namespace flare::session::test {
namespace {

using Texts = std::vector<std::string>;

wire::Body typing_of(std::string_view user) {
    wire::im::Notice notice;
    notice.typing.push_back({"room:tea", user, true});
    return wire::im::notice_body(notice);
}
// Who types, by the notices of a batch; other frames by what they are.
Texts frames_in(const std::string& batch) {
    Texts all;
    for (const wire::FrameView& frame : frames_of(batch)) {
        if (frame.kind == wire::FrameKind::data) all.emplace_back("data");
        if (frame.kind != wire::FrameKind::notice) continue;
        EXPECT_EQ(frame.seq, 0u) << "a hint has no number";
        all.emplace_back(wire::im::decode<wire::im::Notice>(frame.body)->typing.at(0).user);
    }
    return all;
}

class NoticesToAClient : public ::testing::Test {
protected:
    static ClientSettings settings(bool conversations) {
        ClientSettings made = Bench::client_settings();
        made.conversations = conversations;
        return made;
    }
    explicit NoticesToAClient(bool conversations = true) : bench({}, settings(conversations)) {
        bench.server.table.offer(nullptr, true);
        bench.connect(1);
    }
    bool notice(std::string_view user) { return bench.server.table.send_notice(bench.session(), typing_of(user)); }

    Bench bench;
};

TEST_F(NoticesToAClient, AreWrittenBehindWhatIsQueued) {
    ASSERT_TRUE(notice("bob"));
    ASSERT_TRUE(bench.push(1, "hello"));
    EXPECT_EQ(frames_in(bench.from_server(1)), (Texts{"data", "bob"}));
    EXPECT_TRUE(frames_in(bench.from_server(1)).empty()) << "once";
}

TEST_F(NoticesToAClient, WaitWhileSomethingIsQueuedThatCannotBeWritten) {
    ASSERT_TRUE(bench.push(1, std::string(4000, 'x')));
    ASSERT_TRUE(bench.push(2, std::string(4000, 'x')));
    ASSERT_TRUE(notice("bob"));
    EXPECT_EQ(frames_in(bench.from_server(1, 100)), Texts{"data"});
    EXPECT_EQ(frames_in(bench.from_server(1)), (Texts{"data", "bob"}));
}

TEST_F(NoticesToAClient, AreNotTakenWithoutACarrierAndGoWithTheLastOne) {
    ASSERT_TRUE(notice("bob"));
    bench.cut(1);
    EXPECT_FALSE(notice("eve"));
    bench.connect(2);
    ASSERT_TRUE(notice("ann"));
    EXPECT_EQ(frames_in(bench.from_server(2)), Texts{"ann"});
}

TEST_F(NoticesToAClient, AreLeftOutWhenTheyAreNotWritten) {
    for (std::size_t i = 0; i < Notices::kMost; ++i) EXPECT_TRUE(notice("bob"));
    EXPECT_FALSE(notice("eve"));
    EXPECT_EQ(frames_in(bench.from_server(1)).size(), Notices::kMost);
    EXPECT_TRUE(notice("eve"));
}

TEST_F(NoticesToAClient, AreLeftOutWhenTheClientIsBehind) {
    for (std::uint32_t i = 0; i <= RequestFlow::kMostBehind; ++i) ASSERT_TRUE(bench.push(1, "hello"));
    EXPECT_FALSE(notice("bob"));
    bench.exchange();
    EXPECT_TRUE(notice("bob"));
}

TEST_F(NoticesToAClient, AreNotForASessionThatEnds) {
    bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
    EXPECT_FALSE(notice("bob"));
}

class NoticesToAnOlderClient : public NoticesToAClient {
protected:
    NoticesToAnOlderClient() : NoticesToAClient(false) {}
};

TEST_F(NoticesToAnOlderClient, AreNotTaken) { EXPECT_FALSE(notice("bob")); }

TEST(Notices, ManyBytesWaitForNobody) {
    Notices notices;
    const std::string name(256, 'x');
    wire::im::Notice large;
    for (int i = 0; i < 100; ++i) large.typing.push_back({name, name, true});
    const wire::Body body = wire::im::notice_body(large);
    ASSERT_GT(body.bytes.size(), Notices::kMostBytes);
    EXPECT_TRUE(notices.add(body)) << "one is taken whatever its size";
    EXPECT_FALSE(notices.add(typing_of("bob")));
    notices.clear();
    EXPECT_TRUE(notices.add(typing_of("bob")));
    EXPECT_FALSE(notices.add(body));
}

}  // namespace
}  // namespace flare::session::test
