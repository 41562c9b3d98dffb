#include "transport/tls/pem.hpp"

#include "base/file.hpp"

#include <openssl/crypto.h>

#include <cstddef>
#include <utility>

namespace flare::transport::tls {
namespace {

constexpr std::size_t kMaxFileBytes =
    4 * 1024 * 1024;  // larger is no PEM file of ours; the system's CA bundle has 220 KB

}  // namespace

// Some put the key behind their certificate.
bool read_pem(const std::string& path, const char* what, std::string& content, Failure& failure) {
    auto contents = base::read_text(path, what, kMaxFileBytes);
    if (!contents) {
        failure = contents.error();
        if (failure.code == errc::file_not_found) failure.text += "; `flare certs make` makes a test set";
        if (failure.code == errc::invalid_config) failure.code = errc::certificate_invalid;
        return false;
    }
    content = std::move(contents->bytes);
    if (content.empty()) {
        failure = {errc::certificate_invalid, std::string(what) + " " + path + ": the file is empty"};
        return false;
    }
    if (!contents->exposed || content.find("PRIVATE KEY-----") == content.npos) return true;
    failure = std::move(*contents->exposed);
    OPENSSL_cleanse(content.data(), content.size());
    return false;
}

}  // namespace flare::transport::tls
