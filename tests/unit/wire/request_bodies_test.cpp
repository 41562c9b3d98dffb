// Bodies of requests and responses: decoded as views, with every limit at its edge.
#include "wire/requests.hpp"

#include "support.hpp"

#include "wire/json.hpp"
#include "wire/request_tables.hpp"

#include <gtest/gtest.h>

namespace flare::wire::test {
namespace {

template <typename T>
errc code_of_body(std::string_view body) {
    const auto decoded = im::decode<T>(body);
    return decoded ? errc::ok : static_cast<errc>(decoded.error().value());
}

im::HistoryPage page_of(std::size_t entries) {
    im::HistoryPage page;
    page.head = im::Head{0x8f3a5c17d2e94b60, 1, 1'205, 1'100};
    for (std::size_t i = 0; i < entries; ++i) {
        im::Entry entry;
        entry.offset = 1'000 + i;
        entry.kind = model::EntryKind::message;
        entry.id.bytes[0] = static_cast<std::uint8_t>(i);
        entry.from = "ada";
        entry.type = "chat";
        entry.payload = "hello";
        page.entries.push_back(entry);
    }
    return page;
}

TEST(RequestBodies, APageOfHistoryIsViewsOfItsBytes) {
    im::HistoryPage page = page_of(3);
    page.more = true;
    page.entries[1].kind = model::EntryKind::reaction;
    page.entries[1].ref = 999;
    page.entries[1].flags = model::kSilent;
    page.entries[2].encoding = Encoding::zstd;
    page.entries[2].size = 100;
    page.entries[2].rev = 1'203;
    page.entries[2].time_ms = 1'722'470'400'131;
    page.entries[2].messages = 1'098;
    const std::string body = im::encode(page);
    EXPECT_EQ(body.size(), im::size_of(page));
    const im::HistoryPage read = im::decode<im::HistoryPage>(body).value();
    EXPECT_EQ(read.head->epoch, page.head->epoch);
    EXPECT_EQ(read.head->last, 1'205u);
    EXPECT_TRUE(read.more);
    ASSERT_EQ(read.entries.size(), 3u);
    for (const im::Entry& entry : read.entries) {
        for (const std::string_view view : {entry.from, entry.type, entry.payload}) {
            EXPECT_TRUE(view.data() >= body.data() && view.data() + view.size() <= body.data() + body.size());
        }
    }
    EXPECT_EQ(read.entries[1].kind, model::EntryKind::reaction);
    EXPECT_EQ(read.entries[1].ref, 999u);
    EXPECT_EQ(read.entries[1].flags, model::kSilent);
    EXPECT_EQ(read.entries[2].encoding, Encoding::zstd);
    EXPECT_EQ(read.entries[2].size, 100u);
    EXPECT_EQ(read.entries[2].rev, 1'203u);
    EXPECT_EQ(read.entries[2].time_ms, 1'722'470'400'131);
    EXPECT_EQ(read.entries[2].messages, 1'098u);
    EXPECT_EQ(read.entries[2].payload, "hello");
}

TEST(RequestBodies, APageHasAtMostTwoHundredEntriesAndMembers) {
    EXPECT_EQ(code_of_body<im::HistoryPage>(im::encode(page_of(im::kMaxPage))), errc::ok);
    EXPECT_EQ(code_of_body<im::HistoryPage>(im::encode(page_of(im::kMaxPage + 1))), errc::malformed_frame);
    im::MemberPage members;
    members.members.resize(im::kMaxPage);
    EXPECT_EQ(code_of_body<im::MemberPage>(im::encode(members)), errc::ok);
    members.members.emplace_back();
    EXPECT_EQ(code_of_body<im::MemberPage>(im::encode(members)), errc::malformed_frame);
}

TEST(RequestBodies, ARequestNamesAtMostFiveHundredUsers) {
    im::MemberChange change;
    change.conversation = "room:lunch";
    const std::string longest(kMaxNameBytes, 'u');
    change.users.assign(im::kMaxUsers, longest);
    change.role = model::Role::admin;
    const std::string body = im::encode(change);
    EXPECT_LE(body.size(), kMaxRequestBytes) << "as many as may be named fit into a request";
    const im::MemberChange read = im::decode<im::MemberChange>(body).value();
    EXPECT_EQ(read.users.size(), im::kMaxUsers);
    EXPECT_EQ(read.users.back(), longest);
    EXPECT_EQ(read.role, model::Role::admin);
    change.users.emplace_back("one more");
    EXPECT_EQ(code_of_body<im::MemberChange>(im::encode(change)), errc::malformed_frame);
}

TEST(RequestBodies, NamesThatAreEmptyTooLongOrNotUtf8AreRefused) {
    const auto with = [](std::string_view name) {
        im::ConversationCreate create;
        create.name = "lunch";
        create.members = {"bob", name};
        return im::encode(create);
    };
    EXPECT_EQ(code_of_body<im::ConversationCreate>(with("eve")), errc::ok);
    EXPECT_EQ(code_of_body<im::ConversationCreate>(with("")), errc::malformed_frame);
    EXPECT_EQ(code_of_body<im::ConversationCreate>(with(std::string(kMaxNameBytes + 1, 'u'))), errc::malformed_frame);
    EXPECT_EQ(code_of_body<im::ConversationCreate>(with("\xff")), errc::invalid_utf8);
}

TEST(RequestBodies, TextsAndNumbersHaveTheirLimits) {
    const auto create = [](std::size_t name, std::size_t title) {
        const std::string name_text(name, 'n');
        const std::string title_text(title, 't');
        im::ConversationCreate value;
        value.name = name_text;
        value.title = title_text;
        return code_of_body<im::ConversationCreate>(im::encode(value));
    };
    EXPECT_EQ(create(im::kMaxRoomBytes, im::kMaxTitleBytes), errc::ok);
    EXPECT_EQ(create(im::kMaxRoomBytes + 1, 0), errc::malformed_frame);
    EXPECT_EQ(create(0, im::kMaxTitleBytes + 1), errc::malformed_frame);

    im::HistoryQuery query;
    query.limit = im::kMaxPage;
    query.bytes = im::kMaxPageBytes;
    EXPECT_EQ(code_of_body<im::HistoryQuery>(im::encode(query)), errc::ok);
    query.limit = im::kMaxPage + 1;
    EXPECT_EQ(code_of_body<im::HistoryQuery>(im::encode(query)), errc::malformed_frame);
    query.limit = 1;
    query.bytes = im::kMaxPageBytes + 1;
    EXPECT_EQ(code_of_body<im::HistoryQuery>(im::encode(query)), errc::malformed_frame);
}

TEST(RequestBodies, WhatALaterVersionSaysIsKeptApart) {
    // Kind 99, encoding 9, and a field 50 that this version does not have.
    const auto entry = im::decode<im::Entry>(from_hex("08 05 18 63 48 09 90 03 01")).value();
    EXPECT_EQ(entry.offset, 5u);
    EXPECT_EQ(static_cast<int>(entry.kind), 0);
    EXPECT_EQ(entry.encoding, Encoding::unknown);
}

TEST(RequestBodies, HaveASchemaForEveryVerb) {
    for (std::size_t i = 1; i < std::size(kVerbs); ++i) {
        EXPECT_NE(im::request_schema(static_cast<Verb>(i)), nullptr) << kVerbs[i];
        EXPECT_NE(im::response_schema(static_cast<Verb>(i)), nullptr) << kVerbs[i];
    }
    EXPECT_EQ(im::request_schema(Verb::unspecified), nullptr);
    EXPECT_EQ(im::response_schema(Verb::unspecified), nullptr);
}

TEST(RequestBodies, TheJsonOfABodyNamesTheFieldAtFault) {
    const Schema& schema = *im::request_schema(Verb::member_add);
    const auto complaint = [&](std::string_view json) {
        std::string error;
        EXPECT_FALSE(json_to_content(schema, json, &error)) << json;
        return error;
    };
    EXPECT_EQ(complaint(R"({"users":["bob",""]})"), "users[1]: expected a name, which is not empty");
    EXPECT_EQ(complaint(R"({"users":"bob"})"), "users: expected an array");
    EXPECT_EQ(complaint(R"({"role":"owner"})"), "role: expected a name like ROLE_OWNER");
    EXPECT_EQ(complaint("[]"), "expected an object");
    EXPECT_EQ(complaint("{"), "not JSON, at byte 1: incomplete JSON");
    std::string many = R"({"users":["a")";
    for (std::size_t i = 0; i < im::kMaxUsers; ++i) many += R"(,"b")";
    EXPECT_EQ(complaint(many + "]}"), "users: more than 500 elements");
    EXPECT_EQ(json_to_content(schema, "\"\xff\"").error(), errc::invalid_utf8);
    EXPECT_EQ(json_to_content(schema, std::string(kMaxBatchBytes + 1, ' ')).error(), errc::batch_too_large);
    EXPECT_EQ(content_to_json(schema, "\x12").error(), errc::malformed_frame);
}

}  // namespace
}  // namespace flare::wire::test
