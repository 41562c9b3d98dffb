#include "server/sealing.hpp"

#include "base/file.hpp"
#include "base/log.hpp"
#include "wire/base64.hpp"

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
    return Failure(
        errc::certificate_invalid,
        "sealing_key " + path +
            ": needs 1 to 8 lines, each a key of 32 bytes in base64; `flare certs sealing-key FILE` makes one");
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

}  // namespace flare::server
