// Servers that go down and come back with all their clients: docs/server.md, "Storms".
#include "integration/quic_harness.hpp"
#include "integration/storm_harness.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace flare::test {
namespace {

using Clock = std::chrono::steady_clock;

// ---- the ticket in place of the credential ----

TEST_F(Storm, AProvenTicketOfBeforeTheRestartTakesThePlaceOfTheCredential) {
    auto server = std::make_unique<Server>(started(builder()));
    const Held held = hold(*server, "ann");
    server->stop();
    server = std::make_unique<Server>(started(builder()));
    asked = 0;

    RawPeer peer(server->websocket_addr());
    ASSERT_EQ(peer.hello(resume_of(held, held.secret)), wire::FrameKind::refused);
    EXPECT_EQ(peer.refused->code, errc::session_unknown) << "the client hears of the gap as ever";
    ASSERT_EQ(second(peer, proven(peer, held, held.secret, without_token("ann"))), wire::FrameKind::welcome);
    EXPECT_EQ(peer.welcome->user, "ann");
    EXPECT_EQ(peer.welcome->secret.size(), 32u) << "a new session, with a secret of its own";
    EXPECT_EQ(asked, 0);
    EXPECT_EQ(server->stats()->tickets_honoured, 1u);
}

TEST_F(Storm, ATicketSpeaksForItsUserAndDeviceAlone) {
    auto server = std::make_unique<Server>(started(builder()));
    const Held held = hold(*server, "ann");
    server->stop();
    server = std::make_unique<Server>(started(builder()));
    asked = 0;

    wire::Hello other_device = without_token("ann");
    other_device.device = "tablet";
    for (const wire::Hello& claim : {without_token("bob"), other_device}) {
        RawPeer peer(server->websocket_addr());
        ASSERT_EQ(peer.hello(resume_of(held, held.secret)), wire::FrameKind::refused);
        ASSERT_EQ(second(peer, proven(peer, held, held.secret, claim)), wire::FrameKind::refused);
        EXPECT_EQ(peer.refused->code, errc::unauthenticated);
    }
    EXPECT_EQ(asked, 2);
    // And a Hello in another name than the ticket's proves nothing for either.
    Held as_bob = held;
    as_bob.hello.user = "bob";
    RawPeer peer(server->websocket_addr());
    ASSERT_EQ(peer.hello(resume_of(as_bob, held.secret)), wire::FrameKind::refused);
    ASSERT_EQ(second(peer, proven(peer, held, held.secret, without_token("bob"))), wire::FrameKind::refused);
    EXPECT_EQ(asked, 3);
}

// Somebody who has listened repeats the resume, and has neither token nor secret.
TEST_F(Storm, ARecordedResumeVouchesForNobody) {
    auto server = std::make_unique<Server>(started(builder()));
    const Held held = hold(*server, "ann");
    server->stop();
    server = std::make_unique<Server>(started(builder()));
    asked = 0;

    const wire::Hello recorded = resume_of(held, held.secret);
    RawPeer client(server->websocket_addr());
    ASSERT_EQ(client.hello(recorded), wire::FrameKind::refused);
    const wire::Hello answer = proven(client, held, held.secret, without_token("ann"));

    wire::Hello copied = answer;  // the proof of another connection
    for (const wire::Hello& claim : {without_token("ann"), copied}) {
        RawPeer peer(server->websocket_addr());
        ASSERT_EQ(peer.hello(recorded), wire::FrameKind::refused);
        EXPECT_NE(peer.refused->challenge, client.refused->challenge);
        ASSERT_EQ(second(peer, claim), wire::FrameKind::refused);
        EXPECT_EQ(peer.refused->code, errc::unauthenticated);
    }
    EXPECT_EQ(asked, 2) << "the handler decides";
    EXPECT_EQ(second(client, answer), wire::FrameKind::welcome) << "and the client itself is not held up";
    EXPECT_EQ(server->stats()->tickets_honoured, 1u);
}

TEST_F(Storm, ATicketIsHonouredOnceByAllWorkersOfAProcess) {
    auto server = std::make_unique<Server>(started(builder().worker_threads(4)));
    const Held held = hold(*server, "ann");
    server->stop();
    server = std::make_unique<Server>(started(builder().worker_threads(4)));
    asked = 0;
    for (int i = 0; i < 8; ++i) {  // connections are accepted by whatever worker
        RawPeer peer(server->websocket_addr());
        ASSERT_EQ(peer.hello(resume_of(held, held.secret)), wire::FrameKind::refused);
        const auto answer = second(peer, proven(peer, held, held.secret, without_token("ann")));
        EXPECT_EQ(answer, i == 0 ? wire::FrameKind::welcome : wire::FrameKind::refused);
        EXPECT_EQ(asked, i) << "from the second on the handler decides";
    }
    EXPECT_EQ(server->stats()->tickets_honoured, 1u);
}

// The same over a connection on which the session lives.
TEST_F(Storm, ARecordedResumeOfALiveSessionAttachesNothing) {
    Server server = started(builder());
    const Held held = hold(server, "ann");
    const wire::Hello recorded = resume_of(held, held.secret);
    RawPeer client(server.websocket_addr());
    ASSERT_EQ(client.hello(recorded), wire::FrameKind::welcome);
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(recorded), wire::FrameKind::refused);
    EXPECT_EQ(peer.refused->code, errc::stale_carrier);
    EXPECT_EQ(server.stats()->sessions_resumed, 1u);
}

