// How far others have come: what moves it, who is told, and what is asked about it.
#include "unit/server/list_bench.hpp"

namespace flare::server::test {
namespace {

using Told = std::vector<std::string>;
const auto kTeaOfMarks = model::ConversationKey::room("tea");

// "bob 3/5": read and delivered.
void add_marks(Told& to, const std::string& before, const std::vector<wire::im::UserMark>& marks) {
    for (const auto& each : marks)
        to.push_back(before + std::string(each.user) + " " + std::to_string(each.read) + "/" +
                     std::to_string(each.delivered));
}
// "room:tea: bob 3/5", as states say it, in order.
Told others(const Line& line) {
    Told all;
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind != wire::FrameKind::feed) continue;
            const auto feed = wire::im::decode<wire::im::Feed>(frame.body);
            if (!feed) continue;
            if (feed->began) add_marks(all, std::string(feed->began->about->conversation) + ": ", feed->began->others);
            for (const auto& state : feed->states) {
                add_marks(all, std::string(state.conversation) + ": ", state.others);
                EXPECT_TRUE(state.others.empty() || state.epoch != 0);
            }
        }
    }
    return all;
}
// Its client has everything that was sent to it.
std::string ack_of_all_lanes(const Line& line) {
    std::map<std::uint32_t, session::Seq> received;
    for (const std::string& batch : line.sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.seq != 0) received[frame.lane] = std::max(received[frame.lane], frame.seq);
        }
    }
    wire::FrameHeader header;
    for (const auto& [lane, seq] : received) header.acks.push_back({lane, seq, 10'000, 10 << 20});
    wire::Batch batch;
    batch.add(header);
    return batch.str();
}

class MarksOnShards : public ListsOnShards {
protected:
    static std::string unmark(session::Seq seq, std::uint8_t id, std::string_view conversation, std::uint64_t epoch,
                              std::uint64_t offset) {
        return request(seq, id, Verb::read_unmark, wire::im::MarkRead{conversation, epoch, offset});
    }
    static std::string ask_readers(session::Seq seq, std::uint8_t id, std::uint64_t offset, std::uint64_t epoch = 0,
                                   std::string_view after = {}, std::uint32_t limit = 0) {
        return request(seq, id, Verb::readers, wire::im::ReaderQuery{"room:tea", epoch, offset, after, limit});
    }
    // "bob 3/3 eve 2/4 more; 2 read, 3 have of 4"
    std::string readers(const Line& line, std::uint8_t id) {
        const auto all = responses(line);
        if (!all.contains(message_id(id))) return "no answer";
        if (all.at(message_id(id)).code != errc::ok) return std::string(name(all.at(message_id(id)).code));
        const auto page = *wire::im::decode<wire::im::ReaderPage>(all.at(message_id(id)).body);
        Told told;
        add_marks(told, "", page.readers);
        std::string text;
        for (const std::string& each : told) text += each + " ";
        if (page.more) text += "more ";
        return text + "; " + std::to_string(page.read) + " read, " + std::to_string(page.delivered) + " have of " +
               std::to_string(page.members);
    }
    // Ann's room with bob and eve, with four messages of hers: entries 2 to 5. All follow their lists.
    void begin(std::uint32_t workers = 1) {
        start(workers);
        bob = session_of("bob", 1);
        eve = session_of("eve", 2);
        ann = session_of("ann", 3);
        make_room(ann, 1, 1, {"bob", "eve"});
        for (std::uint8_t i = 2; i <= 5; ++i) bench->bring(ann, data(i, i, "text", "room:tea"));
        bench->bring(ann, sync(6, 6));
        for (const auto& line : {bob, eve}) bench->bring(line, sync(1, 100));
        bench->pass(2s);  // what there was before is read by then
        epoch = epoch_of(kTeaOfMarks);
    }
    std::vector<store::MemberMark> in_store(const model::ConversationKey& key) {
        const auto reader = store.engine->reader();
        return *reader->marks((*reader->conversation(key))->row, 0, 200);
    }

    std::shared_ptr<Line> ann, bob, eve;
    std::uint64_t epoch = 0;
};

// ---- what others are told ----

class MarksOnWorkers : public MarksOnShards, public ::testing::WithParamInterface<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(All, MarksOnWorkers, ::testing::Values(1u, 2u, 3u));

TEST_P(MarksOnWorkers, AMarkIsToldToTheOthersOfARoom) {
    begin(GetParam());
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 3));
    EXPECT_EQ(others(*ann), (Told{"room:tea: bob 3/3"}));
    EXPECT_EQ(others(*eve), (Told{"room:tea: bob 3/3"}));
    EXPECT_TRUE(others(*bob).empty()) << "it has said so itself";
    bench->bring(bob, mark(3, 3, "room:tea", epoch, 2));
    bench->pass(2s);
    EXPECT_EQ(others(*ann).size(), 1u) << "it has not moved";
    check();
}

