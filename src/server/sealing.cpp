#include "server/sealing.hpp"

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "server/worker.hpp"
#include "transport/sealed/sealed.hpp"
#include "transport/tls/signed_key.hpp"
#include "wire/base64.hpp"
#include "wire/seal.hpp"

#include <openssl/crypto.h>

#include <sstream>

namespace flare::server {
namespace {

constexpr std::size_t kMaxFileBytes = 4096;
constexpr std::size_t kMaxKeys = 8;  // each is tried on every handshake whose key is none of those before it

Checked<std::vector<wire::KeyPair>> read_keys(const std::string& path) {
    Checked<std::string> content = base::read_text(path, "sealing_key", kMaxFileBytes, base::Access::secret);
    if (!content) {
        Failure failure = content.error();
        if (failure.code == errc::invalid_config) failure.code = errc::certificate_invalid;
        if (failure.code == errc::file_not_found) failure.text += "; `flare certs sealing-key FILE` makes one";
        return failure;
    }
    std::vector<wire::KeyPair> keys;
    bool good = true;
    std::istringstream lines(*content);
    for (std::string line; good && std::getline(lines, line);) {
        if (line.empty() || line.front() == '#') continue;
        std::optional<std::string> bytes = wire::from_base64(line);
        const auto secret = base::key_of(bytes.value_or(""));
        good = secret && keys.size() < kMaxKeys;
        if (good) keys.push_back(wire::KeyPair::of(*secret));
        if (bytes) OPENSSL_cleanse(bytes->data(), bytes->size());
        OPENSSL_cleanse(line.data(), line.size());
    }
    OPENSSL_cleanse(content->data(), content->size());
    if (good && !keys.empty()) return keys;
    return Failure(errc::certificate_invalid, "sealing_key " + path +
                                                  ": needs 1 to 8 lines, each a key of 32 bytes in base64; "
                                                  "`flare certs sealing-key FILE` makes one");
}

}  // namespace

Checked<std::shared_ptr<const Sealing>> load_sealing(const Config& config) {
    auto made = std::make_shared<Sealing>();
    auto keys = read_keys(config.sealing_key_file);
    if (!keys) return keys.error();
    made->keys = std::move(*keys);
    const bool websocket = config.websocket && config.secure();
    if (websocket || config.quic) {
        std::string text;
        auto loaded =
            transport::tls::ServerContext::load({websocket ? config.certificate_file : config.quic_certificate_file,
                                                 websocket ? config.key_file : config.quic_key_file, "", false},
                                                &text);
        if (!loaded) return Failure(static_cast<errc>(loaded.error().value()), text);
        made->certificate = std::move(*loaded);
    }
    return std::shared_ptr<const Sealing>(std::move(made));
}

// ---- a client that wants to seal: before its Hello ----

void Worker::seal(ServerCarrier& connection, std::string_view batch) {
    const auto refuse_with = [&](errc code, std::string text = {}) {
        wire::Refused refused;
        refused.code = code;
        refused.text = text.empty() ? std::string(explain(code)) : std::move(text);
        base::log().limited(base::LogKind::refused_sealing, "{} sealing refused: {}", connection.address, refused.text);
        count_error(code);
        refuse(connection, refused);
    };
    transport::Carrier& carrier = *connection.carrier;
    const auto sealing = sealing_;
    if (carrier.sealed() || carrier.info().early) return refuse_with(errc::unexpected_frame);
    if (sealing == nullptr) return refuse_with(errc::encryption_unavailable, "this server has no sealing key");
    if (carrier.info().format == transport::WireFormat::json)
        return refuse_with(errc::encryption_unavailable, "JSON cannot be sealed: ask for the subprotocol flare.v1");
    const auto asked = wire::read_seal(batch);
    if (!asked) return refuse_with(static_cast<errc>(asked.error().value()));
    if (!carrier.writable()) return refuse_with(errc::busy);  // it has answered once and is not read
    if (!asked->nonce.empty()) {
        // A signature costs more than all else before a Hello: one for each connection.
        if (connection.told_key) return refuse_with(errc::unexpected_frame);
        if (asked->nonce.size() != wire::kSealNonceBytes) return refuse_with(errc::malformed_frame);
        if (!tell_sealing_key(connection, asked->nonce))
            refuse_with(
                errc::encryption_unavailable,
                "no certificate vouches for this server's sealing key: the client must be given it (server_key)");
        return;
    }
    if (asked->handshake.size() != wire::kSealHandshakeBytes) return refuse_with(errc::malformed_frame);
    const wire::KeyPair ephemeral = wire::KeyPair::made(base::system_random());
    for (const wire::KeyPair& own : sealing->keys) {
        auto noise = wire::NoiseNk::server(wire::kSealPrologue, own, ephemeral);
        if (!noise.read(asked->handshake)) continue;
        const auto answer = noise.write({});
        if (!answer) break;
        batch_.clear();
        wire::Seal seal;
        seal.handshake = *answer;
        wire::add_seal(batch_, seal);
        carrier.send(batch_);
        connection.carrier = transport::sealed::make_carrier(std::move(connection.carrier), noise.keys());
        connection.carrier->set_handler(&connection);
        return;
    }
    refuse_with(errc::server_key_mismatch);
}

// False: no certificate can vouch for it.
bool Worker::tell_sealing_key(ServerCarrier& connection, std::string_view nonce) {
    const Sealing& sealing = *sealing_;
    if (!sealing.certificate) return false;
    connection.told_key = true;
    wire::Seal seal;
    seal.key = base::view(sealing.keys.front().known);
    auto made = transport::tls::sign_key(*sealing.certificate, nonce, seal.key);
    if (!made || made->certificates.size() > wire::kMaxCertificatesBytes) return false;
    seal.certificates = std::move(made->certificates);
    seal.signature = std::move(made->signature);
    batch_.clear();
    wire::add_seal(batch_, seal);
    connection.carrier->send(batch_);
    return true;
}

}  // namespace flare::server
