// The table that drives JSON against the schema itself.
#include "wire/schema.hpp"

#include "wire/feeds.hpp"
#include "wire/signals.hpp"

#include <flare/im/v1/feeds.pb.h>
#include <flare/im/v1/requests.pb.h>
#include <flare/im/v1/signals.pb.h>
#include <flare/im/v1/sync.pb.h>
#include <flare/v1/frame.pb.h>

#include <gtest/gtest.h>

#include <set>

namespace flare::wire::test {
namespace {

using google::protobuf::FieldDescriptor;

bool same_type(const Field& ours, const FieldDescriptor& theirs) {
    switch (ours.type) {
        case FieldType::uint32: return theirs.type() == FieldDescriptor::TYPE_UINT32;
        case FieldType::uint64: return theirs.type() == FieldDescriptor::TYPE_UINT64;
        case FieldType::int64: return theirs.type() == FieldDescriptor::TYPE_INT64;
        case FieldType::fixed64: return theirs.type() == FieldDescriptor::TYPE_FIXED64;
        case FieldType::boolean: return theirs.type() == FieldDescriptor::TYPE_BOOL;
        case FieldType::enumeration: return theirs.type() == FieldDescriptor::TYPE_ENUM;
        case FieldType::text: return theirs.type() == FieldDescriptor::TYPE_STRING;
        case FieldType::bytes:
        case FieldType::uuid: return theirs.type() == FieldDescriptor::TYPE_BYTES;
        case FieldType::message: return theirs.type() == FieldDescriptor::TYPE_MESSAGE;
    }
    return false;
}

void expect_same(const Schema& ours, const google::protobuf::Descriptor& theirs, std::set<std::string>& seen) {
    SCOPED_TRACE(theirs.full_name());
    EXPECT_EQ(ours.name, theirs.name());
    if (!seen.insert(theirs.name()).second) return;
    ASSERT_EQ(ours.fields.size(), static_cast<std::size_t>(theirs.field_count()));
    std::uint32_t last = 0;
    for (const Field& field : ours.fields) {
        SCOPED_TRACE(std::string(field.name.original()));
        EXPECT_GT(field.number, last);
        last = field.number;
        const FieldDescriptor* other = theirs.FindFieldByNumber(static_cast<int>(field.number));
        ASSERT_NE(other, nullptr);
        EXPECT_EQ(field.name.original(), other->name());
        EXPECT_EQ(field.name.json(), other->json_name());
        EXPECT_EQ(field.repeated, other->is_repeated());
        EXPECT_TRUE(same_type(field, *other));
        if (field.type == FieldType::message) expect_same(*field.part, *other->message_type(), seen);
        if (field.type != FieldType::enumeration) continue;
        ASSERT_EQ(field.enumerators.size(), static_cast<std::size_t>(other->enum_type()->value_count()));
        for (std::size_t i = 0; i < field.enumerators.size(); ++i) {
            EXPECT_EQ(field.enumerators[i], other->enum_type()->FindValueByNumber(static_cast<int>(i))->name());
        }
    }
}

// docs/protocol.md, "Extensions": so that bytes and JSON tell them apart alike.
TEST(Schema, FramesNumbered100To199AreCalledHintsAndNoOthers) {
    const auto* frame = v1::Frame::descriptor();
    for (int i = 0; i < frame->field_count(); ++i) {
        const FieldDescriptor& field = *frame->field(i);
        EXPECT_EQ(field.number() >= 100 && field.number() <= 199, field.name().starts_with("hint_")) << field.name();
    }
}

TEST(Schema, TheTableIsTheSchema) {
    std::set<std::string> seen;
    expect_same(kFrameSchema, *v1::Frame::descriptor(), seen);
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(v1::Frame::descriptor()->file()->message_type_count()));
}

TEST(Schema, TheTablesOfBodiesAreTheirSchema) {
    const auto& requests = *flare::im::v1::HistoryQuery::descriptor()->file();
    const auto& feeds = *flare::im::v1::Feed::descriptor()->file();
    const auto& sync = *flare::im::v1::Sync::descriptor()->file();
    const auto& signals = *flare::im::v1::Notice::descriptor()->file();
    std::set<std::string> seen;
    expect_same(im::feed_schema(), *flare::im::v1::Feed::descriptor(), seen);
    expect_same(im::notice_schema(), *flare::im::v1::Notice::descriptor(), seen);
    for (int verb = 1; verb < v1::Verb_ARRAYSIZE; ++verb) {
        for (const Schema* ours :
             {im::request_schema(static_cast<Verb>(verb)), im::response_schema(static_cast<Verb>(verb))}) {
            ASSERT_NE(ours, nullptr) << verb;
            const std::string name(ours->name);
            const auto* theirs = requests.FindMessageTypeByName(name);
            if (theirs == nullptr) theirs = feeds.FindMessageTypeByName(name);
            if (theirs == nullptr) theirs = sync.FindMessageTypeByName(name);
            if (theirs == nullptr) theirs = signals.FindMessageTypeByName(name);
            ASSERT_NE(theirs, nullptr) << ours->name;
            expect_same(*ours, *theirs, seen);
        }
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(requests.message_type_count() + feeds.message_type_count() +
                                                    sync.message_type_count() + signals.message_type_count()));
}

}  // namespace
}  // namespace flare::wire::test
