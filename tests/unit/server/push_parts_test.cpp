// What pushes wait in: state machines without a store or a session.
#include "server/conversations/push_batches.hpp"
#include "server/conversations/push_told.hpp"
#include "server/conversations/push_waiting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace flare::server::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr PushTimes kPushTimes{};  // 5 s, and a step of 1 s
const session::TimePoint kPushBegin{1000s};

model::ConversationKey push_room(std::string_view name) { return model::ConversationKey::room(name); }

// ---- messages at the home of their conversation ----

bool add_push(PushWaiting& waiting, std::string_view name, std::uint64_t offset, session::TimePoint now) {
    const auto key = push_room(name);
    return waiting.add({key, 7, offset}, now);
}
// "tea 1-3"
std::vector<std::string> due_steps(PushWaiting& waiting, session::TimePoint now, std::size_t most = 100) {
    std::vector<std::string> all;
    for (const PushWaiting::Step& each : waiting.take_due(now, most))
        all.push_back(std::string(each.key.name()) + " " + std::to_string(each.first) + "-" +
                      std::to_string(each.last));
    return all;
}

TEST(PushWaiting, LooksAfterFiveSeconds) {
    PushWaiting waiting(kPushTimes);
    EXPECT_EQ(waiting.next_deadline(), session::kNever);
    ASSERT_TRUE(add_push(waiting, "tea", 1, kPushBegin));
    EXPECT_EQ(waiting.next_deadline(), kPushBegin + 5s);
    EXPECT_THAT(due_steps(waiting, kPushBegin + 4999ms), IsEmpty());
    EXPECT_THAT(due_steps(waiting, kPushBegin + 5s), ElementsAre("tea 1-1"));
    EXPECT_EQ(waiting.size(), 0u);
}

TEST(PushWaiting, PutsMessagesOfOneSecondIntoOneStep) {
    PushWaiting waiting(kPushTimes);
    add_push(waiting, "tea", 1, kPushBegin);
    add_push(waiting, "tea", 2, kPushBegin + 999ms);
    add_push(waiting, "tea", 3, kPushBegin + 1s);
    add_push(waiting, "soup", 9, kPushBegin + 1s);
    EXPECT_EQ(waiting.size(), 3u);
    EXPECT_THAT(due_steps(waiting, kPushBegin + 5s), ElementsAre("tea 1-2"));
    add_push(waiting, "tea", 4, kPushBegin + 1500ms);
    EXPECT_THAT(due_steps(waiting, kPushBegin + 6s), ElementsAre("tea 3-4", "soup 9-9"));
}

TEST(PushWaiting, BeginsAnewWithAnotherLogOfTheSameName) {
    PushWaiting waiting(kPushTimes);
    add_push(waiting, "tea", 8, kPushBegin);
    const auto key = push_room("tea");
    waiting.add({key, 8, 1}, kPushBegin);
    EXPECT_THAT(due_steps(waiting, kPushBegin + 5s), ElementsAre("tea 8-8", "tea 1-1"));
}

TEST(PushWaiting, HasABound) {
    PushWaiting waiting(kPushTimes, 2);
    EXPECT_TRUE(add_push(waiting, "a", 1, kPushBegin));
    EXPECT_TRUE(add_push(waiting, "b", 1, kPushBegin));
    EXPECT_FALSE(add_push(waiting, "c", 1, kPushBegin));
    EXPECT_TRUE(add_push(waiting, "a", 2, kPushBegin)) << "it waits already";
    EXPECT_THAT(due_steps(waiting, kPushBegin + 5s, 1), ElementsAre("a 1-2"));
    EXPECT_TRUE(add_push(waiting, "c", 1, kPushBegin + 5s));
}

TEST(PushWaiting, OfALargeRoomTakesWhoIsMentioned) {
    PushWaiting waiting(kPushTimes);
    const auto key = push_room("tea");
    const std::vector<store::Row> mentions{3, 5};
    EXPECT_TRUE(waiting.add({key, 7, 1, true, {}}, kPushBegin));
    EXPECT_EQ(waiting.size(), 0u) << "nobody is";
    waiting.add({key, 7, 2, true, mentions}, kPushBegin);
    waiting.add({key, 7, 3, true, mentions}, kPushBegin);
    const auto steps = waiting.take_due(kPushBegin + 5s, 100);
    ASSERT_EQ(steps.size(), 2u) << "each is of its own message";
    EXPECT_TRUE(steps[0].large);
    EXPECT_EQ(steps[0].mentions, mentions);
    EXPECT_EQ(steps[0].last, 2u);
    EXPECT_EQ(steps[1].first, 3u);
}

