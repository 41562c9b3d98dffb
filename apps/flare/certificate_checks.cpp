#include "certificate_checks.hpp"

#include "base/owned.hpp"
#include "phrases.hpp"

#include <boost/asio/ip/address.hpp>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <chrono>
#include <set>

namespace flare::cli {
namespace {

constexpr std::chrono::hours kWarnBefore{14 * 24};

using X509Ptr = base::Owned<X509, X509_free>;
using Seconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;

std::string name_text(const X509_NAME* name) {
    std::array<char, 256> text{};
    X509_NAME_oneline(name, text.data(), static_cast<int>(text.size()));
    return text.data();
}

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

// Every fault that OpenSSL finds, not only the first.
std::set<int> faults_of(const std::vector<X509Ptr>& chain, const transport::tls::ClientContext& trust) {
    std::set<int> faults;
    const base::Owned<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
    STACK_OF(X509)* const others = sk_X509_new_null();
    for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(others, chain[i].get());
    if (X509_STORE_CTX_init(context.get(), SSL_CTX_get_cert_store(trust.native()), chain.front().get(), others) == 1) {
        X509_STORE_CTX_set_default(context.get(), "ssl_server");
        X509_STORE_CTX_set_app_data(context.get(), &faults);
        X509_STORE_CTX_set_verify_cb(context.get(), [](int ok, X509_STORE_CTX* at) {
            if (ok != 1)
                static_cast<std::set<int>*>(X509_STORE_CTX_get_app_data(at))->insert(X509_STORE_CTX_get_error(at));
            return 1;
        });
        X509_verify_cert(context.get());
    }
    sk_X509_free(others);
    return faults;
}

Check dates_check(const X509* certificate) {
    const std::string name = "certificate dates";
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    const Seconds from = time_of(X509_get0_notBefore(certificate));
    const Seconds until = time_of(X509_get0_notAfter(certificate));
    if (until <= now) {
        return problem(
            name, "certificate_expired",
            "the certificate expired " + span_text(now - until) + " ago, at " + date_text(until),
            "renew the certificate on the server; if this is wrong, check this machine's clock, which says " +
                date_text(now));
    }
    if (from > now) {
        return problem(name, "certificate_not_yet_valid",
                       "the certificate is not valid before " + date_text(from) + ", in " + span_text(from - now),
                       "check the clocks of this machine, which says " + date_text(now) +
                           ", and of the one that made the certificate");
    }
    const std::string good = "valid until " + date_text(until) + ", " + span_text(until - now) + " from now";
    if (until - now < kWarnBefore)
        return warning(name, "certificate_expires_soon", good, "renew the certificate on the server before then");
    return fine(name, good);
}

Check name_check(X509* certificate, const std::string& name) {
    const bool matches =
        X509_check_ip_asc(certificate, name.c_str(), 0) == 1 ||
        X509_check_host(certificate, name.c_str(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
    const std::string names = names_of(certificate);
    if (matches) return fine("certificate name", "it is for " + name + " (" + names + ")");
    return problem(
        "certificate name", "certificate_name_mismatch",
        "the certificate is for " + names + ", and " + name + " was asked for",
        "use one of its names in the address, give it with --server-name, or have a certificate made for " + name);
}

Check chain_check(const std::vector<X509Ptr>& chain, std::set<int> faults, bool own_authorities) {
    for (const int dates : {X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID}) faults.erase(dates);
    const X509* const leaf = chain.front().get();
    const std::string issuer = name_text(X509_get_issuer_name(leaf));
    if (faults.empty()) return fine("certificate chain", "issued by " + issuer + ", which is trusted");
    std::string text = "the certificate of " + name_text(X509_get_subject_name(leaf)) + ", issued by " + issuer + ": ";
    for (const int each : faults)
        text += (each == *faults.begin() ? "" : "; ") + std::string(X509_verify_cert_error_string(each));
    return problem("certificate chain", "certificate_not_trusted", text,
                   own_authorities
                       ? "--ca-file does not hold the authority that issued it: give the right file (certs/ca.crt of "
                         "the server, if scripts/generate_certs.sh made it)"
                       : "a private authority has to be named: --ca-file FILE (certs/ca.crt of the server, if "
                         "scripts/generate_certs.sh made it)");
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
        report.add(problem("certificate chain", "certificate_invalid", "the server showed no readable certificate",
                           "give the server a PEM certificate with its chain"));
        return false;
    }
    const std::size_t before = report.problems();
    report.add(chain_check(certificates, faults_of(certificates, trust), own_authorities));
    report.add(dates_check(certificates.front().get()));
    report.add(name_check(certificates.front().get(), name));
    return report.problems() == before;
}

}  // namespace flare::cli
