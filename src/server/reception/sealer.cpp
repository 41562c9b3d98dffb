#include "server/reception/sealer.hpp"

#include "transport/sealed/sealed.hpp"
#include "transport/tls/signed_key.hpp"
#include "wire/seal.hpp"

namespace flare::server {

std::optional<Failure> Sealer::seal(ServerCarrier& carrier, std::string_view batch) {
    const transport::Carrier& transport = *carrier.transport;
    if (transport.sealed() || transport.info().early) return Failure(errc::unexpected_frame);
    if (sealing_ == nullptr) return Failure(errc::encryption_unavailable, "this server has no sealing key");
    if (transport.info().format == transport::WireFormat::json)
        return Failure(errc::encryption_unavailable, "JSON cannot be sealed: ask for the subprotocol flare.v1");
    const auto asked = wire::read_seal(batch);
    if (!asked) return Failure(static_cast<errc>(asked.error().value()));
    if (!transport.writable()) return Failure(errc::busy);  // it has answered once and is not read
    if (asked->nonce.empty()) return shake_hands(carrier, asked->handshake);
    // A signature costs more than all else before a Hello: one for each connection.
    if (carrier.greeting->told_key) return Failure(errc::unexpected_frame);
    if (asked->nonce.size() != wire::kSealNonceBytes) return Failure(errc::malformed_frame);
    if (tell_key(carrier, asked->nonce)) return std::nullopt;
    return Failure(errc::encryption_unavailable,
                   "no certificate vouches for this server's sealing key: configure it in the client (server_key)");
}

std::optional<Failure> Sealer::shake_hands(ServerCarrier& carrier, std::string_view handshake) {
    if (handshake.size() != wire::kSealHandshakeBytes) return Failure(errc::malformed_frame);
    const wire::KeyPair ephemeral = wire::KeyPair::made(executor_.random());
    for (const wire::KeyPair& own : sealing_->keys) {
        auto noise = wire::NoiseNk::server(wire::kSealPrologue, own, ephemeral);
        if (!noise.read(handshake)) continue;
        const auto answer = noise.write({});
        if (!answer) break;
        wire::Seal seal;
        seal.handshake = *answer;
        carriers_.send(carrier, [&](wire::Batch& batch) { wire::add_seal(batch, seal); });
        carrier.transport = transport::sealed::make_carrier(std::move(carrier.transport), noise.keys());
        carrier.transport->set_handler(&carrier);
        return std::nullopt;
    }
    return Failure(errc::server_key_mismatch);
}

// False: no certificate can vouch for it.
bool Sealer::tell_key(ServerCarrier& carrier, std::string_view nonce) {
    if (!sealing_->certificate) return false;
    carrier.greeting->told_key = true;
    wire::Seal seal;
    seal.key = base::view(sealing_->keys.front().known);
    auto made = transport::tls::sign_key(*sealing_->certificate, nonce, seal.key);
    if (!made || made->certificates.size() > wire::kMaxCertificatesBytes) return false;
    seal.certificates = std::move(made->certificates);
    seal.signature = std::move(made->signature);
    carriers_.send(carrier, [&](wire::Batch& batch) { wire::add_seal(batch, seal); });
    return true;
}

}  // namespace flare::server
