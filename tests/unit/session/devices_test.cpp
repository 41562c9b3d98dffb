// Several devices of one user, and sessions that end at once: docs/protocol.md, "Attaching a carrier".
#include "support.hpp"

namespace flare::session::test {
namespace {

// One device of ann's: what it was welcomed with.
struct Client {
    CarrierKey key = kNoCarrier;
    wire::Hello hello;
    wire::Welcome welcome;
};

struct Devices : ::testing::Test {
    static Settings settings(std::uint32_t max_devices) {
        Settings made;
        made.max_devices = max_devices;
        return made;
    }
    // Connects up to its Welcome, which it has not answered yet.
    Client connect(const std::string& device) {
        Client made;
        made.key = next_++;
        made.hello.user = "ann";
        made.hello.device = device;
        made.hello.token = "token";
        made.hello.attempt_id = id_of(static_cast<std::uint8_t>(made.key));
        made.hello.epoch = 1;
        const auto refused =
            server.table.attach_new(made.key, made.hello, SessionCredential{"ann", kNever, "t"}, server.now);
        EXPECT_FALSE(refused) << refused->text;
        made.welcome = welcome_of(made.key);
        return made;
    }
    wire::Welcome welcome_of(CarrierKey key) {
        wire::Batch batch;
        server.table.write(key, batch, server.now);
        const std::string text = batch.str();
        const auto frames = frames_of(text);
        if (frames.empty() || frames.front().kind != wire::FrameKind::welcome) {
            ADD_FAILURE() << "no welcome";
            return {};
        }
        return *wire::decode_welcome(frames.front().body);
    }
    void answer(const Client& client) {
        wire::Activate activate;
        activate.epoch = 2;
        server.table.on_batch(client.key, batch_of({}, wire::encode(activate)), server.now);
    }
    Client connected(const std::string& device) {
        Client made = connect(device);
        answer(made);
        return made;
    }
    std::optional<wire::Refused> resume(const Client& client) {
        wire::Hello hello = client.hello;
        hello.token.clear();
        hello.attempt_id = id_of(static_cast<std::uint8_t>(100 + next_));
        hello.epoch = 3;
        wire::Resume proof;
        proof.ticket = client.welcome.ticket;
        proof.nonce = std::string(16, 'n');
        proof.mac = resume_mac(client.welcome.secret, proof.ticket, hello.epoch, proof.nonce, hello.attempt_id);
        hello.resume = proof;
        return server.table.attach_resumed(next_++, hello, server.now);
    }
    // The Goodbye that a carrier is sent.
    std::optional<wire::Goodbye> goodbye_of(CarrierKey key) {
        wire::Batch batch;
        server.table.write(key, batch, server.now);
        const std::string text = batch.str();
        for (const auto& frame : frames_of(text)) {
            if (frame.kind == wire::FrameKind::goodbye) return *wire::decode_goodbye(frame.body);
        }
        return std::nullopt;
    }
    std::string devices() {
        std::string names;
        for (const ServerSession* session : server.table.of_user("ann")) names += session->device() + " ";
        return names;
    }

