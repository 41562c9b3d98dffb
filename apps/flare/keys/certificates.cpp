#include "keys/certificates.hpp"

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/owned.hpp"
#include "base/random.hpp"
#include "keys/new_file.hpp"
#include "transport/tls/chain.hpp"
#include "wire/base64.hpp"

#include <boost/asio/ip/address.hpp>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace flare::cli {
namespace {

constexpr std::size_t kMaxFileBytes = 4u << 20;
constexpr long kClockSlack = 3600;  // seconds that a certificate is valid before it was made: clocks differ

using Certificate = base::Owned<X509, X509_free>;
using BioPtr = base::Owned<BIO, BIO_free>;

void need(bool done) {
    if (!done) throw std::runtime_error("OpenSSL cannot make a certificate");
}

std::string content_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

// ---- making ----

struct Issued {
    Certificate certificate;
    KeyPair key;
};

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const base::Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    need(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

using Extensions = std::vector<std::pair<int, std::string>>;

// `issuer` null: signed by itself.
Issued issue(const std::string& common_name, std::uint32_t days, const Extensions& extensions, const Issued* issuer) {
    auto key = KeyPair::make(JwtAlgorithm::es256);
    need(static_cast<bool>(key));
    Issued made{Certificate(X509_new()), std::move(*key)};
    X509* const x = made.certificate.get();
    const base::Owned<BIGNUM, BN_free> serial(BN_new());
    need(x != nullptr && X509_set_version(x, 2) == 1 &&
         BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(x)) != nullptr);
    X509_gmtime_adj(X509_getm_notBefore(x), -kClockSlack);
    X509_time_adj_ex(X509_getm_notAfter(x), static_cast<int>(days), 0, nullptr);
    need(X509_set_pubkey(x, made.key.native()) == 1);
    X509_NAME* const subject = X509_get_subject_name(x);
    for (const auto& [field, text] : {std::pair{"O", std::string("Flare")}, std::pair{"CN", common_name}})
        need(X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                        reinterpret_cast<const unsigned char*>(text.data()),
                                        static_cast<int>(text.size()), -1, 0) == 1);
    X509* const signer = issuer != nullptr ? issuer->certificate.get() : x;
    need(X509_set_issuer_name(x, X509_get_subject_name(signer)) == 1);
    for (const auto& [kind, value] : extensions) add_extension(x, signer, kind, value);
    need(X509_sign(x, issuer != nullptr ? issuer->key.native() : made.key.native(), EVP_sha256()) > 0);
    return made;
}

std::string pem(X509* certificate) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    need(PEM_write_bio_X509(out.get(), certificate) == 1);
    return content_of(out.get());
}

// Letters, digits, '-' and dots, perhaps with "*." before: nothing that an extension's text gives a meaning to.
bool is_host_name(std::string_view name) {
    if (name.starts_with("*.")) name.remove_prefix(2);
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    return !name.empty() && name.size() < 254 && name.front() != '.' && name.back() != '.' &&
           name.find("..") == name.npos && std::all_of(name.begin(), name.end(), fits);
}

Checked<std::string> alternative_names(const CertificateSpec& spec) {
    std::string text;
    const auto add = [&](const char* kind, const std::string& name) {
        text.append(text.empty() ? "" : ",").append(kind).append(name);
    };
    for (const std::string& each : spec.names) {
        if (!is_host_name(each)) return Failure(errc::invalid_config, "\"" + each + "\" is not a host name");
        add("DNS:", each);
    }
    for (const std::string& each : spec.addresses) {
        boost::system::error_code error;
        const auto address = boost::asio::ip::make_address(each, error);
        if (error) return Failure(errc::invalid_config, "\"" + each + "\" is not an IP address");
        add("IP:", address.to_string());
    }
    if (text.empty()) return Failure(errc::invalid_config, "a server's certificate needs a name or an address");
    return text;
}

// ---- reading ----

std::chrono::system_clock::time_point time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string name_text(const X509_NAME* name) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    if (X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return "?";
    return content_of(out.get());
}

std::vector<std::string> names_of(const X509* certificate) {
    std::vector<std::string> names;
    const base::Owned<GENERAL_NAMES, GENERAL_NAMES_free> all(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
        const GENERAL_NAME* const each = sk_GENERAL_NAME_value(all.get(), i);
        if (each->type != GEN_DNS && each->type != GEN_IPADD) continue;
        const ASN1_STRING* const text = each->type == GEN_DNS ? each->d.dNSName : each->d.iPAddress;
        const std::string bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                static_cast<std::size_t>(ASN1_STRING_length(text)));
        if (each->type == GEN_DNS) {
            names.push_back(bytes);
        } else if (bytes.size() == 4) {
            boost::asio::ip::address_v4::bytes_type raw;
            std::copy_n(bytes.begin(), raw.size(), raw.begin());
            names.push_back(boost::asio::ip::address_v4(raw).to_string());
        } else if (bytes.size() == 16) {
            boost::asio::ip::address_v6::bytes_type raw;
            std::copy_n(bytes.begin(), raw.size(), raw.begin());
            names.push_back(boost::asio::ip::address_v6(raw).to_string());
        }
    }
    return names;
}

Checked<std::vector<Certificate>> load(const std::string& file) {
    const auto text = base::read_text(file, "certificate", kMaxFileBytes, base::Access::open);
    if (!text) return text.error();
    std::vector<Certificate> found;
    const BioPtr in(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
    ERR_clear_error();
    while (X509* const each = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) found.emplace_back(each);
    const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (found.empty() || !at_end)
        return Failure(
            errc::certificate_invalid,
            "certificate " + file + ": " + (at_end ? "contains no PEM certificate" : "contains a damaged certificate"));
    return found;
}

}  // namespace

