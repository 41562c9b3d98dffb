// Calls about conversations as bodies of requests, and answers as what applications get: docs/wire.md, "Bodies of
// requests".
#include "client/im/bodies.hpp"

#include "wire/compression.hpp"
#include "wire/entries.hpp"
#include "wire/requests.hpp"

#include <gtest/gtest.h>

#include <random>

namespace flare::client {
namespace {

namespace body = wire::im;
using namespace std::chrono_literals;

template <typename Body>
Answer answer_of(const Body& of) {
    Answer answer;
    answer.bodies.emplace_back(body::encode(of));
    return answer;
}

template <typename T>
errc refusal_of(const Checked<T>& result) {
    return result ? errc::ok : result.error().code;
}

body::Entry text_entry(std::uint64_t offset, std::string_view payload) {
    body::Entry entry;
    entry.offset = offset;
    entry.kind = model::EntryKind::message;
    entry.from = "ann";
    entry.time_ms = 1'000 * static_cast<std::int64_t>(offset);
    entry.type = "text";
    entry.payload = payload;
    return entry;
}

// ---- what is asked ----

TEST(Bodies, SayWhatACallAsksFor) {
    const auto create = create_call("room:lunch", RoomOptions()
                                                      .with_title("Lunch")
                                                      .with_join(JoinPolicy::open)
                                                      .with_visibility(HistoryVisibility::all)
                                                      .with_members({"bob", "eve"}));
    ASSERT_TRUE(create);
    EXPECT_EQ(create->verb, wire::Verb::conversation_create);
    EXPECT_EQ(create->conversation, "room:lunch");
    const auto created = body::decode<body::ConversationCreate>(create->body).value();
    EXPECT_EQ(created.name, "lunch");
    EXPECT_EQ(created.title, "Lunch");
    EXPECT_EQ(created.join, model::Join::open);
    EXPECT_EQ(created.visibility, model::Visibility::all);
    EXPECT_EQ(created.members, (body::Names{"bob", "eve"}));

    const auto join = room_call(wire::Verb::conversation_join, "room:lunch");
    ASSERT_TRUE(join);
    EXPECT_EQ(body::decode<body::ConversationRef>(join->body).value().conversation, "room:lunch");

    const auto add = members_call(wire::Verb::member_add, "room:lunch", {"bob"}, MemberRole::moderator);
    ASSERT_TRUE(add);
    const auto added = body::decode<body::MemberChange>(add->body).value();
    EXPECT_EQ(added.users, (body::Names{"bob"}));
    EXPECT_EQ(added.role, model::Role::moderator);

    const auto list = list_call("room:lunch", "bob", 7);
    ASSERT_TRUE(list);
    const auto listed = body::decode<body::MemberQuery>(list->body).value();
    EXPECT_EQ(listed.after, "bob");
    EXPECT_EQ(listed.limit, 7u);
}

TEST(Bodies, AskForLiveEntries) {
    Uuid known;
    known.bytes[3] = 7;
    const Call call = subscribe_call("bob", SubscribeOptions().with_after({5, 9}, known).with_complete()).value();
    EXPECT_EQ(call.verb, wire::Verb::subscribe);
    EXPECT_EQ(call.conversation, "bob");
    const auto asked = body::decode<body::Subscribe>(call.body).value();
    EXPECT_EQ(asked.conversation, "bob");
    EXPECT_EQ(asked.epoch, 5u);
    EXPECT_EQ(asked.after, 9u);
    EXPECT_EQ(asked.id, known);
    EXPECT_TRUE(asked.complete);
    const Call newest = subscribe_call("room:lunch", {}).value();
    EXPECT_EQ(body::decode<body::Subscribe>(newest.body).value().epoch, 0u);
    const Call end = unsubscribe_call("room:lunch").value();
    EXPECT_EQ(end.verb, wire::Verb::unsubscribe);
    EXPECT_EQ(body::decode<body::Unsubscribe>(end.body).value().conversation, "room:lunch");
    EXPECT_EQ(refusal_of(subscribe_call("", {})), errc::invalid_name);
    EXPECT_EQ(refusal_of(unsubscribe_call(std::string(257, 'x'))), errc::invalid_name);
}

TEST(Bodies, AskForTheHistoryInBothDirections) {
    const auto calls = {history_call("bob", {}).value(), history_call("bob", HistoryQuery::before(40, 10)).value(),
                        history_call("bob", HistoryQuery::after(0)).value()};
    std::vector<body::HistoryQuery> asked;  // views of the calls
    for (const Call& call : calls) asked.push_back(body::decode<body::HistoryQuery>(call.body).value());
    EXPECT_EQ(asked[0].conversation, "bob");
    EXPECT_FALSE(asked[0].forward);
    EXPECT_EQ(asked[0].before, 0u);
    EXPECT_FALSE(asked[1].forward);
    EXPECT_EQ(asked[1].before, 40u);
    EXPECT_EQ(asked[1].limit, 10u);
    EXPECT_TRUE(asked[2].forward) << "from the beginning";
    EXPECT_EQ(asked[2].after, 0u);
}

// A server cannot read a query that asks for more than a page has.
TEST(Bodies, AskForNoMoreThanAPageHas) {
    const Call list = list_call("room:lunch", {}, 5'000).value();
    EXPECT_EQ(body::decode<body::MemberQuery>(list.body).value().limit, body::kMaxPage);
    HistoryQuery query = HistoryQuery::after(7, UINT32_MAX);
    query.max_bytes = UINT32_MAX;
    const Call history = history_call("bob", query).value();
    const auto asked = body::decode<body::HistoryQuery>(history.body).value();
    EXPECT_EQ(asked.limit, body::kMaxPage);
    EXPECT_EQ(asked.bytes, body::kMaxPageBytes);
    EXPECT_EQ(asked.after, 7u);
}

TEST(Bodies, RefuseNamesThatNoServerTakes) {
    const std::string long_name(257, 'x');
    const std::string no_text = "\xff";
    for (const std::string& room : {std::string("lunch"), std::string("room:"), "room:" + std::string(129, 'x'),
                                    "room:" + no_text, std::string(), std::string("server"), long_name}) {
        EXPECT_EQ(refusal_of(create_call(room, {})), errc::invalid_name) << room;
        EXPECT_EQ(refusal_of(room_call(wire::Verb::conversation_leave, room)), errc::invalid_name) << room;
        EXPECT_EQ(refusal_of(members_call(wire::Verb::member_add, room, {"bob"}, MemberRole::member)),
                  errc::invalid_name);
    }
    for (const std::string& conversation : {std::string(), long_name, no_text}) {
        EXPECT_EQ(refusal_of(history_call(conversation, {})), errc::invalid_name);
        EXPECT_EQ(refusal_of(list_call(conversation, {}, 0)), errc::invalid_name);
        EXPECT_EQ(refusal_of(get_call(conversation)), errc::invalid_name);
    }
    EXPECT_EQ(refusal_of(list_call("bob", long_name, 0)), errc::invalid_name);
    for (const std::string& user : {std::string(), long_name, no_text}) {
        EXPECT_EQ(refusal_of(create_call("room:x", RoomOptions().with_members({user}))), errc::invalid_name);
        EXPECT_EQ(refusal_of(members_call(wire::Verb::member_add, "room:x", {user}, MemberRole::member)),
                  errc::invalid_name);
    }
    EXPECT_EQ(refusal_of(create_call("room:x", RoomOptions().with_members(std::vector<std::string>(501, "u")))),
              errc::invalid_name);
    EXPECT_EQ(refusal_of(create_call("room:x", RoomOptions().with_title(long_name))), errc::invalid_name);
    EXPECT_EQ(refusal_of(create_call("room:x", RoomOptions().with_title(no_text))), errc::invalid_name);
}

// ---- what is answered ----

TEST(Bodies, TellAConversation) {
    body::Conversation from;
    from.conversation = "room:lunch";
    from.head = body::Head{7, 2, 40, 33};
    from.title = "Lunch";
    from.join = model::Join::open;
    from.visibility = model::Visibility::all;
    from.role = model::Role::admin;
    from.visible_from = 3;
    from.members = 12;
    from.max_payload_bytes = 65'536;
    from.slow_mode_ms = 1'500;
    from.frozen = true;
    from.written = body::Written{7, 40, 1'722'470'400'131};
    const auto told = read_conversation(answer_of(from), "asked");
    ASSERT_TRUE(told);
    EXPECT_EQ(told->name, "room:lunch");
    EXPECT_EQ(told->head.epoch, 7u);
    EXPECT_EQ(told->head.first, 2u);
    EXPECT_EQ(told->head.last, 40u);
    EXPECT_EQ(told->head.messages, 33u);
    EXPECT_EQ(told->config.title, "Lunch");
    EXPECT_EQ(told->config.join, JoinPolicy::open);
    EXPECT_EQ(told->config.visibility, HistoryVisibility::all);
    EXPECT_EQ(told->config.max_payload_bytes, 65'536u);
    EXPECT_EQ(told->config.slow_mode, 1'500ms);
    EXPECT_TRUE(told->config.frozen);
    EXPECT_EQ(told->role, MemberRole::admin);
    EXPECT_EQ(told->visible_from, 3u);
    EXPECT_EQ(told->members, 12u);
    ASSERT_TRUE(told->written);
    EXPECT_EQ(told->written->position, (Position{7, 40}));
    EXPECT_EQ(told->written->time, std::chrono::system_clock::time_point(1'722'470'400'131ms));
    EXPECT_EQ(read_conversation(answer_of(body::Conversation()), "asked")->name, "asked");
}

TEST(Bodies, TellMembers) {
    body::MemberPage from;
    from.members = {{"ann", model::Role::owner, 5'000, 0}, {"bob", model::Role::member, 6'000, 9'000}};
    from.more = true;
    const auto told = read_members(answer_of(from));
    ASSERT_TRUE(told);
    ASSERT_EQ(told->members.size(), 2u);
    EXPECT_EQ(told->members[0].user, "ann");
    EXPECT_EQ(told->members[0].role, MemberRole::owner);
    EXPECT_EQ(told->members[0].joined_at, std::chrono::system_clock::time_point(5s));
    EXPECT_FALSE(told->members[0].muted_until);
    EXPECT_EQ(told->members[1].muted_until, std::chrono::system_clock::time_point(9s));
    EXPECT_TRUE(told->more);
}

TEST(Bodies, TellEntriesAndTheChangesInThem) {
    wire::ConversationChange change;
    change.kind = wire::ChangeKind::muted;
    change.members.push_back({0, "bob", model::Role::member, 9'000, 0});
    change.config = model::Config{};
    const std::string payload = wire::encode(change);
    body::HistoryPage from;
    from.head = body::Head{7, 1, 9, 3};
    from.entries = {text_entry(4, "soup"), text_entry(5, payload)};
    from.entries[0].flags = model::kSilent;
    from.entries[0].rev = 6;
    from.entries[0].ref = 2;
    from.entries[1].kind = model::EntryKind::membership;
    from.entries[1].rev = 5;
    from.more = true;
    const auto told = read_history(answer_of(from), {});
    ASSERT_TRUE(told);
    EXPECT_EQ(told->head.last, 9u);
    EXPECT_TRUE(told->more);
    ASSERT_EQ(told->entries.size(), 2u);
    const Entry& soup = told->entries[0];
    EXPECT_EQ(soup.offset, 4u);
    EXPECT_EQ(soup.changed_at, 6u);
    EXPECT_EQ(soup.ref, 2u);
    EXPECT_EQ(soup.kind, EntryKind::message);
    EXPECT_EQ(soup.from, "ann");
    EXPECT_EQ(soup.type, "text");
    EXPECT_EQ(soup.payload, "soup");
    EXPECT_TRUE(soup.silent);
    EXPECT_FALSE(soup.mentions_all);
    EXPECT_FALSE(soup.change);
    EXPECT_EQ(told->entries[1].changed_at, 0u) << "it is as it was written";
    ASSERT_TRUE(told->entries[1].change);
    EXPECT_EQ(told->entries[1].change->kind, ConversationChange::Kind::muted);
    ASSERT_EQ(told->entries[1].change->members.size(), 1u);
    EXPECT_EQ(told->entries[1].change->members[0].user, "bob");
    EXPECT_EQ(told->entries[1].change->members[0].muted_until, std::chrono::system_clock::time_point(9s));
    EXPECT_TRUE(told->entries[1].change->config);
}

TEST(Bodies, PutASeriesOfPagesTogether) {
    Answer answer;
    for (std::uint64_t i = 1; i <= 3; ++i) {
        body::HistoryPage part;
        if (i == 1) part.head = body::Head{7, 1, 3, 3};
        part.entries = {text_entry(i, "text")};
        answer.bodies.emplace_back(body::encode(part));
    }
    const auto told = read_history(answer, HistoryQuery::after(0));
    ASSERT_TRUE(told);
    ASSERT_EQ(told->entries.size(), 3u);
    EXPECT_EQ(told->entries[2].offset, 3u);
    EXPECT_EQ(told->head.last, 3u);
    EXPECT_FALSE(told->more);
}

TEST(Bodies, InflateWhatIsCompressed) {
    const std::string text(10'000, 'x');
    const wire::Compression packer({});
    const auto encodings = wire::set_of(wire::Encoding::zstd);
    const std::string packed(packer.pack(text, encodings).value().bytes);
    body::HistoryPage from;
    from.entries = {text_entry(1, packed)};
    from.entries[0].encoding = wire::Encoding::zstd;
    from.entries[0].size = text.size();
    Answer answer = answer_of(from);
    EXPECT_EQ(refusal_of(read_history(answer, {})), errc::compression_unavailable) << "it was not agreed";
    answer.encodings = encodings;
    EXPECT_EQ(read_history(answer, {})->entries[0].payload.view(), text);
    from.entries[0].size = text.size() - 1;
    answer = answer_of(from);
    answer.encodings = encodings;
    EXPECT_EQ(refusal_of(read_history(answer, {})), errc::bad_compression);
    from.entries[0].size = 1u << 30;
    answer = answer_of(from);
    answer.encodings = encodings;
    EXPECT_EQ(refusal_of(read_history(answer, {})), errc::message_too_large) << "before anything is allocated";
}

TEST(Bodies, LeaveOutWhatWouldTakeTooMuchMemory) {
    const std::string text(1u << 20, 'x');
    const wire::Compression packer({});
    const auto encodings = wire::set_of(wire::Encoding::zstd);
    const std::string packed(packer.pack(text, encodings).value().bytes);
    body::HistoryPage from;
    for (std::uint64_t offset = 1; offset <= 40; ++offset) {
        from.entries.push_back(text_entry(offset, packed));
        from.entries.back().encoding = wire::Encoding::zstd;
        from.entries.back().size = text.size();
    }
    Answer answer = answer_of(from);
    answer.encodings = encodings;
    const std::size_t most = kMostInflated / text.size();
    const auto newest = read_history(answer, {});
    ASSERT_TRUE(newest);
    ASSERT_EQ(newest->entries.size(), most);
    EXPECT_EQ(newest->entries.back().offset, 40u) << "those next to where the query begins";
    EXPECT_TRUE(newest->more);
    const auto oldest = read_history(answer, HistoryQuery::after(0));
    ASSERT_TRUE(oldest);
    ASSERT_EQ(oldest->entries.size(), most);
    EXPECT_EQ(oldest->entries.front().offset, 1u);
    EXPECT_TRUE(oldest->more);
}

TEST(Bodies, TellWhereAFeedBegins) {
    body::Subscribed from;
    from.feed = 3;
    from.head = body::Head{7, 2, 40, 33};
    from.visible_from = 5;
    from.next = 38;
    from.reset = body::FeedReset{body::FeedResetReason::too_far_behind, 2, 40, 38, 7};
    const auto told = read_subscribed(answer_of(from));
    ASSERT_TRUE(told);
    EXPECT_EQ(told->feed, 3u);
    EXPECT_EQ(told->head.last, 40u);
    EXPECT_EQ(told->visible_from, 5u);
    EXPECT_EQ(told->next, 38u);
    EXPECT_EQ(told->reset, from.reset);
    for (const auto spoil : {0, 1, 2, 3}) {
        body::Subscribed spoilt = from;
        if (spoil == 0) spoilt.feed = 0;
        if (spoil == 1) spoilt.head.reset();
        if (spoil == 2) spoilt.next = 0;
        if (spoil == 3) spoilt.reset->next = 0;
        EXPECT_EQ(refusal_of(read_subscribed(answer_of(spoilt))), errc::malformed_frame) << spoil;
    }
    EXPECT_TRUE(read_unsubscribed(answer_of(body::Unsubscribed())));
}

// ---- garbage ----

TEST(Bodies, OfGarbageFailTheCallThatTheyAnswer) {
    Answer refused;
    refused.code = errc::unknown_conversation;
    refused.text = "there is none";
    EXPECT_EQ(read_history(refused, {}).error().text, "there is none");
    EXPECT_EQ(refusal_of(read_members(refused)), errc::unknown_conversation);

    Answer garbage;
    garbage.bodies.emplace_back("\xff\xff\xff\xff");
    EXPECT_EQ(refusal_of(read_conversation(garbage, "x")), errc::malformed_frame);
    EXPECT_EQ(refusal_of(read_written(garbage)), errc::malformed_frame);
    EXPECT_EQ(refusal_of(read_members(garbage)), errc::malformed_frame);
    EXPECT_EQ(refusal_of(read_history(garbage, {})), errc::malformed_frame);

    Answer twice = answer_of(body::Written{1, 2, 3});
    twice.bodies.push_back(twice.bodies.front());
    EXPECT_EQ(refusal_of(read_written(twice)), errc::malformed_frame) << "one body is wanted";
    EXPECT_EQ(refusal_of(read_written(Answer())), errc::malformed_frame) << "and not none";

    Answer too_many;
    for (int i = 0; i < 3; ++i) {
        body::HistoryPage part;
        for (std::uint64_t n = 1; n <= 100; ++n) part.entries.push_back(text_entry(n, "x"));
        too_many.bodies.emplace_back(body::encode(part));
    }
    EXPECT_EQ(refusal_of(read_history(too_many, {})), errc::malformed_frame) << "a page has at most 200";
}

// Whoever reads on takes the first or the last of them.
TEST(Bodies, APageWithMoreHasSomethingInIt) {
    body::HistoryPage history;
    history.head = body::Head{7, 1, 9, 3};
    EXPECT_TRUE(read_history(answer_of(history), {}));
    history.more = true;
    EXPECT_EQ(refusal_of(read_history(answer_of(history), {})), errc::malformed_frame);
    EXPECT_EQ(refusal_of(read_history(answer_of(history), HistoryQuery::after(0))), errc::malformed_frame);
    body::MemberPage members;
    EXPECT_TRUE(read_members(answer_of(members)));
    members.more = true;
    EXPECT_EQ(refusal_of(read_members(answer_of(members))), errc::malformed_frame);
}

// Whatever comes of them: the sanitizers look.
TEST(Bodies, ThatAreBrokenHarmNothing) {
    wire::ConversationChange change;
    change.members.push_back({0, "bob", model::Role::member, 9'000, 0});
    const std::string told = wire::encode(change);
    const std::string text(3'000, 'x');
    const wire::Compression packer({});
    const wire::Encodings encodings = wire::set_of(wire::Encoding::zstd) | wire::set_of(wire::Encoding::gzip);
    const std::string packed(packer.pack(text, encodings).value().bytes);
    body::HistoryPage page;
    page.head = body::Head{7, 1, 9, 3};
    page.entries = {text_entry(4, "soup"), text_entry(5, told), text_entry(6, packed)};
    page.entries[1].kind = model::EntryKind::membership;
    page.entries[2].encoding = wire::Encoding::zstd;
    page.entries[2].size = text.size();
    const std::string whole = body::encode(page);
    std::mt19937 chance(29);
    std::size_t readable = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes = whole;
        for (unsigned changes = 1 + chance() % 4; changes != 0; --changes)
            bytes[chance() % bytes.size()] = static_cast<char>(chance());
        if (chance() % 8 == 0) bytes.resize(chance() % bytes.size());
        Answer answer;
        answer.encodings = encodings;
        answer.bodies.emplace_back(bytes);
        readable += read_history(answer, i % 2 == 0 ? HistoryQuery() : HistoryQuery::after(0)) ? 1 : 0;
        (void)read_conversation(answer, "x");
        (void)read_members(answer);
        (void)read_written(answer);
        (void)read_subscribed(answer);
    }
    EXPECT_GT(readable, 1'000u) << "most of them are read to the end";
}

TEST(Bodies, AnEntryWhoseChangeCannotBeReadIsToldWithoutIt) {
    body::HistoryPage from;
    from.entries = {text_entry(1, "\xff\xff")};
    from.entries[0].kind = model::EntryKind::config;
    const auto told = read_history(answer_of(from), {});
    ASSERT_TRUE(told);
    EXPECT_EQ(told->entries[0].kind, EntryKind::config);
    EXPECT_FALSE(told->entries[0].change);
}

}  // namespace
}  // namespace flare::client
