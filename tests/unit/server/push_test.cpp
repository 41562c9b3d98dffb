// Pushes on shards: who is told of what, when, and what reading clears.
#include "unit/server/list_bench.hpp"

#include <gmock/gmock.h>

namespace flare::server::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "bob on phone: ann 'hello' in ann at 1; 1 in 1"
struct WrittenPushes final : PushHandler {
    void on_push_requested(const PushRequest& request) override {
        std::string text = request.user + " on" + names(request.devices) + ":";
        for (const PushedMessage& each : request.messages) {
            text += " " + each.from + " '" + each.preview.str() + "' in " + each.conversation + " at " +
                    std::to_string(each.position.offset) + ";";
            EXPECT_EQ(each.collapse_key.size(), 16u);
            EXPECT_TRUE(each.whole);
        }
        told.push_back(text + badge(request.badge));
        last = request;
    }
    void on_push_cleared(const PushCleared& cleared) override {
        told.push_back(cleared.user + " on" + names(cleared.devices) + " has read " + cleared.conversation + " to " +
                       std::to_string(cleared.upto.offset) + ";" + badge(cleared.badge));
    }
    static std::string names(const std::vector<PushDevice>& devices) {
        std::string text;
        for (const PushDevice& each : devices) text += " " + each.device;
        return text;
    }
    static std::string badge(const PushBadge& of) {
        return " " + std::to_string(of.messages) + " in " + std::to_string(of.conversations) + (of.more ? "+" : "");
    }
    std::vector<std::string> told;
    PushRequest last;
};

class PushOnShards : public ListsOnShards {
protected:
    void start_with_push(std::uint32_t workers = 1) {
        Config config = plain_config(workers);
        config.conversations.push.handler = pushes;
        bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    }
    static std::string registering(session::Seq seq, std::uint8_t id, std::string_view token,
                                   std::string_view service = "fcm") {
        return request(seq, id, Verb::push_register, wire::im::PushDevice{service, token, "chat"});
    }
    // Was here, takes pushes, and has gone.
    void gone(const std::string& user, std::uint8_t attempt) {
        const auto line = session_of(user, attempt);
        bench->bring(line, registering(1, 1, "token of " + user));
        EXPECT_EQ(code(*line, 1), errc::ok);
        end(user, line);
    }
    // What has been said is told, if it is at all.
    void wait() {
        bench->pass(5s);
        bench->pass(1s);
    }
    const std::vector<std::string>& told() const { return pushes->told; }
    PushStats figures() {
        ServerStats all;
        for (const auto& loop : bench->loops) add(all, loop->shard.stats());
        return all.push;
    }

    std::shared_ptr<WrittenPushes> pushes = std::make_shared<WrittenPushes>();
};

TEST_F(PushOnShards, AMessageIsToldWhenItsReaderIsNotHereForFiveSeconds) {
    for (const std::uint32_t workers : {1u, 2u, 3u}) {
        BenchStore fresh;
        Config config = plain_config(workers);
        config.conversations.push.handler = pushes;
        bench = std::make_unique<ShardBench>(std::move(config), nullptr, &fresh);
        pushes->told.clear();
        gone("bob", 1);
        const auto ann = session_of("ann", 2);
        bench->bring(ann, data(1, 1, "hello", "bob"));
        bench->pass(4999ms);
        bench->pass(1ms);
        bench->pass(999ms);
        EXPECT_THAT(told(), IsEmpty());
        bench->pass(1ms);
        EXPECT_THAT(told(), ElementsAre("bob on phone: ann 'hello' in ann at 1; 1 in 1"));
        EXPECT_EQ(pushes->last.devices.at(0), (PushDevice{"phone", "fcm", "token of bob", "chat"}));
        EXPECT_EQ(pushes->last.messages.at(0).id, message_id(1));
        EXPECT_EQ(figures().requested, 1u);
        bench->pass(60s);
        EXPECT_EQ(told().size(), 1u) << "once";
        bench.reset();
    }
}

