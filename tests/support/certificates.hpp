// Certificates made on the spot, in files of a folder that goes away with the object.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

namespace flare::test {

class Certificates {
public:
    struct Freer {
        void operator()(X509* certificate) const { X509_free(certificate); }
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    };
    using X509Ptr = std::unique_ptr<X509, Freer>;
    using KeyPtr = std::unique_ptr<EVP_PKEY, Freer>;

    // A certificate with its key, in PEM files.
    struct Identity {
        std::string certificate_file;
        std::string key_file;
        X509Ptr certificate;
        KeyPtr key;
    };
    struct Spec {
        std::string common_name;
        std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";  // subjectAltName; empty: none
        long valid_from_seconds = -3600;                          // from now
        long valid_until_seconds = 24 * 3600;
        bool authority = false;
        const char* key = "EC";  // P-256; or "RSA", "ED25519"
    };

    Certificates() {
        std::string pattern = (std::filesystem::temp_directory_path() / "flare-test-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
        folder_ = pattern;
    }
    ~Certificates() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Certificates(const Certificates&) = delete;
    Certificates& operator=(const Certificates&) = delete;

    std::string path(const std::string& name) const { return (folder_ / name).string(); }

    // `issuer` null: signed by itself.
    Identity make(const std::string& file_name, const Spec& spec, const Identity* issuer = nullptr) const {
        Identity made;
        const std::string kind = spec.key;
        made.key.reset(kind == "RSA"  ? EVP_RSA_gen(2048)
                       : kind == "EC" ? EVP_EC_gen("P-256")
                                      : EVP_PKEY_Q_keygen(nullptr, nullptr, spec.key));
        made.certificate.reset(X509_new());
        X509* const x = made.certificate.get();
        X509_set_version(x, 2);
        static long serial = 1;
        ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
        X509_gmtime_adj(X509_getm_notBefore(x), spec.valid_from_seconds);
        X509_gmtime_adj(X509_getm_notAfter(x), spec.valid_until_seconds);
        X509_set_pubkey(x, made.key.get());
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
        X509* const signer = issuer != nullptr ? issuer->certificate.get() : x;
        X509_set_issuer_name(x, X509_get_subject_name(signer));
        add_extension(x, signer, NID_basic_constraints, spec.authority ? "critical,CA:TRUE" : "CA:FALSE");
        if (!spec.names.empty()) add_extension(x, signer, NID_subject_alt_name, spec.names);
        X509_sign(x, issuer != nullptr ? issuer->key.get() : made.key.get(), EVP_sha256());

        made.certificate_file = path(file_name + ".crt");
        made.key_file = path(file_name + ".key");
        FILE* const certificate_file = open(made.certificate_file);
        PEM_write_X509(certificate_file, x);
        std::fclose(certificate_file);
        FILE* const key_file = open(made.key_file);
        PEM_write_PrivateKey(key_file, made.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(key_file);
        return made;
    }
    Identity authority(const std::string& file_name = "ca") const {
        Spec spec;
        spec.common_name = "Flare test authority " + file_name;
        spec.names.clear();
        spec.authority = true;
        return make(file_name, spec);
    }
    std::string read(const std::string& file_name) const {
        std::ifstream in(path(file_name), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void write(const std::string& file_name, const std::string& content) const {
        FILE* const file = open(path(file_name));
        std::fwrite(content.data(), 1, content.size(), file);
        std::fclose(file);
    }

private:
    static void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
        X509V3_CTX context;
        X509V3_set_ctx_nodb(&context);
        X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
        X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
        if (extension == nullptr) throw std::runtime_error("extension " + value);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    static FILE* open(const std::string& path) {
        FILE* const file = std::fopen(path.c_str(), "w");
        if (file == nullptr) throw std::runtime_error(path);
        std::filesystem::permissions(path, std::filesystem::perms(0600));  // keys are refused when others may use them
        return file;
    }

    std::filesystem::path folder_;
};

}  // namespace flare::test
