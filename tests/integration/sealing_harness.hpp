// A server with a sealing key, and clients that insist on it.
#pragma once

#include "integration/quic_harness.hpp"
#include "wire/base64.hpp"
#include "wire/noise.hpp"

#include <sys/stat.h>

namespace flare::test {

// A key file and what clients pin of it. `first`: where its bytes begin to count.
struct SealingKey {
    SealingKey(const Certificates& folder, const std::string& name, char first = 1) : file(folder.path(name)) {
        wire::Key secret{};
        for (std::size_t i = 0; i < secret.size(); ++i)
            secret[i] = static_cast<std::uint8_t>(first + static_cast<int>(i));
        line = wire::to_base64(base::view(secret));
        pair = wire::KeyPair::of(secret);
        pin = wire::to_base64(base::view(pair.known));
        folder.write(name, "# for tests\n" + line + "\n");
        ::chmod(file.c_str(), 0600);
    }
    std::string file;
    std::string line;
    std::string pin;
    wire::KeyPair pair;
};

inline const char kToken[] = "token-that-nobody-may-see";
inline const char kUser[] = "user-that-nobody-may-see";
inline const char kSecret[] = "payload that nobody may see";

// What a client said on one WebSocket: the upgrade, and its frames without their masks.
inline std::string unmasked(const std::string& said) {
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(said[i])); };
    std::size_t at = said.find("\r\n\r\n");
    at = at == said.npos ? said.size() : at + 4;
    std::string out = said.substr(0, at);
    while (at + 6 <= said.size()) {
        std::size_t length = byte(at + 1) & 127;
        const std::size_t wide = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (wide != 0) length = 0;
        at += 2;
        for (std::size_t i = 0; i < wide; ++i) length = length << 8 | byte(at++);
        const std::size_t mask = at;
        at += 4;
        for (std::size_t i = 0; i < length && at < said.size(); ++i, ++at)
            out += static_cast<char>(said[at] ^ said[mask + i % 4]);
    }
    return out;
}

class SealingHarness : public QuicHarness {
protected:
    ServerBuilder sealing_builder() {
        return builder().sealing_key(key.file).with_auth_handler(
            static_token_auth({{kToken, {kUser}}, {"guest", {"guest"}}}));
    }
    ClientBuilder sealing_client(const Server& server, ProtocolSelection mode = ProtocolSelection::websocket) {
        return client_for(server, kUser, events, mode).token(kToken).encryption(true).reconnect_delay(10ms);
    }
    // Over ws, through a proxy.
    ClientBuilder sealing_client_by(const std::string& address) {
        return client_of(address, kUser, events)
            .token(kToken)
            .encryption(true)
            .ca_file(authority.certificate_file)
            .reconnect_delay(10ms);
    }

    SealingKey key{certificates, "sealing.key"};
};

}  // namespace flare::test
