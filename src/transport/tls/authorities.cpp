#include "transport/tls/authorities.hpp"

#include "base/log.hpp"
#include "transport/tls/chain.hpp"
#include "transport/tls/pem.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <mutex>
#include <set>
#include <string_view>
#include <utility>

namespace flare::transport::tls {
namespace {

using BioPtr = base::Owned<BIO, BIO_free>;

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::size_t kMostTold = 256;

// Several listeners and protocols read one file, and read it again: what is wrong with it is told once.
void warn_once(std::string text) {
    static std::mutex mutex;
    static std::set<std::string> told;
    const std::lock_guard lock(mutex);
    if (told.size() >= kMostTold) told.clear();
    if (const auto [at, fresh] = told.insert(std::move(text)); fresh) base::log().warn("{}", *at);
}

// Each block of the file, so that one that is damaged takes no other with it.
std::vector<std::string_view> blocks_of(std::string_view content) {
    std::vector<std::string_view> blocks;
    for (std::size_t at = content.find(kBegin); at != content.npos;) {
        const std::size_t next = content.find(kBegin, at + kBegin.size());
        const std::string_view block = content.substr(at, next == content.npos ? next : next - at);
        if (block.substr(kBegin.size()).starts_with("CERTIFICATE-----") ||
            block.substr(kBegin.size()).starts_with("TRUSTED CERTIFICATE-----") ||
            block.substr(kBegin.size()).starts_with("X509 CERTIFICATE-----"))
            blocks.push_back(block);
        at = next;
    }
    return blocks;
}

X509Ptr parse(std::string_view block) {
    const BioPtr bio(BIO_new_mem_buf(block.data(), static_cast<int>(block.size())));
    X509Ptr certificate(bio ? PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr) : nullptr);
    ERR_clear_error();
    return certificate;
}

struct Fault {
    errc code;
    std::string text;
};

Failure none_usable(const std::string& path, const std::vector<Fault>& faults) {
    const std::string begin = "certificate " + path + ": ";
    if (faults.empty())
        return {errc::certificate_invalid,
                begin + "no PEM certificate in it (a line -----BEGIN CERTIFICATE----- is needed)"};
    const Fault& first = faults.front();
    const std::string text = (faults.size() == 1 ? "" : "contains no usable CA: ") + first.text;
    if (first.code == errc::certificate_expired) return {first.code, begin + text + "; replace it"};
    const bool dates = first.text.find("not valid before") != first.text.npos;
    return {first.code, begin + text + (dates ? "; is this machine's clock right?" : "")};
}

}  // namespace

Checked<std::vector<X509Ptr>> read_authorities(const std::string& path) {
    std::string content;
    Failure failure{errc::internal};
    if (!read_pem(path, "certificate", content, failure)) return failure;
    std::vector<X509Ptr> good;
    std::vector<Fault> faults;
    const auto blocks = blocks_of(content);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        X509Ptr certificate = parse(blocks[i]);
        if (!certificate) {
            faults.push_back({errc::certificate_invalid, blocks.size() == 1
                                                             ? "a certificate in it is damaged"
                                                             : "number " + std::to_string(i + 1) + " is damaged"});
            continue;
        }
        const std::string dates = date_fault(certificate.get());
        if (dates.empty()) {
            good.push_back(std::move(certificate));
            continue;
        }
        faults.push_back({dates.starts_with("expired") ? errc::certificate_expired : errc::certificate_invalid,
                          blocks.size() == 1 ? dates : subject_of(certificate.get()) + ", " + dates});
    }
    if (good.empty()) return none_usable(path, faults);
    for (const Fault& each : faults)
        warn_once("certificate " + path + ": a CA in it is ignored, the others are used: " + each.text);
    return good;
}

Checked<std::string> read_authorities_pem(const std::string& path) {
    const auto authorities = read_authorities(path);
    if (!authorities) return authorities.error();
    const BioPtr out(BIO_new(BIO_s_mem()));
    for (const X509Ptr& each : *authorities) {
        if (!out || PEM_write_bio_X509(out.get(), each.get()) != 1)
            return Failure(errc::internal, "OpenSSL cannot write a certificate");
    }
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace flare::transport::tls
