// Typing, presence and occupancy on shards: what sessions ask, and which notices they get.
#include "wire/signals.hpp"
#include "unit/server/list_bench.hpp"

#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>

namespace flare::server::test {
namespace {

using wire::im::PresenceUsers;
using State = wire::im::Presence;
using Texts = std::vector<std::string>;

std::string text_of(const wire::im::PresenceState& state) {
    static constexpr const char* kStates[] = {"unknown", "offline", "away", "online"};
    return std::string(state.user) + " " + kStates[static_cast<int>(state.state)];
}

class SignalsOnShards : public ListsOnShards {
protected:
    // "ann online", "ann types in room:tea", in order.
    static Texts notices(const Line& line) {
        Texts all;
        for (const std::string& batch : line.sent) {
            for (const wire::FrameView& frame : frames_of(batch)) {
                if (frame.kind != wire::FrameKind::notice) continue;
                const auto notice = wire::im::decode<wire::im::Notice>(frame.body);
                EXPECT_TRUE(notice);
                for (const auto& each : notice->presence) all.push_back(text_of(each));
                for (const auto& each : notice->typing)
                    all.push_back(std::string(each.user) + (each.on ? " types in " : " stops in ") +
                                  std::string(each.conversation));
            }
        }
        return all;
    }
    static std::string users(session::Seq seq, std::uint8_t id, Verb verb, std::vector<std::string_view> names) {
        return request(seq, id, verb, PresenceUsers{std::move(names)});
    }
    static std::string follow(session::Seq seq, std::uint8_t id, std::vector<std::string_view> names) {
        return users(seq, id, Verb::presence_subscribe, std::move(names));
    }
    static std::string types(session::Seq seq, std::uint8_t id, std::string_view conversation, bool on = true) {
        return request(seq, id, Verb::typing, wire::im::Typing{conversation, {}, on});
    }
    static std::string opens(session::Seq seq, std::uint8_t id, std::string_view conversation) {
        wire::im::Subscribe body;
        body.conversation = conversation;
        return request(seq, id, Verb::subscribe, body);
    }
    Texts snapshot(const Line& line, std::uint8_t id) {
        Texts all;
        if (code(line, id) != errc::ok) return {"refused"};
        const std::string encoded = responses(line).at(message_id(id)).body;
        const auto body = wire::im::decode<wire::im::PresenceSnapshot>(encoded);
        EXPECT_TRUE(body);
        for (const auto& each : body->states) all.push_back(text_of(each));
        return all;
    }
    // The server was started long ago, and has two workers.
    void begin() {
        start(2);
        bench->pass(20s);
    }
    std::shared_ptr<Line> come(const std::string& user, std::uint8_t attempt, const std::string& device = "phone") {
        return alive_.emplace_back(session_of(user, attempt, device));
    }
    void lose(const std::shared_ptr<Line>& line) {
        std::erase(alive_, line);
        cut(line);
    }
    std::shared_ptr<Line> come_back(const std::string& user, const std::shared_ptr<Line>& before,
                                    std::uint8_t attempt) {
        return alive_.emplace_back(resume(user, before, attempt));
    }
    // Clients say something now and then.
    void wait(session::Duration time) {
        while (time > session::Duration::zero()) {
            const auto step = std::min<session::Duration>(time, 10s);
            bench->pass(step);
            time -= step;
            for (const auto& line : alive_) {
                if (line->open && !line->closed) bench->bring(line, ack_all(*line));
            }
        }
    }
    std::string user_on(std::uint32_t worker, int number) {
        for (int i = 0;; ++i) {
            const std::string name = "u" + std::to_string(i);
            if (bench->router.home_of(name) == worker && number-- == 0) return name;
        }
    }
    SignalStats signals() {
        ServerStats all;
        for (const auto& loop : bench->loops) add(all, loop->shard.stats());
        return all.signals;
    }

