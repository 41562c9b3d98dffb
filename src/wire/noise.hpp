// The handshake Noise_NK_25519_ChaChaPoly_SHA256: a client that knows the server's static key agrees with it on a key
// for each direction. The messages are
//     -> e, es     client to server
//     <- e, ee     server to client
//
// Protocol: The Noise Protocol Framework, revision 34, sections 5, 7.5 and 12; docs/protocol.md, "Sealing".
// Threads:  one at a time. No I/O; secrets are given.
#pragma once

#include "base/crypto.hpp"
#include "base/random.hpp"

#include <flare/error.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace flare::wire {

using base::Key;

struct KeyPair {
    Key secret{};
    Key known{};  // the public key

    ~KeyPair() { base::wipe(secret); }
    static KeyPair of(const Key& secret) { return {secret, base::x25519_public(secret)}; }
    static KeyPair made(base::Random& random);
};

// What a side seals and opens with after the handshake.
struct SealKeys {
    Key send{};
    Key receive{};

    ~SealKeys() {
        base::wipe(send);
        base::wipe(receive);
    }
};

class NoiseNk {
public:
    // `prologue`: what both sides must agree on beforehand. `ephemeral`: of this handshake alone.
    static NoiseNk client(std::string_view prologue, const Key& server, const KeyPair& ephemeral);
    static NoiseNk server(std::string_view prologue, const KeyPair& own, const KeyPair& ephemeral);
    ~NoiseNk();
    NoiseNk(const NoiseNk&) = default;
    NoiseNk& operator=(const NoiseNk&) = default;

    // A client writes, then reads; a server reads, then writes. Another order is the caller's fault: `internal`.
    // Error of both: seal_broken, a key of the peer leads to zero; of read(): the message was not made with the keys
    // that this side knows, or was changed. After an error the handshake is dead.
    Result<std::string> write(std::string_view payload);
    Result<std::string> read(std::string_view message);  // the payload

    bool done() const noexcept { return step_ == 2; }
    // Precondition of both: done().
    SealKeys keys() const;
    const Key& hash() const noexcept { return hash_; }  // names this handshake

private:
    NoiseNk(std::string_view prologue, const Key& server, const KeyPair& ephemeral, bool client);

    void mix_hash(std::string_view data);
    void mix_key(const Key& secret);
    bool agree(const Key& secret, const Key& of_peer);
    std::string encrypt_and_hash(std::string_view plain);
    std::optional<std::string> decrypt_and_hash(std::string_view sealed);

    Key chain_{};
    Key hash_{};
    Key key_{};
    std::uint64_t number_ = 0;  // of messages under key_
    KeyPair ephemeral_;
    Key own_secret_{};  // a server's static one
    Key peer_{};  // a client: the server's static key, then its ephemeral one; a server: the client's ephemeral one
    bool client_;
    int step_ = 0;  // messages that have passed; -1: an error
};

}  // namespace flare::wire
