// Compression in a session: agreed once, for its life; docs/compression.md.
#include "support.hpp"

namespace flare::session::test {
namespace {

using wire::Encoding;

std::string text(std::size_t size) {
    std::string made;
    while (made.size() < size) made += "a line of a chat, number " + std::to_string(made.size()) + "\n";
    return made.substr(0, size);
}

std::shared_ptr<const wire::Compression> compression_of(std::size_t threshold = 512) {
    return std::make_shared<wire::Compression>(wire::Compression::Options{.threshold = threshold});
}

ClientSettings settings_of(std::shared_ptr<const wire::Compression> compression) {
    ClientSettings settings = Bench::client_settings();
    settings.compression = std::move(compression);
    return settings;
}

std::vector<wire::MessageView> messages_in(std::string_view batch) {
    std::vector<wire::MessageView> found;
    for (const wire::FrameView& frame : frames_of(batch)) {
        if (frame.kind != wire::FrameKind::data) continue;
        const auto data = wire::decode_data(frame.body);
        if (data && data->message) found.push_back(*data->message);
    }
    return found;
}

struct Compressed : ::testing::Test {
    std::shared_ptr<const wire::Compression> ours = compression_of();
    std::shared_ptr<const wire::Compression> theirs = compression_of();
    Bench bench{{}, settings_of(theirs)};
};

TEST_F(Compressed, BothSidesAgreeWhenBothCan) {
    bench.server.table.offer(ours.get());
    bench.connect(1);
    EXPECT_NE(bench.client.session.encodings(), 0);
    EXPECT_EQ(bench.client.session.encodings(), bench.session().agreed().encodings);
    EXPECT_TRUE(wire::has(bench.session().agreed().encodings, Encoding::zstd));
    EXPECT_FALSE(wire::has(bench.session().agreed().encodings, Encoding::zstd_dictionary));
}

TEST_F(Compressed, NothingIsCompressedUnlessBothCan) {
    bench.connect(1);
    EXPECT_EQ(bench.client.session.encodings(), 0);
    ASSERT_TRUE(bench.send(1, text(5000)));
    EXPECT_EQ(messages_in(bench.from_client(1)).at(0).encoding, Encoding::none);

    Bench plain;
    plain.server.table.offer(ours.get());
    plain.connect(1);
    EXPECT_EQ(plain.session().agreed().encodings, 0);
    plain.server.answers = false;
    ASSERT_TRUE(plain.send(1, "x"));
    plain.exchange();
    const std::string reply = text(5000);
    const Reply answer{kServerTarget, message_of(9, reply, "ann")};
    plain.server.table.finish(plain.server.handlings.at(0), {wire::ReceiptStatus::handled, errc::ok, {}, 0}, &answer,
                              plain.now());
    EXPECT_EQ(messages_in(plain.from_server(1)).at(0).encoding, Encoding::none);
    EXPECT_EQ(ours->stats().compressed, 0u);
}

TEST_F(Compressed, MessagesAndRepliesAboveTheThresholdAreCompressed) {
    bench.server.table.offer(ours.get());
    bench.server.answers = false;
    bench.connect(1);
    const std::string big = text(5000);
    ASSERT_TRUE(bench.send(1, "small"));
    ASSERT_TRUE(bench.send(2, big));
    const std::string up = bench.from_client(1);
    const auto sent = messages_in(up);
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_EQ(sent[0].encoding, Encoding::none);
    EXPECT_EQ(sent[1].encoding, Encoding::zstd);
    EXPECT_EQ(sent[1].size, big.size());
    EXPECT_LT(sent[1].payload.size(), big.size() / 2);
    EXPECT_EQ(ours->inflate(sent[1], bench.session().agreed().encodings, 1 << 20)->view(), big);
    (void)bench.to_server(1, up);

    const std::string payloads[] = {"small", big};
    for (std::size_t i = 0; i < 2; ++i) {
        const Reply answer{kServerTarget, message_of(static_cast<std::uint8_t>(9 + i), payloads[i], "ann")};
        bench.server.table.finish(bench.server.handlings.at(i), {wire::ReceiptStatus::handled, errc::ok, {}, 0},
                                  &answer, bench.now());
    }
    const std::string down = bench.from_server(1);
    const auto replies = messages_in(down);
    ASSERT_EQ(replies.size(), 2u);
    EXPECT_EQ(replies[0].encoding, Encoding::none);
    EXPECT_EQ(replies[1].encoding, Encoding::zstd);
    EXPECT_EQ(theirs->inflate(replies[1], bench.client.session.encodings(), 1 << 20)->view(), big);
}

TEST_F(Compressed, CreditIsOfWhatTravels) {
    bench.server.table.offer(ours.get());
    bench.server.answers = false;
    bench.connect(1);
    ASSERT_TRUE(bench.send(1, text(50'000)));
    bench.exchange();
    EXPECT_LT(bench.server.handlings.at(0).cost, 25'000u);
}

TEST_F(Compressed, AResumeThatOffersLessIsRefused) {
    bench.server.table.offer(ours.get());
    bench.connect(1);
    bench.cut(1);
    bench.client.session.begin_attempt("token");
    bench.client.session.open(2, bench.now());
    const std::string batch = bench.from_client(2);
    auto hello = wire::decode_hello(frames_of(batch).at(0).body);
    ASSERT_TRUE(hello);
    ASSERT_TRUE(hello->resume);
    hello->capabilities = wire::kCapabilityGzip;
    const auto refused = bench.server.table.attach_resumed(2, *hello, bench.now());
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, errc::ticket_invalid);
    hello->capabilities = wire::Compression::kOffered;
    EXPECT_FALSE(bench.server.table.attach_resumed(2, *hello, bench.now()));
}

TEST_F(Compressed, WhatWaitsIsEncodedAsTheNextSessionAgrees) {
    bench.server.table.offer(ours.get());
    bench.connect(1);
    bench.silence(1);
    const std::string big = text(5000);
    ASSERT_TRUE(bench.send(1, big));
    EXPECT_EQ(messages_in(bench.from_client(1)).at(0).encoding, Encoding::zstd);
    bench.cut(1);
    // The server starts anew, and does not compress any more.
    bench.server.table.end(bench.session(), errc::kicked, "", 0, bench.now());
    bench.pass(6s);
    bench.server.table.on_time(bench.now());
    bench.server.table.offer(nullptr);
    bench.server.answers = true;
    bench.connect(2);
    EXPECT_EQ(bench.client.session.encodings(), 0);
    ASSERT_FALSE(bench.server.texts.empty());
    EXPECT_EQ(bench.server.texts.back(), big);
}

TEST_F(Compressed, AUserGetsTheFormThatTheSessionReads) {
    bench.server.table.offer(ours.get());
    bench.connect(1);
    const std::string big = text(5000);
    const wire::Body body = data_of(7, big, "bob");
    const auto view = wire::decode_data(body.content());
    wire::Forms forms(body, *view->message, ours.get(), false);
    EXPECT_EQ(bench.server.table.send_to_user("ann", "bob", forms, Priority::normal, bench.now()).status,
              wire::ReceiptStatus::delivered);
    const std::string batch = bench.from_server(1);
    EXPECT_EQ(messages_in(batch).at(0).encoding, Encoding::zstd);

    wire::DataView damaged;
    damaged.from = "bob";
    damaged.message = message_of(8, std::string_view("\x28\xb5\x2f\xfd\x20\x64\x23\x03", 8), "ann");
    damaged.message->encoding = Encoding::zstd;
    damaged.message->size = 100;
    wire::Forms broken(wire::encode(damaged), *damaged.message, ours.get(), true);
    Bench plain;
    plain.server.table.offer(ours.get());
    plain.connect(1);
    const Receipt receipt = plain.server.table.send_to_user("ann", "bob", broken, Priority::normal, plain.now());
    EXPECT_EQ(receipt.status, wire::ReceiptStatus::refused);
    EXPECT_EQ(receipt.code, errc::bad_compression);
}

}  // namespace
}  // namespace flare::session::test
