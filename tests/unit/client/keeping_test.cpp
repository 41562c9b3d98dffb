// Subscriptions whose positions are kept for the next run of the program.
#include "client/im/feeds.hpp"

#include "wire/requests.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flare::client {
namespace {

// What a cache would write, as text.
class Notes final : public Keeper {
public:
    void told(const std::string& conversation, Entry entry, const ToldUpto& upto) override {
        text += conversation + " " + std::to_string(entry.offset) + " upto " + where(upto) + "; ";
    }
    void left_out(const HistoryGap& gap, const ToldUpto& upto) override {
        text += std::string(name(gap.reason)) + " upto " + where(upto) + "; ";
    }
    void moved(const std::string& conversation, const ToldUpto& upto) override {
        text += conversation + " from " + where(upto) + "; ";
    }
    void cleared(const std::string& conversation, const Position& upto) override {
        text += conversation + " cleared to " + std::to_string(upto.offset) + "; ";
    }
    void listed(const std::string&, const ListedConversation*) override {}
    void synced(const std::string&) override {}
    std::optional<ToldUpto> told_upto(const std::string&) const override { return known; }
    static std::string where(const ToldUpto& upto) {
        return std::to_string(upto.position.epoch) + ":" + std::to_string(upto.position.offset);
    }

    std::string text;
    std::optional<ToldUpto> known;
};

class KeptSubscriptions : public ::testing::Test, private Feeds::Owner {
protected:
    static Uuid id_at(std::uint64_t offset) {
        Uuid made;
        made.bytes[15] = static_cast<std::uint8_t>(offset);
        return made;
    }
    void subscribe(const SubscribeOptions& options = {}, const std::string& to = "room:tea") {
        feeds.subscribe(to, options, [this](const Checked<Subscription>& made) {
            ASSERT_TRUE(made);
            continued = made->continued;
        });
    }
    // "epoch:offset" of what is asked.
    std::string asked() const {
        const auto body = wire::im::decode<wire::im::Subscribe>(call.body).value();
        return std::to_string(body.epoch) + ":" + std::to_string(body.after);
    }
    void begun(std::uint64_t next, std::optional<wire::im::FeedReset> reset = {}) {
        wire::im::Subscribed body;
        body.feed = 3;
        body.head = wire::im::Head{7, 1, 10, 10};
        body.visible_from = 1;
        body.next = next;
        body.reset = reset;
        Answer good;
        good.bodies.emplace_back(wire::im::encode(body));
        answer(std::move(good));
    }
    void entries(std::uint64_t first, std::uint64_t last) {
        wire::im::Feed frame;
        for (std::uint64_t offset = first; offset <= last; ++offset) {
            wire::im::Entry& entry = frame.entries.emplace_back();
            entry.offset = offset;
            entry.kind = model::EntryKind::message;
            entry.id = id_at(offset);
            entry.from = "bob";
        }
        feeds.on_feed(3, frame, {}, 0, nullptr);
    }
    // The application handles so much of what waits.
    void handle(std::size_t count) {
        for (; count != 0; --count) {
            auto make = std::move(queue.front());
            queue.erase(queue.begin());
            events += make() ? 1 : 0;
        }
    }

    void ask(const Call& asking, AnswerDone done) override {
        call = asking;
        answer = std::move(done);
    }
    bool in_session() const override { return true; }
    session::TimePoint now() const override { return {}; }
    bool has_seen(std::string_view, const Uuid&) const override { return seen; }
    bool settle(const Uuid&, std::string_view, const StoredAt&) override { return false; }
    void count_message() override {}
    void tell(Event) override {}
    void tell_later(std::function<std::optional<Event>()> make) override { queue.push_back(std::move(make)); }

    Call call;
    AnswerDone answer;
    bool continued = false;
    bool seen = false;       // as Data, whatever comes
    std::size_t events = 0;  // that the application was told
    std::vector<std::function<std::optional<Event>()>> queue;
    const std::shared_ptr<Notes> notes = std::make_shared<Notes>();
    Feeds feeds{"ann", *this, notes};
};

TEST_F(KeptSubscriptions, AreKeptAsFarAsTheyWereTold) {
    subscribe();
    EXPECT_EQ(asked(), "0:0");
    begun(11);
    EXPECT_FALSE(continued);
    EXPECT_EQ(notes->text, "room:tea from 7:10; ") << "what is written from now on is the next run's, too";
    notes->text.clear();
    entries(11, 13);
    EXPECT_EQ(notes->text, "") << "nothing has been told";
    handle(2);
    EXPECT_EQ(notes->text, "room:tea 11 upto 7:11; room:tea 12 upto 7:12; ");
    queue.clear();
    EXPECT_EQ(notes->text, "room:tea 11 upto 7:11; room:tea 12 upto 7:12; ") << "what is dropped is not told";
}

TEST_F(KeptSubscriptions, GoOnWhereTheApplicationWasTold) {
    notes->known = ToldUpto{{7, 5}, id_at(5)};
    subscribe();
    EXPECT_EQ(asked(), "7:5");
    EXPECT_EQ(wire::im::decode<wire::im::Subscribe>(call.body)->id, id_at(5));
    begun(6);
    EXPECT_TRUE(continued);
    subscribe(SubscribeOptions().with_new_only());
    EXPECT_EQ(asked(), "0:0");
    begun(11);
    EXPECT_FALSE(continued);
    subscribe(SubscribeOptions().with_after({7, 2}));
    EXPECT_EQ(asked(), "7:2") << "a position that the application names is what it wants";
    begun(3);
    EXPECT_FALSE(continued);
}

// Behind its event: a cache has what the application knows, in the order of the log.
TEST_F(KeptSubscriptions, WhatCameAsDataIsKeptAndNotToldAgain) {
    subscribe({}, "bob");
    begun(11);
    notes->text.clear();
    seen = true;
    entries(11, 11);
    seen = false;
    entries(12, 12);
    EXPECT_EQ(notes->text, "") << "the application may not have handled it yet";
    handle(2);
    EXPECT_EQ(notes->text, "bob 11 upto 7:11; bob 12 upto 7:12; ");
    EXPECT_EQ(events, 1u);
}

TEST_F(KeptSubscriptions, GapsAreKeptWhenTheyHaveBeenTold) {
    notes->known = ToldUpto{{7, 5}, id_at(5)};
    subscribe();
    begun(9, wire::im::FeedReset{wire::im::FeedResetReason::diverged, 1, 10, 9, 7});
    EXPECT_EQ(notes->text, "");
    handle(1);
    EXPECT_EQ(notes->text, "diverged upto 7:8; ");
}

TEST_F(KeptSubscriptions, AnOwnMessageIsPassedWhenItsPlaceHasCome) {
    subscribe();
    begun(11);
    EXPECT_EQ(feeds.on_stored("room:tea", {{7, 12}, {}}, id_at(12)), std::nullopt) << "11 has not been told";
    EXPECT_EQ(feeds.on_stored("room:soup", {{7, 1}, {}}, id_at(1)), std::nullopt);
    notes->text.clear();
    entries(11, 11);
    handle(1);
    EXPECT_EQ(notes->text, "room:tea 11 upto 7:12; ");
    EXPECT_EQ(feeds.on_stored("room:tea", {{7, 13}, {}}, id_at(13)), (ToldUpto{{7, 13}, id_at(13)}));
}

}  // namespace
}  // namespace flare::client