TEST_F(MarksOnShards, MarksAreToldOnceASecondAndTheNewest) {
    begin(2);
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 2));
    bench->bring(bob, mark(3, 3, "room:tea", epoch, 3));
    bench->bring(eve, mark(2, 2, "room:tea", epoch, 3));
    bench->bring(bob, mark(4, 4, "room:tea", epoch, 4));
    EXPECT_EQ(others(*ann), (Told{"room:tea: bob 2/2"}));
    bench->pass(1s);
    EXPECT_EQ(others(*ann), (Told{"room:tea: bob 2/2", "room:tea: bob 4/4", "room:tea: eve 3/3"}));
    EXPECT_EQ(others(*bob), (Told{"room:tea: eve 3/3"})) << "not its own";
    bench->pass(5s);
    EXPECT_EQ(others(*ann).size(), 3u);
}

TEST_F(MarksOnShards, ASessionWithoutACarrierIsToldTheNewestOnce) {
    begin(2);
    cut(ann);
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 2));
    bench->pass(2s);
    bench->bring(bob, mark(3, 3, "room:tea", epoch, 4));
    bench->pass(2s);
    EXPECT_TRUE(others(*ann).empty());
    const auto back = resume("ann", ann, 4);
    EXPECT_EQ(others(*back), (Told{"room:tea: bob 4/4"}));
    bench->bring(eve, mark(2, 2, "room:tea", epoch, 5));
    EXPECT_EQ(others(*back), (Told{"room:tea: bob 4/4", "room:tea: eve 5/5"})) << "at once again";
}

TEST_F(MarksOnShards, WhoSubscribesReadsWhatIsThere) {
    begin();
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 3));
    const auto pad = session_of("ann", 5, "pad");
    wire::im::Subscribe asked;
    asked.conversation = "room:tea";
    bench->bring(pad, request(1, 1, Verb::subscribe, asked));
    const Response answer = responses(*pad).at(message_id(1));  // what is decoded points into it
    const auto subscribed = *wire::im::decode<wire::im::Subscribed>(answer.body);
    Told told;
    add_marks(told, "", subscribed.others);
    EXPECT_EQ(told, (Told{"bob 3/3"}));
    bench->pass(1s);
    bench->bring(bob, mark(3, 3, "room:tea", epoch, 4));
    EXPECT_EQ(others(*pad), (Told{"room:tea: bob 4/4"})) << "also without a list";
}

TEST_F(MarksOnShards, APageHasTheMarksOfTheOtherOneAndTheRestIsToldBehindIt) {
    start(2);
    bob = session_of("bob", 1);
    ann = session_of("ann", 2);
    bench->bring(ann, data(1, 1, "hello", "bob"));
    bench->bring(ann, sync(2, 2));
    const std::string cursor(page(*ann, 2).cursor);
    bench->bring(bob, sync(1, 100));
    bench->bring(bob, mark(2, 2, "ann", epoch_of(between("ann", "bob")), 1));
    const auto pad = session_of("ann", 3, "pad");
    bench->bring(pad, sync(1, 1));
    Told told;
    add_marks(told, "", page(*pad, 1).conversations.at(0).others);
    EXPECT_EQ(told, (Told{"bob 1/1"}));
    bench->pass(2s);
    EXPECT_TRUE(others(*pad).empty()) << "the page has said it";

    const auto desk = session_of("ann", 4, "desk");
    bench->bring(desk, sync(1, 1, {.cursor = cursor, .feeds = true}));
    EXPECT_TRUE(page(*desk, 1).conversations.empty()) << "the mark of another one is no change of the list";
    bench->pass(1s);
    EXPECT_EQ(others(*desk), (Told{"bob: bob 1/1"}));
}

