// Compression through real sockets: clients with and without it, servers with and without it, and peers that lie.
#include "integration/quic_harness.hpp"
#include "integration/raw_peer.hpp"

#include "wire/compression.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace flare::test {
namespace {

using wire::Encoding;

std::string text(std::size_t size, unsigned begin = 0) {
    std::string made;
    for (unsigned i = begin; made.size() < size; ++i)
        made += "a line of a chat, number " + std::to_string(i * 37) + "\n";
    return made.substr(0, size);
}

// A file that goes with the test.
class DictionaryFile {
public:
    explicit DictionaryFile(const std::string& word)
        : path((std::filesystem::temp_directory_path() /
                ("flare-" + word + "-" + std::to_string(::getpid()) + ".dictionary"))
                   .string()) {
        std::vector<std::string> samples;
        for (unsigned i = 0; i < 3000; ++i) {
            samples.push_back(R"({"kind":"text","thread":")" + word + R"(","body":"message )" +
                              std::to_string(i * 7919) + R"( of a thread about )" + word +
                              R"(","client":"flare-test"})");
        }
        std::ofstream(path, std::ios::binary) << *wire::train_dictionary(samples, 4096);
    }
    ~DictionaryFile() { std::filesystem::remove(path); }
    const std::string path;
};

class Compressed : public QuicHarness, public ::testing::WithParamInterface<ProtocolSelection> {
protected:
    Client client(const Server& server, const std::string& user, Events& heard, bool compresses) {
        return connected(client_for(server, user, heard, GetParam()).compression(compresses));
    }
    static std::vector<std::string> payloads(Events& heard) {
        std::vector<std::string> found;
        for (const auto& each : heard.all<event::MessageReceived>()) found.push_back(each.message.payload.str());
        return found;
    }
};

// The same payload, or "wrong" when it is not what the test has sent.
HandlerResult echo_of_text(const SessionInfo&, const Message& message) {
    const bool right = message.payload.view() == text(message.payload.size());
    return Message(message.type, right ? message.payload : Bytes("wrong"));
}
Task<HandlerResult> co_echo_of_text(SessionInfo session, Message message) { co_return echo_of_text(session, message); }

INSTANTIATE_TEST_SUITE_P(Over, Compressed, ::testing::Values(ProtocolSelection::websocket, ProtocolSelection::quic),
                         [](const auto& each) { return each.param == ProtocolSelection::quic ? "quic" : "websocket"; });

TEST_P(Compressed, AMessageAndItsReplyShrinkOnTheWay) {
    Server server = started(builder().compression(true));
    Client ann = client(server, "ann", events, true);
    const std::string big = text(100'000);
    EXPECT_TRUE(ann.send_binary_message("server", Bytes(big)).success);
    EXPECT_TRUE(ann.send_text_message("server", "small").success);
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(2));
    EXPECT_EQ(payloads(events), (std::vector<std::string>{big, "small"}));
    EXPECT_TRUE(events.all<event::CapabilityUnavailable>().empty());
    const CompressionStats here = ann.get_connection_stats().compression;
    const CompressionStats there = server.stats()->compression;
    for (const CompressionStats& stats : {here, there}) {
        EXPECT_EQ(stats.compressed, 1u);
        EXPECT_EQ(stats.inflated, 1u);
        EXPECT_EQ(stats.compressed_from, big.size());
        EXPECT_EQ(stats.inflated_to, big.size());
        EXPECT_LT(stats.compressed_to, big.size() / 3);
        EXPECT_EQ(stats.refused, 0u);
    }
    EXPECT_EQ(here.compressed_to, there.inflated_from);
    EXPECT_LT(ann.get_connection_stats().bytes_sent, big.size() / 2);
}