// ---- users at their home ----

PushItem push_item(std::string_view name, std::uint64_t first, std::uint64_t last, store::Row conversation = 7) {
    return {push_room(name), conversation, first, last};
}
// "ann: tea 1-3, soup 2-2"
std::vector<std::string> taken_batches(PushBatches& batches, session::TimePoint now, std::size_t most = 100) {
    std::vector<std::string> all;
    for (const PushBatches::Batch& each : batches.take_due(now, most)) {
        std::string text;
        for (const PushItem& of : each.items)
            text += (text.empty() ? "" : ", ") + std::string(of.key.name()) + " " + std::to_string(of.first) + "-" +
                    std::to_string(of.last);
        all.push_back(each.user + ": " + text);
    }
    return all;
}

TEST(PushBatches, PutTogetherWhatComesWithinASecond) {
    PushBatches batches(kPushTimes);
    batches.add("ann", push_item("tea", 1, 2), kPushBegin);
    batches.add("bob", push_item("tea", 1, 2), kPushBegin);
    batches.add("ann", push_item("soup", 5, 5), kPushBegin + 500ms);
    batches.add("ann", push_item("tea", 3, 3), kPushBegin + 900ms);
    EXPECT_EQ(batches.items(), 3u);
    EXPECT_EQ(batches.next_deadline(), kPushBegin + 1s);
    EXPECT_THAT(taken_batches(batches, kPushBegin + 999ms), IsEmpty());
    EXPECT_THAT(taken_batches(batches, kPushBegin + 1s),
                ::testing::UnorderedElementsAre("ann: tea 1-3, soup 5-5", "bob: tea 1-2"));
}

TEST(PushBatches, TellAUserOnceInFiveSeconds) {
    PushBatches batches(kPushTimes);
    batches.add("ann", push_item("tea", 1, 1), kPushBegin);
    ASSERT_THAT(taken_batches(batches, kPushBegin + 1s), ElementsAre("ann: tea 1-1"));
    batches.add("ann", push_item("tea", 2, 2), kPushBegin + 1s);
    EXPECT_EQ(batches.next_deadline(), session::kNever) << "while the store is asked";
    batches.done("ann", true, kPushBegin + 1s);
    EXPECT_EQ(batches.next_deadline(), kPushBegin + 6s);
    batches.add("ann", push_item("soup", 9, 9), kPushBegin + 5s);
    EXPECT_THAT(taken_batches(batches, kPushBegin + 6s), ElementsAre("ann: tea 2-2, soup 9-9"));
    batches.done("ann", false, kPushBegin + 6s);
    batches.add("ann", push_item("tea", 3, 3), kPushBegin + 7s);
    EXPECT_THAT(taken_batches(batches, kPushBegin + 8s), ElementsAre("ann: tea 3-3")) << "nothing was told";
}

TEST(PushBatches, LeaveOutWhatIsReadMeanwhile) {
    PushBatches batches(kPushTimes);
    batches.add("ann", push_item("tea", 1, 3), kPushBegin);
    batches.add("ann", push_item("soup", 5, 5), kPushBegin);
    batches.read("ann", push_room("tea"), 2);
    batches.read("bob", push_room("tea"), 3);
    batches.read("ann", push_room("soup"), 5);
    EXPECT_EQ(batches.items(), 1u);
    ASSERT_THAT(taken_batches(batches, kPushBegin + 1s), ElementsAre("ann: tea 1-3"));
    EXPECT_FALSE(batches.is_read("ann", push_item("tea", 1, 3)));
    batches.read("ann", push_room("tea"), 3);
    EXPECT_TRUE(batches.is_read("ann", push_item("tea", 1, 3))) << "while the store was asked";
}

TEST(PushBatches, AskAgainWhatCouldNotBeAsked) {
    PushBatches batches(kPushTimes);
    batches.add("ann", push_item("tea", 1, 1), kPushBegin);
    batches.add("ann", push_item("soup", 1, 1), kPushBegin);
    ASSERT_EQ(taken_batches(batches, kPushBegin + 1s).size(), 1u);
    batches.add("ann", push_item("tea", 2, 2), kPushBegin + 1s);
    batches.read("ann", push_room("soup"), 1);
    batches.try_again("ann", kPushBegin + 1s);
    EXPECT_EQ(batches.items(), 1u);
    EXPECT_THAT(taken_batches(batches, kPushBegin + 2s), ElementsAre("ann: tea 1-2"));
}