TEST_F(Storm, ATicketWithoutItsSecretOrKeyOrBeyondItsTimeIsWorthNothing) {
    const auto refused_after = [&](const Held& held, const std::string& secret) {
        Server server = started(builder());
        asked = 0;
        RawPeer peer(server.websocket_addr());
        EXPECT_EQ(peer.hello(resume_of(held, secret)), wire::FrameKind::refused);
        EXPECT_EQ(peer.refused->code, errc::session_unknown);
        EXPECT_EQ(second(peer, without_token("ann")), wire::FrameKind::refused);
        EXPECT_EQ(asked, 1) << "the handler decides";
        return peer.refused->code;
    };
    Held held;
    {
        Server server = started(builder());
        held = hold(server, "ann");
    }
    EXPECT_EQ(refused_after(held, std::string(32, 'x')), errc::unauthenticated);

    life = 500ms;
    Held brief;
    {
        Server server = started(builder());
        brief = hold(server, "ann");
    }
    life = 0ms;
    std::this_thread::sleep_until(expires + 1ms);
    EXPECT_EQ(refused_after(brief, brief.secret), errc::unauthenticated);

    std::filesystem::remove(folder + "/key");
    EXPECT_EQ(refused_after(held, held.secret), errc::unauthenticated);
}

TEST_F(Storm, ALiveSessionWinsOverItsTicketAndAnEndedOneIsNotRevivedByIt) {
    Server server = started(builder());
    Held held = hold(server, "ann");
    RawPeer resumed(server.websocket_addr());
    ASSERT_EQ(resumed.hello(resume_of(held, held.secret)), wire::FrameKind::welcome);
    EXPECT_EQ(resumed.welcome->outcome, wire::Outcome::resumed);
    held.ticket = resumed.welcome->ticket;

    EXPECT_EQ(server.disconnect_user("ann").value(), 1u);
    (void)resumed.closed_with();
    asked = 0;
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(resume_of(held, held.secret)), wire::FrameKind::refused);
    ASSERT_EQ(second(peer, without_token("ann")), wire::FrameKind::refused);
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(server.stats()->tickets_honoured, 0u);
}

