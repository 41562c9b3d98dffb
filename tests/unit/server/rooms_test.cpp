// Rooms: made, joined, changed and read, from a session to the home of the conversation and back.
#include "unit/server/conversation_bench.hpp"

namespace flare::server::test {
namespace {

std::vector<std::string> payloads(const Response& response) {
    const auto page = wire::im::decode<wire::im::HistoryPage>(response.body);
    EXPECT_TRUE(page);
    std::vector<std::string> all;
    for (const auto& entry : page->entries) {
        EXPECT_EQ(entry.rev, 0u) << "nothing was changed";
        all.push_back(entry.kind == model::EntryKind::message
                          ? std::string(entry.from) + ": " + std::string(entry.payload)
                          : "(" + std::string(entry.from) + ")");
    }
    return all;
}

using Lines = std::vector<std::string>;

TEST_F(ConversationsOnShards, ARoomIsMadeJoinedSpokenInAndRead) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    wire::im::ConversationCreate create;
    create.name = "tea";
    create.join = model::Join::open;
    create.visibility = model::Visibility::all;
    // Nothing waits for an answer: the order of a session holds.
    bench->bring(ann, request(1, 1, Verb::conversation_create, create) + data(2, 2, "hello", "room:tea"));
    EXPECT_EQ(responses(*ann).at(message_id(1)).code, errc::ok);
    EXPECT_EQ(answers(*ann).at(message_id(2)), stored(2));
    bench->bring(bob, data(1, 3, "may I?", "room:tea"));
    EXPECT_EQ(answers(*bob).at(message_id(3)).code, errc::unknown_conversation) << "who is no member";
    bench->bring(bob, request(2, 4, Verb::conversation_join, wire::im::ConversationRef{"room:tea"}) +
                          data(3, 5, "hi", "room:tea"));
    EXPECT_EQ(answers(*bob).at(message_id(5)), stored(4));
    wire::im::HistoryQuery query;
    query.conversation = "room:tea";
    bench->bring(bob, request(4, 6, Verb::history, query));
    EXPECT_EQ(payloads(responses(*bob).at(message_id(6))), (Lines{"(ann)", "ann: hello", "(bob)", "bob: hi"}));
    query.before = 3;
    query.limit = 1;
    bench->bring(bob, request(5, 7, Verb::history, query));
    EXPECT_EQ(payloads(responses(*bob).at(message_id(7))), (Lines{"ann: hello"}));
}

// As ConversationsOnShards.WhoIsConnectedIsKnownBeforeItsRowIsWritten, of those whom a request names.
TEST_F(ConversationsOnShards, WhoIsConnectedIsAddedBeforeTheRowIsWritten) {
    start(2);
    session_of("known", 1);
    for (const std::string& name : {bench->user_of(0), bench->user_of(1)}) {
        const auto ann = session_of("ann of " + name, 1);
        store.by_hand = true;
        wire::im::ConversationCreate create;
        create.name = name;
        create.members = {"known", name};
        bench->bring(ann, request(1, 1, Verb::conversation_create, create));
        ASSERT_EQ(store.work.size(), 1u) << "the rows of both are asked for";
        const auto bob = session_of(name, 2);
        store.by_hand = false;
        bench->settle();
        ASSERT_EQ(responses(*ann).at(message_id(1)).code, errc::ok);
        bench->bring(bob, data(1, 2, "hi", "room:" + name));
        EXPECT_EQ(answers(*bob).at(message_id(2)), stored(2)) << "a member writes";
        wire::im::MemberChange change;
        const std::string room = "room:" + name;
        change.conversation = room;
        change.users = {"known", "nobody", name};
        bench->bring(ann, request(2, 3, Verb::member_add, change));
        EXPECT_EQ(responses(*ann).at(message_id(3)).code, errc::unknown_target);
    }
}

TEST_F(ConversationsOnShards, WhoIsRemovedWritesAndReadsNoMore) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    wire::im::ConversationCreate create;
    create.name = "tea";
    create.members = {"bob"};
    bench->bring(ann, request(1, 1, Verb::conversation_create, create));
    bench->bring(bob, data(1, 2, "hi", "room:tea"));
    EXPECT_EQ(answers(*bob).at(message_id(2)), stored(2));
    wire::im::MemberChange out;
    out.conversation = "room:tea";
    out.users = {"bob"};
    bench->bring(ann, request(2, 3, Verb::member_remove, out));
    EXPECT_EQ(responses(*ann).at(message_id(3)).code, errc::ok);
    wire::im::HistoryQuery query;
    query.conversation = "room:tea";
    bench->bring(bob, data(2, 4, "and now?", "room:tea") + request(3, 5, Verb::history, query));
    EXPECT_EQ(answers(*bob).at(message_id(4)).code, errc::unknown_conversation);
    EXPECT_EQ(responses(*bob).at(message_id(5)).code, errc::unknown_conversation);
    // What is in the log is known again, whatever its sender may do now.
    end("bob", bob);
    const auto after = session_of("bob", 3);
    bench->bring(after, again(1, 2, "hi", "room:tea"));
    EXPECT_EQ(answers(*after).at(message_id(2)), stored(2));
}

