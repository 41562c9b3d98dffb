// Sealed conversations over every transport, and what a stranger in between sees and can do.
#include "integration/proxy.hpp"
#include "integration/sealing_harness.hpp"

namespace flare::test {
namespace {

class Sealed : public SealingHarness {};

void expect_conversation(Client& client, Events& events) {
    EXPECT_TRUE(client.send_message("server", Message("chat", Bytes("hi"))).success);
    EXPECT_TRUE(client.send_binary_message("server", Bytes(std::string(700'000, 'x'))).success);
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(2));
    EXPECT_EQ(events.all<event::MessageReceived>()[0].message.payload, "收到聊天消息: hi");
    EXPECT_EQ(events.all<event::MessageReceived>()[1].message.payload.size(), 700'000u);
    EXPECT_TRUE(client.get_connection_stats().sealed);
}

TEST_F(Sealed, ConversationsGoOverWebSocket) {
    Server server = started(sealing_builder());
    Client client = connected(sealing_client(server));
    expect_conversation(client, events);
    EXPECT_EQ(server.sealing_public_key(), key.pin);
}

TEST_F(Sealed, ConversationsGoOverTls) {
    Server server = started(sealing_builder().websocket_tls(identity.certificate_file, identity.key_file));
    ClientBuilder builder(kUser);
    builder.server_addresses(ServerAddresses().with_websocket_tls_url("wss://" + server.websocket_addr()))
        .ca_file(authority.certificate_file)
        .token(kToken)
        .encryption(true)
        .with_event_callback(std::ref(events));
    Client client = connected(builder);
    expect_conversation(client, events);
}

TEST_F(Sealed, ConversationsGoOverQuic) {
    Server server = started(sealing_builder());
    Client client = connected(sealing_client(server, ProtocolSelection::quic));
    expect_conversation(client, events);
    EXPECT_EQ(client.get_current_protocol(), Protocol::quic);
    EXPECT_TRUE(client.migrate());
    EXPECT_TRUE(client.send_text_message("server", "from another port").success);
}

TEST_F(Sealed, AnotherKeyIsReadWithTheCertificatesAndClientsOfTheOldOneGoOn) {
    Server server = started(sealing_builder());
    Client old_client = connected(sealing_client(server).server_key(key.pin));
    const SealingKey next(certificates, "next.key", 50);
    certificates.write("sealing.key", next.line + "\n");
    const auto reloaded = server.reload_certificates();
    ASSERT_TRUE(reloaded) << reloaded.error().text;
    EXPECT_EQ(server.sealing_public_key(), next.pin);

    EXPECT_TRUE(old_client.send_text_message("server", "still sealed").success);
    Events heard;
    const auto guest = [&](const std::string& pin) {
        return client_for(server, "guest", heard, ProtocolSelection::websocket)
            .token("guest")
            .encryption(true)
            .auto_reconnect(false)
            .server_key(pin)
            .build();
    };
    EXPECT_EQ(guest(key.pin)->connect().error().code, errc::server_key_mismatch);
    EXPECT_TRUE(guest(next.pin)->connect());

    certificates.write("sealing.key", "no key\n");
    EXPECT_FALSE(server.reload_certificates());
    EXPECT_EQ(server.sealing_public_key(), next.pin);
}

TEST_F(Sealed, ClientsThatSealAndClientsThatDoNotTalkToEachOther) {
    Server server = started(sealing_builder());
    Client client = connected(sealing_client(server));
    Events heard;
    Client plain = connected(client_for(server, "guest", heard, ProtocolSelection::websocket).token("guest"));
    EXPECT_FALSE(plain.get_connection_stats().sealed);
    EXPECT_TRUE(client.send_text_message("guest", "one").success);
    EXPECT_TRUE(plain.send_text_message(kUser, "two").success);
    EXPECT_TRUE(heard.wait_for<event::MessageReceived>());
    EXPECT_TRUE(events.wait_for<event::MessageReceived>());
}

TEST_F(Sealed, SocketsAreHandedOverToTheirHomeWithTheirSeals) {
    Server server = started(builder().sealing_key(key.file).worker_threads(4));
    for (int i = 0; i < 16; ++i) {
        Events heard;
        Client client = connected(
            client_for(server, "user" + std::to_string(i), heard, ProtocolSelection::websocket).encryption(true));
        ASSERT_TRUE(client.send_text_message("server", "x").success);
        ASSERT_TRUE(heard.wait_for<event::MessageReceived>());
    }
    EXPECT_GT(server.stats()->hand_overs, 0u);
}

TEST_F(Sealed, SessionsResumeAndMoveBetweenProtocolsInMidStream) {
    Server server = started(sealing_builder());
    Client client = connected(sealing_client(server, ProtocolSelection::manual));
    for (int i = 0; i < 600; ++i) {
        ASSERT_TRUE(client.post_message("server", Message("count", Bytes(std::to_string(i)))));
        if (i == 100) {
            ASSERT_TRUE(client.switch_protocol(Protocol::websocket));
        }
        if (i == 200) {
            ASSERT_TRUE(client.switch_protocol(Protocol::quic));
        }
        if (i == 300) {
            ASSERT_TRUE(client.reconnect());
        }
        if (i == 400) {
            ASSERT_TRUE(client.switch_protocol(Protocol::websocket));
        }
        if (i == 500) {
            ASSERT_GE(server.drop_connections(kUser).value(), 1u);  // the one before may be on its way out
        }
    }
    expect_all_in_order(600);
    EXPECT_TRUE(client.get_connection_stats().sealed);
    EXPECT_EQ(server.stats()->sessions_created, 1u);
    EXPECT_TRUE(events.all<event::Gap>().empty());
    // The handshake of sealing comes first, so nothing travels as early data.
    EXPECT_EQ(client.get_protocol_metrics(Protocol::quic).early_data_accepted, 0u);
    EXPECT_EQ(server.stats()->quic_early_data, 0u);
}

TEST_F(Sealed, NobodyInBetweenSeesTokenUserOrPayload) {
    Server server = started(sealing_builder());
    for (const bool sealed : {false, true}) {
        Proxy proxy(server.websocket_addr());
        proxy.listen_in();
        Events heard;
        ClientBuilder builder = client_of(proxy.address(), kUser, heard);
        builder.token(kToken);
        if (sealed) builder.encryption(true).server_key(key.pin);
        Client client = connected(builder);
        EXPECT_TRUE(client.send_text_message("server", kSecret).success);
        ASSERT_TRUE(heard.wait_for<event::MessageReceived>());
        EXPECT_EQ(heard.all<event::MessageReceived>()[0].message.payload, kSecret);
        client.disconnect();
        // A client masks its frames, so look behind the masks: in the server's words, which it does not mask, and in
        // the client's with every mask taken off.
        const std::string down = proxy.heard(false);
        EXPECT_EQ(down.find(kUser) == down.npos, sealed);
        EXPECT_EQ(down.find(kSecret) == down.npos, sealed);
        const std::string up = unmasked(proxy.heard(true));
        EXPECT_EQ(up.find(kToken) == up.npos, sealed);
        EXPECT_EQ(up.find(kUser) == up.npos, sealed);
        EXPECT_EQ(up.find(kSecret) == up.npos, sealed);
    }
}

TEST_F(Sealed, ABitChangedOnItsWayEndsThatConnectionAndLosesNothing) {
    Server server = started(sealing_builder());
    Proxy proxy(server.websocket_addr());
    Client client = connected(sealing_client_by(proxy.address()));
    const std::string padding(8'000, 'p');
    std::size_t sent = 0;
    for (const std::size_t after : {500u, 3'000u, 20'000u}) {
        for (const bool from_clients : {true, false}) {
            const std::uint64_t resumed = server.stats()->sessions_resumed;
            const int flips = proxy.flips();
            proxy.flip_after(from_clients, after);
            while (proxy.flips() == flips || server.stats()->sessions_resumed == resumed) {
                const std::string payload = std::to_string(sent++) + ":" + padding;
                ASSERT_TRUE(client.post_message("server", Message("count", Bytes(payload))));
                ASSERT_TRUE(events.wait_for<event::MessageSent>(sent)) << after << " " << from_clients;
            }
        }
    }
    ASSERT_TRUE(events.wait_for<event::MessageReceived>(sent));
    const auto received = events.all<event::MessageReceived>();
    ASSERT_EQ(received.size(), sent);
    for (std::size_t i = 0; i < sent; ++i)
        ASSERT_EQ(received[i].message.payload.str(), std::to_string(i) + ":" + padding);
    EXPECT_TRUE(client.get_connection_stats().sealed);
    EXPECT_EQ(server.stats()->sessions_created, 1u);
    EXPECT_GE(server.stats()->errors[errc::seal_broken], 3u) << "both sides find it, and tell the other";
    EXPECT_TRUE(events.all<event::Gap>().empty());
    EXPECT_TRUE(events.all<event::ReconnectFailed>().empty());
}

// ---- whom the client trusts ----

TEST_F(Sealed, AWrongPinnedKeyIsNoticedBeforeAnyCredentialIsSent) {
    Server server = started(sealing_builder());
    const SealingKey other(certificates, "other.key", 77);
    for (const bool quic : {false, true}) {
        Proxy proxy(server.websocket_addr());
        proxy.listen_in();
        auto client = (quic ? sealing_client(server, ProtocolSelection::quic) : sealing_client_by(proxy.address()))
                          .server_key(other.pin)
                          .build();
        const auto result = client->connect();
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, errc::server_key_mismatch);
        EXPECT_NE(result.error().text.find("server_key"), std::string::npos) << result.error().text;
        if (quic) continue;
        const std::string up = unmasked(proxy.heard(true));
        EXPECT_EQ(up.find(kToken), up.npos);
        EXPECT_EQ(up.find(kUser), up.npos);
        // The upgrade, 48 bytes of handshake and their frame, the answer to the server's close: nothing else.
        const std::size_t upgrade = up.find("\r\n\r\n") + 4;
        EXPECT_LT(up.size() - upgrade, 48u + 40u);
    }
    EXPECT_EQ(server.stats()->sessions_created, 0u);
    EXPECT_EQ(server.stats()->errors[errc::server_key_mismatch], 2u);
}

TEST_F(Sealed, AServerWithoutAKeyIsRefused) {
    Server server = started(builder());
    for (const auto mode : {ProtocolSelection::websocket, ProtocolSelection::quic}) {
        auto client = sealing_client(server, mode).build();
        const auto result = client->connect();
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, errc::encryption_unavailable) << result.error().text;
    }
    EXPECT_EQ(server.stats()->sessions_created, 0u);
}

TEST_F(Sealed, PreferredGoesUnsealedWhereItMustAndTellsSo) {
    Server without = started(builder());
    {
        Client client = connected(
            client_for(without, "ann", events, ProtocolSelection::websocket).encryption(Encryption::preferred));
        ASSERT_TRUE(events.wait_for<event::CapabilityUnavailable>());
        EXPECT_EQ(events.all<event::CapabilityUnavailable>()[0].capability, "encryption");
        EXPECT_FALSE(client.get_connection_stats().sealed);
        EXPECT_TRUE(client.send_text_message("server", "x").success);
        ASSERT_TRUE(client.reconnect());
        EXPECT_EQ(events.all<event::CapabilityUnavailable>().size(), 1u) << "once, while nothing changes";
    }
    events.clear();
    Server with = started(sealing_builder());
    Client client = connected(sealing_client(with).encryption(Encryption::preferred));
    EXPECT_TRUE(client.get_connection_stats().sealed);
    EXPECT_TRUE(events.all<event::CapabilityUnavailable>().empty());
    // A pinned key that is not the server's is no reason to do without.
    const SealingKey other(certificates, "other.key", 77);
    auto wrong = sealing_client(with).encryption(Encryption::preferred).server_key(other.pin).build();
    EXPECT_EQ(wrong->connect().error().code, errc::server_key_mismatch);
}

TEST_F(Sealed, ACertificateThatCannotBeTrustedVouchesForNothing) {
    Server server = started(sealing_builder());
    auto strange = sealing_client(server).ca_file(stranger.certificate_file).build();
    EXPECT_EQ(strange->connect().error().code, errc::certificate_rejected);
    auto renamed = sealing_client(server).server_name("chat.example.org").build();
    const auto result = renamed->connect();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::certificate_rejected);
    EXPECT_NE(result.error().text.find("mismatch"), std::string::npos) << result.error().text;
    EXPECT_EQ(server.stats()->sessions_created, 0u);
}

TEST_F(Sealed, WithoutACertificateTheKeyMustBePinned) {
    Server server = started(quiet_server().sealing_key(key.file));
    auto builder = client_of(server.websocket_addr(), "ann", events).encryption(true);
    auto asking = ClientBuilder(builder).ca_file(authority.certificate_file).build();
    const auto result = asking->connect();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::encryption_unavailable);
    EXPECT_NE(result.error().text.find("server_key"), std::string::npos) << result.error().text;
    Client pinned = connected(builder.server_key(key.pin));
    EXPECT_TRUE(pinned.get_connection_stats().sealed);
}

TEST_F(Sealed, AKeyThatACertificateVouchedForIsAskedForOnce) {
    Server server = started(sealing_builder());
    Proxy proxy(server.websocket_addr());
    proxy.listen_in();
    Client client = connected(sealing_client_by(proxy.address()));
    const std::string public_key(base::view(key.pair.known));
    const auto times_told = [&] {
        std::size_t count = 0;
        const std::string down = proxy.heard(false);
        for (std::size_t at = 0; (at = down.find(public_key, at)) != down.npos; ++at) ++count;
        return count;
    };
    EXPECT_EQ(times_told(), 1u);
    ASSERT_TRUE(client.reconnect());
    EXPECT_EQ(times_told(), 1u);
}

TEST_F(Sealed, AServerThatComesBackWithAnotherKeyIsAskedAnew) {
    const SealingKey other(certificates, "other.key", 77);
    auto first = std::make_unique<Server>(started(sealing_builder()));
    const std::string address = first->websocket_addr();
    Client client = connected(client_of(address, kUser, events)
                                  .token(kToken)
                                  .encryption(true)
                                  .ca_file(authority.certificate_file)
                                  .max_reconnect_attempts(1000)
                                  .reconnect_delay(10ms));
    first.reset();
    Server second = started(sealing_builder().sealing_key(other.file).websocket_addr(address));
    ASSERT_TRUE(events.wait_for<event::Reconnected>());
    EXPECT_TRUE(client.send_text_message("server", "x").success);
    EXPECT_TRUE(client.get_connection_stats().sealed);
    EXPECT_EQ(second.sealing_public_key(), other.pin);
}

TEST_F(Sealed, AnOldKeyIsGoodWhileTheServerKeepsIt) {
    const SealingKey other(certificates, "other.key", 77);
    certificates.write("both.key", other.line + "\n" + key.line + "\n");
    ::chmod(certificates.path("both.key").c_str(), 0600);
    Server server = started(sealing_builder().sealing_key(certificates.path("both.key")));
    EXPECT_EQ(server.sealing_public_key(), other.pin);
    for (const std::string& pin : {key.pin, other.pin}) {
        Client client = connected(sealing_client(server).server_key(pin));
        EXPECT_TRUE(client.send_text_message("server", "x").success);
    }
}

TEST_F(Sealed, TheAuthHandlerKnowsThatTheCredentialWasNotSeen) {
    std::vector<bool> encrypted;
    Server server = started(builder().sealing_key(key.file).with_auth_handler([&](const AuthRequest& request) {
        encrypted.push_back(request.encrypted);
        return Checked<Identity>(Identity(request.claimed_user));
    }));
    connected(client_for(server, "ann", events, ProtocolSelection::websocket).encryption(true)).disconnect();
    connected(client_for(server, "ann", events, ProtocolSelection::websocket)).disconnect();
    EXPECT_EQ(encrypted, (std::vector<bool>{true, false}));
}

// ---- configuration ----

TEST_F(Sealed, TheClientBuilderNamesTheFieldAtFault) {
    const auto with = [&] {
        return ClientBuilder("ann")
            .server_addresses(ServerAddresses().with_websocket_url("ws://127.0.0.1:4000"))
            .encryption(true);
    };
    const auto unknown = with().build();
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, errc::invalid_config);
    for (const char* field : {"encryption", "server_key", "ca_file"})
        EXPECT_NE(unknown.error().text.find(field), std::string::npos) << unknown.error().text;
    EXPECT_TRUE(with().server_key(key.pin).build());
    EXPECT_TRUE(with().ca_file(authority.certificate_file).build());
    for (const std::string& bad :
         {std::string("nonsense"), std::string("AAAA"), key.pin + "AAAA", std::string(43, 'A') + "="}) {
        const auto refused = with().server_key(bad).build();
        ASSERT_FALSE(refused) << bad;
        EXPECT_NE(refused.error().text.find("server_key"), std::string::npos);
    }
}

TEST_F(Sealed, AServerSaysWhatIsWrongWithItsKeyFile) {
    const auto start = [&](const std::string& file) {
        auto server = builder().sealing_key(file).build();
        const auto result = server->start();
        EXPECT_FALSE(result);
        if (result) return Failure(errc::ok);
        EXPECT_NE(result.error().text.find(file), std::string::npos) << result.error().text;
        return result.error();
    };
    EXPECT_EQ(start("/nowhere/sealing.key").code, errc::file_not_found);
    ::chmod(key.file.c_str(), 0644);
    EXPECT_EQ(start(key.file).code, errc::permission_denied);
    for (const std::string& bad :
         {std::string(), std::string("# nothing\n"), std::string("AAAA\n"), std::string(5000, 'A')}) {
        certificates.write("bad.key", bad);
        ::chmod(certificates.path("bad.key").c_str(), 0600);
        EXPECT_EQ(start(certificates.path("bad.key")).code, errc::certificate_invalid);
    }
}

}  // namespace
}  // namespace flare::test
