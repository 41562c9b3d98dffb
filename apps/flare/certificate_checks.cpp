#include "certificate_checks.hpp"

#include "base/owned.hpp"
#include "phrases.hpp"
#include "transport/tls/chain.hpp"

#include <boost/asio/ip/address.hpp>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace flare::cli {
namespace {

constexpr std::chrono::hours kWarnBefore{14 * 24};
constexpr std::size_t kMostFaults = 8;

using X509Ptr = base::Owned<X509, X509_free>;
using Seconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

Seconds time_of(const ASN1_TIME* time) {
    std::tm parts{};
    ASN1_TIME_to_tm(time, &parts);
    return Seconds(std::chrono::seconds(timegm(&parts)));
}

// What the certificate may be used for: "localhost, 127.0.0.1".
std::string names_of(const X509* certificate) {
    const base::Owned<GENERAL_NAMES, GENERAL_NAMES_free> names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    std::string text;
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* const each = sk_GENERAL_NAME_value(names.get(), i);
        std::string name;
        if (each->type == GEN_DNS) {
            name.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(each->d.dNSName)),
                        static_cast<std::size_t>(ASN1_STRING_length(each->d.dNSName)));
        } else if (each->type == GEN_IPADD) {
            const unsigned char* const bytes = ASN1_STRING_get0_data(each->d.iPAddress);
            if (ASN1_STRING_length(each->d.iPAddress) == 4) {
                boost::asio::ip::address_v4::bytes_type raw{};
                std::copy_n(bytes, raw.size(), raw.begin());
                name = boost::asio::ip::address_v4(raw).to_string();
            } else if (ASN1_STRING_length(each->d.iPAddress) == 16) {
                boost::asio::ip::address_v6::bytes_type raw{};
                std::copy_n(bytes, raw.size(), raw.begin());
                name = boost::asio::ip::address_v6(raw).to_string();
            }
        }
        if (!name.empty()) text += (text.empty() ? "" : ", ") + name;
    }
    return text.empty() ? "no name at all" : text;
}

struct TrustFault {
    int error = X509_V_OK;
    int depth = 0;
    std::string subject;  // of the certificate that it is about
    std::string dates;    // what is wrong with them
};

// Every fault that OpenSSL finds on the way to an authority, not only the first.
std::vector<TrustFault> faults_of(const std::vector<X509Ptr>& chain, const transport::tls::ClientContext& trust) {
    std::vector<TrustFault> faults;
    const base::Owned<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
    STACK_OF(X509)* const others = sk_X509_new_null();
    for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(others, chain[i].get());
    if (X509_STORE_CTX_init(context.get(), SSL_CTX_get_cert_store(trust.native()), chain.front().get(), others) == 1) {
        X509_STORE_CTX_set_default(context.get(), "ssl_server");
        X509_STORE_CTX_set_app_data(context.get(), &faults);
        X509_STORE_CTX_set_verify_cb(context.get(), [](int ok, X509_STORE_CTX* at) {
            if (ok == 1) return 1;
            TrustFault fault;
            fault.error = X509_STORE_CTX_get_error(at);
            fault.depth = X509_STORE_CTX_get_error_depth(at);
            if (const X509* const certificate = X509_STORE_CTX_get_current_cert(at)) {
                fault.subject = transport::tls::subject_of(certificate);
                fault.dates = transport::tls::date_fault(certificate);
            }
            auto& all = *static_cast<std::vector<TrustFault>*>(X509_STORE_CTX_get_app_data(at));
            if (all.size() < kMostFaults) all.push_back(std::move(fault));
            return 1;
        });
        X509_verify_cert(context.get());
    }
    sk_X509_free(others);
    return faults;
}

bool is_about_dates(const TrustFault& fault) {
    return fault.error == X509_V_ERR_CERT_HAS_EXPIRED || fault.error == X509_V_ERR_CERT_NOT_YET_VALID;
}

// Of each certificate that was sent, the first fault counts: it is the one to repair.
Check dates_check(const std::vector<X509Ptr>& chain) {
    const std::string name = "certificate dates";
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    Seconds first_end = Seconds::max();
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const Seconds from = time_of(X509_get0_notBefore(chain[i].get()));
        const Seconds until = time_of(X509_get0_notAfter(chain[i].get()));
        first_end = std::min(first_end, until);
        const std::string which = i == 0 ? "the certificate"
                                         : "certificate " + std::to_string(i + 1) + " of the " +
                                               std::to_string(chain.size()) + " that the server sends, " +
                                               transport::tls::subject_of(chain[i].get()) + ",";
        if (until <= now) {
            const std::string renew = i == 0 ? "renew the certificate on the server"
                                             : "install the current certificate of this issuer on the server, after "
                                               "the server's own in the same file";
            return problem(name, "certificate_expired",
                           which + " expired " + span_text(now - until) + " ago, at " + date_text(until),
                           renew + "; if this is wrong, check this machine's clock, which says " + date_text(now));
        }
        if (from > now) {
            return problem(name, "certificate_not_yet_valid",
                           which + " is not valid before " + date_text(from) + ", in " + span_text(from - now),
                           "check the clock of this machine, which says " + date_text(now) +
                               ", and of the one that made the certificate");
        }
    }
    const std::string good = "valid until " + date_text(first_end) + ", " + span_text(first_end - now) + " from now";
    if (first_end - now < kWarnBefore)
        return warning(name, "certificate_expires_soon", good, "renew the certificate on the server before then");
    return fine(name, good);
}