TEST_F(Storm, WhatWasRevokedStaysRevokedOverARestartWhateverTicketsSay) {
    const auto with_memory = [&] { return builder().revocations_file(folder + "/revoked"); };
    auto server = std::make_unique<Server>(started(with_memory()));
    const Held ann = hold(*server, "ann");
    const Held bob = hold(*server, "bob");
    const Held eve = hold(*server, "eve");
    EXPECT_EQ(server->revoke_user("ann").value(), 1u);
    server->stop();
    server = std::make_unique<Server>(started(with_memory()));

    const auto answer = [&](const Held& held) {
        RawPeer peer(server->websocket_addr());
        EXPECT_EQ(peer.hello(resume_of(held, held.secret)), wire::FrameKind::refused);
        const wire::FrameKind kind = second(peer, proven(peer, held, held.secret, without_token(held.hello.user)));
        return kind == wire::FrameKind::refused ? peer.refused->code : errc::ok;
    };
    EXPECT_EQ(answer(bob), errc::ok);
    EXPECT_EQ(answer(ann), errc::credential_revoked);
    server->revoke_token("token-1");  // the credential that eve's ticket stands for
    EXPECT_EQ(answer(eve), errc::credential_revoked);
}

TEST_F(Storm, ASessionMadeByTicketEndsWithTheCredentialThatMadeTheTicket) {
    expires = std::chrono::system_clock::now() + 3s;
    std::string address;
    Held held;
    {
        Server server = started(builder());
        held = hold(server, "ann");
    }
    Server server = started(builder());
    RawPeer peer(server.websocket_addr());
    ASSERT_EQ(peer.hello(resume_of(held, held.secret)), wire::FrameKind::refused);
    ASSERT_EQ(second(peer, proven(peer, held, held.secret, without_token("ann"))), wire::FrameKind::welcome);
    EXPECT_EQ(peer.closed_with(), errc::token_expired);
    EXPECT_GE(std::chrono::system_clock::now() + 5ms, expires) << "tickets count in milliseconds";
}

// ---- admission ----

TEST_F(Storm, WhoComesTooEarlyIsToldWhenBeforeAnybodyIsAsked) {
    Server server = started(builder().admission_rate(1));
    const Held held = hold(server, "ann");
    EXPECT_EQ(asked, 1);

    RawPeer early(server.websocket_addr());
    wire::Hello hello = RawPeer::hello_of("bob");
    hello.token = "good";
    ASSERT_EQ(early.hello(hello), wire::FrameKind::refused);
    EXPECT_EQ(early.refused->code, errc::rate_limited);
    EXPECT_GE(early.refused->retry_after_ms, 1000u);
    EXPECT_EQ(early.closed_with(), errc::rate_limited);
    RawPeer next(server.websocket_addr());
    hello.attempt_id = Uuid::v7();
    ASSERT_EQ(next.hello(hello), wire::FrameKind::refused);
    EXPECT_GT(next.refused->retry_after_ms, early.refused->retry_after_ms) << "another slot, a second later";
    EXPECT_EQ(asked, 1) << "nobody was asked";

    // A session that lives is always let in.
    RawPeer resumed(server.websocket_addr());
    EXPECT_EQ(resumed.hello(resume_of(held, held.secret)), wire::FrameKind::welcome);

    const auto stats = server.stats();
    EXPECT_EQ(stats->admissions, 1u);
    EXPECT_EQ(stats->admissions_refused, 2u);
    EXPECT_EQ(stats->errors.at(errc::rate_limited), 2u);
}

TEST_F(Storm, ASessionOfBeforeTheRestartWaitsForItsPlaceWithItsTicket) {
    auto server = std::make_unique<Server>(started(builder()));
    const Held held = hold(*server, "ann");
    server->stop();
    server = std::make_unique<Server>(started(builder().admission_rate(1)));
    (void)hold(*server, "bob");  // takes this second's place

    RawPeer early(server->websocket_addr());
    ASSERT_EQ(early.hello(resume_of(held, held.secret)), wire::FrameKind::refused);
    EXPECT_EQ(early.refused->code, errc::rate_limited);
    const auto slot = Clock::now() + std::chrono::milliseconds(early.refused->retry_after_ms);
    std::this_thread::sleep_until(slot);
    asked = 0;
    RawPeer peer(server->websocket_addr());
    ASSERT_EQ(peer.hello(resume_of(held, held.secret)), wire::FrameKind::refused);
    EXPECT_EQ(peer.refused->code, errc::session_unknown);
    ASSERT_EQ(second(peer, proven(peer, held, held.secret, without_token("ann"))), wire::FrameKind::welcome)
        << "one place for both Hellos";
    EXPECT_EQ(asked, 0);
}

