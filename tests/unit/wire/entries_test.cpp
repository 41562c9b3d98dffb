// The payload of a change against code that protoc made from proto/flare/im/v1/entries.proto.
#include "wire/entries.hpp"

#include <flare/im/v1/entries.pb.h>

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace flare::wire::test {
namespace {

ConversationChange full_change() {
    ConversationChange change;
    change.kind = ChangeKind::created;
    change.members.push_back({.row = 1, .role = model::Role::owner});
    change.members.push_back({.row = 300,
                              .user = "b\xc3\xb6",
                              .role = model::Role::none,
                              .muted_until_ms = 5,
                              .banned_until_ms = UINT64_MAX});
    change.config = {.title = "a room",
                     .join = model::Join::open,
                     .visibility = model::Visibility::all,
                     .max_payload_bytes = 1000,
                     .slow_mode_ms = 2000,
                     .frozen = true};
    return change;
}

// What its code says in our words.
ConversationChange in_our_words(const ::flare::im::v1::ConversationChange& theirs) {
    ConversationChange ours;
    ours.kind = static_cast<ChangeKind>(theirs.kind());
    for (const auto& member : theirs.members())
        ours.members.push_back({member.row(), member.user(), static_cast<model::Role>(member.role()),
                                member.muted_until_ms(), member.banned_until_ms()});
    if (theirs.has_config()) {
        const auto& config = theirs.config();
        ours.config = {.title = config.title(),
                       .join = static_cast<model::Join>(config.join()),
                       .visibility = static_cast<model::Visibility>(config.visibility()),
                       .max_payload_bytes = config.max_payload_bytes(),
                       .slow_mode_ms = config.slow_mode_ms(),
                       .frozen = config.frozen()};
    }
    return ours;
}

TEST(ConversationChangePayload, IsReadAndWrittenAsProtocDoes) {
    std::mt19937 random(7);
    const auto any = [&](std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); };
    for (int i = 0; i < 500; ++i) {
        ConversationChange ours;
        ours.kind = static_cast<ChangeKind>(any(10));
        for (std::uint32_t n = any(4); n > 0; --n) {
            ours.members.push_back({.row = std::uint64_t{random()} << any(32),
                                    .user = std::string(any(3) * 60, 'u'),
                                    .role = static_cast<model::Role>(any(6)),
                                    .muted_until_ms = any(2) * std::uint64_t{random()},
                                    .banned_until_ms = any(2) * UINT64_MAX});
        }
        if (any(2) == 0) {
            ours.config = {.title = std::string(any(3) * 128, 't'),
                           .join = static_cast<model::Join>(any(2)),
                           .visibility = static_cast<model::Visibility>(any(2)),
                           .max_payload_bytes = any(3) * 70'000,
                           .slow_mode_ms = any(2) * 1000,
                           .frozen = any(2) == 0};
        }
        const std::string bytes = encode(ours);
        ::flare::im::v1::ConversationChange theirs;
        ASSERT_TRUE(theirs.ParseFromString(bytes));
        ASSERT_EQ(in_our_words(theirs), ours);
        ASSERT_EQ(theirs.SerializeAsString(), bytes);
        ASSERT_EQ(decode_conversation_change(bytes).value(), ours);
    }
}

TEST(ConversationChangePayload, KeepsEveryField) {
    EXPECT_EQ(decode_conversation_change(encode(full_change())).value(), full_change());
}

TEST(ConversationChangePayload, PassesOverWhatALaterVersionAdds) {
    ::flare::im::v1::ConversationChange theirs;
    ASSERT_TRUE(theirs.ParseFromString(encode(full_change())));
    theirs.GetReflection()->MutableUnknownFields(&theirs)->AddVarint(9, 1);
    auto* const member = theirs.mutable_members(0);
    member->GetReflection()->MutableUnknownFields(member)->AddLengthDelimited(12, "new");
    EXPECT_EQ(decode_conversation_change(theirs.SerializeAsString()).value(), full_change());

    theirs.set_kind(static_cast<::flare::im::v1::ChangeKind>(77));
    theirs.mutable_members(0)->set_role(static_cast<::flare::im::v1::Role>(6));
    const auto read = decode_conversation_change(theirs.SerializeAsString()).value();
    EXPECT_EQ(read.kind, ChangeKind::unspecified);
    EXPECT_EQ(read.members[0].role, model::Role::none) << "no rights that it does not know";
}

TEST(ConversationChangePayload, RefusesWhatCannotBe) {
    const std::string bytes = encode(full_change());
    for (std::size_t size = 1; size < bytes.size(); ++size) {
        // A cut between two fields is a change with fewer of them; elsewhere it is an error, and never read past.
        const auto read = decode_conversation_change(std::string(bytes, 0, size));
        if (!read) {
            EXPECT_EQ(read.error(), errc::malformed_frame);
        }
    }
    EXPECT_FALSE(decode_conversation_change(bytes.substr(0, bytes.size() - 1)));

    ::flare::im::v1::ConversationChange theirs;
    for (std::size_t i = 0; i < kMaxChangedMembers; ++i) theirs.add_members()->set_row(i);
    EXPECT_TRUE(decode_conversation_change(theirs.SerializeAsString()));
    theirs.add_members();
    EXPECT_EQ(decode_conversation_change(theirs.SerializeAsString()).error(), errc::malformed_frame);

    EXPECT_EQ(decode_conversation_change("\x12\x03\x12\x01\xff").error(), errc::invalid_utf8);
    theirs.Clear();
    theirs.mutable_config()->set_title(std::string(257, 't'));
    EXPECT_EQ(decode_conversation_change(theirs.SerializeAsString()).error(), errc::malformed_frame);
}

}  // namespace
}  // namespace flare::wire::test