TEST_P(Compressed, UsersWithAndWithoutItTalkToEachOther) {
    Server server = started(builder().compression(true));
    Events heard;
    Client ann = client(server, "ann", events, true);
    Client bob = client(server, "bob", heard, false);
    std::vector<std::string> sent;
    // Small, large enough, and larger than an event loop inflates: in the order in which they were sent.
    for (const std::size_t size : {10u, 5'000u, 3'000'000u, 20u, 6'000u, 1'000'000u, 7u}) sent.push_back(text(size, 7));
    for (const std::string& each : sent) {
        ASSERT_TRUE(ann.post_message("bob", Message("text", Bytes(each))));
        ASSERT_TRUE(bob.post_message("ann", Message("text", Bytes(each))));
    }
    ASSERT_TRUE(heard.wait_for<event::MessageReceived>(sent.size()));
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(sent.size()));
    ASSERT_TRUE(events.wait_for<event::MessageSent>(sent.size()));
    ASSERT_TRUE(heard.wait_for<event::MessageSent>(sent.size()));
    EXPECT_TRUE(payloads(heard) == sent);
    EXPECT_TRUE(payloads(events) == sent);
    EXPECT_TRUE(events.all<event::Error>().empty());
    EXPECT_EQ(server.stats()->compression.inflated, 4u) << "what bob cannot read, once each";
}

