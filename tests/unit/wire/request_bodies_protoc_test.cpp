// Bodies of requests and responses against code that protoc made from the same schema, with random content.
#include "random_frames.hpp"
#include "support.hpp"

#include "wire/feeds.hpp"
#include "wire/json.hpp"
#include "wire/signals.hpp"

#include <flare/im/v1/feeds.pb.h>
#include <flare/im/v1/requests.pb.h>
#include <flare/im/v1/signals.pb.h>
#include <flare/im/v1/sync.pb.h>
#include <google/protobuf/util/json_util.h>

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace flare::wire::test {
namespace {

using google::protobuf::Message;

struct BodyKind {
    const Message* theirs;                                       // an empty one
    std::function<Result<std::string>(std::string_view)> again;  // decoded and encoded by our code
};

template <typename Theirs, typename Ours>
BodyKind body_kind() {
    return {&Theirs::default_instance(), [](std::string_view body) -> Result<std::string> {
                const auto decoded = im::decode<Ours>(body);
                if (!decoded) return decoded.error();
                return im::encode(*decoded);
            }};
}

std::vector<BodyKind> body_kinds() {
    namespace v1 = flare::im::v1;
    return {body_kind<v1::ConversationCreate, im::ConversationCreate>(),
            body_kind<v1::ConversationRef, im::ConversationRef>(),
            body_kind<v1::MemberChange, im::MemberChange>(),
            body_kind<v1::ConversationUpdate, im::ConversationUpdate>(),
            body_kind<v1::MemberUntil, im::MemberUntil>(),
            body_kind<v1::MemberQuery, im::MemberQuery>(),
            body_kind<v1::HistoryQuery, im::HistoryQuery>(),
            body_kind<v1::MessageEdit, im::MessageEdit>(),
            body_kind<v1::MessageDelete, im::MessageDelete>(),
            body_kind<v1::MessageReaction, im::MessageReaction>(),
            body_kind<v1::Written, im::Written>(),
            body_kind<v1::Conversation, im::Conversation>(),
            body_kind<v1::MemberPage, im::MemberPage>(),
            body_kind<v1::HistoryPage, im::HistoryPage>(),
            body_kind<v1::Subscribe, im::Subscribe>(),
            body_kind<v1::Subscribed, im::Subscribed>(),
            body_kind<v1::Unsubscribe, im::Unsubscribe>(),
            body_kind<v1::Unsubscribed, im::Unsubscribed>(),
            body_kind<v1::Sync, im::Sync>(),
            body_kind<v1::SyncPage, im::SyncPage>(),
            body_kind<v1::MarkRead, im::MarkRead>(),
            body_kind<v1::ReadMark, im::ReadMark>(),
            body_kind<v1::ReaderQuery, im::ReaderQuery>(),
            body_kind<v1::ReaderPage, im::ReaderPage>(),
            body_kind<v1::PushDevice, im::PushDevice>(),
            body_kind<v1::PushUnregister, im::PushUnregister>(),
            body_kind<v1::BlockQuery, im::BlockQuery>(),
            body_kind<v1::Done, im::Done>(),
            body_kind<v1::BanPage, im::BanPage>(),
            body_kind<v1::ConversationClear, im::ConversationClear>(),
            body_kind<v1::ConversationSet, im::ConversationSet>(),
            body_kind<v1::Settings, im::Settings>(),
            body_kind<v1::InvitePage, im::InvitePage>(),
            body_kind<v1::BlockPage, im::BlockPage>(),
            body_kind<v1::Typing, im::Typing>(),
            body_kind<v1::PresenceSet, im::PresenceSet>(),
            body_kind<v1::PresenceUsers, im::PresenceUsers>(),
            body_kind<v1::PresenceSnapshot, im::PresenceSnapshot>(),
            body_kind<v1::Occupancy, im::Occupancy>(),
            body_kind<v1::Notice, im::Notice>(),
            body_kind<v1::Feed, im::Feed>()};
}

// Of a request, a response or a feed that has this name.
const Schema& schema_called(const std::string& name) {
    if (name == im::feed_schema().name) return im::feed_schema();
    if (name == im::notice_schema().name) return im::notice_schema();
    for (unsigned verb = 1; verb <= static_cast<unsigned>(kLastVerb); ++verb) {
        for (const Schema* each :
             {im::request_schema(static_cast<Verb>(verb)), im::response_schema(static_cast<Verb>(verb))}) {
            if (each != nullptr && each->name == name) return *each;
        }
    }
    ADD_FAILURE() << "no verb has the body " << name;
    return *im::request_schema(Verb::history);
}

TEST(RequestsProtoc, WhatItWritesWeReadAndWriteTheSame) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomFrames random(seed, false);
    for (const BodyKind& kind : body_kinds()) {
        const Schema& schema = schema_called(kind.theirs->GetDescriptor()->name());
        for (int i = 0; i < 1'000 && !::testing::Test::HasFailure(); ++i) {
            const std::unique_ptr<Message> theirs(kind.theirs->New());
            random.fill(*theirs, schema);
            const std::string bytes = theirs->SerializeAsString();
            const auto again = kind.again(bytes);
            ASSERT_TRUE(again) << theirs->DebugString();
            EXPECT_EQ(to_hex(*again), to_hex(bytes)) << theirs->DebugString();

            random.add_unknown(*theirs, false);
            const auto without = kind.again(theirs->SerializeAsString());
            ASSERT_TRUE(without) << theirs->DebugString();
            EXPECT_EQ(*without, *again) << "fields of later versions change nothing";
        }
    }
}

TEST(RequestsProtoc, JsonMeansTheSameToItsCode) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomFrames random(seed, false);
    for (const BodyKind& kind : body_kinds()) {
        const Schema& schema = schema_called(kind.theirs->GetDescriptor()->name());
        for (int i = 0; i < 300 && !::testing::Test::HasFailure(); ++i) {
            const std::unique_ptr<Message> theirs(kind.theirs->New());
            random.fill(*theirs, schema);
            const std::string bytes = theirs->SerializeAsString();

            const auto our_json = content_to_json(schema, bytes);
            ASSERT_TRUE(our_json) << theirs->DebugString();
            const std::unique_ptr<Message> back(kind.theirs->New());
            ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(*our_json, back.get()).ok()) << *our_json;
            EXPECT_EQ(back->SerializeAsString(), bytes) << *our_json;

            google::protobuf::util::JsonPrintOptions options;
            options.preserve_proto_field_names = i % 2 == 0;
            std::string their_json;
            ASSERT_TRUE(google::protobuf::util::MessageToJsonString(*theirs, &their_json, options).ok());
            std::string error;
            const auto read = json_to_content(schema, their_json, &error);
            ASSERT_TRUE(read) << error << "\n" << their_json;
            EXPECT_EQ(to_hex(*read), to_hex(bytes)) << their_json;
        }
    }
}

