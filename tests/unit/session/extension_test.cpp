// What a peer of a later version 1 may say to this one: docs/protocol.md, "Extensions".
#include "support.hpp"

#include "wire/writer.hpp"

namespace flare::session::test {
namespace {

constexpr std::uint64_t kUnknownCapabilities = ~std::uint64_t{31};

// A batch of one frame, byte for byte.
std::string raw(std::string_view frame) { return static_cast<char>(frame.size()) + std::string(frame); }

const std::string kHint = raw(std::string_view("\xaa\x06\x02hi", 5));    // field 101
const std::string kLastHint = raw(std::string_view("\xba\x0c\x00", 3));  // field 199
const std::string kNumberedHint = raw(std::string_view("\x10\x01\xa2\x06\x00", 5));
const std::string kMustBeKnown = raw(std::string_view("\x9a\x06\x00", 3));                     // field 99
const std::string kNumberedAndMustBeKnown = raw(std::string_view("\x10\x01\xda\x01\x00", 5));  // field 27

// `batch` as a later version might write it: each body has a field more, number 100, in front.
std::string with_a_field_more(std::string_view batch) {
    std::string out;
    for (const wire::FrameView& frame : frames_of(batch)) {
        wire::Body body;
        body.kind = frame.kind;
        std::string content = std::string("\xa2\x06\x02hi", 5) + std::string(frame.body);
        std::string bytes(content.size() + 8, '\0');
        char* const end = wire::put_raw(wire::put_body_tag(bytes.data(), frame.kind, content.size()), content);
        bytes.resize(static_cast<std::size_t>(end - bytes.data()));
        body.bytes = Bytes(bytes);
        wire::FrameHeader header;
        header.lane = frame.lane;
        header.seq = frame.seq;
        header.acks = frame.acks;
        header.feed_id = frame.feed_id;
        out += frame.kind == wire::FrameKind::none ? batch_of(header, {}) : batch_of(header, body);
    }
    return out;
}

TEST(Extension, HintsArePassedOverByTheServer) {
    Bench bench;
    bench.connect(1);
    for (const std::string& hint : {kHint, kLastHint, kHint + kHint}) bench.to_server(1, hint);
    ASSERT_TRUE(bench.send(1, "after"));
    bench.exchange();
    EXPECT_TRUE(bench.server.errors.empty());
    EXPECT_TRUE(bench.server.closed.empty());
    EXPECT_EQ(bench.server.texts, std::vector<std::string>{"after"});
}

TEST(Extension, HintsArePassedOverByTheClient) {
    Bench bench;
    bench.connect(1);
    for (const std::string& hint : {kHint, kLastHint, kHint + kHint}) bench.to_client(1, hint);
    ASSERT_TRUE(bench.push(1, "after"));
    bench.exchange();
    EXPECT_TRUE(bench.client.closed.empty());
    EXPECT_EQ(bench.client.texts, std::vector<std::string>{"after"});
}

TEST(Extension, HintsBehindTheHelloAndTheWelcomeAreInTheirBatches) {
    Bench bench;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    EXPECT_FALSE(bench.to_server(1, bench.from_client(1) + kHint));
    bench.to_client(1, bench.from_server(1) + kHint);
    bench.exchange();
    EXPECT_EQ(bench.client.ready.size(), 1u);
    EXPECT_TRUE(bench.server.errors.empty());
    EXPECT_TRUE(bench.client.closed.empty());
}

TEST(Extension, AHintIsNoHelloAndNoWelcome) {
    std::string_view rest;
    EXPECT_EQ(code_of(read_hello(kHint, rest)), errc::unexpected_frame);
    Bench bench;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    (void)bench.from_client(1);
    bench.to_client(1, kHint);
    EXPECT_EQ(bench.client.closed, (std::vector<Closed>{{1, errc::unexpected_frame}}));
}

TEST(Extension, AHintCannotHaveANumber) {
    Bench bench;
    bench.connect(1);
    bench.to_server(1, kNumberedHint);
    EXPECT_EQ(bench.server.errors, std::vector<errc>{errc::malformed_frame});
    Bench other;
    other.connect(1);
    other.to_client(1, kNumberedHint);
    EXPECT_EQ(other.client.closed, (std::vector<Closed>{{1, errc::malformed_frame}}));
}

TEST(Extension, OtherKindsOfFramesMustBeKnown) {
    for (const std::string& frame : {kMustBeKnown, kNumberedAndMustBeKnown}) {
        Bench bench;
        bench.connect(1);
        bench.to_server(1, frame);
        EXPECT_EQ(bench.server.errors, std::vector<errc>{errc::unexpected_frame});
        Bench other;
        other.connect(1);
        other.to_client(1, frame);
        EXPECT_EQ(other.client.closed, (std::vector<Closed>{{1, errc::unexpected_frame}}));
    }
}

TEST(Extension, FieldsOfALaterVersionInEveryFrameOfASessionChangeNothing) {
    Bench bench;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    const auto carry = [&] {
        for (bool moved = true; moved;) {
            const std::string up = with_a_field_more(bench.from_client(1));
            EXPECT_FALSE(bench.to_server(1, up));
            const std::string down = with_a_field_more(bench.from_server(1));
            bench.to_client(1, down);
            moved = !up.empty() || !down.empty();
        }
    };
    carry();
    ASSERT_EQ(bench.client.ready.size(), 1u);
    ASSERT_TRUE(bench.send(1, "up"));
    ASSERT_TRUE(bench.push(2, "down"));
    carry();
    EXPECT_EQ(bench.server.texts, std::vector<std::string>{"up"});
    EXPECT_EQ(bench.client.texts, std::vector<std::string>{"down"});
    EXPECT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.round_trips.size(), 1u);  // of the ping behind the Welcome
    EXPECT_TRUE(bench.server.errors.empty());
    EXPECT_TRUE(bench.client.closed.empty());
}

// The first frame of `batch`, a Hello or a Welcome, with more capabilities.
std::string with_capabilities(std::string_view batch, std::uint64_t more) {
    const wire::FrameView first = frames_of(batch).at(0);
    if (first.kind == wire::FrameKind::hello) {
        auto hello = wire::decode_hello(first.body).value();
        hello.capabilities |= more;
        return batch_of({}, wire::encode(hello));
    }
    auto welcome = wire::decode_welcome(first.body).value();
    welcome.capabilities |= more;
    return batch_of({}, wire::encode(welcome));
}

TEST(Extension, CapabilitiesThatAServerDoesNotKnowAreNotGranted) {
    const wire::Compression compression({});
    Bench bench;
    bench.server.table.offer(&compression);
    bench.client.session.begin_attempt("token");
    bench.open(1);
    EXPECT_FALSE(
        bench.to_server(1, with_capabilities(bench.from_client(1), kUnknownCapabilities | wire::kCapabilityGzip)));
    const std::string down = bench.from_server(1);
    EXPECT_EQ(wire::decode_welcome(frames_of(down).at(0).body).value().capabilities, wire::kCapabilityGzip);
    bench.to_client(1, down);
    bench.exchange();
    EXPECT_EQ(bench.client.ready.size(), 1u);
}

TEST(Extension, CapabilitiesThatAClientDoesNotKnowAreIgnored) {
    Bench bench;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    EXPECT_FALSE(bench.to_server(1, bench.from_client(1)));
    bench.to_client(1, with_capabilities(bench.from_server(1), kUnknownCapabilities));
    bench.exchange();
    EXPECT_EQ(bench.client.ready.size(), 1u);
    EXPECT_EQ(bench.client.session.encodings(), 0);
    EXPECT_TRUE(bench.client.closed.empty());
}

}  // namespace
}  // namespace flare::session::test
