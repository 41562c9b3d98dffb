// Pages of the list of a user's conversations: server/conversations/sync_reading.hpp.
#include "server/conversations/sync_reading.hpp"

#include "store/memory/memory.hpp"
#include "wire/entries.hpp"
#include "wire/sync.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace flare::server::reading {
namespace {

using Names = std::vector<std::string>;

constexpr std::uint64_t kListingNow = 1'700'000'000'000;

class PagesOfAList : public ::testing::Test {
protected:
    PagesOfAList() {
        for (const char* const name : {"ann", "bob", "eve"}) users[name] = commit(store::NewUser{name}).row;
    }
    store::Outcome commit(decltype(store::Write::what) what) {
        batch.writes.emplace_back().what = std::move(what);
        store::WriteBatch* const group[] = {&batch};
        EXPECT_TRUE(engine->commit(group, kListingNow));
        const store::Outcome outcome = batch.writes.front().outcome;
        EXPECT_EQ(outcome.code, errc::ok);
        batch.clear();
        return outcome;
    }
    store::NewEntry entry(store::Row conversation, const std::string& sender, std::string_view payload,
                          std::uint8_t flags = 0) {
        store::NewEntry made;
        made.conversation = conversation;
        made.sender = users.at(sender);
        made.id.bytes[0] = static_cast<std::uint8_t>(++written);
        made.id.bytes[1] = static_cast<std::uint8_t>(written >> 8);
        made.id.bytes[2] = static_cast<std::uint8_t>(written >> 16);
        made.flags = flags;
        made.type = batch.add("chat");
        made.payload = batch.add(payload);
        return made;
    }
    std::uint64_t write(store::Row conversation, const std::string& sender, std::string_view payload = "hello",
                        std::uint8_t flags = 0) {
        return commit(entry(conversation, sender, payload, flags)).position.offset;
    }
    // Its maker's, without a first entry.
    store::Row make(const model::ConversationKey& key, const Names& members,
                    model::Visibility visibility = model::Visibility::all) {
        store::Change change;
        change.key = key;
        change.config.emplace();
        change.config->visibility = visibility;
        for (const std::string& each : members)
            change.members.push_back({.user = users.at(each), .role = model::Role::member, .joined_at = kListingNow});
        return commit(std::move(change)).row;
    }
    store::Row make_room(const std::string& name, const Names& members = {"ann", "bob"}) {
        return make(model::ConversationKey::room(name), members);
    }
    store::Row make_direct(const std::string& one, const std::string& other) {
        return make(model::ConversationKey::direct(one, other), one == other ? Names{one} : Names{one, other});
    }
    // With an entry that tells it.
    void set_member(store::Row conversation, const std::string& user, model::Role role) {
        store::Change change;
        change.conversation = conversation;
        model::Member member{.user = users.at(user), .role = role, .joined_at = kListingNow};
        if (role == model::Role::none) member.left_at = kListingNow;
        member.visible_from = 0;
        change.members.push_back(member);
        change.entry = entry(conversation, "bob", "");
        change.entry->kind = model::EntryKind::membership;
        change.entry->payload = batch.add(wire::encode(wire::ConversationChange()));
        commit(std::move(change));
    }
    void mark(store::Row conversation, std::uint64_t offset, const std::string& user = "ann") {
        commit(store::Mark{conversation, users.at(user), offset});
    }