TEST(RequestsProtoc, ABodyCutAnywhereOrTurnedOverIsReadOrRefused) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomFrames random(seed, false);
    std::mt19937 chance(seed);
    for (const BodyKind& kind : body_kinds()) {
        const Schema& schema = schema_called(kind.theirs->GetDescriptor()->name());
        for (int i = 0; i < 200; ++i) {
            const std::unique_ptr<Message> theirs(kind.theirs->New());
            random.fill(*theirs, schema);
            std::string bytes = theirs->SerializeAsString();
            if (bytes.empty()) continue;
            bytes.resize(chance() % bytes.size() + 1);
            bytes[chance() % bytes.size()] = static_cast<char>(chance());
            // In a block of exactly its size, so that a sanitizer sees a step beyond it.
            const auto block = std::make_unique<char[]>(bytes.size());
            std::copy(bytes.begin(), bytes.end(), block.get());
            const std::string_view body(block.get(), bytes.size());
            if (const auto read = kind.again(body); !read) {
                EXPECT_TRUE(read.error() == errc::malformed_frame || read.error() == errc::invalid_utf8);
            } else {
                EXPECT_TRUE(content_to_json(schema, body)) << "JSON is made of whatever the decoder accepts";
            }
        }
    }
}

}  // namespace
}  // namespace flare::wire::test
