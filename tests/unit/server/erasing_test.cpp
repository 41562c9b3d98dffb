// Users who are erased again while that is being done, and who have come back to a room in between.
#include "unit/server/conversation_bench.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace flare::server::test {
namespace {

class ErasedAgain : public RoomsOnShards {
protected:
    using Mail = std::pair<std::uint32_t, std::function<void(Shard&)>>;

    void SetUp() override {
        start();
        ann = session_of("ann", 1);
        end("bob", session_of("bob", 2));  // so that the store knows him
        make_room(ann, 1, 1, {"bob"});
        ask_ann(Verb::member_remove);
        bench->pass(1s);  // whom an earlier process was to erase
        erase();
        settle_erasure();
        // It has begun, and read that bob is in no room; it has not heard so yet.
        store.by_hand = true;
        bench->pass(0s);
        ASSERT_EQ(store.work.size(), 1u);
        bench->run_store();
        ASSERT_EQ(bench->mail.size(), 1u);
        looked = std::move(bench->mail.front());
        bench->mail.pop_front();
        store.by_hand = false;
        ask_ann(Verb::member_add);
        ASSERT_TRUE(is_member());
    }
    void ask_ann(Verb verb) {
        wire::im::MemberChange change;
        change.conversation = "room:tea";
        change.users = {"bob"};
        const auto number = ++said_;
        bench->bring(ann, request(number, static_cast<std::uint8_t>(number), verb, change));
        ASSERT_EQ(responses(*ann).at(message_id(static_cast<std::uint8_t>(number))).code, errc::ok);
    }
    void erase() {
        bench->shard().conversations()->erasing.erase("bob", [this](errc code) { answer = code; });
    }
    void settle_erasure() {
        bench->settle();
        ASSERT_EQ(answer, errc::ok);
        answer = errc::internal;
    }
    void go_on() {
        for (int i = 0; i < 20; ++i) bench->pass(Erasing::kPause);
        EXPECT_EQ(bench->shard().conversations()->erasing.size(), 0u);
        EXPECT_TRUE(store.engine->reader()->erasures(1)->empty());
    }
    bool is_member() {
        const auto reader = store.engine->reader();
        const auto seats = *reader->conversations_of(**reader->user("bob"), 0, 10);
        return std::ranges::any_of(seats, [](const auto& each) { return each.member.role != model::Role::none; });
    }

    std::shared_ptr<Line> ann;
    Mail looked;
    errc answer = errc::internal;

private:
    session::Seq said_ = 1;
};

TEST_F(ErasedAgain, LeaveWhereTheyWereAddedAgain) {
    erase();
    settle_erasure();
    bench->mail.push_back(std::move(looked));
    bench->settle();
    go_on();
    EXPECT_FALSE(is_member());
}

TEST_F(ErasedAgain, LeaveItAlsoIfItIsNotedAsItBegins) {
    store.by_hand = true;
    erase();
    bench->run_store();  // who that is
    bench->settle();
    ASSERT_EQ(store.work.size(), 1u) << "that it begins is on its way to the store";
    bench->mail.push_back(std::move(looked));
    bench->settle();
    store.by_hand = false;
    settle_erasure();
    go_on();
    EXPECT_FALSE(is_member());
}

}  // namespace
}  // namespace flare::server::test
