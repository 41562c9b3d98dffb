#include "transport/tls/chain.hpp"

#include "base/owned.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <utility>

namespace flare::transport::tls {
namespace {

using Kind = ChainFault::Kind;
using Memory = base::Owned<BIO, BIO_free>;

std::string content_of_memory(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string date_of(const ASN1_TIME* time) {
    const Memory out(BIO_new(BIO_s_mem()));
    if (!out || ASN1_TIME_print(out.get(), time) != 1) return "an unknown time";
    return content_of_memory(out.get());
}

std::string name_of_issuer(const X509_NAME* name) {
    const Memory out(BIO_new(BIO_s_mem()));
    if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return "?";
    return content_of_memory(out.get());
}

bool is_expired(const X509* certificate) { return X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0; }
bool is_to_come(const X509* certificate) { return X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0; }

bool has_signed(X509* issuer, X509* certificate) {
    EVP_PKEY* const key = X509_get0_pubkey(issuer);
    const bool good = key != nullptr && X509_verify(certificate, key) == 1;
    ERR_clear_error();
    return good;
}

bool has_issued(X509* issuer, X509* certificate) {
    return X509_check_issued(issuer, certificate) == X509_V_OK && has_signed(issuer, certificate);
}

class Chain {
public:
    explicit Chain(const std::vector<X509*>& all) : all_(all) {}

    std::vector<ChainFault> faults() {
        for (std::size_t i = 0; i < all_.size(); ++i) {
            if (const std::string dates = date_fault(all_[i]); !dates.empty()) {
                const bool over = is_expired(all_[i]);
                add(over ? Kind::expired : Kind::not_yet_valid, i, dates,
                    over ? (i == 0 ? "replace it" : "replace it with the issuer's current certificate")
                         : "is this machine's clock right?");
            }
            if (i > 0) judge_link(i);
        }
        return std::move(faults_);
    }

private:
    // Did number i issue the one before it, and may it?
    void judge_link(std::size_t i) {
        X509* const issuer = all_[i];
        X509* const issued = all_[i - 1];
        const std::string before = number(i - 1) + " (" + subject_of(issued) + ")";
        if (X509_cmp(issuer, issued) == 0)
            return add(Kind::wrong_issuer, i, "is the same as " + number(i - 1), "remove it");
        if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(issued)) != 0) {
            for (std::size_t other = 0; other < all_.size(); ++other) {
                if (other != i && other != i - 1 && has_issued(all_[other], issued))
                    return add(Kind::out_of_order, i,
                               "stands where the issuer of " + before + " belongs, which is " + number(other),
                               "put each certificate's issuer directly after it");
            }
            return add(Kind::wrong_issuer, i, "did not issue " + before + ", which " + issuer_of(issued) + " issued",
                       "remove it, or replace it with the right issuer");
        }
        if (X509_check_ca(issuer) == 0)
            return add(Kind::wrong_issuer, i,
                       "may not issue certificates (basicConstraints), and " + before + " names it as its issuer",
                       "replace it with the CA's certificate");
        if (!has_issued(issuer, issued))
            return add(Kind::wrong_issuer, i,
                       "has the name of the issuer of " + before + ", but is another: key or signature do not fit",
                       "replace it with the CA's certificate for this key");
        // So many authorities may stand between this one and the first certificate.
        const long most = X509_get_pathlen(issuer);
        long between = 0;
        for (std::size_t k = 1; k < i; ++k) {
            if (X509_NAME_cmp(X509_get_subject_name(all_[k]), X509_get_issuer_name(all_[k])) != 0) ++between;
        }
        if (most >= 0 && between > most)
            add(Kind::wrong_issuer, i,
                "allows " + std::to_string(most) + " authorities below it, and there are " + std::to_string(between),
                "have the certificate issued by a CA that is allowed to");
    }
    void add(Kind kind, std::size_t at, const std::string& what, std::string advice) {
        faults_.push_back(
            {kind, at, number(at) + " of " + std::to_string(all_.size()) + ", " + subject_of(all_[at]) + ", " + what,
             std::move(advice)});
    }
    static std::string number(std::size_t i) { return "number " + std::to_string(i + 1); }

    const std::vector<X509*>& all_;
    std::vector<ChainFault> faults_;
};

}  // namespace

std::string subject_of(const X509* certificate) { return name_of_issuer(X509_get_subject_name(certificate)); }

std::string issuer_of(const X509* certificate) { return name_of_issuer(X509_get_issuer_name(certificate)); }

std::string date_fault(const X509* certificate) {
    if (is_expired(certificate)) return "expired on " + date_of(X509_get0_notAfter(certificate));
    if (is_to_come(certificate)) return "not valid before " + date_of(X509_get0_notBefore(certificate));
    return {};
}

std::vector<ChainFault> chain_faults(const std::vector<X509*>& chain) { return Chain(chain).faults(); }

}  // namespace flare::transport::tls