class MarksOfManyOnShards : public MarksOnShards {
protected:
    // What ann is told when the first of so many others has read her message.
    Told told_among(int others_of_room) {
        start(2);
        std::vector<std::string> users;
        for (int i = 0; i < others_of_room; ++i) {
            users.push_back("user" + std::to_string(i));
            const auto line = session_of(users.back(), static_cast<std::uint8_t>(100 + i));
            if (i == 0) bob = line;
        }
        ann = session_of("ann", 1);
        make_room(ann, 1, 1, {users.begin(), users.end()});
        bench->bring(ann, data(2, 2, "text", "room:tea"));
        bench->bring(ann, sync(3, 3));
        bench->bring(bob, mark(1, 1, "room:tea", epoch_of(kTeaOfMarks), 2));
        bench->pass(2s);
        return others(*ann);
    }
};

TEST_F(MarksOfManyOnShards, AHundredMembersHearOfEachOther) {
    EXPECT_EQ(told_among(99), (Told{"room:tea: user0 2/2"}));
}

TEST_F(MarksOfManyOnShards, AHundredAndOneDoNot) {
    EXPECT_TRUE(told_among(100).empty());
    bench->bring(ann, ask_readers(4, 4, 2));
    EXPECT_EQ(readers(*ann, 4), "user0 2/2 ; 1 read, 1 have of 100") << "who asks is told";
}

TEST_F(MarksOnShards, WhoIsRemovedTellsNothingAndIsToldNothing) {
    begin(2);
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 2));
    bench->bring(bob, mark(3, 3, "room:tea", epoch, 4));
    bench->bring(ann, member(7, 7, Verb::member_remove, "bob"));
    ASSERT_EQ(code(*ann, 7), errc::ok);
    bench->pass(2s);
    EXPECT_EQ(others(*ann), (Told{"room:tea: bob 2/2"})) << "what waited is not told any more";
    bench->bring(eve, mark(2, 2, "room:tea", epoch, 3));
    bench->pass(2s);
    EXPECT_TRUE(others(*bob).empty());
    EXPECT_EQ(others(*ann).back(), "room:tea: eve 3/3");
    bench->bring(ann, ask_readers(8, 8, 2));
    EXPECT_EQ(readers(*ann, 8), "eve 3/3 ; 1 read, 1 have of 1");
}

TEST_F(MarksOnShards, WhoIsAddedHearsHowFarTheOthersHaveCome) {
    begin(2);
    const auto pip = session_of("pip", 4);
    bench->bring(pip, sync(1, 1));
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 3));
    bench->pass(2s);
    bench->bring(ann, member(7, 7, Verb::member_add, "pip"));
    ASSERT_EQ(code(*ann, 7), errc::ok);
    bench->pass(2s);
    EXPECT_EQ(others(*pip), (Told{"room:tea: bob 3/3"}));
}

// Its first try is in the store, so that the second finds nothing to move: but nobody was told of it.
TEST_F(MarksOnShards, WhatACommitOfUnknownOutcomeHasMovedIsTold) {
    begin();
    store.sync_fails = true;
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 3));
    EXPECT_FALSE(store.sync_fails);
    bench->pass(2s);
    EXPECT_EQ(others(*ann), (Told{"room:tea: bob 3/3"}));
}

// ---- what is delivered ----

