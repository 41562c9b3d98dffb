// What users choose for conversations: answers, what other sessions are told, and what is not read any more.
#include "unit/server/list_bench.hpp"

namespace flare::server::test {
namespace {

using Told = std::vector<std::string>;
using Set = wire::im::ConversationSet;
const auto kTeaRoom = model::ConversationKey::room("tea");

class SettingsOnShards : public ListsOnShards {
protected:
    // Ann's room with bob, with four messages of hers: entries 2 to 5.
    void fill(const std::shared_ptr<Line>& ann) {
        make_room(ann, 1, 1, {"bob"});
        for (std::uint8_t i = 2; i <= 5; ++i) bench->bring(ann, data(i, i, "text", "room:tea"));
    }
    static std::string set(session::Seq seq, std::uint8_t id, Set body, std::string_view conversation = "room:tea") {
        body.conversation = conversation;
        return request(seq, id, Verb::conversation_set, body);
    }
    static std::string clear(session::Seq seq, std::uint8_t id, std::uint64_t epoch, std::uint64_t offset) {
        return request(seq, id, Verb::conversation_clear, wire::im::ConversationClear{"room:tea", epoch, offset});
    }
    static Set pinned(std::uint64_t pinned) {
        Set body;
        body.changes = Set::kPinned;
        body.pinned = pinned;
        return body;
    }
    wire::im::Settings chosen(const Line& line, std::uint8_t id) {
        EXPECT_EQ(code(line, id), errc::ok);
        const auto body = wire::im::decode<wire::im::Settings>(responses(line).at(message_id(id)).body);
        EXPECT_TRUE(body);
        return body ? *body : wire::im::Settings();
    }
};

TEST_F(SettingsOnShards, ReachTheOtherSessionsThatFollowTheList) {
    for (const std::uint32_t workers : {1u, 2u}) {
        BenchStore fresh;
        bench = std::make_unique<ShardBench>(plain_config(workers), nullptr, &fresh);
        const auto phone = session_of("bob", 1);
        const auto pad = session_of("bob", 2, "pad");
        const auto ann = session_of("ann", 3);
        fill(ann);
        for (const auto& line : {phone, pad, ann}) bench->bring(line, sync(line == ann ? 7 : 1, 100));
        bench->bring(phone, set(2, 2, pinned(7)));
        EXPECT_EQ(chosen(*phone, 2).pinned, 7u);
        EXPECT_EQ(states(*pad), (Told{"room:tea cleared 0, pinned 7"}));
        EXPECT_EQ(states(*phone), states(*pad)) << "it may not wait for the answer any more";
        const std::uint64_t epoch = (*fresh.engine->reader()->conversation(kTeaRoom))->head.last.epoch;
        bench->bring(pad, clear(2, 2, epoch, 3));
        EXPECT_EQ(chosen(*pad, 2).cleared_to, 3u);
        EXPECT_EQ(states(*phone).back(), "room:tea read 0, 2 unread of 5 cleared 3, pinned 7");
        EXPECT_EQ(states(*pad).back(), states(*phone).back());
        EXPECT_TRUE(states(*ann).empty()) << "nobody else hears of it";
        bench.reset();
    }
}

TEST_F(SettingsOnShards, AreRefusedWithAReason) {
    start();
    const auto bob = session_of("bob", 1);
    const auto eve = session_of("eve", 2);
    fill(session_of("ann", 3));
    bench->bring(eve, set(1, 1, pinned(1)));
    EXPECT_EQ(code(*eve, 1), errc::unknown_conversation);
    bench->bring(eve, clear(2, 2, epoch_of(kTeaRoom), 3));
    EXPECT_EQ(code(*eve, 2), errc::unknown_conversation);
    bench->bring(bob, clear(1, 1, epoch_of(kTeaRoom) + 1, 3));
    EXPECT_EQ(code(*bob, 1), errc::epoch_changed);
    bench->bring(bob, clear(2, 2, epoch_of(kTeaRoom), 100));
    EXPECT_EQ(chosen(*bob, 2).cleared_to, 5u) << "the end of the log";
    bench->bring(bob, set(3, 3, pinned(1), "server"));
    EXPECT_EQ(code(*bob, 3), errc::unknown_conversation);
    store.cannot_read = errc::storage_failed;
    bench->bring(bob, set(4, 4, pinned(2)));
    EXPECT_EQ(code(*bob, 4), errc::storage_failed);
    store.cannot_read = errc::ok;
}

TEST_F(SettingsOnShards, ShowNothingOfWhatIsCleared) {
    start();
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    fill(ann);
    const std::uint64_t epoch = epoch_of(kTeaRoom);
    wire::im::MessageEdit edit;
    edit.conversation = "room:tea";
    edit.offset = 3;
    edit.payload = "edited";
    bench->bring(ann, request(6, 6, Verb::message_edit, edit));
    bench->bring(bob, clear(1, 1, epoch, 4));
    for (const auto& [line, first, says] : {std::tuple(bob, 5u, false), std::tuple(ann, 2u, true)}) {
        bench->bring(line, sync(line == bob ? 2 : 7, 7, {.entries = 10}));
        const wire::im::SyncPage listed = page(*line, 7);
        const auto& entries = listed.conversations.front().entries;
        ASSERT_FALSE(entries.empty());
        EXPECT_GE(entries.front().offset, first == 2 ? 1u : first);
        EXPECT_EQ(entries.back().offset, 6u);
        EXPECT_EQ(entries.back().payload, says ? "edited" : "") << "of who has cleared what it is about";
        EXPECT_EQ((entries.back().flags & model::kDeleted) != 0, !says);
    }
    bench->bring(bob, sync(3, 3, {}));
    EXPECT_EQ(page(*bob, 3).conversations.front().settings->cleared_to, 4u);
    EXPECT_EQ(page(*bob, 3).conversations.front().mark->unread, 1u);
    wire::im::HistoryQuery query;
    query.conversation = "room:tea";
    bench->bring(bob, request(4, 4, Verb::history, query));
    const auto all = responses(*bob);
    const auto history = wire::im::decode<wire::im::HistoryPage>(all.at(message_id(4)).body);
    ASSERT_TRUE(history && history->entries.size() == 2);
    EXPECT_EQ(history->entries.front().offset, 5u);
    EXPECT_EQ(history->entries.back().payload, "");
    EXPECT_FALSE(history->more);
}

// It may be in the store although its device has heard that it failed.
TEST_F(SettingsOnShards, OfUnknownFateAreToldWhenTheStoreCanBeReadAgain) {
    start();
    const auto phone = session_of("bob", 1);
    const auto pad = session_of("bob", 2, "pad");
    fill(session_of("ann", 3));
    for (const auto& line : {phone, pad}) bench->bring(line, sync(1, 1));
    store.by_hand = true;
    bench->bring(phone, set(2, 2, pinned(7)));
    const std::size_t groups = store.groups;
    while (!store.work.empty()) {
        bench->run_store();
        if (store.groups > groups) store.cannot_read = errc::storage_failed;
        bench->settle();
    }
    store.by_hand = false;
    bench->settle();
    EXPECT_EQ(code(*phone, 2), errc::storage_failed);
    store.cannot_read = errc::ok;
    bench->pass(2s);
    EXPECT_EQ(states(*pad), (Told{"room:tea cleared 0, pinned 7"}));
    EXPECT_EQ(states(*phone), (Told{"room:tea cleared 0, pinned 7"}));
    bench->pass(5s);
    EXPECT_EQ(states(*pad).size(), 1u);
}

}  // namespace
}  // namespace flare::server::test
