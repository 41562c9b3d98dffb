// What the flight record is told of subscriptions, and the story that comes of it.
#include "client/loop/feed_notes.hpp"
#include "client/config.hpp"
#include "client/im/feeds.hpp"
#include "flight/story.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <deque>

namespace flare::client {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// Subscriptions whose server is this test, and whose record is a real one.
class RecordedFeeds : public ::testing::Test, protected Feeds::Owner {
protected:
    void ask(const Call&, AnswerDone done) override { asked.push_back(std::move(done)); }
    bool in_session() const override { return session; }
    session::TimePoint now() const override { return session::TimePoint(1h); }
    bool has_seen(std::string_view, const Uuid&) const override { return false; }
    bool settle(const Uuid&, std::string_view, const StoredAt&) override { return false; }
    void count_message() override {}
    void tell(Event) override {}
    void tell_later(std::function<std::optional<Event>()>) override {}

    void answer(Answer with) {
        ASSERT_FALSE(asked.empty());
        auto done = std::move(asked.front());
        asked.pop_front();
        done(std::move(with));
    }
    // The feed begins at `next`; the newest entry is `last`.
    void begins(std::uint32_t number, std::uint64_t next, std::uint64_t last,
                std::optional<wire::im::FeedReset> reset = {}) {
        wire::im::Subscribed body;
        body.feed = number;
        body.head = wire::im::Head{7, 1, last, last};
        body.visible_from = 1;
        body.next = next;
        body.reset = reset;
        Answer with;
        with.bodies.emplace_back(wire::im::encode(body));
        answer(std::move(with));
    }
    void refuses(errc code) { answer({code, std::string(explain(code))}); }
    void subscribe(const std::string& name, const SubscribeOptions& options = {}) {
        feeds.subscribe(name, options, [](const Checked<Subscription>&) {});
    }
    void entries(std::uint32_t number, std::uint64_t first, std::uint64_t last, std::uint64_t removed = 0) {
        wire::im::Feed frame;
        frame.removed = removed;
        for (std::uint64_t offset = first; offset <= last; ++offset) {
            wire::im::Entry entry;
            entry.offset = offset;
            entry.kind = model::EntryKind::message;
            entry.id = Uuid::v7();
            entry.from = "bob";
            entry.type = "secret type";
            entry.payload = "secret payload";
            frame.entries.push_back(entry);
        }
        feeds.on_feed(number, frame, {}, 0, nullptr);
    }
    void next_session() {
        session = false;
        for (AnswerDone& done : std::exchange(asked, {})) done({errc::connection_lost, "lost"});
        session = true;
        feeds.begin_session();
    }
    std::string story(const std::string& conversation = {}) const {
        std::string all;
        for (const auto& each : flight::tell(recorder.text(), conversation).sentences) all += each.text + "\n";
        return all;
    }
    std::size_t lines() const {
        const std::string text = recorder.text();
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) - 1;  // without the head
    }

    bool session = true;
    std::deque<AnswerDone> asked;
    Config config;
    Recorder recorder{config, [](const Failure&) {}};
    FeedNotes notes{recorder};
    Feeds feeds{"ann", *this, nullptr, &notes};
};

TEST_F(RecordedFeeds, SayFromWhereAConversationWasDelivered) {
    subscribe("room:tea");
    begins(3, 11, 10);
    entries(3, 11, 15);
    next_session();
    begins(1, 16, 20);
    entries(1, 16, 20);
    feeds.note_places();
    EXPECT_EQ(story(),
              "Subscribed to room:tea without a position: entries after 10, the newest, are delivered.\n"
              "The subscription to room:tea continues after entry 15, and catches up with entries 16 to 20.\n"
              "Entries of room:tea had been delivered up to 20.\n");
    const flight::Story told = flight::tell(recorder.text());
    ASSERT_EQ(told.conversations.size(), 1u);
    EXPECT_EQ(told.conversations[0].name, "room:tea");
    EXPECT_EQ(told.conversations[0].delivered, 10u);
    EXPECT_EQ(told.conversations[0].last, 20u);
    EXPECT_TRUE(told.problems.empty()) << told.problems[0];
}

