// What a Framer makes of a batch, read by the other side's parser.
#include "transport/websocket/framer.hpp"

#include "codec_fixture.hpp"
#include "transport/websocket/deflate.hpp"

namespace flare::transport::websocket::test {
namespace {

using ::testing::ElementsAre;

wire::Batch batch_twice(std::string_view text) {
    wire::Batch batch;
    for (int i = 0; i < 2; ++i) batch.add({}, wire::encode(wire::CredentialView{text}));
    return batch;
}

std::string bytes_of(const Framer& framer, const wire::Batch& batch) {
    Framer::Head head;
    std::string bytes;
    for (const tcp::Piece& piece : framer.frames(batch, head)) bytes.append(piece.data, piece.size);
    return bytes;
}

// The messages in `bytes`, inflated.
Events read_by(Role role, std::string bytes, bool deflate = false) {
    Parser parser(role, Accept::any, 1 << 20);
    if (deflate) parser.allow_compressed();
    Events seen;
    std::span<char> input(bytes);
    while (!input.empty()) {
        const Event event = parser.next(input);
        if (event.kind == EventKind::none) break;
        std::string payload(event.payload);
        if (event.compressed) payload = inflate_message(event.payload, 1 << 20).value();
        seen.push_back({event.kind, event.text, payload, event.close_code, event.error});
    }
    return seen;
}

TEST(Framer, ABatchIsOneMessageMaskedByAClient) {
    const wire::Batch batch = batch_twice(std::string(300, 'x'));
    const Framer server(Role::server, WireFormat::protobuf, false);
    const Framer client(Role::client, WireFormat::protobuf, false);
    EXPECT_THAT(read_by(Role::client, bytes_of(server, batch)), ElementsAre(binary(batch.str())));
    EXPECT_THAT(read_by(Role::server, bytes_of(client, batch)), ElementsAre(binary(batch.str())));
    EXPECT_NE(bytes_of(client, batch), bytes_of(client, batch)) << "each with a key of its own";
}

TEST(Framer, WhatAServersBatchSharesIsReferenced) {
    const Bytes part(std::string(4096, 'x'));
    wire::Batch batch;
    batch.add_chunk({}, 10'000, part);
    Framer::Head head;
    const auto pieces = Framer(Role::server, WireFormat::protobuf, false).frames(batch, head);
    ASSERT_FALSE(pieces.empty());
    EXPECT_EQ(pieces.front().data, head.data());
    EXPECT_EQ(pieces.back().data, part.data());
    EXPECT_NE(pieces.back().shared, nullptr);
}

TEST(Framer, ABatchInJsonIsOneText) {
    const wire::Batch batch = batch_twice("token");
    const Events seen = read_by(Role::server, bytes_of(Framer(Role::client, WireFormat::json, false), batch));
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_TRUE(seen[0].text);
    EXPECT_EQ(seen[0].kind, EventKind::message);
}

TEST(Framer, CompressedEachFrameIsAMessage) {
    const wire::Batch batch = batch_twice(std::string(3000, 'x'));
    const std::string all = batch.str();
    const std::string each = all.substr(0, all.size() / 2);
    const std::string bytes = bytes_of(Framer(Role::server, WireFormat::protobuf, true), batch);
    EXPECT_LT(bytes.size(), all.size());
    EXPECT_THAT(read_by(Role::client, bytes, true), ElementsAre(binary(each), binary(each)));
}

TEST(Framer, ControlFramesAreMaskedByAClientToo) {
    std::string bytes;
    Framer(Role::client, WireFormat::protobuf, false).append(bytes, Opcode::ping, "now");
    EXPECT_THAT(read_by(Role::server, bytes), ElementsAre(ping("now")));
}

}  // namespace
}  // namespace flare::transport::websocket::test