Checked<std::vector<std::string>> make_certificates(const CertificateSpec& spec) {
    const auto names = alternative_names(spec);
    if (!names) return names.error();
    if (const auto folder = base::make_folders(spec.folder, "folder", base::Access::open); !folder)
        return folder.error();
    const auto path = [&](const std::string& name) { return (std::filesystem::path(spec.folder) / name).string(); };

    const Issued authority = issue("Flare certificates for trying out", spec.days,
                                   {{NID_basic_constraints, "critical,CA:TRUE"},
                                    {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                    {NID_subject_key_identifier, "hash"}},
                                   nullptr);
    const auto leaf = [&](const std::string& common_name, const char* use, const std::string& alternative) {
        Extensions extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                 {NID_key_usage, "critical,digitalSignature"},
                                 {NID_ext_key_usage, use},
                                 {NID_authority_key_identifier, "keyid"}};
        if (!alternative.empty()) extensions.emplace_back(NID_subject_alt_name, alternative);
        return issue(common_name, spec.days, extensions, &authority);
    };
    const std::string first = spec.names.empty() ? spec.addresses.front() : spec.names.front();
    // A common name has room for 64 characters; clients look at the alternative names.
    const Issued server = leaf(first.substr(0, 64), "serverAuth", *names);
    const Issued client = leaf("flare-client", "clientAuth", {});

    struct File {
        std::string path, content;
        bool open;
    };
    std::vector<File> files;
    for (const auto& [name, issued] : {std::pair{"ca", &authority}, {"server", &server}, {"client", &client}}) {
        files.push_back({path(std::string(name) + ".key"), issued->key.private_text(), false});
        files.push_back({path(std::string(name) + ".crt"), pem(issued->certificate.get()), true});
    }
    for (const File& each : files) {
        if (const auto free = may_be_made(each.path, spec.force); !free) return free.error();
    }
    std::vector<std::string> made;
    for (const File& each : files) {
        if (const auto written = write_new_file(each.path, each.content, each.open, spec.force); !written)
            return written.error();
        made.push_back(each.path);
    }
    return made;
}

Checked<std::vector<CertificateFacts>> read_certificates(const std::string& file) {
    const auto found = load(file);
    if (!found) return found.error();
    std::vector<CertificateFacts> all;
    for (const Certificate& each : *found) {
        CertificateFacts facts;
        facts.subject = name_text(X509_get_subject_name(each.get()));
        facts.issuer = name_text(X509_get_issuer_name(each.get()));
        facts.names = names_of(each.get());
        facts.from = time_of(X509_get0_notBefore(each.get()));
        facts.until = time_of(X509_get0_notAfter(each.get()));
        facts.authority = X509_check_ca(each.get()) != 0;
        if (const EVP_PKEY* const key = X509_get0_pubkey(each.get())) {
            const char* const kind = EVP_PKEY_get0_type_name(key);
            facts.key = std::string(kind == nullptr ? "unknown" : kind) + " " + std::to_string(EVP_PKEY_get_bits(key));
        }
        all.push_back(std::move(facts));
    }
    return all;
}

Checked<std::vector<std::string>> chain_problems(const std::string& file) {
    const auto found = load(file);
    if (!found) return found.error();
    std::vector<std::string> problems;
    if (X509_check_ca(found->front().get()) != 0) return problems;
    std::vector<X509*> chain;
    for (const Certificate& each : *found) chain.push_back(each.get());
    for (const auto& fault : transport::tls::chain_faults(chain)) problems.push_back(fault.text + "; " + fault.advice);
    return problems;
}

std::optional<std::string> key_mismatch(const std::string& certificate_file, const std::string& key_file) {
    const auto found = load(certificate_file);
    if (!found) return found.error().text;
    const auto text = base::read_text(key_file, "key", kMaxFileBytes, base::Access::secret);
    if (!text) return text.error().text;
    const BioPtr in(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(
        in.get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr);
    const bool fits = key != nullptr && X509_check_private_key(found->front().get(), key) == 1;
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (fits) return std::nullopt;
    return "key " + key_file +
           (key == nullptr ? ": contains no readable PEM private key" : " does not belong to " + certificate_file);
}

Checked<std::string> sealing_key(const std::string& file, bool force, bool& made) {
    const bool exists = std::filesystem::exists(file);
    made = force || !exists;
    base::Key secret{};
    if (made) {
        base::system_random().fill(secret);
        const std::string public_text = wire::to_base64(base::view(base::x25519_public(secret)));
        const std::string public_file = std::filesystem::path(file).replace_extension(".pub").string();
        auto written =
            public_file == file
                ? Checked<>(Failure(errc::invalid_config, file + ": name the secret key .key; its public half is .pub"))
                : write_new_file(file, wire::to_base64(base::view(secret)) + "\n", false, force);
        if (written) written = write_new_file(public_file, public_text + "\n", true, true);
        base::wipe(secret);
        if (!written) return written.error();
        return public_text;
    }
    const auto text = base::read_text(file, "sealing key", kMaxFileBytes, base::Access::secret);
    if (!text) return text.error();
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line.front() == '#') continue;
        const auto key = base::key_of(wire::from_base64(line).value_or(""));
        if (!key) break;
        return wire::to_base64(base::view(base::x25519_public(*key)));
    }
    return Failure(
        errc::certificate_invalid,
        "sealing key " + file + ": the first line is not a key of 32 bytes in base64; --force makes a new key");
}

}  // namespace flare::cli