    struct Listing {
        SyncFound found;
        std::string body;
        wire::im::SyncPage page;
    };
    Listing read(SyncQuestion question) {
        if (question.user.empty()) question.user = "ann";
        Listing made{sync_page(*engine->reader(), question), {}, {}};
        EXPECT_EQ(made.found.code, errc::ok);
        const std::vector<std::uint32_t> feeds(made.found.conversations.size() + made.found.rest.size());
        made.body = encode(made.found, feeds);
        // Whoever comes later gets the same, with what is kept of those before.
        question.newest = newest;
        for (int again = 0; again < 2; ++again)
            EXPECT_EQ(encode(sync_page(*engine->reader(), question), feeds), made.body);
        EXPECT_LE(made.body.size(), wire::kMaxResponseBytes);
        auto page = wire::im::decode<wire::im::SyncPage>(made.body);
        EXPECT_TRUE(page);
        if (page) made.page = std::move(*page);
        return made;
    }
    Listing read(std::uint32_t entries = 0) { return read({.user = "ann", .entries = entries}); }
    Listing since(std::string_view cursor, SyncQuestion question = {}) {
        question.place = *place_of(cursor, "");
        return read(question);
    }
    static Names names(const Listing& listing) {
        Names all;
        for (const auto& each : listing.page.conversations) all.emplace_back(each.about->conversation);
        return all;
    }
    static Names gone(const Listing& listing) { return {listing.page.gone.begin(), listing.page.gone.end()}; }
    static std::vector<std::uint64_t> offsets(const wire::im::SyncedConversation& of) {
        std::vector<std::uint64_t> all;
        for (const wire::im::Entry& each : of.entries) all.push_back(each.offset);
        return all;
    }

