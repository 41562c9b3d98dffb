#include "client/im/bodies.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace flare::client {
namespace {

namespace im = wire::im;
using Body = im::ConversationSet;
using namespace std::chrono_literals;

Body set_body(const SettingsChange& change) {
    const auto call = set_call("bob", change);
    EXPECT_TRUE(call) << call.error().text;
    EXPECT_EQ(call->verb, wire::Verb::conversation_set);
    EXPECT_EQ(call->conversation, "bob");
    auto body = im::decode<Body>(call->body);
    EXPECT_TRUE(body && body->conversation == "bob");
    body->conversation = {};
    return *body;
}

TEST(SettingBodies, SayWhatIsSetAndNothingElse) {
    EXPECT_EQ(set_body({}).changes, 0u);
    const Body notify = set_body({.notify = NotifyLevel::none});
    EXPECT_EQ(notify.changes, Body::kNotify);
    EXPECT_EQ(notify.notify, model::Notify::none);
    const Body muted = set_body({.muted_until = std::chrono::sys_seconds(5s)});
    EXPECT_EQ(muted.changes, Body::kMutedUntil);
    EXPECT_EQ(muted.muted_until_ms, 5'000u);
    EXPECT_EQ(set_body({.muted_until = Conversations::kForever}).muted_until_ms, UINT64_MAX);
    EXPECT_EQ(set_body({.muted_until = std::chrono::sys_seconds(-5s)}).muted_until_ms, 0u);
    const Body rest = set_body({.pinned = 0, .hidden = true});
    EXPECT_EQ(rest.changes, Body::kPinned | Body::kHidden);
    EXPECT_TRUE(rest.hidden);
    EXPECT_FALSE(set_call("", {}));
}

TEST(SettingBodies, SayUpToWhereIsCleared) {
    const auto call = clear_call("room:tea", {7, 12});
    ASSERT_TRUE(call);
    EXPECT_EQ(call->verb, wire::Verb::conversation_clear);
    const auto body = im::decode<im::ConversationClear>(call->body);
    ASSERT_TRUE(body);
    EXPECT_EQ(body->conversation, "room:tea");
    EXPECT_EQ(body->epoch, 7u);
    EXPECT_EQ(body->offset, 12u);
}

TEST(SettingBodies, ReadWhatHolds) {
    Answer answer;
    answer.bodies.emplace_back(im::encode(im::Settings{model::Notify::mentions, 5'000, 2, 43, 12}));
    const auto said = read_settings(answer);
    ASSERT_TRUE(said);
    const ConversationSettings settings = settings_of(*said, true);
    EXPECT_EQ(settings, (ConversationSettings{NotifyLevel::mentions, std::chrono::sys_seconds(5s), 2, true, 12}));
    EXPECT_EQ(settings_of({}, false), ConversationSettings());
    im::Settings for_ever;
    for_ever.muted_until_ms = UINT64_MAX;
    EXPECT_EQ(settings_of(for_ever, false).muted_until, Conversations::kForever);
}

}  // namespace
}  // namespace flare::client