TEST_F(ConversationsOnShards, ARepeatedRequestAnswersWhatItDid) {
    start();
    const auto before = session_of("ann", 1);
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(before, request(1, 1, Verb::conversation_create, create));
    end("ann", before);
    const auto after = session_of("ann", 2);
    bench->bring(after, request(1, 1, Verb::conversation_create, create, 1000) +
                            request(2, 2, Verb::conversation_create, create));
    EXPECT_EQ(responses(*after).at(message_id(1)).code, errc::ok);
    EXPECT_EQ(responses(*after).at(message_id(2)).code, errc::conversation_exists);
}

TEST_F(ConversationsOnShards, WhatIsSaidInARoomMayComeAgainWithTheRequestThatMakesIt) {
    start();
    const auto ann = session_of("ann", 1);
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(ann, request(1, 1, Verb::conversation_create, create, 1000) + again(2, 2, "hello", "room:tea"));
    EXPECT_EQ(responses(*ann).at(message_id(1)).code, errc::ok);
    EXPECT_EQ(answers(*ann).at(message_id(2)), stored(2));
}

TEST_F(ConversationsOnShards, WhatWasChangedIsNotRefusedBecauseItCannotBeReadAgain) {
    start();
    const auto ann = session_of("ann", 1);
    store.reads_until = store.groups + 1;
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(ann, request(1, 1, Verb::conversation_create, create));
    const Response made = responses(*ann).at(message_id(1));
    EXPECT_EQ(made.code, errc::ok);
    const auto about = wire::im::decode<wire::im::Conversation>(made.body);
    ASSERT_TRUE(about && about->written);
    EXPECT_EQ(about->conversation, "room:tea");
    EXPECT_EQ(about->written->offset, 1u);
    EXPECT_FALSE(about->head);
}

TEST_F(ConversationsOnShards, RequestsThatMakeNoSenseAreRefused) {
    start();
    const auto ann = session_of("ann", 1);
    wire::im::ConversationCreate strange;
    strange.name = "a\tb";
    wire::im::ConversationCreate with_nobody;
    with_nobody.name = "tea";
    with_nobody.members = {"nobody"};
    wire::RequestView broken;
    broken.id = message_id(3);
    broken.verb = Verb::history;
    broken.body = "\xff";
    bench->bring(ann, request(1, 1, Verb::conversation_create, strange) +
                          request(2, 2, Verb::conversation_create, with_nobody) +
                          session::test::numbered(0, 3, wire::encode(broken)) +
                          request(4, 4, Verb::conversation_get, wire::im::ConversationRef{"room:none"}) +
                          request(5, 5, Verb::conversation_leave, wire::im::ConversationRef{"room:none"}));
    EXPECT_EQ(responses(*ann).at(message_id(1)).code, errc::invalid_name);
    EXPECT_EQ(responses(*ann).at(message_id(2)).code, errc::unknown_target);
    EXPECT_EQ(responses(*ann).at(message_id(3)).code, errc::malformed_frame);
    EXPECT_EQ(responses(*ann).at(message_id(4)).code, errc::unknown_conversation);
    EXPECT_EQ(responses(*ann).at(message_id(5)).code, errc::unknown_conversation);
}