TEST(PushBatches, HaveABoundAndForgetWhoIsDone) {
    PushBatches batches(kPushTimes, 3);
    EXPECT_TRUE(batches.add("ann", push_item("a", 1, 1), kPushBegin));
    EXPECT_TRUE(batches.add("ann", push_item("b", 1, 1), kPushBegin));
    EXPECT_TRUE(batches.add("bob", push_item("a", 1, 1), kPushBegin));
    EXPECT_FALSE(batches.add("bob", push_item("b", 1, 1), kPushBegin));
    EXPECT_FALSE(batches.add("eve", push_item("a", 1, 1), kPushBegin));
    EXPECT_TRUE(batches.add("bob", push_item("a", 2, 2), kPushBegin)) << "it waits already";
    EXPECT_EQ(taken_batches(batches, kPushBegin + 1s, 1).size(), 1u);
    EXPECT_EQ(taken_batches(batches, kPushBegin + 1s).size(), 1u);
    batches.done("ann", true, kPushBegin + 1s);
    batches.done("bob", false, kPushBegin + 1s);
    EXPECT_EQ(batches.items(), 0u);
    EXPECT_THAT(taken_batches(batches, kPushBegin + 1s), IsEmpty());
    EXPECT_EQ(batches.users(), 1u) << "when ann was told";
    EXPECT_THAT(taken_batches(batches, kPushBegin + 6s), IsEmpty());
    EXPECT_EQ(batches.users(), 0u);
    EXPECT_EQ(batches.next_deadline(), session::kNever);
}

TEST(PushBatches, HoldSoManyConversationsOfAUser) {
    PushBatches batches(kPushTimes);
    for (std::size_t i = 0; i < PushBatches::kMostOfUser; ++i)
        EXPECT_TRUE(batches.add("ann", push_item(std::to_string(i), 1, 1), kPushBegin));
    EXPECT_FALSE(batches.add("ann", push_item("one more", 1, 1), kPushBegin));
    EXPECT_TRUE(batches.add("bob", push_item("one more", 1, 1), kPushBegin));
}

// ---- what was told ----

TEST(PushTold, IsClearedByReadingAllOfIt) {
    PushTold told;
    EXPECT_FALSE(told.read("ann", push_room("tea"), 100)) << "nothing was told";
    EXPECT_TRUE(told.tell("ann", push_room("tea"), 7, 3));
    EXPECT_FALSE(told.read("ann", push_room("tea"), 2));
    EXPECT_FALSE(told.read("bob", push_room("tea"), 3));
    EXPECT_FALSE(told.read("ann", push_room("soup"), 3));
    EXPECT_TRUE(told.read("ann", push_room("tea"), 3));
    EXPECT_FALSE(told.read("ann", push_room("tea"), 4)) << "once";
    EXPECT_TRUE(told.empty());
}

TEST(PushTold, KnowsHowFarItWent) {
    PushTold told;
    told.tell("ann", push_room("tea"), 7, 3);
    EXPECT_TRUE(told.has("ann", push_room("tea"), 7, 3));
    EXPECT_FALSE(told.has("ann", push_room("tea"), 7, 4));
    EXPECT_FALSE(told.has("ann", push_room("tea"), 8, 1)) << "another log of the same name";
    told.tell("ann", push_room("tea"), 7, 5);
    EXPECT_EQ(told.size(), 1u);
    EXPECT_TRUE(told.has("ann", push_room("tea"), 7, 5));
    told.tell("ann", push_room("tea"), 8, 1);
    EXPECT_FALSE(told.has("ann", push_room("tea"), 7, 5));
    EXPECT_TRUE(told.has("ann", push_room("tea"), 8, 1));
}

TEST(PushTold, ForgetsWhatWasToldFirst) {
    PushTold told(2);
    EXPECT_TRUE(told.tell("ann", push_room("a"), 7, 1));
    EXPECT_TRUE(told.tell("ann", push_room("b"), 7, 1));
    EXPECT_TRUE(told.tell("ann", push_room("a"), 7, 2)) << "it is the newest again";
    EXPECT_FALSE(told.tell("ann", push_room("c"), 7, 1));
    EXPECT_FALSE(told.has("ann", push_room("b"), 7, 1));
    EXPECT_TRUE(told.has("ann", push_room("a"), 7, 2));
    EXPECT_EQ(told.size(), 2u);
}

}  // namespace
}  // namespace flare::server::test