    ServerBench server{settings(1)};
    CarrierKey next_ = 1;
};

TEST_F(Devices, ASecondOneEndsTheFirstWhichIsToldWhy) {
    const Client phone = connected("phone");
    const Client laptop = connect("laptop");
    EXPECT_EQ(devices(), "phone ") << "a Hello may be late, or a copy";
    EXPECT_TRUE(server.ended.empty());
    answer(laptop);
    EXPECT_EQ(devices(), "laptop ");
    ASSERT_EQ(server.ended.size(), 1u);
    EXPECT_EQ(server.ended[0].second, errc::session_replaced);
    const auto goodbye = goodbye_of(phone.key);
    ASSERT_TRUE(goodbye);
    EXPECT_EQ(goodbye->code, errc::session_replaced);
    EXPECT_TRUE(goodbye->session_ends);
    EXPECT_NE(goodbye->text.find("another device"), std::string::npos);
    EXPECT_EQ(server.closed, (std::vector<Closed>{{phone.key, errc::session_replaced}}));
    EXPECT_EQ(server.created.size(), 2u) << "each hook fires once";
}

TEST_F(Devices, OneThatWasPushedOutWhileItWasAwayDoesNotComeBack) {
    const Client phone = connected("phone");
    server.table.carrier_gone(phone.key, server.now);
    connected("laptop");
    const auto refused = resume(phone);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, errc::session_replaced);
    EXPECT_NE(refused->text.find("another device"), std::string::npos);
    EXPECT_FALSE(SessionTable::may_say_hello_again(refused->code));
    EXPECT_EQ(devices(), "laptop ");
}

TEST_F(Devices, TheSameDeviceReplacesOnlyItself) {
    connected("phone");
    connected("phone");
    EXPECT_EQ(devices(), "phone ");
    EXPECT_EQ(server.ended.size(), 1u);
    EXPECT_EQ(server.created.size(), 2u);
}

TEST_F(Devices, AResumeOfTheOnlyOneIsNoNewDevice) {
    const Client phone = connected("phone");
    server.table.carrier_gone(phone.key, server.now);
    EXPECT_FALSE(resume(phone));
    EXPECT_EQ(devices(), "phone ");
    EXPECT_TRUE(server.ended.empty());
}

TEST(DeviceLimit, TheOldestGoes) {
    Settings settings;
    settings.max_devices = 3;
    ServerBench server(settings);
    const auto names = [&] {
        std::string text;
        for (const ServerSession* session : server.table.of_user("ann")) text += session->device();
        return text;
    };
    CarrierKey key = 1;
    for (const char* device : {"a", "b", "c", "d", "e"}) {
        wire::Hello hello;
        hello.user = "ann";
        hello.device = device;
        hello.attempt_id = id_of(static_cast<std::uint8_t>(key));
        hello.epoch = 1;
        ASSERT_FALSE(server.table.attach_new(key, hello, SessionCredential{"ann"}, server.now));
        wire::Batch batch;
        server.table.write(key, batch, server.now);
        wire::Activate activate;
        activate.epoch = 2;
        server.table.on_batch(key, batch_of({}, wire::encode(activate)), server.now);
        ++key;
    }
    EXPECT_EQ(names(), "cde");
    ASSERT_EQ(server.ended.size(), 2u);
    EXPECT_EQ(server.ended[0].first, server.created[0]);
    EXPECT_EQ(server.ended[1].first, server.created[1]);
}

TEST_F(Devices, OneThatIsCutOffIsGoneAtOnceAndDoesNotComeBack) {
    const Client phone = connected("phone");
    ServerSession& session = *server.table.of_user("ann").front();
    EXPECT_EQ(session.token_id(), "t");
    server.table.cut_off(session, errc::credential_revoked, "out", server.now);
    EXPECT_EQ(devices(), "");
    const auto goodbye = goodbye_of(phone.key);
    ASSERT_TRUE(goodbye);
    EXPECT_EQ(goodbye->code, errc::credential_revoked);
    server.table.on_batch(phone.key, numbered(0, 1, data_of(1, "late")), server.now);
    EXPECT_TRUE(server.texts.empty()) << "nothing of it is acted on any more";
    const auto refused = resume(phone);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, errc::credential_revoked);
    EXPECT_EQ(refused->text, "out");
    EXPECT_TRUE(refused->gap.has_value());
}

TEST_F(Devices, OneThatIsAwayIsCutOffToo) {
    const Client phone = connected("phone");
    server.table.carrier_gone(phone.key, server.now);
    server.table.cut_off(*server.table.of_user("ann").front(), errc::credential_revoked, "out", server.now);
    EXPECT_EQ(resume(phone)->code, errc::credential_revoked);
}

TEST_F(Devices, ANewCredentialBringsItsOwnName) {
    connected("phone");
    ServerSession& session = *server.table.of_user("ann").front();
    server.table.renew(session.id(), SessionCredential{"ann", kNever, "another"}, server.now);
    EXPECT_EQ(session.token_id(), "another");
    server.table.renew(session.id(), Failure(errc::unauthenticated), server.now);
    EXPECT_EQ(session.token_id(), "another");
    server.table.renew(session.id(), SessionCredential{"ann"}, server.now);
    EXPECT_EQ(session.token_id(), "");
}

}  // namespace
}  // namespace flare::session::test