    store::memory::Disk disk{7};
    std::unique_ptr<store::Engine> engine = store::memory::open(disk);
    std::map<std::string, store::Row> users;
    store::WriteBatch batch;
    unsigned written = 0;
    const NewestEntriesPtr newest = std::make_shared<NewestEntries>();
};

TEST_F(PagesOfAList, ShowTheNewestActivityFirst) {
    const store::Row tea = make_room("tea");
    const store::Row bob = make_direct("ann", "bob");
    make_direct("eve", "bob");
    make_room("away", {"bob"});
    write(tea, "bob");
    write(bob, "bob", "for you");
    write(tea, "ann");
    const Listing list = read(10);
    EXPECT_EQ(names(list), (Names{"room:tea", "bob"}));
    EXPECT_TRUE(list.page.whole);
    EXPECT_TRUE(list.page.next.empty());
    EXPECT_TRUE(list.page.gone.empty());
    const wire::im::SyncedConversation& first = list.page.conversations[0];
    EXPECT_EQ(first.about->head->last, 2u);
    EXPECT_EQ(first.about->members, 2u);
    EXPECT_EQ(first.about->role, model::Role::member);
    EXPECT_EQ(first.last_ms, static_cast<std::int64_t>(kListingNow));
    EXPECT_EQ(offsets(first), (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(first.entries[1].from, "ann");
    EXPECT_EQ(list.page.conversations[1].entries[0].payload, "for you");
}

TEST_F(PagesOfAList, NameConversationsAsTheirUserDoes) {
    make_direct("ann", "bob");
    make_direct("ann", "ann");
    make_room("tea");
    EXPECT_EQ(names(read()), (Names{"room:tea", "ann", "bob"}));
    EXPECT_EQ(names(read({.user = "bob"})), (Names{"room:tea", "ann"}));
}

TEST_F(PagesOfAList, AreEmptyForWhoeverIsNotKnownYet) {
    const Listing list = read({.user = "nobody"});
    EXPECT_TRUE(list.page.conversations.empty());
    EXPECT_TRUE(list.page.whole);
    EXPECT_FALSE(list.page.cursor.empty());
}

// Whatever happens while the pages are read, it is on one of them or in the next sync.
TEST_F(PagesOfAList, ArePinnedToWhatTheFirstOneSaw) {
    std::vector<store::Row> rooms;
    for (int i = 0; i < 5; ++i) rooms.push_back(make_room("r" + std::to_string(i)));
    Listing page = read({.user = "ann", .limit = 2});
    Names all = names(page);
    const std::string cursor(page.page.cursor);
    write(rooms[1], "bob");
    set_member(rooms[0], "ann", model::Role::none);
    for (int pages = 1; !page.page.next.empty() && pages < 10; ++pages) {
        page = read({.user = "ann", .place = *place_of("", page.page.next), .limit = 2});
        EXPECT_EQ(page.page.cursor, cursor) << "the same on every page";
        EXPECT_TRUE(page.page.whole);
        for (const std::string& each : names(page)) all.push_back(each);
    }
    EXPECT_EQ(all, (Names{"room:r4", "room:r3", "room:r2"}));
    const Listing next = since(cursor);
    EXPECT_FALSE(next.page.whole);
    EXPECT_EQ(names(next), (Names{"room:r1"}));
    EXPECT_EQ(gone(next), (Names{"room:r0"}));
}

TEST_F(PagesOfAList, ShowWhatHasChangedSinceACursor) {
    const store::Row tea = make_room("tea");
    make_room("old");
    const std::string cursor(read().page.cursor);
    EXPECT_TRUE(since(cursor).page.conversations.empty());
    EXPECT_FALSE(since(cursor).page.whole);
    write(tea, "bob");
    EXPECT_EQ(names(since(cursor)), (Names{"room:tea"}));
    const std::string later(since(cursor).page.cursor);
    mark(tea, 1);
    EXPECT_EQ(names(since(later)), (Names{"room:tea"})) << "a mark of another device is a change";
    mark(tea, 1, "bob");
    EXPECT_TRUE(since(since(later).page.cursor).page.conversations.empty()) << "that of another user is not";
}

TEST_F(PagesOfAList, OfAnotherGenerationShowEverything) {
    make_room("tea");
    const std::string cursor(read().page.cursor);
    const SyncPlace place = *place_of(cursor, "");
    const Listing other = since(cursor_of(place.generation + 1, place.above));
    EXPECT_TRUE(other.page.whole);
    EXPECT_EQ(names(other), (Names{"room:tea"}));
    EXPECT_EQ(other.page.cursor, cursor);
    const Listing ahead = since(cursor_of(place.generation, place.above + 1000));
    EXPECT_TRUE(ahead.page.whole) << "of a store that has been further";
    EXPECT_EQ(names(ahead), (Names{"room:tea"}));
    EXPECT_TRUE(since(cursor_of(place.generation, 0)).page.whole);
}

TEST_F(PagesOfAList, BehindOneOfAnotherGenerationAreRefused) {
    for (int i = 0; i < 3; ++i) make_room("r" + std::to_string(i));
    const Listing first = read({.user = "ann", .limit = 1});
    SyncPlace place = *place_of("", first.page.next);
    place.generation += 1;
    const SyncFound second = sync_page(*engine->reader(), {.user = "ann", .place = place});
    EXPECT_EQ(second.code, errc::epoch_changed);
    EXPECT_NE(second.text.find("sync again"), std::string_view::npos);
}

TEST_F(PagesOfAList, HaveCursorsAndTokensThatAreChecked) {
    for (int i = 0; i < 3; ++i) make_room("r" + std::to_string(i));
    const Listing first = read({.user = "ann", .limit = 1});
    const std::string cursor(first.page.cursor);
    const std::string token(first.page.next);
    EXPECT_EQ(cursor.size(), 16u);
    EXPECT_LE(token.size(), wire::im::kMaxCursorBytes);
    EXPECT_TRUE(place_of("", "")->first_page());
    EXPECT_TRUE(place_of(cursor, "")->first_page());
    EXPECT_FALSE(place_of(cursor, token)->first_page());
    EXPECT_TRUE(place_of("any", token)) << "with a page the cursor is not read";
    for (std::size_t size = 1; size < cursor.size(); ++size) EXPECT_FALSE(place_of(cursor.substr(0, size), ""));
    for (std::size_t size = 1; size < token.size(); ++size) EXPECT_FALSE(place_of("", token.substr(0, size)));
    EXPECT_FALSE(place_of(cursor + "x", ""));
    EXPECT_FALSE(place_of("", token + "x"));
    SyncPlace place = *place_of("", token);
    EXPECT_EQ(token_of(place), token);
    place.before_stamp = place.upto + 1;
    EXPECT_TRUE(place_of("", token_of(place))) << "the first page may show what was committed while it was read";
    place.before_stamp = place.above;
    EXPECT_FALSE(place_of("", token_of(place)));
    place.above = place.upto + 1;
    place.before_stamp = place.above + 1;
    EXPECT_FALSE(place_of("", token_of(place))) << "a pin before the cursor";
    EXPECT_FALSE(place_of("", token_of({.generation = 7, .upto = 0, .before_stamp = 0}))) << "no pin";
}

TEST_F(PagesOfAList, NameWhatIsGone) {
    const store::Row tea = make_room("tea");
    const store::Row ball = make_room("ball");
    const std::string cursor(read().page.cursor);
    set_member(tea, "ann", model::Role::none);
    store::Change end;
    end.conversation = ball;
    end.removed = true;
    commit(std::move(end));
    const Listing list = since(cursor);
    EXPECT_TRUE(list.page.conversations.empty());
    EXPECT_EQ(gone(list), (Names{"room:ball", "room:tea"}));
    EXPECT_TRUE(read().page.gone.empty()) << "who asks for everything knows nothing that could be gone";
    EXPECT_TRUE(names(read()).empty());
    set_member(tea, "ann", model::Role::member);
    EXPECT_EQ(names(since(cursor)), (Names{"room:tea"}));
}

// Under the same name: one that is gone does not take the other one with it, on whatever page it comes.
TEST_F(PagesOfAList, DoNotCallGoneWhatIsThereAgain) {
    const store::Row before = make_room("tea");
    const std::string cursor(read().page.cursor);
    store::Change end;
    end.conversation = before;
    end.removed = true;
    commit(std::move(end));
    EXPECT_EQ(gone(since(cursor)), (Names{"room:tea"}));
    make_room("tea", {"bob"});
    EXPECT_EQ(gone(since(cursor)), (Names{"room:tea"})) << "the user is not in it";
    set_member((*engine->reader()->conversation(model::ConversationKey::room("tea")))->row, "ann", model::Role::member);
    const Listing list = since(cursor);
    EXPECT_EQ(names(list), (Names{"room:tea"}));
    EXPECT_TRUE(gone(list).empty());
}

TEST_F(PagesOfAList, CountUnreadMessagesOfOthers) {
    const store::Row tea = make_room("tea");
    const auto unread = [&] {
        const Listing list = read();
        return list.page.conversations.at(0).mark.value();
    };
    EXPECT_EQ(unread(), (wire::im::ReadMark{0, 0, false}));
    write(tea, "bob");
    EXPECT_EQ(unread(), (wire::im::ReadMark{0, 1, false}));
    write(tea, "ann");
    EXPECT_EQ(unread(), (wire::im::ReadMark{0, 1, false})) << "not the own ones";
    write(tea, "bob", "psst", model::kSilent);
    EXPECT_EQ(unread(), (wire::im::ReadMark{0, 1, false})) << "not silent ones";
    mark(tea, 3);
    EXPECT_EQ(unread(), (wire::im::ReadMark{3, 0, false}));
    for (int i = 0; i < 999; ++i) write(tea, "bob");
    EXPECT_EQ(unread(), (wire::im::ReadMark{3, 999, false}));
    write(tea, "bob");
    EXPECT_EQ(unread(), (wire::im::ReadMark{3, 999, true}));
}

TEST_F(PagesOfAList, ShowAMemberNothingFromBeforeItJoined) {
    const store::Row tea = make(model::ConversationKey::room("tea"), {"bob"}, model::Visibility::since_join);
    for (int i = 0; i < 5; ++i) write(tea, "bob");
    set_member(tea, "ann", model::Role::member);
    write(tea, "bob");
    const Listing list = read(50);
    ASSERT_EQ(names(list), (Names{"room:tea"}));
    const wire::im::SyncedConversation& tea_now = list.page.conversations[0];
    EXPECT_EQ(tea_now.about->visible_from, 6u);
    EXPECT_EQ(offsets(tea_now), (std::vector<std::uint64_t>{6, 7}));
    EXPECT_EQ(tea_now.mark->unread, 1u);
}

// read() compares what was kept for others with what the store says.
TEST_F(PagesOfAList, ShowEachMemberTheNewestEntriesAsTheyAreNow) {
    const store::Row tea = make(model::ConversationKey::room("tea"), {"bob"}, model::Visibility::since_join);
    for (int i = 0; i < 5; ++i) write(tea, "bob");
    set_member(tea, "ann", model::Role::member);
    const auto told = [&](const std::string& user) {
        std::vector<std::string> texts;
        const Listing list = read({.user = user, .entries = 4});
        for (const auto& each : list.page.conversations.at(0).entries)
            texts.push_back(std::to_string(each.offset) + " " + std::string(each.payload));
        return texts;
    };
    EXPECT_EQ(told("bob").size(), 4u);
    EXPECT_EQ(told("ann").size(), 1u) << "the rest was before it came";
    write(tea, "ann", "text");
    EXPECT_EQ(told("bob").back(), "7 text");
    EXPECT_EQ(told("ann").back(), "7 text");
    store::NewEntry edit = entry(tea, "ann", "edited");
    edit.kind = model::EntryKind::edit;
    edit.ref = 7;
    commit(std::move(edit));
    EXPECT_EQ(told("bob").at(2), "7 edited");
    store::NewEntry removal = entry(tea, "ann", "");
    removal.kind = model::EntryKind::removal;
    removal.ref = 7;
    commit(std::move(removal));
    EXPECT_EQ(told("bob").at(1), "7 ");
    EXPECT_EQ(told("ann").at(1), "7 ");
    store::Change cut;
    cut.conversation = tea;
    cut.keep_from = 8;
    commit(std::move(cut));
    EXPECT_EQ(told("bob").size(), 2u);
}

TEST_F(PagesOfAList, HaveAsManyEntriesAsThereIsRoomFor) {
    const store::Row tea = make_room("tea");
    const store::Row ball = make_room("ball");
    for (int i = 0; i < 60; ++i) write(ball, "bob", std::string(5000, 'b'));
    for (int i = 0; i < 60; ++i) write(tea, "bob", "short");
    EXPECT_TRUE(read(0).page.conversations[0].entries.empty());
    EXPECT_EQ(offsets(read(1).page.conversations[0]), (std::vector<std::uint64_t>{60}));
    const Listing list = read(50);
    EXPECT_EQ(list.page.conversations[0].entries.size(), 50u);
    const auto& large = list.page.conversations[1].entries;
    EXPECT_GT(large.size(), 30u);
    EXPECT_LT(large.size(), 50u) << "256 KiB are full";
    EXPECT_EQ(large.back().offset, 60u) << "the newest ones";
    EXPECT_LE(list.body.size(), kSyncEntryBytes + 1024);
}

TEST_F(PagesOfAList, HaveNoEntryThatIsLargerThanThePage) {
    const store::Row tea = make_room("tea");
    write(tea, "bob", "before");
    write(tea, "bob", std::string(kSyncEntryBytes, 'x'));
    const Listing list = read(10);
    EXPECT_TRUE(list.page.conversations[0].entries.empty());
    EXPECT_EQ(list.page.conversations[0].about->head->last, 2u);
}

// Everything as long as it may be: the page is a response.
TEST_F(PagesOfAList, AreResponsesHoweverLongTheNamesAre) {
    for (std::size_t i = 0; i < wire::im::kMaxSyncPage + 5; ++i) {
        std::string other(250, 'u');
        other += std::to_string(1000 + i);
        users[other] = commit(store::NewUser{other}).row;
        const store::Row row = make_direct("ann", other);
        for (int n = 0; n < 20; ++n) write(row, other, std::string(100, 'm'));
    }
    const Listing list = read({.user = "ann", .limit = 200, .entries = 50});
    EXPECT_EQ(list.page.conversations.size(), 200u);
    EXPECT_FALSE(list.page.next.empty());
    EXPECT_EQ(read({.user = "ann", .place = *place_of("", list.page.next), .limit = 200}).page.conversations.size(),
              5u);
    EXPECT_EQ(read().page.conversations.size(), 20u) << "without a limit";
}

// ---- feeds ----

TEST_F(PagesOfAList, SayWhereFeedsBeginAndForWhat) {
    const store::Row tea = make_room("tea");
    write(tea, "bob");
    Names crowd{"ann"};
    for (int i = 0; i < 256; ++i) {
        crowd.push_back("user" + std::to_string(i));
        users[crowd.back()] = commit(store::NewUser{crowd.back()}).row;
    }
    make_room("large", crowd);
    crowd.pop_back();
    make_room("full", crowd);
    const SyncFound found = read().found;
    ASSERT_EQ(found.conversations.size(), 3u);
    EXPECT_TRUE(found.conversations[0].live) << "256 members";
    EXPECT_FALSE(found.conversations[1].live) << "257 members";
    const Synced& of_tea = found.conversations[2];
    EXPECT_TRUE(of_tea.live);
    EXPECT_EQ(of_tea.key, model::ConversationKey::room("tea"));
    EXPECT_EQ(of_tea.opening.conversation, tea);
    EXPECT_EQ(of_tea.opening.user, users.at("ann"));
    EXPECT_EQ(of_tea.opening.as_of, 1u);
    EXPECT_EQ(of_tea.opening.next, 2u);
}

TEST_F(PagesOfAList, NameWhatHasNotChangedOnTheLastOne) {
    std::vector<store::Row> rooms;
    for (int i = 0; i < 6; ++i) rooms.push_back(make_room("r" + std::to_string(i)));
    const std::string cursor(read().page.cursor);
    write(rooms[0], "bob");
    write(rooms[1], "bob");
    const Listing first = since(cursor, {.limit = 1, .most_rest = 3});
    EXPECT_EQ(names(first), (Names{"room:r1"}));
    EXPECT_TRUE(first.found.rest.empty());
    const Listing last = read({.place = *place_of("", first.page.next), .limit = 1, .most_rest = 3});
    EXPECT_EQ(names(last), (Names{"room:r0"}));
    Names rest;
    for (const Synced& each : last.found.rest) rest.push_back(each.name);
    EXPECT_EQ(rest, (Names{"room:r5", "room:r4", "room:r3"}));
    const std::vector<std::uint32_t> feeds{4, 5, 0, 6};
    const std::string body = encode(last.found, feeds);
    const auto page = wire::im::decode<wire::im::SyncPage>(body);
    EXPECT_EQ(page->conversations[0].feed, 4u);
    ASSERT_EQ(page->feeds.size(), 2u) << "one of them has no feed";
    EXPECT_EQ(page->feeds[0].conversation, "room:r5");
    EXPECT_EQ(page->feeds[1].conversation, "room:r3");
    EXPECT_EQ(page->feeds[1].feed, 6u);
    EXPECT_EQ(wire::im::encode(*page).size(), body.size()) << "and nothing else";
    EXPECT_TRUE(since(cursor, {.most_rest = 0}).found.rest.empty());
}

TEST_F(PagesOfAList, BeginWithWhatIsNew) {
    const store::Row tea = make(model::ConversationKey::room("tea"), {"bob"}, model::Visibility::since_join);
    for (int i = 0; i < 5; ++i) write(tea, "bob");
    set_member(tea, "ann", model::Role::member);
    const std::uint64_t stamp = engine->about().stamp;
    for (int i = 0; i < 15; ++i) write(tea, "bob");
    const BeganQuestion question{model::ConversationKey::room("tea"), "ann", stamp, 9};
    const BeganFound found = began(*engine->reader(), question);
    ASSERT_EQ(found.code, errc::ok);
    EXPECT_TRUE(found.live);
    EXPECT_EQ(found.body.feed_id, 9u);
    EXPECT_EQ(found.opening.next, 22u);
    const auto frame = wire::im::decode<wire::im::Feed>(found.body.content());
    ASSERT_TRUE(frame && frame->began);
    EXPECT_EQ(frame->began->about->conversation, "room:tea");
    EXPECT_EQ(frame->began->feed, 9u);
    EXPECT_EQ(frame->began->mark->offset, 6u) << "who joins has read what was there";
    EXPECT_EQ(frame->began->entries.size(), 10u);
    EXPECT_EQ(frame->began->entries.back().offset, 21u);

    BeganQuestion full = question;
    full.may_live = false;
    const BeganFound listed = began(*engine->reader(), full);
    EXPECT_FALSE(listed.live);
    EXPECT_EQ(wire::im::decode<wire::im::Feed>(listed.body.content())->began->feed, 0u);
    set_member(tea, "ann", model::Role::none);
    EXPECT_EQ(began(*engine->reader(), question).code, errc::unknown_conversation);
    EXPECT_EQ(began(*engine->reader(), {model::ConversationKey::room("none"), "ann", stamp, 9}).code,
              errc::unknown_conversation);
}

}  // namespace
}  // namespace flare::server::reading