TEST_F(PushOnShards, WhoHasALiveSessionIsNotTold) {
    start_with_push(2);
    const auto bob = session_of("bob", 1);
    bench->bring(bob, registering(1, 1, "t"));
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "hello", "bob"));
    wait();
    EXPECT_THAT(told(), IsEmpty());
    cut(bob);
    bench->bring(ann, data(2, 2, "again", "bob"));
    wait();
    EXPECT_THAT(told(), ElementsAre("bob on phone: ann 'again' in ann at 2; 2 in 1")) << "a session without a carrier";
}

TEST_F(PushOnShards, WhoComesBackMeanwhileIsNotTold) {
    start_with_push();
    gone("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "hello", "bob"));
    bench->pass(4s);
    const auto back = session_of("bob", 3);
    bench->pass(1s);
    bench->pass(1s);
    end("bob", back);
    bench->bring(ann, data(2, 2, "again", "bob"));
    bench->pass(5s);
    (void)session_of("bob", 4);
    bench->pass(10s);
    EXPECT_THAT(told(), IsEmpty());
    EXPECT_EQ(figures().dropped, 0u);
}

TEST_F(PushOnShards, WhoHasReadMeanwhileIsNotTold) {
    start_with_push();
    gone("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "hello", "bob"));
    bench->pass(2s);
    const auto back = session_of("bob", 3);
    bench->bring(back, mark(1, 1, "ann", epoch_of(between("ann", "bob")), 1));
    end("bob", back);
    bench->pass(3s);
    bench->pass(10s);
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(PushOnShards, WhatIsReadWhileTheStoreIsAskedIsNotTold) {
    start_with_push();
    gone("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "hello", "bob"));
    bench->pass(5s);
    store.by_hand = true;
    bench->pass(1s);
    ASSERT_EQ(store.work.size(), 1u);
    bench->run_store();  // and its answer is on its way
    bench->shard().conversations()->push.read("bob", between("ann", "bob"), {epoch_of(between("ann", "bob")), 1});
    store.by_hand = false;
    bench->settle();
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(PushOnShards, WhatComesTogetherIsToldTogether) {
    start_with_push(3);
    gone("bob", 1);
    const auto ann = session_of("ann", 2);
    const auto eve = session_of("eve", 3);
    make_room(ann, 1, 1, {"bob", "eve"});
    bench->bring(ann, data(2, 2, "one", "room:tea"));
    bench->bring(ann, data(3, 3, "two", "room:tea"));
    bench->bring(eve, data(1, 1, "psst", "bob"));
    wait();
    ASSERT_EQ(told().size(), 1u);
    EXPECT_THAT(pushes->last.messages, ::testing::SizeIs(2));
    EXPECT_THAT(told().front(), ::testing::HasSubstr(" ann 'two' in room:tea at 3;"));
    EXPECT_THAT(told().front(), ::testing::HasSubstr(" eve 'psst' in eve at 1;"));
    EXPECT_THAT(told().front(), ::testing::EndsWith("; 3 in 2"));
    EXPECT_NE(pushes->last.messages[0].collapse_key, pushes->last.messages[1].collapse_key);
    bench->bring(ann, data(4, 4, "three", "room:tea"));
    wait();
    ASSERT_EQ(told().size(), 2u);
    EXPECT_THAT(told().back(), ::testing::HasSubstr("ann 'three' in room:tea at 4; 4 in 2"));
}

TEST_F(PushOnShards, NobodyIsToldOfWhatWasOwnOrDeleted) {
    start_with_push();
    gone("eve", 9);
    const auto ann = session_of("ann", 1);
    const auto bob = session_of("bob", 2);
    bench->bring(bob, registering(1, 1, "t"));
    make_room(ann, 1, 1, {"bob", "eve"});
    bench->bring(ann, data(2, 2, "of ann", "room:tea"));
    bench->bring(bob, data(2, 2, "of bob", "room:tea"));
    bench->bring(ann, data(3, 3, "deleted", "room:tea"));
    bench->bring(ann, request(4, 4, Verb::message_delete,
                              wire::im::MessageDelete{"room:tea", epoch_of(model::ConversationKey::room("tea")), 4}));
    end("bob", bob);
    wait();
    EXPECT_THAT(told(), ::testing::UnorderedElementsAre("bob on phone: ann 'of ann' in room:tea at 2; 1 in 1",
                                                        "eve on phone: bob 'of bob' in room:tea at 3; 2 in 1"));
}

TEST_F(PushOnShards, ReadingClearsWhatWasToldOnce) {
    start_with_push(2);
    gone("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "one", "bob"));
    bench->bring(ann, data(2, 2, "two", "bob"));
    wait();
    ASSERT_EQ(told().size(), 1u);
    const auto back = session_of("bob", 3, "desk");
    const std::uint64_t epoch = epoch_of(between("ann", "bob"));
    bench->bring(back, mark(1, 1, "ann", epoch, 1));
    bench->pass(1s);
    EXPECT_EQ(told().size(), 1u) << "not all of it";
    bench->bring(back, mark(2, 2, "ann", epoch, 2));
    bench->pass(1s);
    ASSERT_EQ(told().size(), 2u);
    EXPECT_EQ(told().back(), "bob on phone has read ann to 2; 0 in 0");
    bench->bring(back, mark(3, 3, "ann", epoch, 2));
    bench->bring(ann, data(3, 3, "three", "bob"));
    bench->bring(back, mark(4, 4, "ann", epoch, 3));
    bench->pass(10s);
    EXPECT_EQ(told().size(), 2u) << "nothing was told of that";
    EXPECT_EQ(figures().requested, 1u);
    EXPECT_EQ(figures().cleared, 1u);
}

TEST_F(PushOnShards, WithoutADeviceNobodyIsTold) {
    start_with_push();
    const auto bob = session_of("bob", 1);
    bench->bring(bob, registering(1, 1, "t"));
    bench->bring(bob, request(2, 2, Verb::push_unregister, wire::im::PushUnregister{}));
    EXPECT_EQ(code(*bob, 2), errc::ok);
    end("bob", bob);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "hello", "bob"));
    wait();
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(PushOnShards, InALargeRoomNobodyIsToldWhoIsNotMentioned) {
    Config config = plain_config();
    config.conversations.push.handler = pushes;
    config.conversations.limits.live_members = 2;
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    gone("bob", 1);
    gone("eve", 2);
    const auto ann = session_of("ann", 3);
    make_room(ann, 1, 1, {"bob", "eve"});
    bench->bring(ann, data(2, 2, "hello", "room:tea"));
    wait();
    EXPECT_THAT(told(), IsEmpty());
    bench->bring(ann, data_about(3, 3, "room:tea", {.flags = model::kMentionAll}));
    wait();
    EXPECT_THAT(told(), IsEmpty()) << "who names all does not wake everybody";
    bench->bring(ann, data_about(4, 4, "room:tea", {.flags = model::kSilent, .mentions = {"bob"}}));
    wait();
    EXPECT_THAT(told(), IsEmpty());
    bench->bring(ann, data_about(5, 5, "room:tea", {.mentions = {"bob", "nobody"}}));
    wait();
    EXPECT_THAT(told(), ElementsAre("bob on phone: ann 'x' in room:tea at 5; 3 in 1"));
    EXPECT_EQ(figures().dropped, 0u);
}

TEST_F(PushOnShards, WithoutAHandlerNothingIsComputed) {
    start();
    gone("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "hello", "bob"));
    EXPECT_EQ(bench->shard().conversations()->push.next_deadline(), session::kNever);
    wait();
    EXPECT_EQ(figures().requested, 0u);
}

TEST_F(PushOnShards, WhatTheStoreCannotReadIsToldLater) {
    start_with_push();
    gone("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "hello", "bob"));
    store.cannot_read = errc::storage_failed;
    bench->pass(5s);
    bench->pass(1s);
    store.cannot_read = errc::ok;
    bench->pass(1s);
    store.cannot_read = errc::storage_failed;
    bench->pass(1s);
    bench->pass(1s);
    EXPECT_THAT(told(), IsEmpty());
    store.cannot_read = errc::ok;
    bench->pass(1s);
    ASSERT_THAT(told(), ElementsAre("bob on phone: ann 'hello' in ann at 1; 1 in 1"));
    EXPECT_EQ(figures().dropped, 0u);

    const auto back = session_of("bob", 3, "desk");
    bench->bring(back, mark(1, 1, "ann", epoch_of(between("ann", "bob")), 1));
    store.cannot_read = errc::storage_failed;
    bench->pass(1s);
    EXPECT_EQ(told().size(), 1u);
    store.cannot_read = errc::ok;
    bench->pass(1s);
    ASSERT_EQ(told().size(), 2u);
    EXPECT_EQ(told().back(), "bob on phone has read ann to 1; 0 in 0");
}

TEST_F(PushOnShards, WhatIsDroppedIsCounted) {
    start_with_push();
    gone("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "hello", "bob"));
    bench->hooks_full = true;
    wait();
    EXPECT_EQ(figures().dropped, 1u);
    bench->hooks_full = false;
    bench->bring(ann, data(2, 2, "again", "bob"));
    store.cannot_read = errc::store_damaged;
    bench->pass(5s);
    EXPECT_EQ(figures().dropped, 2u);
    EXPECT_EQ(figures().requested, 0u);
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(PushOnShards, ALongPayloadIsCut) {
    struct Cut final : PushHandler {
        void on_push_requested(const PushRequest& request) override { message = request.messages.at(0); }
        PushedMessage message;
    };
    const auto cutting = std::make_shared<Cut>();
    Config config = plain_config();
    config.conversations.push.handler = cutting;
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    gone("bob", 1);
    const auto ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, std::string(1025, 'x'), "bob"));
    wait();
    EXPECT_EQ(cutting->message.preview.size(), PushedMessage::kPreviewBytes);
    EXPECT_FALSE(cutting->message.whole);
}

TEST_F(PushOnShards, ADeviceIsRegisteredWithAServiceAndAToken) {
    start_with_push();
    const auto bob = session_of("bob", 1);
    bench->bring(bob, registering(1, 1, ""));
    EXPECT_EQ(code(*bob, 1), errc::invalid_name);
    bench->bring(bob, registering(2, 2, "t", ""));
    EXPECT_EQ(code(*bob, 2), errc::invalid_name);
    bench->bring(bob, registering(3, 3, "t"));
    EXPECT_EQ(code(*bob, 3), errc::ok);
    store.refuses = errc::storage_full;
    bench->bring(bob, registering(4, 4, "t2"));
    EXPECT_EQ(code(*bob, 4), errc::storage_full);
    store.refuses = errc::ok;
    const auto devices = store.engine->reader()->push_devices(**store.engine->reader()->user("bob"));
    ASSERT_EQ(devices->size(), 1u);
    EXPECT_EQ(devices->front().token, "t");
}

TEST_F(PushOnShards, TheDevicesOfAUserAreForgottenWhenTheStoreCanWrite) {
    start_with_push(2);
    gone("bob", 1);
    const auto count = [&] {
        return store.engine->reader()->push_devices(**store.engine->reader()->user("bob"))->size();
    };
    store.refuses = errc::storage_failed;
    for (const auto& loop : bench->loops) loop->shard.conversations()->devices.forget("bob");
    bench->settle();
    EXPECT_EQ(count(), 1u);
    store.refuses = errc::ok;
    bench->pass(1s);
    EXPECT_EQ(count(), 0u);
    for (const auto& loop : bench->loops) loop->shard.conversations()->devices.forget("nobody");
    bench->settle();
    EXPECT_EQ(bench->shard().conversations()->devices.next_deadline(), session::kNever);
}

}  // namespace
}  // namespace flare::server::test
