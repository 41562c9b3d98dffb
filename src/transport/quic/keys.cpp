#include "transport/quic/keys.hpp"

#include "base/crypto.hpp"
#include "transport/tls/authorities.hpp"

namespace flare::transport::quic {
namespace {

// The file is known to be good for OpenSSL, which has said in detail what would be wrong; what GnuTLS alone does not
// take is rare.
boost::system::error_code complain(const std::string& path, int code, std::string* error_text) {
    if (error_text != nullptr) *error_text = path + ": GnuTLS cannot use it: " + gnutls_strerror(code);
    return errc::certificate_invalid;
}

int load_identity(Credentials& keys, const std::string& certificate_file, const std::string& key_file) {
    return gnutls_certificate_set_x509_key_file2(keys.certificates, certificate_file.c_str(), key_file.c_str(),
                                                 GNUTLS_X509_FMT_PEM, nullptr, 0);
}

// The master key of tickets: as long as GnuTLS wants it (16 bytes of name, 32 for AES, 16 for the MAC).
std::string ticket_key_of(const Secret& secret) {
    const std::string_view bytes(reinterpret_cast<const char*>(secret.data()), secret.size());
    return base::hmac_sha256(bytes, "flare quic ticket 1") + base::hmac_sha256(bytes, "flare quic ticket 2");
}

// Those that OpenSSL has found usable: GnuTLS would refuse a whole file for one certificate that is damaged.
int load_authority(Credentials& keys, const std::string& file) {
    auto text = tls::read_authorities_pem(file);
    if (!text) return GNUTLS_E_FILE_ERROR;
    const gnutls_datum_t pem{reinterpret_cast<unsigned char*>(text->data()), static_cast<unsigned>(text->size())};
    return gnutls_certificate_set_x509_trust_mem(keys.certificates, &pem, GNUTLS_X509_FMT_PEM);
}

}  // namespace

Credentials::Credentials() {
    if (gnutls_certificate_allocate_credentials(&certificates) != 0 ||
        gnutls_priority_init(&priorities, kPriorities, nullptr) != 0) {
        throw std::bad_alloc();
    }
}

Credentials::~Credentials() {
    gnutls_priority_deinit(priorities);
    gnutls_certificate_free_credentials(certificates);
}

ServerContext::ServerContext(std::unique_ptr<Keys> keys) : keys_(std::move(keys)) {}
ServerContext::~ServerContext() = default;
ClientContext::ClientContext(std::unique_ptr<Keys> keys) : keys_(std::move(keys)) {}
ClientContext::~ClientContext() = default;

Result<std::shared_ptr<ServerContext>> ServerContext::load(const tls::ServerOptions& options,
                                                           std::vector<std::string> alpn, std::string* error_text,
                                                           const std::optional<Resumption>& resumption,
                                                           const ServerContext* before) {
    if (const auto checked = tls::ServerContext::load(options, error_text); !checked) return checked.error();
    auto keys = std::make_unique<Keys>();
    keys->alpn = std::move(alpn);
    keys->replays = before != nullptr ? before->keys().replays : std::make_shared<ReplayGuard>();
    keys->require_client_certificate = options.require_client_certificate;
    keys->ask_for_client_certificate = !options.client_ca_file.empty();
    if (const int code = load_identity(*keys, options.certificate_file, options.key_file); code < 0)
        return complain(options.certificate_file, code, error_text);
    // A resumed handshake shows no certificate: whoever asks for one wants to see it every time.
    if (resumption && !keys->ask_for_client_certificate) {
        keys->ticket_key = ticket_key_of(resumption->secret);
        keys->early_data = resumption->early_data;
    }
    if (keys->ask_for_client_certificate) {
        if (const int code = load_authority(*keys, options.client_ca_file); code < 0)
            return complain(options.client_ca_file, code, error_text);
    }
    return std::make_shared<ServerContext>(std::move(keys));
}

Result<std::shared_ptr<ClientContext>> ClientContext::load(const tls::ClientOptions& options,
                                                           std::vector<std::string> alpn, std::string* error_text,
                                                           const std::string& ticket_file) {
    if (const auto checked = tls::ClientContext::load(options, error_text); !checked) return checked.error();
    auto keys = std::make_unique<Keys>(ticket_file);
    keys->alpn = std::move(alpn);
    if (options.ca_file.empty()) {
        gnutls_certificate_set_x509_system_trust(keys->certificates);  // none at all: nothing will be trusted
    } else if (const int code = load_authority(*keys, options.ca_file); code < 0) {
        return complain(options.ca_file, code, error_text);
    }
    if (!options.certificate_file.empty()) {
        if (const int code = load_identity(*keys, options.certificate_file, options.key_file); code < 0)
            return complain(options.certificate_file, code, error_text);
    }
    return std::make_shared<ClientContext>(std::move(keys));
}

}  // namespace flare::transport::quic
