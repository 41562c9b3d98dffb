#include "wire/noise.hpp"

#include "base/aead.hpp"

#include <tuple>
#include <utility>

namespace flare::wire {
namespace {

using base::Aead;

constexpr std::string_view kName = "Noise_NK_25519_ChaChaPoly_SHA256";
static_assert(kName.size() == 32);  // so it is the first hash as it is: section 5.2

// HKDF with two outputs, section 4.3.
std::pair<Key, Key> hkdf(const Key& chain, std::string_view material) {
    const std::string temporary = base::hmac_sha256(base::view(chain), material);
    const std::string first = base::hmac_sha256(temporary, "\x01");
    const std::string second = base::hmac_sha256(temporary, first + "\x02");
    return {*base::key_of(first), *base::key_of(second)};
}

}  // namespace

KeyPair KeyPair::made(base::Random& random) {
    Key secret{};
    random.fill(secret);
    KeyPair pair = of(secret);
    base::wipe(secret);
    return pair;
}

NoiseNk::NoiseNk(std::string_view prologue, const Key& server, const KeyPair& ephemeral, bool client)
    : ephemeral_(ephemeral), client_(client) {
    hash_ = chain_ = *base::key_of(kName);
    mix_hash(prologue);
    mix_hash(base::view(server));  // the pre-message: <- s
}

NoiseNk::~NoiseNk() {
    for (Key* secret : {&chain_, &key_, &own_secret_}) base::wipe(*secret);
}

NoiseNk NoiseNk::client(std::string_view prologue, const Key& server, const KeyPair& ephemeral) {
    NoiseNk made(prologue, server, ephemeral, true);
    made.peer_ = server;
    return made;
}

NoiseNk NoiseNk::server(std::string_view prologue, const KeyPair& own, const KeyPair& ephemeral) {
    NoiseNk made(prologue, own.known, ephemeral, false);
    made.own_secret_ = own.secret;
    return made;
}

void NoiseNk::mix_hash(std::string_view data) { hash_ = base::sha256(std::string(base::view(hash_)).append(data)); }

void NoiseNk::mix_key(const Key& secret) {
    std::tie(chain_, key_) = hkdf(chain_, base::view(secret));
    number_ = 0;
}

bool NoiseNk::agree(const Key& secret, const Key& of_peer) {
    std::optional<Key> shared = base::x25519(secret, of_peer);
    if (!shared) return false;
    mix_key(*shared);
    base::wipe(*shared);
    return true;
}

std::string NoiseNk::encrypt_and_hash(std::string_view plain) {
    std::string sealed(plain.size() + base::kAeadTagBytes, '\0');
    Aead aead(Aead::Direction::seal, key_, number_++, base::view(hash_));
    aead.update(plain, sealed.data());
    aead.finish(sealed.data() + plain.size());
    mix_hash(sealed);
    return sealed;
}

std::optional<std::string> NoiseNk::decrypt_and_hash(std::string_view sealed) {
    if (sealed.size() < base::kAeadTagBytes) return std::nullopt;
    const std::string_view text = sealed.substr(0, sealed.size() - base::kAeadTagBytes);
    std::string plain(text.size(), '\0');
    Aead aead(Aead::Direction::open, key_, number_++, base::view(hash_));
    aead.update(text, plain.data());
    if (!aead.finish(sealed.substr(text.size()))) return std::nullopt;
    mix_hash(sealed);
    return plain;
}

Result<std::string> NoiseNk::write(std::string_view payload) {
    if (step_ != (client_ ? 0 : 1)) return errc::internal;
    mix_hash(base::view(ephemeral_.known));  // e
    if (!agree(ephemeral_.secret, peer_)) {  // es, or ee
        step_ = -1;
        return errc::seal_broken;
    }
    ++step_;
    return std::string(base::view(ephemeral_.known)).append(encrypt_and_hash(payload));
}

Result<std::string> NoiseNk::read(std::string_view message) {
    if (step_ != (client_ ? 1 : 0)) return errc::internal;
    step_ = -1;
    const std::optional<Key> theirs = base::key_of(message.substr(0, sizeof(Key)));
    if (!theirs) return errc::seal_broken;
    peer_ = *theirs;
    mix_hash(base::view(peer_));                                                             // e
    if (!agree(client_ ? ephemeral_.secret : own_secret_, peer_)) return errc::seal_broken;  // ee, or es
    std::optional<std::string> payload = decrypt_and_hash(message.substr(sizeof(Key)));
    if (!payload) return errc::seal_broken;
    step_ = client_ ? 2 : 1;
    return std::move(*payload);
}

SealKeys NoiseNk::keys() const {
    const auto [first, second] = hkdf(chain_, {});
    return client_ ? SealKeys{first, second} : SealKeys{second, first};
}

}  // namespace flare::wire