TEST_F(RecordedFeeds, SayWhyEntriesAreMissing) {
    subscribe("room:tea", SubscribeOptions().with_after({7, 2}));
    wire::im::FeedReset far{wire::im::FeedResetReason::too_far_behind, 1, 2000, 1951, 7};
    begins(3, 1951, 2000, far);
    EXPECT_THAT(story(), HasSubstr("the application asked for entries after 2, and gets those after 1950; the newest "
                                   "was 2000."));
    EXPECT_THAT(story(), HasSubstr("room:tea: entries 3 to 1950 are not delivered, because more was missed than a "
                                   "subscription sends without with_complete(); history() has them. [too_far_behind]"));
    entries(3, 1953, 1953);
    EXPECT_THAT(story(), HasSubstr("room:tea: entries 1951 to 1952 are not delivered, because the server did not"));
    entries(3, 1954, 1954, 1955);
    EXPECT_THAT(story(), HasSubstr("The subscription to room:tea ended after entry 1954: the user is no longer a "
                                   "member of room:tea (unknown_conversation).\n"));
    const flight::Story told = flight::tell(recorder.text());
    ASSERT_EQ(told.conversations[0].gaps.size(), 2u);
    EXPECT_EQ(told.conversations[0].gaps[0].first, 3u);
    EXPECT_EQ(told.conversations[0].gaps[0].last, 1950u);
    EXPECT_EQ(told.conversations[0].gaps[1].reason, "skipped");
    EXPECT_EQ(told.conversations[0].ended, "unknown_conversation");
    EXPECT_EQ(told.conversations[0].delivered, 2u);
}

TEST_F(RecordedFeeds, SayWhyEntriesAreDeliveredAgain) {
    subscribe("room:tea", SubscribeOptions().with_after({7, 10}));
    begins(3, 11, 10);
    entries(3, 11, 19);
    subscribe("room:tea", SubscribeOptions().with_after({7, 15}));
    begins(4, 16, 19);
    EXPECT_THAT(story(), HasSubstr("the application asked for entries after 15; the newest was 19. It had been given "
                                   "those up to 19, and gets entries 16 to 19 again.\n"));
}

TEST_F(RecordedFeeds, SayThatTheServerPutThemOffAndThatMemoryWasMissing) {
    subscribe("room:tea");
    begins(3, 11, 10);
    feeds.on_feed_refused(3);
    EXPECT_THAT(story(), HasSubstr("There was no memory for entries of room:tea that arrived: the client asks for "
                                   "them again, after entry 10."));
    next_session();
    refuses(errc::busy);
    EXPECT_THAT(story(), HasSubstr("The server did not renew the subscription to room:tea (busy): the client asks "
                                   "again in "));
    feeds.unsubscribe("room:tea", [](const Checked<>&) {});
    Answer ended;
    ended.bodies.emplace_back(wire::im::encode(wire::im::Unsubscribed{}));
    answer(std::move(ended));
    EXPECT_THAT(story(), HasSubstr("The application unsubscribed from room:tea: entries up to 10 had been delivered."));
}

TEST_F(RecordedFeeds, AreOneSentenceWhereManySayTheSame) {
    for (std::uint32_t i = 1; i <= 6; ++i) {
        subscribe("room:" + std::to_string(i));
        begins(i, 11, 10);
    }
    next_session();
    for (std::uint32_t i = 1; i <= 6; ++i) begins(i, 11, 10);
    EXPECT_EQ(story(),
              "Subscribed to 6 conversations: room:1, room:2, room:3, room:4 and 2 more.\n"
              "6 subscriptions continue: room:1, room:2, room:3, room:4 and 2 more.\n");
    EXPECT_EQ(story("room:5"),
              "Subscribed to room:5 without a position: entries after 10, the newest, are delivered.\n"
              "The subscription to room:5 continues after entry 10.\n")
        << "of one conversation all is told";
}

TEST_F(RecordedFeeds, GrowWithNeitherEntriesNorQuietSessions) {
    subscribe("room:tea");
    begins(3, 11, 10);
    const std::size_t before = lines();
    entries(3, 11, 500);
    EXPECT_EQ(lines(), before);
    for (std::uint32_t i = 0; i < 100; ++i) {
        next_session();
        begins(3, 501, 500);
    }
    EXPECT_EQ(lines(), before + 7) << "the 1st, 2nd, 4th ... time";
    EXPECT_THAT(recorder.text(), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace flare::client
