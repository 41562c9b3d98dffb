// Servers that go down and come back, and what their clients hold of them.
#pragma once

#include "integration/harness.hpp"
#include "integration/raw_peer.hpp"
#include "session/lasting_ticket.hpp"
#include "session/ticket.hpp"

#include <atomic>
#include <filesystem>
#include <string>

#include <stdlib.h>

namespace flare::test {

struct Storm : ::testing::Test {
    Storm() {
        std::string pattern = (std::filesystem::temp_directory_path() / "flare-storm-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    ~Storm() override { std::filesystem::remove_all(folder); }

    // A server whose handler knows the token `good`, and counts how often it is asked.
    ServerBuilder builder() {
        return quiet_server()
            .ticket_key_file(folder + "/key")
            .with_auth_handler([this](const AuthRequest& request) -> Checked<Identity> {
                ++asked;
                if (request.token != "good") return Failure(errc::unauthenticated);
                Identity identity(request.claimed_user);
                if (life.count() != 0) expires = std::chrono::system_clock::now() + life;
                identity.expires = expires;
                identity.token_id = "token-1";
                return identity;
            });
    }
    // The session of a raw client that a server has welcomed.
    struct Held {
        wire::Hello hello;  // the one that made it
        std::string ticket;
        std::string secret;
    };
    Held hold(const Server& server, const std::string& user) {
        RawPeer peer(server.websocket_addr());
        Held held;
        held.hello = RawPeer::hello_of(user);
        held.hello.token = "good";
        EXPECT_EQ(peer.hello(held.hello), wire::FrameKind::welcome);
        if (!peer.welcome) return held;
        EXPECT_NE(peer.welcome->capabilities & wire::kLastingTicket, 0u);
        held.ticket = peer.welcome->ticket;
        held.secret = peer.welcome->secret;
        return held;
    }
    static wire::Hello resume_of(const Held& held, const std::string& secret) {
        wire::Hello hello = RawPeer::hello_of(held.hello.user);
        hello.epoch = 2;
        wire::Resume resume;
        resume.ticket = held.ticket;
        resume.nonce = std::string(wire::kNonceBytes, 'n');
        resume.mac = session::resume_mac(secret, held.ticket, hello.epoch, resume.nonce, hello.attempt_id);
        hello.resume = std::move(resume);
        return hello;
    }
    // Answers the challenge of the Refused that `peer` has got, as who holds `secret` does.
    static wire::Hello proven(const RawPeer& peer, const Held& held, const std::string& secret, wire::Hello hello) {
        EXPECT_EQ(peer.refused->challenge.size(), wire::kChallengeBytes);
        hello.ticket_proof =
            session::ticket_proof(secret, held.ticket, peer.refused->challenge, hello.epoch, hello.attempt_id);
        return hello;
    }
    // What the second Hello of a connection is answered whose first was a resume that nobody knew.
    static wire::FrameKind second(RawPeer& peer, const wire::Hello& hello) {
        peer.batches.clear();
        return peer.hello(hello);
    }
    static wire::Hello without_token(const std::string& user) { return RawPeer::hello_of(user); }

    std::string folder;
    std::atomic<int> asked{0};
    std::chrono::system_clock::time_point expires = std::chrono::system_clock::time_point::max();
    std::chrono::milliseconds life{0};  // of a credential, from when it is asked about; 0: as `expires` says
};

}  // namespace flare::test