Check name_check(X509* certificate, const std::string& name) {
    const bool matches =
        X509_check_ip_asc(certificate, name.c_str(), 0) == 1 ||
        X509_check_host(certificate, name.c_str(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
    const std::string names = names_of(certificate);
    if (matches) return fine("certificate name", "issued for " + name + " (" + names + ")");
    return problem(
        "certificate name", "certificate_name_mismatch", "the certificate is for " + names + ", not for " + name,
        "use one of its names in the address, give it with --server-name, or have a certificate made for " + name);
}

// What whoever runs the client or the server does about the first fault.
std::string trust_advice(const std::vector<X509Ptr>& chain, const TrustFault& fault, bool own_authorities) {
    if (is_about_dates(fault))
        return own_authorities
                   ? "replace the CA certificate in --ca-file, and have the server's certificate issued by the new CA"
                   : "update this system's CA certificates; if they are up to date, check this machine's clock";
    if (fault.error == X509_V_ERR_CERT_SIGNATURE_FAILURE || fault.error == X509_V_ERR_INVALID_CA ||
        fault.error == X509_V_ERR_PATH_LENGTH_EXCEEDED)
        return "install the chain that the CA issued on the server: each certificate followed by its issuer's";
    const std::string file =
        own_authorities
            ? "--ca-file does not contain the CA that issued it: give the right file (the server's certs/ca.crt, if "
              "`flare certs make` made it)"
            : "a private CA must be named: --ca-file FILE (the server's certs/ca.crt, if `flare certs make` made it)";
    const bool issuer_missing = fault.error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                                fault.error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
    if (!issuer_missing) return file;
    return file + "; or the server does not send the certificate of " + transport::tls::issuer_of(chain.back().get()) +
           ": append it to the server's own, in the same file";
}

Check chain_check(const std::vector<X509Ptr>& chain, const std::vector<TrustFault>& found, bool own_authorities) {
    const std::string name = "certificate chain";
    const X509* const leaf = chain.front().get();
    const std::string issuer = transport::tls::issuer_of(leaf);
    // Dates of what was sent have a check of their own.
    std::vector<TrustFault> faults;
    for (const TrustFault& each : found) {
        const bool sent = std::any_of(chain.begin(), chain.end(), [&](const X509Ptr& certificate) {
            return transport::tls::subject_of(certificate.get()) == each.subject &&
                   transport::tls::date_fault(certificate.get()) == each.dates;
        });
        if (!is_about_dates(each) || !sent) faults.push_back(each);
    }
    if (!faults.empty()) {
        std::string text = "the certificate of " + transport::tls::subject_of(leaf) + ", issued by " + issuer + ": ";
        for (std::size_t i = 0; i < faults.size(); ++i) {
            text += (i == 0 ? "" : "; ") + std::string(X509_verify_cert_error_string(faults[i].error));
            if (is_about_dates(faults[i])) text += " (" + faults[i].subject + ", " + faults[i].dates + ")";
        }
        return problem(name, "certificate_not_trusted", text, trust_advice(chain, faults.front(), own_authorities));
    }
    std::vector<X509*> sent;
    for (const X509Ptr& each : chain) sent.push_back(each.get());
    for (const auto& fault : transport::tls::chain_faults(sent)) {
        using enum transport::tls::ChainFault::Kind;
        if (fault.kind == out_of_order || fault.kind == wrong_issuer)
            return warning(
                name, "certificate_chain_order",
                "trusted here, but other clients will refuse the server's chain because it is out of order: " +
                    fault.text,
                fault.advice);
    }
    return fine(name, "issued by " + issuer + ", which is trusted");
}

}  // namespace

bool check_certificates(Report& report, const std::vector<std::string>& chain,
                        const transport::tls::ClientContext& trust, const std::string& name, bool own_authorities) {
    std::vector<X509Ptr> certificates;
    for (const std::string& der : chain) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
        certificates.emplace_back(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
        if (!certificates.back()) certificates.pop_back();
    }
    if (certificates.empty()) {
        report.add(problem("certificate chain", "certificate_invalid", "the server sent no readable certificate",
                           "configure the server with a PEM certificate and its chain"));
        return false;
    }
    const std::size_t before = report.problems();
    report.add(chain_check(certificates, faults_of(certificates, trust), own_authorities));
    report.add(dates_check(certificates));
    report.add(name_check(certificates.front().get(), name));
    return report.problems() == before;
}

}  // namespace flare::cli