TEST_P(MarksOnWorkers, AnAcknowledgedEntryIsDelivered) {
    begin(GetParam());
    bench->bring(ann, data(7, 7, "news", "room:tea"));
    bench->bring(ann, data(8, 8, "more", "room:tea"));
    EXPECT_EQ(in_store(kTeaOfMarks).at(0).delivered, 0u);
    bench->bring(bob, ack_of_all_lanes(*bob));
    EXPECT_TRUE(others(*ann).empty());
    const std::size_t groups = store.groups;
    bench->pass(1s);
    EXPECT_EQ(store.groups, groups + 1) << "all in one batch";
    EXPECT_EQ(in_store(kTeaOfMarks).at(0), (store::MemberMark{1, 1, 0, 7}));
    EXPECT_EQ(in_store(kTeaOfMarks).at(1).delivered, 0u) << "eve has acknowledged nothing";
    EXPECT_EQ(others(*ann), (Told{"room:tea: bob 0/7"}));
    bench->bring(bob, ack_of_all_lanes(*bob));
    bench->pass(5s);
    EXPECT_EQ(store.groups, groups + 1) << "nothing is new";
}

TEST_F(MarksOnShards, APageThatIsAcknowledgedDeliversWhatItReachesBackTo) {
    start(2);
    bob = session_of("bob", 1);
    ann = session_of("ann", 2);
    end("bob", bob);
    for (std::uint8_t i = 1; i <= 4; ++i) bench->bring(ann, data(i, i, "text", "bob"));
    bench->bring(ann, sync(5, 5));
    bob = session_of("bob", 3);
    bench->bring(bob, sync(1, 1, {.entries = 3, .feeds = true}));
    bench->bring(bob, ack_of_all_lanes(*bob));
    bench->pass(1s);
    EXPECT_TRUE(others(*ann).empty()) << "the first one is missing";
    bench->bring(bob, sync(2, 2, {.entries = 10, .feeds = true}));
    bench->bring(bob, ack_of_all_lanes(*bob));
    bench->pass(1s);
    EXPECT_EQ(others(*ann), (Told{"bob: bob 0/4"}));
}

TEST_F(MarksOnShards, WhatBeginsInTheListIsDelivered) {
    start(2);
    bob = session_of("bob", 1);
    ann = session_of("ann", 2);
    bench->bring(bob, sync(1, 1));
    bench->bring(ann, sync(1, 1));
    bench->bring(ann, data(2, 2, "hello", "bob"));
    bench->bring(bob, ack_of_all_lanes(*bob));
    bench->pass(1s);
    EXPECT_EQ(others(*ann), (Told{"bob: bob 0/1"}));
}

TEST_F(MarksOnShards, WhatTheStoreDoesNotTakeIsWrittenLater) {
    begin();
    bench->bring(ann, data(7, 7, "news", "room:tea"));
    bench->bring(bob, ack_of_all_lanes(*bob));
    store.refuses = errc::busy;
    bench->pass(1s);
    bench->pass(1s);
    EXPECT_TRUE(others(*ann).empty());
    store.refuses = errc::ok;
    bench->pass(1s);
    EXPECT_EQ(others(*ann), (Told{"room:tea: bob 0/6"}));
}

// ---- unread ----

TEST_F(MarksOnShards, UnreadIsToldToTheOwnDevicesAlone) {
    begin(2);
    const auto pad = session_of("bob", 4, "pad");
    bench->bring(pad, sync(1, 1));
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 5));
    bench->bring(bob, unmark(3, 3, "room:tea", epoch, 4));
    EXPECT_EQ(marked(*bob, 3), (wire::im::ReadMark{5, 0, false, 5, 4, 4}));
    bench->pass(2s);
    EXPECT_EQ(others(*ann), (Told{"room:tea: bob 5/5"})) << "for others it stays read";
    bench->bring(pad, sync(2, 2));
    EXPECT_EQ(page(*pad, 2).conversations.at(0).mark->unread_from, 4u);
    bench->bring(pad, mark(3, 3, "room:tea", epoch, 4));
    EXPECT_EQ(marked(*pad, 3)->unread_from, 0u);
    std::vector<std::uint64_t> told;
    for (const std::string& batch : bob->sent) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind != wire::FrameKind::feed) continue;
            const auto feed = wire::im::decode<wire::im::Feed>(frame.body);
            for (const auto& state : feed->states)
                if (state.mark) told.push_back(state.mark->unread_from);
        }
    }
    EXPECT_EQ(told, (std::vector<std::uint64_t>{4, 0})) << "its own one, too, and then that the other has ended it";
}