// ---- the client ----

TEST_F(Storm, ARefusalThatNamesATimeIsNoFailedAttempt) {
    auto server = std::make_unique<Server>(started(builder()));
    const std::string address = server->websocket_addr();
    Events events;
    Client client =
        connected(client_of(address, "ann", events).token("good").max_reconnect_attempts(1).reconnect_delay(10s));
    server->stop();
    ASSERT_TRUE(events.wait_for<event::Draining>());
    server = std::make_unique<Server>(started(builder().websocket_addr(address).admission_rate(1)));
    // Twice somebody else takes the second's place in which it comes back.
    for (std::size_t round = 1; round <= 2; ++round) {
        ASSERT_TRUE(events.wait_for<event::Reconnecting>(round));
        const auto slot = Clock::now() + events.all<event::Reconnecting>().back().delay;
        std::this_thread::sleep_until(slot - 500ms);
        (void)hold(*server, "other" + std::to_string(round));
    }
    ASSERT_TRUE(events.wait_for<event::Reconnecting>(3));
    EXPECT_TRUE(events.wait_for<event::Reconnected>());
    EXPECT_TRUE(events.all<event::ReconnectFailed>().empty());
    for (const auto& each : events.all<event::Reconnecting>()) EXPECT_EQ(each.attempt, 1u);
}

TEST_F(Storm, AConnectionWithoutASessionIsNoSuccess) {
    // The server that follows takes connections, and refuses every Hello without naming a time.
    auto server = std::make_unique<Server>(started(builder()));
    const std::string address = server->websocket_addr();
    Events events;
    Client client =
        connected(client_of(address, "ann", events).token("good").max_reconnect_attempts(3).reconnect_delay(20ms));
    server->stop();
    ASSERT_TRUE(events.wait_for<event::Draining>());
    std::filesystem::remove(folder + "/key");
    server = std::make_unique<Server>(started(quiet_server().websocket_addr(address).with_auth_handler(
        [](const AuthRequest&) -> Checked<Identity> { return Failure(errc::internal); })));
    ASSERT_TRUE(events.wait_for<event::ReconnectFailed>());
    const auto attempts = events.all<event::Reconnecting>();
    ASSERT_EQ(attempts.size(), 3u);
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(attempts[i].attempt, i + 1) << "the count goes on";
}

// ---- all of it ----