TEST_F(ConversationsOnShards, ThePolicySaysWhoMakesRoomsAndOpenOnes) {
    Config config = plain_config();
    config.conversations.room_makers = {"an*", "bob"};
    config.conversations.open_room_makers = {"bob"};
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    wire::im::ConversationCreate closed;
    closed.name = "tea";
    wire::im::ConversationCreate open = closed;
    open.name = "coffee";
    open.join = model::Join::open;
    const auto said = [&](const std::string& user, std::uint8_t attempt, const wire::im::ConversationCreate& create) {
        const auto line = session_of(user, attempt);
        bench->bring(line, request(1, attempt, Verb::conversation_create, create));
        return responses(*line).at(message_id(attempt)).code;
    };
    EXPECT_EQ(said("eve", 1, closed), errc::forbidden);
    EXPECT_EQ(said("ann", 2, open), errc::forbidden);
    EXPECT_EQ(said("ann", 3, closed), errc::ok);
    EXPECT_EQ(said("bob", 4, open), errc::ok);
}

TEST_F(ConversationsOnShards, ARoomThatWasMadeIsKnownWhateverThePolicySaysNow) {
    start();
    const auto before = session_of("ann", 1);
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(before, request(1, 1, Verb::conversation_create, create));
    EXPECT_EQ(responses(*before).at(message_id(1)).code, errc::ok);
    bench.reset();
    Config config = plain_config();
    config.conversations.room_makers = {"bob"};
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    const auto after = session_of("ann", 2);
    wire::im::ConversationCreate other;
    other.name = "coffee";
    bench->bring(after, request(1, 1, Verb::conversation_create, create, 1000) +
                            request(2, 2, Verb::conversation_create, other, 1000) +
                            request(3, 3, Verb::conversation_create, other));
    EXPECT_EQ(responses(*after).at(message_id(1)).code, errc::ok);
    EXPECT_EQ(responses(*after).at(message_id(2)).code, errc::forbidden) << "it only says that it comes again";
    EXPECT_EQ(responses(*after).at(message_id(3)).code, errc::forbidden);
}

TEST_F(ConversationsOnShards, AChangeNamesAHundredUsers) {
    start();
    const auto ann = session_of("ann", 1);
    std::vector<std::string> names;
    for (int i = 0; i < 101; ++i) names.push_back("user" + std::to_string(i));
    wire::im::ConversationCreate create;
    create.name = "tea";
    create.members = {names.begin(), names.end()};
    wire::im::MemberChange change;
    change.conversation = "room:tea";
    bench->bring(ann, request(1, 1, Verb::conversation_create, create) + request(2, 2, Verb::member_add, change));
    change.users = {names.begin(), names.end()};
    bench->bring(ann, request(3, 3, Verb::member_add, change));
    EXPECT_EQ(responses(*ann).at(message_id(1)).code, errc::too_many_members);
    EXPECT_EQ(responses(*ann).at(message_id(2)).code, errc::invalid_name);
    EXPECT_EQ(responses(*ann).at(message_id(3)).code, errc::too_many_members);
}

TEST_F(ConversationsOnShards, LimitsAreThoseOfTheConfiguration) {
    Config config = plain_config();
    config.conversations.limits.device = {1, 6};  // what is refused counts, too
    config.conversations.limits.direct_per_hour = 1;
    config.conversations.limits.payload_bytes = 10;
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    session_of("bob", 1);
    session_of("eve", 2);
    const auto ann = session_of("ann", 3);
    bench->bring(ann, data(1, 1, "ten  bytes", "bob"));
    bench->bring(ann, data(2, 2, "eleven bytes", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(1)), stored(1));
    EXPECT_EQ(answers(*ann).at(message_id(2)).code, errc::message_too_large);
    bench->bring(ann, data(3, 3, "x", "eve"));
    EXPECT_EQ(answers(*ann).at(message_id(3)).code, errc::too_many_conversations);
    wire::im::ConversationCreate create;
    create.name = "tea";
    bench->bring(ann, request(4, 4, Verb::conversation_create, create) + data(5, 5, "eleven bytes", "room:tea"));
    EXPECT_EQ(answers(*ann).at(message_id(5)).code, errc::message_too_large) << "a room is made with it, too";
    bench->bring(ann, data(6, 6, "x", "bob") + data(7, 7, "x", "bob"));
    EXPECT_EQ(answers(*ann).at(message_id(6)), stored(2));
    EXPECT_EQ(answers(*ann).at(message_id(7)).code, errc::rate_limited);
}