TEST_P(Compressed, BetweenTwoWhoHaveItTheServerOnlyHandsOn) {
    Server server = started(builder().compression(true));
    Events heard;
    Client ann = client(server, "ann", events, true);
    Client bob = client(server, "bob", heard, true);
    const std::string big = text(4'000'000);
    EXPECT_TRUE(ann.send_binary_message("bob", Bytes(big)).success);
    EXPECT_TRUE(ann.send_binary_message("bob", Bytes(text(5'000))).success);
    ASSERT_TRUE(heard.wait_for<event::MessageReceived>(2));
    EXPECT_TRUE(payloads(heard)[0] == big);
    EXPECT_EQ(payloads(heard)[1], text(5'000));
    EXPECT_EQ(server.stats()->compression.inflated, 0u);
    EXPECT_EQ(server.stats()->compression.compressed, 0u);
    EXPECT_LT(server.stats()->bytes_sent, big.size() / 2);
    EXPECT_TRUE(eventually([&] { return bob.get_connection_stats().compression.inflated == 2u; }));
}

TEST_P(Compressed, AnEventTellsWhenTheServerHasNone) {
    Server server = started(builder());
    Client ann = client(server, "ann", events, true);
    ASSERT_TRUE(events.wait_for<event::CapabilityUnavailable>());
    EXPECT_EQ(events.all<event::CapabilityUnavailable>()[0].capability, "compression");
    const std::string big = text(50'000);
    EXPECT_TRUE(ann.send_binary_message("server", Bytes(big)).success);
    ASSERT_TRUE(events.wait_for<event::MessageReceived>());
    EXPECT_EQ(payloads(events)[0], big);
    EXPECT_EQ(ann.get_connection_stats().compression.compressed, 0u);
    EXPECT_EQ(events.all<event::CapabilityUnavailable>().size(), 1u);
}

TEST_P(Compressed, HandlersOfEveryKindGetWhatWasSent) {
    Server server = started(builder()
                                .compression(true)
                                .on_message_type("pool", echo_of_text, Execution::pool)
                                .on_message_type("worker", echo_of_text, Execution::worker)
                                .on_message_type("co", co_echo_of_text));
    Client ann = client(server, "ann", events, true);
    std::vector<std::size_t> sizes;
    for (const char* type : {"pool", "worker", "co"}) {
        for (const std::size_t size : {5'000u, 2'000'000u, 5u, 70'000u}) {
            ASSERT_TRUE(ann.post_message("server", Message(type, Bytes(text(size)))));
            sizes.push_back(size);
        }
    }
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(sizes.size()));
    const auto replies = payloads(events);
    ASSERT_EQ(replies.size(), sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_TRUE(replies[i] == text(sizes[i])) << i;
    EXPECT_EQ(server.stats()->compression.inflated, 9u);
}

TEST_P(Compressed, APolicyReadsWhatWasWritten) {
    Server server = started(builder().compression(true).with_delivery_policy(
        [](std::string_view, std::string_view, const Message& message) {
            return message.payload.view() == text(message.payload.size());
        }));
    Events heard;
    Client ann = client(server, "ann", events, true);
    Client bob = client(server, "bob", heard, true);
    for (const std::size_t size : {5'000u, 2'000'000u}) {
        EXPECT_TRUE(ann.send_binary_message("bob", Bytes(text(size))).success);
        EXPECT_EQ(ann.send_binary_message("bob", Bytes(text(size, 1))).error, errc::forbidden);
    }
    ASSERT_TRUE(heard.wait_for<event::MessageReceived>(2));
    EXPECT_TRUE(payloads(heard) == (std::vector<std::string>{text(5'000), text(2'000'000)}));
}

TEST_P(Compressed, TheSessionGoesOnWhereItsConnectionWasLost) {
    Server server = started(builder().compression(true));
    Client ann = client(server, "ann", events, true);
    for (unsigned i = 0; i < 20; ++i) {
        ASSERT_TRUE(ann.post_message("server", Message("x", Bytes(text(3'000, i)))));
        if (i % 5 != 0) continue;
        ASSERT_TRUE(ann.reconnect());
    }
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(20));
    const auto replies = payloads(events);
    for (unsigned i = 0; i < 20; ++i) EXPECT_EQ(replies.at(i), text(3'000, i));
    EXPECT_TRUE(events.all<event::Gap>().empty());
    EXPECT_EQ(server.stats()->sessions_created, 1u);
}

TEST_P(Compressed, WithADictionaryShortMessagesShrinkToo) {
    const DictionaryFile file("cooking");
    Server server = started(builder().compression(true).compression_dictionary(file.path));
    Client ann =
        connected(client_for(server, "ann", events, GetParam()).compression(true).compression_dictionary(file.path));
    const std::string message =
        R"({"kind":"text","thread":"cooking","body":"message 12 of a thread about cooking","client":"flare-test"})";
    ASSERT_LT(message.size(), wire::Compression::kThreshold);
    EXPECT_TRUE(ann.send_text_message("server", message).success);
    ASSERT_TRUE(events.wait_for<event::MessageReceived>());
    EXPECT_EQ(payloads(events)[0], message);
    EXPECT_TRUE(events.all<event::CapabilityUnavailable>().empty());
    EXPECT_EQ(server.stats()->compression.inflated, 1u);
    EXPECT_LT(server.stats()->compression.compressed_to, message.size() / 2);

    // Another dictionary, or none: messages between them are compressed otherwise, or not at all.
    const DictionaryFile different("travel");
    Events heard;
    Events plain;
    Client bob = connected(
        client_for(server, "bob", heard, GetParam()).compression(true).compression_dictionary(different.path));
    Client eve = client(server, "eve", plain, false);
    ASSERT_TRUE(heard.wait_for<event::CapabilityUnavailable>());
    EXPECT_EQ(heard.all<event::CapabilityUnavailable>()[0].capability, "compression_dictionary");
    for (const char* to : {"bob", "eve"}) {
        EXPECT_TRUE(ann.send_text_message(to, message).success);
        EXPECT_TRUE(ann.send_text_message(to, message + text(3'000)).success);
    }
    ASSERT_TRUE(heard.wait_for<event::MessageReceived>(2));
    ASSERT_TRUE(plain.wait_for<event::MessageReceived>(2));
    for (Events* each : {&heard, &plain}) {
        EXPECT_EQ(payloads(*each), (std::vector<std::string>{message, message + text(3'000)}));
    }
    EXPECT_TRUE(eventually([&] { return bob.get_connection_stats().compression.inflated == 1u; }))
        << "the long one, with zstd alone";
}

TEST_P(Compressed, ABroadcastIsCompressedOnceInEachWay) {
    Server server = started(builder().compression(true));
    std::vector<std::unique_ptr<Events>> heard;
    std::vector<Client> clients;
    for (int i = 0; i < 12; ++i) {
        heard.push_back(std::make_unique<Events>());
        clients.push_back(client(server, "user" + std::to_string(i), *heard.back(), i % 3 != 0));
    }
    wire::Hello hello = RawPeer::hello_of("zipper");
    hello.capabilities = wire::kCapabilityGzip;
    RawPeer zipper(server.websocket_addr());
    ASSERT_EQ(zipper.hello(hello), wire::FrameKind::welcome);
    EXPECT_EQ(zipper.welcome->capabilities, wire::kCapabilityGzip);
    zipper.send({}, wire::encode(wire::Activate{2}));
    RawPeer person(server.websocket_addr(), transport::WireFormat::json);
    hello = RawPeer::hello_of("person");
    hello.capabilities = wire::Compression::kOffered;
    ASSERT_EQ(person.hello(hello), wire::FrameKind::welcome);
    EXPECT_EQ(person.welcome->capabilities, 0u) << "what a person reads is never compressed";
    person.send({}, wire::encode(wire::Activate{2}));

    const auto message_to = [](RawPeer& peer, const auto& read) {
        peer.wait([&] {
            for (const std::string& batch : peer.batches) {
                wire::BatchReader reader(batch);
                wire::FrameView frame;
                while (!reader.done() && reader.next(frame)) {
                    if (frame.kind != wire::FrameKind::data) continue;
                    read(*wire::decode_data(frame.body)->message);
                    return true;
                }
            }
            return false;
        });
    };
    const std::string news = text(20'000);
    EXPECT_EQ(server.broadcast(Message("news", Bytes(news))).value(), 14u);
    for (const auto& each : heard) {
        ASSERT_TRUE(each->wait_for<event::MessageReceived>());
        EXPECT_EQ(payloads(*each)[0], news);
    }
    bool read_both[2] = {};
    message_to(zipper, [&](const wire::MessageView& message) {
        read_both[0] = true;
        EXPECT_EQ(message.encoding, Encoding::gzip);
        const wire::Compression compression({});
        EXPECT_EQ(compression.inflate(message, wire::set_of(Encoding::gzip), 1 << 20)->view(), news);
    });
    message_to(person, [&](const wire::MessageView& message) {
        read_both[1] = true;
        EXPECT_EQ(message.encoding, Encoding::none);
        EXPECT_EQ(message.payload, news);
    });
    EXPECT_TRUE(read_both[0] && read_both[1]);
    EXPECT_EQ(server.stats()->compression.compressed, 2u) << "zstd once, gzip once";

    // Large: compressed by the thread that sends, with zstd; gzip would take too long.
    const std::string large = text(1'500'000);
    EXPECT_EQ(server.broadcast(Message("news", Bytes(large))).value(), 14u);
    for (const auto& each : heard) {
        ASSERT_TRUE(each->wait_for<event::MessageReceived>(2));
        EXPECT_TRUE(payloads(*each)[1] == large);
    }
    EXPECT_EQ(server.stats()->compression.compressed, 3u);
}

// ---- peers that lie ----

class Liar : public ::testing::Test {
protected:
    Liar() {
        wire::Hello hello = RawPeer::hello_of("eve");
        hello.capabilities = wire::kCapabilityZstd;
        EXPECT_EQ(peer.hello(hello), wire::FrameKind::welcome);
        peer.send({}, wire::encode(wire::Activate{2}));
    }
    // Sends it and gives the code of its receipt.
    errc outcome(std::string_view payload, Encoding encoding, std::uint64_t size, const std::string& to = "server") {
        wire::DataView data;
        data.message.emplace();
        data.message->id = Uuid::v7();
        data.message->type = "x";
        data.message->to = to;
        data.message->payload = payload;
        data.message->encoding = encoding;
        data.message->size = size;
        wire::FrameHeader header;
        header.seq = ++seq;
        peer.send(header, wire::encode(data));
        errc found = errc::internal;
        peer.wait([&] {
            for (const std::string& batch : peer.batches) {
                wire::BatchReader reader(batch);
                wire::FrameView frame;
                while (!reader.done() && reader.next(frame)) {
                    std::optional<wire::ReceiptView> receipt;
                    if (frame.kind == wire::FrameKind::receipt) receipt = *wire::decode_receipt(frame.body);
                    if (frame.kind == wire::FrameKind::data) receipt = wire::decode_data(frame.body)->receipt;
                    if (!receipt || receipt->message_id != data.message->id) continue;
                    found = receipt->code;
                    return true;
                }
            }
            return peer.closed.has_value();
        });
        return found;
    }
    static std::string packed(std::string_view payload) {
        const wire::Compression compression({});
        return std::string(compression.pack(payload, wire::set_of(Encoding::zstd))->bytes);
    }

    Server server = started(quiet_server().compression(true).max_message_bytes(4u << 20));
    RawPeer peer{server.websocket_addr()};
    wire::Seq seq = 0;
};

TEST_F(Liar, EachLieEndsOneMessageAndNothingElse) {
    const std::string good = packed(text(5'000));
    const std::string bomb = packed(std::string(64u << 20, 'x'));
    EXPECT_EQ(outcome(good, Encoding::zstd, 5'000), errc::ok);
    EXPECT_EQ(outcome(good, Encoding::zstd, 4'999), errc::bad_compression);
    EXPECT_EQ(outcome(good, Encoding::zstd, 0), errc::bad_compression);
    EXPECT_EQ(outcome(good, Encoding::zstd, ~0ull), errc::message_too_large);
    EXPECT_EQ(outcome(bomb, Encoding::zstd, 64u << 20), errc::message_too_large);
    EXPECT_EQ(outcome(bomb, Encoding::zstd, 4u << 20), errc::bad_compression);
    EXPECT_EQ(outcome(std::string_view(good).substr(0, good.size() - 9), Encoding::zstd, 5'000), errc::bad_compression);
    EXPECT_EQ(outcome("garbage", Encoding::zstd, 5'000), errc::bad_compression);
    EXPECT_EQ(outcome(good, Encoding::gzip, 5'000), errc::compression_unavailable);
    EXPECT_EQ(outcome(good, Encoding::zstd_dictionary, 5'000), errc::compression_unavailable);
    EXPECT_EQ(outcome(good, Encoding::unknown, 5'000), errc::compression_unavailable);
    EXPECT_EQ(outcome(good, Encoding::zstd, 5'000), errc::ok);
    EXPECT_FALSE(peer.closed);
    EXPECT_EQ(server.stats()->compression.inflated, 2u);
    EXPECT_EQ(server.stats()->errors[errc::bad_compression], 5u);
}

TEST_F(Liar, WhatIsDamagedHarmsNobodyWhoGetsIt) {
    Events with;
    Events without;
    Client ann = connected(client_of(server.websocket_addr(), "ann", with).compression(true));
    Client bob = connected(client_of(server.websocket_addr(), "bob", without));
    // Its beginning is in order, its end is not: only who inflates it finds out.
    std::string damaged = packed(text(5'000));
    for (std::size_t i = damaged.size() - 40; i < damaged.size(); ++i) damaged[i] = static_cast<char>(0xff);
    EXPECT_EQ(outcome(damaged, Encoding::zstd, 5'000, "bob"), errc::bad_compression);
    EXPECT_EQ(outcome(damaged, Encoding::zstd, 5'000, "ann"), errc::ok) << "the server has not looked into it";
    EXPECT_EQ(outcome(packed(text(5'000)), Encoding::zstd, 5'000, "ann"), errc::ok);
    EXPECT_EQ(outcome(packed(text(5'000)), Encoding::zstd, 5'000, "bob"), errc::ok);
    ASSERT_TRUE(with.wait_for<event::MessageReceived>());
    ASSERT_TRUE(without.wait_for<event::MessageReceived>());
    ASSERT_EQ(with.all<event::Error>().size(), 1u);
    EXPECT_EQ(with.all<event::Error>()[0].failure.code, errc::bad_compression);
    EXPECT_NE(with.all<event::Error>()[0].failure.text.find("eve"), std::string::npos);
    EXPECT_EQ(with.all<event::MessageReceived>()[0].message.payload.str(), text(5'000));
    EXPECT_TRUE(ann.send_text_message("server", "still here").success);
    EXPECT_EQ(ann.get_connection_stats().compression.refused, 1u);
}

TEST(CompressionConfig, AWrongDictionaryFileIsToldByBuild) {
    const auto missing = quiet_server().compression(true).compression_dictionary("/nowhere/chat.dictionary").build();
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, errc::file_not_found);
    EXPECT_NE(missing.error().text.find("/nowhere/chat.dictionary"), std::string::npos);

    Events events;
    const std::string wrong = std::string(FLARE_SOURCE_DIR) + "/README.md";
    const auto client = client_of("127.0.0.1:1", "ann", events).compression(true).compression_dictionary(wrong).build();
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, errc::invalid_config);
    EXPECT_NE(client.error().text.find("compression_dictionary"), std::string::npos);

    EXPECT_EQ(quiet_server().compression_dictionary(wrong).build().error().code, errc::invalid_config);
    EXPECT_EQ(quiet_server().compression(true).compression_level(0).build().error().code, errc::invalid_config);
    EXPECT_EQ(quiet_server().compression(true).compression_level(99).build().error().code, errc::invalid_config);
}

}  // namespace
}  // namespace flare::test