TEST_F(Storm, TwoHundredClientsComeBackInTheirSlotsAndLoseNothing) {
    constexpr std::size_t kClients = 200;
    constexpr std::uint32_t kRate = 100;
    constexpr int kBefore = 3;  // messages of each
    std::mutex mutex;
    std::map<std::string, int> handled;
    const auto counting = [&](ServerBuilder made) {
        return made.with_message_handler([&](const SessionInfo&, const Message& message) -> HandlerResult {
            const std::lock_guard lock(mutex);
            ++handled[std::string(message.payload.view())];
            return Message("seen", message.payload);
        });
    };
    auto server = std::make_unique<Server>(started(counting(builder())));
    const std::string address = server->websocket_addr();

    boost::asio::io_context loop;
    auto work = boost::asio::make_work_guard(loop);
    std::thread runner([&] { loop.run(); });
    struct One {
        Events events;
        std::optional<Client> client;
        std::atomic<std::int64_t> back_at{0};
        std::atomic<int> seen{0};
    };
    std::vector<std::unique_ptr<One>> all;
    const auto now_ms = [] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count();
    };
    for (std::size_t i = 0; i < kClients; ++i) {
        all.push_back(std::make_unique<One>());
        One& one = *all.back();
        auto made = client_of(address, "user" + std::to_string(i), one.events)
                        .token("good")
                        .io_context(loop)
                        .with_event_callback([&one, now_ms](const Event& event) {
                            if (std::holds_alternative<event::Reconnected>(event)) one.back_at = now_ms();
                            if (std::holds_alternative<event::MessageReceived>(event)) ++one.seen;
                            one.events(event);
                        })
                        .build();
        ASSERT_TRUE(made);
        one.client.emplace(std::move(*made));
        ASSERT_TRUE(one.client->connect());
    }
    EXPECT_EQ(asked, static_cast<int>(kClients));

    // Some are under way when the server goes down, some are sent while it is away.
    std::thread talk([&] {
        for (int round = 0; round < kBefore; ++round) {
            for (std::size_t i = 0; i < kClients; i += 4) {
                (void)all[i]->client->post_message("server",
                                                   Message("note", std::to_string(i) + "/" + std::to_string(round)));
            }
        }
    });
    const std::int64_t stopped = now_ms();  // every slot is counted from later
    server->stop();
    talk.join();
    const std::int64_t restarted = now_ms();
    server = std::make_unique<Server>(started(counting(builder().websocket_addr(address).admission_rate(kRate))));
    asked = 0;

    std::vector<std::int64_t> back;
    for (const auto& one : all) {
        ASSERT_TRUE(one->events.wait_for<event::Reconnected>());
        const auto told = one->events.all<event::Draining>();
        ASSERT_EQ(told.size(), 1u);
        EXPECT_GE(one->back_at + 1, stopped + told[0].retry_after.count()) << "not before its slot";
        EXPECT_TRUE(one->events.all<event::ReconnectFailed>().empty());
        back.push_back(one->back_at);
    }
    std::sort(back.begin(), back.end());
    EXPECT_GE(back.back() - restarted, 1000 * static_cast<std::int64_t>(kClients) / (2 * kRate));
    EXPECT_EQ(asked, 0) << "tickets take the place of credentials";
    const auto stats = server->stats();
    EXPECT_EQ(stats->tickets_honoured, kClients);
    EXPECT_EQ(stats->admissions, kClients);
    for (std::size_t i = 0; i < kClients; i += 4) {
        ASSERT_TRUE(all[i]->events.wait_for<event::MessageSent>(kBefore)) << i;
        ASSERT_TRUE(all[i]->events.wait_for<event::MessageReceived>(kBefore)) << i;
        for (int round = 0; round < kBefore; ++round) {
            const std::lock_guard lock(mutex);
            EXPECT_EQ(handled[std::to_string(i) + "/" + std::to_string(round)], 1);
        }
        EXPECT_EQ(all[i]->seen, kBefore);
    }
    for (const auto& one : all) one->client.reset();
    work.reset();
    loop.stop();
    runner.join();
}

// ---- over QUIC ----

struct QuicStorm : QuicHarness {
    std::string key = certificates.path("tickets.key");
};

TEST_F(QuicStorm, AClientComesBackToARestartedServerWithAnotherNumberOfWorkers) {
    std::atomic<int> asked{0};
    const auto made = [&](std::uint32_t workers) {
        return builder().worker_threads(workers).ticket_key_file(key).quic_secret("storm").with_auth_handler(
            [&](const AuthRequest& request) -> Checked<Identity> {
                ++asked;
                return Identity(request.claimed_user);
            });
    };
    auto server = std::make_unique<Server>(started(made(4)));
    std::vector<std::unique_ptr<Events>> heard;
    std::vector<Client> clients;
    for (int i = 0; i < 8; ++i) {  // so many that some have a home that is there no more
        heard.push_back(std::make_unique<Events>());
        clients.push_back(connected(client_for(*server, "user" + std::to_string(i), *heard.back())));
    }
    const std::string quic = server->quic_addr();
    const std::string websocket = server->websocket_addr();
    server->stop();
    asked = 0;
    server = std::make_unique<Server>(started(made(3).quic_addr(quic).websocket_addr(websocket)));
    for (auto& events_of : heard) {
        ASSERT_TRUE(events_of->wait_for<event::Reconnected>());
        EXPECT_TRUE(events_of->all<event::ReconnectFailed>().empty());
    }
    EXPECT_EQ(asked, 0);
    for (Client& client : clients) EXPECT_TRUE(client.send_text_message("server", "hello").success);
}

}  // namespace
}  // namespace flare::test