    std::vector<std::shared_ptr<Line>> alive_;
};

TEST_F(SignalsOnShards, PresenceIsToldAcrossWorkersOnceAndNotWhileWithinTheGrace) {
    begin();
    const std::string ann = user_on(0, 0);
    const std::string bob = user_on(1, 0);
    const auto at_bob = come(bob, 1);
    bench->bring(at_bob, follow(1, 10, {ann, bob, "nobody"}));
    EXPECT_EQ(snapshot(*at_bob, 10), (Texts{ann + " offline", bob + " online", "nobody offline"}));
    const auto at_ann = come(ann, 1);
    wait(1s);
    EXPECT_EQ(notices(*at_bob), Texts{ann + " online"});
    lose(at_ann);
    wait(19s);
    const auto back = come_back(ann, at_ann, 2);
    wait(30s);
    EXPECT_EQ(notices(*at_bob), Texts{ann + " online"}) << "nothing has happened";
    lose(back);
    wait(20s);
    wait(1s);
    EXPECT_EQ(notices(*at_bob), (Texts{ann + " online", ann + " offline"}));
    EXPECT_EQ(signals().subscriptions, 3u);
    bench->bring(at_bob, users(2, 11, Verb::presence_unsubscribe, {ann, bob}));
    EXPECT_EQ(code(*at_bob, 11), errc::ok);
    EXPECT_EQ(signals().subscriptions, 1u);
    end(bob, at_bob);
    EXPECT_EQ(signals().subscriptions, 0u);
    EXPECT_EQ(bench->shard(0).conversations()->signals.presence.book().size(), 0u) << "nobody is kept for nobody";
    EXPECT_EQ(bench->shard(1).conversations()->signals.presence.book().size(), 1u) << "but who is in the grace";
}

TEST_F(SignalsOnShards, AUserIsAwayWhenAllClientsSaySo) {
    begin();
    const auto at_bob = come("bob", 1);
    const auto phone = come("ann", 1);
    const auto desk = come("ann", 2, "desk");
    bench->bring(at_bob, follow(1, 10, {"ann"}));
    const auto away = [](session::Seq seq, std::uint8_t id, State state) {
        return request(seq, id, Verb::presence_set, wire::im::PresenceSet{state});
    };
    bench->bring(phone, away(1, 20, State::away));
    wait(1s);
    EXPECT_TRUE(notices(*at_bob).empty()) << "somebody looks at the other one";
    bench->bring(desk, away(1, 20, State::away));
    wait(1s);
    EXPECT_EQ(notices(*at_bob), Texts{"ann away"});
    bench->bring(desk, away(2, 21, State::online));
    wait(1s);
    EXPECT_EQ(notices(*at_bob), (Texts{"ann away", "ann online"}));
    bench->bring(desk, away(3, 22, State::offline));
    EXPECT_EQ(code(*desk, 22), errc::malformed_frame);
    end("ann", desk);  // both sessions
    wait(30s);
    const auto again = come("ann", 3);
    wait(1s);
    EXPECT_EQ(notices(*at_bob).back(), "ann online") << "a new session begins as online";
}

TEST_F(SignalsOnShards, AnotherProcessKnowsNobodyUntilItsGraceIsOver) {
    start(2);
    const auto at_bob = come("bob", 1);
    bench->bring(at_bob, follow(1, 10, {"ann", "eve"}));
    EXPECT_EQ(snapshot(*at_bob, 10), (Texts{"ann unknown", "eve unknown"}));
    wait(10s);
    const auto at_ann = come("ann", 1);
    wait(9s);
    EXPECT_EQ(notices(*at_bob), Texts{"ann online"});
    wait(1s);
    wait(1s);
    EXPECT_EQ(notices(*at_bob), (Texts{"ann online", "eve offline"}));
}

TEST_F(SignalsOnShards, OneUserTooManyIsRefusedWhole) {
    begin();
    const auto at_bob = come("bob", 1);
    std::vector<std::string> names;
    for (int i = 0; i < 1001; ++i) names.push_back("n" + std::to_string(i));
    std::vector<std::string_view> all(names.begin(), names.end());
    bench->bring(at_bob, follow(1, 10, all));
    EXPECT_EQ(code(*at_bob, 10), errc::too_many_subscriptions);
    EXPECT_EQ(signals().subscriptions, 0u);
    all.pop_back();
    bench->bring(at_bob, follow(2, 11, all));
    EXPECT_EQ(code(*at_bob, 11), errc::ok);
    bench->bring(at_bob, follow(3, 12, {"n1000"}));
    EXPECT_EQ(code(*at_bob, 12), errc::too_many_subscriptions);
    EXPECT_EQ(signals().subscriptions, 1000u);
    bench->bring(at_bob, users(4, 13, Verb::presence_get, {"bob", "n5"}));
    EXPECT_EQ(snapshot(*at_bob, 13), (Texts{"bob online", "n5 offline"})) << "who only asks needs none";
    check();
}

TEST_F(SignalsOnShards, WhoBlocksIsUnknownToTheOtherOne) {
    begin();
    const auto at_ann = come("ann", 1);
    const auto at_bob = come("bob", 1);
    bench->bring(at_bob, follow(1, 10, {"ann"}));
    EXPECT_EQ(snapshot(*at_bob, 10), Texts{"ann online"});
    bench->bring(at_ann, of_room(1, 20, Verb::user_block, "bob"));
    ASSERT_EQ(code(*at_ann, 20), errc::ok);
    wait(1s);
    EXPECT_EQ(notices(*at_bob), Texts{"ann unknown"});
    bench->bring(at_bob, follow(2, 11, {"ann"}));
    bench->bring(at_bob, users(3, 12, Verb::presence_get, {"ann"}));
    EXPECT_EQ(snapshot(*at_bob, 11), Texts{"ann unknown"}) << "the store knows";
    EXPECT_EQ(snapshot(*at_bob, 12), Texts{"ann unknown"});
    lose(at_ann);
    wait(25s);
    EXPECT_EQ(notices(*at_bob), Texts{"ann unknown"});
    bench->bring(come("ann", 2), of_room(1, 21, Verb::user_unblock, "bob"));
    bench->bring(at_bob, follow(4, 13, {"ann"}));
    EXPECT_EQ(snapshot(*at_bob, 13), Texts{"ann online"});
}

TEST_F(SignalsOnShards, ThePolicyHidesWhomItRefuses) {
    Config config = plain_config(2);
    config.presence.policy = [](const SessionInfo& asker, std::string_view user) {
        return asker.user == "boss" || user != "boss";
    };
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    wait(20s);
    const auto at_boss = come("boss", 1);
    const auto at_bob = come("bob", 1);
    bench->bring(at_bob, follow(1, 10, {"boss", "bob"}));
    bench->bring(at_boss, follow(1, 10, {"boss", "bob"}));
    EXPECT_EQ(snapshot(*at_bob, 10), (Texts{"boss unknown", "bob online"}));
    EXPECT_EQ(snapshot(*at_boss, 10), (Texts{"boss online", "bob online"}));
    lose(at_boss);
    wait(25s);
    EXPECT_TRUE(notices(*at_bob).empty());
}

TEST_F(SignalsOnShards, WhatCouldNotBeSentIsToldWhenTheSessionIsBack) {
    begin();
    const auto at_bob = come("bob", 1);
    bench->bring(at_bob, follow(1, 10, {"ann"}));
    lose(at_bob);
    const auto at_ann = come("ann", 1);
    wait(5s);
    EXPECT_EQ(signals().notices, 0u);
    const auto back = come_back("bob", at_bob, 2);
    wait(1s);
    EXPECT_EQ(notices(*back), Texts{"ann online"});
}

TEST_F(SignalsOnShards, TypingIsToldToThoseWhoHaveTheConversationOpenAndNotToOneself) {
    begin();
    const std::string ann = user_on(0, 0), bob = user_on(1, 0), eve = user_on(1, 1);
    const auto at_ann = come(ann, 1);
    const auto desk = come(ann, 2, "desk");
    const auto at_bob = come(bob, 1);
    const auto at_eve = come(eve, 1);
    make_room(at_ann, 1, 10, {bob, eve});
    bench->bring(at_ann, opens(2, 11, "room:tea"));
    bench->bring(desk, opens(1, 11, "room:tea"));
    bench->bring(at_bob, opens(1, 11, "room:tea"));
    bench->bring(at_ann, types(3, 12, "room:tea"));
    EXPECT_EQ(code(*at_ann, 12), errc::ok);
    EXPECT_EQ(notices(*at_bob), Texts{ann + " types in room:tea"});
    EXPECT_TRUE(notices(*at_ann).empty() && notices(*desk).empty());
    EXPECT_TRUE(notices(*at_eve).empty()) << "who does not look is not told";
    bench->bring(desk, types(2, 12, "room:tea"));
    EXPECT_EQ(code(*desk, 12), errc::ok);
    EXPECT_EQ(notices(*at_bob).size(), 1u) << "once in 3 s, whichever device";
    EXPECT_EQ(signals().typing_dropped, 1u);
    bench->bring(at_ann, types(4, 13, "room:tea", false));
    EXPECT_EQ(notices(*at_bob).back(), ann + " stops in room:tea");
    wait(3s);
    bench->bring(at_ann, types(5, 14, "room:tea"));
    EXPECT_EQ(notices(*at_bob).size(), 3u);
    EXPECT_EQ(store.engine->reader()->conversation(model::ConversationKey::room("tea")).value()->head.last.offset, 1u)
        << "nothing of it is stored";
}

TEST_F(SignalsOnShards, InADirectConversationTypingHasTheNameOfTheOtherOne) {
    begin();
    const auto at_ann = come("ann", 1);
    const auto at_bob = come("bob", 1);
    bench->bring(at_ann, data(1, 1, "hello", "bob"));
    bench->bring(at_bob, opens(1, 10, "ann"));
    bench->bring(at_ann, types(2, 11, "bob"));
    EXPECT_EQ(notices(*at_bob), Texts{"ann types in ann"});
    bench->bring(at_bob, of_room(2, 12, Verb::user_block, "ann"));
    wait(3s);
    bench->bring(at_ann, types(3, 13, "bob"));
    EXPECT_EQ(code(*at_ann, 13), errc::forbidden);
    EXPECT_EQ(notices(*at_bob), Texts{"ann types in ann"});
}

TEST_F(SignalsOnShards, OnlyWhoMayWriteTypesAndNobodyInALargeRoom) {
    begin();
    const auto at_ann = come("ann", 1);
    const auto at_bob = come("bob", 1);
    const auto at_eve = come("eve", 1);
    make_room(at_ann, 1, 10, {"bob"});
    bench->bring(at_bob, opens(1, 10, "room:tea"));
    bench->bring(at_eve, types(1, 11, "room:tea"));
    EXPECT_EQ(code(*at_eve, 11), errc::unknown_conversation);
    bench->bring(at_bob, types(2, 11, "room:tea"));
    wire::im::MemberUntil mute{"room:tea", "bob", UINT64_MAX};
    bench->bring(at_ann, request(2, 11, Verb::member_mute, mute));
    ASSERT_EQ(code(*at_ann, 11), errc::ok);
    wait(3s);
    bench->bring(at_bob, types(3, 12, "room:tea"));
    EXPECT_EQ(code(*at_bob, 12), errc::muted);

    std::vector<std::string> names;
    std::vector<std::shared_ptr<Line>> lines;
    for (int i = 0; i < 99; ++i) {
        names.push_back("m" + std::to_string(i));
        lines.push_back(come(names.back(), 1));
    }
    wire::im::MemberChange add;
    add.conversation = "room:tea";
    add.users.assign(names.begin(), names.begin() + 98);
    bench->bring(at_ann, request(3, 12, Verb::member_add, add));
    ASSERT_EQ(code(*at_ann, 12), errc::ok);
    bench->bring(at_ann, types(4, 13, "room:tea"));
    EXPECT_EQ(notices(*at_bob), Texts{"ann types in room:tea"}) << "100 members";
    bench->bring(at_ann, member(5, 14, Verb::member_add, names.back()));
    wait(3s);
    const std::uint64_t dropped = signals().typing_dropped;
    bench->bring(at_ann, types(6, 15, "room:tea"));
    EXPECT_EQ(code(*at_ann, 15), errc::ok);
    EXPECT_EQ(notices(*at_bob).size(), 1u);
    EXPECT_EQ(signals().typing_dropped, dropped + 1);
}

TEST_F(SignalsOnShards, NoticesAreNotWrittenToWhoDoesNotKeepUp) {
    begin();
    const auto at_ann = come("ann", 1);
    const auto at_bob = come("bob", 1);
    make_room(at_ann, 1, 10, {"bob"});
    bench->bring(at_bob, opens(1, 10, "room:tea"));
    at_bob->writable = false;
    for (int i = 0; i < 30; ++i) {
        wait(3s);
        bench->bring(at_ann, types(static_cast<session::Seq>(2 + i), static_cast<std::uint8_t>(20 + i), "room:tea"));
    }
    EXPECT_TRUE(notices(*at_bob).empty());
    EXPECT_EQ(signals().notices, 16u);
    EXPECT_EQ(signals().notices_dropped, 14u);
}

// With as many as FLARE_PRESENCE_SESSIONS says, for those who want to see more.
TEST_F(SignalsOnShards, ManySessionsThatAreLostAndBackTellNothingAndBeyondTheGraceOneBatch) {
    begin();
    const char* const wanted = std::getenv("FLARE_PRESENCE_SESSIONS");
    const int sessions = wanted == nullptr ? 500 : std::atoi(wanted);
    constexpr int kEach = 100;  // that a follower follows
    std::vector<std::string> names;
    std::vector<std::shared_ptr<Line>> lines;
    for (int i = 0; i < sessions; ++i) {
        names.push_back("n" + std::to_string(i));
        lines.push_back(session_of(names.back(), 1));
    }
    std::vector<std::shared_ptr<Line>> followers;
    for (int i = 0; i < sessions / kEach; ++i) {
        const auto& line = followers.emplace_back(come("f" + std::to_string(i), 1));
        std::vector<std::string_view> theirs(names.begin() + i * kEach, names.begin() + (i + 1) * kEach);
        bench->bring(line, follow(1, 10, theirs));
        ASSERT_EQ(code(*line, 10), errc::ok);
    }
    const auto told = [&] {
        std::size_t all = 0;
        for (const auto& line : followers) all += notices(*line).size();
        return all;
    };
    for (const auto& line : lines) cut(line);
    wait(19s);
    for (int i = 0; i < sessions; ++i)
        lines[static_cast<std::size_t>(i)] = session_of(names[static_cast<std::size_t>(i)], 2);
    wait(30s);
    EXPECT_EQ(told(), 0u);
    EXPECT_EQ(signals().notices, 0u);
    for (const auto& line : lines) {
        if (line->open && !line->closed) cut(line);
    }
    wait(20s);
    for (int i = 0; i < 50; ++i) wait(100ms);  // so many in a turn
    std::printf("%d sessions lost and back: 0 offline told; lost for good: %zu told in %llu notices to %zu followers\n",
                sessions, told(), static_cast<unsigned long long>(signals().notices), followers.size());
    EXPECT_EQ(told(), followers.size() * kEach);
    EXPECT_LE(signals().notices, followers.size() * 4) << "in batches, at most one a second";
}

TEST_F(SignalsOnShards, OccupancyCountsMembersWithASessionOnceASecond) {
    begin();
    const std::string ann = user_on(0, 0), bob = user_on(1, 0), eve = user_on(1, 1);
    const auto at_ann = come(ann, 1);
    const auto desk = come(ann, 2, "desk");
    const auto at_bob = come(bob, 1);
    const auto at_eve = come(eve, 1);
    make_room(at_ann, 1, 10, {bob});
    const auto ask = [&](const std::shared_ptr<Line>& who, session::Seq seq, std::uint8_t id) {
        bench->bring(who, of_room(seq, id, Verb::occupancy_get, "room:tea"));
        if (code(*who, id) != errc::ok) return std::string(name(code(*who, id)));
        const auto body = wire::im::decode<wire::im::Occupancy>(responses(*who).at(message_id(id)).body);
        return std::to_string(body->online) + " of " + std::to_string(body->members);
    };
    EXPECT_EQ(ask(at_ann, 2, 11), "2 of 2");
    EXPECT_EQ(ask(at_eve, 1, 11), "unknown_conversation");
    lose(at_bob);
    EXPECT_EQ(ask(at_ann, 3, 12), "2 of 2") << "it is kept for a second";
    wait(1s);
    EXPECT_EQ(ask(at_ann, 4, 13), "1 of 2");
}

}  // namespace
}  // namespace flare::server::test
