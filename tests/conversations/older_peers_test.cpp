// Peers of before conversations, in bytes and in JSON, at a server with a store: they get direct messages as Data,
// never rooms, never own messages, and no frame that they do not know.
#include "integration/harness.hpp"
#include "integration/raw_peer.hpp"
#include "support/folder.hpp"
#include "wire/about.hpp"

#include <algorithm>
#include <set>

namespace flare::test {
namespace {

class OlderPeers : public ::testing::TestWithParam<transport::WireFormat> {
protected:
    // What has come as Data, and the kinds of all numbered frames.
    struct Heard {
        std::vector<std::string> messages;
        std::vector<std::string> mentions;
        std::set<wire::FrameKind> kinds;
    };
    static Heard heard(const RawPeer& peer) {
        Heard all;
        for (const std::string& batch : peer.batches) {
            wire::BatchReader reader(batch);
            wire::FrameView frame;
            while (!reader.done() && reader.next(frame)) {
                all.kinds.insert(frame.kind);
                if (frame.kind != wire::FrameKind::data) continue;
                const auto data = wire::decode_data(frame.body);
                all.messages.push_back(std::string(data->from) + ": " + std::string(data->message->payload));
                const auto about = wire::decode_about(data->message->about);
                EXPECT_TRUE(about);
                for (const std::string_view name : about->mentions) all.mentions.emplace_back(name);
            }
        }
        return all;
    }

    Folder folder;
    Events at_bob;
    Events at_eve;
};

TEST_P(OlderPeers, GetDirectMessagesAsDataAndNothingElse) {
    Server server = started(quiet_server().store(sqlite(folder.path("flare.db"))));
    RawPeer peer(server.websocket_addr(), GetParam());
    ASSERT_EQ(peer.hello(RawPeer::hello_of("eve")), wire::FrameKind::welcome);
    EXPECT_EQ(peer.welcome->capabilities & wire::kCapabilityConversations, 0u);
    peer.send({}, wire::encode(wire::Activate{2}));
    Client desk = connected(client_of(server.websocket_addr(), "eve", at_eve).sync_conversations(true));
    ASSERT_TRUE(at_eve.wait_for<event::ConversationsSynced>());
    Client bob = connected(client_of(server.websocket_addr(), "bob", at_bob).sync_conversations(true));
    ASSERT_TRUE(at_bob.wait_for<event::ConversationsSynced>());

    ASSERT_TRUE(bob.conversations().create("room:tea", RoomOptions().with_members({"eve"})));
    ASSERT_TRUE(bob.send_text_message("room:tea", "to the room").success);
    ASSERT_TRUE(bob.send_text_message("eve", "first").success);
    ASSERT_TRUE(desk.send_text_message("bob", "own").success);
    ASSERT_TRUE(desk.send_text_message("room:tea", "own in the room").success);
    Message last("text", Bytes("last"));
    last.mentions = {"eve", "nobody"};
    ASSERT_TRUE(bob.send_message("eve", last).success);
    const std::vector<std::string> direct{"bob: first", "bob: last"};
    EXPECT_TRUE(peer.wait([&] { return heard(peer).messages.size() >= direct.size(); }));
    const Heard all = heard(peer);
    EXPECT_EQ(all.messages, direct);
    EXPECT_EQ(all.mentions, (std::vector<std::string>{"eve", "nobody"})) << "as its sender wrote them";
    EXPECT_FALSE(all.kinds.contains(wire::FrameKind::feed));
    EXPECT_FALSE(all.kinds.contains(wire::FrameKind::response));
    EXPECT_FALSE(peer.closed);

    // The same user's client of today is told the same by feeds.
    ASSERT_TRUE(at_eve.wait_for<event::MessageReceived>(3));
    EXPECT_EQ(at_eve.all<event::MessageReceived>().size(), 3u);
    const auto list = desk.conversations().list();
    ASSERT_TRUE(list);
    EXPECT_EQ(list->size(), 2u);
}

TEST_P(OlderPeers, MayNotAskForAList) {
    Server server = started(quiet_server().store(sqlite(folder.path("flare.db"))));
    RawPeer peer(server.websocket_addr(), GetParam());
    ASSERT_EQ(peer.hello(RawPeer::hello_of("eve")), wire::FrameKind::welcome);
    peer.send({}, wire::encode(wire::Activate{2}));
    wire::RequestView request;
    request.id = Uuid::v7();
    request.verb = wire::Verb::sync;
    wire::FrameHeader header;
    header.seq = 1;
    peer.send(header, wire::encode(request));
    EXPECT_EQ(peer.closed_with(), errc::unexpected_frame);
}

INSTANTIATE_TEST_SUITE_P(In, OlderPeers,
                         ::testing::Values(transport::WireFormat::protobuf, transport::WireFormat::json),
                         [](const auto& each) { return each.param == transport::WireFormat::json ? "Json" : "Bytes"; });

}  // namespace
}  // namespace flare::test
