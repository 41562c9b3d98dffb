// What a client makes of invitations in the pages of a sync, and of states that say that there is one.
#include "unit/client/syncing.hpp"

namespace flare::client {
namespace {

using namespace std::chrono_literals;
using test::Named;

class ToldInvitations : public test::Syncing {
protected:
    // As a page names the invitation to a room, by bob.
    static wire::im::SyncedConversation invitation(std::string_view name) {
        wire::im::SyncedConversation made;
        made.about.emplace();
        made.about->conversation = name;
        made.about->head = wire::im::Head{7, 1, 0, 0};
        made.about->invited_by = "bob";
        made.about->members = 3;
        made.about->title = "Tea";
        made.last_ms = 9'000;
        return made;
    }
    wire::im::SyncPage page_with(std::string_view invited, const std::vector<Named>& named, std::string_view cursor,
                                 bool whole = false) {
        wire::im::SyncPage made = page(named, cursor, whole);
        made.conversations.push_back(invitation(invited));
        return made;
    }
    void told_of(std::string_view name) {
        wire::im::ConversationState state;
        state.conversation = name;
        state.invited = true;
        wire::im::Feed frame;
        frame.states = {state};
        (void)tell(0, std::move(frame));
    }
    void pass(session::Duration passes) {
        time += passes;
        if (sync.next_deadline() <= time) sync.on_time();
    }
    // The sync that a state asks for, with its answer.
    void ask_and_answer(const wire::im::SyncPage& with) {
        pass(1s);
        EXPECT_NE(asked(), "");
        answer(with);
    }
    std::string invitations() const {
        std::string names;
        for (const auto& each : sync.list(true)) names += each.about.name + " ";
        return names;
    }
    std::string conversations() const {
        std::string names;
        for (const auto& each : sync.list()) names += each.about.name + " ";
        return names;
    }
};

TEST_F(ToldInvitations, AreApartFromConversations) {
    session = true;
    sync.begin_session();
    answer(page_with("room:tea", {{"room:soup", 3, 12, 9, 8, 4}}, "c1", true));
    EXPECT_EQ(handled(), "[room:soup 12, 4] {room:tea by bob} synced; ");
    EXPECT_EQ(conversations(), "room:soup ");
    ASSERT_EQ(invitations(), "room:tea ");
    const Invitation found = invitation_of(sync.list(true).front());
    EXPECT_EQ(found.invited_by, "bob");
    EXPECT_EQ(found.config.title, "Tea");
    EXPECT_EQ(found.members, 3u);
    EXPECT_EQ(found.time, wire::to_time(9'000));
}

TEST_F(ToldInvitations, AStateAsksForThem) {
    synced({{"room:soup", 3, 12}});
    told_of("room:tea");
    ask_and_answer(page_with("room:tea", {}, "c2"));
    EXPECT_EQ(handled(), "{room:tea by bob} synced; ");
    told_of("room:tea");
    wire::im::SyncPage gone = page({}, "c3");
    gone.gone = {"room:tea"};
    ask_and_answer(gone);
    EXPECT_EQ(handled(), "{room:tea no longer} synced; ");
    EXPECT_EQ(invitations(), "");
}

TEST_F(ToldInvitations, ManyStatesAskOnceASecond) {
    synced({});
    told_of("room:tea");
    told_of("room:soup");
    ask_and_answer(page_with("room:tea", {}, "c2"));
    (void)handled();
    for (int i = 0; i < 100; ++i) told_of("room:cake");
    pass(500ms);
    EXPECT_EQ(asked(), "") << "not yet";
    pass(500ms);
    EXPECT_NE(asked(), "") << "however many there are";
}

TEST_F(ToldInvitations, AcceptingOneMakesItAConversation) {
    session = true;
    sync.begin_session();
    answer(page_with("room:tea", {}, "c1", true));
    (void)handled();
    wire::im::Feed frame;
    frame.began = wire_of(kept({"room:tea", 5, 12, 12, 11, 0, 7, 12}));
    (void)tell(5, std::move(frame));
    EXPECT_EQ(heard(), "room:tea 12; {room:tea no longer} [room:tea 12, 1] ");
    EXPECT_EQ(conversations(), "room:tea ");
    EXPECT_EQ(invitations(), "");
}

TEST_F(ToldInvitations, ForARoomThatWasLeftReplaceIt) {
    synced({{"room:tea", 0, 12, 0, 12}});
    told_of("room:tea");
    ask_and_answer(page_with("room:tea", {}, "c2"));
    EXPECT_EQ(handled(), "[room:tea gone] {room:tea by bob} synced; ");
    EXPECT_EQ(conversations(), "");
    EXPECT_EQ(invitations(), "room:tea ");
}

// A page that was read before the user accepted comes after what says that they are a member.
TEST_F(ToldInvitations, OfAnOlderPageAreAskedForAgain) {
    synced({});
    told_of("room:tea");
    pass(1s);
    EXPECT_NE(asked(), "");
    wire::im::Feed frame;
    frame.began = wire_of(kept({"room:tea", 5, 12, 12, 11, 0, 7, 12}));
    (void)tell(5, std::move(frame));
    answer(page_with("room:tea", {}, "c2"));
    EXPECT_EQ(handled(), "room:tea 12; [room:tea 12, 1] ");
    EXPECT_NE(asked(), "") << "from the same cursor";
    answer(page({{"room:tea", 5, 12, 12, 11, 0, 7, 12}}, "c3"));
    (void)handled();
    EXPECT_EQ(conversations(), "room:tea ");
    EXPECT_EQ(invitations(), "");
}

// And whoever has been a member since then, and is none any more, is not invited either.
TEST_F(ToldInvitations, OfAPageFromBeforeTheUserCameAndWentAreAskedForAgain) {
    std::uint32_t feed = 4;
    const auto begin = [this, &feed] {
        wire::im::Feed frame;
        frame.began = wire_of(kept({"room:tea", ++feed, 12, 12, 11, 0, 7, 12}));
        (void)tell(feed, std::move(frame));
    };
    const std::vector<std::function<void()>> ends{
        [this, &feed] { (void)tell(feed, std::vector<wire::im::Entry>{}, 13); },
        [this] {
            wire::im::ConversationState state;
            state.conversation = "room:tea";
            state.epoch = 7;
            state.last = 13;
            state.gone = true;
            wire::im::Feed frame;
            frame.states = {state};
            (void)tell(0, std::move(frame));
        },
        [this] {
            sync.watch({wire::Verb::conversation_leave, "room:tea", {}}, [](const Answer&) {})(Answer());
        },
    };
    synced({});
    for (std::size_t i = 0; i < ends.size(); ++i) {
        SCOPED_TRACE(i);
        told_of("room:tea");
        pass(1s);
        EXPECT_NE(asked(), "");
        begin();
        ends[i]();
        answer(page_with("room:tea", {}, "c2"));
        (void)handled();
        EXPECT_NE(asked(), "");
        wire::im::SyncPage gone = page({}, "c3");
        gone.gone = {"room:tea"};
        answer(gone);
        (void)handled();
        EXPECT_EQ(invitations(), "");
        EXPECT_EQ(conversations(), "");
    }
}

// What the application has subscribed to says itself when it is over, but nothing of invitations.
TEST_F(ToldInvitations, AreOverWhateverTheApplicationHasSubscribedTo) {
    synced({{"room:tea", 0, 12}});
    subscribe("room:tea");
    begun(5, 13, 12);
    (void)handled();
    next_session();
    answer(page_with("room:tea", {}, "c2", true));
    (void)handled();
    ASSERT_EQ(invitations(), "room:tea ");
    const auto renewal = take_request();  // not answered
    EXPECT_TRUE(renewal.text().starts_with("subscribe room:tea")) << renewal.text();
    told_of("room:tea");
    wire::im::SyncPage gone = page({}, "c3");
    gone.gone = {"room:tea"};
    ask_and_answer(gone);
    (void)handled();
    EXPECT_EQ(invitations(), "");
}

TEST_F(ToldInvitations, AreNoConversationsThatEntriesOrMarksChange) {
    session = true;
    sync.begin_session();
    answer(page_with("room:tea", {}, "c1", true));
    (void)handled();
    mark_read("room:tea", 3);
    wire::im::ConversationState state;
    state.conversation = "room:tea";
    state.epoch = 7;
    state.last = 20;
    state.gone = true;
    wire::im::Feed frame;
    frame.states = {state};
    (void)tell(0, std::move(frame));
    EXPECT_EQ(invitations(), "room:tea ") << "of a membership that ended before";
}

}  // namespace
}  // namespace flare::client