TEST_F(ConversationsOnShards, ALimitOfNoneLetsUsersBeginAnyNumber) {
    Config config = plain_config();
    config.conversations.limits.direct_per_hour = 0;
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    for (std::uint8_t i = 0; i < 3; ++i) session_of("friend" + std::to_string(i), i + 1);
    const auto ann = session_of("ann", 100);
    for (std::uint8_t i = 0; i < 3; ++i) {
        bench->bring(ann, data(i + 1, i + 1, "hi", "friend" + std::to_string(i)));
        EXPECT_EQ(answers(*ann).at(message_id(i + 1)), stored(1));
    }
}

TEST_F(ConversationsOnShards, AChangeWithoutMemoryIsPutOff) {
    Config config = plain_config();
    config.max_memory_bytes = 1 << 20;
    bench = std::make_unique<ShardBench>(std::move(config), nullptr, &store);
    session_of("bob", 1);
    const auto ann = session_of("ann", 2);
    const auto eve = session_of("eve", 3);
    store.by_hand = true;
    for (std::uint8_t i = 1; i <= 8; ++i) bench->bring(ann, data(i, i, std::string(60'000, 'x'), "bob"));
    bench->bring(eve, data(1, 20, std::string(39'600, 'x'), "bob"));
    wire::im::MemberChange out;
    out.conversation = "room:tea";
    out.users = {"bob"};
    bench->bring(eve, request(2, 21, Verb::member_remove, out));
    EXPECT_EQ(responses(*eve).at(message_id(21)).code, errc::busy);
    store.by_hand = false;
    bench->settle();
}

TEST_F(ConversationsOnShards, MembersAreListedToMembers) {
    start(2);
    const auto bob = session_of("bob", 1);
    const auto eve = session_of("eve", 2);
    const auto ann = session_of("ann", 3);
    wire::im::ConversationCreate create;
    create.name = "tea";
    create.title = "Tea at five";
    create.members = {"bob"};
    wire::im::MemberQuery query;
    query.conversation = "room:tea";
    bench->bring(ann, request(1, 1, Verb::conversation_create, create) + request(2, 2, Verb::member_list, query) +
                          request(3, 3, Verb::conversation_get, wire::im::ConversationRef{"room:tea"}));
    bench->bring(eve, request(1, 4, Verb::member_list, query));
    const auto asked = responses(*ann);
    bench->bring(bob, request(1, 5, Verb::member_list, query) +
                          request(2, 6, Verb::conversation_get, wire::im::ConversationRef{"room:tea"}));
    const auto got = responses(*bob);
    const auto page = *wire::im::decode<wire::im::MemberPage>(got.at(message_id(5)).body);
    std::map<std::string, model::Role> roles;
    for (const auto& member : page.members) roles[std::string(member.user)] = member.role;
    EXPECT_EQ(roles, (std::map<std::string, model::Role>{{"ann", model::Role::owner}, {"bob", model::Role::member}}));
    const auto about = *wire::im::decode<wire::im::Conversation>(got.at(message_id(6)).body);
    EXPECT_EQ(about.title, "Tea at five");
    EXPECT_EQ(about.role, model::Role::member);
    EXPECT_EQ(about.members, 2u);
    EXPECT_EQ(responses(*eve).at(message_id(4)).code, errc::unknown_conversation);
}

}  // namespace
}  // namespace flare::server::test