TEST_F(MarksOnShards, UnreadIsNotBeyondTheLogNorBelowWhatIsSeen) {
    begin();
    bench->bring(bob, unmark(2, 2, "room:tea", epoch, 6));
    EXPECT_EQ(code(*bob, 2), errc::unknown_entry);
    bench->bring(bob, unmark(3, 3, "room:tea", epoch, 0));
    EXPECT_EQ(code(*bob, 3), errc::unknown_entry);
    bench->bring(bob, unmark(4, 4, "room:tea", epoch + 1, 3));
    EXPECT_EQ(code(*bob, 4), errc::epoch_changed);
    bench->bring(bob, unmark(5, 5, "room:soup", epoch, 3));
    EXPECT_EQ(code(*bob, 5), errc::unknown_conversation);
}

// The second one must not be told as the older one of the two.
TEST_F(MarksOnShards, MarksOfAUserAreDoneInTheirOrder) {
    begin();
    const auto pad = session_of("bob", 4, "pad");
    store.by_hand = true;
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 5));
    bench->bring(pad, unmark(1, 1, "room:tea", epoch, 3));
    EXPECT_EQ(store.work.size(), 1u) << "one at a time";
    store.by_hand = false;
    bench->settle();
    EXPECT_EQ(marked(*bob, 2)->unread_from, 0u);
    EXPECT_EQ(marked(*pad, 1)->unread_from, 3u);
}

// ---- readers ----

TEST_F(MarksOnShards, ReadersAreNamedAndCounted) {
    begin();
    bench->bring(bob, mark(2, 2, "room:tea", epoch, 3));
    bench->bring(eve, mark(2, 2, "room:tea", epoch, 5));
    bench->bring(ann, ask_readers(7, 7, 3, epoch));
    EXPECT_EQ(readers(*ann, 7), "bob 3/3 eve 5/5 ; 2 read, 2 have of 2") << "its sender is not counted";
    bench->bring(bob, ask_readers(3, 3, 4));
    EXPECT_EQ(readers(*bob, 3), "eve 5/5 ; 1 read, 1 have of 2");
    bench->bring(ann, ask_readers(8, 8, 3, 0, "", 1));
    EXPECT_EQ(readers(*ann, 8), "bob 3/3 more ; 2 read, 2 have of 2");
    bench->bring(ann, ask_readers(9, 9, 3, 0, "bob", 1));
    EXPECT_EQ(readers(*ann, 9), "eve 5/5 ; 0 read, 0 have of 0") << "counts are on the first page";
}

TEST_F(MarksOnShards, ReadersAreOfMessagesThatCanBeRead) {
    begin();
    bench->bring(ann, ask_readers(7, 7, 6));
    EXPECT_EQ(readers(*ann, 7), "unknown_entry") << "beyond the log";
    bench->bring(ann, ask_readers(8, 8, 1));
    EXPECT_EQ(readers(*ann, 8), "unknown_entry") << "no message";
    bench->bring(ann, ask_readers(9, 9, 3, epoch + 1));
    EXPECT_EQ(readers(*ann, 9), "epoch_changed");
    bench->bring(ann, ask_readers(10, 10, 3, 0, "nobody"));
    EXPECT_EQ(readers(*ann, 10), "unknown_target");
    const auto cat = session_of("cat", 5);
    bench->bring(cat, ask_readers(1, 1, 3));
    EXPECT_EQ(readers(*cat, 1), "unknown_conversation");
    bench->bring(cat, of_room(2, 2, Verb::conversation_join, "room:tea"));
    bench->bring(cat, ask_readers(3, 3, 3));
    EXPECT_EQ(readers(*cat, 3), "unknown_entry") << "below what this member may read";
}

}  // namespace
}  // namespace flare::server::test
